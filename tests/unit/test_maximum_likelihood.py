"""Maximum likelihood against other optimisers, closed forms and its own certificate.

Effects are written out here as full Kronecker products, independent of the package's contraction.
"""

from __future__ import annotations

import re
from functools import reduce

import numpy as np
import pytest
from scipy.optimize import minimize
from states import ladder

from qbat_circuits.analysis.linear_inversion import nearest_state
from qbat_circuits.analysis.maximum_likelihood import maximum_likelihood
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

PAULIS = {
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]]),
}
NOISY = ReadoutModel.from_error_rates([0.015, 0.05, 0.1, 0.02, 0.03], [0.08, 0.025, 0.02, 0.04, 0])


def noisy(n_cells):
    return ReadoutModel(NOISY.assignment[:n_cells])


def effects(label, readout):
    """M_{s,y} of one setting, shape (2^N, 2^N, 2^N), outcome first."""
    found = []
    for outcome in range(2 ** len(label)):
        factors = []
        for place, letter in enumerate(label):  # the leftmost letter is cell N-1
            cell = len(label) - 1 - place
            row = readout.assignment[cell, (outcome >> cell) & 1]
            up, down = (np.eye(2) + PAULIS[letter]) / 2, (np.eye(2) - PAULIS[letter]) / 2
            factors.append(row[0] * up + row[1] * down)
        found.append(reduce(np.kron, factors))
    return np.array(found)


def probabilities(state, label, readout):
    p = np.einsum("yab,ba->y", effects(label, readout), state).real.clip(0)
    return p / p.sum()


def drawn(state, readout, shots, settings=None, seed=1):
    """Counts of these settings (all of them by default); shots may be a list."""
    rng = np.random.default_rng(seed)
    settings = settings or pauli_settings(readout.n_cells)
    table = [
        rng.multinomial(number, probabilities(state, label, readout))
        for label, number in zip(settings, np.broadcast_to(shots, len(settings)), strict=True)
    ]
    return Counts(readout.n_cells, tuple(settings), np.array(table), readout=readout)


class Explicit:
    """log L and R of counts with all effects in one dense array."""

    def __init__(self, counts):
        self.m = np.concatenate([effects(s, counts.readout) for s in counts.settings])
        self.n = counts.table.ravel()
        self.m, self.n = self.m[self.n > 0], self.n[self.n > 0]

    def log_likelihood(self, state):
        return float(self.n @ np.log(np.einsum("yab,ba->y", self.m, state).real))

    def r(self, state):
        p = np.einsum("yab,ba->y", self.m, state).real
        return np.einsum("y,yab->ab", self.n / p, self.m)


def best_by_cholesky(counts):
    """Largest log L over rho = T T^dagger / Tr, T complex and square, by L-BFGS."""
    explicit, size = Explicit(counts), 2**counts.n_cells

    def loss(x):
        t = x.reshape(2, size, size)[0] + 1j * x.reshape(2, size, size)[1]
        weight = np.vdot(t, t).real
        state = t @ t.conj().T / weight
        slope = 2 * (explicit.r(state) - explicit.n.sum() * np.eye(size)) @ t / weight
        return -explicit.log_likelihood(state), -np.array([slope.real, slope.imag]).ravel()

    start = np.array([np.eye(size), np.zeros((size, size))]).ravel()
    options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-6}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    t = found.x.reshape(2, size, size)[0] + 1j * found.x.reshape(2, size, size)[1]
    return t @ t.conj().T / np.vdot(t, t).real


def random_state(n_cells, rank=None, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2, 2**n_cells, rank or 2**n_cells))
    rho = (g[0] + 1j * g[1]) @ (g[0] + 1j * g[1]).conj().T
    return rho / np.trace(rho)


def ghz(n_cells):
    vector = np.zeros(2**n_cells)
    vector[[0, -1]] = np.sqrt(0.5)
    return np.outer(vector, vector).astype(np.complex128)


def lean(n_cells):
    """Unequal shots from 3 to 2000, in no order."""
    return np.random.default_rng(5).choice([3, 40, 500, 2000], size=3**n_cells)


