"""The fit of counts: its model against the battery, its slopes, its sentences, its refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multinomial

import qbat_circuits as qb
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.errors import InputError
from qbat_circuits.study.fit import Fit, fit_counts
from qbat_circuits.study.fit_models import FitModel, Reading, complete
from qbat_circuits.study.identifiability import covariance, unidentified, without_nuisances
from qbat_circuits.study.likelihood import Data, Likelihood, deviance_residuals
from qbat_circuits.study.readings import ReadingsTable, compare_readings

GENERIC = {
    "kappa": 1.1,
    "n": 0.8,
    "gamma": 0.15,
    "n_l": 0.3,
    "gamma_phi": 0.07,
    "delta": 0.2,
    "c": 0.7,
    "phase": 0.6,
}
TIMES = (0.3, 1.0, 3.0, 10.0)
STRONG = {"kappa": 1.0, "n": 1.0, "gamma": 0.4, "n_l": 0.3, "gamma_phi": 0.3}
READOUT = qb.ReadoutModel.from_error_rates([0.015, 0.02], [0.03, 0.025], 2000)


def emulated(
    truth: dict[str, float], reading: Reading = Reading.THERMAL, shots: int = 2000
) -> list[qb.Counts]:
    states = qb.charge(reading.battery(2, truth), TIMES).states
    return [qb.sample_counts(rho, READOUT, shots, seed) for seed, rho in enumerate(states)]


@pytest.fixture(scope="module")
def counts() -> list[qb.Counts]:
    return emulated(STRONG)


@pytest.fixture(scope="module")
def fit(counts: list[qb.Counts]) -> Fit:
    return fit_counts(TIMES, counts)


@pytest.fixture(scope="module")
def table(counts: list[qb.Counts]) -> ReadingsTable:
    return compare_readings(TIMES, counts)


@pytest.mark.parametrize("reading", list(Reading))
@pytest.mark.parametrize("n_cells", [2, 3])
def test_states_are_those_of_the_battery(reading: Reading, n_cells: int) -> None:
    model = FitModel.build(reading, n_cells, TIMES, detuned=True)
    found, _ = model.probabilities(complete(GENERIC), range(8))
    curve = qb.charge(reading.battery(n_cells, GENERIC), TIMES, engine="propagator")
    expected = outcome_probabilities(curve.states)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("reading", list(Reading))
def test_slopes_are_those_of_differences(reading: Reading) -> None:
    model, values = FitModel.build(reading, 2, TIMES, detuned=True), complete(GENERIC)
    _, slopes = model.probabilities(values, range(8))
    for index, slope in enumerate(slopes):
        step = np.zeros(8)
        step[index] = 1e-5
        above, below = (model.probabilities(values + s, ())[0] for s in (step, -step))
        np.testing.assert_allclose(slope, (above - below) / 2e-5, atol=1e-8)


def test_initial_population_is_that_of_every_cell() -> None:
    model = FitModel.build(Reading.THERMAL, 2, [0.0, 1.0], initial_population=0.1)
    values = complete({"kappa": 1.0, "n": 0.5, "gamma": 0.1, "n_l": 0.125})
    found, _ = model.probabilities(values, ())
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 0.5), qb.LocalNoise(0.1, 0.125))
    states = qb.charge(battery, [0.0, 1.0], "thermal").states  # n_l/(2 n_l + 1) = 0.1
    np.testing.assert_allclose(found, outcome_probabilities(states), atol=1e-12)


def some_likelihood(counts: list[qb.Counts]) -> Likelihood:
    data = tuple(Data(np.arange(9), one.table, 0) for one in counts)
    model = FitModel.build(Reading.THERMAL, 2, TIMES, detuned=True)
    fixed = complete({"kappa": 1.0, "n": 1.0})
    return Likelihood(model, data, (READOUT,), fixed, tuple(range(7)))


def test_residuals_have_the_slopes_of_differences_and_sum_up_to_the_likelihood(
    counts: list[qb.Counts],
) -> None:
    one = some_likelihood(counts)
    x = np.concatenate([[0.1, -0.1, -1.0, -1.2, -1.3, -1.0, 0.5], one.nuisances()])
    jacobian = one.jacobian(x)
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = 1e-6
        numeric = (one.residuals(x + step) - one.residuals(x - step)) / 2e-6
        np.testing.assert_allclose(jacobian[:, k], numeric, rtol=1e-4, atol=1e-3)
    moved = x + 0.01
    fall = -2 * (one.log_likelihood(moved) - one.log_likelihood(x))
    rise = np.sum(one.residuals(moved) ** 2) - np.sum(one.residuals(x) ** 2)
    assert rise == pytest.approx(fall, abs=1e-6)


def test_the_log_likelihood_is_that_of_multinomials(counts: list[qb.Counts]) -> None:
    exact = [replace(c, readout=qb.ReadoutModel(READOUT.assignment)) for c in counts]
    held = {name: value for name, value in STRONG.items() if name != "kappa"}
    found = fit_counts(TIMES, exact, ["kappa"], held)
    states = qb.charge(found.battery(), TIMES).states
    expected = 0.0
    for one, rho in zip(exact, states, strict=True):
        read = READOUT.apply(outcome_probabilities(rho))
        expected += sum(
            multinomial.logpmf(k, k.sum(), p / p.sum())
            for k, p in zip(one.table, read, strict=True)
        )
    assert found.log_likelihood == pytest.approx(expected, abs=1e-6)
    assert found.aic == pytest.approx(2 - 2 * expected, abs=1e-5)
    assert found.bic == pytest.approx(np.log(4 * 9 * 2000) - 2 * expected, abs=1e-5)


def test_the_truth_is_found_within_the_intervals(fit: Fit) -> None:
    for name, true in STRONG.items():
        one = fit.parameters[name]
        assert one.low is not None
        assert one.high is not None
        assert one.low <= true <= one.high
        assert one.low <= one.value <= one.high
    assert fit.deviance_p_value > 0.01
    assert fit.degrees_of_freedom == 4 * 9 * 3 - 5
    checks = sum(one.deviance for one in fit.checks)
    assert checks <= fit.deviance <= checks + 2  # the rest is that of the calibration
    assert fit.battery().bath.rate == fit.parameters["kappa"].value


def test_with_many_shots_intervals_are_twice_the_standard_errors() -> None:
    fixed = {"gamma": 0.4, "n_l": 0.3}
    found = fit_counts(TIMES, emulated(STRONG, shots=200_000), fixed=fixed)
    for one in found.parameters.values():
        assert one.low is not None
        assert one.high is not None
        assert one.standard_error is not None
        assert one.high - one.low == pytest.approx(2 * 1.96 * one.standard_error, rel=0.05)


def test_an_uncertain_readout_widens_the_intervals(counts: list[qb.Counts], fit: Fit) -> None:
    exact = fit_counts(TIMES, counts, readout=qb.ReadoutModel(READOUT.assignment))
    few = qb.ReadoutModel(READOUT.assignment, 200 * np.ones((2, 2), dtype=int))
    rough = fit_counts(TIMES, counts, readout=few)
    errors = [one.parameters["n"].standard_error or 0.0 for one in (exact, fit, rough)]
    assert errors[0] < errors[1] < errors[2]


def test_rates_follow_the_unit_of_the_times(counts: list[qb.Counts], fit: Fit) -> None:
    other = fit_counts([1e-6 * t for t in TIMES], counts, intervals=False)
    for name, factor in (("kappa", 1e6), ("n", 1.0), ("gamma", 1e6), ("gamma_phi", 1e6)):
        expected = factor * fit.parameters[name].value
        assert other.parameters[name].value == pytest.approx(expected, rel=1e-4)


def test_order_of_the_data_and_subsets_of_the_settings(counts: list[qb.Counts], fit: Fit) -> None:
    turned = fit_counts(TIMES[::-1], counts[::-1], intervals=False)
    assert turned.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
    some = fit_counts(TIMES, [one.select(["ZZ", "XX"]) for one in counts], ["kappa", "n"])
    assert some.degrees_of_freedom == 4 * 2 * 3 - 2


def test_correlation_and_local_noise_are_one_thing_to_any_data(counts: list[qb.Counts]) -> None:
    """kappa (1 - c) is local noise: five parameters make four rates."""
    free = ("kappa", "n", "gamma", "n_l", "c")
    found = fit_counts(TIMES, counts, free, {"gamma_phi": 0.3})
    assert any("c cannot be told apart" in one for one in found.unidentified)
    assert found.parameters["c"].standard_error is None
    assert found.parameters["n"].standard_error is not None


def test_names_of_what_the_data_do_not_tell() -> None:
    names, values = ("gamma", "n_l"), {"kappa": 1.0, "n": 1.0, "gamma": 0.1, "n_l": 0.5}
    rate = 0.1 * 2.0
    slopes = np.array([0.1, 0.5])
    gradient = np.array([0.1 * 2.0, 0.1 * 2 * 0.5]) / rate  # of ln gamma (2 n_l + 1)
    (one,) = unidentified(names, values, 1e4 * np.outer(gradient, gradient), slopes)
    assert one == ("gamma and n_l cannot be told apart by these data: only gamma (2 n_l + 1) is.")
    (one,) = unidentified(names, values, np.diag([100.0, 0.25]), slopes)
    assert one == (
        "n_l cannot be told from 0 by these data: its standard error is above 100% of its value."
    )
    assert unidentified(names, values, np.diag([100.0, 4.0]), slopes) == ()


def test_covariance_without_information_is_infinite_where_it_must_be() -> None:
    found = covariance(np.array([[4.0, 0, 0], [0, 1, 1], [0, 1, 1]]))
    np.testing.assert_allclose(np.diag(found), [0.25, np.inf, np.inf])
    information = np.array([[2.0, 0.5, 0.3], [0.5, 1.0, 0.2], [0.3, 0.2, 4.0]])
    np.testing.assert_allclose(
        np.linalg.inv(without_nuisances(information, 2)), np.linalg.inv(information)[:2, :2]
    )


def test_deviance_residuals_are_poisson_ones() -> None:
    np.testing.assert_allclose(
        deviance_residuals(np.array([0.0, 5.0, 9.0]), np.array([2.0, 5.0, 4.0])),
        [-2.0, 0.0, np.sqrt(2 * (9 * np.log(9 / 4) - 5))],
    )


@pytest.mark.parametrize(
    ("reading", "truth"),
    [
        (Reading.SQUEEZED, STRONG | {"phase": 0.5}),
        (Reading.PUMP, STRONG),
        (Reading.SAME_TEMPERATURE, {k: v for k, v in STRONG.items() if k != "n_l"}),
    ],
)
def test_the_reading_of_the_data_is_preferred(reading: Reading, truth: dict[str, float]) -> None:
    found = compare_readings(TIMES, emulated(truth, reading))
    by_name = {fit.reading: fit for fit in found.fits}
    assert by_name[reading].aic <= found.best.aic + 4  # one spare parameter may fit the noise
    assert by_name[reading].deviance_p_value > 0.001
    others = {Reading.SQUEEZED, Reading.PUMP} - {reading}
    assert all(by_name[other].aic > found.best.aic + 20 for other in others)


def test_the_table_of_readings(table: ReadingsTable, fit: Fit) -> None:
    assert [one.reading for one in table.fits] == list(Reading)
    assert table.fits[0].log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
    assert sum(table.weights) == pytest.approx(1)
    assert table.best.reading in (Reading.THERMAL, Reading.SAME_TEMPERATURE)
    assert table.nested_p_value is not None
    assert table.to_dict()["best"] == table.best.reading.value


def test_as_json(fit: Fit) -> None:
    content = fit.to_dict()
    assert set(content["parameters"]) == {"kappa", "n", "gamma", "n_l", "gamma_phi"}
    assert content["fixed"] == {"delta": 0.0, "c": 1.0}
    assert len(content["checks"]) == 36


def test_refusals(counts: list[qb.Counts]) -> None:
    for arguments, text in (
        (((), ()), "'times' and 'counts' must hold one charging time for each"),
        (((0.0,), counts[:1]), "'times' must be above 0 for at least one"),
        ((TIMES, counts, ["kapa", "n"]), "did you mean 'kappa'"),
        ((TIMES, counts, ["kappa"]), "must name 'n', which has no default"),
        ((TIMES, counts, ["kappa", "n"], {"n": 1.0}), "must not both name 'n'"),
        ((TIMES, counts, None, {"c": -2.0}), r"'fixed\['c'\]' must be a finite number >= -1"),
        ((TIMES, counts, None, {"phase": 0.0}), "'fixed' must name parameters of the reading"),
        ((TIMES, counts, None, None, "cold"), "'reading' must be one of 'thermal'"),
    ):
        with pytest.raises(InputError, match=text):
            fit_counts(*arguments)
    drawn = qb.Counts(
        2, ("ZZ",), np.array([[2, 0, 0, 2]]), readout=READOUT, draws=np.array([[[1, 0, 0, 1]] * 2])
    )
    with pytest.raises(InputError, match="not shots that come in draws"):
        fit_counts([1.0], [drawn])
    bare = [replace(one, readout=None) for one in counts]
    with pytest.raises(InputError, match="'readout' must be given"):
        fit_counts(TIMES, bare)
    one_cell = qb.Counts(1, ("Z",), np.array([[2, 2]]), readout=qb.ReadoutModel.ideal(1))
    with pytest.raises(InputError, match="'counts' must be of the same 2 to 4 cells, not 1"):
        fit_counts([1.0], [one_cell])
