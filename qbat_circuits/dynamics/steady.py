"""steady_state(): the long-time state, and whether the start chooses it.

Which states survive is a question of structure (`conserved`). Where the structure is known to leave
one, it is solved for; where it conserves spin sectors, the start's weights decide; where it is
neither, the null space of the generator is looked at. See docs/physics.md, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.conserved import only_collective, protected_groups
from qbat_circuits.dynamics.curve import STATE_LIMIT
from qbat_circuits.dynamics.engines import (
    check_sectors,
    common_energy,
    symmetric_model,
)
from qbat_circuits.dynamics.initial_states import (
    check_start,
    initial_density_matrix,
    symmetric_start,
)
from qbat_circuits.dynamics.long_time import long_time_limit
from qbat_circuits.dynamics.memory import check_dense, check_populations, refuse_dense
from qbat_circuits.dynamics.reduction import reduce_model
from qbat_circuits.dynamics.schur import dense_of_blocks, dense_of_populations, populations_of
from qbat_circuits.dynamics.sectors import collective_steady_state, common_bath
from qbat_circuits.dynamics.spectra import checked_quantities
from qbat_circuits.dynamics.unique_state import slowest_rate, unique_state
from qbat_circuits.errors import AccuracyError, InputError, check_choice
from qbat_circuits.limits import MAX_DENSE_CELLS
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.identical import is_identical
from qbat_circuits.symmetric.ladder import ladder_steady
from qbat_circuits.symmetric.product_starts import bit_string_steady
from qbat_circuits.symmetric.sectors_jm import energy_jm, sector_weights, weights_by_spin
from qbat_circuits.symmetric.squeezed import SqueezedModel


@dataclass(frozen=True, eq=False)
class SteadyState:
    """Long-time state of a battery.

    Attributes:
        energy, ergotropy: in units of hbar*mean(omega).
        unique: False where the initial state decides (conserved sector weights).
        sector_weights: P_j of this state by total spin j; empty for more than two levels.
        engine: "sectors" (closed form), "symmetric" (populations p(j, m)), "linear-solve" (the one
            steady state) or "long-time" (the limit that the start chooses among several).
        make_state: makes the density matrix when `state` is first asked for.
        populations: p(j, m) in the order of `symmetric.sectors_jm.states_jm`, where they are all of
            the state; else None.
    """

    energy: float
    ergotropy: float
    unique: bool
    sector_weights: dict[float, float]
    engine: str
    make_state: Callable[[], ComplexArray] = field(repr=False)
    populations: FloatArray | None = field(default=None, repr=False)

    @cached_property
    def state(self) -> ComplexArray:
        """Density matrix, shape (d^N, d^N), little-endian; read-only.

        Raises:
            InputError: for more than 10 cells.
        """
        state = self.make_state()
        state.flags.writeable = False
        return state


def steady_state(
    battery: Battery, initial_state: Any = "ground", engine: str = "auto"
) -> SteadyState:
    """State that the battery reaches after all its time scales.

    The collective bath alone conserves the weight and the multiplicity state of every spin sector,
    so the start decides; with local noise or different detunings on the cells the state is unique.
    A unique steady state with weak noise may lie far beyond the charging plateau: `charge` tells
    when (docs/physics.md, theorem T4).

    Args:
        battery: the model.
        initial_state: "ground", "thermal", a bit string or a density matrix.
        engine: "auto", "sectors" (collective bath alone), "symmetric" (identical cells, any
            number), "propagator" (any model), or of the latter's two ways "linear-solve" (a unique
            state) or "long-time" (the limit that the start chooses).

    Raises:
        InputError: if the engine cannot serve the model, if no steady state is determined by
            conserved weights, or if the request does not fit in memory.
        AccuracyError: if the linear solve is too ill-conditioned (rates of very different size).
    """
    check_choice("engine", engine, ("auto", *_SOLVERS))
    check_start(battery, initial_state)
    return _SOLVERS[_cheapest(battery) if engine == "auto" else engine](battery, initial_state)


def _cheapest(battery: Battery) -> str:
    if only_collective(battery):
        large = battery.n_cells > MAX_DENSE_CELLS and battery.bath.cross != 0
        return "symmetric" if large else "sectors"
    relaxes = battery.bath.relaxation > 0 or all(noise.rate > 0 for noise in battery.noise)
    return "symmetric" if relaxes and is_identical(battery) else "propagator"


def _sectors(battery: Battery, initial_state: Any) -> SteadyState:
    """The closed form: of any state of few cells, and of many from a start of known weights."""
    check_sectors(battery)
    n, bath = battery.n_cells, common_bath(battery)
    if n <= MAX_DENSE_CELLS:
        check_dense(battery, 1)
        start = initial_density_matrix(battery, initial_state)
        state = collective_steady_state(bath, start, battery.detunings[0])
        return _dense(battery, state, "sectors", unique=n == 1)
    unit = common_energy(battery)
    if bath.cross != 0:
        raise InputError(
            f"'engine' must be 'symmetric' for more than {MAX_DENSE_CELLS} cells on a squeezed "
            "bath, not 'sectors'."
        )
    excited = None if initial_state == "thermal" else initial_state.count("1")
    if initial_state == "ground" or excited == 0:
        energy, work = ladder_steady(n, bath.emission, bath.absorption)
        weights = {n / 2: 1.0}
    elif excited is not None and excited < n:
        check_populations(n, 0)
        energy, work, shares = bit_string_steady(n, excited, bath.emission, bath.absorption)
        weights = weights_by_spin(n, shares)
    else:
        return _symmetric(battery, initial_state)
    unknown = partial(refuse_dense, battery, 1)
    return SteadyState(unit * energy, unit * work, False, weights, "sectors", unknown)


def _symmetric(battery: Battery, initial_state: Any) -> SteadyState:
    """Populations p(j, m) of identical cells, or their blocks on a squeezed bath."""
    model = symmetric_model(battery, 0)
    n, unit = battery.n_cells, common_energy(battery)
    unique = not only_collective(battery) or n == 1
    start = "ground" if unique else symmetric_start(battery, initial_state)
    if isinstance(model, SqueezedModel):
        blocks = model.steady_blocks(start)
        energy, work = blocks.energy(), blocks.ergotropy()
        populations, shown = blocks.populations(), None

        def state() -> ComplexArray:
            check_dense(battery, 1)
            return dense_of_blocks(blocks)
    else:
        populations = shown = model.steady_populations(start)
        energy, work = float(energy_jm(n, populations)), float(ergotropy_jm(n, populations))

        def state() -> ComplexArray:
            check_dense(battery, 1)
            return dense_of_populations(n, populations)

    weights = weights_by_spin(n, sector_weights(n, populations))
    return SteadyState(unit * energy, unit * work, unique, weights, "symmetric", state, shown)


def _propagator(battery: Battery, initial_state: Any) -> SteadyState:
    """The limit of the propagator: the one steady state, or the one that the start chooses."""
    check_dense(battery, 1)
    if _conserved_cells(battery):
        return _limit(battery, initial_state, unique=False)
    if protected_groups(battery) is not None:
        return _linear_solve(battery, initial_state)
    state = unique_state(battery)
    if state is None:
        return _limit(battery, initial_state, unique=False)
    return _dense(battery, state, "linear-solve", unique=True)


def _linear_solve(battery: Battery, _initial_state: Any) -> SteadyState:
    """The one steady state, where there is one."""
    check_dense(battery, 1)
    _refuse_conserved(battery)
    state = unique_state(battery)
    if state is not None:
        return _dense(battery, state, "linear-solve", unique=True)
    if protected_groups(battery) is None:
        raise InputError(
            "The steady state is not unique, or the rates are too far apart to tell; use engine "
            "'long-time' or charge() with long times."
        )
    raise AccuracyError(
        "The steady state cannot be solved for to 1e-7, because the rates differ by too many "
        "orders of magnitude; charge() shows the plateau before it."
    )


def _long_time(battery: Battery, initial_state: Any) -> SteadyState:
    """The limit of the start's own trajectory."""
    check_dense(battery, 1)
    unique = not _conserved_cells(battery) and unique_state(battery) is not None
    return _limit(battery, initial_state, unique)


