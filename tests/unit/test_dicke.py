"""The Dicke scheme on exact probabilities: populations, work, bounds, symmetry and refusals."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.linalg import expm
from states import ladder

from qbat_circuits.analysis.dicke import DickeScheme, dicke_filling
from qbat_circuits.analysis.linear_inversion import outcome_probabilities
from qbat_circuits.analysis.symmetric_settings import (
    kinds,
    multiplicities,
    orbit,
    orbit_size,
    phase_settings,
    population_weights,
    sectors,
)
from qbat_circuits.cells import excitations, level_energies, number, product_state
from qbat_circuits.dynamics.schur import schur_basis
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy, linear_ergotropy

SHOTS = 10**8


def any_state(n, seed=1):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2**n, 2**n)) + 1j * rng.normal(size=(2**n, 2**n))
    rho = root @ root.conj().T
    return rho / np.trace(rho)


def readout(n):
    return ReadoutModel.from_error_rates(
        [0.015, 0.02, 0.025, 0.018, 0.03][:n], [0.03, 0.025, 0.02, 0.028, 0.01][:n]
    )


def exact_counts(rho, labels, model, shots=SHOTS):
    """Expected counts, rounded."""
    n = len(rho).bit_length() - 1
    every = model.apply(outcome_probabilities(rho))
    rows = [pauli_settings(n).index(label) for label in labels]
    table = np.rint(np.clip(every[rows], 0, None) * shots).astype(np.int64)
    return Counts(n_cells=n, settings=tuple(labels), table=table, readout=model)


def true_populations(rho):
    n = len(rho).bit_length() - 1
    found = {
        (s.twice_j / 2, row - s.twice_j / 2): np.einsum("ax,xy,ay", v, rho, v).real
        for s in schur_basis(n)
        for row, v in enumerate(s.vectors)
    }
    return np.array([found[pair] for pair in sectors(n)])


def twirled(rho):
    """Averaged over permutations and turns about Z, the slow and plain way."""
    n = len(rho).bit_length() - 1
    same = excitations(n)[:, None] == excitations(n)
    turned = (rho * same).reshape((2,) * 2 * n)
    orders = list(permutations(range(n)))
    total = sum(turned.transpose([*order, *(n + k for k in order)]) for order in orders)
    return total.reshape(2**n, 2**n) / len(orders)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_weights_give_the_populations_of_any_state(n):
    """Against the Schur basis of the dynamics, which knows no Johnson scheme; any division."""
    rho = any_state(n)
    labels = [label for kind in kinds(n) for label in orbit(kind)]
    shots = {kind: 1.0 + 2 * k for k, kind in enumerate(kinds(n))}
    rows = [pauli_settings(n).index(label) for label in labels]
    born = ReadoutModel.ideal(n).apply(outcome_probabilities(rho))[rows]
    found = np.einsum("fsx,sx->f", population_weights(labels, shots), born)
    np.testing.assert_allclose(found, true_populations(rho), atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 10])
def test_dimensions_and_numbers_of_settings(n):
    half = n // 2
    assert len(sectors(n)) == (half + 1) * (n + 1 - half)
    assert multiplicities(n).sum() == 2**n
    assert len(kinds(n)) == (half + 1) * (half + 2) // 2
    assert all(orbit_size(k) == len(list(orbit(k))) for k in kinds(n))
    labels = DickeScheme().settings(n)
    assert len(set(labels)) == len(labels) <= 6 * len(kinds(n)) + 2 * (n - 1).bit_length()
    assert labels == DickeScheme().settings(n)


def test_the_settings_of_two_three_and_four_cells():
    plain = DickeScheme(phase_test=False)
    assert set(plain.settings(2)) == {"XX", "YY", "ZZ"}
    assert set(DickeScheme().settings(2)) == {"XX", "YY", "ZZ", "XY", "YX"}
    assert [len(plain.settings(n)) for n in (3, 4)] == [7, 21]
    assert [len(DickeScheme().settings(n)) for n in (3, 4)] == [11, 21]
    assert [plain.averages_permutations(n) for n in (4, 5)] == [True, False]


@pytest.mark.parametrize("n", range(2, 11))
def test_every_pair_is_seen_with_x_and_y_both_ways(n):
    for i in range(n):
        for j in range(n):
            if i != j:
                assert any(s[n - 1 - i] == "X" and s[n - 1 - j] == "Y" for s in phase_settings(n))


def test_the_division_of_the_shots():
    plan = DickeScheme().shots(4, 81000)
    assert set(plan) == set(DickeScheme().settings(4))
    assert sum(plan.values()) == pytest.approx(81000, rel=1e-3)
    assert plan["ZZZZ"] == 27000
    assert min(DickeScheme().shots(4, 1).values()) == 5


def filling(n, p):
    """The functional of the populations; the weights of the settings do not matter."""
    return dicke_filling(("Z" * n,), (1,)).functional(p)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_level_filling_is_the_ergotropy_of_the_twirled_state(n, seed):
    p = true_populations(any_state(n, seed))
    work = p @ filling(n, p)
    mean = twirled(any_state(n, seed))
    assert work == pytest.approx(float(linear_ergotropy(mean, level_energies(n))), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "work"), [(2, 1 / 7), (3, 4 / 15), (4, 11 / 31), (6, 0.448819), (8, 0.483366)]
)
def test_level_filling_of_the_ladder(n, work):
    """docs/physics.md, section 3, n = 1; multiplicities up to 28 copies of a level."""
    weights = 0.5 ** np.arange(n + 1)
    p = np.zeros(len(sectors(n)))
    p[: n + 1] = weights / weights.sum()
    assert p @ filling(n, p) == pytest.approx(work, abs=1e-6)


@pytest.mark.parametrize(("n", "work"), [(2, 1 / 7), (3, 4 / 15), (4, 11 / 31)])
def test_a_symmetric_state_reads_its_work(n, work):
    labels = DickeScheme().settings(n)
    e = DickeScheme().estimate(exact_counts(ladder(n), labels, readout(n)))
    assert e.low <= work <= e.high
    assert e.high - e.low < 1e-3
    assert e.value == pytest.approx(work, abs=5e-4)
    assert not e.is_lower_bound
    assert e.warnings == ()
    np.testing.assert_allclose(e.populations, true_populations(ladder(n)), atol=1e-6)
    stored = level_energies(n) @ np.diagonal(ladder(n)).real
    assert e.energy.low < stored < e.energy.high
    assert e.raw_value < e.value - 0.01  # readout errors that nobody inverts hide work


def test_two_cells_by_the_singlet_formula():
    """p_S = (1 - <XX> - <YY> - <ZZ>)/4 (docs/physics.md, section 7)."""
    rho = any_state(2)
    x, y, z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
    singlet = (1 - sum(np.trace(np.kron(a, a) @ rho).real for a in (x, y, z))) / 4
    e = DickeScheme().estimate(exact_counts(rho, DickeScheme().settings(2), readout(2)))
    assert e.sectors[-1] == (0.0, 0.0)
    assert e.populations[-1] == pytest.approx(singlet, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("seed", [1, 2])
def test_any_state_gets_a_lower_bound_and_it_is_called_so(n, seed):
    rho = any_state(n, seed)
    e = DickeScheme().estimate(exact_counts(rho, DickeScheme().settings(n), readout(n)))
    averaged = float(linear_ergotropy(twirled(rho), level_energies(n)))
    assert e.low <= averaged + 1e-9 <= e.high + 2e-9
    assert e.low < ergotropy(rho)
    assert e.is_lower_bound
    assert "the value is a lower bound on its work" in e.warnings[0]


def test_a_local_phase_hides_work_and_is_found():
    """A phase of 1 rad makes XX, YY, ZZ read .077 for .143 (docs/physics.md, section 7)."""
    turn = expm(1j * number(2, 0).toarray())
    rho = turn @ ladder(2) @ turn.conj().T
    assert ergotropy(rho) == pytest.approx(1 / 7)
    e = DickeScheme().estimate(exact_counts(rho, DickeScheme().settings(2), readout(2)))
    assert e.value == pytest.approx(0.077, abs=1e-3)
    assert e.is_lower_bound
    assert e.symmetry.contrast == "X0 Y1 - Y0 X1"
    assert e.symmetry.p_value < 1e-9
    blind = DickeScheme(phase_test=False)
    e = blind.estimate(exact_counts(rho, blind.settings(2), readout(2)))
    assert e.symmetry.p_value > 0.5  # nothing to see, and so
    assert e.is_lower_bound
    assert "phases between the cells were not tested" in e.warnings[0]


def test_a_draw_of_labels_serves_symmetric_states_only():
    scheme = DickeScheme(labels_per_kind=2)
    labels = scheme.settings(4)
    e = scheme.estimate(exact_counts(ladder(4), labels, readout(4)))
    assert e.value == pytest.approx(11 / 31, abs=1e-3)
    uneven = product_state([0.1, 0.2, 0.3, 0.4])
    with pytest.raises(InputError, match="looks the same after permuting cells, but"):
        scheme.estimate(exact_counts(uneven, labels, readout(4)))


def test_unequal_shots_and_settings_of_others_change_nothing():
    labels = pauli_settings(2)
    counts = exact_counts(ladder(2), labels, readout(2))
    factors = np.array([1, 3, 1, 2, 5, 1, 1, 1, 4])[:, None]
    more = Counts(n_cells=2, settings=labels, table=counts.table * factors, readout=readout(2))
    value = DickeScheme().estimate(more).value
    assert value == pytest.approx(1 / 7, abs=5e-4)


def test_a_negative_population_means_a_wrong_model():
    """All outcomes of XX, YY and ZZ even: <XX> = <YY> = <ZZ> = 1 is no state, p_S = -1/2."""
    table = np.array([[500, 0, 0, 500]] * 3 + [[250] * 4] * 2)
    counts = Counts(n_cells=2, settings=("XX", "YY", "ZZ", "XY", "YX"), table=table)
    e = DickeScheme().estimate(counts, ReadoutModel.ideal(2))
    assert e.populations[-1] == pytest.approx(-0.5)
    assert any("measurement model is wrong" in text for text in e.warnings)


def test_refusals():
    labels = DickeScheme().settings(2)
    counts = exact_counts(ladder(2), labels, readout(2), shots=1000)
    scheme = DickeScheme()
    with pytest.raises(
        InputError, match=r"The counts lack 2 of the 5 settings that are needed: '[XY]{2}'"
    ):
        scheme.estimate(exact_counts(ladder(2), ["XX", "YY", "ZZ"], readout(2)))
    with pytest.raises(InputError, match=r"'shots of \w\w' must be >= 5"):
        scheme.estimate(exact_counts(ladder(2), labels, readout(2), shots=4))
    with pytest.raises(InputError, match="'n_cells' must be a whole number >= 2 and <= 10, not 1"):
        scheme.settings(1)
    with pytest.raises(InputError, match="'n_cells' must be a whole number >= 2 and <= 10, not 11"):
        scheme.settings(11)
    with pytest.raises(InputError, match="'labels_per_kind' must be a whole number >= 1, not 0"):
        DickeScheme(labels_per_kind=0)
    with pytest.raises(InputError, match="'level' must be a finite number > 0 and < 1, not 1"):
        DickeScheme(level=1)
    with pytest.raises(InputError, match="'confidence' must be"):
        scheme.estimate(counts, confidence=1.0)
    with pytest.raises(InputError, match="'readout' must describe 2 cells"):
        scheme.estimate(counts, readout(3))
    bare = Counts(n_cells=2, settings=labels, table=counts.table)
    with pytest.raises(InputError, match="'readout' must be given because the counts carry none"):
        scheme.estimate(bare)


def test_the_same_seed_gives_the_same_numbers():
    counts = exact_counts(ladder(2), DickeScheme().settings(2), readout(2), shots=1000)
    first, again = (DickeScheme().estimate(counts, seed=3) for _ in range(2))
    assert (first.low, first.value, first.high) == (again.low, again.value, again.high)
    assert not first.populations.flags.writeable


def test_the_upper_end_sees_work_that_the_order_of_the_populations_hides():
    """Counts like those of p = .49 are as likely at p = .51, which holds work of .04."""
    labels = DickeScheme().settings(2)
    e = DickeScheme().estimate(exact_counts(product_state([0.49] * 2), labels, readout(2), 300))
    assert e.plug_in == 0
    assert e.high > 0.04
