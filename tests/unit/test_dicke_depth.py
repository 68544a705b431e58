"""The Dicke scheme in depth: local phases, up to 10 cells, its optimisation, uncertain readout."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import beta
from states import ladder

from qbat_circuits.analysis import symmetry_test as symmetry
from qbat_circuits.analysis.dicke import TESTED_CELLS, DickeScheme, dicke_filling
from qbat_circuits.analysis.local_phases import fit_local_phases
from qbat_circuits.analysis.population_bounds import Measured, work_interval, work_value
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.analysis.symmetric_settings import kind_of, kinds, sectors
from qbat_circuits.cells import number, product_state
from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.thermodynamics import ergotropy

ROTATIONS = {
    "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "Y": np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
    "Z": np.eye(2),
}
PHASES = np.array([0.0, 1.1, -2.5, 0.4])


def readout(n):
    return ReadoutModel.from_error_rates(
        ([0.015, 0.02, 0.025, 0.018] * 3)[:n], ([0.03, 0.025, 0.02, 0.028] * 3)[:n]
    )


def probabilities(rho, labels):
    """Of what is read, by dense rotations and none of the package's own frames."""
    turns = [reduce(np.kron, [ROTATIONS[letter] for letter in label]) for label in labels]
    born = np.stack([np.clip(np.diagonal(u @ rho @ u.conj().T).real, 0, None) for u in turns])
    return readout(len(labels[0])).apply(born / born.sum(axis=1, keepdims=True))


def counts_of(rho, labels, shots=10**8):
    """Expected counts, rounded."""
    n = len(labels[0])
    table = np.rint(probabilities(rho, labels) * shots).astype(np.int64)
    return Counts(n_cells=n, settings=tuple(labels), table=table, readout=readout(n))


def turned(rho, phases):
    """R rho R^dagger with R = exp(i sum phi_i n_i)."""
    n = len(phases)
    turn = expm(1j * sum(phi * number(n, i).toarray() for i, phi in enumerate(phases)))
    return turn @ rho @ turn.conj().T


@pytest.mark.parametrize(("n", "work"), [(2, 1 / 7), (3, 4 / 15), (4, 11 / 31)])
def test_fitted_phases_give_the_work_back(n, work):
    """They hide it from the scheme; undone by diag(1, exp(-i phi)) on each cell, they do not."""
    rho, scheme = turned(ladder(n), PHASES[:n]), DickeScheme()
    labels = scheme.settings(n)
    blind = scheme.estimate(counts_of(rho, labels))
    assert blind.is_lower_bound
    assert blind.high < work - 0.05
    fit = fit_local_phases(counts_of(rho, labels))
    np.testing.assert_allclose(fit.phases, PHASES[:n], atol=1e-3)
    assert np.all(fit.standard_errors[1:] < 1e-3)
    assert fit.to_dict()["phases"] == fit.phases.tolist()
    tuned = DickeScheme(phases=tuple(fit.phases))
    undone = rho
    for cell, phi in enumerate(tuned.phases):
        gate = [np.eye(2)] * n
        gate[n - 1 - cell] = np.diag([1, np.exp(-1j * phi)])
        gate = reduce(np.kron, gate)
        undone = gate @ undone @ gate.conj().T
    estimate = tuned.estimate(counts_of(undone, tuned.settings(n)))
    assert estimate.value == pytest.approx(work, abs=1e-3)
    assert not estimate.is_lower_bound
    assert ergotropy(rho) == pytest.approx(work)


def test_fitted_correlation_is_that_of_the_pairs():
    """<X_i X_j + Y_i Y_j> = 4 Re <sigma_-^i sigma_+^j> of the state without phases."""
    fit = fit_local_phases(counts_of(turned(ladder(3), PHASES[:3]), DickeScheme().settings(3)))
    rho = ladder(3)
    assert fit.correlation == pytest.approx(4 * rho[1, 2].real + 4 * rho[5, 6].real, abs=1e-3)


def test_the_standard_errors_of_the_phases():
    """Against the spread of 150 fits, cells of different readout errors."""
    labels = DickeScheme().settings(3)
    exact = probabilities(turned(ladder(3), PHASES[:3]), labels)
    rng = np.random.default_rng(3)
    fits = [
        fit_local_phases(
            Counts(
                n_cells=3,
                settings=labels,
                table=rng.multinomial(2000, exact / exact.sum(axis=1, keepdims=True)),
                readout=readout(3),
            )
        )
        for _ in range(150)
    ]
    spread = np.std([fit.phases[1:] for fit in fits], axis=0)
    stated = np.mean([fit.standard_errors[1:] for fit in fits], axis=0)
    np.testing.assert_allclose(stated, spread, rtol=0.2)  # 3.5 standard deviations of the spread


