"""Circuits that extract the ergotropy with few two-qubit gates.

Everything that `extraction_task` leaves free is used: a circuit of n CZ gates has 2N + 4n angles,
and only the forbidden amplitudes have to vanish. So about (c - 2N)/4 gates suffice for c
constraints, and fewer for states with symmetries; Dicke ladders have their own sequences of pairs,
found by a search. See docs/extraction.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, cycle, islice, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import UnitaryGate
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator
from qiskit.transpiler import CouplingMap
from scipy.special import comb

from qbat_circuits.cells import ComplexArray, excitations
from qbat_circuits.circuits.gate_fit import Pair, fit_angles, fitted_circuit
from qbat_circuits.errors import AccuracyError, InputError, broken_rule, check_integer
from qbat_circuits.extraction_unitary import EIGENVALUE_TOLERANCE, ExtractionTask, extraction_task

#: Beyond, circuits have thousands of gates.
MAX_EXTRACTION_CELLS = 6
#: Beyond, a fit takes too long and the circuit is Qiskit's.
MAX_FITTED_CELLS = 4
#: Share of the highest level that a circuit may lose of the ergotropy.
WORK_TOLERANCE = 1e-9
#: Starts for each sequence of pairs that is expected to serve, and for the shorter ones.
STARTS, STARTS_BELOW = 24, 2

#: Pairs of the CZ gates for states on the Dicke ladder, the shortest sequence first, and a seed
#: whose first start serves.
_LADDERS: dict[int, tuple[tuple[str, int], ...]] = {
    3: (("01 02 01 12 02 12", 68), ("01 12 01 12 12 01 12", 67)),
    4: (
        ("23 13 02 12 03 12 03 01 23 03 13 01 23", 16),
        ("23 01 01 12 12 23 23 12 01 12 23 01 23 12 12", 27),
        ("01 02 03 01 02 03 02 01 02 01 02 01 01 03 02", 152),
    ),
}
#: Order in which a sequence without a better one goes through the pairs.
_ROUND: tuple[Pair, ...] = ((0, 1), (2, 3), (1, 2), (0, 3), (0, 2), (1, 3))


def extraction_circuit(
    state: Any,
    energies: Sequence[float] | None = None,
    basis_gates: Sequence[str] | None = None,
    coupling_map: CouplingMap | Sequence[Pair] | None = None,
    tolerance: float = EIGENVALUE_TOLERANCE,
    seed: int = 7,
) -> QuantumCircuit:
    """A circuit on the N cells that takes the whole ergotropy out of a state.

    It has no more two-qubit gates than Qiskit's synthesis of an optimal unitary, and usually half
    as many or less; for 5 and 6 cells it is that synthesis. A passive state gives a circuit without
    gates.
    The energy that controls spend is not counted.

    Args:
        state: see `as_density_matrix`; N <= 6. Charged states of the Dicke ladder (any occupation,
            pumps included) take 2, 6 and 13 CZ for N = 2, 3, 4.
        energies: cell energies e_i, 1 each by default.
        basis_gates: gates to transpile to, such as ["cz", "rz", "sx", "x"]; by default the circuit
            is left in rz, ry, cz, or u, cz where it is Qiskit's.
        coupling_map: pairs of cells that can interact, in either direction; all by default. The
            circuit stays on them with cell i on qubit i.
        tolerance: eigenvalues that differ by no more count as one; see `extraction_task`.
        seed: of the starts of the fit; the same seed gives the same circuit.

    Returns:
        A unitary circuit of N qubits without measurements, named "extraction".

    Raises:
        InputError: if the state has too many cells or an argument does not fit.
        AccuracyError: if the circuit loses work, which would be a fault of the synthesis.

    Source: docs/physics.md, section 6; docs/extraction.md.
    """
    task = extraction_task(state, energies, tolerance)
    n = task.n_cells
    if n > MAX_EXTRACTION_CELLS:
        raise InputError(
            f"'state' must be of at most {MAX_EXTRACTION_CELLS} cells for an extraction circuit, "
            f"not of {n}."
        )
    edges = _edges(n, coupling_map)
    first = check_integer("seed", seed, at_least=0)
    loss = WORK_TOLERANCE * float(task.levels.max()) + tolerance * float(task.levels.sum())
    gates = _basis(basis_gates)
    if task.ergotropy <= loss:
        circuit = QuantumCircuit(n)
    else:
        circuit = _shorter(
            _fitted(task, gates, edges, first, loss), _from_qiskit(task, gates, edges, first)
        )
    left = _left(task, circuit)
    if not left <= loss:
        raise AccuracyError(f"The extraction circuit leaves {left:.3g} of the work in the cells.")
    circuit.name = "extraction"
    return circuit


def _left(task: ExtractionTask, circuit: QuantumCircuit) -> float:
    """Work that a circuit leaves in the cells."""
    return task.ergotropy - task.work(np.asarray(Operator(circuit).data))


def _shorter(fitted: QuantumCircuit | None, plain: QuantumCircuit | None) -> QuantumCircuit:
    """The circuit with fewer two-qubit gates, of those that there are."""
    found = [circuit for circuit in (fitted, plain) if circuit is not None]
    if not found:
        raise InputError(
            f"'coupling_map' must be left out for more than {MAX_FITTED_CELLS} cells of different "
            "energies: routing would exchange them."
        )
    return min(found, key=lambda circuit: circuit.num_nonlocal_gates())


def _basis(basis_gates: Any) -> list[str] | None:
    """Names of gates; None where there is no choice."""
    if basis_gates is None:
        return None
    names = isinstance(basis_gates, Sequence) and not isinstance(basis_gates, str)
    if not names or not basis_gates or not all(isinstance(name, str) for name in basis_gates):
        raise broken_rule("basis_gates", "a list of names of gates", basis_gates)
    return list(basis_gates)


def _edges(n_cells: int, coupling_map: CouplingMap | Sequence[Pair] | None) -> list[Pair]:
    """Pairs (a, b), a < b, of a graph that connects all cells, in the order of `_ROUND`."""
    if coupling_map is None:
        found = set(combinations(range(n_cells), 2))
    else:
        edges: Any = getattr(coupling_map, "get_edges", None)
        given: Any = coupling_map if edges is None else list(edges())
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise broken_rule("coupling_map", "a list of pairs of cells", given)
        found = {_pair(n_cells, pair) for pair in given}
        reach = np.eye(n_cells, dtype=bool)
        for a, b in found:
            reach[a, b] = reach[b, a] = True
        if not np.linalg.matrix_power(reach, n_cells).all():
            raise InputError(f"'coupling_map' must connect all {n_cells} cells.")
    return sorted(found, key=lambda e: (_ROUND.index(e) if e in _ROUND else len(_ROUND), e))


def _pair(n_cells: int, given: Any) -> Pair:
    """Two different cells, the smaller one first."""
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
        raise broken_rule("coupling_map", "a list of pairs of cells", given)
    a, b = (check_integer("coupling_map", c, at_least=0, at_most=n_cells - 1) for c in given)
    if a == b:
        raise broken_rule("coupling_map", "a list of pairs of different cells", given)
    return min(a, b), max(a, b)


def _fitted(
    task: ExtractionTask, gates: list[str] | None, edges: Sequence[Pair], seed: int, loss: float
) -> QuantumCircuit | None:
    """The first and shortest circuit that is found, in these gates; None where nothing is."""
    if task.n_cells > MAX_FITTED_CELLS:
        return None
    circuits = _candidates(task, edges, seed, loss)
    circuit = next(circuits, None)
    if circuit is None or gates is None:
        return circuit
    return _transpiled(circuit, seed, basis_gates=gates, optimization_level=1)  # on the edges


def _candidates(
    task: ExtractionTask, edges: Sequence[Pair], seed: int, loss: float
) -> Iterator[QuantumCircuit]:
    """Circuits that leave no more than a loss, those of fewer CZ first."""
    n = task.n_cells
    enough = max(0, -(-(task.n_constraints - 2 * n) // 4))
    for circuit in _ladder_circuits(n, edges):
        if circuit.count_ops()["cz"] < enough and _left(task, circuit) <= loss:
            yield circuit
    vectors, forbidden = _needed(task)
    below = [count for count in (*range(9), 12, 16, 24, 32) if count < enough]
    for count in (*below, *range(enough, enough + 5)):
        pairs = list(islice(cycle(edges), count))
        starts = STARTS_BELOW if count < enough else STARTS
        angles = fit_angles(pairs, vectors, forbidden, starts, seed)
        if angles is not None:
            yield fitted_circuit(n, pairs, angles)


def _needed(task: ExtractionTask) -> tuple[ComplexArray, NDArray[np.bool_]]:
    """Eigenvectors that have to be placed, as columns, and where they must not go.

    An eigenspace that fills its levels alone is left out once: it is all that is orthogonal to the
    others, which then fill all other levels.
    """
    shared = task.shared_ranks
    alone = np.all((shared == 0) | (shared == shared.sum(axis=1, keepdims=True)), axis=0)
    sizes = np.where(alone, shared.sum(axis=0), 0)
    keep = np.any(task.forbidden, axis=0)
    if sizes.any():
        largest = len(sizes) - 1 - int(np.argmax(sizes[::-1]))
        keep &= task.eigenspace != largest
    return task.vectors[:, keep], task.forbidden[:, keep]


def _ladder_circuits(n_cells: int, edges: Sequence[Pair]) -> Iterator[QuantumCircuit]:
    """Those of `_LADDERS` that the edges hold: as they are, and behind X on every cell (a pump).

    The states on the ladder do not change when cells are exchanged: any order of the cells serves.
    """
    flip = QuantumCircuit(n_cells)
    flip.x(range(n_cells))
    for text, seed in _LADDERS.get(n_cells, ()):
        pairs = tuple((int(pair[0]), int(pair[1])) for pair in text.split())
        cells = _placed(pairs, n_cells, edges)
        ladder = None if cells is None else _ladder_circuit(n_cells, pairs, seed)
        if ladder is not None:
            yield QuantumCircuit(n_cells).compose(ladder, cells)
            yield flip.compose(ladder, cells)


def _placed(pairs: Sequence[Pair], n_cells: int, edges: Sequence[Pair]) -> tuple[int, ...] | None:
    """An order of the cells with which pairs of places lie on edges; None where there is none."""
    orders = permutations(range(n_cells))
    return next(
        (c for c in orders if {_pair(n_cells, (c[a], c[b])) for a, b in pairs} <= set(edges)), None
    )


@lru_cache(maxsize=16)
def _ladder_circuit(n_cells: int, pairs: tuple[Pair, ...], seed: int) -> QuantumCircuit | None:
    """Takes |D_0> to |0...0> and |D_1>, ..., |D_N> into the first excited level."""
    excited = excitations(n_cells)
    steps = np.arange(n_cells + 1)
    dicke = (excited[:, None] == steps) / np.sqrt(comb(n_cells, steps))
    reference = (dicke * 0.5 ** (steps + 1)) @ dicke.T
    task = extraction_task(reference / np.trace(reference))
    angles = fit_angles(pairs, *_needed(task), STARTS, seed)
    return None if angles is None else fitted_circuit(n_cells, pairs, angles)


def _from_qiskit(
    task: ExtractionTask, gates: list[str] | None, edges: Sequence[Pair], seed: int
) -> QuantumCircuit | None:
    """Qiskit's synthesis of one optimal unitary, on the edges.

    None where routing exchanges cells, unless all have one energy and nothing changes by it.
    """
    n = task.n_cells
    plain = QuantumCircuit(n)
    plain.append(UnitaryGate(task.unitary()), range(n))
    coupling = CouplingMap()
    for cell in range(n):
        coupling.add_physical_qubit(cell)
    for a, b in edges:
        coupling.add_edge(a, b)
        coupling.add_edge(b, a)
    routed = _transpiled(
        plain,
        seed,
        basis_gates=gates or ["u", "cz"],
        coupling_map=coupling,
        initial_layout=range(n),
        optimization_level=3,
    )
    moved = list(routed.layout.final_index_layout()) != list(range(n))
    different = np.ptp(task.levels[2 ** np.arange(n)]) > 0
    return None if moved and different else QuantumCircuit(n).compose(routed, range(n))


def _transpiled(circuit: QuantumCircuit, seed: int, **options: Any) -> QuantumCircuit:
    try:
        return transpile(circuit, seed_transpiler=seed, **options)
    except QiskitError as error:
        reason = " ".join(str(error.message).split()).rstrip(".")
        raise InputError(
            f"The extraction circuit cannot be written in these 'basis_gates': {reason}."
        ) from None
