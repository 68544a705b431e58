"""`qbat compare`: the ladder and the fit, as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import qbat_circuits as qb
from qbat_circuits.cli.app import app
from qbat_circuits.errors import InputError
from qbat_circuits.show.saved import saved_headline
from qbat_circuits.study.fit_models import Reading

TRUTH = {"kappa": 1.0, "n": 1.0, "gamma": 0.4, "n_l": 0.3, "gamma_phi": 0.3}
TIMES = (0.3, 1.0, 3.0, 10.0)
FILE = """
[battery]
n_cells = 2
[bath]
rate = 1.0
occupation = 1.0
[noise]
rate = 0.05
[charging]
times = {stop = 5.0, num = 51}
[measurement]
shots = 500
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["compare", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    readout = qb.ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025], 2000)
    states = qb.charge(Reading.THERMAL.battery(2, TRUTH), TIMES).states
    found = []
    for seed, (time, rho) in enumerate(zip(TIMES, states, strict=True)):
        path = tmp_path / f"counts{seed}.json"
        qb.sample_counts(rho, readout, 1000, seed).save(path)
        found += ["--data", f"{time}={path}"]
    return found


def test_the_ladder_of_a_file(tmp_path: Path) -> None:
    file, out = tmp_path / "experiment.toml", tmp_path / "out"
    file.write_text(FILE)
    text = run(str(file), "--out", str(out), "--json", str(tmp_path / "copy.json"))
    assert "ideal collective" in text
    assert "+ T1" in text
    assert "No rung 'T2': nothing dephases beside T1." in text
    content = json.loads((out / "comparison.json").read_text())
    assert content == json.loads((tmp_path / "copy.json").read_text())
    assert content["kind"] == "comparison"
    assert (out / "comparison.svg").read_text().startswith("<?xml")


def test_the_bundled_example_says_that_it_is_hypothetical() -> None:
    text = run("--cells", "2", "--shots", "100")
    assert text.startswith("HYPOTHETICAL: ")
    assert "gate-level collision circuit" in text


def test_a_fit_of_counts_files(options: list[str]) -> None:
    text = run(*options)
    for word in (*TRUTH, "Readings", "same-temperature", "squeezed", "pump", "degrees of freedom"):
        assert word in text
    content = json.loads(run(*options, "--json", "-", "--confidence", "0.999"))
    assert content["kind"] == "fit"
    for name, true in TRUTH.items():
        one = content["parameters"][name]
        assert one["low"] <= true
        assert one["high"] is None or true <= one["high"]
    few = json.loads(run(*options, "--json", "-", "--free", "kappa,n", "--fixed", "gamma=0.4"))
    assert set(few["parameters"]) == {"kappa", "n"}
    assert few["fixed"]["gamma"] == 0.4
    assert few["hypothetical"] is False


def test_a_fit_of_counts_of_a_hypothetical_chip_says_so(options: list[str], tmp_path: Path) -> None:
    data = [one for one in options if "=" in one and one.endswith(".json")]
    time, file = data[0].split("=", 1)
    content = json.loads(Path(file).read_text())
    content["origin"] = "emulated: brisbane on a hypothetical common line"
    changed = tmp_path / "emulated.json"
    changed.write_text(json.dumps(content))
    swapped = [f"{time}={changed}" if one == data[0] else one for one in options]
    out = tmp_path / "out"
    text = run(*swapped, "--free", "kappa,n", "--out", str(out))
    assert text.startswith("HYPOTHETICAL")
    assert qb.load_result(out).content["hypothetical"] is True
    assert saved_headline(qb.load_result(out)).startswith("HYPOTHETICAL: ")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--data", "counts.json"], "'--data' must be TIME=COUNTS.json, not 'counts.json'"),
        (["--data", "x=counts.json"], "'--data' must hold a number as TIME, not 'x'"),
        (["--data", "1=nowhere.json"], "nowhere.json"),
        (["--data", "1=a.json", "--cells", "2"], "'--cells' must not be given with '--data'"),
        (["--reading", "pump"], "'--reading' must be given with '--data'"),
    ],
)
def test_refusals(arguments: list[str], text: str) -> None:
    with pytest.raises(InputError, match=text.replace("(", r"\(")):
        CliRunner().invoke(app, ["compare", *arguments], catch_exceptions=False)
