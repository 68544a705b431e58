"""A chip's calibration as a Qiskit `Target`: what the transpiler needs to write circuits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from qiskit.circuit import Delay, Measure, Parameter, Reset
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import InstructionProperties, Target

from qbat_circuits.calibration import Calibration
from qbat_circuits.errors import InputError
from qbat_circuits.gate_calibration import GateCalibration
from qbat_circuits.gate_noise import ChipNoise

#: Unit of durations in the target, s: Qiskit schedules in whole numbers of it.
DT_S: Final = 1e-12
#: Gates of a chip that are written as such; fractional gates (rx, rzz) are left out, because the
#: calibrations of public chips do not report their errors.
_GATES: Final = ("id", "rz", "sx", "x", "ecr", "cz", "cx")


def chip_target(noise: ChipNoise, qubits: Sequence[int] | None = None) -> Target:
    """The gates of a chip with their errors and durations, measurements, resets and delays.

    Gates that are not usable or have no error are left out.

    Args:
        noise: the chip, with what is assumed about its durations.
        qubits: only these qubits of the chip, which become 0, 1, ...; all of them by default.

    Raises:
        InputError: if a qubit does not exist, a duration is missing or no gate can be written.
    """
    calibration = noise.calibration
    chosen = range(len(calibration.qubits)) if qubits is None else qubits
    place = {qubit: k for k, qubit in enumerate(chosen)}
    if len(place) < len(chosen) or not set(place) <= set(range(len(calibration.qubits))):
        raise InputError(
            f"'qubits' must be different qubits from 0 to {len(calibration.qubits) - 1}, not "
            f"{list(chosen)}."
        )
    known = get_standard_gate_name_mapping()
    target = Target(num_qubits=len(place), dt=DT_S)
    for name in _GATES:
        entries = {
            tuple(place[q] for q in gate.qubits): _timed(noise, name, gate.qubits, gate.error)
            for gate in written_gates(calibration)
            if gate.name == name and set(gate.qubits) <= set(place)
        }
        if entries:
            target.add_instruction(known[name], entries)
    operations = set(target.operation_names)
    if not operations & {"sx", "x"}:
        raise InputError(
            f"The calibration {calibration.name!r} has none of the gates {', '.join(_GATES)} that "
            "circuits are written in."
        )
    for name, operation in (("measure", Measure()), ("reset", Reset())):
        properties = {
            (k,): _timed(noise, name, (q,)) for q, k in place.items() if _has(noise, name, q)
        }
        if properties:
            target.add_instruction(operation, properties)
    target.add_instruction(Delay(Parameter("t")), {(k,): None for k in place.values()})
    return target


def written_gates(calibration: Calibration) -> Iterator[GateCalibration]:
    """The gates that circuits are written in: usable, of known error."""
    for gate in calibration.gates:
        known = gate.usable and (gate.error is not None or gate.name == "rz")
        if gate.name in _GATES and known:
            yield gate


def _has(noise: ChipNoise, name: str, qubit: int) -> bool:
    """Whether an operation's duration is known or assumed."""
    try:
        noise.duration_s(name, (qubit,))
    except InputError:
        return False
    return True


def _timed(
    noise: ChipNoise, name: str, qubits: tuple[int, ...], error: float | None = None
) -> InstructionProperties:
    """Properties of one operation; durations are whole numbers of the unit, or Qiskit warns."""
    duration = round(noise.duration_s(name, qubits) / DT_S) * DT_S
    return InstructionProperties(duration=duration, error=error)
