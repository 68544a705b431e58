"""From bit strings by Pauli setting to a table of counts, with every check and limit of both.

A label has one letter X, Y or Z per cell, a bit string one digit per cell; in both the leftmost
character belongs to cell N-1. A file may hold them the other way round, or more digits than cells:
`table_of` is told so, it never guesses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.errors import InputError, broken_rule, check_integer, shown

IntTable = NDArray[np.int64]

#: Most shots of one setting; beyond it the sampling without replacement of the analysis ends.
MAX_SHOTS = 10**9 - 1
#: Most cells of counts; schemes with few settings go beyond the limit of full tomography.
MAX_COUNTS_CELLS = 10
#: Most cells of counts with three readings per cell (3^6 = 729 columns).
MAX_THREE_OUTCOME_CELLS = 6
#: Largest table that is read from a file (134 MB; all 3^8 settings of 8 cells take a tenth).
MAX_TABLE_ENTRIES = 2**24
#: Most bits of one shot, of which some are the cells.
MAX_BITS = 4096


def check_outcomes(outcomes: object) -> int:
    """Readings per cell: 2, or 3 where leaked cells are seen."""
    return check_integer("outcomes", outcomes, at_least=2, at_most=3)


def check_cells(n_cells: object, outcomes: int = 2) -> int:
    """Number of cells, within the limit of the counts' number of outcomes."""
    n = check_integer("n_cells", n_cells, at_least=1)
    most = MAX_COUNTS_CELLS if outcomes == 2 else MAX_THREE_OUTCOME_CELLS
    if n > most:
        raise InputError(
            f"'n_cells' must be <= {most} for counts of {outcomes} outcomes, not {shown(n)}."
        )
    return n


def check_settings(
    settings: Sequence[str], n_cells: int | None, field: str = "settings", at_least: int = 1
) -> tuple[str, ...]:
    """Distinct Pauli labels of N letters each (as many as the first if N is None), as a tuple.

    Raises:
        InputError: naming the label that breaks the rule.
    """
    if isinstance(settings, str) or not isinstance(settings, Sequence):
        raise broken_rule(field, "a list of Pauli labels", settings)
    labels = tuple(settings)
    if len(labels) < at_least:
        raise InputError(f"'{field}' must hold at least one setting.")
    if n_cells is None:
        n_cells = max([1, *(len(label) for label in labels[:1] if isinstance(label, str))])
    for label in labels:
        _check_label(label, n_cells, field)
    for label, number in Counter(labels).most_common(1):
        if number > 1:
            raise InputError(f"'{field}' must name {label!r} once, not {number} times.")
    return labels


def check_positions(cells: object) -> tuple[int, ...]:
    """Distinct whole numbers, at least one: cells, or the bits (below 4096) that stand for them."""
    if isinstance(cells, str) or not isinstance(cells, (Sequence, np.ndarray)) or not len(cells):
        raise broken_rule("cells", "a list of different whole numbers", cells)
    chosen = tuple(check_integer("cells", cell, at_least=0, at_most=MAX_BITS - 1) for cell in cells)
    if len(set(chosen)) < len(chosen):
        raise broken_rule("cells", "a list of different whole numbers", list(chosen))
    return chosen


def check_table_size(n_settings: int, n_cells: int, outcomes: int = 2) -> None:
    """Refuse a table that a small file could blow up, before it is made."""
    if n_settings * outcomes**n_cells > MAX_TABLE_ENTRIES:
        most = MAX_TABLE_ENTRIES // outcomes**n_cells
        raise InputError(
            f"'settings' must hold at most {most} settings of {n_cells} cells, not {n_settings}."
        )


