"""The one steady state of a battery, or that there are several."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.dynamics.long_time import MAX_FACTORED, settled
from qbat_circuits.dynamics.reduction import ReducedGenerator, reduce_model

#: Two starts of many coordinates that end closer than this end in one state.
_SAME_STATE = 1e-9
#: Smaller eigenvalues of a correlation matrix are those of dark combinations of cells.
_DARK = 1e-12
#: Largest error of the linear solve (condition number times round-off) that is still returned.
_SOLVE_LIMIT = 1e-7


def slowest_rate(battery: Battery) -> float:
    """A rate below which nothing of the model is expected to relax.

    Of a cell with noise its own relaxation and dephasing; of one without, whose detuning differs
    from the others', the square of the difference over the collective rate, at which it mixes
    sectors (docs/physics.md, theorem T5). Of the bath its weakest mode, and of unequal amplitudes
    the square of the smallest difference.
    """
    rates = [one.rate for one in battery.extra_jumps if one.rate > 0]
    collective, coupling = battery.bath.relaxation, battery.bath.coupling
    if collective > 0:
        modes = np.linalg.eigvalsh(coupling.matrix(battery.n_cells))
        rates.append(collective * float(modes[modes > _DARK].min()))
        sizes = np.diff(np.unique(np.abs(coupling.amplitudes or (1.0,))))
        rates += [collective * float(gap) ** 2 for gap in sizes]
    for delta, noise in zip(battery.detunings, battery.noise, strict=True):
        own = noise.rate * (2 * noise.occupation + 1) + 2 * noise.dephasing
        gaps = [abs(delta - other) for other in battery.detunings if other != delta]
        if own > 0:
            rates.append(own)
        elif gaps and collective > 0:
            rates.append(min(min(gaps), min(gaps) ** 2 / (collective * battery.n_cells)))
    return min(rates, default=1.0)


def unique_state(battery: Battery) -> ComplexArray | None:
    """The state with L rho = 0 and trace 1; None where there are several or they are not known.

    Sought on the coordinates that the completely mixed state reaches, populations of every state
    among them, so that a second steady state anywhere shows.
    """
    mixed = np.eye(battery.dimension, dtype=np.complex128) / battery.dimension
    reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), mixed)
    if len(reduced.start) <= MAX_FACTORED:
        return _null_state(reduced)
    slowest = slowest_rate(battery)
    found = reduced.states(settled(reduced, slowest))
    lowest = initial_density_matrix(battery, "ground")
    ground = reduce_model(battery.hamiltonian(), battery.jump_operators(), lowest)
    other = ground.states(settled(ground, slowest))
    return found if np.abs(found - other).max() <= _SAME_STATE else None


def _null_state(reduced: ReducedGenerator) -> ComplexArray | None:
    """Null vector of the generator with trace 1; None where that is no well-conditioned system.

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
