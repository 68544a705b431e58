"""Honest ends for the ergotropy of a state that is known by its counts only.

The ergotropy W(rho) = max_U Tr[rho (H - U^+ H U)] is a maximum of linear functionals, so it is
convex. With the unbiased raw state rho_hat of `linear_inversion` this gives one end each:

- Upper end. For a state (rho >= 0) and any cap c, W <= W_c = max_U Tr[rho (H - U^+ min(H, c) U)],
  equal if the populations above the cap vanish. W_c(rho_hat) >= Tr[rho_hat O] for the optimal O of
  the true state, whose mean is W_c. So W_c(rho_hat) + z * (its standard error) is above W with the
  wanted probability. A cap keeps the noise of empty levels out of the end.
- Lower end. An operator built from one part of the shots is a fixed operator for the rest, so its
  mean there is the work of some unitary, which is at most W. Averaged over the K parts left out.

The standard errors are those of fixed functionals (multinomial), for the lower end with the
covariance that parts share through their operators. See docs/estimating-work.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.analysis.linear_inversion import (
    MeasurementFrame,
    linear_variance,
    nearest_spectrum,
)
from qbat_circuits.cells import ComplexArray, FloatArray

#: Parts of the cross-fit; 10 would gain 2 % of the width (docs/estimating-work.md).
FOLDS = 5
#: A tail of populations counts as occupied above this many standard errors; below, it is capped.
OCCUPIED_SIGMA = 3.0
#: Shots spread evenly over the outcomes of each setting where a variance is estimated, like the
#: z^2 = 4 of Agresti and Coull: outcomes that never occurred are not certain never to occur.
EXTRA_SHOTS = 4.0

IntTable = NDArray[np.int64]
#: Builds fixed operators, shape (m, d, d), from the eigenvalues and eigenvectors of a raw state.
Functionals = Callable[[FloatArray, ComplexArray], ComplexArray]


@dataclass(frozen=True, eq=False)
class Sample:
    """Counts of all 3^N settings, shape (3^N, 2^N), and the frame that inverts them."""

    frame: MeasurementFrame
    table: IntTable

    @cached_property
    def shots(self) -> IntTable:
        """Shots of each setting, shape (3^N,)."""
        return np.asarray(self.table.sum(axis=1), dtype=np.int64)

    @cached_property
    def raw_state(self) -> ComplexArray:
        """The state of all shots, by linear inversion."""
        return self.frame.reconstruct(frequencies(self.table))

    @cached_property
    def _smoothed(self) -> FloatArray:
        extra = EXTRA_SHOTS / self.table.shape[1]
        return np.asarray(
            (self.table + extra) / (self.shots[:, None] + EXTRA_SHOTS), dtype=np.float64
        )

    def variance(self, weights: FloatArray, shots: IntTable) -> FloatArray:
        """Variance of sum w f over this many shots per setting; weights (..., 3^N, 2^N)."""
        return linear_variance(self._smoothed, weights, shots)

    def standard_error(self, observable: ComplexArray) -> float:
        """Standard error of Tr[O rho_hat] over all shots."""
        return sqrt(self.variance(self.frame.weights(observable), self.shots))


def frequencies(table: IntTable) -> FloatArray:
    """Counts over the shots of their setting."""
    return np.asarray(table / table.sum(axis=1, keepdims=True), dtype=np.float64)


def upper_bound(sample: Sample, levels: FloatArray, positive: bool = True) -> tuple[float, float]:
    """W_c of the raw state, never below the truth in the mean, and its standard error.

    The populations above the cap are those whose sum (smallest eigenvalues of the raw state) is
    not above zero by `OCCUPIED_SIGMA` standard errors.

    Args:
        sample: the counts.
        levels: diagonal of H, shape (2^N,).
        positive: False where the counts contradict rho >= 0, on which a cap relies: then none.
    """
    raw = sample.raw_state
    values, vectors = _descending(raw)
    filled = np.sort(levels)
    if positive:
        filled = np.minimum(filled, filled[_occupied(sample, values, vectors) - 1])
    operator = np.diag(levels) - _operator(vectors, filled)
    work = np.diagonal(raw).real @ levels - values @ filled
    return float(work), sample.standard_error(operator)


def work_and_lowest(levels: FloatArray) -> Functionals:
    """Two operators to measure on left-out shots: work, and the projector on the lowest direction.

    The work operator is the mean of H - U^+ H U over the unitaries U that are optimal for the
    nearest density matrix. Any order of the eigenvectors that this state leaves empty is optimal,
    so they share the mean of their levels, and their noise drops out.
    """
    filled = np.sort(levels)

    def functionals(values: FloatArray, vectors: ComplexArray) -> ComplexArray:
        """Both operators for one raw state, shape (2, d, d)."""
        rank = np.count_nonzero(nearest_spectrum(values))
        shared = filled.copy()
        if rank < len(filled):
            shared[rank:] = np.mean(filled[rank:])
        lowest = np.zeros(len(filled))
        lowest[-1] = 1
        return np.stack([np.diag(levels) - _operator(vectors, shared), _operator(vectors, lowest)])

    return functionals


def cross_fit(
    sample: Sample, functionals: Functionals, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Operators from K - 1 parts of the shots, measured on the part left out, averaged.

    L = (1/K) sum_k Tr[rho_k O_{-k}]. The terms of two parts k, l are correlated, because each is
    in the other's operator; with the operators O_{-k,-l} of neither part,
    |Cov_kl| <= Var_k(O_{-k} - O_{-k,-l}) in the mean over the data (Cauchy-Schwarz), which is
    added. It matters where the optimal operator jumps from sample to sample, such as at the
    maximally mixed state.

    Args:
        sample: at least `FOLDS` shots in each setting.
        functionals: operators from a raw state.
        rng: splits the shots.

    Returns:
        The averages and their standard errors, shape (m,) each.
    """
    frame, table = sample.frame, sample.table
    parts = split_counts(table, FOLDS, rng)

    def weights(*left_out: int) -> FloatArray:
        rest = table - sum(parts[k] for k in left_out)
        raw = frame.reconstruct(frequencies(rest))
        return frame.weights(functionals(*_descending(raw)))

    without_two = {(k, m): weights(k, m) for k in range(FOLDS) for m in range(k)}
    mean, variance = np.zeros(()), np.zeros(())
    for k, part in enumerate(parts):
        own, shots = weights(k), np.asarray(part.sum(axis=1), dtype=np.int64)
        jumps = [own - without_two[max(k, m), min(k, m)] for m in range(FOLDS) if m != k]
        mean = mean + np.sum(own * frequencies(part), axis=(1, 2)) / FOLDS
        variance = variance + sample.variance(np.stack([own, *jumps]), shots).sum(axis=0) / FOLDS**2
    return mean, np.sqrt(variance)


