"""Cells that are read together: their matrices, their calibration, and how they are found."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import norm

from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import (
    PairReadoutModel,
    pair_calibration_patterns,
    readout_correlation,
)
from qbat_circuits.readout_model import ReadoutModel

RNG = np.random.default_rng(1)
PAIR = 0.8 * np.eye(4) + 0.2 * RNG.dirichlet(np.ones(4), 4).T
OTHER = 0.8 * np.eye(4) + 0.2 * RNG.dirichlet(np.ones(4), 4).T
CELL = np.array([[0.95, 0.1], [0.05, 0.9]])
MODEL = PairReadoutModel(((0, 3), (1, 2), (4,)), (PAIR, OTHER, CELL))
SINGLE = ReadoutModel.from_error_rates([0.02, 0.05, 0.1, 0.03], [0.08, 0.03, 0.07, 0.01])


def prepared_counts(model, patterns, shots, rng):
    """Calibration counts of a model: one multinomial draw for each prepared bit string."""
    n = model.n_cells
    return {p: rng.multinomial(shots, model.apply(np.eye(2**n)[int(p, 2)])) for p in patterns}


def test_apply_multiplies_the_columns_of_all_blocks():
    """A[y, x] = PAIR[y0 + 2 y3, x0 + 2 x3] OTHER[y1 + 2 y2, x1 + 2 x2] CELL[y4, x4], entrywise."""
    whole = np.empty((32, 32))
    for x, y in product(range(32), repeat=2):
        u, v = [(x >> i) & 1 for i in range(5)], [(y >> i) & 1 for i in range(5)]
        whole[y, x] = (
            PAIR[v[0] + 2 * v[3], u[0] + 2 * u[3]]
            * OTHER[v[1] + 2 * v[2], u[1] + 2 * u[2]]
            * CELL[v[4], u[4]]
        )
    p = RNG.random((2, 3, 32))
    np.testing.assert_allclose(MODEL.apply(p), p @ whole.T, atol=1e-15)


def test_a_product_matrix_is_two_independent_cells():
    a = SINGLE.assignment
    pairs = PairReadoutModel(((0,), (1, 3), (2,)), (a[0], np.kron(a[3], a[1]), a[2]))
    p = RNG.dirichlet(np.ones(16), size=3)
    np.testing.assert_allclose(pairs.apply(p), SINGLE.apply(p), atol=1e-15)
    np.testing.assert_allclose(pairs.invert(p), SINGLE.invert(p), atol=1e-12)
    np.testing.assert_allclose(pairs.pull_back(p), SINGLE.pull_back(p), atol=1e-12)
    assert (pairs.n_cells, pairs.outcomes, pairs.levels) == (4, 2, 2)


def test_invert_undoes_apply_and_pull_back_is_its_adjoint():
    p, w = RNG.dirichlet(np.ones(32), size=5), RNG.normal(size=(4, 32))
    np.testing.assert_allclose(MODEL.invert(MODEL.apply(p)), p, atol=1e-14)
    np.testing.assert_allclose(p @ MODEL.pull_back(w).T, MODEL.invert(p) @ w.T, atol=1e-12)


def test_arrays_of_the_wrong_length_are_refused():
    for method, field in (
        ("apply", "probabilities"),
        ("invert", "frequencies"),
        ("pull_back", "weights"),
    ):
        with pytest.raises(InputError, match=re.escape(f"'{field}' must have shape (..., 32)")):
            getattr(MODEL, method)(np.ones(8))


def test_calibration_counts_give_each_column_with_its_shots():
    patterns = pair_calibration_patterns(5)
    counts = prepared_counts(MODEL, patterns, 1000, np.random.default_rng(2))
    model = PairReadoutModel.from_calibration_counts(counts, 5, [(3, 0), (1, 2)], "2026-01-02")
    assert model.blocks == ((0, 3), (1, 2), (4,))
    by_hand = np.zeros((4, 4), int)
    for bits, row in counts.items():
        for number, count in enumerate(row):
            read = f"{number:05b}"
            by_hand[int(read[1] + read[4], 2), int(bits[1] + bits[4], 2)] += count
    np.testing.assert_array_equal(model.calibration_counts()[0], by_hand)
    np.testing.assert_array_equal(model.calibration_shots[0], by_hand.sum(axis=0))
    np.testing.assert_allclose(model.matrices[0], by_hand / by_hand.sum(axis=0), atol=1e-15)
    assert model.calibration_shots[2].sum() == 1000 * len(patterns)
    for block, shots, matrix, true in zip(
        model.calibration_counts(),
        model.calibration_shots,
        model.matrices,
        MODEL.matrices,
        strict=True,
    ):
        np.testing.assert_array_equal(block.sum(axis=0), shots)
        error = np.sqrt(true * (1 - true) / shots)
        assert np.max(np.abs(matrix - true) / error) < norm.isf(1e-3 / 36 / 2)


def test_counts_of_the_blocks_give_the_model_again():
    counts = prepared_counts(MODEL, pair_calibration_patterns(5), 70, np.random.default_rng(7))
    model = PairReadoutModel.from_calibration_counts(counts, 5, [(0, 3), (1, 2)], "2026-01-02")
    again = PairReadoutModel.from_block_counts(
        model.blocks, model.calibration_counts(), model.calibrated_at
    )
    assert again == model
    empty = (np.diag([1, 1, 1, 0]), *model.calibration_counts()[1:])
    with pytest.raises(InputError, match="'assignment of cells 0 and 3' must be probabilities"):
        PairReadoutModel.from_block_counts(model.blocks, empty)


def test_the_uncertainty_of_the_matrices_is_that_of_multinomial_columns():
    """docs/readout.md: Var = sum_b sum_x (sum_y A h^2 - (sum_y A h)^2) / n_bx, first order."""
    rng, n_x = np.random.default_rng(8), 40_000
    f, w = MODEL.apply(rng.dirichlet(np.ones(32))), rng.normal(size=32)
    v, variance = MODEL.pull_back(w), 0.0
    for block, matrix in zip(MODEL.blocks, MODEL.matrices, strict=True):
        axes = [5 - cell for cell in reversed(block)]  # of (v and f, cell 4, ..., cell 0)
        both = np.moveaxis(np.stack([v, f]).reshape([2] * 6), axes, range(-len(axes), 0))
        v_here, f_here = both.reshape(2, -1, len(matrix))  # (readings of others, of the block)
        h = -v_here.T @ (f_here @ np.linalg.inv(matrix).T)
        variance += np.sum(np.sum(matrix * h**2, 0) - np.sum(matrix * h, 0) ** 2) / n_x
    found = []
    for _ in range(2000):
        counts = tuple(
            np.stack([rng.multinomial(n_x, column) for column in matrix.T], axis=1)
            for matrix in MODEL.matrices
        )
        found.append(w @ PairReadoutModel.from_block_counts(MODEL.blocks, counts).invert(f))
    assert np.std(found) == pytest.approx(np.sqrt(variance), rel=0.05)


def test_counts_may_be_given_by_bit_string():
    counts = prepared_counts(MODEL, pair_calibration_patterns(5), 50, np.random.default_rng(3))
    named = {
        prepared: {f"{y:05b}": int(count) for y, count in enumerate(row) if count}
        for prepared, row in counts.items()
    }
    pairs = [(0, 3)]
    assert PairReadoutModel.from_calibration_counts(
        named, 5, pairs
    ) == PairReadoutModel.from_calibration_counts(counts, 5, pairs)
    assert readout_correlation(named, 5) == readout_correlation(counts, 5)


def test_without_pairs_it_is_the_model_of_single_cells():
    counts = prepared_counts(SINGLE, ["0000", "1111"], 500, np.random.default_rng(4))
    pairs = PairReadoutModel.from_calibration_counts(counts, 4, [])
    single = ReadoutModel.from_calibration_counts(np.array(pairs.calibration_counts()))
    np.testing.assert_array_equal(single.assignment, pairs.matrices)
    np.testing.assert_array_equal(single.calibration_shots, 500)


@pytest.mark.parametrize("known", [{}, {"calibration_shots": ((1, 2, 3, 4), 5, (6, 7))}])
def test_dictionary_round_trip_is_exact_and_keeps_the_identity(known):
    model = PairReadoutModel(
        (*MODEL.blocks[:2], (4,)), MODEL.matrices, **known, calibrated_at="today"
    )
    again = PairReadoutModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model
    assert hash(again) == hash(model)
    assert again.identity() == model.identity() != MODEL.identity()
    assert (again.calibration_shots is None) == (not known)
    assert MODEL.calibration_counts() is None


def test_arrays_are_read_only_copies():
    given = PAIR.copy()
    model = PairReadoutModel(((0, 1),), (given,), ([10, 10, 10, 10],))
    given[0, 0] = 0.5
    assert model.matrices[0][0, 0] != 0.5
    for array in (model.matrices[0], model.inverses[0], model.calibration_shots[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize("n_cells", range(1, 13))
def test_every_pair_of_cells_meets_every_pattern(n_cells):
    patterns = pair_calibration_patterns(n_cells)
    assert len(set(patterns)) == len(patterns)
    for i, j in combinations(range(n_cells), 2):
        assert {(p[i], p[j]) for p in patterns} == set(product("01", repeat=2))
    assert len(patterns) == {1: 2, 2: 4, 3: 4, 4: 5, 11: 7, 12: 7}.get(n_cells, 6)


@pytest.mark.parametrize("n_cells", range(1, 13))
def test_balanced_patterns_show_every_three_cells_all_levels_equally_often(n_cells):
    patterns = pair_calibration_patterns(n_cells, balanced=True)
    assert len(patterns) == 2 * 2 ** int(np.ceil(np.log2(n_cells)))
    for size in (1, 2, 3):
        for cells in combinations(range(n_cells), size):
            met = Counter(tuple(p[i] for i in cells) for p in patterns)
            assert set(met.values()) == {len(patterns) // 2**size}


def test_no_fewer_patterns_would_do_for_four_cells():
    """Kleitman and Spencer: 4 strings serve 3 cells only. All choices of 4 are tried."""
    strings = [f"{x:04b}" for x in range(16)]
    assert not any(
        all(len({(s[i], s[j]) for s in four}) == 4 for i, j in combinations(range(4), 2))
        for four in combinations(strings, 4)
    )


def test_correlation_is_the_deviation_in_standard_errors():
    """Both cells flip in 100 of 1000 shots of 01; the formula written out for y = 10."""
    counts = {
        "00": {"00": 2000},
        "01": {"01": 900, "10": 100},
        "10": {"10": 500},
        "11": {"11": 3000},
    }
    n, n_low, n_high = 1000, 4000, 3000  # of 01, of cell 0 in 1, of cell 1 in 0
    a, b = 100 / n_low, 100 / n_high
    variance = a * b * (1 - a * b) / n - a * b**2 * (1 - a) / n_low - a**2 * b * (1 - b) / n_high
    largest = (100 / n - a * b) / np.sqrt(variance + 1 / n**2)
    assert readout_correlation(counts, 2) == {(0, 1): pytest.approx(largest, rel=1e-12)}


def test_independent_cells_are_rarely_called_correlated():
    """Bonferroni over 6 pairs of 16 numbers, level .05; 400 runs of which few rare errors."""
    rng, patterns = np.random.default_rng(5), pair_calibration_patterns(4)
    threshold = norm.isf(0.05 / (6 * 16) / 2)
    for model, shots in (
        (SINGLE, 1000),
        (ReadoutModel.from_error_rates([0.3] * 4, [0.4] * 4), 4000),
    ):
        largest = [
            max(readout_correlation(prepared_counts(model, patterns, shots, rng), 4).values())
            for _ in range(400)
        ]
        share = np.mean(np.array(largest) > threshold)
        assert share < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 400)
    assert share > 0.003  # the standard errors are not too large where errors are frequent


def correlated_pairs(joint, patterns):
    """Pairs above the level .001 where cells 0 and 2 of 4 are read with this matrix."""
    a = SINGLE.assignment
    model = PairReadoutModel(((0, 2), (1,), (3,)), (joint, a[1], a[3]))
    found = readout_correlation(prepared_counts(model, patterns, 4000, np.random.default_rng(6)), 4)
    return {pair for pair, value in found.items() if value > norm.isf(0.001 / (6 * 16) / 2)}


@pytest.mark.parametrize("balanced", [False, True])
def test_a_pair_that_flips_together_is_found(balanced):
    independent = np.kron(SINGLE.assignment[2], SINGLE.assignment[0])
    joint = 0.98 * independent + 0.02 * independent[::-1]
    assert correlated_pairs(joint, pair_calibration_patterns(4, balanced)) == {(0, 2)}


def test_a_cell_misread_beside_its_excited_neighbour_is_found_and_balanced_patterns_name_the_pair():
    a = SINGLE.assignment
    worse = a[0] + 0.03 * np.array([[-1, 1], [1, -1]])
    joint = np.hstack([np.kron(a[2], a[0])[:, :2], np.kron(a[2], worse)[:, 2:]])
    assert correlated_pairs(joint, pair_calibration_patterns(4, balanced=True)) == {(0, 2)}
    assert correlated_pairs(joint, pair_calibration_patterns(4)) == {(0, 1), (0, 2), (0, 3)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"blocks": ((0,), (0, 1))}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": ((1, 0),)}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": ((1,), (0,))}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": ((0, 1, 2),)}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": ((0, 2),)}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": ((), (0, 1))}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": ()}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": 3}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": (("a",),)}, "'blocks' must be blocks of one or two cells in increasing"),
        ({"blocks": (("a", 0),)}, "'blocks' must be blocks of one or two cells in increasing"),
        (
            {"matrices": (PAIR, CELL)},
            "'matrices' must be a list with one entry for each of 1 blocks",
        ),
        ({"matrices": (CELL,)}, "'assignment of cells 0 and 1' must be numbers in shape (4, 4)"),
        (
            {"matrices": (PAIR * 1j,)},
            "'assignment of cells 0 and 1' must be numbers in shape (4, 4)",
        ),
        ({"matrices": (PAIR > 0.5,)}, "'assignment of cells 0 and 1' must be numbers in shape"),
        ({"matrices": (PAIR.astype(str),)}, "'assignment of cells 0 and 1' must be numbers in"),
        ({"matrices": ("text",)}, "'assignment of cells 0 and 1' must be numbers in shape (4, 4)"),
        ({"matrices": (np.ones((4, 4)),)}, "'assignment of cells 0 and 1' must be probabilities"),
        ({"matrices": (PAIR * np.nan,)}, "'assignment of cells 0 and 1' must be probabilities"),
        (
            {"matrices": (np.kron(CELL, np.full((2, 2), 0.5)),)},
            "'assignment of cells 0 and 1' must be invertible, smallest singular value >= 0.001",
        ),
        ({"calibration_shots": ([1, 2],)}, "'calibration_shots' must be one whole number"),
        ({"calibration_shots": ([0, 1, 1, 1],)}, "'calibration_shots' must be from 1 to 999999999"),
        ({"calibration_shots": 5}, "'calibration_shots' must be a list with one entry for each"),
        ({"calibrated_at": 5}, "'calibrated_at' must be a text, not 5."),
    ],
)
def test_bad_models_are_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        PairReadoutModel(**{"blocks": ((0, 1),), "matrices": (PAIR,), **arguments})
    assert "\n" not in str(caught.value)


GOOD = {"00": {"00": 9, "11": 1}, "01": {"01": 10}, "10": {"10": 10}, "11": {"11": 10}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"counts_by_prepared": []}, "'counts_by_prepared' must be counts by prepared bit string"),
        ({"counts_by_prepared": {}}, "'counts_by_prepared' must be counts by prepared bit string"),
        (
            {"counts_by_prepared": {**GOOD, "000": {"00": 1}}},
            "'counts_by_prepared' must be counts by bit strings of 2 digits 0 and 1, not '000'.",
        ),
        (
            {"counts_by_prepared": {**GOOD, "00": {"02": 1}}},
            "'counts_by_prepared.00' must be counts by bit strings of 2 digits 0 and 1, not '02'.",
        ),
        (
            {"counts_by_prepared": {**GOOD, "00": {"01": -1}}},
            "'counts_by_prepared.00.01' must be a whole number >= 0 and <= 999999999, not -1.",
        ),
        (
            {"counts_by_prepared": {**GOOD, "00": [1, 2, 3, 0.5]}},
            "'counts_by_prepared.00.11' must be a whole number >= 0 and <= 999999999, not 0.5.",
        ),
        (
            {"counts_by_prepared": {**GOOD, "00": [1, 2]}},
            "'counts_by_prepared.00' must be counts by bit string or 4 counts, not [1, 2].",
        ),
        (
            {"counts_by_prepared": {"00": GOOD["00"], "11": GOOD["11"]}},
            "must hold shots of cells 1, 0 in every level, but 01 was never prepared.",
        ),
        (
            {"counts_by_prepared": {"00": GOOD["00"]}, "pairs": []},
            "must hold shots of cell 0 in every level, but 1 was never prepared.",
        ),
        (
            {"counts_by_prepared": {**GOOD, "11": GOOD["00"]}},
            "'assignment of cells 0 and 1' must be invertible, smallest singular value >= 0.001",
        ),
        ({"pairs": [(0, 0)]}, "'pairs' must be disjoint, two different cells each"),
        ({"pairs": [(0, 1), (1, 0)]}, "'pairs' must be disjoint, two different cells each"),
        ({"pairs": [(0, 2)]}, "'pairs' must be a whole number >= 0 and <= 1, not 2."),
        ({"pairs": [(0, 1, 2)]}, "'pairs' must be a list of pairs of cells"),
        ({"pairs": 5}, "'pairs' must be a list of pairs of cells, not 5."),
        ({"n_cells": 13}, "'n_cells' must be a whole number >= 1 and <= 12, not 13."),
    ],
)
def test_bad_calibrations_are_refused_in_one_sentence(change, sentence):
    good = {"counts_by_prepared": GOOD, "n_cells": 2, "pairs": [(0, 1)]}
    assert PairReadoutModel.from_calibration_counts(**good).n_cells == 2
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        PairReadoutModel.from_calibration_counts(**{**good, **change})
    assert "\n" not in str(caught.value)


def test_correlation_needs_every_pattern_of_a_pair():
    with pytest.raises(InputError, match="cells 1, 0 in every level, but 01 was never prepared"):
        readout_correlation({"00": [9, 0, 0, 1], "11": [0, 0, 0, 10]}, 2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (3, "'readout' must be an object with a list of blocks, not 3."),
        ({"blocks": [1]}, "'readout' must be an object with a list of blocks"),
        ({"blocks": [], "block": 1}, "'readout' has no key 'block' (did you mean 'blocks'?)."),
        ({"blocks": [{"cells": [0]}]}, "'blocks' must have the key 'assignment'."),
        (
            {"blocks": [{"cells": [0], "assignment": [[1, 0], [0, 1]], "shots": 1}]},
            "'blocks' has no key 'shots'",
        ),
    ],
)
def test_bad_files_are_refused_in_one_sentence(content, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        PairReadoutModel.from_dict(content)
