"""What all schemes share: settings, circuits and cost that agree, warnings, leakage, pairs."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from qiskit import QuantumCircuit
from states import ladder

from qbat_circuits.analysis.dicke import DickeScheme
from qbat_circuits.analysis.energy_basis import EnergyBasisScheme
from qbat_circuits.analysis.estimate import SCHEMES, estimate_ergotropy
from qbat_circuits.analysis.extraction import ExtractionScheme
from qbat_circuits.analysis.pauli import PauliScheme
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.analysis.scheme import Request, Scheme
from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import (
    PairReadoutModel,
    pair_calibration_patterns,
    readout_correlation,
)
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts, bit_strings
from qbat_circuits.sampling.counts_file import fields_of
from qbat_circuits.sampling.multinomial import reading_probabilities, sample_counts

OPTIONS: list[Scheme] = [
    PauliScheme(),
    DickeScheme(),
    DickeScheme(labels_per_kind=2),
    DickeScheme(phase_test=False),
    EnergyBasisScheme(),
    EnergyBasisScheme(letters=("X",)),
    EnergyBasisScheme(letters=("Z",)),
]
Z95 = NormalDist().inv_cdf(0.975)
READOUT = ReadoutModel.from_error_rates([0.02, 0.01], [0.05, 0.03])


@pytest.mark.parametrize("n_cells", [2, 3, 4])
@pytest.mark.parametrize("scheme", OPTIONS, ids=repr)
def test_settings_circuits_shots_and_cost_agree(scheme: Scheme, n_cells: int) -> None:
    labels = scheme.settings(n_cells)
    assert len(set(labels)) == len(labels)
    assert all(len(label) == n_cells and not set(label) - set("XYZ") for label in labels)
    circuits = scheme.circuits(n_cells)
    assert [circuit.metadata["setting"] for circuit in circuits] == list(labels)
    assert [circuit.name for circuit in circuits] == list(labels)
    cost = scheme.cost(n_cells, 500, shot_s=1e-4)
    assert (cost.circuits, cost.shots) == (len(labels), 500 * len(labels))
    assert cost.seconds == pytest.approx(0.05 * len(labels), rel=1e-12)
    assert scheme.cost(n_cells, 500).seconds is None
    total = 1000 * len(labels)
    shots = scheme.shots(n_cells, total)
    assert set(shots) == set(labels)
    assert min(shots.values()) >= 5
    assert abs(sum(shots.values()) - total) <= len(labels) / 2  # each is rounded
    assert min(scheme.shots(n_cells, 1).values()) == 5


@pytest.mark.parametrize("idle_s", [None, 1e-6])
def test_the_extraction_costs_what_it_runs(idle_s: float | None) -> None:
    scheme = ExtractionScheme(idle_s=idle_s)
    circuits = scheme.circuits(2, None, QuantumCircuit(2))
    cost = scheme.cost(2, 500, shot_s=1e-4)
    assert (cost.circuits, cost.shots) == (len(circuits), 500 * len(circuits))
    assert {circuit.metadata["setting"] for circuit in circuits} == set(scheme.settings(2))


@pytest.mark.parametrize("scheme", OPTIONS, ids=repr)
def test_an_estimate_is_that_of_its_scheme(scheme: Scheme) -> None:
    counts = sample_counts(ladder(2), READOUT, 800, 3, scheme.settings(2))
    direct = scheme.estimate(counts, confidence=0.9, seed=5)
    assert estimate_ergotropy(counts, confidence=0.9, seed=5, scheme=scheme).to_dict() == (
        direct.to_dict()
    )
    assert (direct.confidence, direct.seed, direct.scheme) == (0.9, 5, scheme.name)
    if scheme == SCHEMES[scheme.name]:
        named = estimate_ergotropy(counts, confidence=0.9, seed=5, scheme=scheme.name)
        assert named.to_dict() == direct.to_dict()


def test_only_the_dicke_scheme_needs_equal_energies() -> None:
    counts = sample_counts(ladder(2), READOUT, 800, 3)
    with pytest.raises(InputError, match=r"'energies' must be the same for all cells in the Dicke"):
        estimate_ergotropy(counts, energies=[1, 1.001], scheme="dicke")
    for name in ("pauli", "energy-basis"):
        assert estimate_ergotropy(counts, energies=[1, 3], scheme=name).energy.value > 1
    once, twice = (estimate_ergotropy(counts, energies=[e, e], scheme="dicke") for e in (1, 2))
    assert twice.value == pytest.approx(2 * once.value, rel=1e-6)


def warned(measured: str | None, calibrated: str | None) -> list[str]:
    readout = replace(READOUT, calibrated_at=calibrated)
    counts = sample_counts(ladder(2), readout, 100, 3, ["ZZ", "XX", "YY"])
    estimate = estimate_ergotropy(replace(counts, measured_at=measured), scheme="energy-basis")
    return [text for text in estimate.warnings if "drift" in text]


@pytest.mark.parametrize(
    ("measured", "calibrated", "hours"),
    [
        ("2026-01-02T12:00:00Z", "2026-01-01T11:00:00Z", 25),
        ("2026-01-02T12:00:00Z", "2026-01-01T12:30:00Z", None),
        ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", 48),  # calibrated afterwards
        ("2026-01-02T12:00:00+02:00", "2026-01-01T09:00:00Z", 25),
        ("2026-01-02T12:00:00+12:00", "2026-01-01T11:00:00Z", None),  # 25 hours on the clocks
        ("2026-01-02T12:00:00", "2026-01-01T11:00:00Z", 25),  # no zone is UTC
        ("2026-01-03", "2026-01-01", 48),
        ("2026-01-02", "2026-01-01", None),  # 24 hours are not more than 24
        ("last Tuesday", "2026-01-01", None),
        ("2026-01-03", "before lunch", None),
        ("2026-01-03", None, None),
        (None, "2026-01-01", None),
        ("", "2026-01-01", None),
    ],
)
def test_a_calibration_far_from_the_data_is_reported(measured, calibrated, hours) -> None:
    expected = [] if hours is None else [f"The readout was calibrated {hours} hours from the"]
    assert [text[: len(expected[0])] for text in warned(measured, calibrated)] == expected


@pytest.mark.parametrize(("shots", "said"), [(19, True), (20, False)])
def test_few_shots_are_reported_by_every_scheme(shots: int, said: bool) -> None:
    for scheme in SCHEMES.values():
        counts = sample_counts(ladder(2), READOUT, 300, 4, scheme.settings(2))
        table = counts.table.copy()
        table[-1] = [shots - 10, 4, 3, 3]
        found = scheme.estimate(replace(counts, table=table)).warnings
        text = f"A setting has {shots} shots; the coverage of the interval was measured from 20"
        assert any(warning.startswith(text) for warning in found) is said


LEAK = np.array([[0.98, 0.04, 0.1], [0.02, 0.96, 0.9]])  # 2 x 3: a leaked cell reads as 0 or 1


def test_a_readout_blind_to_leakage_says_so() -> None:
    blind = ReadoutModel(np.array([LEAK, LEAK]))
    for scheme in SCHEMES.values():
        counts = sample_counts(ladder(2), blind, 300, 4, scheme.settings(2))
        estimate = scheme.estimate(counts)
        assert any("does not tell leaked cells from others" in w for w in estimate.warnings)
        assert estimate.leakage is None
        seen = scheme.estimate(counts, ReadoutModel(np.array([LEAK[:, :2]] * 2)))
        assert not any("leaked" in w for w in seen.warnings)
        assert seen.value == estimate.value  # the two levels are inverted alike


#: A[y, x] of three levels; every reading happens.
SEEN = ReadoutModel(
    np.array(
        [
            [[0.97, 0.03, 0.02], [0.02, 0.94, 0.08], [0.01, 0.03, 0.9]],
            [[0.96, 0.04, 0.03], [0.03, 0.91, 0.1], [0.01, 0.05, 0.87]],
        ]
    )
)


def leaky_ladder() -> tuple[np.ndarray, list[float], float]:
    """The ladder of two cells, leaked: 4 % of cell 0 and 9 % of cell 1, independently.

    Returns the 9 x 9 state, the leaked weights, and the weight in which no cell leaked.
    """
    block = [0, 1, 3, 4]  # both digits 0 or 1, little-endian to the base 3
    rho = np.zeros((9, 9), dtype=complex)
    rho[np.ix_(block, block)] = ladder(2) * 0.96 * 0.91
    p1 = float(np.diagonal(ladder(2)).real[[1, 3]].sum())  # either cell excited
    for level, p in ((0, 1 - p1), (1, p1)):
        rho[2 + 3 * level, 2 + 3 * level] = 0.04 * 0.91 * p  # cell 0 leaked
        rho[6 + level, 6 + level] = 0.96 * 0.09 * p  # cell 1 leaked
    rho[8, 8] = 0.04 * 0.09
    return rho, [0.04, 0.09], 0.96 * 0.91


def test_leaked_weight_has_an_interval_that_covers() -> None:
    """300 runs of two cells, from all settings: nominal 95 %, and a width of 2 * 1.96 sigma."""
    rho, leaked, _ = leaky_ladder()
    labels, found = PauliScheme().settings(2), np.zeros((300, 2, 3))
    for seed, row in enumerate(found):
        request = Request.of(sample_counts(rho, SEEN, 100, seed), labels, None, 0.95, 7)
        leakage = request.common(Sample(request.counts.table, SEEN), None)["leakage"]
        row[:] = [(cell.value, cell.low, cell.high) for cell in leakage]
    values, lows, highs = found.transpose(2, 0, 1)
    covered = np.mean((lows <= leaked) & (leaked <= highs), axis=0)
    assert np.all(covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300))
    assert np.all(np.abs(values.mean(axis=0) - leaked) < 4 * values.std(axis=0) / np.sqrt(300))
    width = (highs - lows).mean(axis=0) / (2 * Z95 * values.std(axis=0))
    assert np.all((width > 0.88) & (width < 1.2))


def test_the_raw_state_holds_the_weight_that_did_not_leak() -> None:
    rho, _, kept = leaky_ladder()
    expected = 10**8 * reading_probabilities(rho, SEEN, PauliScheme().settings(2))
    counts = Counts(
        2, PauliScheme().settings(2), np.rint(expected).astype(int), readout=SEEN, outcomes=3
    )
    estimate = PauliScheme().estimate(counts)
    assert np.trace(estimate.raw_state).real == pytest.approx(kept, abs=1e-6)
    np.testing.assert_allclose(estimate.raw_state, kept * ladder(2), atol=1e-6)
    assert [cell.value for cell in estimate.leakage] == pytest.approx([0.04, 0.09], abs=1e-6)
    assert estimate.plug_in == pytest.approx(kept / 7, abs=1e-5)  # W = 1/7, not renormalised


def flipping(share: float) -> np.ndarray:
    """Errors of cells 0 and 2, and in a share of the shots both are flipped together."""
    cells = np.array([[[0.98, 0.05], [0.02, 0.95]], [[0.99, 0.1], [0.01, 0.9]]])
    return (1 - share) * np.kron(cells[1], cells[0]) + share * np.eye(4)[::-1]


PAIRED = PairReadoutModel(
    ((0, 2), (1,)), (flipping(0.06), np.array([[0.99, 0.03], [0.01, 0.97]])), None, "2026-01-01"
)


def calibrated(model: PairReadoutModel, patterns, shots: int, seed: int) -> dict:
    """Counts of calibration circuits, {prepared: {read: n}}."""
    rng, names = np.random.default_rng(seed), bit_strings(model.n_cells)
    rows = {}
    for prepared in patterns:
        p = model.apply(np.eye(len(names))[int(prepared, 2)])
        rows[prepared] = dict(zip(names, rng.multinomial(shots, p).tolist(), strict=True))
    return rows


def test_pairs_of_a_counts_file_remove_a_bias_that_single_cells_leave() -> None:
    """Three cells, both files with the same counts; 20 runs tell the two means apart."""
    patterns, scheme, rho = pair_calibration_patterns(3), PauliScheme(), ladder(3)
    truth = float(np.diagonal(rho).real @ [0, 1, 1, 2, 1, 2, 2, 3])
    parity = np.array([(-1) ** bin(b & 5).count("1") for b in range(8)])  # Z on cells 0 and 2
    found: dict[str, list[tuple[float, float, float]]] = {"pairs": [], "cells": []}
    for seed in range(20):
        counts = sample_counts(rho, PAIRED, 500, seed)
        calibration = {"counts": calibrated(PAIRED, patterns, 20_000, seed)}
        content = {**counts.to_dict(), "readout": None}
        for name, more in (("pairs", {"pairs": [[0, 2]]}), ("cells", {})):
            held = Counts(**fields_of({**content, "calibration": {**calibration, **more}}))
            again = Counts.from_dict(held.to_dict())
            assert again.readout == held.readout
            estimate = scheme.estimate(again)
            populations = np.diagonal(estimate.raw_state).real
            found[name].append((estimate.energy.value, parity @ populations, estimate.plug_in))
    pairs, cells = (np.array(found[name]) for name in ("pairs", "cells"))
    target = float(parity @ np.diagonal(rho).real)
    error = pairs[:, 1].std() / np.sqrt(20)
    assert abs(pairs[:, 1].mean() - target) < 4 * error
    assert abs(cells[:, 1].mean() - target) > 10 * error
    assert abs(pairs[:, 0].mean() - truth) < 4 * pairs[:, 0].std() / np.sqrt(20)


def test_the_work_of_pairs_is_that_of_the_state() -> None:
    """Expected counts: the plug-in is W = 4/15 with pairs; with cells it is not."""
    table = np.rint(10**8 * reading_probabilities(ladder(3), PAIRED, PauliScheme().settings(3)))
    counts = Counts(3, PauliScheme().settings(3), table.astype(int), readout=PAIRED)
    rows = {
        prepared: dict(zip(bit_strings(3), np.rint(10**8 * p).astype(int).tolist(), strict=True))
        for prepared in pair_calibration_patterns(3)
        for p in [PAIRED.apply(np.eye(8)[int(prepared, 2)])]
    }
    single = PairReadoutModel.from_calibration_counts(rows, 3, [])
    paired = PairReadoutModel.from_calibration_counts(rows, 3, [(0, 2)])
    assert PauliScheme().estimate(counts, paired).plug_in == pytest.approx(4 / 15, abs=1e-4)
    assert abs(PauliScheme().estimate(counts, single).plug_in - 4 / 15) > 0.01


def test_the_noise_of_a_pairs_calibration_is_in_the_interval() -> None:
    """Exact data, calibrations redrawn: the energy's spread is the half-width over 1.96."""
    scheme, n_x = ExtractionScheme(), 500
    probabilities = reading_probabilities(ladder(3), PAIRED, ["ZZZ"])
    counts = Counts(3, ("ZZZ",), np.rint(5 * 10**8 * probabilities).astype(int))
    rng, values, reaches = np.random.default_rng(9), [], []
    for _ in range(300):
        drawn = [
            np.stack([rng.multinomial(n_x, column) for column in matrix.T], axis=1)
            for matrix in PAIRED.matrices
        ]
        known = PairReadoutModel.from_block_counts(PAIRED.blocks, tuple(drawn))
        energy = scheme.estimate(counts, counts, known).energy_before
        values.append(energy.value)
        reaches.append((energy.high - energy.low) / 2 / Z95)
    assert np.mean(reaches) == pytest.approx(np.std(values), rel=0.15)
    exact = scheme.estimate(counts, counts, PAIRED).energy_before
    assert exact.high - exact.low < 0.02 * np.mean(reaches)


