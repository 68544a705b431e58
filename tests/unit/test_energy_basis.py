"""Lower bounds from a few product bases: never above the work, equal where a basis is right."""

from __future__ import annotations

import json
import re
from functools import reduce
from math import sqrt

import numpy as np
import pytest
from states import ladder

from qbat_circuits.analysis.energy_basis import EnergyBasisScheme
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.cells import level_energies, product_state
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

EXACT = 10**8
PAULI = {
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def readout(n):
    return ReadoutModel.from_error_rates([0.015, 0.02, 0.025][:n], [0.03, 0.025, 0.02][:n])


def random_state(n, seed, rank=None):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, 2**n, rank or 2**n))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    return rho / np.trace(rho)


def probabilities(rho, labels, model):
    n = len(rho).bit_length() - 1
    rows = [pauli_settings(n).index(label) for label in labels]
    p = np.clip(model.apply(outcome_probabilities(rho)[rows]), 0, None)
    return p / p.sum(axis=1, keepdims=True)


def exact_counts(rho, scheme=None, shots=EXACT):
    n = len(rho).bit_length() - 1
    labels = (scheme or EnergyBasisScheme()).settings(n)
    table = np.rint(shots * probabilities(rho, labels, readout(n))).astype(np.int64)
    return Counts(n_cells=n, settings=labels, table=table, readout=readout(n))


def bound_of(rho, labels, energies):
    """max over the bases of Tr[rho H] - sum p (down) E (up), written out; at least 0."""
    n = len(rho).bit_length() - 1
    levels = level_energies(n, energies)
    stored = np.diagonal(rho).real @ levels
    born = probabilities(rho, labels, ReadoutModel.ideal(n))
    passive = [np.sort(p)[::-1] @ np.sort(levels) for p in born]
    return max(0.0, stored - min(passive))


def polarised(axis, lengths):
    """A product of cells with these Bloch vectors along one axis."""
    cells = [(np.eye(2) + r * PAULI[axis]) / 2 for r in lengths]
    return reduce(np.kron, cells[::-1]).astype(complex)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_it_is_never_above_the_work(n, seed):
    """Random states of random rank, unequal energies, exact probabilities."""
    rho = random_state(n, seed, rank=1 + seed % 2**n)
    energies = [0.8, 1.1, 1.3][:n]
    e = EnergyBasisScheme().estimate(exact_counts(rho), energies=energies)
    truth = ergotropy(rho, energies)
    assert e.plug_in <= truth + 1e-6
    assert e.low <= truth
    expected = bound_of(rho, EnergyBasisScheme().settings(n), energies)
    assert e.plug_in == pytest.approx(expected, abs=1e-6)
    assert e.low - 1e-9 <= expected <= e.high + 1e-9
    assert e.is_lower_bound
    stored = np.diagonal(rho).real @ level_energies(n, energies)
    assert e.energy.low <= stored <= e.energy.high
    assert e.energy.value == pytest.approx(stored, abs=1e-6)


@pytest.mark.parametrize("axis", "XYZ")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_cells_polarised_along_a_measured_axis_read_their_work(axis, n):
    """Z: inverted cells, with the minus sign for |1>."""
    rho = polarised(axis, [-0.8, -0.5, -0.6][:n])
    energies = [0.9, 1.0, 1.25][:n]
    truth = ergotropy(rho, energies)
    e = EnergyBasisScheme().estimate(exact_counts(rho), energies=energies)
    assert truth > 0.1
    assert e.plug_in == pytest.approx(truth, abs=1e-6)
    assert e.value == pytest.approx(truth, abs=1e-3)
    assert e.high - e.low < 2e-3
    if axis == "Z":  # read in any case, for the energy
        return
    # and without that axis it does not
    others = EnergyBasisScheme(letters=tuple(a for a in "XYZ" if a != axis))
    part = others.estimate(exact_counts(rho, others), energies=energies)
    assert part.plug_in < truth - 0.1


@pytest.mark.parametrize("n", [2, 3])
def test_any_state_diagonal_in_a_measured_basis_reads_its_work(n):
    """Correlated populations in Z...Z, and in a mixed basis that is asked for by its label."""
    p = np.random.default_rng(n).dirichlet(np.ones(2**n))
    diagonal = np.diag(p).astype(complex)
    e = EnergyBasisScheme().estimate(exact_counts(diagonal))
    assert e.plug_in == pytest.approx(ergotropy(diagonal), abs=1e-6)
    hadamard = np.array([[1, 1], [1, -1]]) / sqrt(2)
    turn = reduce(np.kron, [hadamard, *[np.eye(2)] * (n - 1)])  # of cell N-1
    turned = turn @ diagonal @ turn.T
    scheme = EnergyBasisScheme(labels=("X" + "Z" * (n - 1),))
    with_label = scheme.estimate(exact_counts(turned, scheme))
    assert with_label.plug_in == pytest.approx(ergotropy(turned), abs=1e-6)
    plain = EnergyBasisScheme().estimate(exact_counts(turned))
    assert plain.plug_in < ergotropy(turned) - 0.05


