"""The Dicke ladder: where the collective bath takes the ground state, for any number of cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import FloatArray
from qbat_circuits.symmetric.curves import exponential_at


def ladder_populations(n_cells: int, emission: float, absorption: float) -> FloatArray:
    """p_k = r^k / sum_l r^l of a ladder with k = 0..N steps, r = absorption/emission.

    Source: docs/physics.md, section 3.
    """
    k = np.arange(n_cells + 1)
    if absorption <= emission:
        weights = (absorption / emission) ** k
    else:  # a pump: count from the top, so that nothing overflows
        weights = ((emission / absorption) ** k)[::-1]
    return np.asarray(weights / weights.sum())


def ladder_curve(
    n_cells: int,
    emission: float,
    absorption: float,
    times: FloatArray,
    excited: bool = False,
    tolerance: float = 1e-10,
) -> tuple[FloatArray, FloatArray]:
    """Energy and ergotropy along the charging of the Dicke ladder, each of shape (T,).

    dp_k/dt from rates emission * k (N-k+1) down and absorption * (k+1)(N-k) up.

    Args:
        n_cells: N.
        emission, absorption: kappa (n+1) and kappa n.
        times: >= 0, in inverse units of the rates.
        excited: start from the top of the ladder instead of the ground state.
        tolerance: largest estimated error of a time, summed over the ladder.

    Source: docs/physics.md, section 3.
    """
    k = np.arange(n_cells + 1.0)
    down, up = emission * k * (n_cells - k + 1), absorption * (k + 1) * (n_cells - k)
    flows: Any = [-down - up, down[1:], up[:-1]]
    rates = sp.csc_array(sp.diags_array(flows, offsets=[0, 1, -1]))
    start = np.zeros(n_cells + 1)
    start[-1 if excited else 0] = 1.0
    what = f"populations of the ladder of {n_cells} cells"
    p = exponential_at(rates, start, times, tolerance, what)
    return ladder_quantities(p)


def ladder_quantities(populations: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Energy and ergotropy of Dicke states with populations p_k, k = 0..N, shape (..., N+1).

    N + 1 eigenvalues fit into the ground level and the N-fold first excited one, the largest below:
    W = E - (1 - max p), summed as sum_{k>=2} (k-1) p_k + max p - p_0.

    Source: docs/physics.md, section 3.
    """
    k = np.arange(populations.shape[-1])
    above = populations @ np.maximum(k - 1.0, 0.0)
    work = above + populations.max(axis=-1) - populations[..., 0]
    return populations @ k.astype(np.float64), np.maximum(work, 0.0)


def ladder_steady(n_cells: int, emission: float, absorption: float) -> tuple[float, float]:
    """Energy and ergotropy of the Dicke ladder at the end, in units of the cell energy.

    Source: docs/physics.md, section 3.
    """
    energy, work = ladder_quantities(ladder_populations(n_cells, emission, absorption))
    return float(energy), float(work)
