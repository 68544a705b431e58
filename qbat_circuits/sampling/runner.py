"""Circuits on anything that Qiskit runs on, without losing what was measured.

`submit_circuits` records every job in a folder before it is waited for; `resume_run` goes on after
a crash, in another process too. See docs/running.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qbat_circuits.errors import InputError, broken_rule, check_integer, shown
from qbat_circuits.sampling.count_tables import MAX_COUNTS_CELLS
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.counts_file import readout_from_calibration
from qbat_circuits.sampling.journal import Job, Journal, now
from qbat_circuits.sampling.lab_results import counts_from_dict
from qbat_circuits.sampling.machines import (
    backend_of,
    check_circuits,
    check_machine,
    fetcher,
    has_failed,
    is_local,
    machine_name,
    reason_of,
    start,
    tables_of,
    takes_seed,
)
from qbat_circuits.sampling.pubs import checked_pubs, parts, register_of

#: Most circuits of one job, unless the caller says otherwise.
CIRCUITS_PER_JOB: Final = 100

_PROCESS_ENDED: Final = {
    "planned": "The process ended before it was submitted.",
    "submitting": "The process ended while it was submitted: if it is out, its id is not known.",
    "submitted": "It ended with the process that ran it: retry gives the same counts if the run "
    "has a seed.",
}


class CircuitRun:
    """Circuits that were submitted, as far as they have come: see `submit_circuits`.

    One process at a time writes in the folder.
    """

    def __init__(self, journal: Journal, runs_on: Any, fetches_from: Any) -> None:
        self._journal = journal
        self._runs_on = runs_on  # where planned jobs go; None after `resume_run`
        self._fetches_from = fetches_from
        self._handles: dict[int, Any] = {}

    @property
    def folder(self) -> Path:
        """Where everything is kept."""
        return self._journal.folder

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Every submission, the oldest first."""
        return tuple(self._journal.jobs)

    @property
    def failed(self) -> tuple[str, ...]:
        """Why circuits have no counts, one sentence for each job; not of jobs that `retry` made up
        for."""
        return tuple(
            f"Job {number} ({job.id or 'without id'}): {job.reason}"
            for number, job in enumerate(self.jobs)
            if job.reason
            and not set(job.pubs) <= self._journal.measured
            and not any(set(job.pubs) & set(later.pubs) for later in self.jobs[number + 1 :])
        )

    def wait(self) -> CircuitRun:
        """Fetch every job, and keep its counts as it comes.

        A job that failed is on record with its reason and stops no other. Interrupted, nothing is
        lost: wait again, or resume.

        Raises:
            InputError: if counts cannot be written into the folder.
        """
        seen: set[int] = set()
        while True:
            self._send_planned()
            out = [k for k, job in enumerate(self.jobs) if job.status == "submitted"]
            if set(out) <= seen:
                return self
            for number in sorted(set(out) - seen):
                self._collect(number)
                seen.add(number)

    def results(self) -> dict[str, dict[str, int]]:
        """Counts by bits of each circuit that was measured, by the circuit's name.

        Sets of parameters are added up. Of circuits with several registers: "meas".
        """
        return {name: _added(rows) for name, rows in self._rows()}

    def draws(self) -> dict[str, NDArray[np.int64]]:
        """The same for each set of parameters apart: whole numbers of shape (R, 2^N).

        Raises:
            InputError: if a circuit has more than 10 bits.
        """
        found = {}
        for name, rows in self._rows():
            width = len(next(iter(rows[0])))
            if width > MAX_COUNTS_CELLS:
                raise InputError(
                    f"The circuit {name!r} must have <= {MAX_COUNTS_CELLS} bits for 'draws', not "
                    f"{width}: use results()."
                )
            table = np.zeros((len(rows), 2**width), dtype=np.int64)
            for line, row in zip(table, rows, strict=True):
                for bits, count in row.items():
                    line[int(bits, 2)] = count
            found[name] = table
        return found

    def counts(self, draws: bool = False) -> Counts:
        """`Counts` of the settings, with the readout if its calibration circuits were run too.

        Circuits say in their metadata what they are, ``{"setting": label}`` or ``{"prepared":
        bits}``, as those of `tomography_circuits` and `readout_calibration_circuits` do.

        Args:
            draws: whether sets of parameters, and circuits of the same setting, are draws of one
                random circuit (see `Counts`).

        Raises:
            InputError: if circuits are not measured, or do not make counts.
        """
        self._check_complete()
        settings: dict[str, list[dict[str, int]]] = {}
        prepared: dict[str, list[dict[str, int]]] = {}
        for pub, (name, rows) in zip(self._journal.pubs, self._rows(), strict=True):
            metadata = pub.circuit.metadata or {}
            if "setting" in metadata:
                settings.setdefault(metadata["setting"], []).extend(rows)
            elif "prepared" in metadata:
                prepared.setdefault(metadata["prepared"], []).extend(rows)
            else:
                raise InputError(
                    f"The circuit {name!r} has neither 'setting' nor 'prepared' in its metadata: "
                    "use results()."
                )
        several = next((label for label, rows in settings.items() if len(rows) > 1), None)
        if several is not None and not draws:
            raise InputError(
                f"The setting {shown(several)} was measured {len(settings[several])} times: use "
                "counts(draws=True) if these are draws of one random circuit, else results()."
            )
        done = [job for job in self.jobs if job.measured]
        measured_at = max(job.submitted_at or "" for job in done)
        counts = counts_from_dict(
            settings if draws else {label: rows[0] for label, rows in settings.items()},
            "little",
            measured_at=measured_at,
            draws=draws,
        )
        readout = None
        if prepared:
            totals = {bits: _added(rows) for bits, rows in prepared.items()}
            readout = readout_from_calibration(totals, counts.n_cells, measured_at)
        origin = ", ".join(dict.fromkeys(job.where for job in done))
        return replace(counts, origin=origin, seed=self._journal.seed, readout=readout)

    def retry(self, where: Any, give_up: bool = False) -> CircuitRun:
        """Submit again the circuits that have no counts and are in no job that is still out.

        Args:
            where: as in `submit_circuits`. Jobs keep their seeds, so that a simulator gives the
                counts that were lost.
            give_up: whether jobs that `wait` could not fetch count as lost.

        Raises:
            InputError: if the machine cannot run one of the circuits.
        """
        check_machine(where)
        lost = [
            number
            for number, job in enumerate(self.jobs)
            if job.status in ("failed", "submitting")  # the latter was interrupted
            or (give_up and job.status == "submitted" and job.reason)
        ]
        taken = set(self._journal.measured)
        for number, job in enumerate(self.jobs):
            if number not in lost:
                taken |= set(job.pubs)
        again = []
        for number in lost:
            job = self.jobs[number]
            pubs = tuple(pub for pub in job.pubs if pub not in taken)
            taken |= set(pubs)
            if pubs:
                seed = job.seed
                if seed is not None and pubs != job.pubs:  # no stream of a circuit that has counts
                    seed = int(np.random.SeedSequence([seed, *pubs]).generate_state(1)[0])
                again.append(Job(pubs, machine_name(where), seed))
        wanted = [self._journal.pubs[pub].circuit for job in again for pub in job.pubs]
        check_circuits(where, wanted)
        for number in lost:
            self._journal.jobs[number] = replace(self.jobs[number], status="failed")
        self._journal.jobs += again
        self._journal.save()
        self._runs_on = where
        self._send_planned()
        return self

    def _send_planned(self) -> None:
        """Submit the jobs that wait for it; simulators in this process take one after the other."""
        for number, job in enumerate(self.jobs):
            if self._runs_on is None or any(j.local and j.status == "submitted" for j in self.jobs):
                return
            if job.status == "planned":
                self._send(number)

    def _send(self, number: int) -> None:
        """Submit one job, on record before and after."""
        job = self._journal.update(
            number, status="submitting", where=machine_name(self._runs_on), submitted_at=now()
        )
        try:
            handle = start(self._runs_on, [self._journal.pubs[k] for k in job.pubs], job.seed)
            name = str(handle.job_id())
        except Exception as error:
            self._journal.update(number, status="failed", reason=reason_of(error))
            return
        self._handles[number] = handle
        self._journal.update(number, status="submitted", id=name, local=is_local(handle))

    def _collect(self, number: int) -> None:
        """Wait for one job and keep what it measured, or why it did not."""
        job = self._journal.jobs[number]
        handle = self._handles.get(number)
        try:
            if handle is None:
                handle = self._fetched(job)
            pubs = [self._journal.pubs[k] for k in job.pubs]
            found, reason = tables_of(handle.result(), pubs)
        except Exception as error:
            over = handle is not None and (job.local or has_failed(handle))
            reason = str(error) if isinstance(error, InputError) else reason_of(error)
            self._journal.update(number, status="failed" if over else job.status, reason=reason)
            return
        self._journal.keep(number, found, reason)

    def _fetched(self, job: Job) -> Any:
        """The job with this id, from where it was submitted."""
        fetch = fetcher(self._fetches_from)
        if fetch is None:
            raise InputError(
                f"It is out on {job.where}, but nothing was given that fetches it by its id."
            )
        return fetch(job.id or "")

    def _rows(self) -> Iterator[tuple[str, list[dict[str, int]]]]:
        """Name and counts, by set of parameters, of each circuit that was measured."""
        for pub, tables in self._journal.tables().items():
            yield self._journal.pubs[pub].circuit.name, tables[register_of(self._journal.pubs[pub])]

    def _check_complete(self) -> None:
        measured, pubs = self._journal.measured, self._journal.pubs
        missing = [pub.circuit.name for k, pub in enumerate(pubs) if k not in measured]
        if missing:
            why = f"{self.failed[0]}" if self.failed else "wait for them."
            raise InputError(
                f"{len(missing)} of {len(pubs)} circuits are not measured, the first of them is "
                f"{missing[0]!r}: {why}"
            )


