"""The bootstrap of the plug-in: right numbers, and not an interval."""

from __future__ import annotations

import numpy as np
import pytest
from states import ladder

from qbat_circuits.analysis import resampling
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import (
    nearest_state,
    outcome_probabilities,
    reconstruct,
)
from qbat_circuits.analysis.resampling import resample_plug_in
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.cells import product_state
from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import energy, ergotropy

GIBBS = product_state([1 / 3, 1 / 3])  # n = 1: p = n/(2n + 1)
ERRORS = ReadoutModel.from_error_rates([0.02, 0.03], [0.04, 0.01])


def counts_from(state, readout, shots, rng=None, known=None):
    """Counts of all settings, drawn, or without a generator the expected ones."""
    p = readout.apply(outcome_probabilities(state))
    p = np.clip(p, 0, None) / np.clip(p, 0, None).sum(axis=1, keepdims=True)
    table = np.rint(shots * p).astype(int) if rng is None else rng.multinomial(shots, p)
    return Counts(
        n_cells=readout.n_cells,
        settings=pauli_settings(readout.n_cells),
        table=table,
        readout=readout if known is None else known,
    )


def test_each_resample_is_the_plug_in_of_its_own_counts():
    """One draw repeated by hand: same generator, same table, then the slow functions."""
    e = [0.8, 1.3]
    counts = counts_from(ladder(2), ERRORS, 500, np.random.default_rng(1))
    found = resample_plug_in(counts, energies=e, resamples=3, seed=11)
    tables = np.random.default_rng(11).multinomial(500, counts.table / 500, size=(3, 9))
    for k, table in enumerate(tables):
        raw = reconstruct(Sample(table, ERRORS).outcomes)
        assert found.projected_work[k] == pytest.approx(ergotropy(nearest_state(raw), e), abs=1e-9)
        redrawn = Counts(n_cells=2, settings=counts.settings, table=table, readout=ERRORS)
        estimate = estimate_ergotropy(redrawn, energies=e)
        assert found.work[k] == pytest.approx(estimate.plug_in, abs=1e-12)
        assert found.energy[k] == pytest.approx(estimate.energy.value, abs=1e-12)


def test_many_exact_shots_give_the_work_of_the_ladder():
    """docs/physics.md, section 3: 4/15 for N = 3."""
    readout = ReadoutModel.from_error_rates([0.02] * 3, [0.03] * 3)
    found = resample_plug_in(counts_from(ladder(3), readout, 10**8), resamples=20)
    np.testing.assert_allclose(found.work, 4 / 15, atol=1e-3)
    np.testing.assert_allclose(found.projected_work, 4 / 15, atol=1e-3)
    np.testing.assert_allclose(found.energy, energy(ladder(3)), atol=1e-3)


def test_the_scatter_is_that_of_fresh_runs():
    """The energy is linear: Var = sum over settings of its multinomial variance."""
    counts = counts_from(ladder(2), ERRORS, 1000, np.random.default_rng(2))
    found = resample_plug_in(counts, resamples=4000)
    error = (estimate_ergotropy(counts).energy.high - found.energy.mean()) / 1.96
    assert found.energy.std() == pytest.approx(error, rel=0.06)


def test_calibration_shots_are_redrawn_as_well():
    """One cell in |1>, many shots: E = (r - a)/(1 - a - b) scatters by sd(b)/c where r = 1 - b.

    Its own P(0|1) = b from n shots has sd(b) = sqrt(b (1 - b)/n); a does not matter at p = 1.
    """
    state = np.diag([0.0, 1.0]).astype(complex)
    a, b, n = 0.02, 0.08, 400
    known = ReadoutModel.from_error_rates([a], [b], calibration_shots=n)
    counts = counts_from(state, ReadoutModel.from_error_rates([a], [b]), 10**8, known=known)
    found = resample_plug_in(counts, resamples=4000)
    expected = np.sqrt(b * (1 - b) / n) / (1 - a - b)
    assert found.energy.std() == pytest.approx(expected, rel=0.05)
    exact = ReadoutModel.from_error_rates([a], [b])
    assert resample_plug_in(counts, exact, resamples=200).energy.std() < expected / 50


