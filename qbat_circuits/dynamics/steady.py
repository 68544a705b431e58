"""steady_state(): the long-time state, and whether the start chooses it.

Which states survive is a question of structure, not of the size of rates. Local noise of a cell,
or a detuning that no other cell shares, lets the generators J_-, J_+ and n_i address that cell
alone. Cells without noise that share one detuning stay a group with conserved spin sectors.
See docs/physics.md, sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.audit import protected_groups
from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray
from qbat_circuits.dynamics.charging import STATE_LIMIT, check_memory, checked_quantities
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.dynamics.reduction import ReducedGenerator, reduce_generator
from qbat_circuits.dynamics.sectors import collective_steady_state, sector_weights
from qbat_circuits.errors import AccuracyError, InputError, check_choice

#: Largest error of the linear solve (condition number times round-off) that is still returned.
_SOLVE_LIMIT = 1e-7


@dataclass(frozen=True, eq=False)
class SteadyState:
    """Long-time state of a battery.

    Attributes:
        state: density matrix, shape (2^N, 2^N).
        energy, ergotropy: in units of hbar*mean(omega).
        unique: False where the initial state decides (conserved sector weights).
        sector_weights: P_j of this state by total spin j.
        engine: "sectors" (closed form) or "linear-solve".
    """

    state: ComplexArray
    energy: float
    ergotropy: float
    unique: bool
    sector_weights: dict[float, float]
    engine: str


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
        engine: "auto", "sectors" (collective bath alone) or "linear-solve" (unique state).

    Raises:
        InputError: if the engine cannot serve the model, if part of the cells is protected from
            the rest, or if no steady state is determined by conserved weights.
        AccuracyError: if the linear solve is too ill-conditioned (rates of very different size).
    """
    check_choice("engine", engine, ("auto", "sectors", "linear-solve"))
    check_memory(battery.n_cells, 1)
    start = initial_density_matrix(battery, initial_state)
    groups = protected_groups(battery)
    collective_only = groups == [battery.n_cells] and battery.bath.relaxation > 0
    if engine == "auto":
        engine = "sectors" if collective_only else "linear-solve"
    if engine == "sectors":
        if not collective_only:
            raise InputError(
                "'engine' must be 'linear-solve' or 'auto' for cells with local noise, different "
                "detunings or no collective bath, not 'sectors'."
            )
        state = collective_steady_state(battery.bath, start, battery.detunings[0])
    else:
        _refuse_conserved(battery, groups)
        state = _solve(reduce_generator(battery.liouvillian(), start))
    energy, ergotropy = checked_quantities(state[None], battery.level_energies(), STATE_LIMIT)
    state.flags.writeable = False
    return SteadyState(
        state=state,
        energy=float(energy[0]),
        ergotropy=float(ergotropy[0]),
        unique=not collective_only or battery.n_cells == 1,
        sector_weights=sector_weights(state),
        engine=engine,
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
            "detuning and conserve their spin sectors beside the others; use charge() with long "
            "times."
        )


def _solve(reduced: ReducedGenerator) -> ComplexArray:
    """Null vector of the reduced generator with trace 1, with a check of its conditioning.

    The sum of the population equations vanishes (trace is conserved), so one of them is redundant:
    that of the ground state, the first row, is replaced by trace = 1.
    """
    from scipy.sparse.linalg import splu

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
        error = np.inf
    if not error <= _SOLVE_LIMIT:
        raise AccuracyError(
            f"The steady state is known only to {error:.1g}, because the rates differ by too many "
            "orders of magnitude; use charge() with long times."
        )
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
