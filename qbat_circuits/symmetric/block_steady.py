"""Steady state in blocks: one sparse solve that weak local noise does not spoil.

In the equations 0 = (L rho)(k, k') the slow exchange between sectors is lost in round-off where
local noise is weak. So in every sector one of them gives way: that of the population at the bottom
(at the top if absorption outweighs emission), the anchor. For all sectors but the first its place
is taken by what follows from all equations on one side of a cut: as much weight crosses from sector
j + 1 to j as back, which holds positive rates alone. The first anchor only sets the trace. Without
local noise every anchor sets the weight P_j of its sector, which is the start's. Source:
docs/physics.md, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import AccuracyError
from qbat_circuits.symmetric.block_generator import BlockGenerator
from qbat_circuits.symmetric.blocks import Blocks
from qbat_circuits.symmetric.factors import factorised
from qbat_circuits.symmetric.rates import Rates, moves
from qbat_circuits.symmetric.sectors_jm import IntArray, sector_weights, states_jm

#: Largest error of an element of the state that is still returned.
_SOLVE_LIMIT = 1e-9


def steady_state(generator: BlockGenerator, rates: Rates, weights: FloatArray) -> Blocks:
    """The null state of a generator; without local noise, the one with given sector weights.

    Args:
        generator: of the model, on what a start without coherence between energies reaches.
        rates: of the model.
        weights: P_j for a = N/2 - j = 0, ..., N//2; only without local noise they matter.

    Raises:
        AccuracyError: if round-off may change an element of the state by more than 1e-9.
    """
    n_cells, place = generator.elements.n_cells, generator.population_places()
    a = np.arange(len(weights))
    anchors = place[states_jm(n_cells).index(a if rates.falls else n_cells - a, a)]
    free = anchors[:1] if rates.local else anchors

    def share(y: FloatArray) -> FloatArray:
        """What brings each coordinate to its right size."""
        found = sector_weights(n_cells, y[place])
        if rates.local:
            return np.full(len(y), 1.0 / found.sum())
        return np.asarray((weights / found)[generator.elements.deficit[generator.places]])

    solution, error = _solve(_system(generator, rates, anchors, free), free, share)
    if not error <= _SOLVE_LIMIT:
        raise AccuracyError(
            f"The steady state of {n_cells} cells is known only to {error:.1g}, because the rates "
            "differ by too many orders of magnitude; take the state at long times instead."
        )
    return generator.state(solution)


def _system(
    generator: BlockGenerator, rates: Rates, anchors: IntArray, free: IntArray
) -> sp.csc_array:
    """The generator with the rows of the anchors replaced; those of the free ones by units."""
    matrix = generator.matrix.tocoo()
    kept = ~np.isin(matrix.row, anchors)
    rows: list[IntArray] = [matrix.row[kept].astype(np.int64), free]
    columns: list[IntArray] = [matrix.col[kept].astype(np.int64), free]
    values: list[FloatArray] = [matrix.data[kept], np.ones(len(free))]
    states = states_jm(generator.elements.n_cells)
    place = generator.population_places()
    net = {1: np.zeros(states.size), -1: np.zeros(states.size)}
    for _, step_a, rate in moves(states, rates):
        if step_a:
            net[step_a] += step_a * rate
    for a in range(len(free), len(anchors)):
        flow = np.where(states.deficit == a - 1, net[1], 0.0)
        flow[states.deficit == a] = net[-1][states.deficit == a]
        source = np.flatnonzero(flow)
        rows.append(np.full(len(source), anchors[a]))
        columns.append(place[source])
        values.append(flow[source] / np.abs(flow).max())
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sp.csc_array(entries, shape=matrix.shape)


def _solve(
    system: sp.csc_array, free: IntArray, share: Callable[[FloatArray], FloatArray]
) -> tuple[FloatArray, float]:
    """Solve system y = (1 at the free anchors): y times its share, and a bound for its error."""
    right = np.zeros(system.shape[0])
    right[free] = 1.0
    try:
        factors = factorised(system, pivoting=0.1)
    except RuntimeError:  # exactly singular
        return right, np.inf
    y = factors.solve(right)
    y = y + factors.solve(right - system @ y)
    scale = share(y)
    terms = np.bincount(system.indices, minlength=len(y)) + 2
    round_off = terms * np.finfo(np.float64).eps * (abs(system) @ np.abs(y) + right)
    row_errors = np.abs(right - system @ y) + round_off
    if not (np.isfinite(row_errors).all() and np.isfinite(scale).all()):
        return right, np.inf
    return scale * y, _largest_error(factors, row_errors, scale)


def _largest_error(factors: Any, row_errors: FloatArray, scale: FloatArray) -> float:
    """Largest element of scale |system^-1| row_errors, estimated without the inverse.

    The componentwise bound of Arioli, Demmel and Duff, SIAM J. Matrix Anal. Appl. 10, 165 (1989),
    doi:10.1137/0610013: a column sum of the transposed operator.
    """
    from scipy.sparse.linalg import LinearOperator, onenormest

    transposed = LinearOperator(
        (len(scale), len(scale)),
        matvec=lambda v: row_errors * factors.solve(scale * v.reshape(-1), "T"),
        rmatvec=lambda v: scale * factors.solve(row_errors * v.reshape(-1)),
        dtype=np.float64,
    )
    return float(onenormest(transposed))
