"""Shots that come in draws: only the draws are independent, so they make the variance.

A draw is one random circuit (the flips of `collision_circuit` with ancilla "random-x") that was run
for m shots. The mean of a functional over R draws has the variance Var(one draw's mean)/R, which is
more than that of m*R independent shots. See docs/estimating-work.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.analysis.sample import IntTable, Sample
from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import broken_rule
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import Counts

#: Fewest draws of a setting with which an estimate is made: with 30 the upper end of few settings
#: misses too often, because draws are few and their means are skewed (docs/estimating-work.md).
MIN_DRAWS = 50


@dataclass(frozen=True, eq=False)
class DrawnSample(Sample):
    """A `Sample` whose shots come in R draws of m shots in each setting.

    The covariance of one draw's frequencies is that of m independent shots, or more: the draws'
    deviations are scaled so that independent shots would spread by 1 in every direction (Pearson's
    residuals), and where they spread by more, the excess is added. Of any functional this is at
    least the variance between draws, and at least that of independent shots.

    Args:
        draws: counts by reading of all draws, shape (S, R, K^N).
        held: which of them are in the sample, shape (S, R), as many in each setting; ``table`` is
            their sum.
    """

    draws: IntTable = field(kw_only=True)
    held: NDArray[np.bool_] = field(kw_only=True)

    @property
    def n_draws(self) -> int:
        """Draws of each setting that are in the sample."""
        return int(np.count_nonzero(self.held[0]))

    def covariance(self, weights: FloatArray) -> FloatArray:
        """As of independent shots, with the shots' share of what draws add."""
        stacked = super().covariance(weights)
        across = np.einsum("fsy,sky->sfk", self.readout.pull_back(weights), self._excess)
        shots = (self.shots / self.n_draws)[:, None, None]
        stacked[:-1] += shots * (across @ across.swapaxes(1, 2))
        return stacked

    def setting_covariance(self, read: FloatArray, row: int) -> FloatArray:
        """As of independent shots, and what draws add."""
        across = read @ self._excess[row].T
        added = across @ across.T / self.n_draws
        return np.asarray(super().setting_covariance(read, row) + added, dtype=np.float64)

    def scatter(self, read: FloatArray) -> tuple[FloatArray, IntTable]:
        """As of independent shots, with the mean of each draw for an observation."""
        draws = self._own / self._own.sum(axis=2, keepdims=True)
        means = np.einsum("csy,sry->csr", read, draws)
        variance = means.var(axis=2, ddof=1).sum(axis=1) / self.n_draws
        return np.asarray(variance), np.full(len(self.held), self.n_draws)

    def _dealt(self, parts: int, rng: np.random.Generator) -> list[Sample]:
        """Whole draws in parts of equal size (within one draw), those of each setting anew."""
        number = np.empty(self.held.shape, dtype=np.int64)  # of the part that a draw comes into
        even = np.arange(self.n_draws) * parts // self.n_draws
        number[self.held] = rng.permuted(np.tile(even, (len(self.held), 1)), axis=1).ravel()
        return [self._only(self.held & (number == k)) for k in range(parts)]

    def _rest(self, parts: Sequence[Sample]) -> Sample:
        held = self.held.copy()
        for part in parts:
            if isinstance(part, DrawnSample):
                held &= ~part.held
        return self._only(held)

    def _only(self, held: NDArray[np.bool_]) -> Sample:
        table = np.einsum("sr,sry->sy", held, self.draws)
        return replace(self, table=table, held=held)

    @cached_property
    def _own(self) -> IntTable:
        """The draws in the sample, shape (S, n_draws, K^N)."""
        return self.draws[self.held].reshape(len(self.held), self.n_draws, -1)

    @cached_property
    def _excess(self) -> FloatArray:
        """Directions g, shape (S, k, K^N), whose sum of g g^T is what the covariance of one draw's
        frequencies has beyond that of independent shots."""
        per_draw = (self.shots / self.n_draws)[:, None, None]
        q = self._smoothed[:, None]
        residuals = (self._own - per_draw * self.frequencies[:, None]) / np.sqrt(per_draw * q)
        _, spread, directions = np.linalg.svd(
            residuals / np.sqrt(self.n_draws - 1), full_matrices=False
        )
        beyond = np.sqrt(np.maximum(spread**2 - 1, 0.0))
        return np.asarray(np.sqrt(q / per_draw) * beyond[..., None] * directions)

    def _of_shots(self, read: FloatArray, part: Sample) -> FloatArray:
        """As of independent shots, and what draws add."""
        across = np.einsum("...sy,sky->...sk", read, self._excess)
        draws = part.n_draws if isinstance(part, DrawnSample) else self.n_draws
        added = np.sum(across**2, axis=(-2, -1)) / draws
        return np.asarray(super()._of_shots(read, part) + added, dtype=np.float64)


def sample_of(
    table: IntTable,
    draws: IntTable | None,
    readout: Readout,
    extra: FloatArray | None = None,
) -> Sample:
    """The shots of some settings, a `DrawnSample` where they come in draws.

    Args:
        table: counts by reading, shape (S, K^N).
        draws: the same for each draw, shape (S, R, K^N); None for independent shots.
        readout: the readout to invert.
        extra: see `Sample`.
    """
    added = np.zeros(0) if extra is None else extra
    if draws is None:
        return Sample(table, readout, added)
    return DrawnSample(table, readout, added, draws=draws, held=np.ones(draws.shape[:2], bool))


def check_draws(counts: Counts) -> None:
    """Refuse counts of so few draws that their spread is not known."""
    if counts.draws is not None and counts.draws.shape[1] < MIN_DRAWS:
        raise broken_rule("draws", f">= {MIN_DRAWS} for an interval", counts.draws.shape[1])


def quantile(probability: float, draws: IntTable | None) -> float:
    """Of a value over its standard error: normal, or Student's with R - 1 degrees for R draws."""
    if draws is None:
        return NormalDist().inv_cdf(probability)
    from scipy.special import stdtrit

    return float(stdtrit(draws.shape[1] - 1, probability))


def normal_sigma(sigmas: FloatArray, draws: IntTable | None) -> FloatArray:
    """Values over their standard errors, those of R draws made as rare as a normal variable's."""
    if draws is None:
        return sigmas
    from scipy.special import ndtri, stdtr

    tails = np.maximum(stdtr(draws.shape[1] - 1, -np.abs(sigmas)), 1e-300)
    return np.asarray(-np.sign(sigmas) * ndtri(tails), dtype=np.float64)
