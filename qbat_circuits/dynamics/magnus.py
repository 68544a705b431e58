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

from qbat_circuits.cells import FloatArray
from qbat_circuits.dynamics.krylov import Product, exponential_path
from qbat_circuits.errors import AccuracyError

#: c_k at a time, shape (K,).
Strengths = Callable[[float], FloatArray]

_OFFSET = np.sqrt(3.0) / 6.0
#: Error per interval below which round-off and the exponentials themselves decide.
_SMALLEST_ERROR = 2e-13
#: Most steps of one interval, and the number of estimated errors above which steps are lengthened.
_MOST_STEPS = 2**14
_LENGTHEN = 64.0


def product_with(
    constant: sp.csr_array, parts: Sequence[sp.csr_array], share: float, weights: FloatArray
) -> Product:
    """y -> (share G_0 + sum_k weights_k G_k) y."""

    def product(y: FloatArray) -> FloatArray:
        total = share * (constant @ y)
        for weight, part in zip(weights, parts, strict=True):
            if weight:
                total += weight * (part @ y)
        return np.asarray(total)

    return product


def commutator_free(
    constant: sp.csr_array,
    parts: Sequence[sp.csr_array],
    strengths: Strengths,
    state: FloatArray,
    begin: float,
    end: float,
    steps: int,
) -> FloatArray:
    """The state at ``end`` after equal steps of fourth order from ``begin``, shape (D,).

    Args:
        constant: G_0, shape (D, D).
        parts: G_k.
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
            product = product_with(constant, parts, 0.5, weights)
            state = exponential_path(product, state, np.array([h]))[0]
    return state


def adaptive_path(
    constant: sp.csr_array,
    parts: Sequence[sp.csr_array],
    strengths: Strengths,
    state: FloatArray,
    times: FloatArray,
    error_rate: float,
) -> FloatArray:
    """States at times[1:] from the state at times[0], between which the strengths are smooth.

    Every interval is done with n and 2n steps; n doubles until a fifteenth of the difference, the
    error of the finer one, is small enough.

    Args:
        error_rate: largest estimated error per unit of time.

    Returns:
        Shape (len(times) - 1, D).

    Raises:
        AccuracyError: if that takes too many steps.
    """
    rows = np.empty((len(times) - 1, len(state)))
    longest = np.inf
    for i, (begin, end) in enumerate(pairwise(times)):
        allowed = max(error_rate * (end - begin), _SMALLEST_ERROR)
        steps = max(1, int(np.ceil((end - begin) / longest)))
        coarse = commutator_free(constant, parts, strengths, state, begin, end, steps)
        while True:
            fine = commutator_free(constant, parts, strengths, state, begin, end, 2 * steps)
            error = float(np.linalg.norm(fine - coarse)) / 15.0
            if error <= allowed:
                break
            if steps >= _MOST_STEPS:
                raise AccuracyError(
                    f"The rates change too fast to be followed to {allowed:.2g} between {begin:g} "
                    f"and {end:g}; loosen 'tolerance' or name the breakpoints of the envelope."
                )
            steps, coarse = 2 * steps, fine
        longest = (end - begin) / steps * (2.0 if error * _LENGTHEN <= allowed else 1.0)
        state = rows[i] = fine
    return rows
