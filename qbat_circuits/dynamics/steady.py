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

import numpy as np
import scipy.sparse as sp

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.conserved import only_collective, protected_groups
from qbat_circuits.dynamics.curve import STATE_LIMIT
from qbat_circuits.dynamics.engines import (
    check_sectors,
    common_energy,
    is_identical,
    symmetric_model,
)
from qbat_circuits.dynamics.initial_states import (
    excited_cells,
    initial_density_matrix,
    symmetric_start,
)
from qbat_circuits.dynamics.long_time import long_time_limit
from qbat_circuits.dynamics.memory import (
    MAX_DENSE_CELLS,
    check_dense,
    check_populations,
    refuse_dense,
)
from qbat_circuits.dynamics.reduction import reduce_model
from qbat_circuits.dynamics.schur import dense_of_blocks, dense_of_populations, populations_of
from qbat_circuits.dynamics.sectors import collective_steady_state, common_bath
from qbat_circuits.dynamics.spectra import checked_quantities
from qbat_circuits.errors import AccuracyError, InputError, check_choice
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.ladder import ladder_steady
from qbat_circuits.symmetric.product_starts import bit_string_steady
from qbat_circuits.symmetric.sectors_jm import energy_jm, sector_weights
from qbat_circuits.symmetric.squeezed import SqueezedModel

#: Largest error of the linear solve (condition number times round-off) that is still returned.
_SOLVE_LIMIT = 1e-7


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
            number), "linear-solve" (a unique state) or "long-time" (any number of steady states).

    Raises:
        InputError: if the engine cannot serve the model, if no steady state is determined by
            conserved weights, or if the request does not fit in memory.
        AccuracyError: if the linear solve is too ill-conditioned (rates of very different size).
    """
    check_choice("engine", engine, ("auto", *_SOLVERS))
    return _SOLVERS[_cheapest(battery) if engine == "auto" else engine](battery, initial_state)


def _cheapest(battery: Battery) -> str:
    if only_collective(battery):
        large = battery.n_cells > MAX_DENSE_CELLS and battery.bath.cross != 0
        return "symmetric" if large else "sectors"
    relaxes = battery.bath.relaxation > 0 or all(noise.rate > 0 for noise in battery.noise)
    if relaxes and is_identical(battery):
        return "symmetric"
    groups = protected_groups(battery)
    if groups is not None:
        conserved = battery.bath.relaxation > 0 and groups and groups[0] > 1
        return "long-time" if conserved else "linear-solve"
    check_dense(battery, 1)
    return "long-time" if _solve_unique(battery) is None else "linear-solve"


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
    excited = excited_cells(battery, initial_state)
    if initial_state == "ground" or excited == 0:
        energy, work = ladder_steady(n, bath.emission, bath.absorption)
        weights = {n / 2: 1.0}
    elif excited is not None and excited < n:
        check_populations(n, 1)
        energy, work, shares = bit_string_steady(n, excited, bath.emission, bath.absorption)
        weights = {n / 2 - a: abs(float(share)) for a, share in enumerate(shares)}
    else:
        return _symmetric(battery, initial_state)
    unknown = partial(refuse_dense, battery, 1)
    return SteadyState(unit * energy, unit * work, False, weights, "sectors", unknown)


def _symmetric(battery: Battery, initial_state: Any) -> SteadyState:
    """Populations p(j, m) of identical cells, or their blocks on a squeezed bath."""
    model = symmetric_model(battery, 1)
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

    weights = {n / 2 - a: abs(float(p)) for a, p in enumerate(sector_weights(n, populations))}
    return SteadyState(unit * energy, unit * work, unique, weights, "symmetric", state, shown)


def _linear_solve(battery: Battery, initial_state: Any) -> SteadyState:
    """The one steady state, where there is one."""
    check_dense(battery, 1)
    initial_density_matrix(battery, initial_state)  # a wrong start is refused even where unused
    groups = protected_groups(battery)
    if groups is not None:
        _refuse_conserved(battery, groups)
    state = _solve_unique(battery)
    if state is None and groups is None:
        raise InputError(
            "The steady state is not unique, or the rates are too far apart to tell; use engine "
            "'long-time' or charge() with long times."
        )
    if state is None:
        raise AccuracyError(
            "The steady state cannot be solved for to 1e-7, because the rates differ by too many "
            "orders of magnitude; use charge() with long times."
        )
    return _dense(battery, state, "linear-solve", unique=True)


def _long_time(battery: Battery, initial_state: Any) -> SteadyState:
    """The limit of the start's own trajectory."""
    check_dense(battery, 1)
    start = initial_density_matrix(battery, initial_state)
    reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), start)
    state = reduced.states(long_time_limit(reduced))
    return _dense(battery, state, "long-time", unique=_solve_unique(battery) is not None)


