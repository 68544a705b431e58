"""`qbat estimate` and `qbat circuits` as a laboratory uses them: every way in, every way out."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit_ibm_runtime import RuntimeEncoder
from test_command_line import qbat

import qbat_circuits as qb
from qbat_circuits.sampling.counts import bit_strings
from qbat_circuits.sampling.multinomial import reading_probabilities

SHOTS = 100_000
SCHEMES = {
    "pauli": qb.PauliScheme(),
    "dicke": qb.DickeScheme(),
    "energy-basis": qb.EnergyBasisScheme(),
}
#: (|01> + |10>)/sqrt 2: energy 1, all of it extractable; the product bases see half of it.
BELL = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]) / 2
#: Cell 0 excited, cell 1 not.
ONE = np.diag([0.0, 1.0, 0.0, 0.0])
ERRORS = qb.ReadoutModel.from_error_rates([0.02, 0.01], [0.05, 0.03])


def settings_of(
    rho: np.ndarray,
    labels: tuple[str, ...] | None = None,
    readout: Any = None,
    shots: int = SHOTS,
) -> dict[str, dict[str, int]]:
    """Expected counts, rounded: {setting: {bit string: n}}."""
    labels = qb.pauli_settings(2) if labels is None else labels
    model = qb.ReadoutModel.ideal(2) if readout is None else readout
    table = np.rint(shots * reading_probabilities(rho, model, labels)).astype(int).tolist()
    return {
        label: {bits: n for bits, n in zip(bit_strings(2), row, strict=True) if n}
        for label, row in zip(labels, table, strict=True)
    }


def our_file(settings: dict[str, Any], **keys: Any) -> dict[str, Any]:
    header = {"format": "qbat-counts", "version": 1, "n_cells": 2, "bit_order": "little"}
    return {**header, "settings": settings, **keys}


def write(path: Path, content: Any, **options: Any) -> Path:
    path.write_text(json.dumps(content, **options))
    return path


@pytest.fixture
def estimated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `qbat estimate ... --json -` and gives the figures."""

    def run(*arguments: object) -> dict[str, Any]:
        code, out, err = qbat(capsys, "estimate", *arguments, "--json", "-")
        assert (code, err) == (0, "")
        found: dict[str, Any] = json.loads(out)
        return found

    return run


@pytest.mark.parametrize(
    ("options", "truth", "bound"),
    [
        ([], 1.0, False),
        (["--scheme", "pauli"], 1.0, False),
        (["--scheme", "dicke"], 1.0, False),
        (["--scheme", "energy-basis"], 0.5, True),
    ],
)
def test_every_scheme_reads_our_file(estimated, tmp_path, options, truth, bound) -> None:
    file = write(tmp_path / "bell.json", our_file(settings_of(BELL, readout=ERRORS)))
    rates = write(tmp_path / "readout.json", ERRORS.to_dict())
    found = estimated(file, *options, "--readout", rates)
    assert found["low"] <= truth <= found["high"]
    assert found["high"] - found["low"] < 0.03
    assert found["raw_value"] < found["low"]
    assert found["is_lower_bound"] is bound
    assert found["scheme"] == (options or ["", "pauli"])[1]
    assert found["counts"] == str(file)
    assert found["readout"] == ERRORS.to_dict()


def test_the_order_of_bits_of_a_plain_file_is_asked_for(estimated, tmp_path, capsys) -> None:
    """With energies 1 and 3, an excited cell 0 holds 1; read from the other end it would be 3."""
    file = write(tmp_path / "plain.json", settings_of(ONE))
    code, out, err = qbat(capsys, "estimate", file, "--ideal-readout")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "give '--bit-order' as 'little' (the leftmost letter and bit belong to cell N-1)" in err
    for order, energy in (("little", 1), ("big", 3)):
        found = estimated(
            file, "--bit-order", order, "--ideal-readout", "--energies", "1,3"
        )  # fmt: skip
        assert found["energy"]["value"] == pytest.approx(energy, abs=1e-9)
        assert found["plug_in"] == pytest.approx(energy, abs=1e-9)
    mirrored = {
        label[::-1]: {bits[::-1]: n for bits, n in row.items()}
        for label, row in settings_of(ONE).items()
    }
    again = estimated(
        write(tmp_path / "mirrored.json", mirrored),
        "--bit-order", "big", "--ideal-readout", "--energies", "1,3",
    )  # fmt: skip
    assert again["plug_in"] == pytest.approx(1, abs=1e-9)


