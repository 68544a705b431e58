"""Correlated baths, waveguides, amplitudes, extra dissipators: docs/physics.md, section 2."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qbat_circuits as qb
from qbat_circuits.cells import lowering, product_state

seeds = st.integers(0, 2**32 - 1)


def master_equation(battery, gamma, exchange, rho):
    """sum_ij Gamma_ij of emission and absorption, and the exchange, written out cell by cell."""
    n, bath = battery.n_cells, battery.bath
    minus = [lowering(n, i).toarray() for i in range(n)]
    total = np.zeros_like(rho)
    for i in range(n):
        for j in range(n):
            a, b = minus[i], minus[j]
            for rate, left, right in ((bath.emission, a, b.T), (bath.absorption, a.T, b)):
                both = right @ left  # L_j^+ L_i
                total += rate * gamma[i, j] * (left @ rho @ right - (both @ rho + rho @ both) / 2)
            if i < j:
                swap = bath.rate * exchange[i, j] * (a.T @ b + b.T @ a)
                total += -1j * (swap @ rho - rho @ swap)
    return total


def changed(battery, rho):
    flat = battery.liouvillian() @ rho.reshape(-1, order="F")
    return flat.reshape(rho.shape, order="F")


def random_matrix(rng, size):
    return rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))


@pytest.mark.parametrize(
    ("coupling", "gamma", "exchange"),
    [
        (qb.Coupling(), np.ones((3, 3)), 0),
        (qb.Coupling(correlation=-0.5), 1.5 * np.eye(3) - 0.5, 0),
        (qb.Coupling(correlation=0.3), 0.7 * np.eye(3) + 0.3, 0),
        (
            qb.Coupling(correlation=[[1, 0.2, 0.1], [0.2, 1, -0.4], [0.1, -0.4, 1]]),
            np.array([[1, 0.2, 0.1], [0.2, 1, -0.4], [0.1, -0.4, 1]]),
            0,
        ),
        (
            qb.Coupling(amplitudes=(1, -2, 0.5)),
            np.outer([1, -2, 0.5], [1, -2, 0.5]),
            0,
        ),
        (
            qb.Coupling(positions=(0.0, 0.15, 0.7), amplitudes=(1, 1, 2)),
            np.cos(2 * np.pi * np.subtract.outer([0, 0.15, 0.7], [0, 0.15, 0.7]))
            * np.outer([1, 1, 2], [1, 1, 2]),
            np.sin(2 * np.pi * np.abs(np.subtract.outer([0, 0.15, 0.7], [0, 0.15, 0.7])))
            / 2
            * np.outer([1, 1, 2], [1, 1, 2]),
        ),
    ],
    ids=["common", "c<0", "c", "matrix", "amplitudes", "waveguide"],
)
def test_the_generator_is_the_correlation_matrix_written_out(coupling, gamma, exchange) -> None:
    bath = qb.CollectiveBath(1.3, 0.6, coupling=coupling)
    battery = qb.Battery.identical(3, bath)
    rho = random_matrix(np.random.default_rng(1), 8)
    expected = master_equation(battery, gamma, exchange + np.zeros((3, 3)), rho)
    np.testing.assert_allclose(changed(battery, rho), expected, atol=1e-13)
    np.testing.assert_allclose(coupling.matrix(3), gamma, atol=1e-14)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(n_cells=st.integers(2, 4), share=st.floats(0, 1), occupation=st.floats(0, 3))
def test_a_mixture_at_one_occupation_is_the_correlation_lambda(n_cells, share, occupation) -> None:
    """The free consistency test of section 2: c = lambda where n_l = n."""
    mixture = qb.Battery.mixture(n_cells, 1.7, occupation, share, local_occupation=occupation)
    coupling = qb.Coupling(correlation=share)
    correlated = qb.Battery.identical(
        n_cells, qb.CollectiveBath(1.7, occupation, coupling=coupling)
    )
    difference = abs(mixture.liouvillian() - correlated.liouvillian())
    assert difference.max() < 1e-12 * (1 + occupation)
    times = [0.3, 2.0]
    one, two = (qb.charge(b, times).energy for b in (mixture, correlated))
    np.testing.assert_allclose(one, two, atol=1e-9)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(2, 3))
def test_t1_partial_correlation_of_one_temperature_ends_in_gibbs(seed, n_cells) -> None:
    """T1 with -1/(N-1) < c < 1, a full-rank matrix, unequal amplitudes or different detunings."""
    rng = np.random.default_rng(seed)
    n = float(rng.uniform(0.05, 2))
    c = float(rng.uniform(-0.95 / (n_cells - 1), 0.95))
    square = rng.normal(size=(n_cells, n_cells + 1))
    square /= np.linalg.norm(square, axis=1)[:, None]
    for coupling in (
        qb.Coupling(correlation=c),
        qb.Coupling(correlation=(square @ square.T).round(15)),
        qb.Coupling(amplitudes=tuple(rng.uniform(0.3, 1, n_cells).cumsum())),
    ):
        battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, n, coupling=coupling))
        found = qb.steady_state(battery)
        assert found.unique
        gibbs = product_state([n / (2 * n + 1)] * n_cells)
        np.testing.assert_allclose(found.state, gibbs, atol=1e-9)
        assert "same-occupation" in {finding.code for finding in battery.audit()}


@pytest.mark.parametrize(
    ("positions", "unique"),
    [((0.0, 0.5), False), ((0.0, 0.5, 1.0), False), ((0.0, 0.25), True), ((0.1, 0.4, 0.7), True)],
)
def test_a_waveguide_keeps_several_steady_states_at_half_wavelengths_only(positions, unique):
    """The exception of T1: k d = m pi."""
    n = len(positions)
    bath = qb.CollectiveBath(1.0, 0.7, coupling=qb.Coupling(positions=positions))
    battery = qb.Battery.identical(n, bath)
    found = qb.steady_state(battery)
    assert found.unique is unique
    late = qb.charge(battery, [400.0], engine="propagator")
    assert found.ergotropy == pytest.approx(late.ergotropy[0], abs=1e-9)
    codes = {finding.code for finding in battery.audit()}
    assert ("start-decides" in codes) is (not unique)
    if unique:
        assert found.ergotropy == pytest.approx(0.0, abs=1e-9)
    else:  # the turned cells charge as ones at one place do
        alike = qb.steady_state(qb.Battery.identical(n, qb.CollectiveBath(1.0, 0.7)))
        assert found.ergotropy == pytest.approx(alike.ergotropy, abs=1e-9)


def test_fully_correlated_cells_beside_another_keep_their_sectors() -> None:
    """A correlation matrix with two equal rows: the start decides, as for two cells alone."""
    matrix = [[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]]
    bath = qb.CollectiveBath(1.0, 1.0, coupling=qb.Coupling(correlation=matrix))
    battery = qb.Battery.identical(3, bath)
    found = qb.steady_state(battery)
    assert (found.unique, found.engine) == (False, "long-time")
    assert found.ergotropy == pytest.approx(1 / 7, abs=1e-9)
    (finding,) = battery.audit()
    assert finding.code == "start-decides"
    assert finding.sentence.startswith("2 cells")


def test_a_singular_correlation_may_still_have_one_steady_state() -> None:
    """c = -1/(N-1) at N = 3: no two cells are twins, and Gibbs is the only end."""
    bath = qb.CollectiveBath(1.0, 0.7, coupling=qb.Coupling(correlation=-0.5))
    found = qb.steady_state(qb.Battery.identical(3, bath))
    assert found.unique
    np.testing.assert_allclose(found.state, product_state([0.7 / 2.4] * 3), atol=1e-9)


def test_bright_and_dark_decay_along_a_waveguide() -> None:
    """Two cells at distance d: (|01> +- |10>)/sqrt 2 decay at kappa (1 +- cos kd), shifted by J."""
    distance = 0.1
    bath = qb.CollectiveBath(1.0, 0.0, coupling=qb.Coupling(positions=(0.0, distance)))
    battery = qb.Battery.identical(2, bath)
    for sign in (1, -1):
        ket = np.array([0, 1, sign, 0]) / np.sqrt(2)
        rate = 1 + sign * np.cos(2 * np.pi * distance)
        energy = qb.charge(battery, [0.4, 1.1], ket).energy
        np.testing.assert_allclose(energy, np.exp(-rate * np.array([0.4, 1.1])), atol=1e-10)
    exchange = battery.hamiltonian().toarray()
    assert exchange[1, 2] == pytest.approx(np.sin(2 * np.pi * distance) / 2)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=seeds)
def test_permuting_cells_changes_no_number(seed) -> None:
    """Amplitudes, places, noise, detunings and energies moved together."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(3)
    per_cell = [rng.uniform(0.2, 1, 3) for _ in range(7)]

    def battery(which):
        g, x, rate, n, phi, delta, e = (values[which] for values in per_cell)
        coupling = qb.Coupling(positions=tuple(x), amplitudes=tuple(g))
        return qb.Battery(
            qb.CollectiveBath(1.0, 0.8, coupling=coupling),
            tuple(qb.LocalNoise(*one) for one in zip(rate, n, phi, strict=True)),
            tuple(delta),
            tuple(e),
        )

    curves = [qb.charge(battery(which), [0.5, 2.0]) for which in (np.arange(3), order)]
    np.testing.assert_allclose(curves[0].energy, curves[1].energy, atol=1e-12)
    np.testing.assert_allclose(curves[0].ergotropy, curves[1].ergotropy, atol=1e-12)


