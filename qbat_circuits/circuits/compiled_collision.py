"""One collision in a chip's own gates, and what k of them leave in the cells of the noisy chip.

Cells are the qubits 0..N-1 and the ancilla is qubit N, whatever qubits of the chip they sit on. A
collision is compiled once and repeated, so the prediction and the circuit are the same operations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import SwapGate, UnitaryGate, XXPlusYYGate
from qiskit.quantum_info import Operator
from qiskit.transpiler.exceptions import TranspilerError

from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.circuits.chip_target import chip_target
from qbat_circuits.circuits.collision import RandomizedCircuit
from qbat_circuits.circuits.noisy_program import (
    NoisyProgram,
    density_matrix,
    mixed,
    pauli_tensor,
)
from qbat_circuits.collision_model import check_theta, thermal_population
from qbat_circuits.errors import InputError, check_choice, check_integer
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.placement import Placement
from qbat_circuits.readout_model import ReadoutModel

#: Ways to a thermal ancilla that need no further qubit.
COMPILED_ANCILLAS: Final = ("measured", "random-x")
#: Largest number of cells of a compiled collision: its states are dense.
MAX_COMPILED_CELLS: Final = 6
_FLIP: Final = Parameter("flip")


@dataclass(frozen=True, eq=False)
class CompiledCollision:
    """A collision on a chip.

    Args:
        noise: the chip.
        placement: where ancilla and cells sit.
        occupation: n of the ancilla.
        theta: angle of the partial swaps.
        ancilla: "measured" or "random-x".
        level: optimization level of the transpiler.
        prepare, sweep, refresh: thermal ancilla, partial swaps and reset, scheduled: every qubit is
            busy or delayed for the whole of each; with "random-x" the parameter flip is free.
    """

    noise: ChipNoise
    placement: Placement
    occupation: float
    theta: float
    ancilla: str
    level: int
    prepare: QuantumCircuit
    sweep: QuantumCircuit
    refresh: QuantumCircuit

    @property
    def n_cells(self) -> int:
        """N."""
        return len(self.placement.cells)

    @cached_property
    def two_qubit_gates(self) -> int:
        """Two-qubit gates of one collision."""
        return int(self.sweep.num_nonlocal_gates())

    def duration_s(self, collisions: int) -> float:
        """How long k collisions take; the last ancilla is not reset."""
        prepare, sweep, refresh = self._durations_s
        return collisions * (prepare + sweep) + (collisions - 1) * refresh

    @cached_property
    def _durations_s(self) -> tuple[float, ...]:
        target = chip_target(self.noise, self.placement.qubits)
        parts = (self.prepare, self.sweep, self.refresh)
        return tuple(part.estimate_duration(target, unit="s") for part in parts)

    def states(self, collisions: int) -> Iterator[ComplexArray]:
        """The noisy states of the cells after 1, 2, ..., k collisions, each shape (2^N, 2^N).

        They start in the residual populations of the chip.
        """
        return (density_matrix(tensor[0]) for tensor in self.tensors(collisions))

    def tensors(self, collisions: int) -> Iterator[FloatArray]:
        """The same with the ancilla, as Pauli tensors of shape (4,)*(N+1), ancilla first."""
        charge, refresh = self._programs
        tensor = pauli_tensor(self._start())
        for number in range(check_integer("collisions", collisions, at_least=1)):
            tensor = charge.apply(refresh.apply(tensor) if number else tensor)
            yield tensor

    def circuit(self, collisions: int) -> QuantumCircuit:
        """k collisions in the chip's gates, without delays, which a machine adds by itself.

        Cells are the qubits 0..N-1, the ancilla is qubit N: run it with
        ``initial_layout=placement.qubits``. With "random-x" it has the parameters flip[0], ...,
        flip[k-1]; see `randomized`.
        """
        k = check_integer("collisions", collisions, at_least=1)
        flips = ParameterVector("flip", k) if self.ancilla == "random-x" else ()
        whole = _empty(self.n_cells, self.ancilla)
        for number in range(k):
            thermal = self.prepare
            if flips:
                thermal = thermal.assign_parameters({_FLIP: flips[number]})
            for part in (*((self.refresh,) if number else ()), thermal, self.sweep):
                for one in part.data:
                    if one.operation.name != "delay":
                        qubits = [part.find_bit(qubit).index for qubit in one.qubits]
                        whole.append(one.operation, qubits, [0] * len(one.clbits))
                whole.global_phase += part.global_phase
        return whole

    def randomized(self, collisions: int, randomizations: int, seed: int) -> RandomizedCircuit:
        """`circuit` with draws of its flips, for the ancilla "random-x".

        Args:
            collisions: k.
            randomizations: draws for each circuit that is run, >= 2.
            seed: seed of the draws.

        Raises:
            InputError: if the ancilla is "measured" or an argument is out of its range.
        """
        if self.ancilla != "random-x":
            raise InputError("'ancilla' must be 'random-x' for random flips, not 'measured'.")
        template = self.circuit(collisions)
        populations = np.full(collisions, thermal_population(self.occupation))
        populations.flags.writeable = False
        return RandomizedCircuit(
            template,
            tuple(sorted(template.parameters, key=lambda flip: flip.index)),
            populations,
            check_integer("randomizations", randomizations, at_least=2),
            check_integer("seed", seed, at_least=0),
        )

    def readout(self) -> ReadoutModel:
        """Assignment matrices of the cells, from the calibration.

        Raises:
            InputError: if the calibration has no readout errors of a cell.
        """
        figures = [self.noise.calibration.qubits[q] for q in self.placement.cells]
        errors = [(q.index, q.prob_meas1_prep0, q.prob_meas0_prep1) for q in figures]
        for qubit, *both in errors:
            if None in both:
                raise InputError(
                    f"The calibration {self.noise.calibration.name!r} has no readout errors of "
                    f"qubit {qubit}."
                )
        return ReadoutModel.from_error_rates(
            [a or 0.0 for _, a, _ in errors], [b or 0.0 for _, _, b in errors]
        )

    def _start(self) -> ComplexArray:
        rest: Any = np.eye(1)
        for qubit in self.placement.qubits:
            p = self.noise.population(qubit)
            rest = np.kron(np.diag([1 - p, p]), rest)
        return np.asarray(rest, dtype=np.complex128)

    @cached_property
    def preparation(self) -> NoisyProgram:
        """What a thermal ancilla costs and does, averaged over its flips: one-qubit operations."""
        if self.ancilla != "random-x":
            return self._program(self.prepare)
        p = thermal_population(self.occupation)
        flips = [self._program(self.prepare.assign_parameters({_FLIP: x})) for x in (0.0, math.pi)]
        return mixed(flips, (1 - p, p))

    @cached_property
    def _programs(self) -> tuple[NoisyProgram, NoisyProgram]:
        """Charging with a fresh ancilla, and its reset."""
        return self.preparation.then(self._program(self.sweep)), self._program(self.refresh)

    def _program(self, circuit: QuantumCircuit) -> NoisyProgram:
        return NoisyProgram.of(circuit, self.noise, self.placement.qubits)


def compile_collision(
    noise: ChipNoise,
    placement: Placement,
    occupation: float,
    theta: float,
    ancilla: str = "measured",
    level: int = 1,
    seed: int = 7,
) -> CompiledCollision:
    """One collision with Strang splitting in the gates of a chip.

    Args:
        noise: the chip.
        placement: where ancilla and cells sit.
        occupation: n >= 0 of the ancilla.
        theta: angle of the partial swaps, in (0, pi] and away from `trapping_angles`.
        ancilla: "measured" or "random-x".
        level: optimization level of the transpiler, 1 to 3: the same unitaries, written otherwise.
            Higher is not better: it may take more one-qubit gates, and wait in another frame.
        seed: seed of the transpiler.

    Raises:
        InputError: if an argument is out of its range, the chip lacks a gate, a reset or its
            duration, or the placement does not fit.
    """
    placement.check(noise.calibration)
    n = check_integer("n_cells", len(placement.cells), at_least=1, at_most=MAX_COMPILED_CELLS)
    level = check_integer("level", level, at_least=1, at_most=3)
    kind = check_choice("ancilla", ancilla, COMPILED_ANCILLAS)
    angle = check_theta(n, theta)
    p = thermal_population(occupation)
    target = chip_target(noise, placement.qubits)
    home = placement.ancilla
    for name in ("reset", *(["measure"] if kind == "measured" else [])):
        noise.duration_s(name, (home,))  # says what is missing
    place = {qubit: k for k, qubit in enumerate(placement.qubits)}
    prepare, sweep, refresh = (_empty(n, kind) for _ in range(3))
    if kind == "measured":
        prepare.ry(2 * math.asin(math.sqrt(p)), n)
        prepare.measure(n, 0)
    else:
        prepare.rx(_FLIP, n)
    for meeting in placement.meetings():
        gate = XXPlusYYGate(2 * meeting.share * angle)
        if meeting.hop:  # one unitary: a SWAP of its own would be taken for a new layout
            gate = UnitaryGate(Operator(gate) @ Operator(SwapGate()))
        sweep.append(gate, [place[q] for q in meeting.at])
    refresh.reset(n)
    try:
        made = [_scheduled(one, target, level, seed) for one in (prepare, sweep, refresh)]
    except TranspilerError:
        raise InputError(
            f"The chip {noise.calibration.name!r} lacks calibrated gates that a collision takes on "
            f"the qubits {', '.join(map(str, placement.qubits))}."
        ) from None
    return CompiledCollision(noise, placement, float(occupation), angle, kind, level, *made)


def _empty(n: int, ancilla: str) -> QuantumCircuit:
    circuit = QuantumCircuit(
        QuantumRegister(n, "cell"), QuantumRegister(1, "ancilla"), name="collisions"
    )
    if ancilla == "measured":
        circuit.add_register(ClassicalRegister(1, "dropped"))
    return circuit


def _scheduled(circuit: QuantumCircuit, target: Any, level: int, seed: int) -> QuantumCircuit:
    return transpile(
        circuit,
        target=target,
        initial_layout=list(range(circuit.num_qubits)),
        optimization_level=level,
        scheduling_method="alap",
        seed_transpiler=seed,
    )
