"""`qbat` as a stranger runs it: the main job, its files, and one sentence for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import qbat_circuits as qb
from qbat_circuits.cli import main

IDEAL = """
[battery]
n_cells = 2
[bath]
rate = 1.0
occupation = 1.0
[noise]
rate = 0.01
[charging]
times = { start = 0.0, stop = 40.0, num = 81 }
[measurement]
shots = 2000
"""


def qbat(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["qbat", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The bundled example, run once in a process of its own: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("with a blank and an ü")
    done = subprocess.run(
        [sys.executable, "-m", "qbat_circuits", "run", "--out", "results"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # silence in a pipe
    return folder / "results", done.stdout


def test_the_example_says_first_that_it_is_hypothetical(example: tuple[Path, str]) -> None:
    folder, printed = example
    statement = "brisbane's T1, T2 and readout on a hypothetical common line"
    assert printed.splitlines()[0] == (
        f"HYPOTHETICAL: {statement} (brisbane has no common line and its qubits cannot be tuned to "
        "one frequency)"
    )
    result = json.loads((folder / "result.json").read_text())
    assert result["hypothetical"] is True
    assert f"<!-- HYPOTHETICAL: {statement} -->" in (folder / "charging.svg").read_text()
    assert qb.Counts.load(folder / "counts.json").origin == f"emulated: {statement}"
    for text in ("T1 237.4 us", "0.3265 K", "qiskit-dynamics", "ueV", "95 % interval", "Assumed"):
        assert text in printed


def test_the_example_is_right(example: tuple[Path, str]) -> None:
    """The truth is inside the interval; the two engines agree; Dicke-ladder size of the work."""
    result = json.loads((example[0] / "result.json").read_text())
    work = result["ergotropy"]
    assert work["low"] <= work["at_readout"] <= work["high"]
    assert work["low"] <= work["value"] <= work["high"]
    assert work["raw"] < work["low"]  # readout errors of 1-3 % hide work
    assert 0.23 < work["true"] < 4 / 15  # noise and 1 % residual excitation below the ideal 4/15
    assert result["engine"]["name"] == "qiskit-dynamics"
    assert result["engine"]["energy_deviation"] < 1e-9
    assert result["engine"]["ergotropy_deviation"] < 1e-9
    assert result["plateau"]["start"] < result["time_s"] < result["plateau"]["stop"]
    assert result["calibration"] == "brisbane"
    assert set(result["versions"]) == {
        "python", "qbat-circuits", "qiskit", "qiskit-aer", "qiskit-dynamics", "numpy", "scipy"
    }  # fmt: skip


def test_the_arrays_are_those_of_the_result(example: tuple[Path, str]) -> None:
    folder, _ = example
    result = json.loads((folder / "result.json").read_text())
    with xr.open_dataset(folder / "result.nc", engine="h5netcdf") as data:
        assert data.ergotropy.attrs["units"] == "hbar*mean(omega)"
        assert data.time.attrs["units"] == "s"
        assert all("units" in data[name].attrs for name in (*data.data_vars, "time"))
        best = data.ergotropy.sel(time=result["time_s"])
        assert float(best) == pytest.approx(result["ergotropy"]["true"], abs=1e-12)
        assert qb.ergotropy(data.charged_state.values) == pytest.approx(float(best), abs=1e-9)
        assert int(data.counts.sum()) == 27 * 4000
        assert data.attrs["experiment_sha256"] == result["experiment_sha256"]
        assert data.attrs["calibration_sha256"] == qb.load_calibration("brisbane").sha256
        counts = qb.Counts.load(folder / "counts.json")
        assert (data.counts.values == counts.table).all()
    again = qb.estimate_ergotropy(counts)
    assert again.low == result["ergotropy"]["low"]
    assert again.p_value == result["ergotropy"]["p_value"]
    assert again.guaranteed_low == result["ergotropy"]["guaranteed_low"]
    assert again.high == result["ergotropy"]["high"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, capsys) -> None:
    file = tmp_path / "ideal.toml"
    file.write_text(IDEAL)
    texts = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        code, _, _ = qbat(capsys, "run", file, "--seed", seed, "--out", tmp_path / name)
        assert code == 0
        lines = (tmp_path / name / "result.json").read_text().splitlines()
        texts.append([line for line in lines if '"created_at"' not in line])
        files = sorted(path.name for path in (tmp_path / name).iterdir())
        assert files == ["charging.svg", "counts.json", "result.json", "result.nc"]
    assert texts[0] == texts[1] != texts[2]
    svgs = [(tmp_path / name / "charging.svg").read_bytes() for name in "ab"]
    assert svgs[0] == svgs[1]


def test_an_ideal_battery_has_no_seconds_and_no_chip(tmp_path: Path, capsys) -> None:
    file = tmp_path / "ideal.toml"
    file.write_text(IDEAL)
    code, out, _ = qbat(capsys, "run", file, "--out", tmp_path / "o", "--json", tmp_path / "r.json")
    assert code == 0
    assert out.startswith("2 ideal cells, dimensionless, with perfect readout")
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["hypothetical"] is False
    assert (result["time_s"], result["calibration"], result["energy_quantum"]) == (None,) * 3
    assert result["ergotropy"]["true"] == pytest.approx(0.139, abs=0.003)
    assert result["steady_state"]["ergotropy"] == pytest.approx(0.0, abs=1e-9)  # theorem T2
    assert result["steady_state"]["unique"] is True


def test_json_on_standard_output_stands_alone(tmp_path: Path, capsys) -> None:
    file = tmp_path / "one.toml"
    file.write_text(IDEAL.replace("n_cells = 2", "n_cells = 1"))
    code, out, _ = qbat(capsys, "run", file, "--out", tmp_path / "o", "--json", "-")
    assert code == 0
    assert json.loads(out)["n_cells"] == 1
    code, out, _ = qbat(capsys, "run", file, "--out", tmp_path / "o")
    assert "none, W = 0 at every saved time" in out  # one cell has nothing to interfere with


def test_detuned_cells_hold_no_work_and_the_run_says_why(tmp_path: Path, capsys) -> None:
    source = Path(qb.__file__).parent / "examples" / "first_charge.toml"
    file = tmp_path / "untuned.toml"
    file.write_text(source.read_text().replace("resonance = true ", "resonance = false "))
    code, out, _ = qbat(capsys, "run", file, "--out", tmp_path / "o")
    assert code == 0
    flat = " ".join(out.split())
    assert "The cells are spread over 205 MHz, more than the collective rate" in flat
    assert "emission pathways of no two cells interfere, and every cell charges alone; cha" in flat
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert result["hypothetical"] is True  # brisbane has no common line either
    assert result["ergotropy"]["true"] < 1e-3
    assert result["ergotropy"]["low"] == 0.0


def test_a_bath_left_on_is_reported_as_a_wrong_measurement_model(tmp_path: Path, capsys) -> None:
    source = Path(qb.__file__).parent / "examples" / "first_charge.toml"
    text = source.read_text().replace(
        "rotation_s = 3.0e-8", "rotation_s = 5.0e-7\nbath_off = false"
    )
    file = tmp_path / "bath_on.toml"
    file.write_text(text)
    code, out, _ = qbat(capsys, "run", file, "--out", tmp_path / "o")
    assert code == 0
    assert "the measurement model is wrong" in " ".join(out.split())
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert result["smallest_eigenvalue_sigma"] < -5
    assert result["bath"]["off_during_readout"] is False


def test_charge_prints_a_curve_without_measuring(tmp_path: Path, capsys) -> None:
    file = tmp_path / "ideal.toml"
    file.write_text(IDEAL)
    code, out, _ = qbat(capsys, "charge", file, "--cells", 3)
    assert code == 0
    rows = out.splitlines()
    assert rows[0] == "3 ideal cells, dimensionless, with perfect readout"
    assert rows[1].split() == ["time", "E", "(hw)", "W", "(hw)"]
    assert sum("best" in row for row in rows) == 1


def test_counts_of_a_laboratory_need_no_simulation(tmp_path: Path, capsys) -> None:
    rho = qb.charge(qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0)), [20.0]).states[0]
    readout = qb.Device.from_calibration(qb.load_calibration("fez"), [3, 4]).readout
    counts = qb.emulate_counts(rho, readout, shots=4000, seed=1)
    content = {**counts.to_dict(), "origin": "lab", "readout": None, "seed": None}
    file = tmp_path / "counts.json"
    file.write_text(json.dumps(content))
    code, _, err = qbat(capsys, "estimate", file)
    assert (code, err.count("\n")) == (2, 1)
    assert "'readout' must be given because the counts carry none" in err
    code, out, _ = qbat(
        capsys, "estimate", file, "--calibration", "fez", "--qubits", "3,4",
        "--json", tmp_path / "e.json",
    )  # fmt: skip
    assert code == 0
    assert out.startswith(f"{file} (lab)")
    found = json.loads((tmp_path / "e.json").read_text())
    assert found["low"] < 1 / 7 < found["high"]
    assert found["readout_sha256"] == readout.identity()
    code, _, _ = qbat(capsys, "estimate", file, "--ideal-readout")
    assert code == 0


def test_calibrations_are_listed_shown_and_imported(tmp_path: Path, capsys) -> None:
    code, out, _ = qbat(capsys, "calibration", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(qb.bundled_calibrations())
    code, out, _ = qbat(capsys, "calibration", "show", "fez")
    assert code == 0
    assert "T1      T2" in out
    assert "(us)    (us)" in out
    assert "missing frequency: qubits 0-155; what needs it asks" in out
    assert "T2 > 2 T1: qubit 87; pure dephasing is clipped at 0." in out
    target = tmp_path / "copy.json"
    source = Path(qb.__file__).parents[1] / "calibration" / "waveguide4.json"
    code, out, _ = qbat(capsys, "calibration", "import", source, "--out", target)
    assert code == 0
    assert qb.load_calibration(target).sha256 == qb.load_calibration("waveguide4").sha256
    code, _, err = qbat(capsys, "calibration", "import", source, "--out", target)
    assert (code, "exists already" in err) == (2, True)


COUNTS = {
    "format": "qbat-counts",
    "version": 1,
    "n_cells": 1,
    "bit_order": "little",
    "settings": {"X": {"0": 50, "1": 50}, "Y": {"0": 50, "1": 50}, "Z": {"0": 90, "1": 10}},
}
DEEP = "[" * 100_000
MISTAKES = {
    "unknown chip": (["run", "--calibration", "brisbain"], "did you mean 'brisbane'"),
    "no such file": (["run", "none.toml"], "The experiment file 'none.toml' does not exist"),
    "shots 0": (
        ["run", "--shots", "0"],
        "'measurement.shots' must be a whole number >= 5 and <= 1000",
    ),
    "shots text": (["run", "--shots", "many"], "must be a whole number, not 'many'."),
    "cells 0": (["run", "--cells", "0"], "must be a whole number >= 1"),
    "cells 9": (
        ["run", "--cells", "9"],
        "'n_cells' must be <= 6 for emulated Pauli tomography, not 9",
    ),
    "qubit outside": (
        ["run", "outside.toml"],
        "be numbers from 0 to 126 on brisbane, not 127.",
    ),
    "qubit twice": (
        ["run", "twice.toml"],
        "must name each qubit once, not qubit 1 twice.",
    ),
    "negative rate": (
        ["run", "negative.toml"],
        "'rate' must be a finite number >= 0 and <= 1e",
    ),
    "nan rate": (["run", "nan.toml"], "'bath.rate' must be a finite number, not nan."),
    "occupation": (
        ["run", "cold.toml"],
        "'occupation' must be a finite number >= 0 and ",
    ),
    "unknown key": (["run", "key.toml"], "'bath.rte' is an unknown key (did you mean 'rate'"),
    "missing frequency": (["run", "fez.toml"], "'assumed_frequency_hz'"),
    "truncated JSON": (["run", "--calibration", "cut.json"], "is not valid JSON"),
    "deep JSON": (["run", "--calibration", "deep.json"], "is nested deeper than"),
    "deep counts": (["estimate", "deep.json"], "is nested deeper than"),
    "not counts": (["estimate", "calibration.json"], "A counts file must have the key"),
    "unknown command": (["rum"], "No such command 'rum'"),
    "unknown option": (["run", "--sots", "3"], "No such option: --sots"),
    "too many cells to charge": (["charge", "--cells", "13"], "13 cells with 501 saved times need"),
    "pair of options": (
        ["estimate", "x.json", "--qubits", "1"],
        "The counts file 'x.json' does not exist.",
    ),
    "options that go together": (
        ["estimate", "counts.json", "--qubits", "1"],
        "'--calibration' and '--qubits' must be given together.",
    ),
    "four hundred cells": (["run", "ideal.toml", "--cells", "400"], "would hold 1e+432 bytes"),
    "a billion cells": (
        ["run", "ideal.toml", "--cells", "1000000000"],
        "1000000, not 1000000000.",
    ),
    "microseconds as seconds": (
        ["run", "long.toml"],
        "'times' must be at most 200000 over the",
    ),
    "a hot bath": (["run", "hot.toml"], "'times' must be at most 200000 over the fastest rate"),
    "too many shots": (["run", "--shots", "999999999"], "'measurement.shots' must be a whole numb"),
    "near certainty": (
        ["run", "certain.toml"],
        "'measurement.confidence' must be at most",
    ),
    "json nowhere": (
        ["run", "--json", "ideal.toml/x.json"],
        "The file 'ideal.toml/x.json' cannot be written",
    ),
    "out is a file": (["run", "--out", "ideal.toml"], "cannot be made: a file is in the way."),
    "a name that is a path": (
        ["calibration", "import", "evil.json"],
        "'name' must be up to 64 letters, digits, '.', '_' and '-', not '../evil'.",
    ),
    "confidence": (["run", "confidence.toml"], "'measurement.confidence' must be a finite number"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    example = (Path(qb.__file__).parent / "examples" / "first_charge.toml").read_text()
    brisbane = Path(qb.__file__).parents[1] / "calibration" / "brisbane.json"
    files = {
        "outside.toml": example.replace("[0, 1, 2]", "[0, 1, 127]"),
        "twice.toml": example.replace("[0, 1, 2]", "[0, 1, 1]"),
        "negative.toml": example.replace("rate = 6.3e6", "rate = -1.0"),
        "nan.toml": example.replace("rate = 6.3e6", "rate = nan"),
        "cold.toml": example.replace("occupation = 1.0", "occupation = -0.5"),
        "key.toml": example.replace("rate = 6.3e6", "rte = 6.3e6"),
        "fez.toml": example.replace('"brisbane"', '"fez"').replace("assumed_f", "#"),
        "confidence.toml": example.replace("confidence = 0.95", "confidence = 1.0"),
        "ideal.toml": IDEAL,
        "long.toml": example.replace("stop = 1.0e-5", "stop = 1.0e5"),
        "hot.toml": example.replace("occupation = 1.0", "occupation = 1e6"),
        "certain.toml": example.replace("confidence = 0.95", "confidence = 0.9999999999999999"),
        "counts.json": json.dumps(COUNTS),
        "evil.json": brisbane.read_text().replace('"name": "brisbane"', '"name": "../evil"'),
        "cut.json": brisbane.read_text()[:5000],
        "deep.json": DEEP,
        "calibration.json": '{"format": "qbat-calibration"}',
    }
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    arguments, sentence = MISTAKES[name]
    code, out, err = qbat(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert err.startswith("qbat: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


def test_a_fault_of_ours_is_one_sentence_too(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qbat_circuits.schema.bundled_example", lambda: 1 / 0)
    code, _, err = qbat(capsys, "run")
    assert code == 1
    assert err.startswith("qbat: A fault of qbat_circuits: ZeroDivisionError: division by zero")


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    file = tmp_path / "ideal.toml"
    file.write_text(IDEAL)
    code, _, err = qbat(capsys, "run", file, "--out", tmp_path / "file" / "sub")
    assert (code, "cannot be made" in err) == (2, True)
