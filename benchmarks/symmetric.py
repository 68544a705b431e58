"""The (j, m) engine: steady states, maps and curves of many identical cells, on one core.

Beside it QuTiP's PIQS on the same model in the same process, where it gets there.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/symmetric.py

kappa = 1, n = 1, gamma = .3, n_l = .05 unless a row says otherwise. Every row runs in a process of
its own, so that its peak of memory is its own; times are the fastest of a few calls after one that
warms up (tables of multiplicities included in the first call only). The last row of every model is
the exponent of the cost between N = 50 and 2000. PIQS stops at N = 100 (steady state) and 50
(curve), where it runs once if it takes seconds. Results: docs/symmetric-engine.md.
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.rates import Rates
from qbat_circuits.symmetric.sectors_jm import energy_jm, states_jm
from qbat_circuits.symmetric.squeezed import SqueezedModel
from qbat_circuits.symmetric.steady import steady_populations_many

#: kappa, n, gamma, n_l
MODELS = {
    "usual": (1.0, 1.0, 0.3, 0.05),
    "weak noise": (1.0, 1.0, 1e-10, 0.05),
    "hot line": (0.5, 200.0, 0.3, 0.05),
    "hot cells": (0.1, 1.0, 0.3, 2.0),
}
SIZES = (20, 50, 100, 200, 500, 1000, 2000)


def rates(kappa: float, n: float, gamma: float, n_local: float) -> Rates:
    """In the notation of docs/physics.md, section 2."""
    return Rates(kappa * (n + 1), kappa * n, gamma * (n_local + 1), gamma * n_local)


def model(name: str, n_cells: int) -> SymmetricModel:
    """One of the models with this many cells."""
    r = rates(*MODELS[name])
    return SymmetricModel(n_cells, r.emission, r.absorption, r.local_emission, r.local_absorption)


def best(call: Callable[[], Any]) -> tuple[float, Any]:
    """Fastest CPU time of up to five calls (one where it is slow), and the result."""
    fastest, result = math.inf, None
    for _ in range(6):
        start = time.process_time()
        result = call()
        fastest = min(fastest, time.process_time() - start)
        if fastest > 2:
            break
    return fastest, result


def memory() -> float:
    """Peak memory of this process in MB (imports alone take about 60)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def steady_row(name: str, n_cells: int) -> str:
    """N, seconds of the steady state and of its ergotropy, E, W, memory."""
    m = model(name, n_cells)
    solve, p = best(m.steady_populations)
    fill, work = best(lambda: ergotropy_jm(n_cells, p))
    energy = float(energy_jm(n_cells, p))
    return (
        f"{n_cells} | {solve:.4f} | {fill:.4f} | {energy:.6f} | {float(work):.6f} | {memory():.0f}"
    )


def filling_row(n_cells: int) -> str:
    """Ergotropy where no population is negligible: the longest case."""
    p = np.random.default_rng(1).exponential(size=states_jm(n_cells).size)
    p /= p.sum()
    seconds, _ = best(lambda: ergotropy_jm(n_cells, p))
    return f"{n_cells} | {seconds:.4f} | {memory():.0f}"


def map_row(n_cells: int) -> str:
    """50 x 50 points over n and gamma: populations, ergotropies."""
    models = [
        rates(1.0, n, gamma, 0.05)
        for n in np.linspace(0.1, 5.0, 50)
        for gamma in np.linspace(0.05, 2.0, 50)
    ]
    solve, p = best(lambda: steady_populations_many(n_cells, models))
    fill, _ = best(lambda: ergotropy_jm(n_cells, p))
    return f"{n_cells} | {solve:.3f} | {fill:.3f} | {memory():.0f}"


