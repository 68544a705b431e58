"""Engine "propagator": exact exponentials of the constant generator, with scipy."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.reduction import check_effort, equal_steps, reduce_generator
from qbat_circuits.errors import check_number


def propagate(battery: Battery, start: ComplexArray, times: FloatArray) -> ComplexArray:
    """States at the given times, exact for constant rates: rho(t) = exp(L t) rho(0).

    Args:
        battery: the model.
        start: density matrix at t = 0, shape (2^N, 2^N).
        times: times >= 0 in rising order, shape (T,).

    Returns:
        Density matrices, shape (T, 2^N, 2^N).
    """
    reduced = reduce_generator(battery.liouvillian(), start)
    steps, which = equal_steps(times)
    rows = np.empty((len(times), len(reduced.start)))
    now = reduced.start
    # One dense exponential serves a whole even grid; without one, act on the vector instead.
    if len(now) <= (1000 if len(steps) <= 4 else 50):
        dense = reduced.matrix.toarray()
        exponentials = [scipy.linalg.expm(dense * step) for step in steps]
        for i, k in enumerate(which):
            now = rows[i] = exponentials[k] @ now
    else:
        from scipy.sparse.linalg import expm_multiply

        check_effort(reduced.matrix, float(times[-1]), "times")
        for i, k in enumerate(which):
            now = rows[i] = expm_multiply(reduced.matrix * steps[k], now) if steps[k] else now
    return reduced.states(rows)


def evolve(battery: Battery, states: ComplexArray, duration: float) -> ComplexArray:
    """Many states after the same time: exp(L t) on each, shape (..., 2^N, 2^N).

    Args:
        battery: the model.
        states: density matrices, shape (..., 2^N, 2^N).
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
        check_effort(generator, duration, "duration")
        after = np.asarray(expm_multiply(generator * duration, stacked))
    return np.ascontiguousarray(np.swapaxes(after.T.reshape(states.shape), -1, -2))
