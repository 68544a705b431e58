"""The engines by name, and which one serves a battery: the cheapest exact one.

- "sectors": the collective bath alone, in closed form by spin sectors.
- "symmetric": identical cells and a symmetric start, N^2 populations p(j, m) (N^3 with squeezing).
- "propagator": exact exponentials on the coordinates that the start reaches.
- "qiskit-dynamics": Qiskit Dynamics builds and integrates its own generator.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from qbat_circuits.battery import Battery
from qbat_circuits.conserved import only_collective
from qbat_circuits.dynamics.initial_states import is_symmetric_start
from qbat_circuits.dynamics.memory import check_populations
from qbat_circuits.errors import InputError
from qbat_circuits.limits import MAX_DENSE_CELLS
from qbat_circuits.symmetric.identical import is_identical
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.squeezed import SqueezedModel


class Engine(StrEnum):
    """How a battery is charged; "auto" is the cheapest exact engine."""

    AUTO = "auto"
    SECTORS = "sectors"
    SYMMETRIC = "symmetric"
    PROPAGATOR = "propagator"
    QISKIT_DYNAMICS = "qiskit-dynamics"


def symmetric_model(battery: Battery, n_times: int) -> SymmetricModel | SqueezedModel:
    """The battery in populations p(j, m), or in blocks where a squeezed bath keeps coherences.

    Args:
        battery: the model.
        n_times: how many states of a curve will be kept; 0 for a steady state.

    Raises:
        InputError: with what differs between the cells, or the bytes it would need.
    """
    if battery.bath.cross == 0:
        check_populations(battery.n_cells, n_times)
        return SymmetricModel.from_battery(battery)
    return SqueezedModel.from_battery(battery)


def check_sectors(battery: Battery) -> None:
    """Refuse what the closed form by spin sectors cannot do.

    Raises:
        InputError: with the engines that can.
    """
    if not only_collective(battery):
        raise InputError(
            "'engine' must be 'auto' or another one for cells with local noise, different "
            "detunings or couplings, more than two levels, extra jumps or no collective bath, not "
            "'sectors'."
        )


def on_large_ladder(battery: Battery, initial_state: Any) -> bool:
    """Whether more cells than dense states allow stay on the Dicke ladder, j = N/2.

    Of a checked start (`initial_states.check_start`): beyond dense states it is a word.
    """
    n = battery.n_cells
    if n <= MAX_DENSE_CELLS or battery.bath.cross != 0 or not only_collective(battery):
        return False
    return initial_state in ("ground", "0" * n, "1" * n)


def common_energy(battery: Battery) -> float:
    """The energy e of every cell, where levels are filled by counting.

    Raises:
        InputError: if the cells have different energies.
    """
    if len(set(battery.energies)) > 1:
        raise InputError(
            "'energies' must be the same for all cells whose levels are filled by counting "
            f"(engines 'sectors' beyond {MAX_DENSE_CELLS} cells, and 'symmetric')."
        )
    return battery.energies[0]


def charging_engine(battery: Battery, initial_state: Any, time_dependent: bool) -> Engine:
    """The cheapest exact engine that charges this battery from this start."""
    if time_dependent:
        return Engine.PROPAGATOR
    if on_large_ladder(battery, initial_state):
        return Engine.SECTORS
    if is_identical(battery) and is_symmetric_start(battery, initial_state):
        return Engine.SYMMETRIC
    few = battery.n_cells <= MAX_DENSE_CELLS
    return Engine.SECTORS if few and only_collective(battery) else Engine.PROPAGATOR
