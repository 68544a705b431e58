"""Which battery counts at several charging times come from: a joint maximum-likelihood fit.

The parameters of docs/physics.md, section 2, of identical cells: kappa and n of the common bath,
gamma, n_l and gamma_phi of every cell, detuning delta, correlation c, and the phase of a squeezed
bath. Method, formulas and measured coverage: docs/comparing.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import chi2

from qbat_circuits.analysis.scheme import check_confidence, check_counts, chosen_readout
from qbat_circuits.battery import Battery
from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import (
    InputError,
    broken_rule,
    check_choice,
    check_integer,
    check_number,
    did_you_mean,
    shown,
)
from qbat_circuits.pair_readout import PairReadoutModel, Readout
from qbat_circuits.readout_model import pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.study.fit_models import DEFAULTS, MAX_FIT_CELLS, PARAMETERS, FitModel, Reading
from qbat_circuits.study.identifiability import covariance, unidentified, without_nuisances
from qbat_circuits.study.likelihood import Data, Likelihood, scale_of
from qbat_circuits.study.profiling import Best, BetterFound, maximum, polished, profile_interval

#: Parameters that are fitted unless something else is said, where the reading has them.
DEFAULT_FREE: Final = ("kappa", "n", "gamma", "n_l", "gamma_phi", "phase")
#: Expected counts below which chi-square is a poor reference, and how many there may be.
_FEW, _FEW_SHARE = 5.0, 0.2
#: Logarithm up to which a parameter at the end of its range is 0.
_AT_THE_END: Final = 1.0
#: Restarts from a higher likelihood that a profile came upon.
_RESTARTS: Final = 5


@dataclass(frozen=True)
class FittedParameter:
    """What the data say about one parameter; rates in the inverse unit of the times.

    Args:
        value: of largest likelihood.
        low, high: ends of its interval; None where the data set no end.
        standard_error: from the expected Fisher information; None without any information.
    """

    value: float
    low: float | None
    high: float | None
    standard_error: float | None

    def to_dict(self) -> dict[str, float | None]:
        """As JSON content."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "standard_error": self.standard_error,
        }


@dataclass(frozen=True)
class SettingCheck:
    """How well one setting at one time is predicted.

    Args:
        time: charging time.
        setting: Pauli label.
        deviance: 2 sum k ln(k/m) of its counts k and the expected ones m.
        p_value: of so large a deviance, chi-square with 2^N - 1 degrees of freedom.
    """

    time: float
    setting: str
    deviance: float
    p_value: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """The battery of one reading that makes the counts most likely.

    Args:
        reading: which bath.
        n_cells, times: of the data.
        parameters: of the fitted ones, by name.
        fixed: the others.
        confidence: of the intervals.
        log_likelihood: its maximum, multinomial coefficients and readout calibrations included.
        n_parameters: fitted parameters, without reading errors.
        aic, bic: 2 k - 2 ln L and k ln(shots) - 2 ln L.
        deviance, degrees_of_freedom, deviance_p_value: how far the counts are from the fit.
        checks: the same of every setting at every time.
        unidentified: what the data cannot tell apart, one sentence each.
        notes: what to beware of, one sentence each.
        shots: of all settings and times.
        seed: of the starting points.
    """

    reading: Reading
    n_cells: int
    times: tuple[float, ...]
    parameters: Mapping[str, FittedParameter]
    fixed: Mapping[str, float]
    confidence: float
    log_likelihood: float
    n_parameters: int
    aic: float
    bic: float
    deviance: float
    degrees_of_freedom: int
    deviance_p_value: float
    checks: tuple[SettingCheck, ...]
    unidentified: tuple[str, ...]
    notes: tuple[str, ...]
    shots: int
    seed: int

    @property
    def values(self) -> dict[str, float]:
        """All parameters, fitted or fixed."""
        return {**self.fixed, **{name: p.value for name, p in self.parameters.items()}}

    def battery(self) -> Battery:
        """The fitted battery, with rates in the inverse unit of the times."""
        return self.reading.battery(self.n_cells, self.values)

    def to_dict(self) -> dict[str, Any]:
        """All figures, as JSON content."""
        names = (
            "confidence log_likelihood n_parameters aic bic deviance degrees_of_freedom "
            "deviance_p_value shots seed n_cells"
        )
        return {
            "reading": self.reading.value,
            "times": list(self.times),
            "parameters": {name: one.to_dict() for name, one in self.parameters.items()},
            "fixed": dict(self.fixed),
            **{name: getattr(self, name) for name in names.split()},
            "checks": [vars(one) for one in self.checks],
            "unidentified": list(self.unidentified),
            "notes": list(self.notes),
        }


