"""Circuits as OpenQASM 3, for laboratories that run something else than Qiskit."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from qiskit import QuantumCircuit, qasm3
from qiskit.exceptions import QiskitError

from qbat_circuits.errors import InputError, broken_rule, shown
from qbat_circuits.json_files import reason_of, write_atomically


def to_openqasm3(circuit: QuantumCircuit) -> str:
    """A circuit as OpenQASM 3 text; gates come from its standard library ``stdgates.inc``.

    Raises:
        InputError: if the circuit holds what OpenQASM 3 cannot say.
    """
    if not isinstance(circuit, QuantumCircuit):
        raise broken_rule("circuit", "a QuantumCircuit", circuit)
    try:
        return str(qasm3.dumps(circuit))
    except QiskitError as error:
        reason = " ".join(str(error.message).split()).rstrip(".")
        raise InputError(
            f"The circuit {shown(circuit.name)} cannot be written as OpenQASM 3: {reason}."
        ) from None


def save_openqasm3(
    circuits: Sequence[QuantumCircuit], folder: str | os.PathLike[str]
) -> list[Path]:
    """Write each circuit to NAME.qasm in a folder, which is made where it does not exist.

    Args:
        circuits: circuits with different names of letters, digits, "_" and "-"; those of
            `tomography_circuits` are named by their setting.
        folder: where the files go; none of them may exist yet.

    Returns:
        The files, in the order of the circuits.

    Raises:
        InputError: if a name does not fit or stands twice, a circuit cannot be written or a file
            exists; nothing is written then.
    """
    texts = [to_openqasm3(circuit) for circuit in circuits]
    names = [str(circuit.name) for circuit in circuits]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", name):
            raise broken_rule("name", "letters, digits, '_' and '-' for a file name", name)
    # Some file systems do not tell upper from lower case.
    for name, number in Counter(name.lower() for name in names).most_common(1):
        if number > 1:
            raise InputError(f"'circuits' must have different names, but {name!r} stands twice.")
    files = [Path(folder) / f"{name}.qasm" for name in names]
    for file in files:
        if os.path.lexists(file):
            raise InputError(f"The file {str(file)!r} exists already and is not overwritten.")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(
            f"The folder {str(folder)!r} cannot be made: {reason_of(error)}."
        ) from None
    for file, text in zip(files, texts, strict=True):
        write_atomically(file, text.encode())
    return files