def curve_row(start: str, n_cells: int) -> str:
    """200 times to t = 20 with populations and ergotropies; the error against a tighter run."""
    times = np.linspace(0.0, 20.0, 200)
    m = model("usual", n_cells)
    solve, p = best(lambda: m.populations(times, start))
    fill, _ = best(lambda: ergotropy_jm(n_cells, p))
    peak = memory()
    halves = [m.populations(part, start, 1e-11) for part in (times[1:12], times[100::33])]
    error = np.abs(np.concatenate(halves) - p[[*range(1, 12), *range(100, 200, 33)]])
    worst = float(error.sum(axis=1).max())
    return f"{n_cells} | {start} | {solve:.3f} | {fill:.3f} | {worst:.0e} | {peak:.0f}"


def peer_steady_row(n_cells: int) -> str:
    """Ours; PIQS's matrix, a sparse solve of it, and p(j, m) taken for the eigenvalues."""
    m = model("usual", n_cells)
    ours, p = best(lambda: m.steady_populations())
    fill, work = best(lambda: ergotropy_jm(n_cells, p))

    import scipy.sparse as sp
    from qutip.piqs.piqs import Pim
    from scipy.sparse.linalg import spsolve

    piqs = Pim(
        n_cells,
        emission=m.local_emission,
        pumping=m.local_absorption,
        collective_emission=m.emission,
        collective_pumping=m.absorption,
    )
    build, matrix = best(piqs.coefficient_matrix)
    q = sp.csc_array(matrix)
    solve, rest = best(lambda: spsolve(q[1:, 1:], -q[1:, [0]].toarray().ravel()))
    theirs = np.append(1.0, rest) / (1.0 + rest.sum())
    states = states_jm(n_cells)
    order = np.lexsort((-states.level, states.deficit))  # j and m falling, as PIQS has them
    off = np.abs(theirs - p[order]).sum()
    level = states.level[order]
    naive = theirs @ level - np.sort(theirs)[::-1] @ np.sort(level)
    ratio = (build + solve) / (ours + fill)
    return (
        f"{n_cells} | {ours + fill:.4f} | {build:.3f} + {solve:.3f} | {ratio:.0f} | {off:.0e} | "
        f"{float(work):.4f} | {naive:.4f}"
    )


def peer_curve_row(n_cells: int) -> str:
    """200 times to t = 20 from the ground state: ours, and PIQS's pisolve."""
    times = np.linspace(0.0, 20.0, 200)
    m = model("usual", n_cells)
    ours, p = best(lambda: m.populations(times))
    peak = memory()
    tight = m.populations(times[::33], tolerance=1e-11)

    from qutip.piqs.piqs import Dicke, dicke

    piqs = Dicke(
        n_cells,
        emission=m.local_emission,
        pumping=m.local_absorption,
        collective_emission=m.emission,
        collective_pumping=m.absorption,
    )
    ground = dicke(n_cells, n_cells / 2, -n_cells / 2)
    seconds, result = best(lambda: piqs.pisolve(ground, times))
    states = states_jm(n_cells)
    order = np.lexsort((-states.level, states.deficit))
    theirs = np.array([state.diag().real for state in result.states[::33]])
    errors = (
        np.abs(one - tight).sum(axis=1).max() for one in (p[::33], theirs[:, np.argsort(order)])
    )
    own, other = errors
    return (
        f"{n_cells} | {ours:.3f} | {seconds:.3f} | {seconds / ours:.1f} | "
        f"{own:.0e} | {other:.0e} | {peak:.0f} | {memory():.0f}"
    )


def squeezed_row(n_cells: int, detuning: float) -> str:
    """Steady state on a squeezed bath: n = 1, M = 1.2, the usual local noise."""
    m = SqueezedModel(n_cells, 2.0, 1.0, 1.2, 0.315, 0.015, 0.0, detuning)
    seconds, blocks = best(m.steady_blocks)
    work = blocks.ergotropy()
    return f"{n_cells} | {detuning:g} | {seconds:.3f} | {work:.6f} | {memory():.0f}"


