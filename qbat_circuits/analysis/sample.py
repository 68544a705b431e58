"""Counts together with the readout that is inverted: means and variances of linear functionals.

Everything the schemes estimate is built from functionals sum_{s,x} w[s, x] q(x|s), linear in the
probabilities q of the qubit outcomes x of the settings s before any readout error. A `Sample` gives
the unbiased mean of such a functional and its variance, from the shots and from the shots with
which the assignment matrices were calibrated. Its shots are independent; those that come in draws
are a `DrawnSample`. See docs/estimating-work.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import Readout

#: Shots spread evenly over the outcomes of each setting where a variance is estimated, like the
#: z^2 = 4 of Agresti and Coull: outcomes that never occurred are not certain never to occur.
EXTRA_SHOTS = 4.0
#: Fewest calibration shots of one cell and level with which an estimate is made.
MIN_CALIBRATION_SHOTS = 100
#: Largest relative uncertainty of a contrast with which an estimate is made.
MAX_CALIBRATION_UNCERTAINTY = 0.1
#: The same up to which the coverage of the intervals was measured.
TESTED_CALIBRATION_UNCERTAINTY = 0.04

IntTable = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Shots of S settings and the readout they went through.

    Args:
        table: counts by reading, shape (S, K^N).
        readout: the assignment matrices to invert, exact or with calibration shots.
        extra: shots added to each reading where a variance is estimated, shape (S, K^N).
    """

    table: IntTable
    readout: Readout
    extra: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not self.extra.size:
            spread = np.full(self.table.shape, EXTRA_SHOTS / self.table.shape[1])
            object.__setattr__(self, "extra", spread)

    @cached_property
    def shots(self) -> IntTable:
        """Shots of each setting, shape (S,)."""
        return np.asarray(self.table.sum(axis=1), dtype=np.int64)

    @cached_property
    def frequencies(self) -> FloatArray:
        """Counts over the shots of their setting, shape (S, K^N)."""
        return np.asarray(self.table / self.shots[:, None], dtype=np.float64)

    @cached_property
    def outcomes(self) -> FloatArray:
        """Probabilities of the qubit outcomes, unbiased and possibly negative, shape (S, 2^N)."""
        return self.readout.invert(self.frequencies)

    def mean(self, weights: FloatArray) -> FloatArray:
        """The functionals with these weights, shape (..., S, 2^N) -> (...)."""
        return np.asarray(np.sum(weights * self.outcomes, axis=(-2, -1)), dtype=np.float64)

    def variance(self, weights: FloatArray, of: Sample | None = None) -> FloatArray:
        """Variances of these functionals, shape (..., S, 2^N) -> (...).

        Args:
            weights: on qubit outcomes.
            of: the part of the shots that they are evaluated on; all of them by default.
        """
        return self.reading_variance(self.readout.pull_back(weights), of)

    def reading_variance(self, read: FloatArray, of: Sample | None = None) -> FloatArray:
        """The same for weights on readings, shape (..., S, K^N), that invert the readout."""
        part = self if of is None else of
        return self._of_shots(read, part) + self._of_calibration(read, part.readout)

    def standard_error(self, weights: FloatArray) -> float:
        """Standard error of one functional over all shots."""
        return float(np.sqrt(self.variance(weights)))

    def covariance(self, weights: FloatArray) -> FloatArray:
        """Covariance of F functionals for one shot of each setting, shape (S, F, F), and of the
        calibration of all shots, shape (1, F, F), stacked: (S + 1, F, F)."""
        read = np.swapaxes(self.readout.pull_back(weights), 0, 1)
        q = self._smoothed
        centred = read - np.einsum("sfy,sy->sf", read, q)[..., None]
        one_shot = (centred * q[:, None]) @ centred.swapaxes(1, 2)
        scores = self._scores(np.swapaxes(read, 0, 1), self.readout)
        return np.concatenate([one_shot, (scores @ scores.T)[None]])

    def setting_covariance(self, read: FloatArray, row: int) -> FloatArray:
        """Covariance through one setting of F functionals of its readings, (F, K^N) -> (F, F)."""
        q = self._smoothed[row]
        centred = read - (read @ q)[:, None]
        return np.asarray((centred * q) @ centred.T / self.shots[row], dtype=np.float64)

    def scatter(self, read: FloatArray) -> tuple[FloatArray, IntTable]:
        """Unbiased variances of functionals of readings, (C, S, K^N) -> (C,), by nothing but the
        sample variances of independent observations, and the number of these, shape (S,)."""
        f, shots = self.frequencies, self.shots
        centres = np.sum(read * f, axis=2)
        spread = np.sum((read - centres[..., None]) ** 2 * f, axis=2) @ (1 / (shots - 1))
        return np.asarray(spread, dtype=np.float64), shots

    def split(self, parts: int, rng: np.random.Generator) -> list[Sample]:
        """The shots, and those of the calibration, dealt into parts of equal size.

        Without replacement, so the parts are what separate runs would have given.
        """
        of_shots = self._dealt(parts, rng)
        calibration = _calibration(self.readout)
        if not calibration:
            return of_shots
        dealt = zip(*(split_counts(block.T, parts, rng) for block in calibration), strict=True)
        return [
            replace(part, readout=self.readout.recalibrated([c.T for c in columns]))
            for part, columns in zip(of_shots, dealt, strict=True)
        ]

    def without(self, *parts: Sample) -> Sample:
        """What is left when these parts are taken away."""
        rest = self._rest(parts)
        left = [np.array(block) for block in _calibration(self.readout)]
        if not left:
            return rest
        for part in parts:
            for block, taken in zip(left, _calibration(part.readout), strict=True):
                block -= taken
        return replace(rest, readout=self.readout.recalibrated(left))

    def _dealt(self, parts: int, rng: np.random.Generator) -> list[Sample]:
        """The shots in parts, each with the whole calibration."""
        return [replace(self, table=table) for table in split_counts(self.table, parts, rng)]

    def _rest(self, parts: Sequence[Sample]) -> Sample:
        """The shots that are in none of the parts, with the whole calibration."""
        return replace(self, table=self.table - sum(part.table for part in parts))

    @cached_property
    def _smoothed(self) -> FloatArray:
        smoothed = self.table + self.extra
        return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True), dtype=np.float64)

    def _of_shots(self, read: FloatArray, part: Sample) -> FloatArray:
        """Multinomial variance of sum w f: the sum of Var_s(w_s) / n_s."""
        mean = np.sum(self._smoothed * read, axis=-1, keepdims=True)
        one_shot = np.sum(self._smoothed * (read - mean) ** 2, axis=-1)
        return np.asarray(one_shot @ (1 / part.shots), dtype=np.float64)

    def _of_calibration(self, read: FloatArray, measured: Readout) -> FloatArray:
        if measured.calibration_shots is None:
            return np.zeros(read.shape[:-2])
        scores = self._scores(read.reshape(-1, *read.shape[-2:]), measured)
        return np.asarray(np.sum(scores**2, axis=-1).reshape(read.shape[:-2]))

    def _scores(self, read: FloatArray, measured: Readout) -> FloatArray:
        """Standard deviations of F functionals through each column of the matrices, (F, ...).

        To first order dA changes the inverse by -A^-1 dA A^-1, so a functional changes by
        sum_{y,x} h[y, x] dA[y, x], and the columns of dA are multinomial.
        """
        if measured.calibration_shots is None:
            return np.zeros((len(read), 1))
        model, found = self.readout, []
        blocks = zip(
            model.blocks, model.matrices, model.inverses, measured.calibration_shots, strict=True
        )
        for cells, matrix, inverse, shots in blocks:
            k = len(inverse)
            seen = self._gathered(self.frequencies, cells).reshape(-1, k) @ inverse.T
            reading = self._gathered(read, cells).reshape(len(read), -1, k)
            h = -reading.swapaxes(1, 2) @ seen  # (F, y, x)
            n_x = shots[:k]
            q = (matrix[:, :k] * n_x + EXTRA_SHOTS / k) / (n_x + EXTRA_SHOTS)
            centred = (h - np.sum(h * q, axis=1, keepdims=True)) * np.sqrt(q / n_x)
            found.append(centred.reshape(len(read), -1))
        return np.concatenate(found, axis=1)

    def _gathered(self, array: FloatArray, cells: tuple[int, ...]) -> FloatArray:
        """The last axis as digits, those of these cells at the end, the highest cell first."""
        n = self.readout.n_cells
        digits = array.reshape(*array.shape[:-1], *(self.readout.outcomes,) * n)
        return np.moveaxis(digits, [-1 - c for c in reversed(cells)], range(-len(cells), 0))


