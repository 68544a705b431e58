"""What every way of estimating work has in common: the scheme, its cost, its estimate.

A scheme is an object with its own options. It says which Pauli settings to measure, builds their
circuits, and turns their counts into an `ErgotropyEstimate`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from qbat_circuits.analysis.drawn import check_draws, quantile, sample_of
from qbat_circuits.analysis.guaranteed import Guarantee
from qbat_circuits.analysis.intervals import FOLDS, Interval
from qbat_circuits.analysis.sample import (
    TESTED_CALIBRATION_UNCERTAINTY,
    Sample,
    calibration_uncertainty,
    check_calibration,
)
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.markup import Markup, facts
from qbat_circuits.pair_readout import PairReadoutModel, Readout
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

#: Largest confidence level taken.
MAX_CONFIDENCE = 0.999999
#: Standard errors below zero from which a negative eigenvalue means a wrong measurement model.
UNPHYSICAL_SIGMA = 5.0
#: Hours between calibration and measurement beyond which a warning says so (chips: daily).
STALE_HOURS = 24.0
#: Fewest shots of a setting for which the coverage of the intervals was measured.
TESTED_SHOTS = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class ErgotropyEstimate:
    """What counts say about the extractable work, in units of hbar*mean(omega).

    Args:
        scheme: name of the scheme.
        quantity: what the value and its interval are about, in words: the work of the state, or a
            lower bound on it.
        is_lower_bound: True where the quantity is not the work itself but at most that.
        value: point estimate, between the two bounds before their standard errors.
        low: lower end of the interval; whatever the quantity, also a lower end for the work.
        high: upper end of the interval.
        confidence: probability that the interval covers the quantity.
        method: name of the interval's method (docs/estimating-work.md).
        guaranteed_low: lower end at the same confidence, one-sided, that holds for any number of
            shots without a normal approximation; None for measured matrices of more than 5 cells,
            of pairs or with three readings.
        p_value: of the hypothesis that there is no work to extract; holds for any number of shots;
            None where ``guaranteed_low`` is.
        raw_value: the value as if the readout were ideal: without mitigation.
        plug_in: the quantity of the estimated state itself, mitigated: biased upward.
        energy: stored energy Tr[rho H] with its own interval at the same confidence.
        leakage: weight in which each cell has left its two levels, with its interval, cell 0
            first; None where the readout does not see it. It is not renormalised away: work is
            that of the weight that is left.
        shots: fewest shots of a setting, of all draws together where they come in draws.
        total_shots: shots of all settings that were used.
        seed: seed of the deal of the shots into parts.
        origin: where the counts come from.
        measured_at: when, as text.
        readout: the readout that was inverted.
        warnings: sentences that a reader of the value must see.
    """

    scheme: str
    quantity: str
    is_lower_bound: bool
    value: float
    low: float
    high: float
    confidence: float
    method: str
    guaranteed_low: float | None
    p_value: float | None
    raw_value: float
    plug_in: float
    energy: Interval
    leakage: tuple[Interval, ...] | None
    shots: int
    total_shots: int
    seed: int
    origin: str
    measured_at: str | None
    readout: Readout
    warnings: tuple[str, ...]

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        energy, level = self.energy, f"{100 * self.confidence:.10g} %"
        shown = {
            "what": self.quantity,
            "value": f"{self.value:.4f} ħω̄",
            f"{level} interval": f"{self.low:.4f} to {self.high:.4f} ħω̄",
            "not mitigated": f"{self.raw_value:.4f} ħω̄",
            "stored energy": f"{energy.value:.4f}, {energy.low:.4f} to {energy.high:.4f} ħω̄",
            "shots": f"{self.total_shots} in all",
            "origin": self.origin,
            **{f"warning {k}": sentence for k, sentence in enumerate(self.warnings, 1)},
        }
        return facts(f"Extractable work, scheme {self.scheme}", shown.items())

    def to_dict(self) -> dict[str, Any]:
        """All figures, as JSON content; states are left out."""
        names = (
            "scheme quantity is_lower_bound value low high confidence method guaranteed_low "
            "p_value raw_value plug_in"
        )
        leakage = None if self.leakage is None else [cell.to_dict() for cell in self.leakage]
        return {
            **{name: getattr(self, name) for name in names.split()},
            "energy": self.energy.to_dict(),
            "leakage": leakage,
            "shots": self.shots,
            "total_shots": self.total_shots,
            "seed": self.seed,
            "origin": self.origin,
            "measured_at": self.measured_at,
            "readout": self.readout.to_dict(),
            "readout_sha256": self.readout.identity(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Cost:
    """What a measurement takes.

    Args:
        circuits: number of settings, one circuit each.
        shots: of all circuits together.
        seconds: time on the chip, if the time of one shot was given.
    """

    circuits: int
    shots: int
    seconds: float | None = None

    @classmethod
    def of(cls, circuits: int, shots: int, shot_s: float | None) -> Cost:
        """The cost of this many shots in each circuit, ``shot_s`` seconds a shot."""
        every = circuits * check_integer("shots", shots, at_least=1)
        if shot_s is None:
            return cls(circuits, every)
        return cls(circuits, every, every * check_number("shot_s", shot_s, above=0))


class Scheme(ABC):
    """A way to estimate work: settings, circuits, cost, estimate."""

    #: How it is chosen on a command line.
    name: ClassVar[str]

    @abstractmethod
    def settings(self, n_cells: int) -> tuple[str, ...]:
        """Pauli labels to measure, leftmost letter for cell N-1."""

    @abstractmethod
    def estimate(
        self,
        counts: Counts,
        readout: Readout | None = None,
        energies: Sequence[float] | None = None,
        confidence: float = 0.95,
        seed: int = 7,
    ) -> ErgotropyEstimate:
        """The work in the measured state, see `estimate_ergotropy`."""

    def shots(self, n_cells: int, total: int) -> dict[str, int]:
        """A good division of about ``total`` shots over the settings, at least 5 each."""
        labels = self.settings(n_cells)
        total = check_integer("total", total, at_least=1)
        return dict.fromkeys(labels, max(FOLDS, round(total / len(labels))))

    def cost(self, n_cells: int, shots: int, shot_s: float | None = None) -> Cost:
        """Circuits and shots, and the time they take, for equal ``shots`` per setting."""
        return Cost.of(len(self.settings(n_cells)), shots, shot_s)

    def circuits(self, n_cells: int, prepare: QuantumCircuit | None = None) -> list[QuantumCircuit]:
        """One circuit per setting, see `tomography_circuits`."""
        from qbat_circuits.circuits.tomography import tomography_circuits

        return tomography_circuits(n_cells, prepare, self)


@dataclass(frozen=True, eq=False)
class Request:
    """Checked arguments of an estimate: the counts of the wanted settings and how to read them."""

    counts: Counts
    readout: Readout
    confidence: float
    seed: int

    @classmethod
    def of(
        cls,
        counts: Counts,
        labels: Sequence[str],
        readout: Readout | None,
        confidence: float,
        seed: int,
    ) -> Request:
        """Counts of these settings only, each with enough shots to be dealt into parts.

        Raises:
            InputError: if settings or shots are missing, no readout is known, or an argument does
                not fit.
        """
        model = chosen_readout(counts, readout)
        check_calibration(model)
        level = check_confidence("confidence", confidence)
        used = counts.select(labels)
        fewest = int(np.argmin(used.shots))
        if used.shots[fewest] < FOLDS:
            rule = f">= {FOLDS}, because an interval takes shots in {FOLDS} parts"
            raise broken_rule(f"shots of {used.settings[fewest]}", rule, int(used.shots[fewest]))
        check_draws(used)
        return cls(used, model, level, check_integer("seed", seed, at_least=0))

    @property
    def z(self) -> float:
        """Standard errors of each end of the two-sided interval."""
        return quantile((1 + self.confidence) / 2, self.counts.draws)

    def rng(self) -> np.random.Generator:
        """A new generator from the seed."""
        return np.random.default_rng(self.seed)

    @property
    def ideal(self) -> ReadoutModel:
        """A readout without errors: nothing is mitigated."""
        return ReadoutModel.ideal(self.counts.n_cells, self.readout.outcomes)

    def sample(self, mitigated: bool = True) -> Sample:
        """The shots with the readout to invert, or with one without errors."""
        readout = self.readout if mitigated else self.ideal
        return sample_of(self.counts.table, self.counts.draws, readout)

    def common(self, sample: Sample, guaranteed: Guarantee | None) -> dict[str, Any]:
        """The fields of an estimate that do not depend on the scheme, but for the warnings."""
        return {
            "confidence": self.confidence,
            "guaranteed_low": None if guaranteed is None else guaranteed.low,
            "p_value": None if guaranteed is None else guaranteed.p_value,
            "leakage": self._leakage(sample),
            "shots": int(self.counts.shots.min()),
            "total_shots": int(self.counts.shots.sum()),
            "seed": self.seed,
            "origin": self.counts.origin,
            "measured_at": self.counts.measured_at,
            "readout": self.readout,
        }

    def warnings(self) -> tuple[str, ...]:
        """What any scheme has to say about these counts."""
        found = []
        if self.counts.draws is not None:
            found.append(
                f"The shots of a setting come in {self.counts.draws.shape[1]} draws; the draws are "
                "taken as independent, not the shots."
            )
        if int(self.counts.shots.min()) < TESTED_SHOTS:
            found.append(
                f"A setting has {int(self.counts.shots.min())} shots; the coverage of the interval "
                f"was measured from {TESTED_SHOTS} shots on."
            )
        uncertain = calibration_uncertainty(self.readout)
        if uncertain > TESTED_CALIBRATION_UNCERTAINTY:
            found.append(
                f"The calibration leaves the contrast of a cell uncertain by {uncertain:.1%}; the "
                "coverage of the interval was measured up to "
                f"{TESTED_CALIBRATION_UNCERTAINTY:.0%}, and beyond it is too narrow."
            )
        if self.counts.readout not in (None, self.readout):
            found.append("The readout that the counts carry was replaced by another one.")
        apart = _hours_apart(self.counts.measured_at, self.readout.calibrated_at)
        if apart is not None and apart > STALE_HOURS:
            found.append(
                f"The readout was calibrated {apart:.0f} hours from the measurement; matrices "
                "drift, and the interval takes those of the calibration."
            )
        if self.readout.levels > self.readout.outcomes:
            found.append(
                "The readout does not tell leaked cells from others, so leaked weight is read as "
                "part of the state."
            )
        return tuple(found)

    def _leakage(self, sample: Sample) -> tuple[Interval, ...] | None:
        """Leaked weight of each cell from all settings: none of them rotates a leaked cell."""
        if not isinstance(self.readout, ReadoutModel) or self.readout.outcomes != 3:
            return None
        shares = sample.shots / sample.shots.sum()
        weights = shares[:, None] * self.readout.leakage_weights()[:, None]
        values = np.sum(weights * sample.frequencies, axis=(1, 2))
        reaches = self.z * np.sqrt(sample.reading_variance(weights))
        return tuple(
            Interval(value, value - reach, value + reach).clipped(0.0, 1.0)
            for value, reach in zip(values.tolist(), reaches.tolist(), strict=True)
        )


def _hours_apart(first: str | None, second: str | None) -> float | None:
    """Hours between two ISO times; a time without a zone is UTC. None where one is no such time."""
    try:
        times = [datetime.fromisoformat(text) for text in (first, second) if text is not None]
    except ValueError:
        return None
    if len(times) < 2:
        return None
    zoned = [t if t.tzinfo is not None else t.replace(tzinfo=UTC) for t in times]
    return abs((zoned[0] - zoned[1]).total_seconds()) / 3600


def check_confidence(field: str, value: object) -> float:
    """A confidence level between 0 and .999999; the normal approximation means nothing beyond."""
    level = check_number(field, value, above=0, below=1)
    if level > MAX_CONFIDENCE:
        raise broken_rule(field, f"at most {MAX_CONFIDENCE}", level)
    return level


def check_counts(value: object) -> Counts:
    """The same if they are counts."""
    if not isinstance(value, Counts):
        raise broken_rule("counts", "Counts (see Counts.load)", value)
    return value


def chosen_readout(counts: Counts, readout: Readout | None) -> Readout:
    """The readout to invert: the given one, else the one that the counts carry.

    Raises:
        InputError: if there is neither, or it describes other cells or readings.
    """
    chosen = check_counts(counts).readout if readout is None else readout
    if chosen is None:
        raise InputError(
            "'readout' must be given because the counts carry none "
            f"(ReadoutModel.ideal({counts.n_cells}) for a readout without errors)."
        )
    if not isinstance(chosen, (ReadoutModel, PairReadoutModel)):
        raise broken_rule("readout", "a ReadoutModel", chosen)
    if chosen.n_cells != counts.n_cells:
        raise InputError(
            f"'readout' must describe {counts.n_cells} cells like the counts, not {chosen.n_cells}."
        )
    if chosen.outcomes != counts.outcomes:
        raise InputError(
            f"'readout' must have {counts.outcomes} readings a cell like the counts, "
            f"not {chosen.outcomes}."
        )
    return chosen
