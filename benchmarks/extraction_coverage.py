"""Coverage of the energy drop of `ExtractionScheme`.

    python benchmarks/extraction_coverage.py --runs 1000

Independent cells with excited populations before and after a circuit; readout errors a = P(1|0) and
b = P(0|1), exact or measured anew in each run. Prints the table of docs/extraction.md: the share of
runs in which the 95 % interval covers the drop, for each number of shots.
"""

from __future__ import annotations

import argparse

import numpy as np

from qbat_circuits import Counts, ExtractionScheme, ReadoutModel
from qbat_circuits.cells import FloatArray

#: Populations of the cells, cell 0 first, before and after.
STATES = (
    ((1.0,), (0.0,)),
    ((0.9,), (0.1,)),
    ((0.99,), (0.03,)),
    ((1 / 3, 1 / 3), (1 / 3, 1 / 3)),
    ((0.1, 0.05), (0.3, 0.2)),
    ((0.7, 0.6, 0.5), (0.2, 0.1, 0.15)),
    ((0.5,) * 4, (0.35,) * 4),
)
#: (a, b, calibration shots): 0 for exact matrices, -1 for as many as the shots, at least 100.
READOUTS = ((0.0, 0.0, 0), (0.02, 0.05, 0), (0.02, 0.05, -1), (0.05, 0.05, 1000), (0.05, 0.1, 100))
SHOTS = (20, 300, 3000)
LEAST = 0.93


def probabilities(populations: tuple[float, ...], readout: ReadoutModel) -> FloatArray:
    """Of all readings, little-endian."""
    p = np.ones(1)
    for excited in populations:  # cell 0 is the fastest digit
        p = np.kron([1 - excited, excited], p)
    return readout.apply(p)


def coverage(
    state: tuple[tuple[float, ...], tuple[float, ...]],
    errors: tuple[float, float, int],
    shots: int,
    runs: int,
) -> float:
    """Share of runs in which the interval covers the drop."""
    before, after = state
    n, (a, b, calibration) = len(before), errors
    exact = ReadoutModel.from_error_rates([a] * n, [b] * n)
    read = [probabilities(populations, exact) for populations in state]
    rng = np.random.default_rng(
        [shots, n, *np.rint(1e6 * np.array([*before, *after, a, b])).astype(int)]
    )
    measured = max(shots, 100) if calibration < 0 else calibration
    covered = 0
    for seed in range(runs):
        known = exact
        if measured:
            columns = rng.multinomial(measured, exact.assignment.swapaxes(1, 2))
            known = ReadoutModel.from_calibration_counts(columns.swapaxes(1, 2))
        counts = [
            Counts(n_cells=n, settings=("Z" * n,), table=rng.multinomial(shots, p)[None])
            for p in read
        ]
        found = ExtractionScheme().estimate(*counts, readout=known, seed=seed)
        covered += found.low <= sum(before) - sum(after) + 1e-12 <= found.high + 2e-12
    return covered / runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    heads = [f"{a:g}, {b:g}, c = {c}" for a, b, c in READOUTS]
    print(f"| populations | {' | '.join(heads)} |\n|{'---|' * (1 + len(READOUTS))}")
    lowest = 1.0
    for state in STATES:
        cells = []
        for errors in READOUTS:
            shares = [coverage(state, errors, shots, runs) for shots in SHOTS]
            lowest = min(lowest, *shares)
            cells.append(" / ".join(f"{share:.3f}" for share in shares))
        print(f"| {state[0]} -> {state[1]} | {' | '.join(cells)} |", flush=True)
    print(f"lowest {lowest:.3f}")
    return int(lowest < LEAST)


if __name__ == "__main__":
    raise SystemExit(main())