def fit_counts(
    times: Sequence[float],
    counts: Sequence[Counts],
    free: Sequence[str] | None = None,
    fixed: Mapping[str, float] | None = None,
    reading: Reading | str = Reading.THERMAL,
    readout: Readout | None = None,
    confidence: float = 0.95,
    seed: int = 7,
    initial_population: float = 0.0,
    intervals: bool = True,
) -> Fit:
    """Fit a battery of identical cells to counts at several charging times.

    Maximises sum_{t,s,y} k ln p(y|s, t) over the parameters, with the readout's errors in p, and
    gives each its interval from the profile of the likelihood.

    Args:
        times: charging time of each of the counts, >= 0.
        counts: of the same 2 to 4 cells, any Pauli settings.
        free: names of the parameters to fit, of kappa, n, gamma, n_l, gamma_phi, delta, c and (for
            "squeezed") phase; by default all but delta and c that are not fixed.
        fixed: values of others; by default no local noise, delta = 0 and c = 1.
        reading: which bath, see `Reading`.
        readout: of all counts, instead of those that they carry. Assignment matrices with
            calibration shots are fitted too, within what their calibration says.
        confidence: of the intervals.
        seed: of the starting points.
        initial_population: excited population of every cell at time 0.
        intervals: False leaves the ends of the intervals out, which take most of the time.

    Raises:
        InputError: naming the argument, the rule and the value.

    Source: docs/comparing.md.
    """
    kind = _checked_reading(reading)
    level, seed = (
        check_confidence("confidence", confidence),
        check_integer("seed", seed, at_least=0),
    )
    given = _checked_data(times, counts)
    names, rest = _checked_names(kind, free, fixed, given[0][1].n_cells)
    likelihood = _likelihood(kind, given, names, rest, readout, initial_population)
    best = maximum(likelihood, seed)
    errors = _errors(likelihood, best)
    ends: list[tuple[float | None, float | None]] = [(None, None)] * len(names)
    for _ in range(_RESTARTS if intervals else 0):
        try:
            ends = [
                profile_interval(likelihood, best, k, float(errors[k]), level)
                for k in range(len(names))
            ]
            break
        except BetterFound as found:
            best = polished(likelihood, found.x)
            errors = _errors(likelihood, best)
    closed = ends if intervals else None
    return _result(likelihood, best, closed, given, rest, level, seed)


def _likelihood(
    reading: Reading,
    given: list[tuple[float, Counts]],
    names: tuple[str, ...],
    rest: Mapping[str, float],
    readout: Readout | None,
    initial_population: float,
) -> Likelihood:
    readouts: list[Readout] = []
    data, settings = [], {}
    n = given[0][1].n_cells
    settings = {label: row for row, label in enumerate(pauli_settings(n))}
    for _, one in given:
        own = chosen_readout(one, readout)
        if own.levels != 2 or own.outcomes != 2:
            raise broken_rule("readout", "of 2 levels and 2 readings for a fit", own.levels)
        if own not in readouts:
            readouts.append(own)
        rows = np.array([settings[label] for label in one.settings])
        data.append(Data(rows, one.table, readouts.index(own)))
    detuned = "delta" in names or rest.get("delta", 0.0) != 0
    times = [time for time, _ in given]
    model = FitModel.build(reading, n, times, detuned, initial_population)
    values = {**DEFAULTS, "kappa": 0.0, "n": 0.0, **rest}
    fixed = np.array([values[name] for name in PARAMETERS])
    free = tuple(PARAMETERS.index(name) for name in names)
    return Likelihood(model, tuple(data), tuple(readouts), fixed, free)


def _errors(likelihood: Likelihood, best: Best) -> FloatArray:
    """Standard errors of the coordinates; infinite without information."""
    variances = np.diag(covariance(likelihood.information(best.x)))
    return np.sqrt(variances[: len(likelihood.free)])


def _result(
    likelihood: Likelihood,
    best: Best,
    ends: Sequence[tuple[float | None, float | None]] | None,
    given: list[tuple[float, Counts]],
    rest: Mapping[str, float],
    confidence: float,
    seed: int,
) -> Fit:
    model, x, k = likelihood.model, best.x, len(likelihood.free)
    names = [PARAMETERS[index] for index in likelihood.free]
    scales = [scale_of(index, model.n_cells) for index in likelihood.free]
    values = dict(zip(PARAMETERS, likelihood.values(x).tolist(), strict=True))
    for name, scale, u, end in zip(names, scales, x.tolist(), likelihood.bounds()[0], strict=False):
        if scale.kind == "positive" and u < end + _AT_THE_END:
            values[name] = 0.0
    slopes = np.array([scale.slope(u) for scale, u in zip(scales, x.tolist(), strict=False)])
    errors = slopes * _errors(likelihood, best)
    parameters = {}
    for row, (name, scale) in enumerate(zip(names, scales, strict=True)):
        low, high = (None, None) if ends is None else scale.interval(*ends[row])
        error = float(errors[row]) if np.isfinite(errors[row]) else None
        parameters[name] = FittedParameter(values[name], low, high, error)
    information = without_nuisances(likelihood.information(x), k)
    log_likelihood = likelihood.log_likelihood(x)
    shots = sum(int(one.shots.sum()) for _, one in given)
    dof = likelihood.degrees_of_freedom
    return Fit(
        reading=model.reading,
        n_cells=model.n_cells,
        times=tuple(model.times.tolist()),
        parameters=parameters,
        fixed={n: v for n, v in rest.items() if n in model.reading.parameters},
        confidence=confidence,
        log_likelihood=log_likelihood,
        n_parameters=k,
        aic=2 * k - 2 * log_likelihood,
        bic=k * float(np.log(shots)) - 2 * log_likelihood,
        deviance=best.deviance,
        degrees_of_freedom=dof,
        deviance_p_value=float(chi2.sf(best.deviance, dof)) if dof > 0 else 1.0,
        checks=_checks(likelihood, x, given),
        unidentified=unidentified(
            names, {n: values[n] for n in model.reading.parameters}, information, slopes
        ),
        notes=_notes(likelihood, x),
        shots=shots,
        seed=seed,
    )