def _calibration(readout: Readout) -> list[IntTable]:
    """Calibration shots of each block, shape (K, D); none for exact matrices."""
    counts = readout.calibration_counts()
    return [] if counts is None else list(counts)


def calibration_uncertainty(readout: Readout) -> float:
    """Largest relative uncertainty of what a cell or pair tells, from its calibration; 0 if exact.

    Norm of A^-1 times the standard error of A; for two levels the standard error of the contrast
    1 - P(1|0) - P(0|1) over the contrast, if both errors are alike.
    """
    if readout.calibration_shots is None:
        return 0.0
    found = []
    for matrix, inverse, shots in zip(
        readout.matrices, readout.inverses, readout.calibration_shots, strict=True
    ):
        k = len(inverse)
        variance = np.sum(matrix[:, :k] * (1 - matrix[:, :k]) / shots[:k]) / 2
        found.append(float(np.linalg.norm(inverse, 2) * np.sqrt(variance)))
    return max(found)


def check_calibration(readout: Readout) -> None:
    """Refuse assignment matrices from so few shots that a part of them says nothing."""
    if readout.calibration_shots is None:
        return
    fewest = [int(shots.min()) for shots in readout.calibration_shots]
    if min(fewest) < MIN_CALIBRATION_SHOTS:
        cells = " and ".join(map(str, readout.blocks[int(np.argmin(fewest))]))
        raise InputError(
            f"'calibration_shots' must be >= {MIN_CALIBRATION_SHOTS} for an interval, not "
            f"{min(fewest)} (cell {cells})."
        )
    if calibration_uncertainty(readout) > MAX_CALIBRATION_UNCERTAINTY:
        raise InputError(
            f"'calibration_shots' must leave the contrast of every cell uncertain by at most "
            f"{MAX_CALIBRATION_UNCERTAINTY:.0%} for an interval, not "
            f"{calibration_uncertainty(readout):.1%}: calibrate with more shots."
        )


def split_counts(table: IntTable, n_parts: int, rng: np.random.Generator) -> list[IntTable]:
    """The shots dealt into parts of equal size (within one shot), without replacement.

    Each row is split on its own (multivariate hypergeometric).
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
