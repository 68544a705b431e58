"""What a sweep computes of its points: batches, single points, circuits; failures as sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweeps import (
    CHIP,
    COLLISION,
    OCCUPATION,
    computed,
    experiment,
    grid_of,
    many,
    values_by_hand,
)

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study import sweep_batch, sweep_compute
from qbat_circuits.study.collision import run_collision
from qbat_circuits.study.sweep_points import VARIABLES, Grid
from qbat_circuits.study.sweep_reading import status
from qbat_circuits.study.sweep_statement import sweep_statement
from qbat_circuits.sweep_schema import SweepAxis
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.rates import Rates
from qbat_circuits.symmetric.sectors_jm import start_populations


def batched_of(grid: Grid) -> dict[int, tuple[float, ...]]:
    return sweep_compute._batch({point: grid.content(point) for point in range(grid.size)})


@pytest.mark.parametrize(
    "change",
    [
        {"noise": {"occupation": 0.05}},
        {"noise": {"occupation": 0.1, "dephasing": 0.3}, "bath": {"rate": 0.5, "occupation": 2.0}},
        {"bath": {"rate": 1.0, "occupation": 1.0, "correlation": 0.7}},
        {"bath": {"rate": 1.0, "occupation": 1.0, "collectivity": 0.8}},
        {"bath": {"kind": "rates", "emission": 0.3, "absorption": 1.0}},
        {"start": "thermal", "noise": {"occupation": 0.2}},
    ],
)
@pytest.mark.parametrize("n_cells", [3, 12, 20])
def test_a_batch_gives_what_charge_gives(n_cells: int, change: dict[str, Any]) -> None:
    change = dict(change)
    one = many(n_cells)
    content = one.model_dump()
    content["battery"]["initial_state"] = change.pop("start", None)
    one = validated(Experiment, {**content, **change})
    grid = grid_of(one, g={"field": "noise.rate", "start": 0.0, "stop": 1.0, "num": 12})
    batched = batched_of(grid)
    # Local emission against a pump makes currents in circles, which the fit does not serve.
    assert len(batched) == 12 or ("emission" in str(change) and batched)
    for point in (0, max(batched)):
        expected = values_by_hand(validated(Experiment, grid.content(point)))
        np.testing.assert_allclose(batched[point], expected, rtol=0, atol=2e-9)


def test_models_that_the_fit_does_not_serve_are_told() -> None:
    rng = np.random.default_rng(4)
    n, times = 10, np.linspace(0.0, 10.0, 60)
    models = [Rates(*10 ** rng.uniform(-1.5, 1.2, 5)) for _ in range(60)]
    starts = np.array([start_populations(n, "excited")] * 60)
    fit = sweep_batch.time_fit(tuple(times.tolist()))
    assert fit is not None
    found, estimates = sweep_batch.populations_many(n, models, fit, times, starts)
    for rates, rows, estimate in zip(models, found, estimates, strict=True):
        model = SymmetricModel(n, **vars(rates))
        exact = model.populations(times, starts[0], tolerance=1e-11)
        error = np.abs(rows - exact).sum(axis=1).max()
        assert error <= max(estimate, 5e-11)
        if estimate < 1e-9:
            work = sweep_batch.ergotropies(n, rows)
            np.testing.assert_allclose(work, ergotropy_jm(n, exact), rtol=0, atol=2e-9)
    assert 5 < np.sum(estimates < 1e-9) < 60  # both kinds are among them


def test_cells_that_differ_and_odd_engines_are_no_batch() -> None:
    for one in (
        many(noise={"rate": [0.1] * 8}),
        many(noise={"rate": [0.1] * 2}),  # a list for two cells, which are not there
        many(bath={"rate": 1.0, "occupation": 1.0, "kind": "squeezed", "squeezing": [1.0, 0.0]}),
        many(33),
        experiment(),
        validated(
            Experiment, {**many().model_dump(), "battery": {"n_cells": 3, "initial_state": "001"}}
        ),
    ):
        grid = grid_of(one, k={"field": "bath.rate", "start": 0.5, "stop": 1.0, "num": 9})
        assert batched_of(grid) == {}


def test_a_point_that_fails_is_a_sentence_and_stops_no_other(tmp_path: Path) -> None:
    axes = {"n": {"field": "bath.occupation", "start": -1.0, "stop": 1.0, "num": 21}}
    data = qb.sweep(many(), axes, tmp_path / "s.sqlite")
    bad = data.n.values < 0
    assert (data.state.values == np.where(bad, 2, 1)).all()
    assert np.isnan(data.ergotropy.values[bad]).all()
    assert (data.ergotropy.values[data.n.values > 0.05] > 0).all()
    rule = "'occupation' must be a finite number >= 0 and <= 1e+18"
    assert data.failure.values[0] == f"{rule}, not -1.0."
    assert set(data.failure.values[~bad]) == {""}
    found = status(tmp_path / "s.sqlite")
    assert (found.size, found.done, found.failed, found.running) == (21, 11, 10, False)
    assert found.failures[0][1] == 1


def test_a_fault_of_ours_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(sweep_compute, "_curve", broken)
    (found,) = computed(grid_of(experiment(), n=OCCUPATION), [1])
    assert found.failure == "A fault of qbat_circuits: ZeroDivisionError: planted"


def test_a_batch_that_breaks_leaves_its_points_to_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grid = grid_of(many(3), k={"field": "bath.rate", "start": 0.5, "stop": 1.0, "num": 9})
    expected = computed(grid, range(9))

    def broken(*_arguments: object) -> None:
        raise np.linalg.LinAlgError("planted")

    monkeypatch.setattr(sweep_batch, "populations_many", broken)
    found = computed(grid, range(9))
    for one, other in zip(found, expected, strict=True):
        assert one.values is not None
        assert other.values is not None
        np.testing.assert_allclose(one.values, other.values, rtol=0, atol=2e-9)


def test_want_of_memory_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(model: object) -> None:
        np.empty(2**50)

    monkeypatch.setattr(sweep_compute, "_curve", greedy)
    (found,) = computed(grid_of(experiment(), n=OCCUPATION), [1])
    assert (found.failure, found.lost) == ("There was not enough memory for this point.", True)


# --- against the main job -------------------------------------------------------------------------


@pytest.mark.parametrize("content", [CHIP, None], ids=["chip", "ideal"])
def test_a_point_is_what_a_run_of_it_says(content: dict[str, Any] | None) -> None:
    one = many(3) if content is None else validated(Experiment, content)
    axis = {"field": "noise.rate", "values": [0.0, 0.3]}
    if content is not None:
        axis = {"field": "bath.temperature_k", "values": [0.2, 0.3]}
    (point,) = computed(grid_of(one, x=axis), [1])
    assert point.values is not None
    found = dict(zip(VARIABLES["bath"], point.values, strict=True))
    alone = {**one.model_dump(), "measurement": {"shots": 50}}
    if content is None:
        alone["noise"] = {"rate": 0.3}
    run = qb.run_experiment(validated(Experiment, alone))
    assert run.steady is not None
    expected = {
        "ergotropy": run.ergotropy_true,
        "energy": run.energy_true,
        "peak_time": run.plateau.peak_time,
        "plateau_start": run.plateau.start,
        "plateau_stop": run.plateau.stop,
        "last_ergotropy": float(run.curve.ergotropy[-1]),
        "steady_ergotropy": run.steady.ergotropy,
    }
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_a_point_of_mode_collision_is_what_its_run_says(tmp_path: Path) -> None:
    one = validated(Experiment, COLLISION)
    axes = {
        "theta": {"field": "collision.theta", "values": [0.4, 0.8]},
        "n": {"field": "bath.occupation", "values": [1.0, -1.0]},
    }
    data = qb.sweep(one, axes, tmp_path / "s.sqlite")
    run = run_collision(one)
    here = data.sel(theta=0.8, n=1.0)
    assert {name: float(here[name]) for name in VARIABLES["collision"]} == {
        "ergotropy": run.schedule.ergotropy,
        "energy": run.schedule.energy,
        "from_correlations": run.schedule.correlated[-1],
        "ideal_ergotropy": pytest.approx(run.noiseless[-1], abs=1e-12),
        "chosen_theta": 0.8,
        "chosen_collisions": 4,
        "two_qubit_gates": run.schedule.two_qubit_gates,
        "duration": run.schedule.duration_s,
    }
    assert data.state.values.tolist() == [[1, 2], [1, 2]]
    assert "occupation" in str(data.failure.values[0, 1])
    assert (data.theta.attrs["units"], data.duration.attrs["units"]) == ("rad", "s")
    assert data.attrs["seed"] == "7"
    assert data.attrs["statement"] == "Sweep over theta and n: circuits of collisions on fez"


def test_axes_of_mode_collision() -> None:
    one = validated(Experiment, COLLISION)
    for field, values in (
        ("collision.collisions", [2, 3]),
        ("collision.ancilla", ["measured", "random-x"]),
        ("collision.reset_error", [0.0, 0.01]),
        ("chip.residual_population", [0.0, 0.01]),
        ("measurement.seed", [1, 2]),
    ):
        grid = grid_of(one, x={"field": field, "values": values})
        assert grid.key(0) != grid.key(1)
    other = validated(Experiment, {**COLLISION, "measurement": {"shots": 10}})
    axis = {"field": "collision.collisions", "values": [2]}
    assert grid_of(other, x=axis).key(0) == grid_of(one, x=axis).key(0)
    with pytest.raises(qb.InputError, match='the charging of mode "collision", not'):
        grid_of(one, x={"field": "measurement.shots", "values": [10]})


BRISBANE = {
    "chip": {
        "calibration": "brisbane",
        "qubits": [0, 1],
        "tune_to_resonance": True,
        "residual_population": 0.01,
    },
    "bath": {"rate": 6.3e6, "occupation": 1.0},
    "charging": {"times": {"stop": 1e-6, "num": 5}},
}


def statement_of(content: dict[str, Any], **axes: dict[str, Any]) -> tuple[str, str]:
    chosen = validated(Experiment, content)
    checked = {name: SweepAxis.model_validate(axis) for name, axis in axes.items()}
    return sweep_statement(Grid.of(chosen, checked, "1"))


def test_a_chip_without_a_line_is_named_whatever_its_points_hold() -> None:
    """Neither a first value that fails nor many values hide it."""
    bad_first = {"field": "bath.occupation", "values": [-1.0, 0.5]}
    many = {"field": "chip.residual_population", "start": 0.0, "stop": 0.4, "num": 200}
    chips = {"field": "chip.calibration", "values": ["waveguide4", "brisbane"]}
    tuned = {"field": "chip.tune_to_resonance", "values": [False, True]}
    for axes in ({"n": bad_first}, {"r": many}, {"c": chips, "r": many}, {"t": tuned}):
        statement, reason = statement_of(BRISBANE, **axes)
        assert "brisbane" in statement
        assert "brisbane has no common line" in reason
    text, _ = statement_of(BRISBANE, c=chips)
    assert text == "Sweep over c: T1, T2 and readout of waveguide4, brisbane"
    text, reason = statement_of(BRISBANE, n=bad_first)
    assert "its qubits cannot be tuned to one frequency" in reason
    assert text.endswith("brisbane's T1, T2 and readout on a hypothetical common line")


def test_a_chip_with_a_line_and_cells_without_a_chip_are_not_hypothetical() -> None:
    chip = {**BRISBANE["chip"], "calibration": "waveguide4"}
    bad_first = {"field": "bath.occupation", "values": [-1.0, 0.5]}
    assert statement_of({**BRISBANE, "chip": chip}, n=bad_first)[1] == ""
    ideal = {key: value for key, value in BRISBANE.items() if key != "chip"}
    ideal["battery"] = {"n_cells": 3}
    said = statement_of(ideal, n=bad_first)
    assert said == ("Sweep over n: 3 ideal cells, dimensionless", "")


def test_a_calibration_that_is_gone_is_not_taken_for_real(tmp_path: Path) -> None:
    file = tmp_path / "gone.json"
    qb.load_calibration("waveguide4").save(file)
    chosen = validated(
        Experiment, {**BRISBANE, "chip": {**BRISBANE["chip"], "calibration": str(file)}}
    )
    axis = SweepAxis.model_validate({"field": "bath.occupation", "values": [0.5]})
    grid = Grid.of(chosen, {"n": axis}, "1")
    assert sweep_statement(grid)[1] == ""
    file.unlink()
    assert "cannot be read" in sweep_statement(grid)[1]