def split_counts(table: IntTable, n_parts: int, rng: np.random.Generator) -> list[IntTable]:
    """The shots dealt into parts of equal size (within one shot), without replacement.

    Each setting is split on its own (multivariate hypergeometric), so the parts are what separate
    runs would have given.
    """
    shots = table.sum(axis=1)
    left, parts = table.copy(), []
    for k in range(1, n_parts):
        wanted = shots * k // n_parts - shots * (k - 1) // n_parts
        others = left.sum(axis=1)
        part = np.empty_like(left)
        for outcome in range(table.shape[1]):
            others = others - left[:, outcome]
            part[:, outcome] = rng.hypergeometric(left[:, outcome], others, wanted)
            wanted = wanted - part[:, outcome]
        left = left - part
        parts.append(part)
    return [*parts, left]


def _occupied(sample: Sample, values: FloatArray, vectors: ComplexArray) -> int:
    """Number of eigenvalues (descending) before the tail that is not significantly positive."""

    def empty(rank: int) -> bool:
        tail = vectors[:, rank:]
        error = sample.standard_error(tail @ tail.conj().T)
        return float(np.sum(values[rank:])) <= OCCUPIED_SIGMA * error

    return bisect_left(range(1, len(values)), True, key=empty) + 1


def _descending(raw: ComplexArray) -> tuple[FloatArray, ComplexArray]:
    values, vectors = np.linalg.eigh(raw)
    return values[::-1], vectors[:, ::-1]


def _operator(vectors: ComplexArray, values: FloatArray) -> ComplexArray:
    return np.asarray((vectors * values) @ vectors.conj().T, dtype=np.complex128)