@pytest.mark.parametrize("kind", ["full rank", "pure", "ladder", "unequal shots", "ideal readout"])
@pytest.mark.parametrize("n_cells", [1, 2])
def test_it_agrees_with_an_optimum_over_cholesky_factors(n_cells, kind):
    state = {"pure": random_state(n_cells, rank=1), "ladder": ladder(n_cells)}.get(
        kind, random_state(n_cells)
    )
    model = ReadoutModel.ideal(n_cells) if kind == "ideal readout" else noisy(n_cells)
    counts = drawn(state, model, lean(n_cells) if kind == "unequal shots" else 500)
    found = maximum_likelihood(counts, tolerance=1e-6)
    other, explicit = best_by_cholesky(counts), Explicit(counts)
    assert found.converged
    assert found.log_likelihood == pytest.approx(explicit.log_likelihood(found.state), abs=1e-8)
    assert explicit.log_likelihood(other) - found.log_likelihood <= found.gap + 1e-8
    assert explicit.log_likelihood(other) == pytest.approx(found.log_likelihood, abs=1e-4)
    np.testing.assert_allclose(found.state, other, atol=2e-3)


@pytest.mark.parametrize("model", [ReadoutModel.ideal(1), noisy(1)])
def test_one_cell_has_the_bloch_vector_of_linear_inversion_where_that_is_physical(model):
    """Three binomials and three coordinates: each frequency is met exactly."""
    counts = Counts(1, ("Z", "X", "Y"), np.array([[620, 380], [45, 55], [3100, 1900]]))
    found = maximum_likelihood(counts, model, tolerance=1e-9)
    up = [model.invert(row / row.sum())[0] for row in counts.table]  # P(+1) of Z, X, Y
    bloch = sum((2 * p - 1) * PAULIS[s] for p, s in zip(up, "ZXY", strict=True))
    np.testing.assert_allclose(found.state, (np.eye(2) + bloch) / 2, atol=1e-6)
    f = counts.table / counts.shots[:, None]
    assert found.log_likelihood == pytest.approx(np.sum(counts.table * np.log(f)), abs=1e-8)
    assert found.informationally_complete


def test_one_cell_always_read_as_plus_is_the_pure_state_between_the_axes():
    """Linear inversion gives the Bloch vector (1, 1, 1); by symmetry the best is along it."""
    table = np.array([[100, 0], [100, 0], [100, 0]])
    found = maximum_likelihood(Counts(1, ("X", "Y", "Z"), table, readout=ReadoutModel.ideal(1)))
    best = (np.eye(2) + sum(PAULIS.values()) / np.sqrt(3)) / 2
    np.testing.assert_allclose(found.state, best, atol=1e-4)
    assert found.log_likelihood == pytest.approx(300 * np.log((1 + 1 / np.sqrt(3)) / 2), abs=1e-3)


@pytest.mark.parametrize("settings", [None, ("XX", "ZZ", "XY")])
@pytest.mark.parametrize("max_iterations", [1, 7, 30, 5000])
@pytest.mark.parametrize("state", [ghz(2), random_state(2)])
def test_no_state_is_more_likely_than_the_gap_allows(state, max_iterations, settings):
    """The certificate at every stage: lambda_max(R) - n bounds log L(any) - log L(this)."""
    counts = drawn(state, noisy(2), 300, settings)
    found = maximum_likelihood(counts, tolerance=1e-7, max_iterations=max_iterations)
    explicit = Explicit(counts)
    top = np.linalg.eigvalsh(explicit.r(found.state))[-1] - counts.table.sum()
    assert found.gap == pytest.approx(top, abs=1e-8)
    best = maximum_likelihood(counts, tolerance=1e-9).state
    for seed in range(40):
        other = random_state(2, rank=1 + seed % 4, seed=seed)
        for share in (1.0, 0.1, 1e-3, 0.0):
            sigma = share * other + (1 - share) * best
            surplus = explicit.log_likelihood(sigma) - found.log_likelihood
            assert surplus <= found.gap + 1e-9


