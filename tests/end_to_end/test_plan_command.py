"""`qbat plan` as a stranger runs it: a verdict first, JSON on demand, mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qbat_circuits.cli import main

CIRCUIT = """
[chip]
calibration = "fez"
qubits = [132, 138]
tune_to_resonance = false
[bath]
occupation = 1.0
[charging]
mode = "collision"
[collision]
theta = 1.0
collisions = 4
"""


def qbat(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr("sys.argv", ["qbat", "plan", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def circuit(tmp_path: Path) -> Path:
    file = tmp_path / "circuit.toml"
    file.write_text(CIRCUIT)
    return file


def test_the_verdict_comes_first(circuit, capsys, monkeypatch) -> None:
    code, out, _ = qbat(capsys, monkeypatch, circuit)
    assert code == 0
    assert out.startswith("GO: ")
    for words in ("time on the chip", "goal just reached at", "What to improve first"):
        assert words in out


def test_the_bundled_example_is_no_go_because_its_chip_has_no_line(capsys, monkeypatch) -> None:
    code, out, _ = qbat(capsys, monkeypatch, "--json", "-")
    assert code == 0
    content = json.loads(out)
    assert content["go"] is False
    assert "no common line" in content["hypothetical"]
    assert content["qubits"] == [0, 1, 2]
    assert {one["scheme"] for one in content["schemes"]} == {"pauli", "dicke", "energy-basis"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--sigmas", 3, "--half-width", 0.1), "must not be given together"),
        (("--sigmas", 0), "'sigmas' must be"),
        (("--sigmas", "many"), "must be a number"),
        (("--spread", 3), "'spread' must be"),
        (("nowhere.toml",), "does not exist"),
        (("--calibration", "brisban"), "did you mean 'brisbane'"),
        (("--json", "/nowhere/else/plan.json"), "/nowhere"),
    ],
)
def test_a_mistake_gets_one_sentence(arguments, sentence, capsys, monkeypatch) -> None:
    code, out, err = qbat(capsys, monkeypatch, *arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
