"""How much leaves the two lowest levels, and whether the number of levels taken is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from qbat_circuits.battery import Battery
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.steady import steady_state
from qbat_circuits.errors import InputError, check_integer
from qbat_circuits.quantities.levels import leaked_weight, level_populations, two_level_view
from qbat_circuits.thermodynamics import energy, ergotropy
from qbat_circuits.transmon_levels import MAX_LEVELS


@dataclass(frozen=True)
class Leakage:
    """What a battery with d levels holds, and where.

    Attributes:
        levels: d.
        outside: weight outside {|0>, |1>}^N.
        populations: of each level, averaged over the cells, d numbers.
        energy, ergotropy: of the whole state, units of hbar*mean(omega).
        two_level_energy, two_level_ergotropy: what a two-level readout would make of it.
    """

    levels: int
    outside: float
    populations: tuple[float, ...]
    energy: float
    ergotropy: float
    two_level_energy: float
    two_level_ergotropy: float


def leakage(
    battery: Battery,
    levels: Sequence[int] = (2, 3, 4, 5, 6),
    time: float | None = None,
    initial_state: Any = "ground",
) -> tuple[Leakage, ...]:
    """The same battery with more and more levels: leakage and work, and their convergence in d.

    Args:
        battery: with `TransmonLevels`, whose number of levels is replaced.
        levels: each d, from 2 to 8.
        time: charging time; the steady state by default.
        initial_state: "ground", "thermal" or a string of levels.

    Returns:
        One `Leakage` for each d.

    Raises:
        InputError: for a battery without `TransmonLevels`, or what `charge` refuses.

    Source: docs/physics.md, section 2.
    """
    if battery.transmon is None:
        raise InputError("'battery' must have 'transmon' levels for leakage out of the lowest two.")
    result = []
    for d in levels:
        d = check_integer("levels", d, at_least=2, at_most=MAX_LEVELS)
        model = replace(battery, transmon=replace(battery.transmon, levels=d))
        if time is None:
            state = steady_state(model, initial_state).state
        else:
            state = charge(model, [time], initial_state).states[0]
        result.append(leakage_of(model, state))
    return tuple(result)


def leakage_of(battery: Battery, state: Any) -> Leakage:
    """Leakage of one state of a battery with `TransmonLevels`."""
    d = battery.levels
    ladder = None if battery.transmon is None else battery.transmon.energies()
    seen = two_level_view(state, d)
    return Leakage(
        levels=d,
        outside=float(leaked_weight(state, d)),
        populations=tuple(level_populations(state, d).tolist()),
        energy=energy(state, battery.energies, ladder),
        ergotropy=ergotropy(state, battery.energies, ladder),
        two_level_energy=energy(seen, battery.energies),
        two_level_ergotropy=ergotropy(seen, battery.energies),
    )
