"""Axes of sweeps, their points and what the key of a point hashes."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweeps import CHIP, COLLISION, NOISE, OCCUPATION, PAIR, computed, experiment, grid_of, many

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.sweep import _axes, run_sweep
from qbat_circuits.study.sweep_compute import tasks_of
from qbat_circuits.study.sweep_points import Grid
from qbat_circuits.sweep_schema import SweepAxis, axis_values

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
    found = axis_values(Experiment, "a", validated(SweepAxis, axis), "bath")
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
        ({"field": "battery.n_cells", "values": [2**63]}, "must be a whole number of 64 bits"),
        ({"field": "charging.engine", "values": ["a\0b"]}, "must be a text that can be printed"),
        ({"field": "charging.mode", "values": ["bath"]}, 'the charging of mode "bath", not'),
        ({"field": "bath.rate", "start": -1.7e308, "stop": 1.7e308, "num": 3}, "a finite number"),
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
    with pytest.raises(qb.InputError, match=r"The folder of the store '.*' does not exist"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "none" / "s.sqlite")
    with pytest.raises(qb.InputError, match="must not both be given"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s", client="tcp://x", workers=1)
    with pytest.raises(qb.InputError, match="'workers' must be a whole number >= 1"):
        run_sweep(experiment(), {"n": OCCUPATION}, tmp_path / "s.sqlite", workers=0)
    wrong: Any = "sweep.toml"
    with pytest.raises(qb.InputError, match="'experiment' must be an Experiment, see load_exp"):
        run_sweep(wrong, {"n": OCCUPATION}, tmp_path / "s.sqlite")
    with pytest.raises(qb.InputError, match="'axes' must be a table of axes by name"):
        run_sweep(experiment(), [OCCUPATION], tmp_path / "s.sqlite")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_arrays_are_axes_and_a_long_one_is_read_at_once() -> None:
    axes = {
        "n": {"field": "bath.occupation", "values": np.linspace(0.1, 1.0, 4)},
        "cells": {"field": "battery.n_cells", "values": (np.int64(2), 3)},
    }
    found = _axes(experiment(), axes)
    assert found["n"].values == [0.1, 0.4, 0.7, 1.0]
    assert found["cells"].values == [2, 3]
    long = {"field": "bath.occupation", "values": [*map(float, range(100_000)), 99_999.0]}
    with pytest.raises(qb.InputError, match="without a value twice, not 99999"):
        axis_values(Experiment, "a", validated(SweepAxis, long), "bath")


# --- points and keys ------------------------------------------------------------------------------


def test_a_point_is_the_experiment_with_its_fields_replaced() -> None:
    grid = grid_of(experiment(), n=OCCUPATION, g=NOISE)
    assert (grid.shape, grid.size) == ((3, 3), 9)
    content = grid.content(5)
    assert (content["bath"]["occupation"], content["noise"]["rate"]) == (1.0, 0.2)
    assert grid.content(0)["bath"]["occupation"] == 0.5
    assert content["bath"]["occupation"] == 1.0  # nothing is shared and changed
    assert validated(Experiment, content).battery.n_cells == 2
    assert Grid.from_json(grid.to_json()) == grid


def test_a_key_hashes_what_changes_the_answer_and_nothing_else() -> None:
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
    assert replace(grid, package="99.0").key(3) != grid.key(3)


def leaves(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(content, dict) and content:
        for name, inner in content.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path


@pytest.mark.parametrize("content", [PAIR, CHIP, COLLISION], ids=["pair", "chip", "collision"])
def test_every_field_of_the_experiment_is_in_the_key(content: dict[str, Any]) -> None:
    grid = grid_of(validated(Experiment, content), n=OCCUPATION)
    names = set(leaves(grid.base)) - {("bath", "occupation")}
    tables = {path[0] for path in names}
    assert tables == set(Experiment.model_fields) - {"sweep", "measurement"} | (
        {"measurement"} if content is COLLISION else set()
    )
    for *path, last in names:
        base = copy.deepcopy(grid.base)
        table = base
        for name in path:
            table = table[name]
        table[last] = {"another": 1}
        assert replace(grid, base=base).key(0) != grid.key(0), (*path, last)


def saved_chip(path: Path, word: str) -> None:
    """brisbane as a file; the word changes its content."""
    calibration = qb.load_calibration("brisbane").to_dict()
    path.write_text(json.dumps({**calibration, "description": word}))


def test_a_key_knows_the_content_of_the_calibration(tmp_path: Path) -> None:
    keys, path = [], tmp_path / "mine.json"
    for word in ("one", "another"):
        saved_chip(path, word)
        one = validated(Experiment, {**CHIP, "chip": {**CHIP["chip"], "calibration": str(path)}})
        keys.append(grid_of(one, n=NOISE).key(0))
        axis = {"field": "chip.calibration", "values": ["brisbane", str(path)]}
        other = grid_of(validated(Experiment, CHIP), c=axis, n=NOISE)
        assert other.key(3) == keys[-1]
        assert other.key(0) == grid_of(validated(Experiment, CHIP), n=NOISE).key(0)
    assert keys[0] != keys[1]


def test_a_calibration_that_changes_stops_the_sweep(tmp_path: Path) -> None:
    path, store = tmp_path / "mine.json", tmp_path / "s.sqlite"
    saved_chip(path, "one")
    one = validated(Experiment, {**CHIP, "chip": {**CHIP["chip"], "calibration": str(path)}})
    grid = grid_of(one, n=NOISE)
    run_sweep(one, {"n": {**NOISE, "num": 2}}, store)
    saved_chip(path, "another")
    with pytest.raises(qb.InputError, match=r"mine.json' is not what it was when this sweep began"):
        computed(grid, [0])  # a worker reads another file, or the same one later
    with pytest.raises(qb.InputError, match=r"mine.json' is not what it was when the sweep of '"):
        run_sweep(one, {"n": {**NOISE, "num": 2}}, store)
    path.unlink()
    with pytest.raises(qb.InputError, match="does not exist"):  # the only one: no point can be
        run_sweep(one, {"n": NOISE}, tmp_path / "other.sqlite")
    assert not (tmp_path / "other.sqlite").exists()


def test_calibrations_of_an_axis_lie_beside_the_file(tmp_path: Path) -> None:
    saved_chip(tmp_path / "mine.json", "one")
    content = """
