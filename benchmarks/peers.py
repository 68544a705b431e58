"""Ours beside QuTiP, PIQS, dynamiqs and qiskit-experiments: time and accuracy, in one run.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/peers.py [DYNAMIQS_PYTHON]

The model is kappa = 1, n = 1, gamma = .3, n_l = .05, from the ground state. Every table runs its
tools in turn, round after round, and gives medians of CPU seconds, so that a busy machine is busy
for all of them. Errors of states are against the other engine of ours at a tolerance of 1e-12.

DYNAMIQS_PYTHON is the interpreter of an environment that has dynamiqs, which this project never
needs (python -m venv peer && peer/bin/pip install dynamiqs); without it that column stays empty.

Results: docs/comparison.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import qutip
from analysis_speed import their_reconstruction
from qutip.piqs.piqs import Dicke, dicke
from scipy.sparse.linalg import expm_multiply

import qbat_circuits as qb
from qbat_circuits.analysis.linear_inversion import reconstruct
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.symmetric.sectors_jm import states_jm

TIMES = np.linspace(0.0, 20.0, 201)
TOLERANCE = 1e-8
BATH, NOISE = qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.3, 0.05)

Timed = Callable[[], tuple[float, Any]]


def timed(call: Callable[[], Any]) -> Timed:
    """A call that says how many CPU seconds it took."""

    def run() -> tuple[float, Any]:
        start = time.process_time()
        result = call()
        return time.process_time() - start, result

    return run


def in_turn(calls: dict[str, Timed], rounds: int) -> dict[str, tuple[float, Any]]:
    """Median seconds and last result of each call, after one round that warms up."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    results = {name: call()[1] for name, call in calls.items()}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds, results[name] = call()
            spent[name].append(seconds)
    return {name: (median(spent[name]), results[name]) for name in calls}


class Dynamiqs:
    """A process of another environment that solves what it is given, as often as it is asked."""

    def __init__(self, python: str) -> None:
        script = Path(__file__).with_name("peers_dynamiqs.py")
        pipe = subprocess.PIPE
        one_thread = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        self.process = subprocess.Popen(
            [python, script],
            stdin=pipe,
            stdout=pipe,
            text=True,
            env={**os.environ, "XLA_FLAGS": one_thread},
        )
        self.folder = tempfile.TemporaryDirectory()
        self.version = self._line()["version"]

    def _line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def solve(self, battery: qb.Battery) -> tuple[float, Any]:
        """Seconds of `mesolve` and its states; the first call of a model compiles."""
        path = Path(self.folder.name) / f"{battery.n_cells}.npz"
        if not path.exists():
            start = initial_density_matrix(battery, "ground")
            jumps = [np.sqrt(rate) * op.toarray() for rate, op in battery.jump_operators()]
            np.savez(path, jumps=jumps, start=start, times=TIMES, tolerance=TOLERANCE)
        assert self.process.stdin is not None
        print(path, file=self.process.stdin, flush=True)
        return self._line()["seconds"], np.load(path.with_suffix(".states.npy"))


def mesolve(method: str, battery: qb.Battery) -> Any:
    """QuTiP's states; its operators are sparse, as its users would have them."""
    hamiltonian, jumps = battery.to_qutip()
    start = qb.to_qutip(initial_density_matrix(battery, "ground"))
    options = {"method": method, "atol": TOLERANCE, "rtol": TOLERANCE, "nsteps": 100_000}
    return qutip.mesolve(hamiltonian, start, TIMES, c_ops=jumps, options=options).states


def curves(dynamiqs: Dynamiqs | None) -> None:
    """States at 201 times, N = 2..6. Ours with energies and ergotropies, the others without."""
    peer = f"dynamiqs {dynamiqs.version}" if dynamiqs else "dynamiqs (not measured)"
    tools = f"ours, auto | ours, propagator | QuTiP adams | QuTiP tsit5 | {peer}"
    print(f"| N | {tools} | errors, in this order |\n" + "|---" * 7 + "|")
    for n in range(2, 7):
        battery = qb.Battery.identical(n, BATH, NOISE)
        calls = {
            engine: timed(lambda e=engine, b=battery: qb.charge(b, TIMES, engine=e).states)
            for engine in ("auto", "propagator")
        }
        for method in ("adams", "tsit5"):
            calls[method] = timed(partial(mesolve, method, battery))
        if dynamiqs:
            calls["dynamiqs"] = partial(dynamiqs.solve, battery)
        found = in_turn(calls, 11 if n < 5 else 3)
        truth = qb.charge(battery, TIMES, engine="qiskit-dynamics", tolerance=1e-12).states
        errors = []
        for name, (_, states) in found.items():
            ours = not name.startswith(("adams", "tsit5"))
            arrays = states if ours else np.array([qb.from_qutip(state) for state in states])
            errors.append(f"{np.abs(arrays - truth).max():.0e}")
        seconds = [f"{found[name][0]:.4f}" for name in found] + [""] * (5 - len(found))
        print(f"| {n} | {' | '.join(seconds)} | {', '.join(errors)} |", flush=True)


