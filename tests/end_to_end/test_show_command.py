"""`qbat show` reads back what the other commands wrote, and refuses what they did not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from qbat_circuits.cli import main
from qbat_circuits.file_models import validated
from qbat_circuits.json_files import json_bytes
from qbat_circuits.schema import Experiment
from qbat_circuits.study.collision import run_collision
from qbat_circuits.study.collision_results import collision_files
from qbat_circuits.study.experiment import run_experiment
from qbat_circuits.study.plan import plan
from qbat_circuits.study.results import result_files, write_files

CHIP: dict[str, Any] = {"calibration": "waveguide4", "qubits": [0, 1], "tune_to_resonance": True}
BATH: dict[str, Any] = {
    "chip": CHIP,
    "bath": {"rate": 6.3e6, "occupation": 1.0},
    "charging": {"times": {"stop": 1e-6, "num": 21}},
    "measurement": {"shots": 200},
}
CIRCUIT: dict[str, Any] = {
    "chip": {"calibration": "fez", "qubits": [132, 138], "tune_to_resonance": False},
    "bath": {"occupation": 1.0},
    "charging": {"mode": "collision"},
    "collision": {"theta": 1.0, "collisions": 2, "ancilla_qubit": 131},
    "measurement": {"shots": 200},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    bath, circuit = (validated(Experiment, content) for content in (BATH, CIRCUIT))
    write_files(folder / "run", result_files(run_experiment(bath)))
    write_files(folder / "collision", collision_files(run_collision(circuit)))
    (folder / "plan.json").write_bytes(json_bytes(plan(bath).to_dict()))
    return folder


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", "show", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.mark.parametrize("name", ["run", "collision", "plan.json"])
def test_every_kind_is_shown_and_drawn(
    name: str, results: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    figure = tmp_path / "figure.svg"
    code, out, err = qbat(capsys, monkeypatch, results / name, "--figure", figure)
    assert (code, err) == (0, "")
    file = results / name if name.endswith(".json") else results / name / "result.json"
    content = json.loads(file.read_text())
    if content["kind"] == "plan":
        assert out.startswith("GO: " if content["go"] else "NO-GO: ")
        assert content["hypothetical"] is None
        assert f"{content['ergotropy']:.4f} hw" in out
    else:
        assert out.startswith(content["statement"][:40])
        one = content["ergotropy"]
        assert f"[{one['low']:.4f}, {one['high']:.4f}] hw" in out
    assert ElementTree.parse(figure).getroot().get("width")


def test_a_hypothetical_plan_says_so_again(results: Path, tmp_path, capsys, monkeypatch) -> None:
    content = json.loads((results / "plan.json").read_text())
    content |= {"go": False, "hypothetical": "no line", "reason": "no line: no bath."}
    (tmp_path / "plan.json").write_bytes(json_bytes(content))
    _, out, _ = qbat(capsys, monkeypatch, tmp_path / "plan.json")
    assert out.startswith("NO-GO, HYPOTHETICAL: no line")


def test_curves_need_their_arrays(results: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    shutil.copy(results / "run" / "result.json", tmp_path / "alone.json")
    code, out, _ = qbat(capsys, monkeypatch, tmp_path / "alone.json")
    assert code == 0
    assert "ergotropy, measured" in out
    figure = tmp_path / "figure.svg"
    code, out, err = qbat(capsys, monkeypatch, tmp_path / "alone.json", "--figure", figure)
    assert (code, out) == (2, "")
    assert "result.nc, which is not beside it" in err
    assert not figure.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{}", "holds no result"),
        ('{"format": "qbat-result", "version": 99}', "must have version 1"),
        ('{"format": "qbat-result", "version": 1, "kind": "poem"}', "'kind' must be"),
        ("[1", "not valid JSON"),
    ],
)
def test_what_is_no_result_is_refused(
    content: str, sentence: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    code, out, err = qbat(capsys, monkeypatch, file)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_broken_array_file_is_one_sentence(
    results: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    shutil.copy(results / "run" / "result.json", tmp_path / "result.json")
    (tmp_path / "result.nc").write_bytes(b"no netcdf")
    code, out, err = qbat(capsys, monkeypatch, tmp_path)
    assert (code, out) == (2, "")
    assert "is no NetCDF file of a result" in err
