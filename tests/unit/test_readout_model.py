"""Assignment matrices: their checks, their order of cells, their identity."""

from __future__ import annotations

import json
import re
from functools import reduce

import numpy as np
import pytest

from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import (
    MAX_CALIBRATION_SHOTS,
    ReadoutModel,
    on_cells,
    pauli_settings,
)

P10, P01 = [0.01, 0.05, 0.1], [0.2, 0.03, 0.07]
MODEL = ReadoutModel.from_error_rates(P10, P01)


def columns(rng, n_cells, readings, levels):
    """Random assignment matrices of reasonable contrast, every cell another one."""
    right = np.eye(3)[:readings, :levels]
    right[-1, 2:] = 1  # a leaked cell is mostly read as the last outcome
    noise = rng.dirichlet(np.ones(readings), size=(n_cells, levels)).swapaxes(1, 2)
    return 0.8 * right + 0.2 * noise


def random_model(readings, levels, n_cells=3, seed=0):
    return ReadoutModel(columns(np.random.default_rng(seed), n_cells, readings, levels))


SHAPES = [(2, 2), (2, 3), (3, 3)]


def test_entry_y_x_is_the_probability_to_read_y_after_preparing_x():
    assert MODEL.assignment.shape == (3, 2, 2)
    np.testing.assert_allclose(MODEL.assignment[:, 1, 0], P10)
    np.testing.assert_allclose(MODEL.assignment[:, 0, 1], P01)
    np.testing.assert_array_equal(MODEL.assignment.sum(axis=1), np.ones((3, 2)))


def test_apply_is_the_kronecker_product_with_cell_0_rightmost():
    p = np.random.default_rng(1).random((5, 8))
    whole = reduce(np.kron, MODEL.assignment[::-1])
    np.testing.assert_allclose(MODEL.apply(p), p @ whole.T, atol=1e-15)