def steady_states() -> None:
    """Steady states as dense matrices, ours with ergotropy; largest element of L(rho)."""
    print("\n| N | ours, auto | ours, linear-solve | QuTiP direct | L(rho) |\n" + "|---" * 5 + "|")
    for n in range(2, 7):
        battery = qb.Battery.identical(n, BATH, NOISE)
        hamiltonian, jumps = battery.to_qutip()
        calls = {
            engine: timed(lambda e=engine, b=battery: qb.steady_state(b, engine=e).state)
            for engine in ("auto", "linear-solve")
        }
        calls["QuTiP"] = timed(partial(qutip.steadystate, hamiltonian, jumps, method="direct"))
        found = in_turn(calls, 11 if n < 5 else 3)
        states = [found["auto"][1], found["linear-solve"][1], qb.from_qutip(found["QuTiP"][1])]
        rest = battery.liouvillian()
        errors = ", ".join(f"{np.abs(rest @ rho.ravel(order='F')).max():.0e}" for rho in states)
        seconds = " | ".join(f"{spent:.4f}" for spent, _ in found.values())
        print(f"| {n} | {seconds} | {errors} |", flush=True)


def bath_alone() -> None:
    """Without local noise the start decides; what a linear solve makes of that."""
    print("\n| N | start | W, exact | ours | QuTiP steadystate |\n" + "|---" * 5 + "|")
    for n, start in ((2, "00"), (2, "01"), (3, "000")):
        battery = qb.Battery.identical(n, BATH)
        late = qb.charge(battery, [200.0], start, engine="propagator").ergotropy[0]
        ours = qb.steady_state(battery, start).ergotropy
        try:
            state = qb.from_qutip(qutip.steadystate(*battery.to_qutip()))
            theirs = f"{qb.ergotropy(state):.4f}"
        except qb.InputError as error:
            theirs = str(error)
        print(f"| {n} | {start} | {late:.4f} | {ours:.4f} | {theirs} |", flush=True)


def piqs() -> None:
    """The same curve for many identical cells, in populations p(j, m)."""
    print("\n| N | ours, with W | PIQS pisolve | errors |\n" + "|---" * 4 + "|")
    for n in (4, 10, 20, 30):
        battery = qb.Battery.identical(n, BATH, NOISE)
        model = Dicke(
            n,
            emission=NOISE.emission,
            pumping=NOISE.absorption,
            collective_emission=BATH.emission,
            collective_pumping=BATH.absorption,
        )
        ground = dicke(n, n / 2, -n / 2)
        calls = {
            "ours": timed(partial(qb.charge, battery, TIMES)),
            "PIQS": timed(partial(model.pisolve, ground, TIMES)),
        }
        found = in_turn(calls, 5)
        own, late = qb.SymmetricModel.from_battery(battery), [1, 10, 200]
        truth = [expm_multiply(own.generator() * TIMES[i], own.start()) for i in late]
        states = states_jm(n)
        order = np.argsort(np.lexsort((-states.level, states.deficit)))  # PIQS: j and m falling
        theirs = np.array([found["PIQS"][1].states[i].diag().real for i in late])[:, order]
        errors = [
            f"{np.abs(p - truth).sum(axis=1).max():.0e}"
            for p in (found["ours"][1].populations[late], theirs)
        ]
        seconds = " | ".join(f"{spent:.4f}" for spent, _ in found.values())
        print(f"| {n} | {seconds} | {', '.join(errors)} |", flush=True)


def tomography() -> None:
    """The charged state of N cells: 4000 shots a setting, readout errors of 2 and 3 %."""
    print(
        "\n| N | ours | qiskit-experiments | ours with interval | largest difference "
        "| trace distance to the truth | W | plug-in | interval |\n" + "|---" * 9 + "|"
    )
    for n in (2, 3, 4):
        state = qb.steady_state(qb.Battery.identical(n, BATH)).state
        readout = qb.ReadoutModel.from_error_rates([0.02] * n, [0.03] * n)
        counts = qb.sample_counts(state, readout, shots=4000, seed=7)
        sample = partial(lambda c, r: reconstruct(Sample(c.table, r).outcomes), counts, readout)
        calls = {
            "ours": timed(sample),
            "theirs": timed(their_reconstruction(counts)),
            "interval": timed(partial(qb.estimate_ergotropy, counts)),
        }
        found = in_turn(calls, 11)
        raw, theirs, estimate = (found[name][1] for name in calls)
        theirs = theirs[0]  # and what it says of its fit
        distance = 0.5 * np.abs(np.linalg.eigvalsh(theirs - state)).sum()
        print(
            f"| {n} | {' | '.join(f'{spent:.5f}' for spent, _ in found.values())} "
            f"| {np.abs(raw - theirs).max():.0e} | {distance:.3f} "
            f"| {qb.ergotropy(state):.4f} | {estimate.plug_in:.4f} "
            f"| {estimate.low:.4f} to {estimate.high:.4f} |",
            flush=True,
        )


def main() -> None:
    """Print all tables."""
    print(f"QuTiP {qutip.__version__}; CPU seconds, medians; {len(TIMES)} times; {TOLERANCE:g}\n")
    curves(Dynamiqs(sys.argv[1]) if len(sys.argv) > 1 else None)
    steady_states()
    bath_alone()
    piqs()
    tomography()


if __name__ == "__main__":
    main()