def test_phases_are_refused_where_there_are_none():
    labels = DickeScheme().settings(3)
    with pytest.raises(InputError, match="must show transverse correlation between all cells"):
        fit_local_phases(counts_of(product_state([1 / 3] * 3), labels, 1000))
    with pytest.raises(InputError, match="setting with YX on the cells 0 and 1"):
        fit_local_phases(counts_of(ladder(2), ["XX", "YY", "ZZ"]))
    with pytest.raises(InputError, match="must be those of at least 2 cells"):
        fit_local_phases(counts_of(product_state([0.3]), ["X", "Y", "Z"]))
    wave = np.zeros(8, dtype=complex)  # a circulating excitation: no phases of single cells
    wave[[1, 2, 4]] = np.exp(2j * np.pi / 3 * np.arange(3)) / np.sqrt(3)
    chiral = 0.6 * ladder(3) + 0.4 * np.outer(wave, wave.conj())
    with pytest.raises(InputError, match="standard errors from the phases of all pairs"):
        fit_local_phases(counts_of(chiral, labels, 10**6))


def test_phases_are_checked():
    with pytest.raises(InputError, match="'phases' must be a finite number, not nan"):
        DickeScheme(phases=(0.0, float("nan")))
    with pytest.raises(InputError, match="'phases' must hold one number per cell \\(3\\), not 2"):
        DickeScheme(phases=(0.0, 1.0)).settings(3)
    assert DickeScheme(phases=np.array([0, 1])).phases == (0.0, 1.0)


@pytest.mark.parametrize(("n", "work"), [(5, 26 / 63), (6, 0.448819), (8, 0.483366)])
def test_more_cells_read_their_work(n, work):
    """W = sum_{k>=2} (k-1) p_k of the ladder (docs/physics.md, section 3)."""
    scheme = DickeScheme()
    estimate = scheme.estimate(counts_of(ladder(n), scheme.settings(n)))
    assert estimate.low <= work <= estimate.high
    assert estimate.value == pytest.approx(work, abs=2e-3)
    assert not estimate.is_lower_bound
    assert len(estimate.warnings) == (n > TESTED_CELLS)  # which says that coverage is unknown


def measured(n, shots=1000, seed=1):
    labels = DickeScheme(phase_test=False).settings(n)
    rng = np.random.default_rng(seed)
    exact = probabilities(ladder(n), labels)
    table = rng.multinomial(shots, exact / exact.sum(axis=1, keepdims=True))
    return Measured(dicke_filling(labels, (shots,) * len(labels)), Sample(table, readout(n)))


def test_functionals_of_many_samples_at_once_are_those_of_each():
    m = measured(3)
    rows = np.random.default_rng(2).normal(m.p, 0.05, size=(5, len(m.p)))
    z = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    together = m.safest(rows, z)
    for row, own, number_of in zip(rows, together, z, strict=True):
        alone = m.safest(row[None], np.array([number_of]))[0]
        # rounds go on until all rows are there, so single rows may stop a little earlier
        assert row @ own - number_of * m.error(own) == pytest.approx(
            row @ alone - number_of * m.error(alone), abs=2e-3 * m.error(alone)
        )
    np.testing.assert_array_equal(
        m.filling.functional(rows), [m.filling.functional(row) for row in rows]
    )


@pytest.mark.parametrize("n", [2, 3, 4])
def test_no_mixture_of_two_unitaries_is_safer(n):
    """The optimum over the convex hull, against all vertices and mixtures with them."""
    m, z = measured(n), 5.0
    o = m.safest(m.p[None], np.array([z]))[0]
    best = m.p @ o - z * m.error(o)
    rng = np.random.default_rng(4)
    for _ in range(500):
        vertex = m.filling.functional(rng.normal(size=len(m.p)))
        for t in (1.0, 0.3, 0.03):
            mixed = o + t * (vertex - o)
            assert m.p @ mixed - z * m.error(mixed) <= best + 0.05 * m.error(o)


