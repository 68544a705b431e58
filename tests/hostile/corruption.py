"""Valid files made wrong: a seeded source of corrupted JSON, TOML, CSV and bytes.

A corruption knows the structure of what it spoils: it puts an evil value where a good one stood,
takes keys away, doubles them, moves them, nests them. Some of the results are then cut, flipped or
encoded again as bytes.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

#: Stands for text that JSON's writer would not write; its number says which.
_RAW = re.compile(r'"<raw (\d+)>"')
#: Tokens that are no JSON, or JSON that no double holds.
RAW_TOKENS = (
    "NaN",
    "-Infinity",
    "1e400",
    "-1e400",
    "1e-400",
    "9" * 5000,
    "0x10",
    "01",
    "1,5",
    '"\\ud800"',
    '"\\u0000"',
    "[" * 5000 + "]" * 5000,
    '{"a":1,"a":2}',
    "[1,]",
    "'text'",
    "/* */ 1",
)
#: Values that JSON can hold and hardly any field wants.
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    3,
    63,
    2**31,
    2**63,
    -(2**63) - 1,
    10**25,
    10**299,
    0.5,
    -0.0,
    1e-300,
    5e-324,
    1.7e308,
    1e16,
    "",
    " ",
    "x" * 3000,
    "nan",
    "1,5",
    "0",
    "../../../etc/passwd",
    "/dev/zero",
    "a\nb",
    "\x1b[31mred\x1b[0m",
    "\u202etxt",
    "naïve ψ 😀",
    "{0.__class__}",
    "%s%n",
    "$(touch x)",
    "__import__('os').system('x')",
    [],
    {},
    [[]],
    [None],
    [0.5, 0.5],
    ["x"] * 200,
    {"": 1},
    {"__type__": "BitArray", "__value__": {}},
    {"__class__": {"__init__": 1}},
)
#: The same for a line of TOML.
TOML_TOKENS = (
    *("nan", "-inf", "1e400", "1,5", "0x" + "f" * 400, "9" * 5000, "-1", "0", "1e-300", "1e300"),
    *("true", '""', "[]", "{}", "[[1]]", "2020-01-01", "07:32:00", '"\\u0000"', '"\\ud800"', "'a"),
    *(
        '"""\n"""',
        "[" * 3000 + "]" * 3000,
        "{ a.b.c.d = 1 }",
        '"auto"',
        "1_0",
        "1__0",
        "3.",
        "=",
        "",
    ),
    *(
        '"\\u001b[31m"',
        '"' + "x" * 3000 + '"',
        "99999999",
        "2147483648",
        "[0, 0]",
        "[1e308, 1e308]",
    ),
)
#: The same for a cell of CSV.
CELLS = (
    *("", " ", "nan", "inf", "-inf", "1e400", "-1", "0", "1,5", "1.5.5", "1_000", "0x10", "٣", "½"),
    *(
        "x" * 300,
        '"',
        '""',
        "0:1;1:2",
        "0_1:0.1;0_1:0.2",
        "1:",
        ":",
        ";;;",
        "9" * 400,
        "\x00",
        "\r",
    ),
    *("\x1b[31m", "=cmd|' /C calc'!A0", "1e308", "1e-320", "0_0:0.1", "999999:0.1", "0:nan"),
)


def spoiled_json(rng: random.Random, good: Any) -> bytes:
    """Text of JSON content after one to three corruptions of its tree."""
    tree = copy.deepcopy(good)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        tree = _spoiled_tree(rng, tree)
    indent = rng.choice((None, 1))
    text = json.dumps(tree, indent=indent, ensure_ascii=rng.random() < 0.5)
    text = _RAW.sub(lambda found: RAW_TOKENS[int(found[1])], text)
    return _maybe_bytes(rng, text)


def spoiled_toml(rng: random.Random, good: str) -> bytes:
    """An experiment file after one to three corruptions of its lines."""
    lines = good.splitlines()
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        key, equals, _ = lines[at].partition("=")
        match rng.randrange(7):
            case 0 | 1 | 2 if equals:
                lines[at] = f"{key}= {rng.choice(TOML_TOKENS)}"
            case 3 if equals:
                lines[at] = f"{rng.choice(_KEYS)} = {rng.choice(TOML_TOKENS)}"
            case 4:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 5:
                del lines[at]
                lines = lines or [""]
            case _:
                lines.insert(at, rng.choice(_TOML_LINES))
    return _maybe_bytes(rng, rng.choice(("\n", "\n", "\r\n")).join(lines))


def spoiled_csv(rng: random.Random, good: str) -> bytes:
    """A dashboard's table after one to three corruptions of its cells."""
    rows = [line.split(",") for line in good.splitlines()]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        row = rng.choice(rows)
        at = rng.randrange(len(row)) if row else 0
        match rng.randrange(6):
            case 0 | 1 | 2 if row:
                row[at] = rng.choice(CELLS)
            case 3 if row:
                del row[at]
            case 4:
                rows.append(list(row))
            case _:
                row.insert(at, rng.choice(CELLS))
    return _maybe_bytes(rng, "\n".join(map(",".join, rows)))


