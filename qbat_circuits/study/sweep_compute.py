"""What is computed of the points of a sweep, one by one or, for identical cells, together."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import Any

import numpy as np

from qbat_circuits.battery import WeakBathWarning
from qbat_circuits.calibration import Calibration
from qbat_circuits.cells import FloatArray
from qbat_circuits.collision_model import TrappingWarning
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.curve import STATE_LIMIT, ChargingCurve
from qbat_circuits.dynamics.engines import Engine
from qbat_circuits.dynamics.steady import steady_state
from qbat_circuits.errors import AccuracyError, InputError, QbatError
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study import sweep_batch
from qbat_circuits.study.model import Model, build_model
from qbat_circuits.study.sweep_points import Grid, Part, PointResult, calibration_of
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.identical import identical_rates, is_identical
from qbat_circuits.symmetric.rates import Rates
from qbat_circuits.symmetric.sectors_jm import energy_jm, start_populations, states_jm
from qbat_circuits.symmetric.steady import sector_thermal_populations, steady_populations_many

#: Points that are computed together and committed at once, and the fewest for which it pays.
BATCH, _FEWEST = 100, 8
#: Largest estimated error of a batched curve, see `sweep_batch.populations_many`; the error itself
#: is far below it.
_BATCH_TOLERANCE = 1e-9
#: Populations of all points and times that are held at once.
_NUMBERS = 5_000_000
#: Fields that a batch has in common.
_COMMON = {"battery.n_cells", "battery.levels", "charging.engine"}

Content = dict[str, Any]
Chips = Mapping[str, Calibration]


def tasks_of(grid: Grid, points: Iterable[int]) -> Iterator[Part]:
    """Points, rising, in the groups in which they are computed and committed.

    Which points share a group does not depend on where a sweep was interrupted, so neither do the
    last digits of its numbers.
    """
    size = BATCH if _may_batch(grid) else 1
    for _, group in itertools.groupby(points, lambda point: point // size):
        yield grid.part(group)


def compute(part: Part) -> list[PointResult]:
    """Charge the battery of every point; a failure is a sentence and stops none of the others.

    Raises:
        InputError: if a calibration is not what it was when the sweep began.
    """
    chips, contents = part.chips(), dict(zip(part.points, part.contents(), strict=True))
    with warnings.catch_warnings():
        for kind in (WeakBathWarning, TrappingWarning):
            warnings.simplefilter("ignore", kind)
        begun = time.perf_counter()
        batched = _batch(contents) if len(contents) >= _FEWEST else {}
        share = (time.perf_counter() - begun) / max(1, len(batched))
        return [
            PointResult(point, batched[point], None, share)
            if point in batched
            else _single(point, content, part.base["charging"]["mode"], chips)
            for point, content in contents.items()
        ]


def _single(point: int, content: Content, mode: str, chips: Chips) -> PointResult:
    """One point by itself."""
    begun = time.perf_counter()
    values, failure, lost = None, None, False
    try:
        experiment = validated(Experiment, content)
        values_of = _collision_values if mode == "collision" else _bath_values
        values = values_of(experiment, chips)
    except QbatError as error:
        failure = str(error)
    except MemoryError:
        failure, lost = "There was not enough memory for this point.", True
    except Exception as error:
        reason = ascii(str(error))[1:-1]  # any text, in one line that every file holds
        failure = f"A fault of qbat_circuits: {type(error).__name__}: {reason}"
    return PointResult(point, values, failure, time.perf_counter() - begun, lost)


def _collision_values(experiment: Experiment, chips: Chips) -> tuple[float, ...]:
    """What a run of the circuit computes before its shots, in the order of `VARIABLES`."""
    from qbat_circuits.study.collision import plan_collision  # loads Qiskit

    _, schedule = plan_collision(experiment, _calibration(experiment, chips))
    return (
        schedule.ergotropy,
        schedule.energy,
        float(schedule.correlated[schedule.collisions - 1]),
        schedule.ideal_ergotropy,
        schedule.compiled.theta,
        float(schedule.collisions),
        float(schedule.two_qubit_gates),
        schedule.duration_s,
    )


def _bath_values(experiment: Experiment, chips: Chips) -> tuple[float, ...]:
    model = build_model(experiment, _calibration(experiment, chips))
    return _values(_curve(model), _steady_ergotropy(model))


def _calibration(experiment: Experiment, chips: Chips) -> Calibration | None:
    """None without a chip.

    Raises:
        InputError: if it cannot be read.
    """
    if experiment.chip is None:
        return None
    name = experiment.chip.calibration
    return chips.get(name) or calibration_of(name)


def _curve(model: Model) -> ChargingCurve:
    """The charging curve of a point; "auto" is the cheapest exact engine for any number of cells.

    (A run takes Qiskit Dynamics for few cells, because it checks one engine against another.)
    """
    charging = model.experiment.charging
    return charge(
        model.battery,
        charging.array(),
        model.initial_state,
        engine=charging.engine,
        tolerance=charging.tolerance,
        envelope=model.envelope,
    )


def _steady_ergotropy(model: Model) -> float:
    if model.envelope is not None:
        return math.nan
    try:
        return steady_state(model.battery, model.initial_state).ergotropy
    except (InputError, AccuracyError):
        return math.nan


def _values(curve: ChargingCurve, steady: float) -> tuple[float, ...]:
    """In the order of `VARIABLES`."""
    plateau = curve.plateau()
    return (
        plateau.peak_ergotropy,
        float(curve.energy[curve.best]),
        plateau.peak_time,
        plateau.start,
        plateau.stop,
        float(curve.ergotropy[-1]),
        float(steady),
    )


def _may_batch(grid: Grid) -> bool:
    """Whether points go together, judged by a few of them, of which some may be impossible."""
    few = (0, grid.size // 2, grid.size - 1)
    return not _COMMON & set(grid.fields) and any(_pair(grid.content(point)) for point in few)


def _pair(content: Content) -> Model | None:
    """A point with two cells instead of N, which is all there is to know of identical ones.

    A model of N cells costs as much as a curve in a batch. None where cells are not identical, have
    tables of their own, or populations p(j, m) do not serve them.
    """
    tables = [content["battery"], content["bath"], content["noise"] or {}]
    n = tables[0]["n_cells"]
    lists = any(isinstance(value, list) and value for one in tables for value in one.values())
    if content["chip"] is not None or lists or not isinstance(n, int):
        return None
    if content["charging"]["mode"] != "bath" or not 2 <= n <= sweep_batch.MAX_CELLS:
        return None
    try:
        two = {**content, "battery": {**content["battery"], "n_cells": 2}}
        model = build_model(validated(Experiment, two))
    except Exception:  # the point says it itself
        return None
    fits = (
        model.experiment.charging.engine in (Engine.AUTO, Engine.SYMMETRIC)
        and model.envelope is None
        and model.battery.bath.cross == 0
        and is_identical(model.battery)
        and model.initial_state in ("ground", "thermal")
        and sum(astuple(identical_rates(model.battery))[:4]) > 0  # else nothing moves energy
    )
    return model if fits else None


def _batch(contents: Mapping[int, Content]) -> dict[int, tuple[float, ...]]:
    """Values of the points that a batch serves, by point; the others are left out."""
    groups: dict[Any, dict[int, Model]] = {}
    for point, content in contents.items():
        pair = _pair(content)
        if pair is not None:
            like = content["battery"]["n_cells"], pair.experiment.charging.times
            groups.setdefault(like, {})[point] = pair
    found: dict[int, tuple[float, ...]] = {}
    for (n_cells, times), group in groups.items():
        if len(group) >= _FEWEST:
            room = max(_FEWEST, _NUMBERS // (times.num * states_jm(n_cells).size))
            members = list(group)
            for first in range(0, len(members), room):
                part = {point: group[point] for point in members[first : first + room]}
                with contextlib.suppress(Exception):  # of one of them, which then says it itself
                    found.update(_batched(n_cells, part))
    return found


def _batched(n_cells: int, pairs: dict[int, Model]) -> dict[int, tuple[float, ...]]:
    """Values of those points of one size and one time grid that the batch got right."""
    models = list(pairs.values())
    times = models[0].experiment.charging.array()
    fit = sweep_batch.time_fit(tuple(times.tolist()))
    if fit is None:
        return {}
    rates = [identical_rates(model.battery) for model in models]
    starts = np.array([_start(n_cells, model) for model in models])
    rows, errors = sweep_batch.populations_many(n_cells, rates, fit, times, starts)
    off = np.abs(rows.sum(axis=2) - 1.0).max(axis=1)
    negative = -rows.min(axis=(1, 2))
    good = (errors < _BATCH_TOLERANCE) & (off < STATE_LIMIT) & (negative < STATE_LIMIT)
    energy, work = energy_jm(n_cells, rows), sweep_batch.ergotropies(n_cells, rows)
    steady = _steady_ergotropies(n_cells, rates, starts)
    found = {}
    for i in np.flatnonzero(good):
        battery = models[i].battery
        unit, name = battery.energies[0], Engine.SYMMETRIC.value
        curve = ChargingCurve(
            battery, times, unit * energy[i], unit * work[i], name, _BATCH_TOLERANCE, _no_states
        )
        found[list(pairs)[i]] = _values(curve, unit * steady[i])
    return found


def _start(n_cells: int, pair: Model) -> FloatArray:
    ground = pair.initial_state == "ground"
    return start_populations(n_cells, "ground" if ground else pair.battery.noise[0].population)


def _steady_ergotropies(n_cells: int, rates: list[Rates], starts: FloatArray) -> FloatArray:
    """Ergotropies after a long time, shape (len(rates),), in units of the cell energy."""
    populations = np.empty_like(starts)
    local = [i for i, one in enumerate(rates) if one.local > 0]
    populations[local] = steady_populations_many(n_cells, [rates[i] for i in local])
    for i, one in enumerate(rates):
        if one.local == 0:
            populations[i] = sector_thermal_populations(n_cells, one, starts[i])
    return ergotropy_jm(n_cells, populations)


def _no_states() -> Any:
    raise InputError("The states of a batched curve are not kept.")
