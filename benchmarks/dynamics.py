"""Charging curves against QuTiP, side by side in one run on one core.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/dynamics.py

kappa = 1, n = 1, gamma = .3, n_l = .05, from the ground state to t = 20, 200 saved times, tolerance
1e-8 for every solver. Times are whole calls (building the generator, solving, returning the
states), medians of repetitions; the ratios are what counts. Results: docs/benchmarks.md.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import qutip

import qbat_circuits as qb
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.dynamics.lindblad import integrate
from qbat_circuits.dynamics.propagator import propagate

TIMES = np.linspace(0.0, 20.0, 200)
TOLERANCE = 1e-8


def median_time(call: Callable[[], Any], repetitions: int) -> tuple[float, Any]:
    """Median wall time of a call, after one that warms up, and its last result."""
    result = call()
    spent = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = call()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), result


def mesolve(method: str, model: tuple[Any, list[Any]], start: Any) -> list[Any]:
    """QuTiP's states of the same run; its operators are sparse, as its users would have them."""
    options = {"method": method, "atol": TOLERANCE, "rtol": TOLERANCE, "nsteps": 100_000}
    return list(qutip.mesolve(model[0], start, TIMES, c_ops=model[1], options=options).states)


def row(n_cells: int, repetitions: int) -> str:
    """One row of the table: seconds, ratio, largest error of a matrix element."""
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.3, 0.05))
    start = initial_density_matrix(battery, "ground")
    model, ket = battery.to_qutip(), qb.to_qutip(start)
    adams, states = median_time(partial(mesolve, "adams", model, ket), repetitions)
    tsit5, _ = median_time(partial(mesolve, "tsit5", model, ket), repetitions)
    ours, found = median_time(partial(integrate, battery, start, TIMES, TOLERANCE), repetitions)
    exact, truth = median_time(partial(propagate, battery, start, TIMES), repetitions)
    theirs = np.array([qb.from_qutip(state) for state in states])
    errors = [f"{np.abs(some - truth).max():.0e}" for some in (theirs, found)]
    return (
        f"| {n_cells} | {adams:.4f} | {tsit5:.4f} | {ours:.4f} | {ours / min(adams, tsit5):.2f} "
        f"| {exact:.4f} | {errors[0]} | {errors[1]} |"
    )


def main() -> None:
    """Print the table."""
    print(f"QuTiP {qutip.__version__}, {len(TIMES)} times, tolerance {TOLERANCE:g}; seconds")
    print(
        "| N | QuTiP adams | QuTiP tsit5 | Qiskit Dynamics engine | ratio to the faster "
        "| propagator | error of adams | error of ours |"
    )
    print("|---" * 8 + "|")
    for n_cells in range(2, 7):
        print(row(n_cells, 21 if n_cells < 5 else 3), flush=True)


if __name__ == "__main__":
    main()