@pytest.mark.parametrize("n_cells", [1, 2, 3])
def test_readout_errors_and_bit_order_are_part_of_the_measurement(n_cells):
    """Frequencies that a state explains exactly give this state, through different errors."""
    state, model = random_state(n_cells), noisy(n_cells)
    settings = pauli_settings(n_cells)[::-1]
    table = [np.rint(1e8 * probabilities(state, s, model)).astype(int) for s in settings]
    counts = Counts(n_cells, settings, np.array(table), readout=model)
    np.testing.assert_allclose(maximum_likelihood(counts).state, state, atol=1e-5)
    unmitigated = maximum_likelihood(counts, ReadoutModel.ideal(n_cells), tolerance=1.0).state
    assert np.linalg.norm(unmitigated - state) > 0.02


@pytest.mark.parametrize(("model", "shots"), [(ReadoutModel.ideal(3), 200), (noisy(3), 20)])
def test_a_pure_state_with_outcomes_that_never_occur(model, shots):
    counts = drawn(ghz(3), model, shots)
    assert np.count_nonzero(counts.table == 0) > 20
    found = maximum_likelihood(counts)
    assert found.converged
    assert found.log_likelihood + found.gap >= Explicit(counts).log_likelihood(ghz(3))
    assert np.linalg.eigvalsh(found.state)[0] >= -1e-12
    assert np.trace(found.state).real == pytest.approx(1, abs=1e-12)
    assert np.trace(ghz(3) @ found.state).real > 0.9


def test_missing_settings_leave_directions_that_are_said_to_be_unseen():
    """XX and ZZ never see Y Y: turning it changes no likelihood."""
    counts = drawn(np.eye(4) / 4, noisy(2), 1000, ("XX", "ZZ"))
    found = maximum_likelihood(counts)
    assert found.converged
    assert not found.informationally_complete
    other = found.state + 0.1 * np.kron(PAULIS["Y"], PAULIS["Y"])
    assert np.linalg.eigvalsh(other)[0] > 0
    likeliest = Explicit(counts).log_likelihood(other)
    assert likeliest == pytest.approx(found.log_likelihood, abs=1e-8)
    assert maximum_likelihood(drawn(np.eye(4) / 4, noisy(2), 1000)).informationally_complete


def test_one_shot_of_one_setting_is_enough_to_run():
    counts = Counts(2, ("XZ",), np.array([[0, 1, 0, 0]]), readout=ReadoutModel.ideal(2))
    found = maximum_likelihood(counts)
    assert found.converged
    assert found.log_likelihood == pytest.approx(0, abs=1e-3)
    assert not found.informationally_complete


@pytest.mark.filterwarnings("error")
def test_one_reading_in_a_million_stays_possible():
    """Steps that would make it impossible are refused; both settings are met exactly."""
    table = np.array([[10**6, 1], [1, 1]])
    found = maximum_likelihood(Counts(1, ("X", "Z"), table), ReadoutModel.ideal(1))
    assert found.converged
    expected = (np.eye(2) + (1 - 2e-6) * PAULIS["X"]) / 2
    np.testing.assert_allclose(found.state, expected, atol=1e-7)


def test_it_can_go_on_for_ever_at_the_maximum():
    """A pure optimum does not move however long the step becomes."""
    counts = drawn(np.diag([1.0, 0]).astype(complex), ReadoutModel.ideal(1), 100, ("Z",))
    found = maximum_likelihood(counts, tolerance=1e-300, max_iterations=8000)
    assert not found.converged
    np.testing.assert_allclose(found.state, np.diag([1, 0]), atol=1e-12)


def test_the_order_of_the_settings_does_not_matter():
    counts = drawn(ladder(2), noisy(2), lean(2))
    order = np.random.default_rng(0).permutation(9)
    other = Counts(2, tuple(counts.settings[k] for k in order), counts.table[order])
    a, b = maximum_likelihood(counts), maximum_likelihood(other, counts.readout)
    assert a.log_likelihood == pytest.approx(b.log_likelihood, abs=1e-9)
    np.testing.assert_allclose(a.state, b.state, atol=1e-9)


def test_what_is_not_converged_says_so():
    counts = drawn(ghz(3), noisy(3), 1000)
    short = maximum_likelihood(counts, max_iterations=3)
    assert not short.converged
    assert short.iterations == 3
    full = maximum_likelihood(counts)
    assert full.converged
    assert full.gap <= 1e-3
    assert 1 < full.log_likelihood - short.log_likelihood <= short.gap
    never = maximum_likelihood(counts, tolerance=1e-300, max_iterations=200)
    assert not never.converged
    assert never.iterations == 200
    assert 0 < never.gap < 1e-3


