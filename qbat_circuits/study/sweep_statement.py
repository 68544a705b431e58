"""What a sweep is, in one line, and whether any chip could be it.

Only what decides about the chip is looked at, whatever else a point holds: a point that fails for
another reason does not make a fixed-frequency chip a battery.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from qbat_circuits.device import chip_statement, hypothetical_reason
from qbat_circuits.errors import InputError
from qbat_circuits.study.sweep_points import Grid, calibration_of
from qbat_circuits.sweep_schema import CALIBRATION

_TUNED = "chip.tune_to_resonance"
#: Most chips that are named.
_NAMED = 3


def sweep_statement(grid: Grid) -> tuple[str, str]:
    """What is swept; why a chip among its points cannot be what the model makes of it, else "".

    Args:
        grid: experiment and axes.
    """
    over = " and ".join([", ".join(grid.names[:-1]), grid.names[-1]][len(grid.names) == 1 :])
    chips = [name for name in _values(grid, CALIBRATION) if isinstance(name, str)]
    if not chips:
        cells = [n for n in _values(grid, "battery.n_cells") if isinstance(n, int)]
        count = f"{cells[0]} " if len(cells) == 1 else ""
        return f"Sweep over {over}: {count}ideal cells, dimensionless", ""
    if grid.mode == "collision":
        return f"Sweep over {over}: circuits of collisions on {_named(chips)}", ""
    found = [_of_chip(name, tuned is True) for name, tuned in product(chips, _values(grid, _TUNED))]
    statements = list(dict.fromkeys(statement for statement, _ in found))
    what = statements[0] if len(statements) == 1 else f"T1, T2 and readout of {_named(chips)}"
    reasons = [reason for _, reason in found if reason]
    return f"Sweep over {over}: {what}", reasons[0] if reasons else ""


def _values(grid: Grid, field: str) -> list[Any]:
    """Every value that a field takes; that of the experiment where it is no axis."""
    for name, axis in zip(grid.fields, grid.values, strict=True):
        if name == field:
            return list(dict.fromkeys(axis))
    here: Any = grid.base
    for part in field.split("."):
        here = (here or {}).get(part)
    return [here]


def _of_chip(name: str, tuned: bool) -> tuple[str, str]:
    """Statement and reason for one chip; what cannot be read any more may not be taken for real."""
    try:
        one = calibration_of(name)
    except InputError:
        return chip_statement(name, False, True, True), f"the calibration {name!r} cannot be read"
    reason = hypothetical_reason(one.name, one.common_line, one.tunable, tuned)
    return chip_statement(one.name, one.common_line, bool(reason), not one.unverified), reason


def _named(chips: list[str]) -> str:
    more = ", ..." if len(chips) > _NAMED else ""
    return ", ".join(chips[:_NAMED]) + more