def spoiled_bytes(rng: random.Random, data: bytes) -> bytes:
    """Bytes after one corruption that knows nothing of what they mean."""
    if not data:
        return b"\0"
    a, b = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    match rng.randrange(8):
        case 0:
            return data[:a]
        case 1:
            return data[:a] + bytes([data[a] ^ 1 << rng.randrange(8)]) + data[a + 1 :]
        case 2:
            return data[:a] + data[b:]
        case 3:
            return data[:b] + data[a:]
        case 4:
            return data[:a] + rng.randbytes(rng.randrange(1, 9)) + data[a:]
        case 5:
            return data[:a] + b"\0" * (b - a) + data[b:]
        case 6:
            return data + data
        case _:
            return data[b:] + data[:a]


_ENCODINGS: tuple[Callable[[str], bytes], ...] = (
    lambda text: text.encode("utf-16"),
    lambda text: text.encode("utf-32"),
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.encode("latin-1", "replace"),
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: text.replace("\n", "\r").encode(),
    lambda text: re.sub(r"(\d)\.(\d)", r"\1,\2", text).encode(),
)
_KEYS = (
    "n_cells",
    "rate",
    "occupation",
    "kind",
    "seed",
    "x" * 300,
    '"\\u001b[31m"',
    '"a\\nb"',
    "a.b",
)
_TOML_LINES = (
    *("[bath]", "[[bath]]", "[sweep.a]", "[chip]", "[a.b.c.d.e]", "[", "]", "x", "\x00", "#\x7f"),
    *("[collision]", "[noise]", "[bath.envelope]", "[[bath.extra_jumps]]", 'field = "bath.rate"'),
    *('mode = "collision"', "values = [1, 2]", ".".join("a" * 400) + " = 1", "levels = 8"),
)


def _maybe_bytes(rng: random.Random, text: str) -> bytes:
    """The text encoded: mostly as it should be."""
    chance = rng.random()
    if chance < 0.1:
        return rng.choice(_ENCODINGS)(text)
    data = text.encode("utf-8", "surrogatepass")
    return spoiled_bytes(rng, data) if chance < 0.25 else data


def _spoiled_tree(rng: random.Random, tree: Any) -> Any:
    holders = list(_holders(tree))
    if not holders:
        return rng.choice(VALUES)
    holder = rng.choice(holders)
    key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match rng.randrange(9):
        case 0 | 1 | 2:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        case 3:
            holder[key] = f"<raw {rng.randrange(len(RAW_TOKENS))}>"
        case 4:
            del holder[key]
        case 5:
            holder[key] = [holder[key]] * rng.choice((1, 2, 50))
        case 6 if isinstance(holder, dict):
            holder[rng.choice(("", "x" * 2000, "a\nb", "\x1b[2J", key + " "))] = holder[key]
        case 6:
            holder.append(copy.deepcopy(holder[key]))
        case 7:
            other = rng.choice(holders)
            if other is not holder:
                holder[key] = copy.deepcopy(other)
        case _:
            holder[key] = json.dumps(holder[key])[:2000]
    return tree


def _holders(tree: Any) -> Iterator[Any]:
    """Every object and list that holds something."""
    if isinstance(tree, (dict, list)) and tree:
        yield tree
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _holders(child)