def test_three_readings_and_their_calibration():
    """3 x 3 matrices: rows of the qubit levels only, redrawn column by column."""
    matrix = np.array([[0.96, 0.05, 0.02], [0.03, 0.93, 0.06], [0.01, 0.02, 0.92]])
    exact = ReadoutModel(np.stack([matrix, matrix]))
    known = ReadoutModel(exact.assignment, 10**8)
    p = np.zeros((9, 9))
    p[:, [0, 1, 3, 4]] = outcome_probabilities(ladder(2))  # no cell is in level 2
    table = np.rint(10**8 * np.clip(exact.apply(p), 0, None)).astype(int)
    counts = Counts(2, pauli_settings(2), table, readout=known, outcomes=3)
    found = resample_plug_in(counts, resamples=10)
    np.testing.assert_allclose(found.work, 1 / 7, atol=1e-3)
    np.testing.assert_allclose(found.energy, energy(ladder(2)), atol=1e-3)


def test_the_percentile_interval_of_a_passive_state_never_covers_its_work():
    """Truth 0, 1000 shots: nearly 0 % instead of 95 %, projected or not (docs/resampling.md).

    The interval that is meant for it covers.
    """
    rng = np.random.default_rng(4)
    covered = {"work": 0, "projected_work": 0}
    honest = 0
    for run in range(100):
        counts = counts_from(GIBBS, ERRORS, 1000, rng)
        ends = resample_plug_in(counts, resamples=400, seed=run).quantiles([0.025, 0.975])
        for name in covered:
            low, high = ends[name]
            covered[name] += bool(low <= 1e-9 and high >= -1e-9)
        honest += estimate_ergotropy(counts).low <= 1e-9
    assert covered["work"] == 0
    assert covered["projected_work"] <= 2
    assert honest >= 95


def test_quantiles_are_those_of_each_quantity():
    found = resample_plug_in(counts_from(GIBBS, ERRORS, 1000), resamples=101)
    ends = found.quantiles((0.0, 0.5, 1.0))
    assert list(ends) == ["work", "projected_work", "energy"]
    for name, (least, middle, most) in ends.items():
        values = np.sort(getattr(found, name))
        assert (least, middle, most) == pytest.approx((values[0], values[50], values[100]))
    assert found.seed == 7
    with pytest.raises(ValueError, match="read-only"):
        found.work[0] = 1


@pytest.mark.parametrize("shots", [None, 1000])
def test_chunks_change_nothing(monkeypatch, shots):
    known = ReadoutModel(ERRORS.assignment, shots)
    counts = counts_from(ladder(2), ERRORS, 300, np.random.default_rng(8), known)
    whole = resample_plug_in(counts, resamples=10, seed=3)
    monkeypatch.setattr(resampling, "CHUNK_NUMBERS", 3 * 36)
    pieces = resample_plug_in(counts, resamples=10, seed=3)
    for name in ("work", "projected_work", "energy"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-13)
    other = resample_plug_in(counts, resamples=10, seed=4)
    assert np.abs(other.work - whole.work).min() > 0


COUNTS = counts_from(GIBBS, ERRORS, 100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resamples": 0}, "'resamples' must be a whole number >= 1 and <= 1000000, not 0."),
        ({"seed": 1.5}, "'seed' must be a whole number >= 0, not 1.5."),
        ({"counts": 5}, "'counts' must be Counts (see Counts.load), not 5."),
        ({"energies": [1]}, "'energies' must hold one number per cell (2), not 1."),
        (
            {"readout": ReadoutModel.from_error_rates([0.02, 0.3], [0.02, 0.6], 10)},
            "'calibration_shots' of cell 1 are too few to resample: a redrawn assignment matrix "
            "of it is singular.",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(InputError) as caught:
        resample_plug_in(**{"counts": COUNTS, **arguments})
    assert str(caught.value) == message


def test_a_readout_of_pairs_is_refused():
    pair = PairReadoutModel(((0, 1),), (np.eye(4),))
    with pytest.raises(InputError, match="'readout' must be a ReadoutModel of single cells"):
        resample_plug_in(COUNTS, pair)


def test_missing_settings_are_refused():
    some = COUNTS.select(("XX", "ZZ"))
    with pytest.raises(InputError, match="lack 7 of the 9 settings"):
        resample_plug_in(some)


def test_quantiles_refuse_what_is_no_probability():
    found = resample_plug_in(COUNTS, resamples=5)
    with pytest.raises(InputError, match=r"'probabilities\[1\]' must be .* not 1.2"):
        found.quantiles([0.5, 1.2])
