"""The figures of one gate, and a stated policy for what real chips report of gates.

- Error exactly 1: how vendors report a gate that is broken or was not calibrated, not a measured
  error (two qubits with nothing left but noise have an average error of 3/4). The gate is kept,
  `GateCalibration.usable` is false, and a warning names its qubits.
- No error or no duration: stays missing; nothing is assumed here.
- ``measure`` is no gate: its figures are the readout error and readout length of its qubit.
  ``reset`` is one, with a duration and no error.
- The order of two qubits is the direction in which the vendor offers the gate; whether the other
  direction exists too, the calibration says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.qubit_calibration import CalibrationWarning

#: Error from which a gate counts as not calibrated.
NOT_CALIBRATED = 1.0


@dataclass(frozen=True)
class GateCalibration:
    """Figures of one gate on its qubits in SI; None is what the source does not have.

    Args:
        name: the gate in lower case, such as ``ecr``.
        qubits: numbers of its one or two qubits, in the gate's own order.
        error: average gate error, in [0, 1].
        duration_s: duration in seconds, >= 0.

    Raises:
        InputError: if a value breaks its rule.
    """

    name: str
    qubits: tuple[int, ...]
    error: float | None = None
    duration_s: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", self.name):
            rule = "a gate's name of lower-case letters, digits and '_'"
            raise broken_rule("gates.name", rule, self.name)
        if self.name == "measure":
            raise InputError("'gates' must not hold 'measure', which is the qubit's readout.")
        field = f"gates.{self.name}.qubits"
        if not isinstance(self.qubits, (tuple, list)) or not self._one_or_two():
            raise broken_rule(field, "one or two different qubits", self.qubits)
        qubits = tuple(check_integer(field, qubit, at_least=0) for qubit in self.qubits)
        object.__setattr__(self, "qubits", qubits)
        if self.error is not None:
            error = check_number(f"{self.label}.error", self.error, at_least=0, at_most=1)
            object.__setattr__(self, "error", error)
        if self.duration_s is not None:
            duration = check_number(f"{self.label}.duration_s", self.duration_s, at_least=0)
            object.__setattr__(self, "duration_s", duration)

    def _one_or_two(self) -> bool:
        return len(self.qubits) in (1, 2) and self.qubits[0] not in self.qubits[1:]

    @property
    def label(self) -> str:
        """``ecr[1, 0]``, for sentences."""
        return f"{self.name}{list(self.qubits)}"

    @property
    def usable(self) -> bool:
        """False for a gate that is broken or was not calibrated (top of this module)."""
        return self.error is None or self.error < NOT_CALIBRATED


def gate_warnings(gates: Iterable[GateCalibration]) -> Iterator[CalibrationWarning]:
    """One warning for each gate that is not usable."""
    for gate in gates:
        if not gate.usable:
            what = "two-qubit gate" if len(gate.qubits) == 2 else "gate"
            kind = f"{what} {gate.name} not calibrated"
            detail = f"{gate.label} has error {gate.error:g}, so it is not calibrated"
            yield CalibrationWarning(gate.qubits, kind, detail, "not used")


def gate_summary(gates: Sequence[GateCalibration]) -> tuple[str, ...]:
    """A row for gates of one name: name, number, median and largest error of the usable ones in
    percent, median duration in ns, and how many are not calibrated; ``-`` for what is missing."""
    errors = [gate.error for gate in gates if gate.usable and gate.error is not None]
    seconds = [gate.duration_s for gate in gates if gate.duration_s is not None]
    return (
        gates[0].name,
        str(len(gates)),
        f"{100 * median(errors):.3g}" if errors else "-",
        f"{100 * max(errors):.3g}" if errors else "-",
        f"{1e9 * median(seconds):.4g}" if seconds else "-",
        str(sum(not gate.usable for gate in gates)),
    )
