"""Engine "propagator": exact exponentials of the constant generator, with scipy."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.krylov import exponential_path
from qbat_circuits.dynamics.reduction import (
    IndexArray,
    ReducedGenerator,
    check_effort,
    equal_steps,
    norm,
    reduce_model,
)
from qbat_circuits.errors import check_number

#: Dense exponentials serve at most this many coordinates, for any number of distinct steps up to
#: `_SMALL` of them, and only where the norm of the generator times the time is this many times
#: their number: below, Krylov subspaces are cheaper.
_DENSE_COORDINATES, _SMALL, _STIFFNESS = 1000, 100, 20


def propagate(battery: Battery, start: ComplexArray, times: FloatArray) -> ComplexArray:
    """States at the given times, exact for constant rates: rho(t) = exp(L t) rho(0).

    Args:
        battery: the model.
        start: density matrix at t = 0, shape (d, d).
        times: times >= 0 in rising order, shape (T,).

    Returns:
        Density matrices, shape (T, d, d).
    """
    reduced = reduce_model(battery.hamiltonian(), battery.jump_operators(), start)
    steps, which = equal_steps(times)
    size = len(reduced.start)
    few = len(steps) <= 4 or size <= _SMALL
    stiff = norm(reduced.matrix) * times[-1] > _STIFFNESS * size
    if size <= _DENSE_COORDINATES and few and stiff:
        return reduced.states(_by_exponentials(reduced, steps, which))
    return reduced.states(exponential_path(lambda y: reduced.matrix @ y, reduced.start, times))


def _by_exponentials(reduced: ReducedGenerator, steps: FloatArray, which: IndexArray) -> FloatArray:
    """One dense exponential of each distinct step, shape (T, D): as long as one likes."""
    dense = reduced.matrix.toarray()
    exponentials = [scipy.linalg.expm(dense * step) for step in steps]
    rows = np.empty((len(which), len(reduced.start)))
    now = reduced.start
    for i, k in enumerate(which):
        now = rows[i] = exponentials[k] @ now
    return rows


def evolve(battery: Battery, states: ComplexArray, duration: float) -> ComplexArray:
    """Many states after the same time: exp(L t) on each, shape (..., d, d).

    Args:
        battery: the model.
        states: density matrices, shape (..., d, d).
        duration: t >= 0.

    Raises:
        InputError: for a negative duration, or one far beyond the model's rates.
    """
    from scipy.sparse.linalg import expm_multiply

    duration = check_number("duration", duration, at_least=0)
    if duration == 0.0:
        return states
    generator = battery.liouvillian()
    # Column-stacked: the first matrix index runs fastest.
    stacked = np.swapaxes(states, -1, -2).reshape(-1, states.shape[-1] ** 2).T
    if generator.shape[0] <= 256:
        after = scipy.linalg.expm(generator.toarray() * duration) @ stacked
    else:
        check_effort(norm(generator), duration, "duration")
        after = np.asarray(expm_multiply(generator * duration, stacked))
    return np.ascontiguousarray(np.swapaxes(after.T.reshape(states.shape), -1, -2))
