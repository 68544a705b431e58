"""Test equipment: a service in a folder, whose jobs outlive the process that submitted them.

It stands for a live service, which no test can reach. A job's circuits are kept when it is
submitted and run when its result is asked for, by Qiskit's own sampler.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qiskit.primitives import BaseSamplerV2, PrimitiveResult
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer.primitives import SamplerV2 as AerSampler


class StoredJob:
    """A job with an id, in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def job_id(self) -> str:
        return self.path.name

    def status(self) -> str:
        return "ERROR" if self.path.exists() and not self.path.stat().st_size else "QUEUED"

    def result(self) -> PrimitiveResult:
        if self.status() == "ERROR":  # a file without content is a job that failed
            raise RuntimeError("the fridge is warm")
        return AerSampler(seed=1).run(pickle.loads(self.path.read_bytes())).result()


class StoreSampler(BaseSamplerV2):
    """Submits into the folder; at job number ``dies_at`` its process is killed."""

    def __init__(self, folder: Path, dies_at: int | None = None) -> None:
        self.folder, self.dies_at = folder, dies_at

    def run(self, pubs: Iterable[Any], *, shots: int | None = None) -> Any:
        number = len(list(self.folder.iterdir()))
        if number == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        path = self.folder / f"stored-{number}"
        path.write_bytes(pickle.dumps([SamplerPub.coerce(pub, shots) for pub in pubs]))
        return StoredJob(path)


class Store:
    """Fetches jobs by id, as IBM's service does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def job(self, job_id: str) -> StoredJob:
        if not (self.folder / job_id).exists():
            raise ConnectionError("no line to the store")
        return StoredJob(self.folder / job_id)
