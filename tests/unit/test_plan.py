"""Plans: shots that reach a goal, margins at which it is missed, cells, time and the verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.file_models import validated
from qbat_circuits.sampling.aer import emulate_counts
from qbat_circuits.schema import Experiment
from qbat_circuits.study.cell_choice import best_cells
from qbat_circuits.study.margins import Figure, elasticity, margin_of, needed_work
from qbat_circuits.study.plan import GO, Plan, drawn_works, plan, told_from_0
from qbat_circuits.study.plan_target import target_of
from qbat_circuits.study.precision import Goal, enough_shots, expected_precision
from qbat_circuits.study.prediction import NOTHING, Change

KAPPA = 6.3e6


def experiment(**changes: dict[str, Any]) -> Experiment:
    """Two cells of the engineered waveguide, to be chosen."""
    content: dict[str, Any] = {
        "chip": {"calibration": "waveguide4", "qubits": "auto", "tune_to_resonance": True},
        "battery": {"n_cells": 2},
        "bath": {"rate": KAPPA, "occupation": 1.0},
        "charging": {"times": {"stop": 1e-6, "num": 3}},
    }
    for table, change in changes.items():
        content[table] = {**content.get(table, {}), **change}
    return validated(Experiment, content)


def circuit(**changes: dict[str, Any]) -> Experiment:
    """Two cells of fez around an ancilla."""
    content: dict[str, Any] = {
        "chip": {"calibration": "fez", "qubits": [132, 138], "tune_to_resonance": False},
        "bath": {"occupation": 1.0},
        "charging": {"mode": "collision"},
        "collision": {"theta": 1.0, "collisions": 4, "ancilla_qubit": 131},
    }
    for table, change in changes.items():
        content[table] = {**content.get(table, {}), **change}
    return validated(Experiment, content)


@pytest.fixture(scope="module")
def bath() -> Plan:
    return plan(experiment())


@pytest.fixture(scope="module")
def collisions() -> Plan:
    return plan(circuit())


def charged(n: int) -> tuple[np.ndarray, qb.ReadoutModel]:
    """Charged cells, a third of them lost, and a readout."""
    state = 0.7 * qb.collision_states(n, 1.0, 0.5, 25)[-1] + 0.3 * np.eye(2**n) / 2**n
    return state, qb.ReadoutModel.from_error_rates([0.01] * n, [0.03] * n)


@pytest.mark.parametrize(("n", "scheme"), [(2, "pauli"), (2, "dicke"), (3, "pauli"), (3, "dicke")])
def test_expected_half_widths_are_those_of_repeated_emulation(n: int, scheme: str) -> None:
    """Within 15 %, against other data sets, drawn by Aer."""
    state, readout = charged(n)
    goal = Goal(None, 0.05)
    shots = 1500
    expected = expected_precision(scheme, state, readout, shots, goal)
    widths = []
    for seed in range(100, 125):
        labels = None if scheme == "pauli" else qb.DickeScheme().settings(n)
        counts = emulate_counts(state, readout, shots, seed, labels)
        one = qb.estimate_ergotropy(counts, scheme=scheme)
        widths.append((one.high - one.low) / 2)
    assert expected.half_width == pytest.approx(np.mean(widths), rel=0.15)


def test_a_readout_that_must_be_calibrated_widens_the_interval() -> None:
    """As much as calibration counts of a laboratory do."""
    state, _ = charged(2)
    readout = qb.ReadoutModel.from_error_rates([0.1] * 2, [0.2] * 2)
    goal, shots = Goal(None, 0.05), 1500
    known = expected_precision("pauli", state, readout, shots, goal)
    found = expected_precision("pauli", state, readout, shots, goal, calibration=1)
    assert (known.calibration_shots, found.calibration_shots) == (0, shots)
    assert found.total_shots == known.total_shots + 2 * shots
    widths = []
    for seed in range(100, 125):
        rng = np.random.default_rng(seed)
        drawn = [rng.multinomial(shots, column) for a in readout.assignment for column in a.T]
        calibration = np.array(drawn).reshape(2, 2, 2).transpose(0, 2, 1)
        one = qb.estimate_ergotropy(
            emulate_counts(state, readout, shots, seed),
            readout=qb.ReadoutModel.from_calibration_counts(calibration),
        )
        widths.append((one.high - one.low) / 2)
    assert found.half_width > 1.02 * known.half_width
    assert found.half_width == pytest.approx(np.mean(widths), rel=0.15)


@pytest.mark.parametrize("goal", [Goal(None, 0.03), Goal(4.0)])
def test_shots_are_enough_and_hardly_more(goal: Goal) -> None:
    state, readout = charged(2)
    found = enough_shots("pauli", state, readout, goal)
    assert found.enough
    fewer = expected_precision("pauli", state, readout, found.shots // 2, goal)
    assert not fewer.enough
    if goal.half_width is not None:
        assert 0.85 * goal.half_width < found.half_width <= goal.half_width


def test_a_goal_that_no_shots_reach_says_so() -> None:
    passive = np.diag([0.4, 0.25, 0.25, 0.1]).astype(complex)
    found = enough_shots("pauli", passive, qb.ReadoutModel.ideal(2), Goal())
    assert (found.enough, found.shots) == (False, 1_000_000)
    assert found.power < 0.1


@pytest.mark.parametrize("which", ["bath", "collisions"])
def test_margins_are_where_the_work_is_what_shots_tell_from_0(
    which: str, request: pytest.FixtureRequest
) -> None:
    made: Plan = request.getfixturevalue(which)
    target = target_of(made.experiment)
    planned = target.prediction.readout()
    figures = {figure.name: figure for figure in target.figures}
    limits = {m.name: m.limit for m in made.margins}
    if which == "bath":  # two names of one thing: cells are in equilibrium with their own baths
        rest, ratio = limits["residual population"], limits["local occupation n_l/n"]
        assert rest is not None
        assert ratio == pytest.approx(
            rest / (1 - 2 * rest) / made.experiment.bath.occupation, rel=0.01
        )
    assert set(limits) == set(figures)
    for name, limit in limits.items():
        assert limit is not None, name
        change = figures[name].change(limit)
        needed = needed_work(made.needed, planned, target.prediction.readout(change))
        assert target.prediction.work(change) == pytest.approx(needed, rel=0.01), name


def test_what_is_worse_than_a_margin_misses_the_goal(bath: Plan) -> None:
    """Beyond its limit, the local loss leaves too little for the planned shots."""
    target = target_of(bath.experiment)
    loss = next(f for f in target.figures if f.name.startswith("local loss"))
    limit = next(m.limit for m in bath.margins if m.name == loss.name)
    assert limit is not None
    for factor, told in ((0.3, True), (3.0, False)):
        state = target.prediction.state(loss.change(factor * limit))
        found = expected_precision(
            bath.precision.scheme, state, target.prediction.readout(), bath.precision.shots, Goal()
        )
        assert (found.power > 0.5) is told


def test_a_missed_goal_says_what_would_do() -> None:
    """Where the plan misses, the limit lies on the better side."""
    target = target_of(experiment(chip={"residual_population": 0.08}))
    rest = next(f for f in target.figures if f.name == "residual population")
    needed = 1.5 * target.prediction.work()
    margin = margin_of(rest, target.prediction, needed)
    assert margin.limit is not None
    assert margin.limit < margin.now == pytest.approx(0.08)
    assert target.prediction.work(rest.change(margin.limit)) == pytest.approx(needed, rel=1e-3)
    never = Figure("nothing", "", 1.0, 2.0, 0.5, lambda _value: NOTHING)
    assert margin_of(never, target.prediction, needed).limit is None


def test_elasticities_are_logarithmic_derivatives() -> None:
    """On the plateau the work depends on n as the steady state of the bath alone does."""
    clean = {"rate": 1e-3, "occupation": 0.0, "dephasing": 0.0}
    target = target_of(experiment(noise=clean, battery={"initial_state": "ground"}))
    works = [
        qb.steady_state(qb.Battery.identical(2, qb.CollectiveBath(1.0, n))).ergotropy
        for n in (0.95, 1.05)
    ]
    expected = (np.log(works[1]) - np.log(works[0])) / np.log(1.05 / 0.95)
    assert elasticity(target.prediction, "occupation") == pytest.approx(expected, rel=0.02)
    assert elasticity(target.prediction, "rate") == pytest.approx(0.0, abs=1e-3)


def test_the_best_cells_are_the_best_of_all() -> None:
    calibration = qb.load_calibration("waveguide4")
    worse = replace(calibration.qubits[1], t1_s=2e-6, t2_s=2e-6)
    noisy = replace(calibration.qubits[2], prob_meas0_prep1=0.3)
    qubits = (calibration.qubits[0], worse, noisy, calibration.qubits[3])
    found = best_cells(experiment(), replace(calibration, qubits=qubits), 2)
    assert len(found) == 6
    assert found[0].qubits == (0, 3)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_on_a_large_chip_candidates_are_connected() -> None:
    calibration = qb.load_calibration("brisbane")
    auto = experiment(
        chip={
            "calibration": "brisbane",
            "assumed_frequency_hz": 5e9,
            "residual_population": 0.01,
        }
    )
    found = best_cells(auto, calibration, 2)
    assert {one.qubits for one in found} <= set(calibration.coupling_map)
    assert len(found) > 100


def test_the_time_is_the_peak_and_the_window_holds_it(bath: Plan) -> None:
    target = target_of(bath.experiment)
    battery = target.prediction.model().battery  # type: ignore[attr-defined]
    times = np.linspace(0.5, 1.5, 11) * bath.time_s
    curve = qb.charge(battery, times, "thermal")
    assert curve.ergotropy[5] == pytest.approx(curve.ergotropy.max(), rel=2e-3)
    assert bath.window_s is not None
    start, stop = bath.window_s
    assert stop is not None
    assert start < bath.time_s < stop
    edge = qb.charge(battery, [0.0, start, stop], "thermal").ergotropy[1:]
    np.testing.assert_allclose(edge, 0.9 * curve.ergotropy.max(), rtol=0.03)


def test_a_plan_says_go_and_why(bath: Plan, collisions: Plan) -> None:
    for made in (bath, collisions):
        assert made.go
        assert made.hypothetical is None
        assert made.probability > 0.9
        assert made.ergotropy > made.needed > 0
        assert made.precision.enough
        content = json.loads(json.dumps(made.to_dict()))
        assert content["kind"] == "plan"
        assert content["ergotropy"] == made.ergotropy
    assert bath.window_s is not None
    assert collisions.window_s is None
    assert "does not have" in collisions.statement


def test_a_fixed_frequency_chip_is_never_a_go_for_a_common_bath() -> None:
    made = plan(
        experiment(
            chip={
                "calibration": "brisbane",
                "qubits": [124, 125],
                "assumed_frequency_hz": 5e9,
                "residual_population": 0.01,
            }
        )
    )
    assert made.probability > 0.9
    assert not made.go
    assert "no such bath acts on this chip" in made.reason
    assert "collision" in made.reason


def test_more_spread_is_less_certain_and_none_is_certain() -> None:
    hot = experiment(chip={"residual_population": 0.065})
    made = plan(hot, spread=0.0)
    probabilities = [made.probability]
    prediction = target_of(hot).prediction
    probabilities += [np.mean(drawn_works(prediction, s, 7) >= made.needed) for s in (0.2, 0.6)]
    assert probabilities[0] == 1.0
    assert probabilities[0] >= probabilities[1] > probabilities[2]


def test_the_scheme_is_the_cheapest_that_makes_it_a_go() -> None:
    """For three cells bounds from a few bases reach the goal too, with many shots and no margin."""
    made = plan(experiment(battery={"n_cells": 3}), Goal(3.0))
    drawn = drawn_works(target_of(made.experiment).prediction, made.spread, made.seed)
    chances = {
        one.scheme: np.mean(drawn >= told_from_0(made.ergotropy, one)) for one in made.schemes
    }
    assert made.go
    assert made.probability == chances[made.precision.scheme]
    reached = [one for one in made.schemes if one.enough and chances[one.scheme] >= GO]
    assert made.precision.total_shots == min(one.total_shots for one in reached)
    assert any(one.enough and chances[one.scheme] < GO for one in made.schemes)


def test_the_same_seed_gives_the_same_plan(bath: Plan) -> None:
    again = plan(experiment())
    assert again.to_dict() == {**bath.to_dict(), "created_at": again.created_at}
    assert again.calibration_sha256 == qb.load_calibration("waveguide4").sha256


def test_wall_time_counts_every_shot(bath: Plan) -> None:
    twice = plan(experiment(), repetition_s=1e-3)
    best = twice.precision
    assert best.calibration_shots > 0
    total = best.circuits * best.shots + 2 * best.calibration_shots
    assert (twice.circuits, best.total_shots) == (best.circuits + 2, total)
    per_shot = twice.wall_time_s / total
    assert per_shot == pytest.approx(1e-3 + bath.time_s, rel=1e-3)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"goal": {"sigmas": None}}, "one of 'sigmas' and 'half_width'"),
        ({"goal": {"sigmas": -1.0}}, "'sigmas' must be"),
        ({"goal": {"sigmas": None, "half_width": 0.0}}, "'half_width' must be"),
        ({"spread": -0.1}, "'spread' must be"),
        ({"repetition_s": float("nan")}, "'repetition_s' must be"),
        ({"schemes": ("tomography",)}, "'schemes' must be"),
        ({"schemes": ()}, "'schemes' must name"),
    ],
)
def test_bad_arguments_are_one_sentence(given: dict[str, Any], sentence: str) -> None:
    def call() -> Plan:
        goal = Goal(**given["goal"]) if "goal" in given else None
        return plan(experiment(), goal, **{k: v for k, v in given.items() if k != "goal"})

    with pytest.raises(InputError) as caught:
        call()
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"battery": {"n_cells": 9}}, "'battery.n_cells' must be a whole number >= 1 and <= 4"),
        ({"chip": {"calibration": "fez"}, "battery": {"n_cells": 99}}, "<= 4, not 99"),
        ({"bath": {"kind": "squeezed", "squeezing": [0.5, 0.0]}}, "kind 'thermal'"),
        ({"battery": {"levels": 3}}, "'battery.levels' must be 2"),
    ],
)
def test_what_cannot_be_planned_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(experiment(**changes))
    assert sentence in str(caught.value)
    ideal = validated(
        Experiment,
        {
            "battery": {"n_cells": 2},
            "bath": {"rate": 1.0, "occupation": 1.0},
            "charging": {"times": {"stop": 1.0, "num": 3}},
        },
    )
    with pytest.raises(InputError, match=r"needs a \[chip\]"):
        plan(ideal)


def test_changes_act_on_what_they_name(bath: Plan) -> None:
    prediction = target_of(bath.experiment).prediction
    assert prediction.work(Change(t1=0.1, t2=0.1)) < prediction.work()
    assert prediction.work(Change(correlation=0.9)) < prediction.work()
    assert prediction.work(Change(detuning=3.0)) < prediction.work()
    assert prediction.work(Change(occupation=1.2)) > prediction.work()
    worse = prediction.readout(Change(readout=3.0)).assignment
    np.testing.assert_allclose(worse[:, 1, 0], 3 * prediction.readout().assignment[:, 1, 0])
