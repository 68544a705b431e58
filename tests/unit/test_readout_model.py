"""Assignment matrices: their checks, their order of cells, their identity."""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import pytest

from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings

P10, P01 = [0.01, 0.05, 0.1], [0.2, 0.03, 0.07]
MODEL = ReadoutModel.from_error_rates(P10, P01)


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


def test_settings_are_all_pauli_labels_in_order():
    assert pauli_settings(1) == ("X", "Y", "Z")
    assert pauli_settings(2) == ("XX", "XY", "XZ", "YX", "YY", "YZ", "ZX", "ZY", "ZZ")
    assert len(set(pauli_settings(5))) == 3**5
    with pytest.raises(InputError, match="'n_cells' must be a whole number >= 1 and <= 8, not 9"):
        pauli_settings(9)
