"""Which circuits may be submitted, and which of them go into which job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qbat_circuits.circuits.tomography import REGISTER
from qbat_circuits.errors import InputError, broken_rule
from qbat_circuits.json_files import MAX_FILE_BYTES, MAX_OBJECTS, MAX_VALUES
from qbat_circuits.sampling.machines import reason_of


def checked_pubs(circuits: Any, shots: int) -> tuple[SamplerPub, ...]:
    """Circuits, or pubs of them, as pubs with their shots.

    Raises:
        InputError: if they are none, two have one name, or counts of one could not be read or kept.
    """
    if isinstance(circuits, (str, QuantumCircuit)) or not isinstance(circuits, Sequence):
        raise broken_rule("circuits", "a list of circuits or sampler pubs", circuits)
    if not circuits:
        raise InputError("'circuits' must hold at least one circuit.")
    try:
        pubs = tuple(SamplerPub.coerce(one, shots) for one in circuits)
    except Exception as error:
        raise InputError(
            f"'circuits' must be circuits or sampler pubs: {reason_of(error)}"
        ) from None
    for pub in pubs:
        register_of(pub)
        if _share(pub) > 1:
            raise InputError(
                f"The counts of {pub.circuit.name!r} might not fit into a file of "
                f"{MAX_FILE_BYTES // 2**20} MiB: use fewer shots or sets of parameters."
            )
    names = [pub.circuit.name for pub in pubs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"'circuits' must have different names, but {twice!r} stands twice.")
    return pubs


def register_of(pub: SamplerPub) -> str:
    """The register that is read: "meas", or the only one.

    Raises:
        InputError: if there is neither.
    """
    names = [register.name for register in pub.circuit.cregs if register.size]
    if REGISTER in names or len(names) == 1:
        return REGISTER if REGISTER in names else names[0]
    if not names:
        raise InputError(f"The circuit {pub.circuit.name!r} must have a classical register.")
    raise InputError(
        f"The circuit {pub.circuit.name!r} must measure into {REGISTER!r}, because it has several "
        f"registers: {', '.join(map(repr, names))}."
    )


def parts(pubs: Sequence[SamplerPub], size: int, most: int | None) -> list[tuple[int, ...]]:
    """Numbers of the circuits of each job: of equal shots, as many as it and its file hold.

    Args:
        pubs: all of them.
        size: most circuits of a job.
        most: most circuits that the machine takes, each set of parameters a circuit of its own.
    """
    found = []
    for shots in dict.fromkeys(pub.shots for pub in pubs):
        part: list[int] = []
        for number in (k for k, pub in enumerate(pubs) if pub.shots == shots):
            held = [pubs[k] for k in (*part, number)]
            sets = sum(pub.parameter_values.size for pub in held)
            full = len(held) > size or (most is not None and sets > most)
            if part and (full or sum(map(_share, held)) > 1):
                found.append(tuple(part))
                part = []
            part.append(number)
        found.append(tuple(part))
    return found


def _share(pub: SamplerPub) -> float:
    """Most that the counts of one circuit take of what a job's file may hold (`read_json`)."""
    readings = [min(2**register.size, pub.shots) for register in pub.circuit.cregs]
    sizes = [register.size for register in pub.circuit.cregs]
    taken = (
        sum(16 + n * (size + 24) for n, size in zip(readings, sizes, strict=True)) / MAX_FILE_BYTES,
        (2 * len(sizes) + 1) / MAX_OBJECTS,
        (sum(readings) + 1) / MAX_VALUES,
    )
    return float(pub.parameter_values.size * max(taken))
