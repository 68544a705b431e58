"""Populations p(j, m) at many times from one or a few sparse factorisations.

p(t) = exp(Q t) p(0) is sought in the Krylov space of (1 - tau Q)^-1: one sparse LU serves every
time from about tau/100 to 100 tau, however stiff Q is (rates span N^2), because the inverse brings
out the slow part of the spectrum first. Shift-and-invert Krylov: van den Eshof and Hochbruck, SIAM
J. Sci. Comput. 27, 1438 (2006), doi:10.1137/040605461; the error does not depend on the norm of Q:
Grimm, BIT 52, 383 (2012), doi:10.1007/s10543-011-0367-8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import AccuracyError, InputError, shown
from qbat_circuits.symmetric.factors import factorised
from qbat_circuits.symmetric.rates import Rates, generator
from qbat_circuits.symmetric.sectors_jm import states_jm

#: Dimensions of the Krylov space at which its own error is looked at.
_DIMENSIONS = (40, 60, 80, 100)
#: The last solution is compared with the one of this many dimensions less.
_BACK = 8
#: Longest time over tau; the shortest one that converges is another factor of ~50 below.
_LONGEST_OVER_TAU = 100.0
#: An Arnoldi vector that loses this share of its norm lies in the space already.
_BREAKDOWN = 1e-13


def populations_at(
    n_cells: int,
    rates: Rates,
    times: Sequence[float] | FloatArray,
    start: FloatArray,
    tolerance: float = 1e-9,
) -> FloatArray:
    """p(t) = exp(Q t) p(0) at any times, shape (len(times), n_states).

    Args:
        n_cells: N.
        rates: of the model.
        times: >= 0, in any order, in inverse units of the rates.
        start: populations p(j, m) at time 0, shape (n_states,).
        tolerance: largest estimated error of a time, sum over states of |error of p(j, m)|.

    Raises:
        InputError: if a time is negative or not finite, or the start has the wrong shape.
        AccuracyError: if the tolerance or conservation of probability is missed.
    """
    states = states_jm(n_cells)
    if start.shape != (states.size,):
        raise InputError(
            f"'start' must have shape ({states.size},) for {n_cells} cells, "
            f"not {shown(start.shape)}."
        )
    what = f"populations of {n_cells} cells"
    result = exponential_at(generator(states, rates), start, times, tolerance, what)
    off = float(np.abs(result.sum(axis=1) - start.sum()).max(initial=0.0))
    if off > 10 * tolerance:
        raise AccuracyError(
            f"The {what} lost or gained {off:.2g} of probability, more than the tolerance "
            f"{tolerance:g} allows: rates and times are too far apart."
        )
    return result


def exponential_at(
    q: sp.csc_array,
    start: FloatArray,
    times: Sequence[float] | FloatArray,
    tolerance: float,
    what: str,
) -> FloatArray:
    """y(t) = exp(Q t) y(0) at any times for a real sparse Q, shape (len(times), size).

    Args:
        q: a generator whose exponential stays bounded, shape (size, size).
        start: y(0), not 0, shape (size,).
        times: >= 0, in any order, in inverse units of q.
        tolerance: largest estimated error of a time, sum over the elements of y.
        what: y in the words of an error message.

    Raises:
        InputError: if a time is negative or not finite.
        AccuracyError: if the tolerance is missed.
    """
    moments = np.asarray(times, dtype=np.float64)
    if moments.ndim != 1 or not (np.isfinite(moments).all() and (moments >= 0).all()):
        raise InputError(f"'times' must be finite numbers >= 0 in one row, not {shown(times)}.")
    result = np.empty((len(moments), len(start)))
    result[moments == 0] = start
    pending = np.flatnonzero(moments > 0)
    pending = pending[np.argsort(moments[pending], kind="stable")]
    while len(pending):
        errors = _fill(result, pending, q, start, moments, tolerance)
        good = errors <= tolerance
        if not good.any():
            raise AccuracyError(
                f"The {what} at time {moments[pending[-1]]:.6g} missed the tolerance {tolerance:g} "
                f"(estimated error {errors[-1]:.2g}), so they are not returned; take shorter times "
                "or a larger tolerance."
            )
        pending = pending[~good]
    return result


def _fill(
    result: FloatArray,
    rows: NDArray[np.int64],
    q: sp.csc_array,
    start: FloatArray,
    moments: FloatArray,
    tolerance: float,
) -> FloatArray:
    """Solve for the times of these rows (rising) with one factorisation; their errors."""
    times = moments[rows]
    tau = times[-1] / _LONGEST_OVER_TAU
    space = _KrylovSpace(q, start, tau)
    probes = times[np.unique(np.geomspace(1, len(times), 12).astype(int)) - 1]
    for dimension in _DIMENSIONS:
        space.extend(dimension)
        if space.complete or space.errors(probes).max() <= tolerance:
            break
    errors = space.errors(times)
    result[rows] = space.coefficients(times, space.dimension) @ space.basis[: space.dimension]
    return errors


class _KrylovSpace:
    """Orthonormal basis of span{p, R p, R^2 p, ...} with R = (1 - tau Q)^-1, grown on demand."""

    def __init__(self, q: sp.csc_array, start: FloatArray, tau: float) -> None:
        size = len(start)
        limit = min(_DIMENSIONS[-1], size)
        self.tau = tau
        self.norm = float(np.linalg.norm(start))
        self.basis = np.empty((limit + 1, size))
        self.basis[0] = start / self.norm
        self.hessenberg = np.zeros((limit + 1, limit))
        self.dimension = 0
        self.complete = False
        self._lu = factorised((sp.identity(size, format="csc") - tau * q).tocsc())

    def extend(self, dimension: int) -> None:
        """Arnoldi steps, each orthogonalised twice, up to this dimension or an invariant space."""
        limit = self.hessenberg.shape[1]
        while self.dimension < min(dimension, limit) and not self.complete:
            i = self.dimension
            known = self.basis[: i + 1]
            vector = self._lu.solve(self.basis[i])
            before = np.linalg.norm(vector)
            for _ in range(2):
                overlap = known @ vector
                vector -= overlap @ known
                self.hessenberg[: i + 1, i] += overlap
            after = np.linalg.norm(vector)
            self.dimension += 1
            self.complete = bool(after <= _BREAKDOWN * before) or self.dimension == len(vector)
            if not self.complete:
                self.hessenberg[i + 1, i] = after
                self.basis[i + 1] = vector / after

    def coefficients(self, times: FloatArray, dimension: int) -> FloatArray:
        """exp(A t) e_1 |p|, A = (1 - H^-1)/tau, for rising times, shape (n_times, dimension)."""
        from scipy.linalg import expm

        h = self.hessenberg[:dimension, :dimension]
        a = (np.eye(dimension) - np.linalg.inv(h)) / self.tau
        result = np.empty((len(times), dimension))
        steps = np.diff(times)
        if len(times) > 2 and np.ptp(steps) <= 1e-12 * times[-1]:
            vector, step = expm(a * times[0])[:, 0], expm(a * steps.mean())
            for row in result:
                row[:] = vector
                vector = step @ vector
        else:
            for row, time in zip(result, times, strict=True):
                row[:] = expm(a * time)[:, 0]
        return self.norm * result

    def errors(self, times: FloatArray) -> FloatArray:
        """Sum over states of the change that the last dimensions brought, shape (n_times,)."""
        if self.complete:
            return np.zeros(len(times))
        shorter = self.dimension - _BACK
        change = self.coefficients(times, self.dimension)
        change[:, :shorter] -= self.coefficients(times, shorter)
        return np.asarray(np.abs(change @ self.basis[: self.dimension]).sum(axis=1))