def _checks(
    likelihood: Likelihood, x: FloatArray, given: list[tuple[float, Counts]]
) -> tuple[SettingCheck, ...]:
    dof = 2**likelihood.model.n_cells - 1
    return tuple(
        SettingCheck(time, setting, float(d), float(chi2.sf(d, dof)))
        for (time, one), deviances in zip(given, likelihood.setting_deviances(x), strict=True)
        for setting, d in zip(one.settings, deviances.tolist(), strict=True)
    )


def _notes(likelihood: Likelihood, x: FloatArray) -> tuple[str, ...]:
    found = []
    few = float(np.mean(likelihood.expected(x)[0] < _FEW))
    if few > _FEW_SHARE:
        found.append(
            f"{few:.0%} of the expected counts are below {_FEW:g}, so the p-values of the deviance "
            "are rough."
        )
    pairs = [r for r in likelihood.readouts if isinstance(r, PairReadoutModel)]
    if any(one.calibration_shots is not None for one in pairs):
        found.append(
            "Assignment matrices of pairs are taken as exact: the noise of their calibration is "
            "not in the intervals."
        )
    return tuple(found)


def _checked_reading(value: object) -> Reading:
    return Reading(check_choice("reading", value, [one.value for one in Reading]))


def _checked_data(times: Sequence[float], counts: Sequence[Counts]) -> list[tuple[float, Counts]]:
    """Times and counts in rising order of the times."""
    if len(times) != len(counts) or not len(counts):
        raise InputError(
            "'times' and 'counts' must hold one charging time for each of the counts, at least 1, "
            f"not {len(times)} and {len(counts)}."
        )
    grid = [check_number("times", time, at_least=0) for time in times]
    if max(grid) == 0:
        raise broken_rule("times", "above 0 for at least one of the counts", 0.0)
    tables = [check_counts(one) for one in counts]
    sizes = sorted({one.n_cells for one in tables})
    if len(sizes) > 1 or not 2 <= sizes[0] <= MAX_FIT_CELLS:
        found = sizes if len(sizes) > 1 else sizes[0]
        raise broken_rule("counts", f"of the same 2 to {MAX_FIT_CELLS} cells", found)
    if any(one.draws is not None for one in tables):
        raise InputError(
            "'counts' must have independent shots for a fit, not shots that come in draws."
        )
    return sorted(zip(grid, tables, strict=True), key=lambda one: one[0])


def _checked_names(
    reading: Reading, free: Sequence[str] | None, fixed: Mapping[str, float] | None, n_cells: int
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Free parameters in order, and the values of the others."""
    held = dict(fixed or {})
    default = [n for n in DEFAULT_FREE if n in reading.parameters and n not in held]
    wanted = default if free is None else list(free)
    for field, given in (("free", wanted), ("fixed", list(held))):
        for name in given:
            if name not in reading.parameters:
                known = ", ".join(reading.parameters)
                raise InputError(
                    f"'{field}' must name parameters of the reading {reading.value!r} ({known}), "
                    f"not {shown(name)}{did_you_mean(name, reading.parameters)}."
                )
    twice = sorted(set(wanted) & set(held))
    if twice:
        raise InputError(f"'free' and 'fixed' must not both name {twice[0]!r}.")
    if not wanted:
        raise InputError("'free' must name at least one parameter.")
    for name in ("kappa", "n"):
        if name not in (*wanted, *held):
            raise InputError(f"'free' or 'fixed' must name {name!r}, which has no default.")
    for name, value in held.items():
        held[name] = _checked_value(name, value, n_cells)
    names = tuple(n for n in reading.parameters if n in wanted)
    others = {n: held.get(n, DEFAULTS.get(n, 0.0)) for n in reading.parameters if n not in names}
    return names, others


def _checked_value(name: str, value: object, n_cells: int) -> float:
    """A fixed value within the range of its parameter."""
    field = f"fixed[{name!r}]"
    if name == "phase":
        return check_number(field, value)
    if name == "c":
        return check_number(field, value, at_least=-1 / (n_cells - 1), at_most=1)
    return check_number(field, value, at_least=0)
