"""The action of exp(G t) on a vector at many times, in Krylov subspaces.

span(v, G v, ..., G^(m-1) v) with an orthonormal basis V and the Hessenberg matrix H of G in it
gives exp(G t) v ~ |v| V exp(H t) e_1. The first neglected direction enters with
|v| h int_0^t [exp(H s)]_m1 ds, h = H[m+1, m]; it is kept, and its weight is the error estimate. One
subspace serves all times for as long as the estimate allows, the next starts where it ends. A state
that has relaxed needs next to no further subspaces, so long times stay cheap.

Source: Saad, SIAM J. Numer. Anal. 29, 209 (1992), doi:10.1137/0729014.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import expm

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError

Product = Callable[[FloatArray], FloatArray]

#: Largest dimension of a subspace, and those at which it is tried whether fewer are enough.
_DIMENSION = 60
_TRIED = (8, 12, 18, 27, 40)
#: Largest weight of the last two directions; absolute: states are of size 1, errors do not grow.
_LIMIT = 1e-13
#: A new direction this much smaller than the generator is round-off: the subspace is complete.
_COMPLETE = 1e-14
#: Most products with the generator: half a minute for six cells, some minutes for eight.
MAX_PRODUCTS = 200_000


def exponential_path(product: Product, start: FloatArray, times: FloatArray) -> FloatArray:
    """exp(G t) v at every time, to about 1e-12.

    Args:
        product: y -> G y for a real generator G whose exponentials are bounded.
        start: v, shape (D,), not zero.
        times: times >= 0 in rising order, shape (T,).

    Returns:
        Shape (T, D).

    Raises:
        InputError: if it takes more than `MAX_PRODUCTS`, with the time that was reached.
    """
    rows = np.empty((len(times), len(start)))
    state, now, done, spent = start, 0.0, 0, 0
    while done < len(times):
        if spent > MAX_PRODUCTS:
            raise InputError(
                f"'times' must be at most about {now:.3g} for this model, whose fastest rate is "
                f"much larger, not {times[-1]:g}; check its unit, or lower the rates."
            )
        basis, hessenberg = _subspace(product, state, float(times[-1]) - now)
        size = float(np.linalg.norm(state))
        saved, last, now = _walk(hessenberg, size, now, times[done:])
        rows[done : done + len(saved)] = saved @ basis
        state = last @ basis
        done, spent = done + len(saved), spent + len(basis)
    return rows


def _subspace(product: Product, state: FloatArray, horizon: float) -> tuple[FloatArray, FloatArray]:
    """Orthonormal rows (m + 1, D) and the matrix (m + 1, m + 1) of G in them, last column 0.

    It ends early where it holds exp(G horizon) v already, or where G leads to nothing new: then the
    last row of both is 0.
    """
    most = min(_DIMENSION, len(state))
    basis = np.zeros((most + 1, len(state)))
    hessenberg = np.zeros((most + 1, most + 1))
    size = float(np.linalg.norm(state))
    basis[0] = state / size
    for m in range(1, most + 1):
        before = basis[:m]
        new = product(before[-1])
        for _ in range(2):  # the second pass removes what round-off left of the first
            overlaps = before @ new
            new = new - overlaps @ before
            hessenberg[:m, m - 1] += overlaps
        length = float(np.linalg.norm(new))
        if length <= _COMPLETE * np.abs(hessenberg).max():
            break
        hessenberg[m, m - 1] = length
        basis[m] = new / length
        if m in _TRIED:
            part = hessenberg[: m + 1, : m + 1].copy()
            part[:, m] = 0.0
            if _neglected(part, size * _exponential(horizon * part)[:, 0]) <= _LIMIT:
                break
    return basis[: m + 1], hessenberg[: m + 1, : m + 1]


def _walk(
    hessenberg: FloatArray, size: float, now: float, times: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Weights of the basis at the times that this subspace reaches.

    Returns:
        The weights, shape (reached times, m + 1), those at the last time reached, saved or not, and
        that time.
    """
    weights = np.zeros(len(hessenberg))
    weights[0] = size
    saved: list[FloatArray] = []
    exponentials: dict[float, FloatArray] = {}
    longest, moved = np.inf, False
    for time in times:
        while now < time:
            step = min(longest, float(time) - now)
            name = round(step / float(times[-1]), 14)  # equal up to the round-off of the times
            if name not in exponentials:
                exponentials[name] = _exponential(step * hessenberg)
            after = exponentials[name] @ weights
            if _neglected(hessenberg, after) <= _LIMIT:
                weights, moved = after, True
                now = float(time) if step >= time - now else now + step
            elif moved:
                return np.reshape(saved, (-1, len(weights))), weights, now
            else:
                longest = step / 2
        saved.append(weights)
    return np.reshape(saved, (-1, len(weights))), weights, now


def _exponential(matrix: FloatArray) -> FloatArray:
    """exp(M); a step far too long for the subspace may overflow, and is refused as any other."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(expm(matrix))


def _neglected(hessenberg: FloatArray, weights: FloatArray) -> float:
    """Estimated error: the last weight, and the one before in case a zero is passed through."""
    return float(np.abs(weights[-2:]).max()) if hessenberg[-1, -2] != 0.0 else 0.0