def test_it_does_not_see_the_coherence_of_the_charged_state():
    """W = 1/7 of docs/physics.md, section 3, sits between degenerate levels."""
    e = EnergyBasisScheme().estimate(exact_counts(ladder(2)))
    assert (e.plug_in, e.low, e.guaranteed_low) == (pytest.approx(0, abs=1e-6), 0.0, 0.0)
    assert e.high < 1e-3
    assert ergotropy(ladder(2)) == pytest.approx(1 / 7)


def test_settings_and_cost():
    assert EnergyBasisScheme().settings(3) == ("ZZZ", "XXX", "YYY")
    assert EnergyBasisScheme(letters=("X",)).settings(2) == ("ZZ", "XX")
    assert EnergyBasisScheme(labels=("XZ", "ZZ")).settings(2) == ("ZZ", "XX", "YY", "XZ")
    cost = EnergyBasisScheme().cost(8, 1000, shot_s=1e-4)
    assert (cost.circuits, cost.shots, cost.seconds) == (3, 3000, pytest.approx(0.3))


def test_every_measured_basis_counts():
    """Z...Z is measured for the energy, so inversion is seen whatever was asked for."""
    inverted = polarised("Z", [-0.8, -0.8])
    for scheme in (
        EnergyBasisScheme(letters=("X",)),
        EnergyBasisScheme(letters=(), labels=("XY",)),
        EnergyBasisScheme(letters=["X"], labels=["ZZ"]),
    ):
        found = scheme.estimate(exact_counts(inverted, scheme)).plug_in
        assert found == pytest.approx(1.6, abs=1e-6)
    assert EnergyBasisScheme(letters=(), labels=("XY",)).settings(2) == ("ZZ", "XY")
    assert hash(EnergyBasisScheme(letters=["X"])) == hash(EnergyBasisScheme(letters=("X",)))


def test_refusals():
    for options, sentence in (
        ({"letters": ("W",)}, "'letters' must be Pauli labels of 1 letter X, Y, Z, not 'W'."),
        ({"letters": "XYZ"}, "'letters' must be a list of Pauli labels, not 'XYZ'."),
        ({"letters": None}, "'letters' must be a list of Pauli labels, not None."),
        ({"letters": ("X", "X")}, "'letters' must name 'X' once, not 2 times."),
        ({"letters": ()}, "'letters' must hold at least one setting."),
        ({"labels": (1,)}, "'labels' must be Pauli labels of 1 letter X, Y, Z, not 1."),
        ({"labels": ("",)}, "'labels' must be Pauli labels of 1 letter X, Y, Z, not ''."),
        ({"labels": ("XZ", "X")}, "'labels' must be Pauli labels of 2 letters X, Y, Z, not 'X'."),
        ({"labels": 1}, "'labels' must be a list of Pauli labels, not 1."),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
            EnergyBasisScheme(**options)
    with pytest.raises(InputError, match="'labels' must have 3 letters, not 2"):
        EnergyBasisScheme(labels=("XZ",)).settings(3)
    without_y = exact_counts(ladder(2), EnergyBasisScheme(letters=("X",)))
    with pytest.raises(InputError, match="The counts lack 1 of the 3 settings that are needed"):
        EnergyBasisScheme().estimate(without_y)
    with pytest.raises(InputError, match="'counts' must be Counts"):
        EnergyBasisScheme().estimate({"ZZ": {}})


def test_it_is_chosen_by_name_and_its_figures_are_json():
    counts = exact_counts(product_state([0.9] * 2), shots=1000)
    e = estimate_ergotropy(counts, scheme="energy-basis", seed=3)
    content = json.loads(json.dumps(e.to_dict(), allow_nan=False))
    assert content == json.loads(json.dumps(EnergyBasisScheme().estimate(counts, seed=3).to_dict()))
    assert (content["scheme"], content["is_lower_bound"]) == ("energy-basis", True)
    assert content["p_value"] < 1e-4
    assert 0 < content["guaranteed_low"] < content["low"] < content["value"] < content["high"]
