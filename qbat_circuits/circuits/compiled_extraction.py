"""The extraction circuit behind a collision circuit, in the chip's gates and with its noise.

The cells sit around the ancilla and need not be neighbours of each other, so the transpiler may
carry them over the ancilla, whose state then is whatever the last collision left. What counts is
<H_B> before minus <H_B> after; energy that controls spend or take up is not counted.
Source: docs/schedule.md; docs/extraction.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import partial_trace
from scipy.optimize import brentq

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.circuits.chip_target import chip_target
from qbat_circuits.circuits.compiled_collision import CompiledCollision
from qbat_circuits.circuits.extraction import extraction_circuit
from qbat_circuits.circuits.extraction_noise import net_work
from qbat_circuits.circuits.noisy_program import NoisyProgram, density_matrix
from qbat_circuits.dynamics.steady import steady_state
from qbat_circuits.errors import check_integer
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.thermodynamics import ergotropy

#: Ways of the transpiler that are tried for each circuit.
_SEEDS: Final = range(4)
#: Most cells for whose noisy state a circuit is fitted.
_FITTED_CELLS: Final = 3
#: Largest gate error that is looked at for the break-even.
_WORST: Final = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class CompiledExtraction:
    """An extraction on a chip; energies in units of hbar*omega.

    Args:
        circuit: in the chip's gates, scheduled; cells enter on qubits 0..N-1, the ancilla on N.
        places: qubit of the circuit on which each cell ends.
        two_qubit_gates: their number.
        duration_s: how long it takes.
        ergotropy: of the noisy charged cells, the most that any circuit could take out.
        ideal_work: <H_B> before - after with perfect gates.
        net_work: the same on the noisy chip; negative if the circuit puts energy in.
        idle_loss: what the cells would lose in the same time without any circuit. Relaxation lowers
            <H_B> too, so net work that is no more than this is no sign of work.
        break_even_error: mean error of its two-qubit gates at which the net work is no more than
            the idle loss, the errors of all gates growing in proportion; None without such gates.
    """

    circuit: QuantumCircuit
    places: tuple[int, ...]
    two_qubit_gates: int
    duration_s: float
    ergotropy: float
    ideal_work: float
    net_work: float
    idle_loss: float
    break_even_error: float | None = None

    @property
    def gain(self) -> float:
        """Net work beyond what idle cells would lose."""
        return self.net_work - self.idle_loss


def compile_extraction(compiled: CompiledCollision, collisions: int) -> CompiledExtraction:
    """The extraction that takes out the most beyond the idle loss, behind k collisions.

    Circuits of all cells and of some of them are tried, each as the transpiler routes it in several
    ways: those of the noiseless limit, the Dicke ladder, which have few gates, and for pairs and up
    to three cells those of the noisy state. Gates cost more than they bring where many are needed,
    so the best circuit often takes the work of two cells only, and where none gains anything it has
    no gates.

    Args:
        compiled: one collision.
        collisions: k.

    Raises:
        InputError: if an argument is out of its range or a figure of the chip is missing.
    """
    k = check_integer("collisions", collisions, at_least=1)
    *_, charged = compiled.tensors(k)
    target = chip_target(compiled.noise, compiled.placement.qubits)
    found = [
        _measured(compiled, charged, target, circuit, seed)
        for circuit in _circuits(compiled, charged)
        for seed in _SEEDS
    ]
    best = max(found, key=lambda one: one.gain)
    return replace(best, break_even_error=_break_even(compiled, charged, best))


def _circuits(compiled: CompiledCollision, charged: FloatArray) -> Iterator[QuantumCircuit]:
    """Circuits for some or all of the cells; the others are left alone."""
    n, state = compiled.n_cells, density_matrix(charged[0])
    yield QuantumCircuit(n)
    for size in range(2, n + 1):
        ladder = extraction_circuit(_ladder(size, compiled.occupation))
        for cells in combinations(range(n), size):
            yield QuantumCircuit(n).compose(ladder, cells)
            if size == 2 or size == n <= _FITTED_CELLS:
                part = partial_trace(state, [c for c in range(n) if c not in cells]).data
                yield QuantumCircuit(n).compose(extraction_circuit(part), cells)


def _ladder(n_cells: int, occupation: float) -> ComplexArray:
    """The state that ideal collisions approach: charged by the common bath from the ground."""
    return steady_state(Battery.identical(n_cells, CollectiveBath(1.0, occupation))).state


def _measured(
    compiled: CompiledCollision,
    charged: FloatArray,
    target: Any,
    circuit: QuantumCircuit,
    seed: int,
) -> CompiledExtraction:
    n = compiled.n_cells
    whole = QuantumCircuit(n + 1, name="extraction")
    whole.compose(circuit, range(n), inplace=True)
    made = transpile(
        whole,
        target=target,
        initial_layout=list(range(n + 1)),
        optimization_level=3,
        scheduling_method="alap",
        seed_transpiler=seed,
    )
    places = tuple(made.layout.final_index_layout()[:n]) if made.layout else tuple(range(n))
    program = NoisyProgram.of(made, compiled.noise, compiled.placement.qubits)
    seconds = made.estimate_duration(target, unit="s")
    before = _energy(charged, range(n))
    state = density_matrix(charged[0])
    return CompiledExtraction(
        circuit=made,
        places=places,
        two_qubit_gates=made.num_nonlocal_gates(),
        duration_s=seconds,
        ergotropy=ergotropy(state),
        ideal_work=net_work(circuit, state),
        net_work=before - _energy(program.apply(charged), places),
        idle_loss=before - _energy(_waited(compiled, charged, seconds), range(n)),
    )


def _break_even(
    compiled: CompiledCollision, charged: FloatArray, best: CompiledExtraction
) -> float | None:
    """The mean error of the two-qubit gates at which nothing is gained."""
    noise, qubits = compiled.noise, compiled.placement.qubits
    used = [
        noise.calibration.gate(one.operation.name, [qubits[q] for q in _indices(best, one)])
        for one in best.circuit.data
        if len(one.qubits) == 2 and one.operation.name != "barrier"
    ]
    errors = [gate.error for gate in used if gate is not None and gate.error is not None]
    if not any(errors) or best.gain <= 0:
        return None
    before = _energy(charged, range(compiled.n_cells))

    def gain(factor: float) -> float:
        program = NoisyProgram.of(best.circuit, _worse(noise, factor), qubits)
        return before - _energy(program.apply(charged), best.places) - best.idle_loss

    mean = float(np.mean(errors))
    worst = _WORST / max(errors)
    if worst <= 1 or gain(worst) > 0:
        return None
    return mean * float(brentq(gain, 1.0, worst, xtol=1e-6))


def _worse(noise: ChipNoise, factor: float) -> ChipNoise:
    """The chip with all gate errors multiplied."""
    gates = tuple(
        replace(gate, error=min(factor * gate.error, _WORST))
        if gate.usable and gate.error is not None
        else gate
        for gate in noise.calibration.gates
    )
    return replace(noise, calibration=replace(noise.calibration, gates=gates))


def _indices(best: CompiledExtraction, instruction: Any) -> list[int]:
    return [best.circuit.find_bit(qubit).index for qubit in instruction.qubits]


def _waited(compiled: CompiledCollision, tensor: FloatArray, seconds: float) -> FloatArray:
    """The cells and the ancilla after so long without any gate."""
    noise, qubits = compiled.noise, compiled.placement.qubits
    waits = ((noise.waiting(qubit, seconds), (k,)) for k, qubit in enumerate(qubits))
    return NoisyProgram(tensor.ndim, tuple(waits)).apply(tensor)


def _energy(tensor: FloatArray, places: Sequence[int]) -> float:
    """Excitations on these qubits, sum (1 - <Z>)/2."""
    n = tensor.ndim
    z = [tensor[tuple(3 if axis == n - 1 - q else 0 for axis in range(n))] for q in places]
    return float(sum(1 - value for value in z)) / 2
