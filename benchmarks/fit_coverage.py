"""Coverage of the intervals of a fit of counts, on emulated data with known parameters.

    python benchmarks/fit_coverage.py [--repetitions 400] [--confidence 0.95] [--readings]

Two cells, kappa = 1, n = 1, gamma = 0.05, n_l = 0.1, gamma_phi = 0.02, nine Pauli settings of 1000
shots at five charging times, readout errors of 1.5-3 % from 2000 calibration shots a level, drawn
anew in every repetition. For short and long times, for more shots, and where the local noise is
large enough to be told apart: share of intervals that contain the truth, shares of runs with an end
beyond it, the median ends, the share of runs that name the parameter as not determined, and the
mean and the smallest p-value of the deviance. Then, with --readings, how often AIC prefers each
reading when the counts come from each. Exits with 1 where a coverage is below the confidence by
more than three standard deviations.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from qbat_circuits import Counts, ReadoutModel, charge, sample_counts
from qbat_circuits.study.fit import fit_counts
from qbat_circuits.study.fit_models import Reading
from qbat_circuits.study.readings import compare_readings

TRUTH = {"kappa": 1.0, "n": 1.0, "gamma": 0.05, "n_l": 0.1, "gamma_phi": 0.02}
STRONG = {"kappa": 1.0, "n": 1.0, "gamma": 0.4, "n_l": 0.3, "gamma_phi": 0.3}
SHORT, LONG = (0.3, 0.8, 1.5, 3.0, 6.0), (0.3, 1.0, 3.0, 10.0, 30.0)
READOUT = ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025])
CALIBRATION_SHOTS = 2000
#: Name, truth, times, shots a setting, free parameters (all but delta and c if None).
STUDIES = (
    ("short", TRUTH, SHORT, 1000, None),
    ("long", TRUTH, LONG, 1000, None),
    ("10000 shots", TRUTH, LONG, 10_000, None),
    ("strong noise", STRONG, LONG, 10_000, None),
    (
        "detuned",
        {**TRUTH, "n_l": 0.0, "delta": 0.3, "c": 0.9},
        SHORT,
        4000,
        ("kappa", "n", "gamma", "gamma_phi", "delta", "c"),
    ),
)


def emulated(
    reading: Reading, truth: dict[str, float], times: tuple[float, ...], shots: int, seed: int
) -> list[Counts]:
    """Counts of all settings at every time, and a calibration of the readout of their own."""
    rng = np.random.default_rng(seed)
    prepared = np.moveaxis(READOUT.assignment, 1, 2)
    drawn = rng.multinomial(CALIBRATION_SHOTS, prepared)
    known = ReadoutModel.from_calibration_counts(np.moveaxis(drawn, 2, 1))
    states = charge(reading.battery(2, truth), times).states
    seeds = rng.integers(2**31, size=len(times)).tolist()
    found = [sample_counts(rho, READOUT, shots, s) for rho, s in zip(states, seeds, strict=True)]
    return [Counts(c.n_cells, c.settings, c.table, readout=known) for c in found]


def named(sentence: str) -> list[str]:
    """The parameters that a sentence says are not determined."""
    head = sentence.split(" cannot ")[0].split(" is not ")[0]
    return head.replace(" and ", ", ").split(", ")


def study(
    name: str,
    truth: dict[str, float],
    times: tuple[float, ...],
    shots: int,
    free: tuple[str, ...] | None,
    repetitions: int,
    confidence: float,
) -> float:
    """Print a line for each parameter; returns the lowest coverage."""
    names = free or tuple(truth)
    low, value, high = np.empty((3, repetitions, len(names)))
    lost, p_values, seconds = np.zeros(len(names)), [], time.perf_counter()
    for seed in range(repetitions):
        counts = emulated(Reading.THERMAL, truth, times, shots, seed)
        found = fit_counts(times, counts, free, confidence=confidence)
        for k, parameter in enumerate(names):
            one = found.parameters[parameter]
            low[seed, k], value[seed, k] = one.low or 0.0, one.value
            high[seed, k] = np.inf if one.high is None else one.high
            lost[k] += any(parameter in named(sentence) for sentence in found.unidentified)
        p_values.append(found.deviance_p_value)
    true = np.array([truth[parameter] for parameter in names])
    covered = np.mean((low <= true) & (true <= high), axis=0)
    for k, parameter in enumerate(names):
        print(
            f"{name:12s}  {parameter:9s}  {true[k]:4.2f}  {covered[k]:.3f}  "
            f"{np.mean(low[:, k] > true[k]):.3f}  {np.mean(high[:, k] < true[k]):.3f}  "
            f"[{np.median(low[:, k]):.3f}, {np.median(high[:, k]):.3f}]  "
            f"{lost[k] / repetitions:.2f}",
            flush=True,
        )
    each = (time.perf_counter() - seconds) / repetitions
    below = np.mean(np.array(p_values) < 0.05)
    print(f"{name:12s}  p of the deviance below 0.05 in {below:.3f}; {each:.2f} s a fit")
    return float(covered.min())


def readings(repetitions: int) -> None:
    """How often each reading has the lowest AIC and BIC, by the one that the counts come from."""
    print("counts of          lowest AIC / BIC: " + ", ".join(one.value for one in Reading))
    for source in Reading:
        truth = dict(STRONG) if source is not Reading.SQUEEZED else {**STRONG, "phase": 0.5}
        won = np.zeros((2, len(Reading)), dtype=int)
        for seed in range(repetitions):
            counts = emulated(source, truth, LONG, 1000, seed)
            table = compare_readings(LONG, counts)
            for row, key in enumerate(("aic", "bic")):
                best = min(table.fits, key=lambda fit: getattr(fit, key)).reading
                won[row, list(Reading).index(best)] += 1
        print(f"{source.value:17s}  {won[0].tolist()} / {won[1].tolist()}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--studies", nargs="+", default=[one[0] for one in STUDIES])
    parser.add_argument("--readings", action="store_true")
    options = parser.parse_args()
    print("study         parameter  true  covers  low >  high <  median interval  undetermined")
    chosen = [one for one in STUDIES if one[0] in options.studies]
    lowest = [study(*one, options.repetitions, options.confidence) for one in chosen]
    if options.readings:
        readings(max(options.repetitions // 8, 10))
    p = options.confidence
    allowed = p - 3 * float(np.sqrt(p * (1 - p) / options.repetitions))
    print(f"lowest coverage {min(lowest, default=1.0):.3f}, allowed {allowed:.3f}")
    return 0 if min(lowest, default=1.0) >= allowed else 1


if __name__ == "__main__":
    sys.exit(main())
