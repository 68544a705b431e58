"""Extractable work, with an honest interval, from Pauli counts alone.

Nothing here knows where the counts come from: an emulation and a laboratory enter by the same door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from qbat_circuits.analysis.intervals import (
    FOLDS,
    Sample,
    cross_fit,
    upper_bound,
    work_and_lowest,
)
from qbat_circuits.analysis.linear_inversion import MeasurementFrame, full_table, nearest_state
from qbat_circuits.cells import ComplexArray, FloatArray, cell_energies, level_energies
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import linear_ergotropy

#: Name of the interval's method (docs/estimating-work.md).
METHOD = "convex-bounds"
#: Standard errors below zero from which a negative eigenvalue means a wrong measurement model.
UNPHYSICAL_SIGMA = 5.0
#: Largest confidence level taken.
MAX_CONFIDENCE = 0.999999
#: Fewest shots of a setting for which the coverage of the interval was measured.
TESTED_SHOTS = 20


@dataclass(frozen=True)
class Interval:
    """A value between its two ends."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class ErgotropyEstimate:
    """What counts say about the extractable work, in units of hbar*mean(omega).

    Args:
        value: point estimate, the middle of the two bounds before their standard errors.
        low: lower end of the interval.
        high: upper end of the interval.
        confidence: probability that the interval covers the truth.
        method: name of the interval's method (docs/estimating-work.md).
        plug_in: ergotropy of the raw state, mitigated and not projected: biased upward.
        raw_value: the value as if the readout were ideal: without mitigation.
        energy: stored energy Tr[rho H] with its own interval at the same confidence.
        raw_state: linear inversion, shape (2^N, 2^N): unbiased, possibly not positive.
        state: the density matrix nearest to it.
        smallest_eigenvalue: of the raw state.
        smallest_eigenvalue_sigma: how many standard errors the most negative direction is above
            zero; the direction comes from one part of the shots, its value from the others.
        shots: fewest shots of a setting.
        seed: seed of the split of the shots.
        origin: where the counts come from.
        readout: the readout that was inverted.
        warnings: sentences that a reader of the value must see.
    """

    value: float
    low: float
    high: float
    confidence: float
    method: str
    plug_in: float
    raw_value: float
    energy: Interval
    raw_state: ComplexArray
    state: ComplexArray
    smallest_eigenvalue: float
    smallest_eigenvalue_sigma: float
    shots: int
    seed: int
    origin: str
    readout: ReadoutModel
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        for matrix in (self.raw_state, self.state):
            matrix.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """Everything but the two states, as JSON content."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "method": self.method,
            "plug_in": self.plug_in,
            "raw_value": self.raw_value,
            "energy": {
                "value": self.energy.value,
                "low": self.energy.low,
                "high": self.energy.high,
            },
            "smallest_eigenvalue": self.smallest_eigenvalue,
            "smallest_eigenvalue_sigma": self.smallest_eigenvalue_sigma,
            "shots": self.shots,
            "seed": self.seed,
            "origin": self.origin,
            "readout": self.readout.to_dict(),
            "readout_sha256": self.readout.identity(),
            "warnings": list(self.warnings),
        }


def estimate_ergotropy(
    counts: Counts,
    readout: ReadoutModel | None = None,
    energies: Sequence[float] | None = None,
    confidence: float = 0.95,
    seed: int = 7,
) -> ErgotropyEstimate:
    """Ergotropy of the measured state, mitigated, with an interval that covers the truth.

    The interval is honest for every state, passive ones included: its ends rest on convexity, not
    on a bootstrap (docs/estimating-work.md; docs/physics.md, section 7).

    Args:
        counts: counts of all 3^N Pauli settings, with at least 5 shots each.
        readout: the readout to invert; by default the one that the counts carry.
        energies: cell energies e_i, 1 each by default.
        confidence: probability to cover the truth, between 0 and 1.
        seed: seed of the split of the shots into parts.

    Raises:
        InputError: if settings are missing, no readout is known or an argument does not fit.
    """
    if not isinstance(counts, Counts):
        raise broken_rule("counts", "Counts (see Counts.load)", counts)
    readout = chosen_readout(counts, readout)
    level = check_confidence("confidence", confidence)
    z = NormalDist().inv_cdf((1 + level) / 2)
    seed = check_integer("seed", seed, at_least=0)
    levels = level_energies(counts.n_cells, energies)
    most = fsum(cell_energies(counts.n_cells, energies))
    sample = Sample(MeasurementFrame(readout), full_table(counts))
    _check_shots(sample)

    raw = sample.raw_state
    unmitigated = Sample(MeasurementFrame(ReadoutModel.ideal(counts.n_cells)), sample.table)
    smallest = float(np.linalg.eigvalsh(raw)[0])
    found = _bounds(sample, levels, z, seed)
    sigma = found.lowest_sigma
    return ErgotropyEstimate(
        value=found.work.value,
        low=found.work.low,
        high=found.work.high,
        confidence=level,
        method=METHOD,
        plug_in=max(0.0, float(linear_ergotropy(raw, levels))),
        raw_value=_bounds(unmitigated, levels, z, seed).work.value,
        energy=_energy(sample, levels, z, most),
        raw_state=raw,
        state=nearest_state(raw),
        smallest_eigenvalue=smallest,
        smallest_eigenvalue_sigma=sigma,
        shots=int(sample.shots.min()),
        seed=seed,
        origin=counts.origin,
        readout=readout,
        warnings=_warnings(sample, smallest, sigma),
    )


def check_confidence(field: str, value: object) -> float:
    """A confidence level between 0 and .999999; the normal approximation means nothing beyond."""
    level = check_number(field, value, above=0, below=1)
    if level > MAX_CONFIDENCE:
        raise broken_rule(field, f"at most {MAX_CONFIDENCE}", level)
    return level


class _Bounds(NamedTuple):
    """The work with its interval, and the honest z of the most negative direction."""

    work: Interval
    lowest_sigma: float


def _bounds(sample: Sample, levels: FloatArray, z: float, seed: int) -> _Bounds:
    rng = np.random.default_rng(seed)
    (below, lowest), (below_error, lowest_error) = (
        array.tolist() for array in cross_fit(sample, work_and_lowest(levels), rng)
    )
    sigma = lowest / lowest_error
    above, above_error = upper_bound(sample, levels, positive=sigma > -UNPHYSICAL_SIGMA)
    most = float(levels.max())
    low = min(max(below - z * below_error, 0.0), most)
    high = max(min(above + z * above_error, most), low)
    return _Bounds(Interval(min(max((below + above) / 2, low), high), low, high), sigma)


def chosen_readout(counts: Counts, readout: ReadoutModel | None) -> ReadoutModel:
    """The readout to invert: the given one, else the one that the counts carry.

    Raises:
        InputError: if there is neither, or it describes another number of cells.
    """
    chosen = counts.readout if readout is None else readout
    if chosen is None:
        raise InputError(
            "'readout' must be given because the counts carry none "
            f"(ReadoutModel.ideal({counts.n_cells}) for a readout without errors)."
        )
    if not isinstance(chosen, ReadoutModel):
        raise broken_rule("readout", "a ReadoutModel", chosen)
    if chosen.n_cells != counts.n_cells:
        raise InputError(
            f"'readout' must describe {counts.n_cells} cells like the counts, not {chosen.n_cells}."
        )
    return chosen


def _check_shots(sample: Sample) -> None:
    fewest = int(np.argmin(sample.shots))
    if sample.shots[fewest] < FOLDS:
        label = pauli_settings(sample.frame.n_cells)[fewest]
        rule = f">= {FOLDS}, because an interval takes shots in {FOLDS} parts"
        raise broken_rule(f"shots of {label}", rule, int(sample.shots[fewest]))


def _energy(sample: Sample, levels: FloatArray, z: float, most: float) -> Interval:
    """Normal interval of the linear functional Tr[rho H], within [0, sum e_i]."""
    value = float(np.diagonal(sample.raw_state).real @ levels)
    reach = z * sample.standard_error(np.diag(levels).astype(np.complex128))
    ends = (min(max(end, 0.0), most) for end in (value, value - reach, value + reach))
    return Interval(*ends)


def _warnings(sample: Sample, smallest: float, sigma: float) -> tuple[str, ...]:
    found = []
    if sigma <= -UNPHYSICAL_SIGMA:
        found.append(
            f"The raw state has an eigenvalue of {smallest:.3g}, {-sigma:.0f} standard errors "
            "below zero, so the measurement model is wrong (a bath left on during readout, a wrong "
            "assignment matrix, drift) and the interval cannot be trusted."
        )
    if int(sample.shots.min()) < TESTED_SHOTS:
        found.append(
            f"A setting has {int(sample.shots.min())} shots; the coverage of the interval was "
            f"measured from {TESTED_SHOTS} shots on."
        )
    return tuple(found)