def runtime_file(path: Path, labels: tuple[str, ...], bits: tuple[int, int], width: int) -> Path:
    """A runtime result without metadata: cell 0 excited on bits[0], other bits drawn."""
    rng, pubs = np.random.default_rng(3), []
    for label in labels:
        read = rng.random((2000, width)) < 0.5  # column i is bit i
        for cell, position in enumerate(bits):
            if label[1 - cell] == "Z":
                read[:, position] = cell == 0
        array = BitArray.from_bool_array(read, order="little")
        pubs.append(SamplerPubResult(DataBin(meas=array, shape=()), {}))
    path.write_text(json.dumps(PrimitiveResult(pubs), cls=RuntimeEncoder))
    return path


def test_a_runtime_result_takes_its_settings_and_bits(estimated, tmp_path, capsys) -> None:
    labels = qb.pauli_settings(2)
    file = runtime_file(tmp_path / "result.json", labels, (0, 1), 2)
    options = ["--settings", ",".join(labels), "--ideal-readout", "--energies", "1,3"]
    found = estimated(file, *options)
    assert found["energy"]["value"] == pytest.approx(1, abs=1e-9)
    assert found["low"] <= 1 <= found["high"]
    code, _, err = qbat(capsys, "estimate", file, "--ideal-readout")
    assert code == 2
    assert err.startswith("qbat: 9 of 9 circuits have no 'setting' in their metadata: give '--set")
    wide = runtime_file(tmp_path / "wide.json", labels, (3, 1), 5)
    found = estimated(wide, *options, "--bits", "3,1")
    assert found["energy"]["value"] == pytest.approx(1, abs=1e-9)
    swapped = estimated(wide, *options, "--bits", "1,3", "--scheme", "energy-basis")
    assert swapped["energy"]["value"] == pytest.approx(3, abs=1e-9)
    code, _, err = qbat(capsys, "estimate", wide, *options)
    assert (code, "name the cells' bits with '--bits'." in err) == (2, True)


def test_other_bits_of_a_plain_file_are_summed_over(estimated, tmp_path) -> None:
    """A spectator between the two cells; counted from the right, or with big from the left."""
    wide = {
        label: {
            f"{bits[0]}{spectator}{bits[1]}": n // 2
            for bits, n in row.items()
            for spectator in "01"
        }
        for label, row in settings_of(ONE).items()
    }
    file = write(tmp_path / "wide.json", wide)
    options = ["--ideal-readout", "--energies", "1,3", "--scheme", "energy-basis"]
    for order, bits, energy in (("little", "0,2", 1), ("little", "2,0", 3), ("big", "0,2", 3)):
        found = estimated(file, "--bit-order", order, "--bits", bits, *options)
        assert found["energy"]["value"] == pytest.approx(energy, abs=1e-9)
        assert found["total_shots"] == 3 * SHOTS


def calibration_counts(readout: Any, patterns: tuple[str, ...]) -> dict[str, dict[str, int]]:
    found = {}
    for prepared in patterns:
        p = readout.apply(np.eye(4)[int(prepared, 2)])
        row = np.rint(SHOTS * p).astype(int).tolist()
        found[prepared] = dict(zip(bit_strings(2), row, strict=True))
    return found


PAIR = 0.96 * np.kron(ERRORS.assignment[1], ERRORS.assignment[0])
PAIR = PAIR + 0.04 * np.eye(4)[::-1]  # both cells flip together in 4 % of the shots
PAIRED = qb.PairReadoutModel(((0, 1),), (PAIR,))
ALL = ("00", "01", "10", "11")