def check_draws(draws: object, settings: Sequence[str], table: IntTable) -> IntTable | None:
    """Counts of each draw, shape (S, R, K^N), that add up to the table of these settings.

    Returns:
        The same, read-only; None for None, and where every draw has one shot, which is the same.

    Raises:
        InputError: if they do not add up, or a draw of a setting has more shots than another.
    """
    if draws is None:
        return None
    try:
        given = np.asarray(draws)
    except ValueError:  # lines of different length
        raise InputError("'draws' must be an array of whole numbers.") from None
    if given.ndim != 3 or given.shape[::2] != table.shape or given.dtype.kind not in "iu":
        rule = f"({table.shape[0]}, draws, {table.shape[1]})"
        raise InputError(
            f"'draws' must hold whole numbers in the shape {rule}, not {given.dtype} in "
            f"{given.shape}."
        )
    found = given.astype(np.int64)
    wrong = np.flatnonzero(np.any(found.sum(axis=1) != table, axis=1) | np.any(found < 0, (1, 2)))
    if len(wrong):
        raise InputError(
            f"'draws' of {settings[wrong[0]]} must be counts that add up to its counts."
        )
    shots = found.sum(axis=2)
    uneven = np.flatnonzero(shots.min(axis=1) < shots.max(axis=1))
    if len(uneven):
        low, high = int(shots[uneven[0]].min()), int(shots[uneven[0]].max())
        raise InputError(
            f"'draws' of {settings[uneven[0]]} must have equal shots each, not {low} to {high}."
        )
    found.flags.writeable = False
    return None if shots.max() == 1 else found


def check_draws_size(n_settings: int, draws: int, n_cells: int, outcomes: int = 2) -> None:
    """Refuse draws that a small file could blow up, before their array is made."""
    if n_settings * draws * outcomes**n_cells > MAX_TABLE_ENTRIES:
        most = MAX_TABLE_ENTRIES // (n_settings * outcomes**n_cells)
        raise InputError(
            f"'draws' must hold at most {most} draws of {n_settings} settings of {n_cells} cells, "
            f"not {draws}."
        )


def added_up(
    counts: IntTable, n_cells: int, outcomes: int, kept: Sequence[int], lines: Sequence[int]
) -> IntTable:
    """Counts of some digits of the readings, whatever the others are, added up by line.

    Args:
        counts: by reading, shape (S, ..., K^N).
        n_cells: number of digits N.
        outcomes: readings K per cell.
        kept: places of the digits that are left, counted from the left, in their new order.
        lines: the new row of each row, shape (S,).
    """
    others = [place for place in range(n_cells) if place not in kept]
    digits = counts.reshape(-1, *(outcomes,) * n_cells)
    order = [0, *(1 + place for place in (*kept, *others))]
    size = outcomes ** len(kept)
    rows = digits.transpose(order).reshape(-1, size, outcomes ** len(others)).sum(axis=2)
    found = np.zeros((max(lines) + 1, *counts.shape[1:-1], size), dtype=np.int64)
    np.add.at(found, list(lines), rows.reshape(*counts.shape[:-1], size))
    return found


def bit_strings(n_cells: int, outcomes: int = 2) -> list[str]:
    """The names of the table's columns, such as "00", "01", "10", "11"."""
    return ["".join(digits) for digits in product("012"[:outcomes], repeat=n_cells)]


def table_of(
    rows: Mapping[str, object],
    n_cells: int,
    outcomes: int = 2,
    *,
    reverse: bool = False,
    cells: tuple[int, ...] | None = None,
) -> tuple[tuple[str, ...], IntTable]:
    """Settings and their table, from ``{label: {bit string: count}}``.

    Args:
        rows: counts by bit string, by label.
        n_cells: number of cells N.
        outcomes: readings K per cell.
        reverse: whether the leftmost letter and bit are those of cell 0.
        cells: which digits of the bit strings are cells 0..N-1, counted from the right (from the
            left with `reverse`); the others are summed over. By default there are no others. All
            strings have the width of the first.

    Returns:
        The labels, leftmost letter for cell N-1, and the table of shape (len(labels), K^N).

    Raises:
        InputError: naming the setting, the rule and the value, as they were written.
    """
    if not isinstance(rows, Mapping) or not rows:
        rule = "an object of settings, each with its counts by bit string"
        raise broken_rule("settings", rule, rows)
    for label in rows:
        _check_label(label, n_cells)
    width = n_cells if cells is None else _width(rows, cells)
    check_table_size(len(rows), n_cells, outcomes)
    table = np.zeros((len(rows), outcomes**n_cells), dtype=np.int64)
    for line, (label, row) in zip(table, rows.items(), strict=True):
        line[:] = counts_of(f"settings.{label}", row, n_cells, outcomes, width, reverse, cells)
    empty = [label for label, line in zip(rows, table, strict=True) if not line.any()]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(rows)} settings have no shots yet, the first of them is "
            f"{empty[0]!r}."
        )
    labels = tuple(label[::-1] if reverse else label for label in rows)
    return labels, table


