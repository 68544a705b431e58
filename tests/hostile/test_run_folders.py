"""Folders of runs whose files were spoiled: one sentence, and Qiskit reads no other circuits."""

from __future__ import annotations

import io
import json
import random
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from corruption import spoiled_bytes, spoiled_json
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from readers import complaint

from qbat_circuits.errors import InputError
from qbat_circuits.sampling import journal
from qbat_circuits.sampling.runner import resume_run, submit_circuits


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with all its counts."""
    circuit = QuantumCircuit(1, name="flip", metadata={"setting": "Z"})
    circuit.x(0)
    circuit.measure_all()
    folder = tmp_path_factory.mktemp("runs") / "run"
    return submit_circuits([circuit], StatevectorSampler(seed=1), 5, folder).wait().folder


@pytest.mark.parametrize(("name", "files"), [("run.json", 150), ("job-000.json", 150)])
def test_a_spoiled_file_is_read_or_refused_with_one_sentence(
    name: str, files: int, finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    good = json.loads((finished / name).read_text(encoding="utf-8"))
    rng, faults, refused = random.Random(name), [], 0
    for _ in range(files):
        data = spoiled_json(rng, good)
        (folder / name).write_bytes(data)
        try:
            resume_run(folder).results()
        except Exception as error:
            refused += 1
            if why := complaint(error, folder):
                faults.append(f"{why} <- {data!r}")
    assert faults == []
    assert refused > files / 4


def test_damaged_circuits_are_not_read(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Qiskit's reader would end the process over some of them; it never sees them."""
    folder, rng = tmp_path / "run", random.Random(2)
    shutil.copytree(finished, folder)
    monkeypatch.setattr(journal.qpy, "load", lambda _: pytest.fail("read all the same"))
    for name in ("circuits.qpy", "parameters.npz"):
        good = (finished / name).read_bytes()
        for _ in range(50):
            data = spoiled_bytes(rng, good)
            (folder / name).write_bytes(data)
            if data != good and name == "circuits.qpy":
                with pytest.raises(InputError, match=r"circuits\.qpy is not the file that was"):
                    resume_run(folder)
    monkeypatch.undo()
    shutil.copy(finished / "circuits.qpy", folder)
    with pytest.raises(InputError, match=r"parameters.npz is not the file that was written\.$"):
        resume_run(folder)


def test_nothing_in_a_forged_folder_is_executed(finished: Path, tmp_path: Path) -> None:
    """With hashes that fit: a pickle for parameters, circuits of a format that can hold code."""
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(tmp_path / "sprung"), "w")

    buffer = io.BytesIO()
    np.savez(buffer, **{"0": np.array([Trap()], dtype=object)})
    forge(folder, "parameters.npz", buffer.getvalue())
    with pytest.raises(InputError, match=r"is not whole: .*allow_pickle=False"):
        resume_run(folder)
    assert not (tmp_path / "sprung").exists()
    data = bytearray((finished / "circuits.qpy").read_bytes())
    data[6] = 12
    forge(folder, "circuits.qpy", bytes(data))
    with pytest.raises(InputError, match="no file of circuits of Qiskit 2 or later"):
        resume_run(folder)


def forge(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    content["sha256"][name] = sha256(data).hexdigest()
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
