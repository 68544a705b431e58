"""The folder of a run: what was submitted, under which ids, and what came back.

run.json says what each job holds and how far it is; circuits.qpy and parameters.npz are what was
submitted; job-000.json, ... are the counts of jobs. Each file appears in one step, and run.json is
written before and after each submission, so that a crash loses no job that has an id.

Circuits are read by Qiskit, whose reader of a damaged file may take any amount of memory or end the
process. So run.json keeps their hash, and a file that is not the one that was written is not read.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from qiskit import qpy
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qbat_circuits.errors import InputError, check_choice, shown
from qbat_circuits.json_files import json_bytes, read_json, write_together
from qbat_circuits.sampling.machines import Tables, reason_of

FORMAT, VERSION = "qbat-run", 1
_RUN, _CIRCUITS, _PARAMETERS = "run.json", "circuits.qpy", "parameters.npz"

#: Oldest version of Qiskit's format that is read; earlier ones keep parameters in forms whose
#: readers can be made to run code (CVE-2025-2000). Every Qiskit that the package takes writes it.
_MIN_QPY = 13

#: How far a job is: not yet sent; being sent; sent, with an id; all counted; ended without.
STATUSES: Final = ("planned", "submitting", "submitted", "done", "failed")


def now() -> str:
    """The time, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    from qbat_circuits import __version__

    return {"qbat-circuits": __version__, "qiskit": version("qiskit")}


@dataclass(frozen=True)
class Job:
    """One submission.

    Args:
        pubs: numbers of the circuits in it.
        where: what the machine is called.
        seed: seed for a simulator.
        status: one of `STATUSES`.
        id: what the machine calls the job.
        local: whether it ends with the process that submitted it.
        submitted_at: time, ISO 8601.
        measured: numbers of the circuits with counts.
        reason: why there are no counts, or none of some circuits, one sentence.
    """

    pubs: tuple[int, ...]
    where: str
    seed: int | None = None
    status: str = "planned"
    id: str | None = None
    local: bool = False
    submitted_at: str | None = None
    measured: tuple[int, ...] = ()
    reason: str | None = None


