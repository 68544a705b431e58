"""Engine "qiskit-dynamics": Qiskit Dynamics builds the Lindblad generator and integrates it.

The generator is a vectorised `LindbladModel`, dense for the smallest and sparse above (dense
beyond that takes minutes), reduced to the coordinates that the start can reach
(`reduction.reduce_liouvillians`) and integrated by Qiskit Dynamics with DOP853. Its LSODA call
corrupts the process for later solvers, so the method is fixed here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.battery import Battery, Jump
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.channels import Channel
from qbat_circuits.dynamics.qiskit_dynamics_core import load_qiskit_dynamics
from qbat_circuits.dynamics.reduction import (
    ReducedGenerator,
    check_effort,
    equal_steps,
    norm,
    reduce_liouvillians,
)

_METHOD = "DOP853"
#: Up to this dimension of the states the model is dense.
_DENSE_DIMENSION = 9
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
        start: density matrix at t = 0, shape (d, d).
        times: times >= 0 in rising order, shape (T,).
        tolerance: relative and absolute tolerance of the integrator.

    Returns:
        Density matrices, shape (T, d, d).
    """
    reduced = reduce_liouvillians([qiskit_liouvillian(battery)], start)[0]
    steps, which = equal_steps(times)
    if len(reduced.start) <= _PROPAGATOR_COORDINATES and len(steps) <= 4:
        check_effort(norm(reduced.matrix), float(steps.sum()), "times")
        rows = _by_repeated_steps(reduced, steps, which, tolerance)
    else:
        check_effort(norm(reduced.matrix), float(times[-1]), "times")
        rows = _along_the_path(reduced, times, tolerance)
    return reduced.states(rows)


def qiskit_liouvillian(battery: Battery) -> sp.csr_array:
    """Column-stacking generator of a battery as Qiskit Dynamics' `LindbladModel` evaluates it."""
    return QiskitGenerator(battery.hamiltonian(), battery.jump_operators()).liouvillians()[0]


class QiskitGenerator:
    """Qiskit Dynamics' vectorised `LindbladModel`; what changes in time goes by its signals.

    Its sparse models round every operator to 10 decimals, so the model is set up in a time unit in
    which the rates are of order 2^60 (a power of two: exact both ways) and scaled back.
    """

    def __init__(
        self, hamiltonian: sp.csr_array, jumps: Sequence[Jump], channels: Sequence[Channel] = ()
    ) -> None:
        """Build the model.

        Args:
            hamiltonian: its constant part, shape (d, d).
            jumps: constant dissipators (rate, L).
            channels: what changes, each with its strength.
        """
        dynamics = load_qiskit_dynamics()
        turning = [
            (k, one.hamiltonian) for k, one in enumerate(channels) if one.hamiltonian is not None
        ]
        changing = [(k, jump) for k, one in enumerate(channels) for jump in one.jumps]
        rates = [rate for rate, _ in [*jumps, *(jump for _, jump in changing)]]
        largest = max([*rates, float(abs(hamiltonian).max())])
        self._unit = unit = 2.0 ** (60 - math.frexp(largest)[1]) if largest > 0 else 1.0
        dense = hamiltonian.shape[0] <= _DENSE_DIMENSION
        self._signals = [dynamics.Signal(one.strength) for one in channels]
        self._owners = [k for k, _ in turning], [k for k, _ in changing]
        self.model = dynamics.models.LindbladModel(
            static_hamiltonian=unit * hamiltonian.toarray(),
            hamiltonian_operators=_collected([unit * one for _, one in turning], dense),
            hamiltonian_signals=self._each(self._signals)[0],
            static_dissipators=_collected([_scaled(jump, unit) for jump in jumps], dense),
            dissipator_operators=_collected([_scaled(jump, unit) for _, jump in changing], dense),
            dissipator_signals=self._each(self._signals)[1],
            array_library="numpy" if dense else "scipy_sparse",
            vectorized=True,
            validate=False,
        )

    def strengths(self, t: float) -> FloatArray:
        """The signals of the channels at one time, shape (K,)."""
        return np.array([float(signal(t)) for signal in self._signals])

    def liouvillians(self) -> list[sp.csr_array]:
        """Column-stacking generators as the model evaluates them: the constant part, each channel.

        Their sum with the strengths as weights is the model's generator.
        """
        count = len(self._signals)
        try:
            constant = self._evaluated(np.zeros(count))
            parts = [sp.csr_array(self._evaluated(row) - constant) for row in np.eye(count)]
        finally:
            self.model.signals = self._each(self._signals)
        return [constant, *parts]

    def _evaluated(self, values: FloatArray) -> sp.csr_array:
        self.model.signals = self._each(values.tolist())
        return sp.csr_array(self.model(0.0) / self._unit)

    def _each(self, signals: Sequence[Any]) -> tuple[list[Any] | None, list[Any] | None]:
        """A signal for every operator of the Hamiltonian and for every dissipator."""
        hamiltonian, dissipators = ([signals[k] for k in owners] for owners in self._owners)
        return hamiltonian or None, dissipators or None


def _scaled(jump: Jump, unit: float) -> sp.csr_array:
    return sp.csr_array(math.sqrt(jump[0] * unit) * jump[1])


def _collected(operators: Sequence[sp.csr_array], dense: bool) -> Any:
    """As Qiskit Dynamics takes them: an array, or a list of sparse matrices, or nothing."""
    if not operators:
        return None
    if dense:
        return np.array([one.toarray() for one in operators])
    return [sp.csr_matrix(one) for one in operators]


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


def solve(
    slope: Callable[[float, FloatArray], FloatArray],
    state: FloatArray,
    times: FloatArray,
    tolerance: float,
    fastest: float,
    begin: float = 0.0,
) -> FloatArray:
    """Integrate dy/dt = slope(t, y) from ``begin`` through Qiskit Dynamics' DOP853.

    Args:
        slope: linear in y.
        state: y at ``begin``.
        times: saved times in rising order, shape (T,).
        tolerance: relative and absolute tolerance.
        fastest: bound on every rate of the slope.
        begin: where the integration starts.

    Returns:
        Shape (T, *state.shape).
    """
    result = load_qiskit_dynamics().solve_ode(
        slope,
        t_span=[begin, float(times[-1])],
        y0=state,
        method=_METHOD,
        t_eval=times,
        atol=tolerance,
        rtol=max(tolerance, _TIGHTEST),
        max_step=_STABLE_STEP / fastest if fastest else np.inf,
    )
    return np.asarray(result.y, dtype=np.float64)


def _solve(
    matrix: sp.csr_array, start: FloatArray, times: FloatArray, tolerance: float
) -> FloatArray:
    # Dense products are cheaper than sparse ones while the matrix is small.
    product: Any = matrix.toarray() if len(start) <= _PROPAGATOR_COORDINATES else matrix
    return solve(lambda _t, y: product @ y, start, times, tolerance, norm(matrix))
