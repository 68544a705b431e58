"""Sweeps: axes, keys, the store, failures as sentences, batches against single points, exports."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study import sweep_batch, sweep_compute, sweep_workers
from qbat_circuits.study.sweep import progress_text, run_sweep
from qbat_circuits.study.sweep_compute import compute, tasks_of
from qbat_circuits.study.sweep_export import export_sweep
from qbat_circuits.study.sweep_points import VARIABLES, Grid, PointResult
from qbat_circuits.study.sweep_store import SweepStore, read_points, status
from qbat_circuits.sweep_schema import SweepAxis, axis_values
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.rates import Rates
from qbat_circuits.symmetric.sectors_jm import start_populations

PAIR = {
    "battery": {"n_cells": 2},
    "bath": {"rate": 1.0, "occupation": 1.0},
    "charging": {"times": {"stop": 3.0, "num": 16}, "engine": "propagator"},
}
OCCUPATION = {"field": "bath.occupation", "values": [0.5, 1.0, 2.0]}
NOISE = {"field": "noise.rate", "start": 0.0, "stop": 0.2, "num": 3}


def experiment(**change: Any) -> Experiment:
    return validated(Experiment, {**PAIR, **change})


def many(n_cells: int = 8, **change: Any) -> Experiment:
    charging = {"times": {"stop": 4.0, "num": 50}}
    return experiment(battery={"n_cells": n_cells}, charging=charging, **change)


def grid_of(one: Experiment, **axes: dict[str, Any]) -> Grid:
    return Grid.of(one, {n: validated(SweepAxis, a) for n, a in axes.items()}, qb.__version__)


# --- axes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ({"field": "bath.occupation", "start": 0, "stop": 1, "num": 3}, (0.0, 0.5, 1.0)),
        ({"field": "noise.rate", "values": [1, 0.5]}, (1.0, 0.5)),
        ({"field": "battery.n_cells", "start": 2, "stop": 4, "num": 3}, (2, 3, 4)),
        ({"field": "chip.calibration", "values": ["fez", "brisbane"]}, ("fez", "brisbane")),
        ({"field": "chip.tune_to_resonance", "values": [True, False]}, (True, False)),
        ({"field": "charging.times.stop", "values": [2.5]}, (2.5,)),
    ],
)
def test_any_scalar_field_is_an_axis(axis: dict[str, Any], values: tuple[Any, ...]) -> None:
    found = axis_values(Experiment, "a", validated(SweepAxis, axis))
    assert found == values
    assert [type(one) for one in found] == [type(one) for one in values]


@pytest.mark.parametrize(
    ("axis", "sentence"),
    [
        ({"field": "bath.ocupation", "values": [1]}, r"did you mean 'bath.occupation'"),
        (
            {"field": "occupation", "values": [1]},
            "must be a field of the experiment, not 'occupati",
        ),
        ({"field": "bath", "values": [1]}, "must be a scalar field, and 'bath' is a table or list"),
        ({"field": "battery.energies", "values": [1]}, "must be a scalar field, and 'battery.ener"),
        (
            {"field": "measurement.shots", "values": [9]},
            "must be a field that changes the charging",
        ),
        (
            {"field": "battery.n_cells", "values": [2.5]},
            "must be a valid integer for 'battery.n_ce",
        ),
        ({"field": "bath.occupation", "values": ["1"]}, "must be a valid number for 'bath.occupat"),
        ({"field": "bath.occupation", "values": [True]}, "must be a valid number"),
        ({"field": "bath.kind", "values": ["termal"]}, "must be 'thermal', 'squeezed' or 'rates'"),
        ({"field": "bath.occupation", "values": [1, 1.0]}, "an axis without a value twice, not 1"),
        ({"field": "bath.occupation", "values": []}, "must hold 1 to 1000000 values, not 0"),
        ({"field": "bath.rate", "start": 0, "stop": 1, "num": 0}, "'sweep.a.num' must be a whole"),
        (
            {"field": "bath.rate", "values": [float("nan")]},
            "'sweep.a.values.0.' must be .* a finite num",
        ),
        ({"field": "bath.rate", "start": 0, "stop": float("nan"), "num": 2}, "a finite number"),
        ({"field": "bath.rate", "start": 0, "num": 2}, "must hold 'field' and either 'values' or"),
        ({"field": "bath.rate", "start": 0, "stop": 1, "num": 2, "values": [1]}, "and either 'va"),
        ({"field": "bath.rate", "values": [1], "step": 1}, "'sweep.a.step' is an unknown key"),
        (3, "must be a table"),
    ],
)
def test_a_bad_axis_gets_one_sentence(axis: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(qb.InputError, match=sentence) as caught:
        run_sweep(experiment(), {"a": axis}, tmp_path / "s.sqlite")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_bad_sweeps_get_one_sentence(tmp_path: Path) -> None:
    other = {"field": "bath.occupation", "values": [3.0]}
    for one, axes, sentence in (
        (experiment(), {}, "must hold at least one axis"),
        (experiment(), None, "must hold at least one axis"),
        (experiment(), {"energy": OCCUPATION}, "named by words that no result has, not 'energy'"),
        (experiment(), {"a b": OCCUPATION}, "named by words"),
        (experiment(), {"a": OCCUPATION, "b": other}, "one axis for each field, not two for bath"),
    ):
        with pytest.raises(qb.InputError, match=sentence):
            run_sweep(one, axes, tmp_path / "s.sqlite")
    collision = validated(
        Experiment,
        {
            "chip": {"calibration": "fez", "qubits": [0], "tune_to_resonance": False},
            "bath": {"occupation": 1.0},
            "charging": {"mode": "collision"},
        },
    )
    with pytest.raises(qb.InputError, match='must be "bath" for a sweep, not "collision"'):
        run_sweep(collision, {"n": OCCUPATION}, tmp_path / "s.sqlite")
    with pytest.raises(qb.InputError, match=r"The folder of the store '.*' does not exist"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "none" / "s.sqlite")
    with pytest.raises(qb.InputError, match="must not both be given"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s", client="tcp://x", workers=1)
    with pytest.raises(qb.InputError, match="'workers' must be a whole number >= 1"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite", workers=0)


# --- points and keys ------------------------------------------------------------------------------


def test_a_point_is_the_experiment_with_its_fields_replaced() -> None:
    grid = grid_of(experiment(), n=OCCUPATION, g=NOISE)
    assert (grid.shape, grid.size) == ((3, 3), 9)
    content = grid.content(5)
    assert (content["bath"]["occupation"], content["noise"]["rate"]) == (1.0, 0.2)
    assert grid.content(0)["bath"]["occupation"] == 0.5  # nothing is shared and changed
    assert validated(Experiment, content).battery.n_cells == 2
    assert Grid.from_json(grid.to_json()) == grid


def test_a_key_hashes_what_changes_the_answer_and_nothing_else(tmp_path: Path) -> None:
    grid = grid_of(experiment(), n=OCCUPATION, g=NOISE)
    keys = {grid.key(point) for point in range(grid.size)}
    assert len(keys) == grid.size
    shots = experiment(measurement={"shots": 10})
    assert grid_of(shots, n=OCCUPATION, g=NOISE).key(3) == grid.key(3)
    # The same point of another grid, whatever the axes are called.
    small = grid_of(experiment(), x=NOISE, y={**OCCUPATION, "values": [1.0]})
    assert small.key(2) == grid.key(5)
    for other in (
        experiment(bath={"rate": 1.5, "occupation": 1.0}),
        experiment(charging={**PAIR["charging"], "engine": "auto"}),
    ):
        assert grid_of(other, n=OCCUPATION, g=NOISE).key(3) != grid.key(3)
    newer = Grid(grid.base, grid.names, grid.fields, grid.values, "99.0")
    assert newer.key(3) != grid.key(3)


def test_a_key_knows_the_content_of_the_calibration(tmp_path: Path) -> None:
    chip = {"qubits": [0, 1], "tune_to_resonance": True}
    keys = []
    for word in ("one", "another"):
        calibration = qb.load_calibration("brisbane").to_dict()
        calibration["description"] = word
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(calibration))
        one = validated(
            Experiment,
            {
                "chip": {**chip, "calibration": str(path)},
                "bath": {"rate": 1e6, "occupation": 1.0},
                "charging": {"times": {"stop": 1e-6, "num": 5}},
            },
        )
        keys.append(grid_of(one, n=OCCUPATION).key(0))
    assert keys[0] != keys[1]


def test_groups_do_not_depend_on_where_a_sweep_stopped() -> None:
    axis = {"field": "bath.occupation", "start": 0.1, "stop": 1.0, "num": 250}
    grid = grid_of(many(), n=axis)
    whole = list(tasks_of(grid, range(250)))
    assert [len(task) for task in whole] == [100, 100, 50]
    assert list(tasks_of(grid, range(100, 250))) == whole[1:]
    assert list(tasks_of(grid_of(experiment(), n=OCCUPATION), range(3))) == [(0,), (1,), (2,)]


# --- values ---------------------------------------------------------------------------------------


def values_by_hand(one: Experiment) -> tuple[float, ...]:
    from qbat_circuits.study.model import build_model

    model = build_model(one)
    curve = qb.charge(model.battery, one.charging.array(), model.initial_state, engine="auto")
    plateau, best = curve.plateau(), int(np.argmax(curve.ergotropy >= curve.ergotropy.max() - 1e-9))
    steady = qb.steady_state(model.battery, model.initial_state).ergotropy
    window = plateau.start, plateau.stop
    return (
        float(curve.ergotropy[best]),
        float(curve.energy[best]),
        float(curve.times[best]),
        *window,
        float(curve.ergotropy[-1]),
        steady,
    )


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
    batched = sweep_compute._batch(grid, range(12))
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
        many(bath={"rate": 1.0, "occupation": 1.0, "kind": "squeezed", "squeezing": [1.0, 0.0]}),
        many(33),
        experiment(),
        validated(
            Experiment, {**many().model_dump(), "battery": {"n_cells": 3, "initial_state": "001"}}
        ),
    ):
        grid = grid_of(one, k={"field": "bath.rate", "start": 0.5, "stop": 1.0, "num": 9})
        assert sweep_compute._batch(grid, range(9)) == {}


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
    (found,) = compute(grid_of(experiment(), n=OCCUPATION), [1])
    assert found.failure == "A fault of qbat_circuits: ZeroDivisionError: planted"


# --- store ----------------------------------------------------------------------------------------


def test_what_is_stored_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes, store = {"n": OCCUPATION, "g": NOISE}, tmp_path / "s.sqlite"
    grid = grid_of(experiment(), **axes)
    with SweepStore(store, grid) as kept:
        kept.add(compute(grid, [4, 7]))
    asked: list[int] = []
    monkeypatch.setattr(
        sweep_workers, "compute", lambda g, task: asked.extend(task) or compute(g, task)
    )
    data = qb.sweep(experiment(), axes, store)
    assert sorted(asked) == [0, 1, 2, 3, 5, 6, 8]
    assert (data.state == 1).all()
    asked.clear()
    assert qb.sweep(experiment(), axes, store).equals(data)
    assert asked == []


def test_commits_come_in_batches_of_points_or_seconds(tmp_path: Path) -> None:
    grid = grid_of(many(), n={"field": "bath.rate", "start": 1.0, "stop": 2.0, "num": 300})
    path = tmp_path / "s.sqlite"

    def result(point: int) -> PointResult:
        return PointResult(point, (0.0,) * len(VARIABLES), None, 0.0)

    with SweepStore(path, grid) as kept:
        kept.add(map(result, range(99)))
        assert len(list(read_points(path))) == 0
        kept.add([result(99)])
        assert len(list(read_points(path))) == 100
        kept.add([result(100)])
        kept._closing.wait(1.6)  # the clock of the store, not a further point
        assert len(list(read_points(path))) == 101
        with pytest.raises(sqlite3.IntegrityError):  # a point is committed once
            kept.add(map(result, range(200)))
        kept._pending = []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 99), "cannot be read: file is not"),
        (lambda path: path.mkdir(), "must be a file, not a folder"),
        (lambda path: foreign(path), "is a database, but not the store of a sweep"),
    ],
)
def test_a_foreign_store_is_refused_and_left_alone(
    make: Any, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(qb.InputError, match=sentence):
        run_sweep(experiment(), {"n": OCCUPATION}, path)
    assert (path.read_bytes() if path.is_file() else b"") == before


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()


def test_a_store_of_another_experiment_or_version_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    run_sweep(experiment(), {"n": OCCUPATION}, store)
    other = {**OCCUPATION, "values": [0.5, 1.0]}
    for one, axes in (
        (experiment(), {"n": other}),
        (experiment(noise={"rate": 0.1}), {"n": OCCUPATION}),
    ):
        with pytest.raises(qb.InputError, match="holds a sweep of another experiment or other ax"):
            run_sweep(one, axes, store)
    with sqlite3.connect(store) as database:
        database.execute("UPDATE meta SET value = '0.0.1' WHERE name = 'package'")
    database.close()
    with pytest.raises(qb.InputError, match=r"was begun by version 0\.0\.1 of this package"):
        run_sweep(experiment(), {"n": OCCUPATION}, store)


def test_one_process_writes(tmp_path: Path) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with SweepStore(store, grid):
        assert status(store).running
        with pytest.raises(qb.InputError, match="Another process is running the sweep"):
            run_sweep(experiment(), {"n": OCCUPATION}, store)
    assert not status(store).running


def test_an_unwritable_store_is_refused(tmp_path: Path) -> None:
    """A folder in the way: not even root may write a file there."""
    with pytest.raises(qb.InputError, match=r"The store .* must be a file, not a folder"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path)
    (tmp_path / "s.sqlite.lock").mkdir()
    with pytest.raises(qb.InputError, match=r"The store .* cannot be written: unable to open"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite")
    assert not (tmp_path / "s.sqlite").exists()


# --- export ---------------------------------------------------------------------------------------


def test_an_export_has_labels_units_and_provenance(tmp_path: Path) -> None:
    one, axes, store = experiment(), {"n": OCCUPATION, "g": NOISE}, tmp_path / "s.sqlite"
    data = qb.sweep(one, axes, store)
    export_sweep(store, tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as file:
        assert file.load().equals(data)
        assert file.attrs == {**data.attrs, "created_at": file.attrs["created_at"]}
    assert data.ergotropy.dims == ("n", "g")
    assert data.g.values.tolist() == [0.0, 0.1, 0.2]
    units = {name: variable.attrs["units"] for name, variable in data.variables.items()}
    energy = dict.fromkeys(("ergotropy", "energy", "last_ergotropy", "steady_ergotropy"))
    assert {units[name] for name in energy} == {"hbar*mean(omega)"}
    assert (units["peak_time"], units["plateau_stop"]) == ("1/rate", "1/rate")
    assert (units["n"], units["g"], units["state"]) == ("1", "rate", "1")
    assert data.g.attrs["field"] == "noise.rate"
    assert json.loads(data.attrs["experiment"])["battery"]["n_cells"] == 2
    assert data.attrs["package"] == qb.__version__
    assert data.attrs["sweep_sha256"] == grid_of(one, **axes).sha256
    for point in (0, 5):
        content = grid_of(one, **axes).content(point)
        found = [float(data[name].values.ravel()[point]) for name in VARIABLES]
        expected = values_by_hand(validated(Experiment, content))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_a_sweep_of_a_chip_is_in_seconds_and_names_are_labels(tmp_path: Path) -> None:
    one = validated(
        Experiment,
        {
            "chip": {
                "calibration": "brisbane",
                "qubits": [0, 1],
                "tune_to_resonance": True,
                "residual_population": 0.01,
            },
            "bath": {"rate": 5e6, "temperature_k": 0.3},
            "charging": {"times": {"stop": 1e-6, "num": 21}},
        },
    )
    axes = {
        "chip": {"field": "chip.calibration", "values": ["brisbane", "none such"]},
        "warmth": {"field": "bath.temperature_k", "values": [0.2, 0.4]},
    }
    data = qb.sweep(one, axes, tmp_path / "s.sqlite")
    assert data.chip.values.tolist() == ["brisbane", "none such"]
    assert (data.peak_time.attrs["units"], data.warmth.attrs["units"]) == ("s", "K")
    assert data.state.values.tolist() == [[1, 1], [2, 2]]
    assert "none such" in str(data.failure.values[1, 0])
    export_sweep(tmp_path / "s.sqlite", tmp_path / "s.nc")


def test_an_export_on_demand_holds_what_is_there(tmp_path: Path) -> None:
    store, grid = tmp_path / "s.sqlite", grid_of(experiment(), n=OCCUPATION)
    with SweepStore(store, grid) as kept:
        kept.add(compute(grid, [1]))
    data = qb.sweep_dataset(store)
    assert data.state.values.tolist() == [0, 1, 0]
    assert np.isnan(data.ergotropy.values).tolist() == [True, False, True]


# --- workers --------------------------------------------------------------------------------------


def test_local_workers_give_the_same_numbers(tmp_path: Path) -> None:
    axes = {"k": {"field": "bath.rate", "start": 0.5, "stop": 1.0, "num": 230}}
    here = qb.sweep(many(), axes, tmp_path / "here.sqlite")
    said: list[str] = []
    there = qb.sweep(many(), axes, tmp_path / "there.sqlite", workers=2, progress=said.append)
    assert here.equals(there)
    assert said[0] == "0 of 230 points"


def test_a_worker_that_always_dies_fails_its_points_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pool:  # as a pool of processes whose worker dies at point 1
        def submit(self, _work: Any, task: tuple[int, ...]) -> Any:
            from concurrent.futures import Future
            from concurrent.futures.process import BrokenProcessPool

            future: Any = Future()
            if task == (1,):
                future.set_exception(BrokenProcessPool("planted"))
            else:
                future.set_result(compute(grid, task))
            return future

        def shutdown(self, **_how: Any) -> None:
            pass

    grid = grid_of(experiment(), n=OCCUPATION)
    monkeypatch.setattr(sweep_workers, "_pool", lambda workers, grid: Pool())
    data = qb.sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite", workers=1)
    assert data.state.values.tolist() == [1, 2, 1]
    assert data.failure.values[1].startswith("The worker died 6 times while it computed this")


def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_workers, "SCHEDULER_S", 0.5)
    for address, reason in (
        ("tcp://127.0.0.1:9", "did not answer within 0.5 s"),
        ("nonsense://x", "is no address"),
    ):
        with pytest.raises(qb.InputError, match=reason):
            run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite", client=address)
    assert list(tmp_path.iterdir()) == []
    assert "scheduler" not in dask.config.config  # what Dask would use from then on, and everywhere


def test_a_dask_cluster_gives_the_same_numbers(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    axes = {"n": OCCUPATION, "g": NOISE}
    here = qb.sweep(experiment(), axes, tmp_path / "here.sqlite")
    options = {"processes": False, "dashboard_address": None, "n_workers": 1}
    with LocalCluster(threads_per_worker=2, **options) as cluster, Client(cluster) as client:
        there = qb.sweep(experiment(), axes, tmp_path / "there.sqlite", client=client)
    assert here.equals(there)


def test_progress_says_rate_and_time_left() -> None:
    assert progress_text(50, 250, 3, 10.0) == "50 of 250 points (3 failed), 10/s, 20 s left"
    assert progress_text(1, 7201, 0, 1.0) == "1 of 7201 points, 1/s, 2 h 0 min left"
    assert progress_text(1, 301, 0, 2.0) == "1 of 301 points, 2/s, 2 min left"