@pytest.mark.parametrize("shots", [30, 300])
def test_the_upper_end_is_not_below_any_functional(shots):
    """It is W_c at its largest in an ellipsoid of radius z around p: ascents from random points."""
    m = measured(3, shots=shots)
    high, levels, z = m.upper(1.96), m._capped_levels, 1.96
    for start in np.random.default_rng(5).normal(m.p, 0.2, size=(300, len(m.p))):
        o = m.filling.functional(start, levels)
        for _ in range(20):
            o = m.filling.functional(m.p + z * (m.covariance @ o) / m.error(o), levels)
        assert m.p @ o + z * m.error(o) <= high + 0.02 * m.error(o)


def test_the_value_alone_is_that_of_the_interval():
    m = [measured(3, seed=k) for k in (1, 2)]
    for one in m:
        whole = work_interval([one], 1.96, np.random.default_rng(9))
        alone = work_value([one], 1.96, np.random.default_rng(9))
        assert alone == pytest.approx(whole.value)


def test_mixed_kinds_get_a_third_of_the_shots():
    plan = DickeScheme().shots(4, 81000)
    by_kind = {k: sum(v for s, v in plan.items() if kind_of(s) == k) for k in kinds(4)}
    assert by_kind[4, 0, 0] == pytest.approx(3 * by_kind[2, 2, 0], rel=1e-2)
    assert by_kind[2, 0, 2] + by_kind[0, 2, 2] == pytest.approx(27000, rel=1e-2)


def test_contrasts_do_not_depend_on_how_many_are_held_at_once(monkeypatch):
    counts = counts_of(turned(ladder(3), [0, 0.02, 0.01]), DickeScheme().settings(3), 1000)
    model = ReadoutModel(readout(3).assignment, 10**6)
    whole = symmetry.symmetry_test(counts, model)
    monkeypatch.setattr(symmetry, "_MAX_NUMBERS", 200)
    parts = symmetry.symmetry_test(counts, model)
    exact = symmetry.symmetry_test(counts, readout(3))  # by the covariance of the products
    for other, tolerance in ((parts, 1e-9), (exact, 1e-3)):
        assert other.contrast == whole.contrast
        assert other.value == pytest.approx(whole.value, rel=tolerance)
        assert other.sigma == pytest.approx(whole.sigma, rel=tolerance)


def test_uncertain_readout_is_covered():
    """200 calibration shots a level, 30000 a setting: the calibration is most of the error."""
    scheme, work, n = DickeScheme(), 1 / 7, 2
    labels = scheme.settings(n)
    exact = probabilities(ladder(n), labels)
    exact /= exact.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(6)
    covered = narrow = 0
    for seed in range(60):
        columns = rng.multinomial(200, readout(n).assignment.swapaxes(1, 2))
        model = ReadoutModel.from_calibration_counts(columns.swapaxes(1, 2))
        table = rng.multinomial(30000, exact)
        counts = Counts(n_cells=n, settings=labels, table=table, readout=model)
        e = scheme.estimate(counts, seed=seed)
        exact_model = ReadoutModel(model.assignment)
        blind = scheme.estimate(counts, exact_model, seed=seed)
        covered += e.low <= work <= e.high
        narrow += blind.low <= work <= blind.high
    assert covered == 60 or beta.ppf(0.999, covered + 1, 60 - covered) >= 0.95
    assert narrow < 51  # taken as exact, the same matrices would not be honest


def test_numbers_of_settings_grow_as_the_square():
    plain = DickeScheme(phase_test=False)
    assert [len(plain.settings(n)) for n in range(2, 11)] == [3, 7, 21, 29, 45, 55, 75, 85, 111]
    assert [len(sectors(n)) for n in (4, 8, 10)] == [9, 25, 36]


def test_circuits_of_a_scheme_with_phases_measure_in_that_frame():
    """A preparation with local phases, measured in their frame, reads like one without."""
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    def outcomes(phases, scheme):
        prepare = QuantumCircuit(2)
        prepare.h(0)
        prepare.cx(0, 1)
        prepare.x(0)  # (|01> + |10>)/sqrt 2
        for cell, phase in enumerate(phases):
            prepare.p(phase, cell)
        bare = [c.remove_final_measurements(inplace=False) for c in scheme.circuits(2, prepare)]
        return [Statevector(circuit).probabilities() for circuit in bare]

    plain = outcomes((0.0, 0.0), DickeScheme())
    turned = outcomes((0.0, 0.7), DickeScheme(phases=(0.0, 0.7)))
    np.testing.assert_allclose(turned, plain, atol=1e-12)
    assert np.abs(np.array(outcomes((0.0, 0.7), DickeScheme())) - plain).max() > 0.1
