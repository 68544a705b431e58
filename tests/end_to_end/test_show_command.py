"""`qbat show` reads back what the other commands wrote, and refuses what they did not."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import qbat_circuits as qb
from qbat_circuits.cli import main
from qbat_circuits.file_models import validated
from qbat_circuits.json_files import json_bytes
from qbat_circuits.schema import Experiment
from qbat_circuits.show.saved import (
    saved_figure,
    saved_headline,
    saved_sections,
    saved_sentences,
    saved_tables,
)
from qbat_circuits.study.collision import run_collision
from qbat_circuits.study.collision_results import collision_files
from qbat_circuits.study.experiment import run_experiment
from qbat_circuits.study.fit_results import fit_content
from qbat_circuits.study.plan import plan
from qbat_circuits.study.results import result_files, write_files
from qbat_circuits.study.sweep_export import export_sweep
from qbat_circuits.sweep_schema import SweepAxis

CHIP: dict[str, Any] = {"calibration": "waveguide4", "qubits": [0, 1], "tune_to_resonance": True}
BATH: dict[str, Any] = {
    "chip": CHIP,
    "bath": {"rate": 6.3e6, "occupation": 1.0},
    "charging": {"times": {"stop": 1e-6, "num": 21}},
    "measurement": {"shots": 200},
}
AXIS = SweepAxis.model_validate({"field": "bath.occupation", "values": [0.5, 1.0]})
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
    write_files(folder / "plan", {"plan.json": json_bytes(plan(bath).to_dict())})
    compared = qb.compare(bath).to_dict()
    write_files(folder / "comparison", {"comparison.json": json_bytes(compared)})
    write_files(folder / "fit", {"fit.json": json_bytes(fitted())})
    (folder / "sweep").mkdir()
    qb.sweep(bath, {"n": AXIS}, folder / "sweep" / "sweep.sqlite")
    (folder / "netcdf").mkdir()
    export_sweep(folder / "sweep" / "sweep.sqlite", folder / "netcdf" / "sweep.nc")
    return folder


def fitted() -> dict[str, Any]:
    """What `qbat compare --data` writes."""
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.1))
    times = [0.3, 1.0, 3.0]
    states = qb.charge(battery, [0.0, *times]).states[1:]
    ideal = qb.ReadoutModel.ideal(2)
    counts = [qb.sample_counts(state, ideal, 300, k) for k, state in enumerate(states)]
    known = {"n_l": 0.0, "gamma_phi": 0.0}
    fit = qb.fit_counts(times, counts, fixed=known)
    return fit_content(fit, qb.compare_readings(times, counts, fixed=known))


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", "show", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


KINDS = ["run", "collision", "plan", "comparison", "fit", "sweep", "netcdf"]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_shown_and_drawn(
    name: str, results: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    figure = tmp_path / "figure.svg"
    code, out, err = qbat(capsys, monkeypatch, results / name, "--figure", figure)
    assert (code, err) == (0, "")
    saved = qb.load_result(results / name)
    content = saved.content
    assert saved.kind == ("sweep" if name == "netcdf" else name)
    for one in figures_of(saved):
        assert one in out, one
    head = {"plan": "GO: " if content.get("go") else "NO-GO: "}.get(name, content["statement"][:40])
    assert out.startswith(head)
    drawing = ElementTree.parse(figure).getroot()
    assert drawing.get("width")
    code, text, _ = qbat(capsys, monkeypatch, results / name, "--json", "-")
    assert (code, json.loads(text)) == (0, json.loads(json.dumps(content)))


def figures_of(saved: qb.SavedResult) -> list[str]:
    """Numbers of the content that the text must hold."""
    content = saved.content
    if saved.kind == "plan":
        return [f"{content['ergotropy']:.4f} hw"]
    if saved.kind == "comparison":
        return [f"{one['ergotropy']:.4f}" for one in content["rungs"]]
    if saved.kind == "fit":
        return [f"{one['value']:.4g}" for one in content["parameters"].values()]
    if saved.kind == "sweep":
        assert saved.arrays is not None
        return ["2 of 2", f"{float(saved.arrays.ergotropy.max()):.4f} hw at n 1"]
    one = content["ergotropy"]
    return [f"[{one['low']:.4f}, {one['high']:.4f}] hw"]


def test_another_variable_of_a_sweep(results: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    drawn = []
    for variable in ("ergotropy", "energy"):
        figure = tmp_path / f"{variable}.svg"
        arguments = (results / "sweep", "--figure", figure, "--variable", variable)
        assert qbat(capsys, monkeypatch, *arguments)[0] == 0
        drawn.append(figure.read_bytes())
    assert drawn[0] != drawn[1]
    for place, name, sentence in (
        ("sweep", "work", "'variable' must be one of"),
        ("run", "energy", "'variable' must be left out"),
    ):
        code, out, err = qbat(capsys, monkeypatch, results / place, "--variable", name)
        assert (code, out) == (2, "")
        assert sentence in err


def test_a_sweep_of_a_chip_without_a_line_says_so(tmp_path: Path, capsys, monkeypatch) -> None:
    place = {**CHIP, "calibration": "brisbane", "residual_population": 0.01}
    chip = {**BATH, "chip": place}
    qb.sweep(validated(Experiment, chip), {"n": AXIS}, tmp_path / "sweep.sqlite")
    _, out, _ = qbat(capsys, monkeypatch, tmp_path)
    assert out.startswith("HYPOTHETICAL: ")
    assert "brisbane has no common line" in " ".join(out.split())


def test_a_folder_with_two_results_is_ambiguous(
    results: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    for name in ("plan", "comparison"):
        shutil.copy(results / name / f"{name}.json", tmp_path)
    code, out, err = qbat(capsys, monkeypatch, tmp_path)
    assert (code, out) == (2, "")
    assert "holds 2 results, plan.json, comparison.json: name one of the files" in err
    (tmp_path / "empty").mkdir()
    code, _, err = qbat(capsys, monkeypatch, tmp_path / "empty")
    assert code == 2
    assert "holds no result" in err


@pytest.mark.parametrize("name", ["run", "collision", "plan", "comparison", "fit"])
def test_a_result_that_lost_a_part_is_one_sentence(name: str, results: Path) -> None:
    """Whatever is taken out of the file or put in its place."""
    saved = qb.load_result(results / name)
    refused = []
    for key, value in saved.content.items():
        other = "x" if isinstance(value, list | dict) else []
        for change in ({}, {key: other}):
            content = {**{k: v for k, v in saved.content.items() if k != key}, **change}
            damaged = dataclasses.replace(saved, content=content)
            for read in (
                saved_headline,
                saved_sections,
                saved_tables,
                saved_sentences,
                saved_figure,
            ):
                try:
                    read(damaged)
                except qb.InputError as error:
                    refused.append(str(error))
    assert len(refused) > 5
    assert all("is no whole result" in one and "\n" not in one for one in refused)


def test_a_hypothetical_plan_says_so_again(results: Path, tmp_path, capsys, monkeypatch) -> None:
    content = json.loads((results / "plan" / "plan.json").read_text())
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