def test_equal_amplitudes_are_a_faster_bath() -> None:
    double = qb.CollectiveBath(1.0, 0.5, coupling=qb.Coupling(amplitudes=(2.0,) * 3))
    times = np.array([0.1, 0.5])
    for engine in ("sectors", "symmetric", "propagator"):
        one = qb.charge(qb.Battery.identical(3, double), times, engine=engine)
        two = qb.charge(qb.Battery.identical(3, qb.CollectiveBath(4.0, 0.5)), times, engine=engine)
        np.testing.assert_allclose(one.ergotropy, two.ergotropy, atol=1e-10)


def test_extra_jumps_are_dissipators_of_any_operator() -> None:
    """As sums of products against the same written as local noise, and as matrices."""
    bath = qb.CollectiveBath(1.0, 0.5)
    plain = qb.Battery.identical(2, bath, qb.LocalNoise(0.3, 0.2, 0.1))
    jumps = [(0.36, {"I-": 1}), (0.36, {"-I": 1}), (0.06, {"I+": 1}), (0.06, {"+I": 1})]
    jumps += [(0.2, {"In": 1}), (0.2, {"nI": 1})]
    extra = qb.Battery.identical(2, bath, extra_jumps=jumps)
    assert abs(plain.liouvillian() - extra.liouvillian()).max() < 1e-15
    assert {f.code for f in extra.audit()} == {"extra-jumps"}
    assert qb.steady_state(extra).ergotropy == pytest.approx(qb.steady_state(plain).ergotropy)
    matrix = qb.Battery.identical(2, bath, extra_jumps=[qb.ExtraJump(0.5, np.eye(4)[::-1])])
    flipped = qb.Battery.identical(2, bath, extra_jumps=[(0.5, {"XX": 1})])
    assert abs(matrix.liouvillian() - flipped.liouvillian()).max() < 1e-15
    mixed = qb.Battery.identical(2, bath, extra_jumps=[(0.5, {"XY": 1, "YX": -1, "ZI": 0.5j})])
    x, y, z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
    expected = np.kron(x, y) - np.kron(y, x) + 0.5j * np.kron(z, np.eye(2))
    np.testing.assert_allclose(mixed.extra_jumps[0].operator.toarray(), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: qb.Coupling(correlation=1.5), "'correlation' must be a finite number >= -1 and"),
        (
            lambda: qb.Battery.identical(
                3, qb.CollectiveBath(1, 1, coupling=qb.Coupling(correlation=-0.6))
            ),
            r"'correlation' must be >= -1/\(N-1\) \(-0.5\) for 3 cells, not -0.6.",
        ),
        (
            lambda: qb.Coupling(correlation=[[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]),
            "'correlation' must have no negative eigenvalue, not -0.8: no bath has it.",
        ),
        (lambda: qb.Coupling(correlation=[[1, 0.5], [0.4, 1]]), "must be a symmetric matrix."),
        (lambda: qb.Coupling(correlation=[[2, 0], [0, 1]]), "must have 1 on its diagonal"),
        (lambda: qb.Coupling(correlation=[[1, 0]]), "must be a number or a square matrix"),
        (lambda: qb.Coupling(correlation=0.5, positions=(0, 1)), "must not be given together."),
        (
            lambda: qb.Coupling(positions=(0, 1), amplitudes=(1, 1, 1)),
            "must be of one number of cells, not 2 and 3.",
        ),
        (lambda: qb.Coupling(amplitudes=(0, 0)), "'amplitudes' must not all be 0: give the bath"),
        (lambda: qb.Coupling(positions="ab"), "'positions' must be a list with one number per"),
        (
            lambda: qb.Battery.identical(
                3, qb.CollectiveBath(1, 1, coupling=qb.Coupling(positions=(0, 1)))
            ),
            r"'coupling' must be of as many cells as the battery \(3\), not 2.",
        ),
        (
            lambda: qb.CollectiveBath(1, 1, 0.5, qb.Coupling(positions=(0, 1))),
            "'squeezing' must be 0 for cells along a waveguide",
        ),
        (lambda: qb.CollectiveBath(1, 1, coupling=0.9), "'coupling' must be a Coupling, not 0.9."),
        (
            lambda: qb.Battery.identical(2, qb.CollectiveBath(1, 1), extra_jumps=[(1, np.eye(2))]),
            r"'extra_jumps' must hold operators of shape \(4, 4\), not \(2, 2\).",
        ),
        (
            lambda: qb.Battery.identical(2, qb.CollectiveBath(1, 1), extra_jumps=[(1, {"-": 1})]),
            r"'extra_jumps' must be products of 2 letters out of IXYZ-\+n, not '-'.",
        ),
        (
            lambda: qb.Battery.identical(2, qb.CollectiveBath(1, 1), extra_jumps=[3]),
            r"'extra_jumps' must be pairs \(rate, operator\), not 3.",
        ),
        (
            lambda: qb.Battery.identical(2, qb.CollectiveBath(1, 1), extra_jumps=[(-1, {"XX": 1})]),
            "'extra_jumps.rate' must be a finite number >= 0, not -1.",
        ),
        (lambda: qb.Battery.mixture(2, 1.0, 1.0, 1.2), "'collectivity' must be a finite number"),
    ],
)
def test_bad_input_gets_one_sentence(make, sentence) -> None:
    with pytest.raises(qb.InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_values_are_frozen() -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(1, 1), extra_jumps=[(1, {"XX": 1})])
    with pytest.raises(dataclasses.FrozenInstanceError):
        battery.bath.coupling.positions = (0.0, 1.0)  # type: ignore[misc]
    assert not battery.extra_jumps[0].operator.data.flags.writeable
