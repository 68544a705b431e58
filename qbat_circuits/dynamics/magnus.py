"""Commutator-free Magnus steps for generators G_0 + sum_k c_k(t) G_k.

One step of length h of fourth order is two exponentials,

    exp(h (a A_1 + b A_2)) exp(h (b A_1 + a A_2)) y,   a = 1/4 - sqrt(3)/6, b = 1/4 + sqrt(3)/6,

with A_1, A_2 the generator at the Gauss points t + h (1/2 -+ sqrt(3)/6). Each acts through Krylov
subspaces, so a stiff generator does not shorten the steps.

Source: Blanes, Moan, Appl. Numer. Math. 56, 1519 (2006), doi:10.1016/j.apnum.2005.11.004.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from scipy.linalg import expm

from qbat_circuits.cells import FloatArray
from qbat_circuits.dynamics.krylov import Product, exponential_path
from qbat_circuits.errors import AccuracyError

#: c_k at a time, shape (K,).
Strengths = Callable[[float], FloatArray]

_OFFSET = np.sqrt(3.0) / 6.0
#: Error of a step below which round-off and the exponentials themselves decide.
_SMALLEST_ERROR = 1e-13
#: Up to this many coordinates a dense exponential is cheaper than a Krylov subspace.
_DENSE_COORDINATES = 80
#: Most steps of one interval, and the terms of their error that extrapolation removes.
_MOST_STEPS, _COLUMNS = 2**16, 3
#: Longest step at first, times the fastest rate.
_LONGEST_STEP = 10.0


class Generators:
    """G_0 and G_k on one pattern of non-zeros, so that any sum of them is one product.

    Args:
        constant: G_0, shape (D, D).
        parts: G_k.
    """

    def __init__(self, constant: sp.csr_array, parts: Sequence[sp.csr_array]) -> None:
        every = [constant.tocoo(), *(one.tocoo() for one in parts)]
        size = constant.shape[0]
        places = [size * one.row.astype(np.int64) + one.col for one in every]
        union = np.unique(np.concatenate(places))
        self._data = np.zeros((len(every), len(union)))
        for row, place, one in zip(self._data, places, every, strict=True):
            row[np.searchsorted(union, place)] = one.data
        ends = np.searchsorted(union, size * np.arange(size + 1))
        self._columns, self._ends, self._shape = union % size, ends, constant.shape

    def total(self, share: float, weights: FloatArray) -> sp.csr_array:
        """share G_0 + sum_k weights_k G_k."""
        data = np.concatenate([[share], weights]) @ self._data
        return sp.csr_array((data, self._columns, self._ends), shape=self._shape)

    def product(self, share: float, weights: FloatArray) -> Product:
        """y -> (share G_0 + sum_k weights_k G_k) y."""
        total = self.total(share, weights)
        return lambda y: np.asarray(total @ y)

    def step(self, share: float, weights: FloatArray, duration: float, y: FloatArray) -> FloatArray:
        """exp(duration (share G_0 + sum_k weights_k G_k)) y."""
        if len(y) <= _DENSE_COORDINATES:
            dense = expm(duration * self.total(share, weights).toarray())
            return np.asarray(dense @ y, dtype=np.float64)
        rows = exponential_path(self.product(share, weights), y, np.array([duration]))
        return np.asarray(rows[0], dtype=np.float64)


def commutator_free(
    generators: Generators,
    strengths: Strengths,
    state: FloatArray,
    begin: float,
    end: float,
    steps: int,
) -> FloatArray:
    """The state at ``end`` after equal steps of fourth order from ``begin``, shape (D,).

    Args:
        generators: G_0 and G_k.
        strengths: t -> c_k(t), smooth from begin to end; only asked for inside.
        state: the state at ``begin``.
        begin, end: times.
        steps: their number.
    """
    h = (end - begin) / steps
    for i in range(steps):
        middle = begin + (i + 0.5) * h
        early, late = strengths(middle - _OFFSET * h), strengths(middle + _OFFSET * h)
        for tilt in (_OFFSET, -_OFFSET):
            weights = (0.25 + tilt) * early + (0.25 - tilt) * late
            state = generators.step(0.5, weights, h, state)
    return state


def adaptive_path(
    generators: Generators,
    strengths: Strengths,
    state: FloatArray,
    times: FloatArray,
    fastest: float,
    error_rate: float,
) -> FloatArray:
    """States at times[1:] from the state at times[0], between which the strengths are smooth.

    Every interval is done with n, 2n, 4n, ... steps until the extrapolated states agree.

    Args:
        generators: G_0 and G_k.
        strengths: t -> c_k(t).
        state: the state at times[0].
        times: shape (T + 1,).
        fastest: bound on every rate of the generator: no step is longer than ten over it, so that
            nothing which matters is stepped over unseen.
        error_rate: largest estimated error per unit of time.

    Returns:
        Shape (T, D).

    Raises:
        AccuracyError: if that takes too many steps.
    """
    rows = np.empty((len(times) - 1, len(state)))
    fewest = fastest / _LONGEST_STEP  # steps per unit of time
    for i, (begin, end) in enumerate(pairwise(times)):
        allowed = error_rate * (end - begin)
        steps = min(max(1, round(fewest * (end - begin))), _MOST_STEPS // 2)
        state, halvings = _halved(generators, strengths, state, (begin, end), steps, allowed)
        # An interval that one step serves says nothing of longer ones: it may be a last digit long.
        served_by_one = steps == 1 and halvings == 1
        wanted = 0.0 if served_by_one else steps * 2.0 ** (halvings - 2) / (end - begin)
        fewest = max(wanted, fastest / _LONGEST_STEP)
        rows[i] = state
    return rows


def _halved(
    generators: Generators,
    strengths: Strengths,
    state: FloatArray,
    interval: tuple[float, float],
    steps: int,
    allowed: float,
) -> tuple[FloatArray, int]:
    """The state at the end of an interval and how often its steps were halved for it.

    The method is symmetric in time, so its error is a series h^4, h^6, ..., of which Richardson's
    table removes one term after the other. A fifteenth of what the last halving changed is taken
    for the error, as if the table gained nothing.
    """
    before = [commutator_free(generators, strengths, state, *interval, steps)]
    halvings = 0
    while steps < _MOST_STEPS:
        steps, halvings = 2 * steps, halvings + 1
        row = [commutator_free(generators, strengths, state, *interval, steps)]
        for j, old in enumerate(before[:_COLUMNS]):
            row.append(row[-1] + (row[-1] - old) / (4.0 ** (j + 2) - 1.0))
        if np.linalg.norm(row[-1] - before[-1]) / 15.0 <= max(allowed, steps * _SMALLEST_ERROR):
            return row[-1], halvings
        before = row
    raise AccuracyError(
        f"The rates change too fast to be followed to {allowed:.2g} between the times "
        f"{interval[0]:g} and {interval[1]:g}; loosen 'tolerance', or name the breakpoints of the "
        "envelope."
    )
