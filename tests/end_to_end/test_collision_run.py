"""The main job of mode "collision": circuit, noisy counts, estimate, result, and its refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import qbat_circuits as qb
from qbat_circuits.cli.app import app
from qbat_circuits.errors import InputError
from qbat_circuits.file_models import validated
from qbat_circuits.quantities.dense import correlation_ergotropy
from qbat_circuits.schema import Experiment
from qbat_circuits.show.collision import collision_figure
from qbat_circuits.study.collision import CollisionResult, run_collision
from qbat_circuits.study.collision_results import collision_content


def experiment(**changes: dict[str, Any] | None) -> Experiment:
    """Two cells of fez around an ancilla, with a fixed schedule unless it is changed."""
    content: dict[str, Any] = {
        "chip": {"calibration": "fez", "qubits": [132, 138], "tune_to_resonance": False},
        "bath": {"occupation": 1.0},
        "charging": {"mode": "collision"},
        "collision": {"theta": 1.0, "collisions": 4, "ancilla_qubit": 131},
        "measurement": {"shots": 4000, "seed": 5},
    }
    for table, change in changes.items():
        content[table] = None if change is None else {**(content.get(table) or {}), **change}
    return validated(Experiment, {k: v for k, v in content.items() if v is not None})


@pytest.fixture(scope="module")
def two() -> CollisionResult:
    return run_collision(experiment())


@pytest.fixture(scope="module")
def three() -> CollisionResult:
    """Everything left to the search."""
    return run_collision(
        experiment(
            chip={"qubits": "auto"},
            battery={"n_cells": 3},
            collision={"theta": None, "collisions": None, "ancilla_qubit": None},
        )
    )


def test_the_schedule_is_kept_and_the_estimate_covers_it(two: CollisionResult) -> None:
    schedule = two.schedule
    assert schedule.compiled.placement.ancilla == 131
    assert set(schedule.compiled.placement.cells) == {132, 138}
    assert (schedule.compiled.theta, schedule.collisions) == (1.0, 4)
    assert two.estimate.low <= schedule.ergotropy <= two.estimate.high
    assert two.estimate.energy.low <= schedule.energy <= two.estimate.energy.high
    assert two.state_deviation < 1e-9


def test_noise_costs_work_at_every_stage(two: CollisionResult, three: CollisionResult) -> None:
    for result, limit in ((two, 1 / 7), (three, 4 / 15)):
        assert result.bath_limit == pytest.approx(limit, abs=1e-9)
        assert result.bath_limit > result.bath.ergotropy[-1] > result.noiseless[-1]
        assert result.noiseless[-1] > result.schedule.ergotropy > 0.05
        assert result.extraction.net_work < result.schedule.ergotropy
        assert result.extraction.net_work < result.extraction.ideal_work


def test_the_bath_beside_it_is_at_the_time_that_the_collisions_stand_for(
    two: CollisionResult,
) -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0))
    curve = qb.charge(battery, [0.0, qb.equivalent_time(1.0, 1.0, 4)])
    assert two.bath.ergotropy[-1] == pytest.approx(curve.ergotropy[-1], abs=1e-12)


def test_the_search_beats_a_schedule_of_choice(three: CollisionResult) -> None:
    fixed = run_collision(
        experiment(
            chip={"qubits": list(three.schedule.compiled.placement.cells)},
            collision={
                "theta": 0.5,
                "collisions": 10,
                "ancilla_qubit": three.schedule.compiled.placement.ancilla,
            },
        )
    )
    assert correlation_ergotropy(fixed.schedule.state) < correlation_ergotropy(three.schedule.state)


def test_the_content_says_what_a_reader_needs(two: CollisionResult) -> None:
    content = json.loads(json.dumps(collision_content(two)))
    assert content["kind"] == "collision"
    assert content["hypothetical"] is False
    assert content["calibration"] == "fez"
    assert content["time_s"] == pytest.approx(two.schedule.duration_s)
    assert content["ergotropy"]["true"] == two.schedule.ergotropy
    assert content["ergotropy"]["low"] <= content["ergotropy"]["value"]
    assert content["circuit"]["two_qubit_gates"] == 4 * 6
    assert content["extraction"]["control_energy_counted"] is False
    assert "no common bath" not in content["statement"]  # it says that the chip has none
    assert "that the chip does not have" in content["statement"]
    assert content["ideal"]["bath_ergotropy"] > content["ergotropy"]["true"]


def test_the_same_seed_gives_the_same_numbers(two: CollisionResult) -> None:
    again = run_collision(experiment())
    assert np.array_equal(again.counts.table, two.counts.table)
    other = run_collision(experiment(measurement={"seed": 6}))
    assert not np.array_equal(other.counts.table, two.counts.table)


def test_a_given_angle_near_a_trapping_angle_is_in_the_notes() -> None:
    slow = run_collision(experiment(collision={"theta": 2.13}))
    assert any("trapping angle" in note for note in slow.notes)


def test_no_note_of_work_that_is_not_there() -> None:
    changes = {"bath": {"occupation": 0.0}, "collision": {"collisions": 2}}
    notes = run_collision(experiment(**changes)).notes
    assert not any("heats the cells unequally" in note for note in notes)


def test_the_figure_shows_both_panels(two: CollisionResult) -> None:
    left, right = collision_figure(two).axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels[:3] == ["ideal collective bath", "perfect gates", "noisy gates of fez"]
    assert len(right.lines) == 2


def test_the_command_writes_every_file(tmp_path: Path) -> None:
    file = tmp_path / "collision.toml"
    file.write_text(
        "[chip]\ncalibration = 'fez'\nqubits = [132, 138]\ntune_to_resonance = false\n"
        "[bath]\noccupation = 1.0\n[charging]\nmode = 'collision'\n"
        "[collision]\ntheta = 1.0\ncollisions = 2\nancilla = 'random-x'\n"
    )
    result = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "delivered by the noisy circuit" in result.output
    assert "HYPOTHETICAL" not in result.output
    content = json.loads((tmp_path / "out" / "result.json").read_text())
    assert content["circuit"]["ancilla"] == "random-x"
    with xr.open_dataset(tmp_path / "out" / "result.nc", engine="h5netcdf") as data:
        assert float(data.ergotropy[1]) == pytest.approx(content["ergotropy"]["true"])
    counts = qb.Counts.load(tmp_path / "out" / "counts.json")
    estimate = qb.estimate_ergotropy(counts)
    assert estimate.value == pytest.approx(content["ergotropy"]["value"], abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chip": None}, 'mode" = "collision" needs a [chip]'),
        ({"chip": {"tune_to_resonance": True}}, "'chip.tune_to_resonance' must be false"),
        ({"bath": {"occupation": None, "temperature_k": 0.3}}, "'bath.occupation' must be given"),
        ({"bath": {"rate": 1e6}}, "'bath.rate' must be left out"),
        (
            {"bath": {"occupation": None, "kind": "rates", "emission": 1.0, "absorption": 2.0}},
            "must not be inverted",
        ),
        ({"charging": {"times": {"stop": 1.0, "num": 3}}}, "'charging.times' must be left out"),
        ({"noise": {"rate": 1.0}}, "'noise' must be left out"),
        ({"measurement": {"delay_s": 1e-6}}, "'measurement.delay_s' must be left out"),
        ({"collision": {"ancilla": "purified"}}, "'collision.ancilla' must be"),
        ({"charging": {"mode": "bath"}}, "'collision' needs charging.mode"),
    ],
)
def test_what_means_nothing_for_a_circuit_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        experiment(**changes)
    assert sentence.replace('mode" =', "mode' =") in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chip": {"calibration": "waveguide4", "qubits": [0, 1]}}, "has no gates"),
        ({"collision": {"theta": 0.0}}, "'theta' must be"),
        ({"collision": {"theta": 3.5}}, "'theta' must be"),
        ({"collision": {"theta": 2.221}}, "trapping angle"),
        ({"collision": {"ancilla_qubit": 5}}, "cannot hold cells on qubits 132, 138"),
        ({"collision": {"ancilla_qubit": 500}}, "500"),
        ({"chip": {"qubits": [132, 132]}}, "132"),
        ({"bath": {"occupation": -0.5}}, "'occupation' must be"),
        ({"collision": {"assumed_durations_s": {"reset": -1.0}}}, "assumed_durations_s.reset"),
        ({"measurement": {"shots": 1}}, "'measurement.shots' must be"),
    ],
)
def test_bad_values_are_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        run_collision(experiment(**changes))
    assert sentence in str(caught.value)
    assert str(caught.value).count(". ") <= 1
