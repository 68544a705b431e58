"""How often the interval of `DickeScheme` covers the truth, and how much narrower it is.

    python benchmarks/dicke_coverage.py [--repetitions 200] [--cells 2 3 4] [--calibration 1000]
        [--only coverage width passive] [--states charged Gibbs] [--shots 300 3000 30000]

Counts are multinomial draws from exact probabilities, read out with errors of 1.5-3 % that the
estimator inverts, as exact ones or as found from calibration shots. `coverage`: how often the truth
is below the lower and above the upper end, the mean interval, bias of value and plug-in, and how
often the symmetry test (level .01) refuses. `width`: mean widths at N = 4 and equal total shots,
full tomography beside the scheme with its own division of shots and with equal shots. `passive`:
upper ends for Gibbs states beside the 95 % quantiles of the plug-in, that of the scheme and that of
full tomography at equal total shots. Exits with 1 where coverage is below 93 % by more than 3
standard deviations of so many runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from qbat_circuits import Battery, CollectiveBath, steady_state
from qbat_circuits.analysis.dicke import DickeScheme
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.cells import product_state
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

ROUND_OFF = 1e-9
WIDTH_SHOTS = (300, 1000, 3000, 10000)
TABLES = ("coverage", "width", "passive")
ROTATIONS = {
    "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "Y": np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
    "Z": np.eye(2),
}
State = NDArray[np.complex128]
Exact = Mapping[str, NDArray[np.float64]]


def ladder(n_cells: int, occupation: float) -> State:
    """Charged from the ground by the collective bath alone (docs/physics.md, section 3)."""
    return steady_state(Battery.identical(n_cells, CollectiveBath(1.0, occupation))).state


def passive_edge(n_cells: int) -> State:
    """A little work where the order of the populations is hard to see: a tenth of an inversion."""
    return 0.98 * product_state([0.5] * n_cells) + 0.02 * product_state([0.7] * n_cells)


STATES: dict[str, Callable[[int], State]] = {
    "charged": lambda n: ladder(n, 1.0),
    "weakly charged, n=.1": lambda n: ladder(n, 0.1),
    "Gibbs": lambda n: product_state([1 / 3] * n),
    "product, p=.7": lambda n: product_state([0.7] * n),
    "charged, 5 % mixed": lambda n: 0.95 * ladder(n, 1.0) + 0.05 * np.eye(2**n) / 2**n,
    "edge of passive": passive_edge,
}


def readout(n_cells: int) -> ReadoutModel:
    """Different realistic errors on every cell."""
    up, down = [0.015, 0.02, 0.025, 0.018], [0.03, 0.025, 0.02, 0.028]
    return ReadoutModel.from_error_rates((up * 3)[:n_cells], (down * 3)[:n_cells])


def probabilities(state: State, labels: tuple[str, ...]) -> Exact:
    """Of what is read in each setting."""
    model, found = readout(len(state).bit_length() - 1), {}
    for label in labels:
        turn = reduce(np.kron, [ROTATIONS[letter] for letter in label])
        born = np.clip(np.einsum("ij,ij->i", turn @ state, turn.conj()).real, 0, None)
        found[label] = model.apply(born / born.sum())
    return found


def draw(
    exact: Exact, shots: Mapping[str, int], rng: np.random.Generator, calibration: int | None = None
) -> Counts:
    """Counts with these shots of each setting, the readout exact or from calibration shots."""
    table = np.stack([rng.multinomial(shots[label], exact[label]) for label in shots])
    n = table.shape[1].bit_length() - 1
    model = readout(n)
    if calibration is not None:
        columns = rng.multinomial(calibration, model.assignment.swapaxes(1, 2))
        model = ReadoutModel.from_calibration_counts(columns.swapaxes(1, 2))
    return Counts(n_cells=n, settings=tuple(shots), table=table, readout=model)


def study(n: int, name: str, shots: int, repetitions: int, calibration: int | None) -> float:
    """Print one line of the first table; returns the coverage."""
    state, scheme = STATES[name](n), DickeScheme()
    labels = scheme.settings(n)
    exact, plan = probabilities(state, labels), dict.fromkeys(labels, shots)
    rng = np.random.default_rng([shots, n, *name.encode()])
    rows, refused = [], 0
    for seed in range(repetitions):
        try:
            e = scheme.estimate(draw(exact, plan, rng, calibration), seed=seed)
        except InputError:  # from 5 cells on, where permutations are refused
            refused += 1
            continue
        refused += e.is_lower_bound
        rows.append((e.low, e.high, e.value, e.plug_in))
    low, high, value, plug_in = np.transpose(rows)
    truth = ergotropy(state)
    above, below = low > truth + ROUND_OFF, high < truth - ROUND_OFF
    coverage = 1 - float(np.mean(above | below))
    print(
        f"| N={n} {name} | {shots} | {truth:.4f} | {repetitions} | {coverage:.4f} | "
        f"{np.mean(above):.4f} | {np.mean(below):.4f} | [{low.mean():.4f}, {high.mean():.4f}] | "
        f"{value.mean() - truth:+.4f} | {plug_in.mean() - truth:+.4f} | "
        f"{refused / repetitions:.4f} |",
        flush=True,
    )
    return coverage


def widths(shots: int, repetitions: int) -> None:
    """Print one line of the second table: N = 4, n = 1, equal total shots."""
    scheme, every = DickeScheme(), pauli_settings(4)
    exact = probabilities(ladder(4, 1.0), every)
    total, labels = 81 * shots, scheme.settings(4)
    plans = (
        dict.fromkeys(every, shots),
        scheme.shots(4, total),
        dict.fromkeys(labels, total // len(labels)),
    )
    found = np.zeros(3)
    for k, plan in enumerate(plans):
        rng = np.random.default_rng([shots, k])
        for seed in range(repetitions):
            counts = draw(exact, plan, rng)
            e = estimate_ergotropy(counts, seed=seed) if k == 0 else scheme.estimate(counts)
            found[k] += (e.high - e.low) / repetitions
    print(
        f"| {total} | {found[0]:.4f} | {found[1]:.4f} | {found[0] / found[1]:.1f} | "
        f"{found[2]:.4f} | {found[0] / found[2]:.1f} |",
        flush=True,
    )


def passive(n: int, shots: int, repetitions: int) -> None:
    """Print one line of the third table."""
    scheme, every = DickeScheme(), pauli_settings(n)
    labels = scheme.settings(n)
    exact = probabilities(STATES["Gibbs"](n), every)
    rng = np.random.default_rng([shots, n])
    plan, whole = (
        dict.fromkeys(names, shots * len(labels) // len(names)) for names in (labels, every)
    )
    dicke = [scheme.estimate(draw(exact, plan, rng), seed=k) for k in range(repetitions)]
    full = [estimate_ergotropy(draw(exact, whole, rng)).plug_in for _ in range(repetitions)]
    median = float(np.median([e.high for e in dicke]))
    quantiles = np.quantile([[e.plug_in for e in dicke], full], 0.95, axis=1)
    ratios = [f"{median / q:.2f}" if q > 0 else "-" for q in quantiles.tolist()]
    print(
        f"| N={n} | {shots} | {median:.4f} | {quantiles[0]:.4f} | {ratios[0]} | "
        f"{quantiles[1]:.4f} | {ratios[1]} |",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--cells", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--shots", type=int, nargs="+", default=[300, 3000, 30000])
    parser.add_argument("--states", nargs="+", default=list(STATES), choices=STATES)
    parser.add_argument("--calibration", type=int, help="calibration shots of a cell and level")
    parser.add_argument("--only", nargs="+", default=TABLES, choices=TABLES)
    options = parser.parse_args()
    start, worst, runs = time.perf_counter(), 1.0, options.repetitions
    if "coverage" in options.only:
        print(
            "| state | shots | truth | runs | covers | low > | high < | interval | value | plug |"
        )
        worst = min(
            study(n, name, shots, runs, options.calibration)
            for n in options.cells
            for name in options.states
            for shots in options.shots
        )
    if "width" in options.only:
        print("| total shots | full tomography | scheme.shots | ratio | equal shots | ratio |")
        for shots in WIDTH_SHOTS:
            widths(shots, max(1, runs // 3))
    if "passive" in options.only:
        print("| cells | shots | median upper end | own plug-in | ratio | tomography | ratio |")
        for n in options.cells:
            for shots in options.shots:
                passive(n, shots, runs)
    print(f"lowest coverage {worst:.4f}; {time.perf_counter() - start:.0f} s")
    return 0 if worst >= 0.93 - 3 * (0.95 * 0.05 / runs) ** 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
