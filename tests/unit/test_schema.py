"""The experiment file: what it takes, what it refuses, and that every field is documented."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment, bundled_example

DOCS = Path(__file__).parents[2] / "docs" / "experiment-file.md"
IDEAL = {
    "battery": {"n_cells": 2},
    "bath": {"rate": 1.0, "occupation": 1.0},
    "charging": {"times": {"stop": 5.0, "num": 11}},
}
CHIP = {"calibration": "brisbane", "qubits": [0, 1], "tune_to_resonance": True}


def test_the_example_is_complete_and_hashes_its_whole_content() -> None:
    example = bundled_example()
    assert example.chip is not None
    assert example.chip.calibration == "brisbane"
    assert example.sha256() == bundled_example().sha256()
    assert example.changed(seed=8).sha256() != example.sha256()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"bath": {"rate": 1, "ocupation": 1}},
            "'bath.ocupation' is an unknown key .did you mean ",
        ),
        ({"bth": {}}, r"'bth' is an unknown key \(did you mean 'bath'\?\)."),
        ({"charging": {"times": {"stop": 1, "nm": 3}}}, "'charging.times.nm' is an unknown key"),
        ({"bath": {"rate": "1", "occupation": 1}}, "'bath.rate' must be a valid number, not '1'."),
        ({"bath": {"rate": True, "occupation": 1}}, "'bath.rate' must be a valid number, not True"),
        ({"bath": {"rate": float("nan"), "occupation": 1}}, "'bath.rate' must be a finite number"),
        ({"bath": {"occupation": 1}}, "'bath.rate' is missing."),
        ({"bath": {"rate": 1}}, "'bath' must hold one of 'occupation' and 'temperature_k'."),
        (
            {"bath": {"rate": 1, "occupation": 1, "temperature_k": 1}},
            "'bath' must hold one of 'occupation' and 'temperature_k'.",
        ),
        (
            {"bath": {"rate": 1, "occupation": 1, "kind": "squeezed"}},
            "'bath.squeezing' must be given for kind 'squeezed', and only there.",
        ),
        (
            {"bath": {"rate": 1, "occupation": 1, "kind": "squeezed", "squeezing": [1.0]}},
            r"'bath.squeezing' must be a pair \[re, im\].",
        ),
        (
            {"bath": {"rate": 1, "occupation": 1, "kind": "pump"}},
            "'bath.kind' must be 'thermal', 'squeezed' or 'rates', not 'pump'.",
        ),
        (
            {"bath": {"kind": "rates", "emission": 1}},
            "'bath' of kind 'rates' must hold 'emission' and 'absorption', and neither",
        ),
        (
            {"bath": {"rate": 1, "occupation": 1, "emission": 2}},
            "'bath.emission' and 'absorption' need kind 'rates'.",
        ),
        ({"battery": 3}, "'battery' must be a table, not 3."),
        (
            {"battery": {"n_cells": 2, "levels": 3}},
            "'battery.frequency' and 'battery.anharmonicity' must be given for more than two",
        ),
        ({"battery": {}}, r"'battery.n_cells' must be given where there is no \[chip\]."),
        ({"bath": {"rate": 1, "temperature_k": 1}}, r"'bath.temperature_k' needs a \[chip\]"),
        ({"measurement": {"delay_s": 1e-7}}, r"'measurement.delay_s' and 'rotation_s' need a"),
        ({"chip": {**CHIP, "qubits": "any"}}, "'chip.qubits' must be a valid list or 'auto', not"),
        ({"chip": {**CHIP, "qubits": [0, 1.5]}}, "'chip.qubits.1.' must be a valid integer, not 1"),
        ({"chip": {**CHIP, "qubits": [0, 1, 2]}}, "'battery.n_cells' must be the number of 'chip"),
        (
            {"chip": {k: v for k, v in CHIP.items() if k != "tune_to_resonance"}},
            "'chip.tune_to_resonance' is missing.",
        ),
        ({"chip": {**CHIP, "qubits": "auto"}, "battery": {}}, "'battery.n_cells' must be given wh"),
    ],
)
def test_bad_tables_get_one_sentence(change: dict, sentence: str) -> None:
    with pytest.raises(qb.InputError, match=sentence) as caught:
        validated(Experiment, {**IDEAL, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"[bath\nrate = 1", "is not valid TOML"),
        (b"\xff\xfe\x00", "is not UTF-8 text (byte 0)."),
        (b"a = " + b"[" * 100_000, "is nested deeper than"),
        (b"a = 1\n" * 400_000, "is larger than 1 MiB."),
        (b"[bath]\nrate = 1\n", "is refused: 'bath' must hold one of"),
        (b"a = " + b"1" * 5000, "holds a whole number of more than 4300 digits."),
    ],
)
def test_bad_files_get_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    file = tmp_path / "bad experiment.toml"
    file.write_bytes(data)
    with pytest.raises(qb.InputError, match=r"^The experiment file '.*/bad experiment") as got:
        qb.load_experiment(file)
    assert sentence in str(got.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path, rule in (
        (tmp_path, "is a directory"),
        (tmp_path / "none.toml", "does not exist"),
        ("nul\0", "cannot be read: embedded null byte"),
    ):
        with pytest.raises(qb.InputError, match=rule):
            qb.load_experiment(path)


def test_a_calibration_beside_the_file_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    file = tmp_path / "e.toml"
    file.write_bytes(
        b'[chip]\ncalibration = "mine.json"\nqubits = [0]\ntune_to_resonance = true\n'
        b"[bath]\r\nrate = 1\noccupation = 1\n[charging]\ntimes = { stop = 1, num = 3 }\n"
    )
    chip = qb.load_experiment(file).chip
    assert chip is not None
    assert chip.calibration == str(tmp_path / "mine.json")


def test_times_are_checked_by_their_names() -> None:
    for times, sentence in (
        ({"stop": 0.0, "num": 3}, "'charging.times.stop' must be a finite number > 0, not 0.0."),
        ({"start": -1.0, "stop": 1.0, "num": 3}, "'charging.times.start' must be a finite number"),
        ({"stop": 1.0, "num": 1}, "'charging.times.num' must be a whole number >= 2"),
    ):
        experiment = validated(Experiment, {**IDEAL, "charging": {"times": times}})
        with pytest.raises(qb.InputError, match=re.escape(sentence)):
            experiment.charging.times.array()


def test_changes_from_the_command_line() -> None:
    example = bundled_example()
    assert example.changed() == example
    assert example.changed(n_cells=3) == example
    two = example.changed(n_cells=2, shots=10, seed=3)
    assert two.chip is not None
    assert (two.chip.qubits, two.battery.n_cells) == ("auto", 2)
    assert (two.measurement.shots, two.measurement.seed) == (10, 3)
    other = example.changed(calibration="fez")
    assert other.chip is not None
    assert (other.chip.qubits, other.battery.n_cells) == ("auto", 3)
    ideal = validated(Experiment, IDEAL).changed(n_cells=4)
    assert ideal.battery.n_cells == 4
    with pytest.raises(qb.InputError, match=r"'--calibration' needs an experiment with a \[chip\]"):
        validated(Experiment, IDEAL).changed(calibration="fez")


def tables(model: type[BaseModel], path: str = "") -> list[str]:
    """Dotted names of every field of the schema."""
    from qbat_circuits.file_models import _models_in

    names = []
    for name, field in model.model_fields.items():
        inner = _models_in(field.annotation)
        names += tables(inner[0], f"{path}{name}.") if inner else [f"{path}{name}"]
    return names


def test_every_field_is_documented() -> None:
    page = DOCS.read_text(encoding="utf-8")
    missing = [name for name in tables(Experiment) if f"`{name}`" not in page]
    assert len(tables(Experiment)) > 25
    assert missing == []
