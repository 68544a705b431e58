"""`qbat show` reads back what the other commands wrote, and refuses what they did not."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr
from hostile.corruption import spoiled_json
from saved_results import write_every_kind

import qbat_circuits as qb
from qbat_circuits.cli import main
from qbat_circuits.json_files import json_bytes
from qbat_circuits.show.saved import (
    saved_figure,
    saved_headline,
    saved_sections,
    saved_sentences,
    saved_tables,
)
from qbat_circuits.study import netcdf
from qbat_circuits.study.sweep_export import export_sweep


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_every_kind(folder)
    (folder / "netcdf").mkdir()
    export_sweep(folder / "sweep" / "sweep.sqlite", folder / "netcdf" / "sweep.nc")
    return folder


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", "show", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


KINDS = ["run", "ideal", "collision", "plan", "comparison", "fit", "sweep", "netcdf"]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_shown_and_drawn(
    name: str, results: Path, tmp_path: Path, capsys, monkeypatch
) -> None:
    figure = tmp_path / "figure.svg"
    code, out, err = qbat(capsys, monkeypatch, results / name, "--figure", figure)
    assert (code, err) == (0, "")
    saved = qb.load_result(results / name)
    content = saved.content
    assert saved.kind == {"netcdf": "sweep", "ideal": "run"}.get(name, name)
    for one in figures_of(saved):
        assert one in out, one
    head = {"plan": "NO-GO, HYPOTHETICAL: "}.get(name, content["statement"][:40])
    if name != "plan" and content["hypothetical"]:
        head = f"HYPOTHETICAL: {head}"
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
        return ["6 of 6", f"{float(saved.arrays.ergotropy.max()):.4f} hw at occupation 2"]
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


def test_a_chip_without_a_line_is_named_again(results: Path, capsys, monkeypatch) -> None:
    for name in ("plan", "comparison", "sweep", "netcdf"):
        _, out, _ = qbat(capsys, monkeypatch, results / name)
        assert "HYPOTHETICAL" in out.splitlines()[0]
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


@pytest.mark.parametrize("name", ["run", "collision", "plan", "comparison", "fit"])
def test_spoiled_results_are_read_or_refused(name: str, results: Path, tmp_path: Path) -> None:
    """One sentence of bounded length, whatever stands in the file, and never more than seconds."""
    good = qb.load_result(results / name).content
    rng = random.Random(f"results {name}")
    file = tmp_path / "spoiled.json"
    begun, refused, tried = time.monotonic(), 0, 0
    while tried < 200 and time.monotonic() - begun < 1.5:
        file.write_bytes(spoiled_json(rng, good))
        tried += 1
        started = time.monotonic()
        try:
            saved = qb.load_result(file)
            for read in (saved_headline, saved_sections, saved_tables, saved_sentences):
                read(saved)
        except qb.InputError as error:
            refused += 1
            sentence = str(error).replace(repr(str(file)), "")
        else:
            sentence = ""
        assert sentence.isprintable()
        assert len(sentence) < 600
        assert time.monotonic() - started < 5
    assert tried > 20
    assert refused > tried / 4


def test_spoiled_arrays_are_read_or_refused(results: Path, tmp_path: Path) -> None:
    """HDF5 may hang or crash on them, which happens to a process of its own."""
    shutil.copy(results / "run" / "result.json", tmp_path)
    whole = (results / "run" / "result.nc").read_bytes()
    rng = random.Random(3)
    begun, outcomes = time.monotonic(), []
    while len(outcomes) < 12 and time.monotonic() - begun < 10:
        data = bytearray(whole)
        for _ in range(rng.choice((1, 8, 64))):
            data[rng.randrange(min(len(data), 4000))] = rng.randrange(256)
        (tmp_path / "result.nc").write_bytes(data[: rng.choice((len(data), len(data) // 2))])
        try:
            outcomes.append(qb.load_result(tmp_path).arrays is not None)
        except qb.InputError as error:
            assert "is no NetCDF file of a result" in str(error)  # noqa: PT017
            outcomes.append(False)
    assert False in outcomes


def test_arrays_that_hang_or_are_too_large_are_refused(
    results: Path, tmp_path: Path, monkeypatch
) -> None:
    shutil.copy(results / "run" / "result.json", tmp_path)
    shutil.copy(results / "run" / "result.nc", tmp_path)
    monkeypatch.setattr(netcdf, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(netcdf, "_PROBE", "while True: pass")
    with pytest.raises(qb.InputError, match=r"\(not read within 0.3 s\)"):
        qb.load_result(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(netcdf, "MAX_NETCDF_BYTES", 1000)
    with pytest.raises(qb.InputError, match="is larger than 0 MiB"):
        qb.load_result(tmp_path)
    monkeypatch.undo()
    bomb = xr.Dataset({"zeros": ("x", np.zeros(40_000_000))})
    packed = {"zeros": {"compression": "gzip", "compression_opts": 9}}
    bomb.to_netcdf(tmp_path / "result.nc", engine="h5netcdf", encoding=packed)
    assert (tmp_path / "result.nc").stat().st_size < 2_000_000
    with pytest.raises(qb.InputError, match="holds more than 256 MiB of arrays"):
        qb.load_result(tmp_path)


def test_a_plan_says_go_again(results: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    content = json.loads((results / "plan" / "plan.json").read_text())
    content |= {"go": True, "hypothetical": None, "reason": "the work is above it."}
    (tmp_path / "plan.json").write_bytes(json_bytes(content))
    _, out, _ = qbat(capsys, monkeypatch, tmp_path / "plan.json")
    assert out.startswith("GO: the work is above it.")


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