[chip]
calibration = "brisbane"
qubits = [0, 1]
tune_to_resonance = true
[bath]
rate = 5e6
occupation = 1.0
[charging]
times = { stop = 1e-6, num = 21 }
[sweep]
chip = { field = "chip.calibration", values = ["mine.json", "fez"] }
"""
    (tmp_path / "sweep.toml").write_text(content)
    axis = qb.load_experiment(tmp_path / "sweep.toml").sweep["chip"]
    assert axis.values == [str(tmp_path / "mine.json"), "fez"]


def test_a_part_is_all_that_a_worker_needs_and_little() -> None:
    axis = {"field": "bath.occupation", "start": 0.1, "stop": 1.0, "num": 100_000}
    grid = grid_of(many(), n=axis)
    part = grid.part(range(500, 600))
    assert part.contents() == [grid.content(point) for point in range(500, 600)]
    assert len(pickle.dumps(asdict(part))) < 10_000


def test_groups_do_not_depend_on_where_a_sweep_stopped() -> None:
    axis = {"field": "bath.occupation", "start": 0.1, "stop": 1.0, "num": 250}
    grid = grid_of(many(), n=axis)
    whole = [part.points for part in tasks_of(grid, range(250))]
    assert [len(points) for points in whole] == [100, 100, 50]
    assert [part.points for part in tasks_of(grid, range(100, 250))] == whole[1:]
    alone = tasks_of(grid_of(experiment(), n=OCCUPATION), range(3))
    assert [part.points for part in alone] == [(0,), (1,), (2,)]