def squeezed_curve_row(n_cells: int) -> str:
    """100 times to t = 10 from the ground state on the same bath."""
    m = SqueezedModel(n_cells, 2.0, 1.0, 1.2, 0.315, 0.015)
    seconds, _ = best(lambda: m.blocks(np.linspace(0.0, 10.0, 100)))
    return f"{n_cells} | {seconds:.2f} | {memory():.0f}"


def row(*task: str) -> str:
    """One row, measured in a process of its own."""
    command = [sys.executable, __file__, "--task", *task]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def tables() -> None:
    """Print every table."""
    for name in MODELS:
        print(f"\nSteady state, {name}: kappa, n, gamma, n_l = {MODELS[name]}")
        print("| N | steady state (s) | ergotropy (s) | E | W | peak (MB) |\n" + "|---" * 6 + "|")
        seconds = {}
        for n_cells in SIZES:
            found = row("steady", name, str(n_cells))
            seconds[n_cells] = float(found.split("|")[1])
            print(f"| {found} |", flush=True)
        exponent = math.log(seconds[2000] / seconds[50]) / math.log(2000 / 50)
        print(f"exponent of the cost, N = 50..2000: {exponent:.2f}")
    print("\nSqueezed bath\n| N | detuning | steady state (s) | W | MB |\n" + "|---" * 5 + "|")
    for n_cells in (20, 40, 60):
        for detuning in ("0", "0.1"):
            print(f"| {row('squeezed', str(n_cells), detuning)} |", flush=True)
    print("\n| N | curve of 100 times (s) | MB |\n" + "|---" * 3 + "|")
    for n_cells in (30, 60):
        print(f"| {row('squeezed_curve', str(n_cells))} |", flush=True)
    print("\nErgotropy of random populations\n| N | (s) | peak (MB) |\n" + "|---" * 3 + "|")
    for n_cells in (500, 1000, 2000):
        print(f"| {row('filling', str(n_cells))} |", flush=True)
    print("\nMap of 2500 points\n| N | populations (s) | ergotropies (s) | peak (MB) |")
    print("|---" * 4 + f"|\n| {row('map', '20')} |", flush=True)
    print("\nCurve of 200 times\n| N | start | populations (s) | ergotropies (s) | error | MB |")
    print("|---" * 6 + "|")
    for n_cells in (20, 100, 200):
        for start in ("ground", "excited"):
            print(f"| {row('curve', start, str(n_cells))} |", flush=True)
    peer_tables()


def peer_tables() -> None:
    """Print what PIQS does on the same model."""
    print("\nSteady state and ergotropy: PIQS's matrix + a sparse solve, p(j, m) as eigenvalues")
    print(
        "| N | ours (s) | PIQS (s) | ratio | difference | W | W by p(j, m) |\n" + "|---" * 7 + "|"
    )
    for n_cells in (20, 50, 100):
        print(f"| {row('peer_steady', str(n_cells))} |", flush=True)
    print("\nCurve of 200 times: pisolve")
    print("| N | ours (s) | PIQS (s) | ratio | our error | its error | our MB | its MB |")
    print("|---" * 8 + "|")
    for n_cells in (20, 50):
        print(f"| {row('peer_curve', str(n_cells))} |", flush=True)


def main() -> None:
    """Print the tables, or one row of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", nargs="+", help="internal: one row")
    task = parser.parse_args().task
    rows: dict[str, Callable[..., str]] = {
        "steady": lambda name, n: steady_row(name, int(n)),
        "filling": lambda n: filling_row(int(n)),
        "map": lambda n: map_row(int(n)),
        "curve": lambda start, n: curve_row(start, int(n)),
        "squeezed": lambda n, detuning: squeezed_row(int(n), float(detuning)),
        "squeezed_curve": lambda n: squeezed_curve_row(int(n)),
        "peer_steady": lambda n: peer_steady_row(int(n)),
        "peer_curve": lambda n: peer_curve_row(int(n)),
    }
    if task:
        print(rows[task[0]](*task[1:]))
    else:
        tables()


if __name__ == "__main__":
    main()
