"""What a page of the documentation holds besides prose: its code blocks and its `qbat` commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import typer

from qbat_circuits.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))

_FENCE = re.compile(r"^```([\w{}-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w-]+\.(?:toml|py))\b")
_COMMAND = re.compile(r"`(qbat(?: [^`]+)?)`")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line of its fence, and the file it names."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """Name in the first line, ``# NAME.toml`` or ``# NAME.py``."""
        named = _NAMED.match(self.text)
        return named[1] if named else None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(text)
    ]


def commands(page: Path) -> Iterator[str]:
    """Every `qbat` command of a page, in prose and in blocks."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (" ".join(match.split()) for match in _COMMAND.findall(prose))
    for block in blocks(page):
        if block.language in ("", "sh", "console"):
            lines = block.text.replace("\\\n", " ").splitlines()
            yield from (ln.removeprefix("$ ") for ln in lines if re.match(r"(\$ )?qbat ", ln))


def unknown_options(command: str) -> list[str]:
    """What a `qbat` command says that the real one does not know."""
    words = re.sub(r"[\[\]|]", " ", command).split()[1:]
    found: Any = typer.main.get_command(app)
    path = "qbat"
    while words and hasattr(found, "commands"):
        if words[0] in found.commands:
            path = f"{path} {words[0]}"
            found = found.commands[words.pop(0)]
        elif path == "qbat sweep" and words[0] not in ("-h", "--help"):
            found = found.commands["run"]  # `qbat sweep FILE` is short for it
        elif words[0].startswith("-"):
            break
        else:
            return [words[0]]
    known = {name for parameter in found.params for name in parameter.opts} | {"--help", "-h"}
    if path == "qbat":
        known |= {"--install-completion", "--show-completion"}
    return [word for word in words if re.match(r"--?[a-z]", word) and word not in known]


def run_python(code: str, names: dict[str, Any], file: Path, line: int) -> None:
    """Run a block; an expression with a value in its comment, ``work  # 0.1429``, must have it."""
    lines = code.splitlines()
    tree = ast.parse("\n" * line + code, str(file))
    for statement in tree.body:
        if not isinstance(statement, ast.Expr):
            module = ast.Module([statement], [])
            exec(compile(module, str(file), "exec"), names)
            continue
        value = eval(compile(ast.Expression(statement.value), str(file), "eval"), names)
        last = statement.end_lineno - line - 1
        behind = lines[last].encode()[statement.end_col_offset :].decode()
        said = re.fullmatch(r"\s*# (.+)", behind)
        if said and _is_literal(said[1]):
            assert agrees(value, said[1]), f"{file}:{last + line + 1}: {value!r}, not {said[1]}"


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return False
    return True


def agrees(value: Any, text: str) -> bool:
    """Whether a value is what a comment says, numbers to the last digit that is written there."""
    said = _flat(ast.literal_eval(text))
    units = [Decimal(number) for number in re.findall(r"-?\d*\.?\d+(?:e[-+]?\d+)?", text)]
    digits = iter(10.0 ** unit.as_tuple().exponent for unit in units)
    found = _flat(value)
    if len(found) != len(said):
        return False
    for one, other in zip(found, said, strict=True):
        if isinstance(other, bool | str | None.__class__):
            if one != other:
                return False
        elif not abs(one - other) <= 0.501 * next(digits):
            return False
    return True


def _flat(value: Any) -> list[Any]:
    """The scalars of nested tuples, lists, dictionaries and arrays, in order."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        value = [item for pair in value.items() for item in pair]
    if isinstance(value, list | tuple):
        return [scalar for item in value for scalar in _flat(item)]
    return [value]