_SOLVERS: dict[str, Callable[[Battery, Any], SteadyState]] = {
    "sectors": _sectors,
    "symmetric": _symmetric,
    "linear-solve": _linear_solve,
    "long-time": _long_time,
}


def _dense(battery: Battery, state: ComplexArray, engine: str, unique: bool) -> SteadyState:
    energy, ergotropy = checked_quantities(state[None], battery.level_energies(), STATE_LIMIT)
    weights = {}
    if battery.levels == 2:
        n = battery.n_cells
        shares = sector_weights(n, populations_of(state))
        weights = {n / 2 - a: abs(float(share)) for a, share in enumerate(shares)}
    return SteadyState(
        float(energy[0]), float(ergotropy[0]), unique, weights, engine, lambda: state
    )


def _refuse_conserved(battery: Battery, groups: list[int]) -> None:
    if battery.bath.relaxation == 0 and any(noise.rate == 0 for noise in battery.noise):
        raise InputError(
            "A steady state needs relaxation: the collective rate is 0 and a cell has no local "
            "relaxation, so its populations are conserved; use charge()."
        )
    if battery.bath.relaxation > 0 and groups and groups[0] > 1:
        raise InputError(
            f"The steady state is not unique: {groups[0]} cells without local noise share one "
            "detuning and conserve their spin sectors beside the others; use engine 'long-time'."
        )


def _solve_unique(battery: Battery) -> ComplexArray | None:
    """Null vector of the generator with trace 1; None where that is no well-conditioned system.

    Sought on the coordinates that the completely mixed state reaches, populations of every state
    among them, so that a second steady state anywhere makes the system singular. The sum of the
    population equations vanishes (trace is conserved), so one of them is redundant: that of the
    ground state, the first row, is replaced by trace = 1.
    """
    from scipy.sparse.linalg import splu

    mixed = np.eye(battery.dimension, dtype=np.complex128) / battery.dimension
    reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), mixed)
    size = len(reduced.kept)
    trace_row = sp.csr_array((reduced.kept < reduced.dimension).astype(np.float64)[None, :])
    scale = np.abs(reduced.matrix.data).max() if reduced.matrix.nnz else 1.0
    others = sp.csr_array(reduced.matrix / scale)[1:]
    system = sp.csc_array(sp.vstack([trace_row, others], format="csc"))
    right = np.zeros(size)
    right[0] = 1.0
    try:
        factors = splu(system)
        error = _round_off(system, factors)
    except RuntimeError:  # exactly singular
        return None
    if not error <= _SOLVE_LIMIT:
        return None
    solution = factors.solve(right)
    solution = solution + factors.solve(right - system @ solution)
    return reduced.states(solution)


def _round_off(system: sp.csc_array, factors: Any) -> float:
    """Estimated relative error of a solve: round-off times the condition number in the 1-norm."""
    from scipy.sparse.linalg import LinearOperator, onenormest

    inverse = LinearOperator(
        system.shape,
        matvec=factors.solve,
        rmatvec=lambda v: factors.solve(v, "T"),
        dtype=np.float64,
    )
    norm = float(abs(system).sum(axis=0).max())
    return float(np.finfo(np.float64).eps) * norm * float(onenormest(inverse))
