"""Charging curves against QuTiP, side by side in one run on one core.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/dynamics.py

kappa = 1, n = 1, from the ground state to t = 20, 200 saved times, tolerance 1e-8 for every solver.

- Identical cells, gamma = .3, n_l = .05: whole calls (building the generator, solving, returning
  the states), medians of repetitions; the ratios are what counts.
- Different cells (`different_cells`): CPU seconds of one call and the peak memory of its process,
  one process for each row. Ours are `charge` with energies and ergotropies.

Results: docs/benchmarks.md.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
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


def different_cells(n_cells: int) -> qb.Battery:
    """Every cell with its own noise (gamma, n_l, gamma_phi) and detuning."""
    rng = np.random.default_rng(1)
    return qb.Battery(
        qb.CollectiveBath(1.0, 1.0),
        tuple(qb.LocalNoise(*rng.uniform(0.01, 0.4, 3)) for _ in range(n_cells)),
        tuple(rng.uniform(-0.7, 0.7, n_cells)),
        (1.0,) * n_cells,
    )


def one_run(solver: str, n_cells: int) -> str:
    """The row of one solver, measured in this process: CPU seconds, peak memory, largest error."""

    def states(n: int) -> Any:
        battery = different_cells(n)
        if not solver.startswith("QuTiP"):
            return qb.charge(battery, TIMES, engine=solver, tolerance=TOLERANCE).states
        ket = qb.to_qutip(initial_density_matrix(battery, "ground"))
        return mesolve(solver.split()[-1], battery.to_qutip(), ket)

    states(2)  # imports
    begin = time.process_time()
    found = states(n_cells)
    spent = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if solver.startswith("QuTiP"):
        found = np.array([qb.from_qutip(state) for state in found])
    other = "propagator" if solver != "propagator" else "qiskit-dynamics"
    truth = qb.charge(different_cells(n_cells), TIMES, engine=other, tolerance=1e-12)
    error = np.abs(found - truth.states).max()
    return f"| {n_cells} | {solver} | {spent:.2f} | {peak:.0f} | {error:.0e} |"


def steady_run(solver: str, n_cells: int) -> str:
    """A row of the steady state of different cells, measured in this process."""

    def state(n: int) -> Any:
        battery = different_cells(n)
        if solver == "steady_state":
            return qb.steady_state(battery).state
        return qb.from_qutip(qutip.steadystate(battery.to_qutip()[0], battery.to_qutip()[1]))

    state(2)  # imports
    begin = time.process_time()
    found = state(n_cells)
    spent = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    late = qb.charge(different_cells(n_cells), [2000.0]).states[0]
    return f"| {n_cells} | {solver} | {spent:.2f} | {peak:.0f} | {np.abs(found - late).max():.0e} |"


def main() -> None:
    """Print all tables."""
    if len(sys.argv) == 3:
        run = steady_run if "steady" in sys.argv[1] else one_run
        print(run(sys.argv[1], int(sys.argv[2])))
        return
    # This table first: a process starts with the peak memory of the one that started it.
    print("| N | solver | CPU seconds | peak MiB | largest error |\n" + "|---" * 5 + "|")
    ours = ("qiskit-dynamics", "propagator")
    for n_cells, solvers in ((6, ("QuTiP adams", "QuTiP tsit5", *ours)), (8, ours)):
        for solver in solvers:
            command = [sys.executable, __file__, solver, str(n_cells)]
            subprocess.run(command, check=True)
    print("\n| N | steady state by | CPU seconds | peak MiB | largest error |\n" + "|---" * 5 + "|")
    for n_cells, solver in ((6, "QuTiP steadystate"), (6, "steady_state"), (8, "steady_state")):
        subprocess.run([sys.executable, __file__, solver, str(n_cells)], check=True)
    print(f"\nQuTiP {qutip.__version__}, {len(TIMES)} times, tolerance {TOLERANCE:g}; seconds")
    print(
        "| N | QuTiP adams | QuTiP tsit5 | Qiskit Dynamics engine | ratio to the faster "
        "| propagator | error of adams | error of ours |"
    )
    print("|---" * 8 + "|")
    for n_cells in range(2, 7):
        print(row(n_cells, 21 if n_cells < 5 else 3), flush=True)


if __name__ == "__main__":
    main()