def test_apply_moves_only_the_bit_of_the_bad_cell():
    only_cell_0 = ReadoutModel.from_error_rates([0.25, 0.0], [0.0, 0.0])
    ground = np.array([1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(only_cell_0.apply(ground), [0.75, 0.25, 0, 0])  # 00 -> 01


def test_ideal_changes_nothing():
    p = np.random.default_rng(2).random(4)
    np.testing.assert_array_equal(ReadoutModel.ideal(2).apply(p), p)


def test_apply_refuses_the_wrong_number_of_outcomes():
    with pytest.raises(InputError, match=re.escape("'probabilities' must have shape (..., 8)")):
        MODEL.apply(np.ones(4))


def test_dictionary_round_trip_is_exact_and_keeps_the_identity():
    again = ReadoutModel.from_dict(MODEL.to_dict())
    assert again == MODEL
    assert hash(again) == hash(MODEL)
    assert again.identity() == MODEL.identity()
    assert re.fullmatch("[0-9a-f]{64}", MODEL.identity())


def test_identity_and_equality_tell_models_apart_by_one_rate_and_by_the_order_of_cells():
    other = ReadoutModel.from_error_rates([*P10[:2], 0.1000001], P01)
    swapped = ReadoutModel.from_error_rates(P10[::-1], P01[::-1])
    assert len({MODEL.identity(), other.identity(), swapped.identity()}) == 3
    assert other != MODEL
    assert MODEL != "a model"


def test_arrays_are_read_only_copies():
    given = np.array([[[0.9, 0.2], [0.1, 0.8]]])
    model = ReadoutModel(given)
    given[0, 0, 0] = 0.5
    assert model.assignment[0, 0, 0] == 0.9
    with pytest.raises(ValueError, match="read-only"):
        model.assignment[0, 0, 0] = 1.0


@pytest.mark.parametrize(
    ("matrices", "sentence"),
    [
        (np.eye(2), "'assignment' must have shape (N, 2, 2), (N, 2, 3) or (N, 3, 3), not (2, 2)."),
        (np.zeros((0, 2, 2)), "(N, 2, 3) or (N, 3, 3), not (0, 2, 2)."),
        ("text", "'assignment' must hold numbers in shape (N, 2, 2)."),
        (np.eye(2, dtype=complex)[None], "'assignment' must hold numbers in shape (N, 2, 2)."),
        (np.eye(2, dtype=bool)[None], "'assignment' must hold numbers in shape (N, 2, 2)."),
        ([[["1", "0"], ["0", "1"]]], "'assignment' must hold numbers in shape (N, 2, 2)."),
        ([[[1, 0], [0]]], "'assignment' must hold numbers in shape (N, 2, 2)."),
        ([[[10**400, 0], [0, 1]]], "'assignment' must hold numbers in shape (N, 2, 2)."),
        ([np.eye(2), [[0.9, 0.2], [0.2, 0.8]]], "'assignment of cell 1' must be probabilities"),
        ([[[1.1, 0.0], [-0.1, 1.0]]], "'assignment of cell 0' must be probabilities"),
        ([[[np.nan, 0.0], [1.0, 1.0]]], "'assignment of cell 0' must be probabilities"),
        (
            [np.eye(2), [[0.5, 0.5], [0.5, 0.5]]],
            "'assignment of cell 1' must be invertible, |1 - P(1|0) - P(0|1)| >= 0.001, not 0.0.",
        ),
    ],
)
def test_bad_matrices_are_refused_by_name(matrices, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ReadoutModel(matrices)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (3, "'readout' must be an object with the keys"),
        ({"prob_meas1_prep0": [0.1]}, "'readout' must have the key 'prob_meas0_prep1'."),
        (
            {"prob_meas1_prep0": [0.1], "prob_meas0_prep_1": [0.1]},
            "'readout' has no key 'prob_meas0_prep_1' (did you mean 'prob_meas0_prep1'",
        ),
        (
            {"prob_meas1_prep0": [0.1], "prob_meas0_prep1": [0.1, 0.2]},
            "must hold one number per cell each, not 1 and 2.",
        ),
        (
            {"prob_meas1_prep0": [0.1, 1.5], "prob_meas0_prep1": [0.1, 0.2]},
            "'prob_meas1_prep0[1]' must be a finite number >= 0 and <= 1, not 1.5.",
        ),
        (
            {"prob_meas1_prep0": 0.1, "prob_meas0_prep1": 0.1},
            "'prob_meas1_prep0' must be a list with one probability per cell, not 0.1.",
        ),
    ],
)
def test_bad_files_are_refused_in_one_sentence(content, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ReadoutModel.from_dict(content)


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3), (3, 2)])
def test_on_cells_is_the_kronecker_product_with_cell_0_rightmost(shape):
    rows, levels = shape
    rng = np.random.default_rng(3)
    matrices, v = rng.normal(size=(3, rows, levels)), rng.normal(size=(2, 4, levels**3))
    found = on_cells(v, matrices)
    assert found.shape == (2, 4, rows**3)
    np.testing.assert_allclose(found, v @ reduce(np.kron, matrices[::-1]).T, atol=1e-12)
    turned = on_cells(1j * v, matrices * np.exp(0.3j))
    np.testing.assert_allclose(turned, 1j * np.exp(0.9j) * found, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_apply_gives_the_probabilities_of_the_readings(shape):
    model = random_model(*shape)
    assert (model.n_cells, model.outcomes, model.levels) == (3, *shape)
    p = np.random.default_rng(4).dirichlet(np.ones(shape[1] ** 3), size=5)
    read = model.apply(p)
    np.testing.assert_allclose(read, p @ reduce(np.kron, model.assignment[::-1]).T, atol=1e-15)
    np.testing.assert_allclose(read.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_invert_and_pull_back_are_adjoint(shape):
    model, rng = random_model(*shape), np.random.default_rng(5)
    f, w = rng.random((7, shape[0] ** 3)), rng.normal(size=(4, 8))
    assert model.invert(f).shape == (7, 8)
    assert model.pull_back(w).shape == (4, shape[0] ** 3)
    np.testing.assert_allclose(f @ model.pull_back(w).T, model.invert(f) @ w.T, atol=1e-12)


def test_invert_undoes_apply_for_two_levels():
    p = np.random.default_rng(6).dirichlet(np.ones(8), size=5)
    np.testing.assert_allclose(MODEL.invert(MODEL.apply(p)), p, atol=1e-14)


def qubit_block(p, n_cells):
    """The probabilities of the basis states in which no cell leaked: (..., 3^N) -> (..., 2^N)."""
    digits = p.reshape(*p.shape[:-1], *(3,) * n_cells)
    return digits[(..., *(slice(2),) * n_cells)].reshape(*p.shape[:-1], -1)


def test_with_three_readings_the_qubit_block_comes_back_and_the_leaked_weight_is_missing():
    model = random_model(3, 3)
    p = np.random.default_rng(7).dirichlet(np.ones(27), size=5)
    found = model.invert(model.apply(p))
    np.testing.assert_allclose(found, qubit_block(p, 3), atol=1e-13)
    assert np.all(found.sum(axis=1) < 0.9)


def test_with_two_readings_a_leaked_cell_counts_as_what_it_is_read_as():
    """A = [Q | a]: inverting Q leaves the qubit levels and Q^-1 a times the leaked weight."""
    model = random_model(2, 3, n_cells=1)
    p = np.array([0.5, 0.3, 0.2])
    q, a = model.assignment[0, :, :2], model.assignment[0, :, 2]
    found = model.invert(model.apply(p))
    np.testing.assert_allclose(found, p[:2] + np.linalg.solve(q, a) * p[2], atol=1e-15)
    assert found.sum() == pytest.approx(1)


def test_leakage_is_the_weight_of_level_2_of_each_cell():
    model = random_model(3, 3)
    p = np.random.default_rng(8).dirichlet(np.ones(27), size=(2, 5))
    levels = p.reshape(2, 5, 3, 3, 3)
    marginals = [
        levels[..., 2].sum((2, 3)),
        levels[..., 2, :].sum((2, 3)),
        levels[:, :, 2].sum((2, 3)),
    ]
    found = model.leakage(model.apply(p))
    assert found.shape == (2, 5, 3)
    np.testing.assert_allclose(found, np.moveaxis(marginals, 0, -1), atol=1e-13)


def test_leakage_weights_give_the_standard_error_of_the_leakage():
    model, rng, shots = random_model(3, 3, n_cells=2), np.random.default_rng(9), 1000
    read = model.apply(rng.dirichlet(np.ones(9)))
    w = model.leakage_weights()
    assert w.shape == (2, 9)
    error = np.sqrt((w**2 @ read - (w @ read) ** 2) / shots)
    drawn = model.leakage(rng.multinomial(shots, read, size=20_000) / shots)
    np.testing.assert_allclose(drawn.std(axis=0), error, rtol=0.02)
    np.testing.assert_allclose(drawn.mean(axis=0), w @ read, atol=5 * error.max() / np.sqrt(20_000))


@pytest.mark.parametrize("shape", [(2, 2), (2, 3)])
def test_leakage_needs_a_reading_of_its_own(shape):
    with pytest.raises(InputError, match=r"^'readout' must have 3 outcomes to tell leaked cells"):
        random_model(*shape).leakage(np.ones(27))


@pytest.mark.parametrize(
    ("method", "field", "size"),
    [("invert", "frequencies", 27), ("pull_back", "weights", 8), ("leakage", "frequencies", 27)],
)
def test_arrays_of_the_wrong_length_are_refused(method, field, size):
    sentence = f"'{field}' must have shape (..., {size}) for 3 cells, not (2, 9)."
    with pytest.raises(InputError, match=re.escape(sentence)):
        getattr(random_model(3, 3), method)(np.ones((2, 9)))


def test_ideal_of_three_levels_reads_a_leaked_cell_as_2():
    model = ReadoutModel.ideal(2, levels=3)
    np.testing.assert_array_equal(model.apply(np.eye(9)), np.eye(9))


def test_columns_never_go_negative_when_they_are_made_exact():
    model = ReadoutModel([[[0, 0, 0.2], [0.6, 1, 0.2], [0.4 + 5e-10, 0, 0.6]]])
    assert model.assignment.min() == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_calibration_counts_round_trip(shape):
    rng = np.random.default_rng(10)
    shots = rng.integers(200, 5000, size=(4, shape[1]))
    matrices = columns(rng, 4, *shape)
    counts = np.stack(
        [
            [rng.multinomial(shots[i, x], matrices[i, :, x]) for x in range(shape[1])]
            for i in range(4)
        ]
    ).swapaxes(1, 2)
    model = ReadoutModel.from_calibration_counts(counts, calibrated_at="2026-01-02")
    np.testing.assert_allclose(model.assignment, counts / shots[:, None], atol=1e-15)
    np.testing.assert_array_equal(model.calibration_shots, shots)
    np.testing.assert_array_equal(model.calibration_counts(), counts)
    assert ReadoutModel.from_calibration_counts(model.calibration_counts(), "2026-01-02") == model
    again = ReadoutModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model
    assert again.identity() == model.identity()
    assert again.calibrated_at == "2026-01-02"


def test_stated_rates_round_to_counts_that_are_no_fewer_than_zero_and_add_up():
    model = ReadoutModel([[[0, 0, 0.25], [0.5, 1, 0.25], [0.5, 0, 0.5]]], np.array([[3, 7, 1]]))
    counts = model.calibration_counts()
    assert counts.min() >= 0
    np.testing.assert_array_equal(counts.sum(axis=1), [[3, 7, 1]])
    np.testing.assert_array_less(np.abs(counts - model.assignment * [3, 7, 1]), 1)
    most = ReadoutModel(model.assignment, MAX_CALIBRATION_SHOTS)
    np.testing.assert_array_equal(most.calibration_counts().sum(axis=1), MAX_CALIBRATION_SHOTS)
    assert ReadoutModel.ideal(1).calibration_counts() is None


@pytest.mark.parametrize("shape", SHAPES)
def test_the_uncertainty_of_the_matrices_is_that_of_multinomial_columns(shape):
    """docs/readout.md: Var = sum_i sum_x (sum_y A h^2 - (sum_y A h)^2) / n_ix, first order."""
    (k, d), n_x, rng = shape, 40_000, np.random.default_rng(11)
    model = random_model(*shape, n_cells=2)
    f, w = model.apply(rng.dirichlet(np.ones(d**2))), rng.normal(size=4)
    v, variance = model.pull_back(w).reshape(k, k), 0.0
    for cell, inverse in enumerate(model.inverses):
        mine = np.moveaxis(np.stack([v, f.reshape(k, k)]), 2 - cell, -1)  # (., other, this)
        h = -mine[0].T @ (mine[1] @ inverse.T)
        a = model.assignment[cell, :, :k]
        variance += np.sum(np.sum(a * h**2, 0) - np.sum(a * h, 0) ** 2) / n_x
    columns = model.assignment.swapaxes(1, 2)
    drawn = rng.multinomial(n_x, columns, size=(2000, *columns.shape[:2])).swapaxes(2, 3)
    found = [w @ ReadoutModel.from_calibration_counts(counts).invert(f) for counts in drawn]
    assert np.std(found) == pytest.approx(np.sqrt(variance), rel=0.05)


@pytest.mark.parametrize(
    ("shots", "columns_shots"),
    [
        (100, [[100, 100]] * 3),
        ([10, 20, 30], [[10, 10], [20, 20], [30, 30]]),
        ([[1, 2], [3, 4], [5, 6]], [[1, 2], [3, 4], [5, 6]]),
    ],
)
def test_calibration_shots_are_given_for_all_per_cell_or_per_column(shots, columns_shots):
    model = ReadoutModel.from_error_rates(P10, P01, calibration_shots=shots)
    np.testing.assert_array_equal(model.calibration_shots, columns_shots)
    assert model == ReadoutModel(MODEL.assignment, shots)
    assert model == ReadoutModel.from_dict({**MODEL.to_dict(), "calibration_shots": shots})
    assert len({model.identity(), MODEL.identity()}) == 2
    with pytest.raises(ValueError, match="read-only"):
        model.calibration_shots[0, 0] = 1


@pytest.mark.parametrize(
    ("shots", "sentence"),
    [
        ([1, 2], "one per cell, or have shape (3, 2) (cells, prepared levels), not [1, 2]."),
        (100.0, "'calibration_shots' must be one whole number, one per cell,"),
        (True, "'calibration_shots' must be one whole number, one per cell,"),
        ("many", "'calibration_shots' must be one whole number, one per cell,"),
        ([[1, 2], [3]], "'calibration_shots' must be one whole number, one per cell,"),
        ([10, 0, 10], "'calibration_shots' must be from 1 to 999999999, not [10, 0, 10]."),
        (10**9, "'calibration_shots' must be from 1 to 999999999, not 1000000000."),
    ],
)
def test_bad_calibration_shots_are_refused_in_one_sentence(shots, sentence):
    for make in (
        lambda: ReadoutModel(MODEL.assignment, shots),
        lambda: ReadoutModel.from_error_rates(P10, P01, shots),
        lambda: ReadoutModel.from_dict({**MODEL.to_dict(), "calibration_shots": shots}),
    ):
        with pytest.raises(InputError, match=re.escape(sentence)) as caught:
            make()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (np.ones((2, 2), int), "'counts' must hold whole numbers >= 0 in shape (N, K, D)."),
        (np.ones((1, 2, 2)), "'counts' must hold whole numbers >= 0 in shape (N, K, D)."),
        (-np.ones((1, 2, 2), int), "'counts' must hold whole numbers >= 0 in shape (N, K, D)."),
        ([[[1, 2], [3]]], "'counts' must hold whole numbers >= 0 in shape (N, K, D)."),
        (np.full((1, 2, 2), 2**62), "'counts' must hold counts from 0 to 999999999."),
        ([[[9, 0], [1, 0]]], "every level, but cell 0 has none in level 1."),
        ([[[9, 5], [9, 5]]], "'assignment of cell 0' must be invertible"),
        (np.ones((1, 4, 4), int), "'assignment' must have shape (N, 2, 2), (N, 2, 3) or (N, 3, 3)"),
    ],
)
def test_bad_calibration_counts_are_refused_in_one_sentence(counts, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ReadoutModel.from_calibration_counts(counts)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prob_meas1_prep0": [0.1]}, "must not hold both 'assignment' and 'prob_meas1_prep0'."),
        ({"assignment": [[[1, 0, 0], [0, 1, 1]], [[1, 0], [0, 1]]]}, "'assignment' must hold"),
        ({"assignment": [[[10**400]]]}, "'assignment' must hold numbers"),
        (
            {"assignment": np.eye(3)[[[0, 1, 1]]].tolist()},
            "'assignment of cell 0' must be probabilities with columns",
        ),
        (
            {"assignment": [[[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]]},
            "'assignment of cell 0' must be invertible, |determinant| >= 0.001, not 0.0.",
        ),
        (
            {"assignment": [[[0.5, 0.5, 0.0], [0.5, 0.5, 1.0]]]},
            "'assignment of cell 0' must be invertible, |1 - P(1|0) - P(0|1)| >= 0.001, not 0.0.",
        ),
        ({"calibrated_at": 5}, "'calibrated_at' must be a text, not 5."),
        ({"calibrated": "x"}, "'readout' has no key 'calibrated' (did you mean 'calibrated_at'"),
    ],
)
def test_bad_three_level_files_are_refused_in_one_sentence(change, sentence):
    good = ReadoutModel.ideal(1, levels=3).to_dict()
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        ReadoutModel.from_dict({**good, **change})
    assert "\n" not in str(caught.value)


def test_ideal_refuses_four_levels():
    with pytest.raises(InputError, match="'levels' must be a whole number >= 2 and <= 3, not 4"):
        ReadoutModel.ideal(1, levels=4)


def test_settings_are_all_pauli_labels_in_order():
    assert pauli_settings(1) == ("X", "Y", "Z")
    assert pauli_settings(2) == ("XX", "XY", "XZ", "YX", "YY", "YZ", "ZX", "ZY", "ZZ")
    assert len(set(pauli_settings(5))) == 3**5
    with pytest.raises(InputError, match="'n_cells' must be a whole number >= 1 and <= 8, not 9"):
        pauli_settings(9)