@dataclass
class Journal:
    """A run's folder, kept in step with what happens.

    Args:
        folder: where the files are.
        pubs: what is run.
        jobs: submissions, the oldest first.
        seed: seed of the run.
        created_at: time, ISO 8601.
        versions: of this package and of Qiskit.
        sha256: of the files of circuits and parameters, by name.
    """

    folder: Path
    pubs: tuple[SamplerPub, ...]
    jobs: list[Job]
    seed: int | None
    created_at: str = field(default_factory=now)
    versions: dict[str, str] = field(default_factory=_versions)
    sha256: dict[str, str] = field(default_factory=dict)

    def create(self) -> None:
        """Make the folder, with everything that is going to be run.

        Raises:
            InputError: if the folder holds anything or cannot be written, or a circuit cannot.
        """
        try:
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise InputError(
                    f"The folder {os.fspath(self.folder)!r} must be new or empty for a new run: "
                    "resume the run in it, or name another one."
                )
            circuits, parameters = io.BytesIO(), io.BytesIO()
            try:
                qpy.dump([pub.circuit for pub in self.pubs], circuits)
            except Exception as error:
                raise InputError(f"The circuits cannot be kept: {reason_of(error)}") from None
            values = {str(number): _values(pub) for number, pub in enumerate(self.pubs)}
            np.savez_compressed(parameters, allow_pickle=False, **values)
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The folder {os.fspath(self.folder)!r} cannot be made: {error.strerror}."
            ) from None
        files = {_CIRCUITS: circuits.getvalue(), _PARAMETERS: parameters.getvalue()}
        write_together(self.folder, files)
        self.sha256 = {name: sha256(data).hexdigest() for name, data in files.items()}
        self.save()

    @classmethod
    def load(cls, folder: Path) -> Journal:
        """The journal in a folder.

        Raises:
            InputError: if there is none or it is not whole.
        """
        content = read_json(folder / _RUN, "run")
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise InputError(f"The folder {os.fspath(folder)!r} holds no run.")
        if content.get("version") != VERSION:
            raise InputError(
                f"The run in {os.fspath(folder)!r} must have version {VERSION}, which this release "
                f"reads, not {shown(content.get('version'))}."
            )
        try:
            hashes = dict(content.get("sha256", {}))  # runs of older versions have none
            circuits = qpy.load(io.BytesIO(_circuits(_unchanged(folder / _CIRCUITS, hashes))))
            with np.load(io.BytesIO(_unchanged(folder / _PARAMETERS, hashes))) as values:
                arrays = [values[str(number)] for number in range(len(circuits))]
            pubs = tuple(map(_pub, circuits, arrays, content["shots"]))
            jobs = [_job(job, len(pubs)) for job in content["jobs"]]
            known = {key: content[key] for key in ("seed", "created_at", "versions")}
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # anything can be wrong; a panic in Rust is no Exception
            reason = reason_of(error if isinstance(error, Exception) else ValueError(error))
            raise InputError(f"The run in {os.fspath(folder)!r} is not whole: {reason}") from None
        return cls(folder, pubs, jobs, **known, sha256=hashes)

    def save(self) -> None:
        """Write run.json in one step."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "created_at": self.created_at,
            "versions": self.versions,
            "sha256": self.sha256,
            "seed": self.seed,
            "circuits": [pub.circuit.name for pub in self.pubs],
            "shots": [pub.shots for pub in self.pubs],
            "jobs": [asdict(job) for job in self.jobs],
        }
        write_together(self.folder, {_RUN: json_bytes(content)})

    def update(self, number: int, **changes: Any) -> Job:
        """Change one job, on disk too."""
        self.jobs[number] = replace(self.jobs[number], **changes)
        self.save()
        return self.jobs[number]

    def keep(self, number: int, found: Mapping[int, Tables], reason: str | None) -> None:
        """Counts of a job by its circuits' places in it: first their file, then that it is there.

        Raises:
            InputError: if they cannot be written; the job is then as it was.
        """
        pubs = self.jobs[number].pubs
        tables = {pubs[place]: table for place, table in found.items()}
        content = {str(pub): table for pub, table in tables.items()}
        write_together(self.folder, {self._file(number).name: json_bytes(content)})
        status = "done" if len(tables) == len(pubs) else "failed"
        self.update(number, status=status, measured=tuple(tables), reason=reason)

    @property
    def measured(self) -> set[int]:
        """Numbers of the circuits that have counts."""
        return {pub for job in self.jobs for pub in job.measured}

    def tables(self) -> dict[int, Tables]:
        """Counts of the circuits that have some, by their numbers.

        Raises:
            InputError: if a file is not what was written.
        """
        found: dict[int, Tables] = {}
        for number, job in enumerate(self.jobs):
            if job.measured:
                content = read_json(self._file(number), "counts")
                wanted = {str(pub): self.pubs[pub] for pub in job.measured}
                if (
                    not isinstance(content, dict)
                    or set(content) != set(wanted)
                    or not all(_is_tables(content[k], pub) for k, pub in wanted.items())
                ):
                    raise InputError(
                        f"The counts file {os.fspath(self._file(number))!r} must hold the circuits "
                        f"{shown(list(job.measured))}, with their counts."
                    )
                found |= {int(pub): table for pub, table in content.items()}
        return dict(sorted(found.items()))

    def _file(self, number: int) -> Path:
        return self.folder / f"job-{number:03d}.json"


def _unchanged(path: Path, hashes: Mapping[str, str]) -> bytes:
    """The bytes of a file, if they are those that were written."""
    data = path.read_bytes()
    if hashes.get(path.name) not in (None, sha256(data).hexdigest()):
        raise InputError(f"{path.name} is not the file that was written")
    return data


def _circuits(data: bytes) -> bytes:
    """A file of circuits, of a format whose reader runs nothing that is in it."""
    if len(data) < 7 or data[:6] != b"QISKIT" or data[6] < _MIN_QPY:
        raise InputError(f"{_CIRCUITS} is no file of circuits of Qiskit 2 or later")
    return data


def _is_tables(content: Any, pub: SamplerPub) -> bool:
    """Whether JSON content is counts of a circuit: by register, of each set of parameters."""
    widths = {register.name: register.size for register in pub.circuit.cregs if register.size}
    return isinstance(content, dict) and all(
        isinstance(rows := content.get(name), list)
        and len(rows) == pub.parameter_values.size
        and all(_is_row(row, width) for row in rows)
        for name, width in widths.items()
    )


def _is_row(row: Any, width: int) -> bool:
    """Whether JSON content is counts by bit strings of a width, at least one."""
    return (
        isinstance(row, dict)
        and bool(row)
        and all(
            len(bits) == width and set(bits) <= {"0", "1"} and type(n) is int and n >= 0
            for bits, n in row.items()
        )
    )


def _job(content: Mapping[str, Any], n_pubs: int) -> Job:
    job = Job(**content)
    check_choice("jobs.status", job.status, STATUSES)
    pubs, measured = tuple(job.pubs), tuple(job.measured)
    if not set(measured) <= set(pubs) <= set(range(n_pubs)):
        raise InputError(f"'jobs.pubs' must be numbers of the {n_pubs} circuits")
    return replace(job, pubs=pubs, measured=measured)


def _values(pub: SamplerPub) -> Any:
    """Parameters of a circuit in its own order, shape (..., parameters)."""
    return pub.parameter_values.as_array(pub.circuit.parameters)


def _pub(circuit: Any, values: Any, shots: int) -> SamplerPub:
    return SamplerPub.coerce((circuit, values if circuit.parameters else None, shots))
