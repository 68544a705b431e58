"""How often the interval of `estimate_ergotropy` covers the truth, and how wide it is.

    python benchmarks/coverage.py [--repetitions 4000] [--shots 1000 10000] [--only NAME ...]

Counts are multinomial draws from the exact probabilities of known states, read out with errors of
1.5-3 % that the estimator inverts. Each line: coverage, how often the truth lies below the lower
and above the upper end, the mean interval, the bias of value and plug-in, and the width over that
of +-1.96 standard deviations of the unprojected mitigated plug-in. Exits with 1 below 94 %.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from numpy.typing import NDArray

from qbat_circuits import Battery, CollectiveBath, steady_state
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import product_state
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

ROUND_OFF = 1e-9


def ladder(n_cells: int, occupation: float) -> NDArray[np.complex128]:
    """Charged from the ground by the collective bath alone (docs/physics.md, section 3)."""
    return steady_state(Battery.identical(n_cells, CollectiveBath(1.0, occupation))).state


def gibbs(n_cells: int, occupation: float) -> NDArray[np.complex128]:
    """Every cell in equilibrium at this occupation: no ergotropy."""
    return product_state([occupation / (2 * occupation + 1)] * n_cells)


def mixed(state: NDArray[np.complex128], share: float) -> NDArray[np.complex128]:
    """The state with a share of the maximally mixed one."""
    return (1 - share) * state + share * np.eye(len(state)) / len(state)


STATES = {
    "N=2 charged": ladder(2, 1.0),
    "N=2 Gibbs": gibbs(2, 1.0),
    "N=3 charged": ladder(3, 1.0),
    "N=3 Gibbs": gibbs(3, 1.0),
    "N=2 weakly charged, n=.1": ladder(2, 0.1),
    "N=2 hot, n=1e6": ladder(2, 1e6),
    "N=2 charged, 5 % mixed": mixed(ladder(2, 1.0), 0.05),
    "N=3 charged, 5 % mixed": mixed(ladder(3, 1.0), 0.05),
    "N=1 maximally mixed": mixed(gibbs(1, 1.0), 1.0),
    "N=2 maximally mixed": mixed(gibbs(2, 1.0), 1.0),
    "N=3 maximally mixed": mixed(gibbs(3, 1.0), 1.0),
    "N=2 all excited": product_state([1.0, 1.0]),
}


def readout(n_cells: int) -> ReadoutModel:
    """Different realistic errors on every cell."""
    return ReadoutModel.from_error_rates(
        [0.015, 0.02, 0.025][:n_cells], [0.03, 0.025, 0.02][:n_cells]
    )


def study(name: str, shots: int, repetitions: int) -> float:
    """Print one line of the table; returns the coverage."""
    state = STATES[name]
    model = readout(len(state).bit_length() - 1)
    exact = np.clip(model.apply(outcome_probabilities(state)), 0, None)
    exact /= exact.sum(axis=1, keepdims=True)
    rng = np.random.default_rng([shots, *name.encode()])
    rows = np.empty((repetitions, 4))
    for seed in range(repetitions):
        counts = Counts(
            n_cells=model.n_cells,
            settings=pauli_settings(model.n_cells),
            table=rng.multinomial(shots, exact),
            readout=model,
        )
        estimate = estimate_ergotropy(counts, seed=seed)
        rows[seed] = estimate.low, estimate.high, estimate.value, estimate.plug_in
    low, high, value, plug_in = rows.T
    truth = ergotropy(state)
    above, below = low > truth + ROUND_OFF, high < truth - ROUND_OFF
    coverage = 1 - float(np.mean(above | below))
    ratio = np.mean(high - low) / (2 * 1.96 * np.std(plug_in))
    print(
        f"{name:26s} {shots:6d}  {truth:.4f}  {coverage:.4f}  {np.mean(above):.4f}  "
        f"{np.mean(below):.4f}  [{low.mean():.4f}, {high.mean():.4f}]  "
        f"{value.mean() - truth:+.4f}  {plug_in.mean() - truth:+.4f}  {ratio:.2f}",
        flush=True,
    )
    return coverage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--shots", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--only", nargs="+", default=list(STATES), choices=STATES)
    options = parser.parse_args()
    start = time.perf_counter()
    header = f"{'state':26s} {'shots':>6s}  truth   covers  low >   high <  mean interval"
    print(header + "     value    plug-in  width ratio")
    worst = min(
        study(name, shots, options.repetitions) for name in options.only for shots in options.shots
    )
    print(f"lowest coverage {worst:.4f}; {time.perf_counter() - start:.0f} s")
    return 0 if worst >= 0.94 else 1


if __name__ == "__main__":
    sys.exit(main())
