"""What runs circuits: Qiskit's samplers and backends, what they can do and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import PrimitiveJob
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import BackendV2
from qiskit.result import Result

from qbat_circuits.circuits.capabilities import check_runs_on
from qbat_circuits.errors import InputError, broken_rule

#: Counts of one circuit: register -> counts by bits, one table for each set of parameters.
Tables = dict[str, list[dict[str, int]]]

#: Jobs of these modules live in our own process, as every `PrimitiveJob` does.
_LOCAL: Final = ("qiskit_aer.", "qiskit.providers.basic_provider.")


def check_machine(where: Any) -> None:
    """Refuse what can run nothing."""
    if not isinstance(where, BackendV2) and not callable(getattr(where, "run", None)):
        raise broken_rule("where", "a SamplerV2 or a BackendV2", where)


def check_circuits(
    where: Any, circuits: Sequence[QuantumCircuit], mid_circuit_measurement: bool | None = None
) -> None:
    """Refuse circuits that a machine cannot run, as far as it tells what it can.

    Args:
        where: a SamplerV2 or a BackendV2.
        circuits: as they would be submitted.
        mid_circuit_measurement: whether it can go on with a measured qubit; by default what its
            configuration says under ``multi_meas_enabled``, and that it can where it says nothing.

    Raises:
        InputError: naming the circuit and what is missing.
    """
    backend = backend_of(where)
    target = getattr(backend, "target", None)
    if mid_circuit_measurement is None:
        configuration = getattr(backend, "configuration", None)
        told = configuration() if callable(configuration) else configuration
        mid_circuit_measurement = getattr(told, "multi_meas_enabled", None) is not False
    if target is not None:
        check_runs_on(circuits, target, mid_circuit_measurement, machine_name(where))


def takes_seed(where: Any) -> bool:
    """Whether a seed can be given: a sampler has its own, a live machine has none."""
    return isinstance(where, BackendV2) and not _is_live(where)


def machine_name(where: Any) -> str:
    """What it is called."""
    return str(getattr(backend_of(where), "name", None) or type(where).__name__)


def backend_of(where: Any) -> Any:
    """The backend itself, or the one behind a sampler; None where it does not tell."""
    if isinstance(where, BackendV2):
        return where
    backend = getattr(where, "backend", None)  # a method of IBM's sampler, a property elsewhere
    if callable(backend) and not isinstance(backend, BackendV2):
        backend = backend()
    return backend if backend is not None else getattr(where, "_backend", None)  # Aer's sampler


def start(where: Any, pubs: Sequence[SamplerPub], seed: int | None) -> Any:
    """Submit one job of circuits with equal shots.

    Returns:
        Its handle, which has ``job_id()`` and ``result()``.
    """
    if not isinstance(where, BackendV2):
        return where.run(list(pubs))
    if _is_live(where):
        return _live_sampler(where).run(list(pubs))
    # No BackendSamplerV2: its jobs keep the backend's id, by which they are found again, to
    # themselves.
    bound = [one for pub in pubs for one in np.ravel(pub.parameter_values.bind_all(pub.circuit))]
    options = {} if seed is None else {"seed_simulator": seed}
    return where.run(bound, shots=pubs[0].shots, **options)


def fetcher(where: Any) -> Callable[[str], Any] | None:
    """What turns an id into a job's handle; None if nothing does."""
    backend = backend_of(where)
    for owner in (where, getattr(backend, "service", None), backend):
        for name in ("job", "retrieve_job"):
            found: Callable[[str], Any] | None = getattr(owner, name, None)
            if callable(found):
                return found
    return where if callable(where) else None


def is_local(handle: Any) -> bool:
    """Whether a job ends with this process."""
    return isinstance(handle, PrimitiveJob) or type(handle).__module__.startswith(_LOCAL)


def has_failed(handle: Any) -> bool:
    """Whether a job that gave no result never will; not where only the way to it is broken."""
    try:
        status = handle.status()
    except Exception:
        return False
    return str(getattr(status, "name", status)) in ("ERROR", "CANCELLED")


def tables_of(result: Any, pubs: Sequence[SamplerPub]) -> tuple[dict[int, Tables], str | None]:
    """The counts in a result, and why some are not there.

    Args:
        result: of a sampler, or of a backend.
        pubs: what was run.

    Returns:
        The tables by place in ``pubs``, and a sentence, None if nothing is missing.

    Raises:
        InputError: if it cannot be the result of these circuits.
    """
    if isinstance(result, Result):
        return _of_backend(result, pubs)
    found = [_of_sampler(one.data) for one in result]
    if len(found) != len(pubs):
        raise InputError(f"The result must hold {len(pubs)} circuits, not {len(found)}.")
    return dict(enumerate(found)), None


def reason_of(error: Exception) -> str:
    """An exception as one sentence, short and of printable characters only."""
    plain = "".join(one if one.isprintable() else " " for one in str(error))
    text = " ".join(plain.split()).rstrip(".")
    text = text if len(text) <= 400 else f"{text[:397]}..."
    return f"{type(error).__name__}{': ' + text if text else ''}."


def _is_live(backend: BackendV2) -> bool:
    """Whether it is one of IBM's machines, which take jobs from IBM's sampler only."""
    if not type(backend).__module__.startswith("qiskit_ibm_runtime."):
        return False
    from qiskit_ibm_runtime import IBMBackend

    return isinstance(backend, IBMBackend)


def _live_sampler(backend: BackendV2) -> Any:
    try:
        from qiskit_ibm_runtime.executor_sampler import Sampler
    except ImportError:  # before 0.50
        from qiskit_ibm_runtime import Sampler
    return Sampler(mode=backend)


def _of_sampler(data: Any) -> Tables:
    return {
        name: [bits.get_counts(index) for index in np.ndindex(bits.shape)]
        for name, bits in data.items()
    }


def _of_backend(result: Result, pubs: Sequence[SamplerPub]) -> tuple[dict[int, Tables], str | None]:
    """A backend runs every set of parameters as a circuit of its own, and may fail at some."""
    found: dict[int, Tables] = {}
    reasons, first = [], 0
    for place, pub in enumerate(pubs):
        numbers = range(first, first + pub.parameter_values.size)
        first = numbers.stop
        lost = [one.status for one in result.results[numbers.start : first] if not one.success]
        if lost or len(result.results) < first:
            why = lost[0] if lost else f"the result is {result.status}"
            reasons.append(f"The circuit {pub.circuit.name!r} was not measured: {why}.")
        else:
            rows = [result.get_counts(number) for number in numbers]
            found[place] = _by_register(pub.circuit, rows)
    return found, reasons[0] if reasons else None


def _by_register(circuit: QuantumCircuit, rows: Sequence[Mapping[str, int]]) -> Tables:
    """Counts by all bits of a circuit, taken apart."""
    tables: Tables = {}
    for register in circuit.cregs:
        places = [-1 - circuit.find_bit(bit).index for bit in reversed(register)]
        tables[register.name] = []
        for row in rows:
            table: dict[str, int] = {}
            for key, count in row.items():
                bits = key.replace(" ", "")
                if len(bits) != circuit.num_clbits:
                    raise InputError(
                        f"The result must hold {circuit.num_clbits} bits of each shot of "
                        f"{circuit.name!r}, not {len(bits)}."
                    )
                own = "".join(bits[place] for place in places)
                table[own] = table.get(own, 0) + int(count)
            tables[register.name].append(table)
    return tables