def test_the_readout_is_a_file_of_its_own(estimated, tmp_path) -> None:
    """Rates, assignment matrices, calibration counts, and counts of pairs that are read together;
    only the last describe cells that flip together."""
    counts = write(tmp_path / "counts.json", our_file(settings_of(BELL, readout=ERRORS)))
    files = {
        "rates": {**ERRORS.to_dict(), "calibration_shots": 5000},
        "assignment": {"assignment": ERRORS.assignment.tolist()},
        "calibration": {"counts": calibration_counts(ERRORS, ("00", "11"))},
    }
    widths = {}
    for name, content in files.items():
        found = estimated(counts, "--readout", write(tmp_path / f"{name}.json", content))
        assert found["low"] <= 1 <= found["high"]
        widths[name] = found["high"] - found["low"]
    assert widths["rates"] > widths["calibration"] > widths["assignment"]  # 5000, 100000, exact
    together = write(tmp_path / "together.json", our_file(settings_of(BELL, readout=PAIRED)))
    calibration = {"counts": calibration_counts(PAIRED, ALL), "measured_at": "2026-01-02"}
    right = estimated(
        together, "--readout", write(tmp_path / "pairs.json", {**calibration, "pairs": [[0, 1]]})
    )
    wrong = estimated(together, "--readout", write(tmp_path / "cells.json", calibration))
    assert right["plug_in"] == pytest.approx(1, abs=1e-4)
    assert abs(wrong["plug_in"] - 1) > 0.01
    assert right["readout"]["calibrated_at"] == "2026-01-02"
    held = our_file(
        settings_of(BELL, readout=PAIRED), calibration={**calibration, "pairs": [[0, 1]]}
    )
    inside = estimated(write(tmp_path / "held.json", held))
    assert {**inside, "counts": ""} == {**right, "counts": ""}


def test_a_readout_that_is_given_wins_over_that_of_the_file(estimated, tmp_path) -> None:
    content = our_file(settings_of(BELL), readout=ERRORS.to_dict())
    file = write(tmp_path / "counts.json", content)
    assert estimated(file)["readout"] == ERRORS.to_dict()
    found = estimated(file, "--ideal-readout")
    assert found["readout"] == qb.ReadoutModel.ideal(2).to_dict()
    assert found["plug_in"] == pytest.approx(1, abs=1e-9)


def test_confidence_and_seed_are_those_of_the_options(estimated, tmp_path) -> None:
    file = write(tmp_path / "counts.json", our_file(settings_of(BELL, shots=400)))
    usual = estimated(file, "--ideal-readout")
    sure = estimated(file, "--ideal-readout", "--confidence", "0.99", "--seed", "11")
    assert (usual["confidence"], sure["confidence"]) == (0.95, 0.99)
    assert (usual["seed"], sure["seed"]) == (7, 11)
    assert sure["low"] < usual["low"]


def test_an_extraction_is_the_energy_drop_beyond_an_idle(estimated, tmp_path, capsys) -> None:
    files = {}
    for name, excited in (("before", 0.9), ("after", 0.1), ("idle", 0.8)):
        rho = np.kron(np.diag([1.0, 0.0]), np.diag([1 - excited, excited]))
        content = our_file(settings_of(rho, ("ZZ",), ERRORS), readout=ERRORS.to_dict())
        files[name] = write(tmp_path / f"{name}.json", content)
    found = estimated(files["before"], "--after", files["after"], "--idle", files["idle"])
    assert found["scheme"] == "extraction"
    assert found["value"] == pytest.approx(0.8, abs=1e-4)
    assert found["net_of_idle"]["value"] == pytest.approx(0.7, abs=1e-4)
    assert found["energy_idle"]["value"] == pytest.approx(0.8, abs=1e-4)
    without = estimated(files["before"], "--after", files["after"])
    assert without["net_of_idle"] is None
    code, out, _ = qbat(capsys, "estimate", files["before"], "--after", files["after"])
    assert code == 0
    assert "energy taken out, mitigated" in out
    assert "only if the circuit is unitary" in " ".join(out.split())