@pytest.mark.parametrize("n_cells", [4, 5])
@pytest.mark.parametrize("state", [ladder, ghz])
def test_a_few_hundred_steps_are_enough_for_four_and_five_cells(n_cells, state):
    counts = drawn(state(n_cells), noisy(n_cells), 300)
    found = maximum_likelihood(counts)
    assert found.converged
    assert found.iterations < 500


def test_it_is_more_likely_than_the_inversion_of_another_package():
    """The linear inversion of qiskit-experiments, made positive, is near the maximum and below."""
    from qiskit_experiments.data_processing import LocalReadoutMitigator
    from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
    from qiskit_experiments.library.tomography.fitters.lininv import linear_inversion

    counts = drawn(ladder(2), noisy(2), 3000)
    letters = {"Z": 0, "X": 1, "Y": 2}
    raw, _ = linear_inversion(
        outcome_data=counts.table[None],
        shot_data=counts.shots,
        measurement_data=np.array([[letters[x] for x in s[::-1]] for s in counts.settings]),
        preparation_data=np.zeros((9, 0), int),
        measurement_basis=PauliMeasurementBasis(LocalReadoutMitigator(list(noisy(2).assignment))),
        measurement_qubits=(0, 1),
    )
    theirs = nearest_state(raw)
    found = maximum_likelihood(counts)
    np.testing.assert_allclose(found.state, theirs, atol=0.03)
    behind = found.log_likelihood - Explicit(counts).log_likelihood(theirs)
    assert -found.gap <= behind < 20


def test_its_ergotropy_is_that_of_the_state_and_biased_upward_for_a_passive_one():
    """A true 0 reads as work in every run, so no interval can start from this value."""
    counts = [drawn(np.eye(4) / 4, noisy(2), 300, seed=seed) for seed in range(10)]
    found = [maximum_likelihood(c) for c in counts]
    assert min(f.ergotropy() for f in found) > 0.005
    weighed = found[0].ergotropy([0.8, 1.2])
    assert weighed == ergotropy(found[0].state, [0.8, 1.2]) != found[0].ergotropy()
    with pytest.raises(ValueError, match="read-only"):
        found[0].state[0, 0] = 1


def test_a_leaked_level_that_reads_as_0_or_1_is_taken_as_empty():
    counts = drawn(ladder(2), noisy(2), 300)
    column = np.tile([[0.1], [0.9]], (2, 1, 1))
    leaky = ReadoutModel(np.concatenate([noisy(2).assignment, column], axis=2))
    expected = maximum_likelihood(counts).state
    np.testing.assert_allclose(maximum_likelihood(counts, leaky).state, expected, atol=1e-12)


def refused():
    counts = drawn(np.eye(2) / 2, ReadoutModel.ideal(1), 10)
    bare = Counts(1, counts.settings, counts.table)
    three = Counts(1, ("X",), np.array([[5, 4, 1]]), outcomes=3)
    many = Counts(9, ("Z" * 9,), np.eye(1, 2**9, dtype=int))
    model = ReadoutModel.ideal
    return [
        (counts.table, {}, "'counts' must be Counts (see Counts.load), not array"),
        (bare, {}, "'readout' must be given because the counts carry none"),
        (bare, {"readout": model(2)}, "'readout' must describe 1 cells like the counts, not 2."),
        (bare, {"readout": "ideal"}, "'readout' must be a ReadoutModel, not 'ideal'."),
        (bare, {"readout": model(1, 3)}, "must have 2 readings a cell like the counts, not 3."),
        (three, {"readout": model(1)}, "must have 3 readings a cell like the counts, not 2."),
        (many, {"readout": model(9)}, "'n_cells' must be a whole number <= 8, not 9."),
        (counts, {"tolerance": 0}, "'tolerance' must be a finite number > 0, not 0."),
        (counts, {"max_iterations": 0}, "'max_iterations' must be a whole number >= 1, not 0."),
    ]


@pytest.mark.parametrize(("counts", "arguments", "sentence"), refused())
def test_refusals(counts, arguments, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        maximum_likelihood(counts, **arguments)
