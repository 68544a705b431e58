"""The main job from inside: what happens between charging and readout, notes and refusals."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.show.summary import headline, sentences, summary_sections
from qbat_circuits.study import experiment as job
from qbat_circuits.study.model import build_model

KAPPA = 6.3e6


def experiment(**changes: dict[str, Any]) -> Experiment:
    """Two cells of the engineered waveguide, with tables replaced or added to."""
    content: dict[str, Any] = {
        "chip": {"calibration": "waveguide4", "qubits": [0, 1], "tune_to_resonance": True},
        "bath": {"rate": KAPPA, "occupation": 1.0},
        "charging": {"times": {"stop": 1e-6, "num": 51}},
        "measurement": {"shots": 40_000, "seed": 3},
    }
    for table, change in changes.items():
        content[table] = {**content.get(table, {}), **change}
    return validated(Experiment, content)


def later(battery: qb.Battery, rho: np.ndarray, time: float) -> np.ndarray:
    """exp(L t) on the full space, written out here."""
    d = rho.shape[0]
    flat = scipy.linalg.expm(battery.liouvillian().toarray() * time) @ rho.reshape(-1, order="F")
    return flat.reshape(d, d, order="F")


@pytest.mark.parametrize("bath_off", [True, False])
def test_the_delay_acts_on_the_charged_state(bath_off: bool) -> None:
    result = job.run_experiment(experiment(measurement={"delay_s": 4e-6, "bath_off": bath_off}))
    battery = result.model.battery.without_bath() if bath_off else result.model.battery
    expected = later(battery, result.curve.states[result.curve.best], 4e-6)
    assert result.ergotropy_at_readout == pytest.approx(qb.ergotropy(expected), abs=1e-9)
    assert result.energy_at_readout == pytest.approx(qb.energy(expected), abs=1e-9)
    assert result.estimate.low <= result.ergotropy_at_readout <= result.estimate.high
    assert abs(result.energy_at_readout - result.energy_true) > (0.05 if bath_off else 1e-3)


@pytest.mark.parametrize("bath_off", [True, False])
def test_noise_acts_on_the_rotated_state_until_readout(bath_off: bool) -> None:
    """Counts follow Born probabilities of rotate-then-evolve, worked out with plain matrices."""
    table = {"rotation_s": 8e-7, "bath_off": bath_off}
    model = build_model(experiment(measurement=table))
    charged = job.charge_model(model).states[-1]
    waiting = job.battery_while_waiting(model)
    counts = job.measure(model, waiting, charged)
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    turns = {"X": hadamard, "Y": hadamard @ np.diag([1, -1j]), "Z": np.eye(2)}
    shots = model.experiment.measurement.shots
    for setting, row in zip(counts.settings, counts.table, strict=True):
        turn = np.kron(turns[setting[0]], turns[setting[1]])
        rotated = later(waiting, turn @ charged @ turn.conj().T, 8e-7)
        expected = model.readout.apply(np.diag(rotated).real)
        spread = np.sqrt(expected * (1 - expected) / shots)
        assert np.all(np.abs(row / shots - expected) < 5 * spread)
    still = job.measure(build_model(experiment()), waiting, charged)
    assert np.abs(still.table - counts.table).max() > 20 * np.sqrt(shots) * (0.1 if bath_off else 1)


def test_a_bath_slower_than_the_local_noise_is_noted() -> None:
    model = build_model(experiment(bath={"rate": 3e4, "occupation": 1.0}))
    assert any("rate 30000 is below the fastest local rate 32666.7" in n for n in model.notes)
    assert any(
        "the calibration says 6.283e+06/s for the line of waveguide4" in n for n in model.notes
    )
    usual = build_model(experiment(bath={"rate": 2 * np.pi * 1e6, "occupation": 1.0}))
    assert not any("rate" in note for note in usual.notes)


def test_noise_of_the_experiment_replaces_the_chips_and_says_so() -> None:
    strong = build_model(experiment(noise={"rate": 1e8}))
    assert strong.battery.noise == (qb.LocalNoise(1e8),) * 2
    assert "T1, T2" not in strong.statement
    assert any("below the fastest local rate 1e+08" in note for note in strong.notes)
    assert "the experiment's [noise] instead of T1 and T2 of waveguide4" in strong.assumptions
    quiet = build_model(experiment(noise={"rate": 0.0}, bath={"rate": 1e3, "occupation": 1.0}))
    assert not any("below the fastest" in note for note in quiet.notes)
    chip = {"calibration": "brisbane"}  # states no residual population, and none is needed here
    assert build_model(experiment(chip=chip, noise={"rate": 1.0})).battery.noise[0].rate == 1.0


def test_cells_that_still_interfere_are_named(tmp_path) -> None:
    """5.0, 5.0 and 5.2 GHz: two cells interfere, and nobody is told that the work is ~0."""
    chip = qb.load_calibration("waveguide4")
    moved = dataclasses.replace(chip.qubits[2], frequency_hz=5.2e9)
    path = tmp_path / "three.json"
    qubits = (*chip.qubits[:2], moved, chip.qubits[3])
    dataclasses.replace(chip, name="three", qubits=qubits).save(path)
    table = {"calibration": str(path), "qubits": [0, 1, 2], "tune_to_resonance": False}
    model = build_model(experiment(chip=table))
    curve = job.charge_model(model)
    note = job.charging_notes(model, curve)[0]
    gain = curve.ergotropy_gain.max()
    assert gain > 0.1
    assert "only cells 0 and 1 interfere" in note
    assert note.endswith(f"charging adds at most {gain:.2g} of ergotropy.")


def test_engines_that_disagree_give_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = job._independent

    def off(curve: qb.ChargingCurve, model: Any) -> qb.ChargingCurve:
        other = honest(curve, model)
        return dataclasses.replace(other, ergotropy=other.ergotropy + 1e-6)

    monkeypatch.setattr(job, "_independent", off)
    with pytest.raises(qb.AccuracyError, match="The two engines differ by 1e-06, more than 1e-07"):
        job.run_experiment(experiment())


def test_the_reported_deviation_is_that_of_the_two_engines() -> None:
    result = job.run_experiment(experiment(charging={"tolerance": 1e-9}))
    exact = qb.charge(result.model.battery, result.curve.times, "thermal", engine="propagator")
    assert result.energy_deviation == np.abs(result.curve.energy - exact.energy).max() > 0
    assert result.ergotropy_deviation == np.abs(result.curve.ergotropy - exact.ergotropy).max()


def test_a_start_that_holds_work_shows_its_gain() -> None:
    result = job.run_experiment(experiment(battery={"initial_state": "11"}))
    rows = dict(dict(summary_sections(result))["Charging"])
    assert rows["best charging time"] == "0 us"
    assert rows["  of it not in the start"].startswith("0.0000 hw")


def test_a_pump_from_the_experiment_file() -> None:
    pump = {"kind": "rates", "emission": 1.0, "absorption": 3.0}
    ideal = validated(
        Experiment,
        {
            "battery": {"n_cells": 2},
            "bath": pump,
            "charging": {"times": {"stop": 30.0, "num": 61}},
            "measurement": {"shots": 1000},
        },
    )
    result = job.run_experiment(ideal)
    p = 3.0 ** np.arange(3)
    p /= p.sum()
    assert result.ergotropy_true == pytest.approx(np.arange(3) @ p - 1 + p[2], abs=1e-8)
    rows = dict(dict(summary_sections(result))["Charging"])
    assert rows["collective bath"] == "emission 1, absorption 3"
    assert headline(result.model) == "2 ideal cells, dimensionless, with perfect readout"
    ((title, notes),) = sentences(result.model, result.notes)
    assert title == "Notes"
    assert [note.split(":")[0] for note in notes] == [
        "2 cells without local noise share one detuning",
        "The bath gives more than it takes",
    ]
