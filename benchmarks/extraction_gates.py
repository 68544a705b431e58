"""Two-qubit gates of `extraction_circuit` and of Qiskit's `UnitaryGate` for the same states.

    python benchmarks/extraction_gates.py

Prints the table of docs/extraction.md. States: the Dicke ladder that a collective bath of
occupation n = 1 leaves, and random states of full rank. `UnitaryGate` is the eigenvector unitary,
transpiled at optimization level 3, the best of several transpiler seeds. The run fails where a
ladder of three or four cells saves less than 30 %.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import UnitaryGate
from qiskit.transpiler import CouplingMap

from qbat_circuits import extraction_circuit, extraction_performance, extraction_task
from qbat_circuits.cells import ComplexArray, excitations

BASIS = ("cx", "rz", "sx", "x")
LEAST_SAVED = 0.30
#: Depolarising parameter of each two-qubit gate in the table.
ERROR = 0.005


def ladder(n_cells: int, r: float = 0.5) -> ComplexArray:
    """sum_k r^k |D_k><D_k| / sum_k r^k."""
    excited = excitations(n_cells)
    steps = np.arange(n_cells + 1)
    dicke = (excited[:, None] == steps) / np.sqrt(np.bincount(excited))
    rho = (dicke * r**steps) @ dicke.T
    return np.asarray(rho / np.trace(rho), dtype=np.complex128)


def random_state(n_cells: int) -> ComplexArray:
    """A state of full rank, the same in every run."""
    rng = np.random.default_rng(n_cells)
    root = rng.normal(size=(2, 2**n_cells, 2**n_cells)).T @ np.array([1, 1j])
    rho = root @ root.conj().T
    return np.asarray(rho / np.trace(rho), dtype=np.complex128)


def from_qiskit(state: ComplexArray, edges: list[tuple[int, int]] | None) -> QuantumCircuit:
    """The transpiled `UnitaryGate` with the fewest two-qubit gates."""
    task = extraction_task(state)
    plain = QuantumCircuit(task.n_cells)
    plain.append(UnitaryGate(task.unitary()), range(task.n_cells))
    coupling = None if edges is None else CouplingMap([*edges, *((b, a) for a, b in edges)])
    found = (
        transpile(
            plain,
            basis_gates=BASIS,
            coupling_map=coupling,
            initial_layout=range(task.n_cells),  # qubit i stays cell i
            optimization_level=3,
            seed_transpiler=seed,
        )
        for seed in range(5)
    )
    best = min(found, key=lambda circuit: circuit.num_nonlocal_gates())
    return QuantumCircuit(task.n_cells).compose(best, range(task.n_cells))


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    names = "state, pairs, W, gates, UnitaryGate, ratio, net work, its, break-even, its, seconds"
    print("| " + " | ".join(names.split(", ")) + " |\n" + "|---" * 11 + "|")
    extraction_circuit(random_state(1), basis_gates=BASIS)  # Qiskit's start is not timed
    failed = False
    for make, name in ((ladder, "ladder"), (random_state, "random")):
        for n in (2, 3, 4):
            for edges in [None] if n == 2 else [None, [(i, i + 1) for i in range(n - 1)]]:
                state = make(n)
                started = time.perf_counter()
                ours = extraction_circuit(state, basis_gates=BASIS, coupling_map=edges)
                spent = time.perf_counter() - started
                a, b = (
                    extraction_performance(circuit, state, ERROR)
                    for circuit in (ours, from_qiskit(state, edges))
                )
                ratio = a.two_qubit_gates / b.two_qubit_gates
                failed |= make is ladder and n > 2 and ratio > 1 - LEAST_SAVED
                print(
                    f"| {name}, N = {n} | {'all' if edges is None else 'line'} "
                    f"| {a.ergotropy:.4f} | {a.two_qubit_gates} | {b.two_qubit_gates} "
                    f"| {ratio:.2f} | {a.net_work:.4f} | {b.net_work:.4f} "
                    f"| {_percent(a.break_even_error)} | {_percent(b.break_even_error)} "
                    f"| {spent:.1f} |",
                    flush=True,
                )
    return int(failed)


def _percent(error: float | None) -> str:
    return "none" if error is None else f"{100 * error:.2f} %"


if __name__ == "__main__":
    raise SystemExit(main())
