"""The likelihood of counts at several charging times, as sums of squares.

With m_i = shots * probability the deviance 2 sum_i [k_i ln(k_i/m_i) - (k_i - m_i)] is, up to a
constant, -2 times the logarithm of the multinomial likelihood, and it is the sum of the squares of
d_i = sign(k_i - m_i) sqrt(2 [k_i ln(k_i/m_i) - (k_i - m_i)]). So a least-squares solver maximises
the likelihood, and its Gauss-Newton matrix is, for many shots, the Fisher information. Assignment
matrices with calibration shots are parameters too, with the calibration among the data.
Source: McCullagh and Nelder, Generalized Linear Models (1989), section 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from qbat_circuits.cells import FloatArray
from qbat_circuits.pair_readout import Readout
from qbat_circuits.readout_model import ReadoutModel, on_cells
from qbat_circuits.study.fit_models import PARAMETERS, RATES, FitModel

#: Probabilities below this are round-off of zeros.
_FLOOR: Final = 1e-12
#: Reading errors of a calibrated readout stay this far from 0 and 1 in a fit.
_MARGIN: Final = 1e-6

IntTable = NDArray[np.int64]


class Data(NamedTuple):
    """Counts of one charging time.

    Attributes:
        settings: rows among all 3^N settings, shape (S,).
        table: counts by reading, shape (S, 2^N).
        readout: which of the readouts they went through.
    """

    settings: NDArray[np.intp]
    table: IntTable
    readout: int


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Deviance residuals of the data of a model, and their slopes.

    Coordinates: one for each free parameter (`Scale`), then P(1|0) and P(0|1) of each cell of
    each readout that was calibrated with shots.

    Args:
        model: states at the charging times.
        data: counts, one for each time.
        readouts: the different readouts.
        fixed: all parameters in order; those that are free are ignored.
        free: numbers of the free parameters.
    """

    model: FitModel
    data: tuple[Data, ...]
    readouts: tuple[Readout, ...]
    fixed: FloatArray
    free: tuple[int, ...]

    @cached_property
    def counted(self) -> FloatArray:
        """All counts in one row: of every time, then of the calibrations."""
        parts = [one.table.ravel() for one in self.data]
        return np.concatenate([*parts, *(c.ravel() for _, c in self.calibrations)]).astype(float)

    @cached_property
    def calibrations(self) -> list[tuple[int, IntTable]]:
        """Number and calibration counts, shape (N, 2, 2), of the readouts that have some."""
        found = []
        for index, readout in enumerate(self.readouts):
            counts = readout.calibration_counts() if isinstance(readout, ReadoutModel) else None
            if isinstance(counts, np.ndarray):
                found.append((index, counts))
        return found

    @property
    def n_nuisances(self) -> int:
        """Reading errors that are fitted as well."""
        return 2 * self.model.n_cells * len(self.calibrations)

    @property
    def degrees_of_freedom(self) -> int:
        """Independent counts of the settings, less the free parameters."""
        return sum(d.table.size - len(d.table) for d in self.data) - len(self.free)

    def values(self, x: FloatArray) -> FloatArray:
        """All parameters in order."""
        values = self.fixed.copy()
        for u, index in zip(x, self.free, strict=False):
            values[index] = scale_of(index, self.model.n_cells).value(float(u))
        return values

    def nuisances(self) -> FloatArray:
        """The measured reading errors."""
        errors = [self.readouts[index].matrices for index, _ in self.calibrations]
        rows = [[matrix[1, 0], matrix[0, 1]] for one in errors for matrix in one]
        return np.clip(np.array(rows).ravel(), 2 * _MARGIN, 1 - 2 * _MARGIN)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coordinates."""
        scales = [scale_of(index, self.model.n_cells, self.model.times) for index in self.free]
        k = self.n_nuisances
        low = [scale.low for scale in scales] + [_MARGIN] * k
        high = [scale.high for scale in scales] + [1 - _MARGIN] * k
        return np.array(low), np.array(high)

    def expected(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected counts m in the order of `counted`, (M,), and slopes by coordinate, (M, F)."""
        key = x.tobytes()
        if key not in self._latest:  # residuals and their slopes are asked for one after the other
            self._latest.clear()
            self._latest[key] = self._expected(x)
        return self._latest[key]

    @cached_property
    def _latest(self) -> dict[bytes, tuple[FloatArray, FloatArray]]:
        return {}

    def _expected(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, n = self.values(x), self.model.n_cells
        q, dq = self.model.probabilities(values, self.free)
        f = len(self.free)
        chains = [scale_of(i, n).slope(float(u)) for i, u in zip(self.free, x[:f], strict=True)]
        dq = dq * np.array(chains).reshape(-1, 1, 1, 1)
        matrices = self._matrices(x[f:])
        means, slopes = [], []
        for row, (settings, table, which) in enumerate(self.data):
            shots = table.sum(axis=1)[:, None]
            read = self._read(which, q[row, settings], matrices)
            moved = self._read(which, dq[:, row, settings], matrices)
            nuisance = self._turned(which, q[row, settings], matrices)
            means.append((shots * read).ravel())
            slopes.append((shots * np.concatenate([moved, nuisance])).reshape(len(x), -1))
        for place, (_, counts) in enumerate(self.calibrations):
            shots = counts.sum(axis=1)[:, None]  # by cell and level
            means.append((shots * matrices[place]).ravel())
            slope = np.zeros((len(x), *counts.shape))
            for k in range(2 * n):
                slope[f + 2 * n * place + k, k // 2, :, k % 2] = _COLUMN[k % 2]
            slopes.append((shots * slope).reshape(len(x), -1))
        return np.maximum(np.concatenate(means), _FLOOR), np.concatenate(slopes, axis=1).T

    def residuals(self, x: FloatArray) -> FloatArray:
        """Signed deviance residuals, shape (M,)."""
        return deviance_residuals(self.counted, self.expected(x)[0])

    def jacobian(self, x: FloatArray) -> FloatArray:
        """Their slopes by coordinate, shape (M, F)."""
        m, slopes = self.expected(x)
        return np.asarray(slopes * _residual_slopes(self.counted, m)[:, None])

    def information(self, x: FloatArray) -> FloatArray:
        """Expected Fisher information of the coordinates, sum_i dm_i dm_i / m_i, shape (F, F)."""
        m, slopes = self.expected(x)
        return np.asarray(slopes.T @ (slopes / m[:, None]), dtype=np.float64)

    def log_likelihood(self, x: FloatArray) -> float:
        """Logarithm of the probability of all counts, calibrations included."""
        m, _ = self.expected(x)
        k = self.counted
        tables = [one.table for one in self.data]
        totals = np.concatenate(
            [t.sum(axis=1) for t in tables] + [c.sum(axis=1).ravel() for _, c in self.calibrations]
        ).astype(float)
        shots = np.concatenate(
            [np.repeat(t.sum(axis=1), t.shape[1]) for t in tables]
            + [np.tile(c.sum(axis=1)[:, None], (1, 2, 1)).ravel() for _, c in self.calibrations]
        )
        return float(
            np.sum(gammaln(totals + 1)) - np.sum(gammaln(k + 1)) + np.sum(xlogy(k, m / shots))
        )

    def setting_deviances(self, x: FloatArray) -> list[FloatArray]:
        """The deviance of every setting, one array of shape (S,) for each time."""
        squares, found, start = self.residuals(x) ** 2, [], 0
        for one in self.data:
            stop = start + one.table.size
            found.append(squares[start:stop].reshape(one.table.shape).sum(axis=1))
            start = stop
        return found

    def _matrices(self, errors: FloatArray) -> list[FloatArray]:
        """Assignment matrices of each calibrated readout, shape (N, 2, 2)."""
        pairs = errors.reshape(len(self.calibrations), self.model.n_cells, 2)
        a, b = pairs[..., 0], pairs[..., 1]
        return list(np.moveaxis(np.array([[1 - a, b], [a, 1 - b]]), (0, 1), (2, 3)))

    def _read(self, which: int, q: FloatArray, matrices: Sequence[FloatArray]) -> FloatArray:
        for place, (index, _) in enumerate(self.calibrations):
            if index == which:
                return on_cells(q, matrices[place])
        return np.asarray(self.readouts[which].apply(q))

    def _turned(self, which: int, q: FloatArray, matrices: Sequence[FloatArray]) -> FloatArray:
        """Slopes of the readings by the reading errors, shape (nuisances, S, 2^N)."""
        n = self.model.n_cells
        found = np.zeros((self.n_nuisances, *q.shape))
        for place, (index, _) in enumerate(self.calibrations):
            for k in range(2 * n) if index == which else ():
                moved = matrices[place].copy()
                moved[k // 2] = 0.0
                moved[k // 2, :, k % 2] = _COLUMN[k % 2]
                found[2 * n * place + k] = on_cells(q, moved)
        return found


#: Slope of a column of an assignment matrix by its error: of (1-a, a), and of (b, 1-b).
_COLUMN: Final = (np.array([-1.0, 1.0]), np.array([1.0, -1.0]))


def deviance_residuals(counts: FloatArray, expected: FloatArray) -> FloatArray:
    """sign(k - m) sqrt(2 [k ln(k/m) - (k - m)]), shape as given."""
    difference = counts - expected
    halves = xlogy(counts, counts / expected) - difference
    return np.asarray(np.sign(difference) * np.sqrt(2 * np.maximum(halves, 0.0)))


def _residual_slopes(counts: FloatArray, expected: FloatArray) -> FloatArray:
    """d/dm of `deviance_residuals`: (m - k)/(m d), -1/sqrt(m) where k = m."""
    d = deviance_residuals(counts, expected)
    near = np.abs(counts - expected) < 1e-6 * expected
    exact = (expected - counts) / (expected * np.where(near, 1.0, d))
    return np.where(near, -1 / np.sqrt(expected), exact)


class Scale(NamedTuple):
    """The coordinate u in which a parameter is fitted, and its range.

    ln(value) for rates and occupations; ln((c - least)/(1 - c)) for a correlation; the angle itself
    for a phase.
    """

    kind: str
    least: float
    low: float
    high: float

    def value(self, u: float) -> float:
        """The parameter at a value of the free variable."""
        if self.kind == "phase":
            return u
        if self.kind == "c":
            return float(self.least + (1 - self.least) / (1 + np.exp(-u)))
        return float(np.exp(u))

    def slope(self, u: float) -> float:
        """d value / d u."""
        if self.kind == "phase":
            return 1.0
        if self.kind == "c":
            return float((1 - self.least) / (2 + np.exp(u) + np.exp(-u)))
        return float(np.exp(u))

    def interval(self, low: float | None, high: float | None) -> tuple[float | None, float | None]:
        """Values at the ends of an interval; an open end is where the range ends, else None."""
        ranges = {"phase": (None, None), "c": (self.least, 1.0), "positive": (0.0, None)}
        least, most = ranges[self.kind]
        return (
            least if low is None else self.value(low),
            most if high is None else self.value(high),
        )

    def coordinate(self, value: float) -> float:
        """u of a value within the range."""
        if self.kind == "phase":
            return value
        if self.kind == "c":
            return float(np.log((value - self.least) / (1 - value)))
        return float(np.log(value))


def scale_of(index: int, n_cells: int, times: FloatArray | None = None) -> Scale:
    """The scale of a parameter by its number; rates have a range only with the times."""
    name = PARAMETERS[index]
    least = -1 / max(n_cells - 1, 1)
    if name == "phase":
        return Scale("phase", 0.0, -4 * np.pi, 4 * np.pi)
    if name == "c":
        return Scale("c", least, -12.0, 12.0)
    low, high = np.log(1e-7), np.log(1e4)
    if name in RATES and times is not None:
        positive = times[times > 0]
        low, high = np.log(1e-7 / positive[-1]), np.log(1e3 / positive[0])
    return Scale("positive", 0.0, float(low), float(high))
