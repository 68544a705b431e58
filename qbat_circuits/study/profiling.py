"""The maximum of a likelihood, and intervals from how it falls away from it.

The interval of a parameter holds the values at which the deviance, minimised over everything else,
exceeds its minimum by at most the quantile of chi-square with one degree of freedom (Wilks, Ann.
Math. Stat. 9, 60 (1938), doi:10.1214/aoms/1177732360). It needs no scale, stays within the range of
the parameter, and is open where the data set no end.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.stats import chi2

from qbat_circuits.cells import FloatArray
from qbat_circuits.study.fit_models import PARAMETERS, RATES
from qbat_circuits.study.likelihood import Likelihood, scale_of

#: Starting points of the search.
STARTS: Final = 6
#: Steps of a coordinate on the way to an end of an interval, and its accuracy.
_SMALLEST, _LARGEST, _ACCURACY = 0.02, 3.0, 2e-3
#: A deviance lower than the minimum by this is another minimum.
_LOWER: Final = 1e-3


class Best(NamedTuple):
    """Coordinates of the maximum, and the deviance there."""

    x: FloatArray
    deviance: float


class BetterFound(Exception):
    """A profile came upon a higher likelihood than the maximum."""

    def __init__(self, x: FloatArray) -> None:
        super().__init__("a higher likelihood")
        self.x = x


def maximum(likelihood: Likelihood, seed: int) -> Best:
    """The best of several starting points, the first of them always the same."""
    rng = np.random.default_rng(seed)
    found = [
        _solved(likelihood, _start(likelihood, rng, 0.0 if k == 0 else 1.0), 1e-5)
        for k in range(STARTS)
    ]
    return polished(likelihood, min(found, key=lambda one: one.deviance).x)


def polished(likelihood: Likelihood, x: FloatArray) -> Best:
    """The maximum that is reached from here."""
    return _solved(likelihood, x, 1e-11)


def profile_interval(
    likelihood: Likelihood, best: Best, number: int, error: float, confidence: float
) -> tuple[float | None, float | None]:
    """Ends of the interval of one coordinate; None where it is open.

    Args:
        likelihood: of the data.
        best: its maximum.
        number: which coordinate.
        error: its standard error, for the first step.
        confidence: of the interval.

    Raises:
        BetterFound: with the coordinates.
    """
    z = float(np.sqrt(chi2.ppf(confidence, 1)))
    low, high = (ends[number] for ends in likelihood.bounds())
    step = min(max(z * error, _SMALLEST), _LARGEST) if np.isfinite(error) else _LARGEST
    profile = _Profile(likelihood, best, number, z)
    below, above = (profile.end(sign, step, end) for sign, end in ((-1, low), (1, high)))
    return below, above


class _Profile:
    """sqrt(deviance - minimum) - z along one coordinate, from neighbour to neighbour."""

    def __init__(self, likelihood: Likelihood, best: Best, number: int, z: float) -> None:
        self.likelihood, self.best, self.number, self.z = likelihood, best, number, z
        self.near = best.x
        self.known: dict[float, float] = {}

    def __call__(self, u: float) -> float:
        if u not in self.known:
            self.known[u] = self._rise(u)
        return self.known[u]

    def _rise(self, u: float) -> float:
        found = _solved(self.likelihood, self.near, 1e-7, (self.number, u))
        rise = found.deviance - self.best.deviance
        if rise < -_LOWER:
            raise BetterFound(found.x)
        self.near = found.x
        return float(np.sqrt(max(rise, 0.0))) - self.z

    def end(self, sign: int, step: float, limit: float) -> float | None:
        """Where it crosses 0 on one side; None if it does not before the limit."""
        self.near = self.best.x
        inside = float(self.best.x[self.number])
        self.known = {inside: -self.z}
        while inside != limit:
            outside = inside + sign * step
            outside = min(outside, limit) if sign > 0 else max(outside, limit)
            if self(outside) >= 0:
                return float(brentq(lambda u: self(u), inside, outside, xtol=_ACCURACY))
            inside, step = outside, min(2 * step, _LARGEST)
        return None


def _solved(
    likelihood: Likelihood, x: FloatArray, tolerance: float, held: tuple[int, float] | None = None
) -> Best:
    """Least squares from x, with one coordinate held at a value where it is given."""
    low, high = likelihood.bounds()
    margin = 1e-9 * (high - low)
    whole = np.clip(x, low + margin, high - margin)
    open_ = np.ones(len(x), dtype=bool)
    if held is not None:
        whole[held[0]], open_[held[0]] = held[1], False

    def full(part: FloatArray) -> FloatArray:
        moved = whole.copy()
        moved[open_] = part
        return moved

    if not open_.any():
        return Best(whole, float(np.sum(likelihood.residuals(whole) ** 2)))

    def residuals(part: FloatArray) -> FloatArray:
        return likelihood.residuals(full(part))

    def jacobian(part: FloatArray) -> FloatArray:
        return np.asarray(likelihood.jacobian(full(part))[:, open_])

    found = least_squares(
        residuals,
        whole[open_],
        jacobian,
        bounds=(low[open_], high[open_]),
        xtol=tolerance,
        ftol=tolerance,
        gtol=tolerance,
        max_nfev=200,
    )
    return Best(full(found.x), 2 * float(found.cost))


#: Typical parameters; rates in units of the common one.
_TYPICAL: Final = {
    "kappa": 1.0,
    "n": 1.0,
    "gamma": 0.05,
    "n_l": 0.3,
    "gamma_phi": 0.03,
    "delta": 0.1,
    "c": 0.8,
    "phase": 0.0,
}


def _start(likelihood: Likelihood, rng: np.random.Generator, width: float) -> FloatArray:
    """A starting point: typical parameters, moved at random."""
    times, n = likelihood.model.times, likelihood.model.n_cells
    unit = 1 / float(np.median(times[times > 0]))
    found = []
    for index in likelihood.free:
        name = PARAMETERS[index]
        value = _TYPICAL[name] * (unit if name in RATES else 1)
        spread = rng.uniform(-np.pi, np.pi) if name == "phase" else rng.normal()
        found.append(scale_of(index, n).coordinate(value) + width * spread)
    return np.concatenate([found, likelihood.nuisances()])