def submit_circuits(
    circuits: Sequence[QuantumCircuit | tuple[Any, ...]],
    where: Any,
    shots: int,
    folder: str | os.PathLike[str],
    *,
    seed: int | None = None,
    circuits_per_job: int = CIRCUITS_PER_JOB,
    mid_circuit_measurement: bool | None = None,
) -> CircuitRun:
    """Submit circuits and record every job in a folder; `CircuitRun.wait` fetches the counts.

    Args:
        circuits: with different names, in the machine's own gates (transpiled for it); or sampler
            pubs of them, such as those of `RandomizedCircuit.pubs`.
        where: a SamplerV2, whose execution mode and options are the caller's, or a BackendV2: Aer,
            a fake one, `chip_emulator`'s, or a live one.
        shots: shots of each circuit, for each set of parameters, that says none itself.
        folder: a new or empty folder.
        seed: for simulators given as a BackendV2; the same seed gives the same counts.
        circuits_per_job: most circuits of one job.
        mid_circuit_measurement: whether the machine can go on with a measured qubit; by default
            as its configuration says.

    Raises:
        InputError: if an argument does not fit or the machine cannot run a circuit; nothing is
            submitted then. What fails later is in `CircuitRun.failed`.
    """
    number = check_integer("shots", shots, at_least=1)
    size = check_integer("circuits_per_job", circuits_per_job, at_least=1)
    check_machine(where)
    if not isinstance(folder, (str, os.PathLike)):
        raise broken_rule("folder", "a path", folder)
    if seed is not None:
        seed = check_integer("seed", seed, at_least=0)
        if not takes_seed(where):
            raise InputError(
                "'seed' must be left out for a sampler, which has its own, and for a live machine."
            )
    pubs = checked_pubs(circuits, number)
    check_circuits(where, [pub.circuit for pub in pubs], mid_circuit_measurement)
    groups = parts(pubs, size, getattr(backend_of(where), "max_circuits", None))
    seeds: list[int | None] = [None] * len(groups)
    if seed is not None:  # hashed: neighbouring seeds share no stream
        seeds = [*np.random.SeedSequence(seed).generate_state(len(groups)).tolist()]
    name = machine_name(where)
    jobs = [Job(group, name, own) for group, own in zip(groups, seeds, strict=True)]
    journal = Journal(Path(folder), pubs, jobs, seed)
    journal.create()
    run = CircuitRun(journal, where, where)
    run._send_planned()
    return run


def resume_run(folder: str | os.PathLike[str], where: Any = None) -> CircuitRun:
    """The run in a folder, in another process than the one that submitted it.

    Args:
        folder: the folder that was given to `submit_circuits`.
        where: what fetches a job by its id: a function, an object with ``job(id)`` (IBM's service)
            or ``retrieve_job(id)`` (backends of many providers), or a backend or sampler whose
            ``service`` has one. Only the counts that are in the folder, if it is left out.

    Raises:
        InputError: if there is no whole run in the folder.
    """
    journal = Journal.load(Path(folder))
    for number, job in enumerate(journal.jobs):
        if job.status in _PROCESS_ENDED and (job.local or job.status != "submitted"):
            reason = _PROCESS_ENDED[job.status]
            journal.jobs[number] = replace(job, status="failed", reason=reason)
    return CircuitRun(journal, None, where)


def _added(rows: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in rows:
        for bits, count in row.items():
            total[bits] = total.get(bits, 0) + count
    return total
