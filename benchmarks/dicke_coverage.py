"""How often the interval of `DickeScheme` covers the truth, and how much narrower it is.

    python benchmarks/dicke_coverage.py [--repetitions 200] [--cells 2 3 4] [--only coverage width]

Counts are multinomial draws from exact probabilities, read out with errors of 1.5-3 % that the
estimator inverts. First table: coverage, how often the truth is below the lower and above the upper
end, the mean interval, bias of value and plug-in, and how often the symmetry test (level .01)
refuses. Second table: mean widths at N = 4 and equal total shots, full tomography beside the scheme
with its own division of shots and with equal shots. Exits with 1 where coverage is
below 93 % by more than 3 standard deviations of so many runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qbat_circuits import Battery, CollectiveBath, steady_state
from qbat_circuits.analysis.dicke import DickeScheme
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import MeasurementFrame
from qbat_circuits.cells import product_state
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

ROUND_OFF = 1e-9
SHOTS = (300, 3000, 30000)
WIDTH_SHOTS = (300, 1000, 3000, 10000)


def ladder(n_cells: int, occupation: float) -> NDArray[np.complex128]:
    """Charged from the ground by the collective bath alone (docs/physics.md, section 3)."""
    return steady_state(Battery.identical(n_cells, CollectiveBath(1.0, occupation))).state


def passive_edge(n_cells: int) -> NDArray[np.complex128]:
    """A little work where the order of the populations is hard to see: a tenth of an inversion."""
    return 0.98 * product_state([0.5] * n_cells) + 0.02 * product_state([0.7] * n_cells)


STATES = {
    f"N={n} {name}": state
    for n in (2, 3, 4)
    for name, state in {
        "charged": ladder(n, 1.0),
        "weakly charged, n=.1": ladder(n, 0.1),
        "Gibbs": product_state([1 / 3] * n),
        "product, p=.7": product_state([0.7] * n),
        "charged, 5 % mixed": 0.95 * ladder(n, 1.0) + 0.05 * np.eye(2**n) / 2**n,
        "edge of passive": passive_edge(n),
    }.items()
}


def readout(n_cells: int) -> ReadoutModel:
    """Different realistic errors on every cell."""
    return ReadoutModel.from_error_rates(
        [0.015, 0.02, 0.025, 0.018][:n_cells], [0.03, 0.025, 0.02, 0.028][:n_cells]
    )


def probabilities(state: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Of all Pauli settings, read with errors, shape (3^N, 2^N)."""
    exact = MeasurementFrame(readout(len(state).bit_length() - 1)).probabilities(state)
    exact = np.clip(exact, 0, None)
    return np.asarray(exact / exact.sum(axis=1, keepdims=True))


def draw(exact: NDArray[np.float64], shots: Mapping[str, int], rng: np.random.Generator) -> Counts:
    """Counts with these shots of each setting."""
    n = exact.shape[1].bit_length() - 1
    row = {label: k for k, label in enumerate(pauli_settings(n))}
    table = np.stack([rng.multinomial(number, exact[row[s]]) for s, number in shots.items()])
    return Counts(n_cells=n, settings=tuple(shots), table=table, readout=readout(n))


def study(name: str, shots: int, repetitions: int) -> float:
    """Print one line of the first table; returns the coverage."""
    state = STATES[name]
    exact, scheme = probabilities(state), DickeScheme()
    n = exact.shape[1].bit_length() - 1
    rng = np.random.default_rng([shots, *name.encode()])
    rows = np.empty((repetitions, 5))
    for seed in range(repetitions):
        counts = draw(exact, dict.fromkeys(scheme.settings(n), shots), rng)
        e = scheme.estimate(counts, seed=seed)
        rows[seed] = e.low, e.high, e.value, e.plug_in, e.is_lower_bound
    low, high, value, plug_in, refused = rows.T
    truth = ergotropy(state)
    above, below = low > truth + ROUND_OFF, high < truth - ROUND_OFF
    coverage = 1 - float(np.mean(above | below))
    print(
        f"| {name} | {shots} | {truth:.4f} | {coverage:.4f} | {np.mean(above):.4f} | "
        f"{np.mean(below):.4f} | [{low.mean():.4f}, {high.mean():.4f}] | "
        f"{value.mean() - truth:+.4f} | {plug_in.mean() - truth:+.4f} | {refused.mean():.4f} |",
        flush=True,
    )
    return coverage


def widths(shots: int, repetitions: int) -> None:
    """Print one line of the second table: N = 4, n = 1, equal total shots."""
    exact, scheme = probabilities(ladder(4, 1.0)), DickeScheme()
    total = 81 * shots
    labels = scheme.settings(4)
    plans = (
        dict.fromkeys(pauli_settings(4), shots),
        scheme.shots(4, total),
        dict.fromkeys(labels, total // len(labels)),
    )
    found = np.zeros(3)
    for k, plan in enumerate(plans):
        rng = np.random.default_rng([shots, k])
        for seed in range(repetitions):
            counts = draw(exact, plan, rng)
            if k == 0:
                full = estimate_ergotropy(counts, seed=seed)
                found[k] += (full.high - full.low) / repetitions
            else:
                dicke = scheme.estimate(counts, seed=seed)
                found[k] += (dicke.high - dicke.low) / repetitions
    print(
        f"| {total} | {found[0]:.4f} | {found[1]:.4f} | {found[0] / found[1]:.1f} | "
        f"{found[2]:.4f} | {found[0] / found[2]:.1f} |",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--cells", type=int, nargs="+", default=[2, 3, 4], choices=(2, 3, 4))
    parser.add_argument(
        "--only", nargs="+", default=["coverage", "width"], choices=("coverage", "width")
    )
    options = parser.parse_args()
    start, worst = time.perf_counter(), 1.0
    if "coverage" in options.only:
        names = [name for name in STATES if int(name[2]) in options.cells]
        print("| state | shots | truth | covers | low > | high < | interval | value | plug | no |")
        worst = min(study(name, s, options.repetitions) for name in names for s in SHOTS)
    if "width" in options.only:
        print("| total shots | full tomography | scheme.shots | ratio | equal shots | ratio |")
        for shots in WIDTH_SHOTS:
            widths(shots, max(1, options.repetitions // 3))
    print(f"lowest coverage {worst:.4f}; {time.perf_counter() - start:.0f} s")
    noise = (0.95 * 0.05 / options.repetitions) ** 0.5
    return 0 if worst >= 0.93 - 3 * noise else 1


if __name__ == "__main__":
    sys.exit(main())