def _limit(battery: Battery, initial_state: Any, unique: bool) -> SteadyState:
    start = initial_density_matrix(battery, initial_state)
    reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), start)
    state = reduced.states(long_time_limit(reduced, slowest_rate(battery)))
    return _dense(battery, state, "long-time", unique)


def _conserved_cells(battery: Battery) -> int:
    """Cells of the largest group that conserves its spin sectors under the bath; 0 for none."""
    groups = protected_groups(battery)
    if battery.bath.relaxation == 0 or not groups or groups[0] < 2:
        return 0
    return groups[0]


_SOLVERS: dict[str, Callable[[Battery, Any], SteadyState]] = {
    "sectors": _sectors,
    "symmetric": _symmetric,
    "propagator": _propagator,
    "linear-solve": _linear_solve,
    "long-time": _long_time,
}


def _dense(battery: Battery, state: ComplexArray, engine: str, unique: bool) -> SteadyState:
    energy, ergotropy = checked_quantities(state[None], battery.level_energies(), STATE_LIMIT)
    weights = {}
    if battery.levels == 2:
        n = battery.n_cells
        weights = weights_by_spin(n, sector_weights(n, populations_of(state)))
    return SteadyState(
        float(energy[0]), float(ergotropy[0]), unique, weights, engine, lambda: state
    )


def _refuse_conserved(battery: Battery) -> None:
    if battery.bath.relaxation == 0 and any(noise.rate == 0 for noise in battery.noise):
        raise InputError(
            "A steady state needs relaxation: the collective rate is 0 and a cell has no local "
            "relaxation, so its populations are conserved; use charge()."
        )
    if cells := _conserved_cells(battery):
        raise InputError(
            f"The steady state is not unique: {cells} cells without local noise share one "
            "detuning and conserve their spin sectors beside the others; use engine 'long-time'."
        )
