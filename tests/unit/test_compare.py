"""The ladder of noise models: its rungs, its sums, its sentences, its figure."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.show.comparison import (
    comparison_headline,
    comparison_sections,
    ladder_rows,
    plot_comparison,
)
from qbat_circuits.show.style import figure_of, svg_bytes
from qbat_circuits.study.compare import Comparison, compare
from qbat_circuits.study.ladder import noise_ladder


def experiment(**changes: dict[str, Any] | None) -> Experiment:
    """Two ideal cells with every kind of noise, unless it is changed."""
    content: dict[str, Any] = {
        "battery": {
            "n_cells": 2,
            "detunings": [-0.1, 0.1],
            "frequency": 5000.0,
            "anharmonicity": -300.0,
            "initial_state": "thermal",
        },
        "bath": {"rate": 1.0, "occupation": 1.0, "correlation": 0.9},
        "noise": {"rate": 0.02, "occupation": 0.05, "dephasing": 0.01},
        "charging": {"times": {"stop": 10.0, "num": 101}},
        "measurement": {"shots": 2000, "seed": 5},
    }
    for table, change in changes.items():
        content[table] = None if change is None else {**(content.get(table) or {}), **change}
    return validated(Experiment, {k: v for k, v in content.items() if v is not None})


def on_chip(**changes: dict[str, Any] | None) -> Experiment:
    chip = {
        "calibration": "fez",
        "qubits": [132, 138],
        "tune_to_resonance": True,
        "assumed_frequency_hz": 5e9,
        "residual_population": 0.01,
    }
    return experiment(
        **{
            "chip": chip,
            "battery": {key: None for key in ("frequency", "anharmonicity", "detunings")},
            "bath": {"rate": 6.3e6, "correlation": None},
            "noise": None,
            "charging": {"times": {"stop": 1e-5, "num": 101}},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def ideal() -> Comparison:
    return compare(experiment())


@pytest.fixture(scope="module")
def chip() -> Comparison:
    return compare(on_chip())


def names(result: Comparison) -> list[str]:
    return [one.rung.name for one in result.rungs]


def test_every_rung_has_one_effect_more() -> None:
    rungs = noise_ladder(experiment())
    assert [one.name for one in rungs] == [
        "ideal collective",
        "residual population",
        "T1",
        "T2",
        "detuning",
        "partial correlation",
        "leakage",
    ]
    first, residual, t1, t2, detuned, partial, leaking = (one.battery for one in rungs)
    assert first.bath == qb.CollectiveBath(1.0, 1.0)
    assert [one.initial_state for one in rungs] == ["ground", *["thermal"] * 6]
    assert residual.noise == (qb.LocalNoise(0.0, 0.05),) * 2
    assert t1.noise == (qb.LocalNoise(0.02, 0.05),) * 2
    assert t2.noise == (qb.LocalNoise(0.02, 0.05, 0.01),) * 2
    assert (t2.detunings, detuned.detunings) == ((0.0, 0.0), (-0.1, 0.1))
    assert detuned.bath == first.bath
    assert partial.bath.coupling == qb.Coupling(correlation=0.9)
    assert (partial.levels, leaking.levels) == (2, 3)


def test_a_mixture_is_one_collective_rate_first() -> None:
    given = experiment(bath={"correlation": None, "collectivity": 0.75})
    *before, partial, _ = noise_ladder(given)
    assert all(one.battery.bath.rate == 1.0 for one in before)
    assert before[-1].battery.noise[0].rate == pytest.approx(0.02)
    assert partial.name == "partial correlation"
    assert partial.battery.bath.rate == 0.75
    assert partial.battery.noise[0].rate == pytest.approx(0.27)


def test_losses_add_up(ideal: Comparison) -> None:
    works = [one.ergotropy for one in ideal.rungs]
    losses = [one.loss for one in ideal.rungs]
    assert losses[0] is None
    assert works[0] == pytest.approx(1 / 7, abs=1e-4)
    assert works[0] - sum(losses[1:]) == pytest.approx(works[-1])
    assert min(losses[1:-1]) > 0  # leakage alone adds energy
    for one in ideal.rungs:
        curve = qb.charge(one.rung.battery, one.curve.times, one.rung.initial_state)
        assert one.ergotropy == pytest.approx(curve.ergotropy.max(), abs=1e-9)
        assert one.energy == pytest.approx(curve.energy[curve.best], abs=1e-9)


def test_readout_of_the_last_rung(ideal: Comparison, chip: Comparison) -> None:
    for result in (ideal, chip):
        seen = result.readout
        assert seen is not None
        assert seen.low <= seen.mitigated <= seen.high
        assert (seen.shots, seen.seed) == (2000, 5)
        assert seen.raw_bias == seen.raw - seen.true
    assert ideal.readout is not None
    assert ideal.readout.raw == pytest.approx(ideal.readout.mitigated)  # a perfect readout
    again = compare(experiment()).readout
    assert again == ideal.readout


def test_what_is_left_out_is_said(ideal: Comparison, chip: Comparison) -> None:
    assert "No rung 'gate-level collision circuit': there is no [chip]." in ideal.notes
    assert any("above the two lowest" in note for note in ideal.notes)
    assert "No rung 'detuning': the cells are at one frequency." in chip.notes
    assert "No rung 'leakage': no anharmonicity is known." in chip.notes
    pump = {"kind": "rates", "emission": 0.5, "absorption": 1.5, "rate": None, "occupation": None}
    levels = "No rung 'leakage': more levels take a thermal bath and no extra dissipators."
    assert levels in compare(experiment(bath=pump)).notes


def test_a_chip_without_a_line_is_hypothetical_and_has_a_circuit(chip: Comparison) -> None:
    assert comparison_headline(chip).startswith("HYPOTHETICAL: ")
    assert names(chip) == ["ideal collective", "residual population", "T1", "T2"]
    assert chip.circuit is not None
    assert set(chip.circuit.compiled.placement.cells) == {132, 138}
    assert 0 < chip.circuit.ergotropy < chip.rungs[-1].ergotropy


def test_as_json(ideal: Comparison, chip: Comparison) -> None:
    for result in (ideal, chip):
        content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert (content["format"], content["kind"]) == ("qbat-result", "comparison")
        assert [one["name"] for one in content["rungs"]] == names(result)
        assert content["hypothetical"] is bool(result.hypothetical)
    assert chip.to_dict()["circuit"]["qubits"] == list(chip.circuit.compiled.placement.cells)


def drawn(result: Comparison | dict[str, Any]) -> bytes:
    return svg_bytes(figure_of(plot_comparison(result)))


def test_rows_and_figure(ideal: Comparison, chip: Comparison) -> None:
    _, rows = ladder_rows(ideal)
    assert rows[0][0] == "ideal collective"
    assert rows[2][0] == "+ T1"
    assert float(rows[2][2]) == pytest.approx(-(ideal.rungs[2].loss or 0), abs=1e-4)
    assert [title for title, _ in comparison_sections(ideal)] == ["Rung 'readout'"]
    assert len(list(comparison_sections(chip))) == 2
    for result, bars in ((ideal, 7), (chip, 4)):
        axes = plot_comparison(result)
        widths = [bar.get_width() for bar in axes.patches[:bars]]
        np.testing.assert_allclose(widths, [one.ergotropy for one in result.rungs])
        assert drawn(result) == drawn(result) == drawn(result.to_dict())
    assert plot_comparison(chip).get_title(loc="left").startswith("HYPOTHETICAL")


def test_batteries_of_ones_own() -> None:
    cold = qb.Battery.mixture(3, 1.0, 1.0, 0.9)
    found = compare(
        {"alone": qb.Battery.identical(3, qb.CollectiveBath(1, 1)), "mixed": cold}, [1.0, 5.0]
    )
    assert names(found) == ["alone", "mixed"]
    assert found.rungs[1].ergotropy == qb.charge(cold, [1.0, 5.0]).ergotropy.max()
    assert found.to_dict()["experiment"] is None


def test_refusals() -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(1, 1))
    for arguments, text in (
        (({},), "'models' must be an Experiment or batteries by name"),
        (({"a": 1}, [1.0]), r"'models\['a'\]' must be a Battery"),
        (({"a": battery},), "'times' must be given for batteries"),
        ((experiment(), [1.0]), "'times' must be left to the experiment"),
    ):
        with pytest.raises(InputError, match=text):
            compare(*arguments)
