"""A chip as a simulator: Qiskit Aer with the noise of a calibration.

`NoiseModel.from_backend` is not used: it silently drops the excited population where a frequency is
missing, takes a gate's error of 1 for a measured one and knows no reset that misreads. Errors,
waiting and resets are those of `gate_noise`.
Source: docs/chip-noise.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Delay, Instruction, Measure
from qiskit.circuit.library import IGate, XGate
from qiskit.quantum_info import PTM, Kraus, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, QuantumError, ReadoutError
from qiskit_aer.noise.passes import LocalNoisePass
from qiskit_aer.primitives import SamplerV2

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.circuits.chip_target import DT_S, chip_target, written_gates
from qbat_circuits.circuits.compiled_collision import CompiledCollision
from qbat_circuits.circuits.tomography import measurement_circuit, pauli_settings
from qbat_circuits.errors import check_integer
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.sampling.counts import MAX_EMULATED_SHOTS, Counts
from qbat_circuits.sampling.multinomial import settings_and_shots

#: Up to so many qubits as density matrices, then state vectors, then matrix-product states, both
#: as trajectories of single shots.
DENSITY_MATRIX_QUBITS: Final = 12
STATEVECTOR_QUBITS: Final = 24


def chip_emulator(
    noise: ChipNoise, qubits: Sequence[int] | None = None, seed: int | None = None
) -> AerSimulator:
    """A Qiskit backend that behaves as the calibration says.

    Transpile for it with ``scheduling_method="alap"``: only delays that a circuit holds cost
    anything. Delays are in its unit `dt`.

    Args:
        noise: the chip.
        qubits: only these qubits of it, which become 0, 1, ...; all of them by default.
        seed: seed of the simulator.

    Raises:
        InputError: if a qubit does not exist or a figure is missing.
    """
    target = chip_target(noise, qubits)
    chosen = tuple(range(target.num_qubits) if qubits is None else qubits)
    options: dict[str, Any] = {} if seed is None else {"seed_simulator": seed}
    return AerSimulator(
        target=target,
        noise_model=noise_model(noise, chosen),
        method=_method(len(chosen)),
        **options,
    )


def noise_model(noise: ChipNoise, qubits: Sequence[int]) -> NoiseModel:
    """The Aer noise model of these qubits, numbered 0, 1, ...

    Raises:
        InputError: if a figure is missing.
    """
    place = {qubit: k for k, qubit in enumerate(qubits)}
    gates = list(written_gates(noise.calibration))
    # Aer forgets a gate without noise that is not named here.
    model = NoiseModel(basis_gates=sorted({gate.name for gate in gates}))
    for gate in gates:
        if set(gate.qubits) <= set(place) and gate.name != "rz":
            error = _error(noise.after_gate(gate.name, gate.qubits))
            model.add_quantum_error(error, gate.name, [place[q] for q in gate.qubits])
    for qubit, k in place.items():
        model.add_quantum_error(_flipped(noise.error_of_reset(qubit)), "reset", [k])
        figures = noise.calibration.qubits[qubit]
        a, b = figures.prob_meas1_prep0, figures.prob_meas0_prep1
        if a is not None and b is not None:
            model.add_readout_error(ReadoutError([[1 - a, a], [b, 1 - b]]), [k])
    # What a device's own model does too; Aer has no public way to add a pass.
    waiting = LocalNoisePass(_Waiting(noise, tuple(qubits)), op_types=[Delay, Measure])
    model._custom_noise_passes.append(waiting)
    return model


class _Waiting:
    """What follows a delay or a measurement: relaxation for as long as it takes."""

    def __init__(self, noise: ChipNoise, qubits: tuple[int, ...]) -> None:
        self._noise, self._qubits = noise, qubits
        self._known: dict[tuple[int, float], Instruction] = {}

    def __call__(self, operation: Instruction, qubits: Sequence[int]) -> Instruction:
        qubit = self._qubits[qubits[0]]
        if operation.name == "delay":
            seconds = float(operation.duration) * DT_S
        else:
            seconds = self._noise.duration_s("measure", (qubit,))
        key = (qubit, seconds)
        if key not in self._known:
            self._known[key] = _error(self._noise.waiting(*key)).to_instruction()
        return self._known[key]


def emulate_collisions(
    compiled: CompiledCollision,
    collisions: int,
    shots: int,
    seed: int,
    settings: Sequence[str] | None = None,
) -> Counts:
    """Counts of Pauli settings behind k collisions, as the noisy chip would give them.

    The circuits are the ones that run on the chip, scheduled. Dropped measurements and random flips
    are taken as the channels that they are on average: shots are independent, which on a chip needs
    a new draw of the flips for every shot.

    Args:
        compiled: one collision.
        collisions: k.
        shots: shots of each setting.
        seed: seed of the emulation, kept in the counts.
        settings: Pauli labels, leftmost letter for cell N-1; all 3^N by default.

    Raises:
        InputError: if an argument does not fit, or a figure of the chip is missing.
    """
    n = compiled.n_cells
    seed = check_integer("seed", seed, at_least=0)
    wanted = pauli_settings(n) if settings is None else settings
    labels, _ = settings_and_shots(wanted, shots, n, MAX_EMULATED_SHOTS)
    charge = charging_circuit(compiled, collisions)
    target = chip_target(compiled.noise, compiled.placement.qubits)
    circuits = [_measured(charge, label, target) for label in labels]
    options = {
        "method": "density_matrix",
        "noise_model": noise_model(compiled.noise, compiled.placement.qubits),
    }
    hashed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    sampler = SamplerV2(options={"backend_options": options}, seed=hashed)
    table = np.zeros((len(labels), 2**n), dtype=np.int64)
    for row, result in enumerate(sampler.run(circuits, shots=shots).result()):
        for outcome, count in result.data.meas.get_int_counts().items():
            table[row, outcome] = count
    return Counts(n, labels, table, "emulated", seed, readout=compiled.readout())


def emulated_state(compiled: CompiledCollision, collisions: int) -> ComplexArray:
    """The noisy state of the cells after k collisions, by Aer, shape (2^N, 2^N).

    It is what `CompiledCollision.states` computes, by another engine.
    """
    circuit = charging_circuit(compiled, collisions)
    circuit.save_density_matrix(list(range(compiled.n_cells)))
    emulator = chip_emulator(compiled.noise, compiled.placement.qubits)
    data = emulator.run(circuit, method="density_matrix").result().data()
    return np.asarray(data["density_matrix"], dtype=np.complex128)


def charging_circuit(compiled: CompiledCollision, collisions: int) -> QuantumCircuit:
    """k collisions for Aer, scheduled: thermal ancillas as channels, all else as on the chip."""
    k = check_integer("collisions", collisions, at_least=1)
    n = compiled.n_cells
    circuit = QuantumCircuit(n + 1, name="collisions")
    for place, qubit in enumerate(compiled.placement.qubits):
        circuit.append(_flipped(compiled.noise.population(qubit)).to_instruction(), [place])
    thermal = [(_error(matrix).to_instruction(), q) for matrix, q in compiled.preparation.steps]
    for number in range(k):
        if number:
            circuit.compose(compiled.refresh, range(n + 1), inplace=True)
        for channel, qubits in thermal:
            circuit.append(channel, qubits)
        circuit.compose(_without_clbits(compiled.sweep), range(n + 1), inplace=True)
    return circuit


def _measured(charge: QuantumCircuit, label: str, target: Any) -> QuantumCircuit:
    """Rotation and measurement of the cells behind the charged state, in the chip's gates."""
    tail = QuantumCircuit(charge.num_qubits)
    rotation = measurement_circuit(label)
    tail.add_register(*rotation.cregs)
    tail.compose(rotation, range(len(label)), range(len(label)), inplace=True)
    scheduled = transpile(
        tail,
        target=target,
        initial_layout=list(range(tail.num_qubits)),
        optimization_level=1,
        scheduling_method="alap",
    )
    return scheduled.compose(charge, range(charge.num_qubits), front=True)


def _without_clbits(circuit: QuantumCircuit) -> QuantumCircuit:
    plain = QuantumCircuit(circuit.num_qubits, global_phase=circuit.global_phase)
    for instruction in circuit.data:
        plain.append(instruction.operation, [circuit.find_bit(q).index for q in instruction.qubits])
    return plain


def _error(matrix: FloatArray) -> QuantumError:
    """A transfer matrix as Aer takes it."""
    return QuantumError(Kraus(SuperOp(PTM(matrix))))


def _flipped(probability: float) -> QuantumError:
    """A bit flip with this probability."""
    return QuantumError([([(IGate(), [0])], 1 - probability), ([(XGate(), [0])], probability)])


def _method(n_qubits: int) -> str:
    if n_qubits <= DENSITY_MATRIX_QUBITS:
        return "density_matrix"
    return "statevector" if n_qubits <= STATEVECTOR_QUBITS else "matrix_product_state"
