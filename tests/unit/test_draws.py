"""Shots that come in draws: kept, read, dealt and counted by the draw, or refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from qiskit import transpile
from qiskit.primitives import BitArray
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2
from scipy.stats import norm
from scipy.stats import t as student
from states import ladder

import qbat_circuits as qb
from qbat_circuits.analysis.drawn import MIN_DRAWS, normal_sigma, sample_of
from qbat_circuits.analysis.extraction import ExtractionScheme
from qbat_circuits.analysis.linear_inversion import observable_weights, outcome_probabilities
from qbat_circuits.analysis.local_phases import fit_local_phases
from qbat_circuits.analysis.resampling import resample_plug_in
from qbat_circuits.cells import level_energies
from qbat_circuits.errors import InputError
from qbat_circuits.json_files import write_json
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.lab_results import (
    counts_from_dict,
    counts_from_primitive_result,
    load_counts,
)

IDEAL = ReadoutModel.ideal(2)
ERRORS = ReadoutModel.from_error_rates([0.02, 0.01], [0.03, 0.04])
#: Two settings of two cells, three draws of four shots each.
DRAWS = np.array(
    [[[4, 0, 0, 0], [0, 3, 1, 0], [1, 1, 1, 1]], [[0, 0, 0, 4], [2, 2, 0, 0], [4, 0, 0, 0]]]
)
SHAPE = "must hold whole numbers in the shape (2, draws, 4)"
COUNTS = Counts(2, ("XX", "XZ"), DRAWS.sum(axis=1), draws=DRAWS)


def one_sentence(sentence):
    return pytest.raises(InputError, match=f"^{re.escape(sentence)}$")


def drawn_counts(draws=100, shots=20, spread=0.25, seed=1, readout=IDEAL):
    """All Pauli settings of the charged state, each draw with probabilities p of its own.

    Dirichlet's: of mean q, the Born probabilities, and variance spread*q(1 - q), so any functional
    of one setting has 1 + (shots - 1)*spread times the variance of independent shots.
    """
    rng = np.random.default_rng(seed)
    born = readout.apply(outcome_probabilities(ladder(2)))
    p = np.stack([rng.dirichlet((1 / spread - 1) * q, size=draws) for q in born])
    table = rng.multinomial(shots, p)
    return Counts(2, pauli_settings(2), table.sum(axis=1), readout=readout, draws=table)


def weights_of(seed):
    g = np.random.default_rng(seed).normal(size=(2, 4, 4))
    return observable_weights(g[0] + g[0].T + 1j * (g[1] - g[1].T))


# --- counts ---------------------------------------------------------------------------------------


def test_counts_keep_their_draws():
    assert COUNTS.draws.shape == (2, 3, 4)
    assert not COUNTS.draws.flags.writeable
    np.testing.assert_array_equal(COUNTS.select(["XZ"]).draws, DRAWS[1:])
    assert Counts(2, ("XX", "XZ"), DRAWS.sum(axis=1)).draws is None


def test_one_shot_a_draw_is_independent_shots():
    single = np.eye(4, dtype=int)[None]
    assert Counts(2, ("XX",), single.sum(axis=1), draws=single).draws is None


def test_a_marginal_adds_up_draw_by_draw():
    """Both settings read X on cell 1: draw r of it is draw r of either."""
    one = COUNTS.marginal([1])
    assert one.settings == ("X",)
    np.testing.assert_array_equal(one.draws, [[[4, 4], [7, 1], [6, 2]]])
    np.testing.assert_array_equal(one.table, [[17, 7]])
    zero = COUNTS.marginal([0])
    np.testing.assert_array_equal(zero.draws[1], [[0, 4], [2, 2], [4, 0]])


@pytest.mark.parametrize(
    ("draws", "sentence"),
    [
        (DRAWS[:1], f"'draws' {SHAPE}, not int64 in (1, 3, 4)."),
        (DRAWS[0], f"'draws' {SHAPE}, not int64 in (3, 4)."),
        (DRAWS / 1, f"'draws' {SHAPE}, not float64 in (2, 3, 4)."),
        ([[[1], [2, 3]]], "'draws' must be an array of whole numbers."),
        (DRAWS[:, :2], "'draws' of XX must be counts that add up to its counts."),
        (
            np.array([[[5, 0, 0, 0], [-1, 3, 1, 0], [1, 1, 1, 1]], DRAWS[1]]),
            "'draws' of XX must be counts that add up to its counts.",
        ),
        (
            np.array([DRAWS[0], [[0, 0, 0, 4], [1, 2, 0, 0], [5, 0, 0, 0]]]),
            "'draws' of XZ must have equal shots each, not 3 to 5.",
        ),
    ],
)
def test_draws_that_do_not_fit_are_refused(draws, sentence):
    with one_sentence(sentence):
        replace(COUNTS, draws=draws)


# --- files and results ----------------------------------------------------------------------------


def test_a_counts_file_keeps_the_draws(tmp_path):
    COUNTS.save(tmp_path / "counts.json")
    again = Counts.load(tmp_path / "counts.json")
    assert again.to_dict()["draws"]["XX"] == [
        {"00": 4},
        {"01": 3, "10": 1},
        {"00": 1, "01": 1, "10": 1, "11": 1},
    ]
    np.testing.assert_array_equal(again.draws, DRAWS)
    assert again.to_dict() == COUNTS.to_dict()
    assert "draws" not in replace(COUNTS, draws=None).to_dict()


@pytest.mark.parametrize(
    ("draws", "sentence"),
    [
        ([], "'draws' must be an object with the labels of 'settings' for its keys, not []."),
        (
            {"XX": []},
            "'draws' must be an object with the labels of 'settings' for its keys, not {'XX': []}.",
        ),
        (
            {"XX": [], "XZ": []},
            "'draws.XX' must be a list of draws, each with its counts, not [].",
        ),
        (
            {"XX": [{"00": 4}], "XZ": [{}, {}]},
            "'draws.XZ' must have 1 draws, as many as the first setting, not 2.",
        ),
        (
            {"XX": [{"00": 4}, {"02": 4}], "XZ": [{}, {}]},
            "'draws.XX[1]' must be counts by bit strings of 2 digits 0 and 1, not '02'.",
        ),
        (
            {"XX": [{"00": 4}], "XZ": [{"00": -1}]},
            "'draws.XZ[0].00' must be a whole number >= 0 and <= 999999999, not -1.",
        ),
        (
            {"XX": [{"00": 4}], "XZ": [{"00": 4}]},
            "'draws' of XX must be counts that add up to its counts.",
        ),
        (
            {"XX": [{}] * 3_000_000, "XZ": []},
            "'draws' must hold at most 2097152 draws of 2 settings of 2 cells, not 3000000.",
        ),
    ],
)
def test_a_counts_file_with_wrong_draws_is_refused(draws, sentence):
    with one_sentence(sentence):
        Counts.from_dict({**COUNTS.to_dict(), "draws": draws})


def test_dictionaries_of_draws():
    lists = COUNTS.to_dict()["draws"]
    little = counts_from_dict(lists, "little", draws=True)
    np.testing.assert_array_equal(little.draws, DRAWS)
    assert little.settings == COUNTS.settings
    mirrored = {k[::-1]: [{b[::-1]: n for b, n in d.items()} for d in v] for k, v in lists.items()}
    assert counts_from_dict(mirrored, "big", draws=True).to_dict() == little.to_dict()
    longer = {k: [{f"{b[0]}1{b[1]}": n for b, n in d.items()} for d in v] for k, v in lists.items()}
    assert counts_from_dict(longer, "little", [0, 2], draws=True).to_dict() == little.to_dict()
    with pytest.raises(InputError, match=re.escape("'settings.XX[1]' has 3 bits in '011'")):
        counts_from_dict({"XX": [{"01": 1}, {"011": 1}]}, "little", draws=True)
    with one_sentence("'settings.XX' must be an object of counts by bit string, not [{'00': 4}]."):
        counts_from_dict({"XX": [{"00": 4}]}, "little")


def test_files_of_draws(tmp_path):
    write_json(tmp_path / "plain.json", COUNTS.to_dict()["draws"])
    found = load_counts(tmp_path / "plain.json", "little", draws=True)
    np.testing.assert_array_equal(found.draws, DRAWS)
    COUNTS.save(tmp_path / "counts.json")
    assert load_counts(tmp_path / "counts.json").to_dict() == COUNTS.to_dict()
    rule = "must be left out for a counts file, which fixes it itself, not True."
    with one_sentence(f"'draws' {rule}"):
        load_counts(tmp_path / "counts.json", draws=True)


def bit_array(draws):
    """A `BitArray` of shape (R,) with these counts of each draw."""
    shots = np.stack([np.repeat(np.arange(4), row) for row in draws])
    return BitArray(shots[..., None].astype(np.uint8), num_bits=2)


def test_an_array_of_draws_is_one_setting_if_it_is_said_so():
    arrays = [bit_array(rows) for rows in DRAWS]
    found = counts_from_primitive_result(arrays, ["XX", "XZ"], draws=True)
    assert found.to_dict() == COUNTS.to_dict()
    assert counts_from_primitive_result(arrays[0], ["XX", "XY", "XZ"]).draws is None
    with one_sentence("'XZ' must have 3 draws like the first, not 2."):
        counts_from_primitive_result([arrays[0], arrays[1][:2]], ["XX", "XZ"], draws=True)


def test_random_flips_come_in_draws():
    """As pubs and as bound circuits; one shot a draw is plain counts."""
    made = qb.collision_circuit(2, 1.0, 0.5, 4, ancilla="random-x", randomizations=5, seed=2)
    circuits = transpile(qb.tomography_circuits(2, made.template, ["ZZ", "XX"]), AerSimulator())
    pubs = SamplerV2(seed=3).run(made.pubs(circuits, shots=8)).result()
    found = counts_from_primitive_result(pubs, draws=True)
    assert found.settings == ("ZZ", "XX")
    assert found.draws.shape == (2, 5, 4)
    assert np.all(found.draws.sum(axis=2) == 8)
    for setting, pub in zip(found.draws, pubs, strict=True):
        for row, draw in zip(setting, pub.data.meas, strict=True):
            counted = draw.get_int_counts()
            assert row.tolist() == [counted.get(b, 0) for b in range(4)]
    bound = SamplerV2(seed=3).run(made.circuits(circuits), shots=8).result()
    assert counts_from_primitive_result(bound, draws=True).draws.shape == (2, 5, 4)
    single = SamplerV2(seed=3).run(made.pubs(circuits)).result()
    assert counts_from_primitive_result(single, draws=True).draws is None


# --- samples --------------------------------------------------------------------------------------


def test_the_variance_is_that_between_draws():
    """Where draws spread by more than shots in every direction; w.f of a draw is one number."""
    counts = drawn_counts(draws=60, shots=400, readout=ERRORS)
    sample = sample_of(counts.table, counts.draws, counts.readout)
    weights = np.stack([weights_of(seed) for seed in range(4)])
    read = counts.readout.pull_back(weights)
    means = np.einsum("fsy,sry->fsr", read, counts.draws / 400)
    wanted = means.var(axis=2, ddof=1).sum(axis=1) / 60
    np.testing.assert_allclose(sample.variance(weights), wanted, rtol=1e-10)
    np.testing.assert_allclose(sample.scatter(read)[0], wanted, rtol=1e-10)
    np.testing.assert_allclose(sample.mean(weights), means.mean(axis=2).sum(axis=1))


def test_the_variance_is_never_below_that_of_independent_shots():
    """Nor below that between draws, whatever the functional; without spread it is little above."""
    counts = drawn_counts(draws=80, shots=6, spread=1e-9)
    sample = sample_of(counts.table, counts.draws, IDEAL)
    weights = np.stack([weights_of(seed) for seed in range(200)])
    plain = sample_of(counts.table, None, IDEAL).variance(weights)
    means = np.einsum("fsy,sry->fsr", weights, counts.draws / 6)
    between = means.var(axis=2, ddof=1).sum(axis=1) / 80
    found = sample.variance(weights)
    assert np.any(between < 0.95 * plain)
    assert np.all(found >= plain)
    assert np.all(found >= between * (1 - 1e-12))
    assert np.mean(found / plain) < 1.2


def test_the_variance_is_that_of_the_mean_over_experiments():
    """1 + 19/4 times that of independent shots; 600 means know their variance to 6 %."""
    weights = observable_weights(np.diag(level_energies(2)).astype(complex))
    found = []
    for seed in range(600):
        counts = drawn_counts(draws=50, seed=seed)
        sample = sample_of(counts.table, counts.draws, IDEAL)
        plain = sample_of(counts.table, None, IDEAL)
        found.append([sample.mean(weights), sample.variance(weights), plain.variance(weights)])
    means, variances, independent = np.array(found).T
    assert variances.mean() == pytest.approx(means.var(), rel=0.2)
    assert variances.mean() == pytest.approx(5.75 * independent.mean(), rel=0.05)
    assert abs(means.mean() - 4 / 7) < 4 * means.std() / np.sqrt(600)


@pytest.mark.parametrize("calibration_shots", [None, 500])
def test_covariances_are_the_variances_of_sums(calibration_shots):
    readout = ReadoutModel(ERRORS.assignment, calibration_shots)
    counts = drawn_counts(readout=readout)
    sample = sample_of(counts.table, counts.draws, readout)
    weights = np.stack([weights_of(seed) for seed in range(3)])
    stacked = sample.covariance(weights)
    covariance = np.einsum("sfg,s->fg", stacked[:-1], 1 / sample.shots) + stacked[-1]
    for c in np.random.default_rng(2).normal(size=(5, 3)):
        wanted = sample.variance(np.tensordot(c, weights, 1))
        assert c @ covariance @ c == pytest.approx(wanted, rel=1e-10)
    read = readout.pull_back(weights)
    by_setting = sum(sample.setting_covariance(read[:, row], row) for row in range(9))
    np.testing.assert_allclose(by_setting, covariance - stacked[-1], rtol=1e-10)


@pytest.mark.parametrize("calibration_shots", [None, 500])
def test_whole_draws_are_dealt(calibration_shots):
    readout = ReadoutModel(ERRORS.assignment, calibration_shots)
    counts = drawn_counts(draws=53, readout=readout)
    sample = sample_of(counts.table, counts.draws, readout)
    parts = sample.split(5, np.random.default_rng(3))
    assert sorted(part.n_draws for part in parts) == [10, 10, 11, 11, 11]
    np.testing.assert_array_equal(sum(part.held.astype(int) for part in parts), 1)
    for part in parts:
        chosen = np.where(part.held[..., None], counts.draws, 0)
        np.testing.assert_array_equal(part.table, chosen.sum(axis=1))
    assert np.any(parts[0].held[0] != parts[0].held[1])  # each setting on its own
    rest = sample.without(parts[0], parts[3])
    np.testing.assert_array_equal(rest.held, parts[1].held | parts[2].held | parts[4].held)
    np.testing.assert_array_equal(rest.table, sum(parts[k].table for k in (1, 2, 4)))
    if calibration_shots is not None:
        assert rest.readout.calibration_shots.max() == 300
    weights = weights_of(1)
    if calibration_shots is None:
        ratio = sample.variance(weights, parts[1]) / sample.variance(weights)
        assert ratio == pytest.approx(53 / parts[1].n_draws)


# --- estimates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["pauli", "dicke", "energy-basis"])
def test_every_scheme_takes_draws_for_what_they_are(scheme):
    counts = drawn_counts(draws=200)
    drawn = qb.estimate_ergotropy(counts, scheme=scheme)
    plain = qb.estimate_ergotropy(replace(counts, draws=None), scheme=scheme)
    widths = [e.energy.high - e.energy.low for e in (drawn, plain)]
    assert widths[0] > 1.25 * widths[1]
    assert drawn.energy.value == plain.energy.value
    assert drawn.high > plain.high
    assert drawn.guaranteed_low <= plain.guaranteed_low
    assert drawn.p_value > plain.p_value or scheme == "energy-basis"
    said = (
        "The shots of a setting come in 200 draws; the draws are taken as independent, not the "
        "shots."
    )
    assert said in drawn.warnings
    assert said not in plain.warnings


@pytest.mark.parametrize("scheme", ["pauli", "dicke", "energy-basis"])
def test_few_draws_are_refused(scheme):
    counts = drawn_counts(draws=MIN_DRAWS - 1)
    sentence = f"'draws' must be >= {MIN_DRAWS} for an interval, not {MIN_DRAWS - 1}."
    with one_sentence(sentence):
        qb.estimate_ergotropy(counts, scheme=scheme)
    with one_sentence(sentence):
        ExtractionScheme().estimate(counts, counts)
    with one_sentence(sentence):
        fit_local_phases(counts)


def test_an_energy_has_a_student_interval_of_its_draws():
    counts = drawn_counts(draws=60, shots=400)
    energy = ExtractionScheme().estimate(counts, counts).energy_before
    means = counts.select(["ZZ"]).draws[0] @ level_energies(2) / 400
    reach = student.ppf(0.975, 59) * means.std(ddof=1) / np.sqrt(60)
    assert energy.high - energy.low == pytest.approx(2 * reach, rel=1e-9)


def test_an_energy_drop_takes_its_draws_together():
    before, after = drawn_counts(), drawn_counts(seed=2)
    drawn = ExtractionScheme().estimate(before, after)
    plain = ExtractionScheme().estimate(replace(before, draws=None), replace(after, draws=None))
    assert drawn.high - drawn.low > 1.25 * (plain.high - plain.low)
    assert drawn.guaranteed_low < plain.guaranteed_low
    for other, number in ((drawn_counts(draws=90), "90"), (replace(after, draws=None), "None")):
        sentence = f"'after' must come in as many draws as 'before' (100), not {number}."
        with one_sentence(sentence):
            ExtractionScheme().estimate(before, other)


def test_the_guarantee_takes_each_draw_for_one_observation():
    """Every draw the same: R equal observations of no variance, and a bound from their range."""
    table = np.tile(np.array([0, 0, 0, 5]), (9, 200, 1))
    counts = Counts(2, pauli_settings(2), table.sum(axis=1), readout=IDEAL, draws=table)
    sample = sample_of(counts.table, counts.draws, IDEAL)
    variance, terms = sample.scatter(weights_of(1)[None])
    assert variance == pytest.approx(0, abs=1e-25)
    np.testing.assert_array_equal(terms, 200)
    _, shots = sample_of(counts.table, None, IDEAL).scatter(weights_of(1)[None])
    np.testing.assert_array_equal(shots, 1000)


def test_sigmas_of_few_draws_are_as_rare_as_they_say():
    counts = drawn_counts(draws=50)
    found = normal_sigma(np.array([-4.0, 0.5, 4.0]), counts.draws)
    normal = 2 * student.sf(4, 49)
    assert found[2] == -found[0] < 4
    assert 2 * norm.sf(found[2]) == pytest.approx(normal)


def test_the_bootstrap_draws_whole_draws_anew():
    counts = drawn_counts(draws=100, shots=400)
    found = resample_plug_in(counts, resamples=2000)
    plain = resample_plug_in(replace(counts, draws=None), resamples=2000)
    weights = observable_weights(np.diag(level_energies(2)).astype(complex))
    wanted = sample_of(counts.table, counts.draws, IDEAL).standard_error(weights)
    assert np.std(found.energy) == pytest.approx(wanted, rel=0.08)
    assert np.std(plain.energy) < 0.5 * wanted
