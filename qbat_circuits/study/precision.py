"""How many shots an estimate of the work takes, and with which scheme.

Intervals are not symmetric and their ends rest on different bounds, so no formula is trusted: the
scheme is run on a few emulated data sets of the predicted state, at each number of shots that is
tried. Source: docs/planning.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from qbat_circuits.analysis.estimate import SCHEMES
from qbat_circuits.analysis.scheme import Scheme
from qbat_circuits.cells import ComplexArray
from qbat_circuits.errors import InputError, check_number
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.multinomial import sample_counts
from qbat_circuits.thermodynamics import ergotropy

#: Data sets that one figure is the mean of, while shots are looked for and at the end.
_LOOK, _FINAL = 8, 24
#: Share of the data sets that must tell the work from 0.
POWER: Final = 0.9
#: Shots of a setting: the fewest and the most that are looked at.
_FEWEST, _MOST = 100, 1_000_000
#: Shots of each of the two circuits that calibrate the readout, per shot of a setting.
CALIBRATION: Final = 1
#: Largest share by which the number of shots is more than needed.
_STEP: Final = 1.1


@dataclass(frozen=True)
class Goal:
    """What the interval of the work must do.

    Args:
        sigmas: its lower end at k standard errors must be above 0 in nine of ten data sets; k, or
            None.
        half_width: half of its width at ``confidence`` must be at most this; or None. A scheme that
            only bounds the work must then come as near to it.
        confidence: of the interval for ``half_width``.

    Raises:
        InputError: unless exactly one of ``sigmas`` and ``half_width`` is given, in range.
    """

    sigmas: float | None = 3.0
    half_width: float | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if (self.sigmas is None) == (self.half_width is None):
            raise InputError("A goal must be one of 'sigmas' and 'half_width'.")
        if self.sigmas is not None:
            check_number("sigmas", self.sigmas, above=0, at_most=4.5)
        if self.half_width is not None:
            check_number("half_width", self.half_width, above=0)

    @property
    def level(self) -> float:
        """Confidence level of the interval that is looked at."""
        if self.sigmas is None:
            return self.confidence
        return 2 * NormalDist().cdf(self.sigmas) - 1

    @property
    def words(self) -> str:
        """What is asked, in words."""
        if self.sigmas is None:
            return (
                f"half of the {100 * self.confidence:.10g} % interval at most {self.half_width:g}"
            )
        return f"ergotropy {self.sigmas:g} sigma above 0"


@dataclass(frozen=True)
class Precision:
    """What a scheme is expected to say about a state.

    Args:
        scheme: its name.
        circuits: settings.
        shots: of each setting.
        calibration_shots: of each of the two circuits that calibrate the readout, all cells in 0
            and all in 1; 0 where the readout is taken as known.
        value: mean of the estimates; for a lower bound, of the bound.
        low, high: mean ends of the interval at the goal's level.
        power: share of the data sets in which the lower end is above 0.
        enough: whether the goal is reached.
    """

    scheme: str
    circuits: int
    shots: int
    calibration_shots: int
    value: float
    low: float
    high: float
    power: float
    enough: bool

    @property
    def half_width(self) -> float:
        """Half of the expected width of the interval."""
        return (self.high - self.low) / 2

    @property
    def total_shots(self) -> int:
        """Shots of all circuits, those of the readout's calibration included."""
        return self.circuits * self.shots + 2 * self.calibration_shots


def expected_precision(
    scheme: Scheme | str,
    state: ComplexArray,
    readout: ReadoutModel,
    shots: int,
    goal: Goal,
    energies: Sequence[float] | None = None,
    seed: int = 7,
    runs: int = _FINAL,
    calibration: int = 0,
) -> Precision:
    """The mean estimate of a scheme over emulated data sets.

    Args:
        scheme: a scheme or its name.
        state: density matrix, shape (2^N, 2^N).
        readout: true assignment matrices.
        shots: of each setting.
        goal: level of the interval, and what counts as enough.
        energies: cell energies e_i.
        seed: of the data sets.
        runs: number of data sets.
        calibration: shots of each of the two circuits that calibrate the readout, per shot of a
            setting; 0 where the readout is known, or its own calibration shots say how well.
    """
    chosen = SCHEMES[scheme] if isinstance(scheme, str) else scheme
    labels = chosen.settings(readout.n_cells)
    found = []
    for run in range(runs):
        counts = sample_counts(state, readout, shots, _seed(seed, run), labels)
        known = _calibrated(readout, calibration * shots, _seed(seed, runs + run))
        one = chosen.estimate(counts, known, energies, confidence=goal.level, seed=seed)
        found.append((one.value, one.low, one.high))
    value, low, high = np.mean(found, axis=0).tolist()
    power = float(np.mean([one[1] > 0 for one in found]))
    enough = power >= POWER
    if goal.half_width is not None:
        near = abs(value - ergotropy(state, energies)) <= goal.half_width
        enough = near and (high - low) / 2 <= goal.half_width
    return Precision(
        chosen.name, len(labels), shots, calibration * shots, value, low, high, power, bool(enough)
    )


def enough_shots(
    scheme: Scheme | str,
    state: ComplexArray,
    readout: ReadoutModel,
    goal: Goal,
    energies: Sequence[float] | None = None,
    seed: int = 7,
    calibration: int = 0,
) -> Precision:
    """The fewest shots of a setting that are expected to reach a goal.

    Doubled until they do and then halved in between on a logarithmic scale, up to 10 % more than
    needed. Where 10^6 shots do not reach it, those, and not enough.

    Args:
        scheme, state, readout, goal, energies, seed, calibration: as in `expected_precision`.
    """

    def at(shots: int, runs: int = _LOOK) -> Precision:
        return expected_precision(
            scheme, state, readout, shots, goal, energies, seed, runs, calibration
        )

    below, shots = _FEWEST // 2, _FEWEST
    while not at(shots).enough:
        if shots >= _MOST:
            return at(_MOST)
        below, shots = shots, min(4 * shots, _MOST)
    while shots > _STEP * below and shots > _FEWEST:
        middle = round(float(np.sqrt(below * shots)))
        if at(middle).enough:
            shots = middle
        else:
            below = middle
    final = at(shots, _FINAL)
    while not final.enough and shots < _MOST:  # the look was lucky
        shots = min(round(_STEP * shots), _MOST)
        final = at(shots, _FINAL)
    return final


def _calibrated(readout: ReadoutModel, shots: int, seed: int) -> ReadoutModel:
    """The readout as that many shots of all cells in 0, and in 1, would show it."""
    if not shots:
        return readout
    columns = readout.assignment.transpose(0, 2, 1)  # (cell, prepared, read)
    drawn = np.random.default_rng(seed).multinomial(shots, columns)
    return readout.recalibrated(list(drawn.transpose(0, 2, 1)))


def _seed(seed: int, run: int) -> int:
    return int(np.random.SeedSequence([seed, run]).generate_state(1)[0])
