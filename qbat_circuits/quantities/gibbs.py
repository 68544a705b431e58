"""The Gibbs state of a given entropy: the floor that many copies of a battery can be emptied to.

Cells do not interact, so the Gibbs state is a product and everything is a sum over cells, for any
number of them. Entropies are in nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qbat_circuits.cells import FloatArray, cell_energies
from qbat_circuits.errors import InputError, check_number

#: An entropy above its largest value by less than this is round-off.
_TOLERANCE = 1e-9
#: Below this the entropy is that of a pure state (and exponentials underflow).
_PURE = 1e-300


def gibbs_energy(entropy: float, energies: Sequence[float] | FloatArray) -> float:
    """Energy E_Gibbs(S) of the Gibbs state of entropy S, the least energy at that entropy.

    E_Gibbs = sum_i e_i / (exp(beta e_i) + 1) with sum_i s(beta e_i) = S. Near S = N ln 2 the energy
    depends on S through its square root: an error of 1e-16 in S is one of 1e-8 in E.

    Args:
        entropy: S in nats, 0 <= S <= N ln 2.
        energies: cell energies e_i, shape (N,).

    Raises:
        InputError: for an entropy that no state of these cells has.

    Source: Alicki, Fannes, PRE 87, 042123 (2013), arXiv:1211.1209.
    """
    return energy_at(inverse_temperature(entropy, energies), energies)


def inverse_temperature(
    entropy: float, energies: Sequence[float] | FloatArray, deficit: float | None = None
) -> float:
    """beta >= 0 at which the Gibbs state has entropy S; 0 at S = N ln 2, inf for a pure state.

    Args:
        entropy: S in nats.
        energies: cell energies e_i, shape (N,).
        deficit: N ln 2 - S, where it is known better than that difference says.

    Raises:
        InputError: for an entropy that no state of these cells has.
    """
    count = len(energies)
    e, copies = np.unique(cell_energies(count, list(energies)), return_counts=True)
    most = count * math.log(2)
    s = check_number("entropy", entropy, at_least=-_TOLERANCE)
    if s > most + _TOLERANCE:
        raise InputError(f"'entropy' must be <= N ln 2 ({most:g}) for {count} cells, not {s:g}.")
    missing = max(0.0, most - s) if deficit is None else deficit
    if s <= _PURE:
        return math.inf
    if missing <= _PURE:
        return 0.0

    from scipy.optimize import brentq

    def surplus(log_beta: float) -> float:
        x = math.exp(log_beta) * e
        if s < missing:
            return float(copies @ _cell_entropy(x)) - s
        return missing - float(copies @ _cell_deficit(x))

    # N ln 2 - S <= sum (beta e)^2 / 8 from below; from above every exponential underflows.
    lowest = 0.5 * math.sqrt(8 * missing / float(copies @ e**2))
    log_beta = brentq(surplus, math.log(lowest), math.log(800 / e[0]), xtol=1e-14)
    return math.exp(float(log_beta))


def energy_at(beta: float, energies: Sequence[float] | FloatArray) -> float:
    """Energy of the Gibbs state at beta >= 0: sum_i e_i / (exp(beta e_i) + 1)."""
    e = np.asarray(energies, dtype=np.float64)
    small = np.exp(-beta * e)
    return float(e @ (small / (1.0 + small)))


def entropy_deficit(weights: FloatArray, shares: FloatArray, log_excess: FloatArray) -> float:
    """Relative entropy to the maximally mixed state, ln d - S, free of cancellation.

    sum_k p_k L_k with L_k = ln(p_k / q_k), written as sum (p L - p + q) so that every term is >= 0
    and second order near p = q.

    Args:
        weights: probabilities p_k of groups of equal eigenvalues.
        shares: q_k, their shares of all levels.
        log_excess: L_k, any value where p_k <= 0.
    """
    p, q = np.maximum(weights, 0.0), shares
    flat = np.where(p > 0, log_excess, 0.0)
    near = q * flat**2 * (0.5 + flat * (1 / 3 + flat / 8))
    return math.fsum(np.where((p > 0) & (np.abs(flat) < 1e-3), near, p * flat - p + q))


def _cell_entropy(x: FloatArray) -> FloatArray:
    """s(x) of one cell at beta e = x >= 0."""
    small = np.exp(-x)
    return np.asarray(x * small / (1.0 + small) + np.log1p(small))


def _cell_deficit(x: FloatArray) -> FloatArray:
    """ln 2 - s(x), to full relative precision for small x."""
    t = np.tanh(np.minimum(x, 1.0) / 2)
    near = t * np.minimum(x, 1.0) / 2 + 0.5 * np.log1p(-(t**2))
    return np.asarray(np.where(x < 1.0, near, math.log(2) - _cell_entropy(x)))
