"""Engine "qiskit-dynamics": Qiskit Dynamics builds the Lindblad generator and integrates it.

The generator is a vectorised `LindbladModel`, dense up to three cells and sparse above (dense
beyond that takes minutes), reduced to the coordinates that the start can reach
(`reduction.reduce_generator`) and integrated by Qiskit Dynamics with DOP853. Its LSODA call
corrupts the process for later solvers, so the method is fixed here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.qiskit_dynamics_core import load_qiskit_dynamics
from qbat_circuits.dynamics.reduction import (
    ReducedGenerator,
    check_effort,
    equal_steps,
    reduce_generator,
)

_METHOD = "DOP853"
#: Tightest relative tolerance that DOP853 accepts (100 units in the last place).
_TIGHTEST = 2.3e-14
#: Longest step times the norm of the generator. Left alone, DOP853 settles at the edge of its
#: stability interval (about 6.1), where fast modes ring at a thousand times the tolerance.
_STABLE_STEP = 6.0
#: Up to this many coordinates, one propagator of a repeated step beats a path through all times.
_PROPAGATOR_COORDINATES = 160


def integrate(
    battery: Battery, start: ComplexArray, times: FloatArray, tolerance: float
) -> ComplexArray:
    """States at the given times from Qiskit Dynamics.

    Args:
        battery: the model.
        start: density matrix at t = 0, shape (2^N, 2^N).
        times: times >= 0 in rising order, shape (T,).
        tolerance: relative and absolute tolerance of the integrator.

    Returns:
        Density matrices, shape (T, 2^N, 2^N).
    """
    reduced = reduce_generator(qiskit_liouvillian(battery), start)
    steps, which = equal_steps(times)
    if len(reduced.start) <= _PROPAGATOR_COORDINATES and len(steps) <= 4:
        check_effort(reduced.matrix, float(steps.sum()), "times")
        rows = _by_repeated_steps(reduced, steps, which, tolerance)
    else:
        check_effort(reduced.matrix, float(times[-1]), "times")
        rows = _along_the_path(reduced, times, tolerance)
    return reduced.states(rows)


def qiskit_liouvillian(battery: Battery) -> sp.csr_array:
    """Column-stacking generator as Qiskit Dynamics' `LindbladModel` evaluates it.

    Its sparse models round every operator to 10 decimals, so the model is set up in a time unit in
    which the rates are of order 2^60 (a power of two: exact both ways) and scaled back.
    """
    models = load_qiskit_dynamics().models
    jumps = battery.jump_operators()
    largest = max([rate for rate, _ in jumps] + [abs(d) for d in battery.detunings])
    if largest == 0.0:
        return battery.liouvillian()
    unit = 2.0 ** (60 - math.frexp(largest)[1])
    scaled = [sp.csr_matrix(math.sqrt(rate * unit) * jump) for rate, jump in jumps]
    dense = battery.n_cells <= 3
    model = models.LindbladModel(
        static_hamiltonian=unit * battery.hamiltonian().toarray(),
        static_dissipators=_collected(scaled, dense),
        array_library="numpy" if dense else "scipy_sparse",
        vectorized=True,
        validate=False,
    )
    return sp.csr_array(model(0.0) / unit)


def _collected(operators: list[sp.csr_matrix], dense: bool) -> Any:
    if not operators:
        return None
    return np.array([one.toarray() for one in operators]) if dense else operators


def _along_the_path(reduced: ReducedGenerator, times: FloatArray, tolerance: float) -> FloatArray:
    """Integrate dy/dt = G y once through all times, shape (T, D)."""
    if times[-1] == 0.0:
        return np.tile(reduced.start, (len(times), 1))
    return _solve(reduced.matrix, reduced.start, times, tolerance)


def _by_repeated_steps(
    reduced: ReducedGenerator,
    steps: FloatArray,
    which: np.ndarray[Any, np.dtype[np.intp]],
    tolerance: float,
) -> FloatArray:
    """Integrate the propagator dV/dt = G V of each distinct step and apply it, shape (T, D).

    The rates are constant, so equal steps share one propagator. Errors of steps add up: each is
    solved to the tolerance divided by the number of steps.
    """
    identity = np.eye(len(reduced.start))
    tight = tolerance / len(which)
    propagators = [
        _solve(reduced.matrix, identity, np.array([step]), tight)[0] if step > 0.0 else identity
        for step in steps
    ]
    rows = np.empty((len(which), len(identity)))
    now = reduced.start
    for i, k in enumerate(which):
        now = rows[i] = propagators[k] @ now
    return rows


def _solve(
    matrix: sp.csr_array, start: FloatArray, times: FloatArray, tolerance: float
) -> FloatArray:
    norm = float(abs(matrix).sum(axis=0).max()) if matrix.nnz else 0.0
    # Dense products are cheaper than sparse ones while the matrix is small.
    product: Any = matrix.toarray() if len(start) <= _PROPAGATOR_COORDINATES else matrix
    result = load_qiskit_dynamics().solve_ode(
        lambda _t, y: product @ y,
        t_span=[0.0, float(times[-1])],
        y0=start,
        method=_METHOD,
        t_eval=times,
        atol=tolerance,
        rtol=max(tolerance, _TIGHTEST),
        max_step=_STABLE_STEP / norm if norm else np.inf,
    )
    return np.asarray(result.y, dtype=np.float64)
