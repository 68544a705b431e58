"""The most likely state behind Pauli counts, with a certificate of how likely it is.

Cell i has six effects M_{s,y} = sum_x A[y, x] |s, x><s, x| (s = X, Y, Z; A its assignment matrix),
so readout errors are part of the measurement and counts are never corrected. The likelihood of n
counts is concave in rho:

    log L(rho) = sum_{s,y} n_{s,y} log p_{s,y},   p_{s,y} = Tr[rho M_{s,y}]
    R(rho) = sum_{s,y} (n_{s,y} / p_{s,y}) M_{s,y},   its gradient, with Tr[R rho] = n

It lies below its tangent, so for every state sigma

    log L(sigma) - log L(rho) <= Tr[R (sigma - rho)] <= lambda_max(R) - n = gap

and a small gap proves the maximum without knowing it. Products over cells are contracted cell by
cell: nothing larger than the 6^N outcomes is ever held. See docs/maximum-likelihood.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.analysis.linear_inversion import nearest_state
from qbat_circuits.analysis.scheme import chosen_readout
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.readout_model import MAX_TOMOGRAPHY_CELLS, ReadoutModel, on_cells
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

#: Steps from one evaluation of the gap to the next.
CHECK_EVERY = 10
#: Factor by which the step grows when it was short enough, and shrinks when it was not.
LONGER, SHORTER = 1.1, 0.5
#: Longest step times the number of shots; beyond it round-off decides.
LONGEST_STEP = 1e6
#: Round-off of lambda_max(R) for each shot, part of the gap.
ROUND_OFF = 2e-15

_LETTERS = {"X": 0, "Y": 1, "Z": 2}
_PAULIS = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
#: |s, x><s, x| with axes (s, x, row, column); x = 0 is the eigenvalue +1.
_PROJECTORS = (np.eye(2) + np.array([1, -1])[:, None, None] * _PAULIS[:, None]) / 2


@dataclass(frozen=True, eq=False)
class MaximumLikelihood:
    """The most likely state, and how far from the maximum it can be.

    Args:
        state: density matrix, shape (2^N, 2^N).
        log_likelihood: sum n log p in nats, without the multinomial coefficients.
        gap: no state is more likely by more than this, in nats: the certificate of convergence.
        iterations: projections on the density matrices.
        converged: whether the gap came below the tolerance.
        informationally_complete: whether all 3^N settings were measured. If not, some operators
            were never seen and other states may be as likely; with outcomes that never occurred
            that can happen to a complete set too.
    """

    state: ComplexArray
    log_likelihood: float
    gap: float
    iterations: int
    converged: bool
    informationally_complete: bool

    def __post_init__(self) -> None:
        self.state.flags.writeable = False

    def ergotropy(self, energies: Sequence[float] | None = None) -> float:
        """Ergotropy of this state: a point value, biased, to which no interval belongs.

        Noise leaves order in a passive state and empties weak levels of a charged one, so the bias
        has either sign. `estimate_ergotropy` gives a value with an interval.

        Args:
            energies: cell energies e_i, 1 each by default.
        """
        return ergotropy(self.state, energies)


def maximum_likelihood(
    counts: Counts,
    readout: ReadoutModel | None = None,
    tolerance: float = 1e-3,
    max_iterations: int = 20_000,
) -> MaximumLikelihood:
    """The density matrix that makes the counts most likely, readout errors included.

    Accelerated projected gradient from the maximally mixed state: a step along R from an
    extrapolated point, back to the nearest density matrix, with a step length found by
    backtracking and a restart where the extrapolation turns against the step. It ends when the
    gap is below ``tolerance``, or unconverged, and saying so, after ``max_iterations``.

    Args:
        counts: counts of any Pauli settings, with any shots; outcomes may be missing. The
            likelihood is that of independent shots; where they come in draws, the state is still
            consistent, but differences of the log-likelihood are too large.
        readout: the readout that is part of the measurement, taken as exact; by default the one
            that the counts carry. Of 2 x 3 matrices the leaked level is taken as empty.
        tolerance: largest log-likelihood that may be missing to the maximum, in nats. A standard
            error is half a nat.
        max_iterations: most projections.

    Raises:
        InputError: if no readout is known, it does not fit the counts, a cell has more than two
            readings, or an argument is out of its range.

    Source: Shang, Zhang, Ng, PRA 95, 062336 (2017), doi:10.1103/PhysRevA.95.062336; restart of
    O'Donoghue, Candes, Found. Comput. Math. 15, 715 (2015), doi:10.1007/s10208-013-9150-3.
    """
    if not isinstance(counts, Counts):
        raise broken_rule("counts", "Counts (see Counts.load)", counts)
    n = check_integer("n_cells", counts.n_cells, at_most=MAX_TOMOGRAPHY_CELLS)
    likelihood = _Likelihood.of(counts, _readout(counts, readout))
    found = _ascend(
        likelihood,
        check_number("tolerance", tolerance, above=0),
        check_integer("max_iterations", max_iterations, at_least=1),
    )
    return MaximumLikelihood(
        state=found.point.matrix,
        log_likelihood=float(likelihood.counts @ np.log(found.point.probabilities)),
        gap=found.gap,
        iterations=found.iterations,
        converged=found.gap <= tolerance,
        informationally_complete=len(counts.settings) == 3**n,
    )


class _Point(NamedTuple):
    """A Hermitian matrix and its probabilities of the outcomes that occurred."""

    matrix: ComplexArray
    probabilities: FloatArray

    def beyond(self, other: _Point, share: float) -> _Point:
        """Extrapolated from ``other`` through this point."""
        return _Point(
            self.matrix + share * (self.matrix - other.matrix),
            self.probabilities + share * (self.probabilities - other.probabilities),
        )


class _Found(NamedTuple):
    point: _Point
    gap: float
    iterations: int


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """Outcomes that occurred, by their place among the 6^N: one digit 2 s + y per cell."""

    effects: ComplexArray  # M_{s,y} of each cell, shape (N, 6, 4)
    places: NDArray[np.int64]
    counts: FloatArray

    @classmethod
    def of(cls, counts: Counts, readout: ReadoutModel) -> _Likelihood:
        """The outcomes that occurred, with the effects of the readout."""
        n = counts.n_cells
        matrices = readout.assignment[:, :, :2]
        effects = np.einsum("iyx,sxab->isyab", matrices, _PROJECTORS).reshape(n, 6, 4)
        weights = 6 ** np.arange(n)[::-1]  # cell N-1 is the first letter and the first digit
        letters = np.array([[_LETTERS[x] for x in label] for label in counts.settings])
        digits = np.indices((2,) * n).reshape(n, -1)
        places = (2 * letters @ weights)[:, None] + weights @ digits
        seen = counts.table > 0
        return cls(effects, places[seen], counts.table[seen].astype(np.float64))

    @property
    def shots(self) -> float:
        """All shots together, n."""
        return float(self.counts.sum())

    def point(self, matrix: ComplexArray) -> _Point:
        """A matrix with its probabilities."""
        n = len(self.effects)
        pairs = matrix.reshape((2,) * 2 * n)
        pairs = pairs.transpose([axis for cell in range(n) for axis in (cell, n + cell)])
        outcomes = on_cells(pairs.ravel(), self.effects.conj())
        return _Point(matrix, outcomes.real[self.places])

    def gradient(self, point: _Point) -> ComplexArray:
        """R - n: the gradient on matrices of trace 1, where a multiple of 1 changes nothing."""
        n = len(self.effects)
        ratios = np.zeros(6**n, dtype=np.complex128)
        ratios[self.places] = self.counts / point.probabilities
        pairs = on_cells(ratios, np.swapaxes(self.effects, 1, 2)).reshape((2,) * 2 * n)
        r = pairs.transpose(*range(0, 2 * n, 2), *range(1, 2 * n, 2)).reshape(2**n, 2**n)
        return np.asarray(r - self.shots * np.eye(2**n), dtype=np.complex128)

    def gap(self, point: _Point) -> float:
        """lambda_max(R) - n of a state, >= 0 because Tr[R rho] = n, and its round-off."""
        largest = float(np.linalg.eigvalsh(self.gradient(point))[-1])
        return max(0.0, largest) + ROUND_OFF * self.shots

    def curvature(self, start: _Point, end: _Point) -> float:
        """How far log L(end) is below the tangent at ``start``: sum n (x - log(1 + x)) >= 0.

        Without the cancellation of two large sums; infinite where an outcome that occurred would
        be impossible.
        """
        if end.probabilities.min() <= 0:
            return np.inf
        x = end.probabilities / start.probabilities - 1
        return float(self.counts @ (x - np.log1p(x)))


def _ascend(likelihood: _Likelihood, tolerance: float, max_iterations: int) -> _Found:
    """Projected gradient steps from the maximally mixed state until the gap is small."""
    size = 2 ** len(likelihood.effects)
    state = likelihood.point(np.eye(size, dtype=np.complex128) / size)
    ahead, slope = state, likelihood.gradient(state)
    step = 1 / (size * likelihood.shots)  # the inverse of the largest curvature at this state
    momentum = 1.0
    for iteration in range(max_iterations + 1):
        if iteration % CHECK_EVERY == 0 or iteration == max_iterations:
            gap = likelihood.gap(state)
            if gap <= tolerance:
                break
        if iteration == max_iterations:
            break
        new = likelihood.point(nearest_state(ahead.matrix + step * slope, 1.0))
        moved = float(np.linalg.norm(new.matrix - ahead.matrix) ** 2)
        if 2 * step * likelihood.curvature(ahead, new) > moved:
            step *= SHORTER
            continue
        turned = np.vdot(ahead.matrix - new.matrix, new.matrix - state.matrix).real > 0
        longer = (1 + sqrt(1 + 4 * momentum**2)) / 2
        ahead, momentum = new.beyond(state, (momentum - 1) / longer), longer
        if turned or ahead.probabilities.min() <= 0:
            ahead, momentum = new, 1.0
        state, slope = new, likelihood.gradient(ahead)
        step = min(LONGER * step, LONGEST_STEP / likelihood.shots)
    return _Found(state, gap, iteration)


def _readout(counts: Counts, readout: ReadoutModel | None) -> ReadoutModel:
    chosen = chosen_readout(counts, readout)
    if not isinstance(chosen, ReadoutModel) or chosen.outcomes != 2:
        raise InputError("Maximum likelihood takes cells with 2 readings each, read on their own.")
    return chosen