def test_the_correlated_readout_of_the_docs() -> None:
    """docs/readout.md: balanced patterns name the pair (0, 2) of four cells, and no other."""
    a = np.array([[0.98, 0.05], [0.02, 0.95]])
    model = PairReadoutModel(((0, 2), (1,), (3,)), (flipping(0.02), a, a))
    patterns = pair_calibration_patterns(4, balanced=True)
    counts = calibrated(model, patterns, 4000, 2)
    correlation = readout_correlation(counts, 4)
    assert {pair for pair, value in correlation.items() if value > 3.9} == {(0, 2)}
    found = PairReadoutModel.from_calibration_counts(counts, 4, pairs=[(0, 2)])
    assert found.blocks == ((0, 2), (1,), (3,))
    error = np.sqrt(flipping(0.02) * (1 - flipping(0.02)) / found.calibration_shots[0])
    assert np.max(np.abs(found.matrices[0] - flipping(0.02)) / error) < 4
    rho = ladder(4)
    labels = DickeScheme().settings(4)
    estimate = DickeScheme().estimate(sample_counts(rho, model, 1000, 5, labels), found)
    assert estimate.low <= 11 / 31 <= estimate.high  # W of the ladder, N = 4, n = 1
    assert estimate.symmetry.p_value > 0.01