def counts_of(
    field: str,
    row: object,
    n_cells: int,
    outcomes: int = 2,
    width: int | None = None,
    reverse: bool = False,
    cells: tuple[int, ...] | None = None,
) -> IntTable:
    """One line of the table, shape (K^N,), from ``{bit string: count}``; see `table_of`."""
    width = n_cells if width is None else width
    if not isinstance(row, Mapping):
        raise broken_rule(field, "an object of counts by bit string", row)
    line = [0] * outcomes**n_cells
    allowed = set("012"[:outcomes])
    for bits, count in row.items():
        if not isinstance(bits, str) or len(bits) != width or set(bits) - allowed:
            digits = "0 and 1" if outcomes == 2 else "0, 1 and 2"
            raise broken_rule(field, f"counts by bit strings of {width} digits {digits}", bits)
        number = check_integer(f"{field}.{bits}", count, at_least=0, at_most=MAX_SHOTS)
        little = bits[::-1] if reverse else bits
        if cells is not None:
            little = "".join(little[-1 - cell] for cell in reversed(cells))
        line[int(little, outcomes)] += number
    return np.array(line, dtype=np.int64)


def draws_of(
    field: str,
    rows: Mapping[str, object],
    n_cells: int,
    outcomes: int = 2,
    reverse: bool = False,
    cells: tuple[int, ...] | None = None,
) -> IntTable:
    """Counts of each draw, shape (S, R, K^N), from ``{label: [{bit string: count}, ...]}``.

    Args:
        field: what a sentence about a broken rule calls the rows.
        rows, n_cells, outcomes, reverse, cells: see `table_of`.

    Raises:
        InputError: naming the setting, the draw, the rule and the value.
    """
    flat = flat_draws(field, rows, n_cells, outcomes)
    width = n_cells if cells is None else _width(flat, cells)
    lines = [
        counts_of(name, row, n_cells, outcomes, width, reverse, cells) for name, row in flat.items()
    ]
    return np.array(lines).reshape(len(rows), -1, outcomes**n_cells)


def flat_draws(
    field: str, rows: Mapping[str, object], n_cells: int, outcomes: int = 2
) -> dict[str, object]:
    """The counts of each draw by a name such as "draws.XX[3]", setting by setting.

    Raises:
        InputError: if a setting has no list of draws, or not as many as the first, or they are
            more than a table may hold.
    """
    found: dict[str, object] = {}
    expected = 0
    for label, draws in rows.items():
        if not isinstance(draws, Sequence) or isinstance(draws, str) or not draws:
            raise broken_rule(f"{field}.{label}", "a list of draws, each with its counts", draws)
        expected = expected or len(draws)
        check_draws_size(len(rows), expected, n_cells, outcomes)
        if len(draws) != expected:
            rule = f"have {expected} draws, as many as the first setting"
            raise InputError(f"'{field}.{label}' must {rule}, not {len(draws)}.")
        found |= {f"{field}.{label}[{number}]": row for number, row in enumerate(draws)}
    return found


def _width(rows: Mapping[str, object], cells: tuple[int, ...]) -> int:
    """Digits of the first bit string, at least as many as the cells need."""
    strings = (bits for row in rows.values() if isinstance(row, Mapping) for bits in row)
    first = next(strings, "")
    return max(1 + max(cells), len(first) if isinstance(first, str) else 0)


def _check_label(label: object, n_cells: int, field: str = "settings") -> None:
    if not isinstance(label, str) or len(label) != n_cells or set(label) - set("XYZ"):
        letters = "letter" if n_cells == 1 else "letters"
        raise broken_rule(field, f"Pauli labels of {n_cells} {letters} X, Y, Z", label)


def some_of(labels: Sequence[str]) -> str:
    """Up to five labels for a sentence: ``'XX', 'XY' and 7 more``."""
    text = ", ".join(shown(label) for label in labels[:5])
    return text if len(labels) <= 5 else f"{text} and {len(labels) - 5} more"
