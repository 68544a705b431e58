"""Charging with rates that change in time, piece by piece between the envelope's breakpoints.

Engine "propagator" takes commutator-free Magnus steps where the rates change and exact exponentials
where they do not; engine "qiskit-dynamics" integrates with DOP853, the strengths of the bath being
Qiskit Dynamics signals on the dissipators of its `LindbladModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.channels import Channel, bath_channels, constant_part
from qbat_circuits.dynamics.krylov import exponential_path
from qbat_circuits.dynamics.lindblad import QiskitGenerator, solve
from qbat_circuits.dynamics.magnus import Generators, Strengths, adaptive_path
from qbat_circuits.dynamics.reduction import (
    check_effort,
    norm,
    reduce_liouvillians,
    reduce_parts,
)
from qbat_circuits.envelope import Envelope

#: Times at which the largest strength of a piece is looked for.
_SAMPLES = 33
#: A function of time is looked at this many times (2^k + 1) between breakpoints, and cut until
#: every part is straight to this share of its own largest value, or of the largest of all.
_LOOKS, _STRAIGHT, _NOTHING = 2**12 + 1, 0.2, 1e-10


def propagate_envelope(
    battery: Battery, start: ComplexArray, times: FloatArray, envelope: Envelope, tolerance: float
) -> ComplexArray:
    """States at the given times by commutator-free Magnus steps of fourth order.

    Args:
        battery: the model.
        start: density matrix at t = 0, shape (d, d).
        times: times >= 0 in rising order, shape (T,).
        envelope: how the bath changes.
        tolerance: largest estimated error at the last time.

    Returns:
        Density matrices, shape (T, d, d).

    Raises:
        InputError: for an envelope that does not fit the bath, or far too long times.
        AccuracyError: if the rates change too fast to be followed.
    """
    channels = bath_channels(battery, envelope)
    parts = [constant_part(battery), *((one.hamiltonian, one.jumps) for one in channels)]
    reduced = reduce_parts(parts, start)
    matrices = [one.matrix for one in reduced]
    generators = Generators(matrices[0], matrices[1:])
    strengths = _strengths(channels)
    error_rate = tolerance / times[-1] if times[-1] > 0 else 0.0

    def advance(state: FloatArray, stops: FloatArray) -> FloatArray:
        if envelope.constant_between(stops[0], stops[-1]):
            weights = strengths((stops[0] + stops[-1]) / 2)
            return exponential_path(generators.product(1.0, weights), state, stops[1:] - stops[0])
        fastest = _fastest(matrices, strengths, stops)
        check_effort(fastest, float(stops[-1] - stops[0]), "times")
        return adaptive_path(generators, strengths, state, stops, fastest, error_rate)

    return reduced[0].states(_piecewise(advance, reduced[0].start, times, envelope, strengths))


def integrate_envelope(
    battery: Battery, start: ComplexArray, times: FloatArray, envelope: Envelope, tolerance: float
) -> ComplexArray:
    """States at the given times from Qiskit Dynamics' time-dependent `LindbladModel`.

    Args:
        battery: the model.
        start: density matrix at t = 0, shape (d, d).
        times: times >= 0 in rising order, shape (T,).
        envelope: how the bath changes.
        tolerance: relative and absolute tolerance of the integrator.

    Returns:
        Density matrices, shape (T, d, d).

    Raises:
        InputError: for an envelope that does not fit the bath, or far too long times.
    """
    model = QiskitGenerator(*constant_part(battery), bath_channels(battery, envelope))
    reduced = reduce_liouvillians(model.liouvillians(), start)
    matrices = [one.matrix for one in reduced]

    def advance(state: FloatArray, stops: FloatArray) -> FloatArray:
        begin, end = float(stops[0]), float(stops[-1])
        fastest = _fastest(matrices, model.strengths, stops)
        check_effort(fastest, end - begin, "times")
        # Never beyond the piece, where a function may jump.
        inside = np.nextafter(begin, end), np.nextafter(end, begin)

        def slope(t: float, y: FloatArray) -> FloatArray:
            total = matrices[0] @ y
            weights = model.strengths(float(np.clip(t, *inside)))
            for weight, part in zip(weights, matrices[1:], strict=True):
                total += weight * (part @ y)
            return np.asarray(total)

        return solve(slope, state, stops[1:], tolerance, fastest, begin)

    rows = _piecewise(advance, reduced[0].start, times, envelope, model.strengths)
    return reduced[0].states(rows)


def _strengths(channels: Sequence[Channel]) -> Strengths:
    return lambda t: np.array([float(one.strength(t)) for one in channels])


def _fastest(matrices: Sequence[sp.csr_array], strengths: Strengths, stops: FloatArray) -> float:
    """Bound on every rate of G_0 + sum_k c_k(t) G_k between the first and the last stop."""
    samples = [strengths(float(t)) for t in np.linspace(stops[0], stops[-1], _SAMPLES)]
    largest = np.concatenate([[1.0], np.max(samples, axis=0)])
    return float(largest @ [norm(one) for one in matrices])


def _piecewise(
    advance: Callable[[FloatArray, FloatArray], FloatArray],
    start: FloatArray,
    times: FloatArray,
    envelope: Envelope,
    strengths: Strengths,
) -> FloatArray:
    """Rows at all times; ``advance`` takes a state through the stops of one piece."""
    rows = np.empty((len(times), len(start)))
    state = start
    rows[times == 0.0] = start
    for begin, end in _pieces(float(times[-1]), envelope, strengths):
        inside = np.flatnonzero((times > begin) & (times <= end))
        stops = np.unique(np.concatenate([[begin], times[inside], [end]]))
        found = advance(state, stops)
        rows[inside] = found[: len(inside)]
        state = found[-1]
    return rows


def _pieces(last: float, envelope: Envelope, strengths: Strengths) -> Iterator[tuple[float, float]]:
    """Ends of the pieces that are taken one after the other.

    A table is straight between its times. A function is cut further where it bends, so that no step
    passes over a pulse that is longer than 1/1000 of the time between breakpoints.
    """
    ends = [0.0, *(t for t in envelope.breakpoints if 0 < t < last), last]
    for begin, end in pairwise(ends):
        if not begin < end:
            continue
        if callable(envelope.rate) or callable(envelope.occupation):
            looks = np.linspace(begin, end, _LOOKS)
            looks[0], looks[-1] = np.nextafter(begin, end), np.nextafter(end, begin)
            values = np.array([strengths(float(t)) for t in looks])
            cuts = [begin, *(float(looks[i]) for i in _bends(values)), end]
            yield from pairwise(cuts)
        else:
            yield begin, end


def _bends(values: FloatArray) -> list[int]:
    """Where to cut samples (2^k + 1 of them), halving until every part is nearly straight."""
    nothing = _NOTHING * np.abs(values).max(axis=0)
    cuts: list[int] = []

    def halve(first: int, last: int) -> None:
        share = np.linspace(0.0, 1.0, last - first + 1)[:, None]
        part = values[first : last + 1]
        line = part[0] * (1 - share) + part[-1] * share
        limit = _STRAIGHT * np.abs(part).max(axis=0) + nothing
        if last - first > 1 and np.any(np.abs(part - line) > limit):
            middle = (first + last) // 2
            halve(first, middle)
            cuts.append(middle)
            halve(middle, last)

    halve(0, len(values) - 1)
    return cuts
