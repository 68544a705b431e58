"""Steady populations p(j, m) against the elimination without subtractions, on random models.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/steady_accuracy.py

Rates of all five channels over 19 decades, each of them missing with probability .2; "hot" ones
have a collective bath with absorption near emission. The error is the sum of |difference of p|.
Results: docs/symmetric-engine.md.
"""

from __future__ import annotations

import numpy as np

from qbat_circuits.symmetric.elimination import reduce_states
from qbat_circuits.symmetric.rates import Rates, transitions
from qbat_circuits.symmetric.sectors_jm import states_jm
from qbat_circuits.symmetric.steady import steady_populations


def random_rates(rng: np.random.Generator, hot: bool) -> Rates:
    """A model with local noise that moves energy and whose ground state is recurrent."""
    while True:
        values = 10 ** rng.uniform(-16, 3, 5) * (rng.random(5) < 0.8)
        if hot:
            values[:2] = 10 ** rng.uniform(-1, 2) * np.array([1.0, rng.uniform(0.9, 1.0)])
        rates = Rates(*values.tolist())
        if rates.local > 0 and rates.falls and rates.emission + rates.local_emission > 0:
            return rates


def error(n_cells: int, rates: Rates) -> float:
    """Sum of |difference| of one model."""
    states = states_jm(n_cells)
    exact = reduce_states(states.size, *transitions(states, rates))
    return float(np.abs(steady_populations(n_cells, rates) - exact).sum())


def main() -> None:
    """Print the table."""
    print("| N | models | hot | largest error |\n|---|---|---|---|")
    for n_cells, models, hot in ((20, 1500, False), (31, 1000, False), (150, 60, False)):
        rng = np.random.default_rng(n_cells)
        worst = max(error(n_cells, random_rates(rng, hot)) for _ in range(models))
        print(f"| {n_cells} | {models} | no | {worst:.0e} |", flush=True)
    rng = np.random.default_rng(1)
    worst = max(error(170, random_rates(rng, True)) for _ in range(60))
    print(f"| 170 | 60 | yes | {worst:.0e} |")


if __name__ == "__main__":
    main()