def test_table_json_and_figure_say_the_same(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("counts.json"), our_file(settings_of(BELL, shots=1000)))
    command = ["estimate", "counts.json", "--ideal-readout", "--scheme", "dicke"]
    code, out, err = qbat(capsys, *command, "--json", "e.json", "--figure", "e.svg")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "counts.json (lab)"
    found = json.loads(Path("e.json").read_text())
    interval = f"[{found['low']:.4f}, {found['high']:.4f}]"
    assert interval in out
    picture = Path("e.svg").read_text()
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert interval in picture
    code, out, _ = qbat(capsys, *command, "--json", "-", "--figure", "again.SVG")
    assert code == 0
    assert out == Path("e.json").read_text()
    assert Path("again.SVG").read_bytes() == Path("e.svg").read_bytes()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["again.SVG", "counts.json", "e.json", "e.svg"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_template_is_filled_in_and_estimated(estimated, tmp_path, capsys, scheme) -> None:
    file = tmp_path / "mine.json"
    code, out, _ = qbat(capsys, "estimate", "--template", 2, file, "--scheme", scheme)
    labels = SCHEMES[scheme].settings(2)
    assert (code, out.split()[0]) == (0, str(len(labels)))
    content = json.loads(file.read_text())
    assert sorted(content["settings"]) == sorted(labels)
    code, _, err = qbat(capsys, "estimate", file, "--scheme", scheme, "--ideal-readout")
    assert (code, err.count("\n")) == (2, 1)
    assert f"{len(labels)} of {len(labels)} settings have no shots yet" in err
    content["settings"] = settings_of(BELL, labels)
    content["readout"] = qb.ReadoutModel.ideal(2).to_dict()
    found = estimated(write(file, content), "--scheme", scheme)
    truth = 0.5 if scheme == "energy-basis" else 1
    assert found["low"] <= truth <= found["high"]
    assert found["total_shots"] == SHOTS * len(labels)


def test_a_template_has_a_name_of_its_own(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert qbat(capsys, "estimate", "--template", 3)[0] == 0
    content = json.loads(Path("counts-3.json").read_text())
    assert list(content["settings"]) == list(qb.pauli_settings(3))
    assert content["n_cells"] == 3
    assert qbat(capsys, "estimate", "--template", 10, "--scheme", "dicke")[0] == 0
    assert set(json.loads(Path("counts-10.json").read_text())["settings"]["Z" * 10]) == set()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_circuits_of_a_scheme(tmp_path, capsys, scheme) -> None:
    out = tmp_path / "new" / "folder"
    code, said, _ = qbat(capsys, "circuits", 3, "--scheme", scheme, "--out", out)
    assert code == 0
    built = [*SCHEMES[scheme].circuits(3), *qb.readout_calibration_circuits(3)]
    assert f"{len(built)} circuits written" in said
    assert sorted(path.stem for path in out.iterdir()) == sorted(c.name for c in built)
    for circuit in built:
        text = (out / f"{circuit.name}.qasm").read_text()
        assert text == qb.to_openqasm3(circuit)
        assert text.startswith("OPENQASM 3")
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    code, said, err = qbat(capsys, "circuits", 3, "--scheme", scheme, "--out", out)
    assert (code, said, err.count("\n")) == (2, "", 1)
    assert "exists already and is not overwritten" in err
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def broken(**changes: Any) -> dict[str, Any]:
    """Our file with settings replaced, or with None left out."""
    settings = {**settings_of(BELL), **changes}
    return our_file({k: v for k, v in settings.items() if v is not None})


def leaky() -> dict[str, Any]:
    rows = {label: {"00": 60, "12": 20, "21": 20} for label in qb.pauli_settings(2)}
    return our_file(rows, outcomes=3)


FILES: dict[str, Any] = {
    "good.json": our_file(settings_of(BELL)),
    "plain.json": settings_of(BELL),
    "long.json": broken(XX={"000": 5}),
    "short.json": broken(XX={"0": 5}),
    "negative.json": broken(XX={"00": -1, "11": 9}),
    "half.json": broken(XX={"00": 0.5}),
    "letter.json": {**broken(), "settings": {"XA": {"00": 5}}},
    "digit.json": broken(XX={"02": 5}),
    "shots.json": {**broken(), "shots": SHOTS + 1},
    "shots-of.json": {**broken(), "shots": {"XX": 7}},
    "few.json": broken(XX={"00": 4}),
    "zero.json": broken(XX={"00": 0}),
    "empty-setting.json": broken(XX={}),
    "missing.json": broken(XX=None, ZZ=None),
    "both.json": {
        **broken(),
        "readout": ERRORS.to_dict(),
        "calibration": {"counts": {"00": {"00": 9}}},
    },
    "leaky.json": leaky(),
    "columns.json": {"assignment": [[[0.9, 0.1], [0.2, 0.9]]] * 2},
    "singular.json": {"assignment": [[[0.5, 0.5], [0.5, 0.5]]] * 2},
    "one-cell.json": {"assignment": [[[0.9, 0.1], [0.1, 0.9]]]},
    "rates.json": ERRORS.to_dict(),
    "unprepared.json": {"counts": {"00": {"00": 9}}},
    "few-shots.json": {"counts": {"00": {"00": 4}, "11": {"11": 4}}},
    "pairs.json": {"counts": {"00": {"00": 9}, "11": {"11": 9}}, "pairs": [[0, 1]]},
    "nothing.json": "",
    "text.json": "not JSON",
    "list.json": [1, 2],
    "twice.json": '{"XX": {"00": 1}, "XX": {"11": 1}}',
    "wide.json": {"XX": {"000": 5}, "ZZ": {"000": 5}},
}
GOOD = ["good.json", "--ideal-readout"]
MISTAKES: dict[str, tuple[list[str], str]] = {
    "bits too long": (["long.json"], "be counts by bit strings of 2 digits 0 and 1, not '000'."),
    "bits too short": (["short.json"], "be counts by bit strings of 2 digits 0 and 1, not '0'."),
    "bits of a third level": (["digit.json"], "bit strings of 2 digits 0 and 1, not '02'."),
    "negative count": (["negative.json"], "'settings.XX.00' must be a whole number >= 0"),
    "fraction": (["half.json"], "'settings.XX.00' must be a whole number >= 0 and <= 999999999"),
    "letter": (["letter.json"], "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'XA'."),
    "shots": (["shots.json"], "The counts of 'XX' add up to 100000, not to the 100001 of 'shots'."),
    "shots of one": (["shots-of.json"], "The counts of 'XX' add up to 100000, not to the 7"),
    "four shots": (["few.json", "--ideal-readout"], "'shots of XX' must be >= 5"),
    "zero shots": (["zero.json"], "1 of 9 settings have no shots yet, the first of them is 'XX'."),
    "empty setting": (["empty-setting.json"], "1 of 9 settings have no shots yet"),
    "missing settings": (
        ["missing.json", "--ideal-readout"],
        "The counts lack 2 of the 9 settings that are needed: 'XX', 'ZZ'.",
    ),
    "no Z...Z": (
        ["missing.json", "--after", "good.json", "--ideal-readout"],
        "'before' must hold the setting ZZ, which reads the energy.",
    ),
    "no readout": (["good.json"], "'readout' must be given because the counts carry none"),
    "both in the file": (["both.json"], "must not hold both 'readout' and 'calibration'."),
    "readout twice": (
        [*GOOD, "--readout", "rates.json"],
        "'--ideal-readout' and '--readout' exclude each other.",
    ),
    "chip and file": (
        ["good.json", "--readout", "rates.json", "--calibration", "fez", "--qubits", "3,4"],
        "'--calibration' and '--readout' exclude each other.",
    ),
    "columns": (
        ["good.json", "--readout", "columns.json"],
        "'assignment of cell 0' must be probabilities with columns that sum to 1",
    ),
    "singular": (["good.json", "--readout", "singular.json"], "of cell 0' must be invertible"),
    "readout of another size": (
        ["good.json", "--readout", "one-cell.json"],
        "'readout' must describe 2 cells like the counts, not 1.",
    ),
    "two readings for three": (
        ["leaky.json", "--readout", "rates.json"],
        "'readout' must have 3 readings a cell like the counts, not 2.",
    ),
    "unprepared level": (["good.json", "--readout", "unprepared.json"], "has none in level 1."),
    "calibration of four shots": (
        ["good.json", "--readout", "few-shots.json"],
        "'calibration_shots' must be >= ",
    ),
    "unprepared pair": (["good.json", "--readout", "pairs.json"], "but 01 was never prepared."),
    "counts as a readout": (["good.json", "--readout", "good.json"], "'readout' has no key"),
    "no readout file": (["good.json", "--readout", "none.json"], "'none.json' does not exist."),
    "unknown scheme": (
        [*GOOD, "--scheme", "dike"],
        "not 'dike' (did you mean 'dicke'?).",
    ),
    "scheme of an extraction": (
        [*GOOD, "--after", "good.json", "--scheme", "dicke"],
        "'--scheme' must be left out with '--after', which is a scheme of its own.",
    ),
    "idle alone": (
        [*GOOD, "--idle", "good.json"],
        "'--idle' must be given together with '--after'",
    ),
    "unequal energies": (
        [*GOOD, "--scheme", "dicke", "--energies", "1,1.1"],
        "'energies' must be the same for all cells in the Dicke scheme",
    ),
    "energies": ([*GOOD, "--energies", "1,one"], "'--energies' must be numbers like 0,1,2"),
    "one energy": ([*GOOD, "--energies", "1"], "'energies' must hold one number per cell (2)"),
    "confidence": ([*GOOD, "--confidence", "1"], "'confidence' must be a finite number > 0 and"),
    "confidence in words": ([*GOOD, "--confidence", "high"], "must be a number, not 'high'."),
    "seed": ([*GOOD, "--seed", "-1"], "'seed' must be a whole number >= 0, not -1."),
    "order of our file": (
        [*GOOD, "--bit-order", "big"],
        "'--bit-order' must be left out for a counts file, which fixes it itself, not 'big'.",
    ),
    "no such order": (
        ["plain.json", "--bit-order", "middle", "--ideal-readout"],
        "'--bit-order' must be one of 'little', 'big', not 'middle'.",
    ),
    "settings of our file": ([*GOOD, "--settings", "XX"], "'--settings' must be left out for a"),
    "bits of our file": ([*GOOD, "--bits", "0,1"], "'--bits' must be left out for a counts file"),
    "bits in words": (["wide.json", "--bits", "a,b"], "'--bits' must be numbers like 0,1,2, not"),
    "one bit": (
        ["wide.json", "--bit-order", "little", "--bits", "0"],
        "'--bits' must name one bit for each of the 2 letters, not 1.",
    ),
    "spectators": (["wide.json", "--bit-order", "little"], "the cells' bits with '--bits'."),
    "cells": ([*GOOD, "--cells", "2"], "No such option: --cells"),
    "a folder": (["."], "The counts file '.' is a directory."),
    "no such file": (["none.json"], "The counts file 'none.json' does not exist."),
    "empty file": (["nothing.json"], "The counts file 'nothing.json' is empty."),
    "no JSON": (["text.json"], "is not valid JSON"),
    "a list": (["list.json"], "holds no counts"),
    "a key twice": (["twice.json"], "the key 'XX' stands twice in one object"),
    "nothing at all": (
        [],
        "A file of counts must be given, or --template N to write an empty one.",
    ),
    "template 0": (["--template", "0"], "'n_cells' must be a whole number >= 1 and <= 8, not 0."),
    "template 99": (
        ["--template", "99"],
        "'n_cells' must be a whole number >= 1 and <= 8, not 99.",
    ),
    "template x": (["--template", "x"], "must be a whole number, not 'x'."),
    "template of one cell": (
        ["--template", "1", "--scheme", "dicke"],
        "must be a whole number >= 2",
    ),
    "template of no scheme": (["--template", "2", "--scheme", "all"], "'scheme' must be one of"),
    "template over a file": (
        ["--template", "2", "good.json"],
        "The file 'good.json' exists already; name another.",
    ),
    "template nowhere": (
        ["--template", "2", "no/x.json"],
        "The file 'no/x.json' cannot be written",
    ),
    "figure nowhere": ([*GOOD, "--figure", "no/x.svg"], "cannot be written: No such folder."),
    "figure of pixels": (
        [*GOOD, "--figure", "x.png"],
        "'--figure' must name a file that ends in .svg, not 'x.png'.",
    ),
    "figure on standard output": ([*GOOD, "--figure", "-"], "must name a file that ends in .svg"),
    "JSON nowhere": ([*GOOD, "--json", "no/x.json"], "cannot be written: No such folder."),
    "JSON over the counts": (
        [*GOOD, "--json", "./good.json"],
        "'--json' must name a file of its own, not 'good.json'.",
    ),
    "JSON over the readout": (
        ["good.json", "--readout", "rates.json", "--json", "rates.json"],
        "'--json' must name a file of its own",
    ),
    "JSON over the figure": (
        [*GOOD, "--json", "x.svg", "--figure", "x.svg"],
        "'--json' must name a file of its own, not 'x.svg'.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for file, content in FILES.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    arguments, sentence = MISTAKES[name]
    code, out, err = qbat(capsys, "estimate", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.startswith("qbat: ")
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["0"], "'n_cells' must be a whole number >= 1"),
        (["9"], "'n_cells' must be a whole number >= 1 and <= 8, not 9."),
        (["two"], "must be a whole number, not 'two'."),
        (["1", "--scheme", "dicke"], "'n_cells' must be a whole number >= 2 and <= 10, not 1."),
        (["2", "--scheme", "all"], "'scheme' must be one of 'pauli', 'dicke', 'energy-basis'"),
        (["2", "--out", "file"], "The folder 'file' cannot be made"),
        ([], "Missing argument 'N'."),
    ],
)
def test_mistakes_with_circuits(arguments, sentence, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    code, out, err = qbat(capsys, "circuits", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
