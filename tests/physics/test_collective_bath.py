"""The collective bath alone: closed forms of docs/physics.md, section 3."""

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.cells import collective_lowering
from qbat_circuits.dynamics.schur import schur_basis
from qbat_circuits.dynamics.sectors import sector_steady_state
from qbat_circuits.quantities.dense import sector_weights


def steady(n_cells: int, occupation: float, start="ground") -> qb.SteadyState:
    return qb.steady_state(
        qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, occupation)), initial_state=start
    )


@pytest.mark.parametrize(
    ("n_cells", "work"),
    [(2, 1 / 7), (3, 4 / 15), (4, 11 / 31), (6, 57 / 127), (8, 247 / 511)],
)
def test_ground_start_at_occupation_one(n_cells: int, work: float) -> None:
    found = steady(n_cells, 1.0)
    assert not found.unique
    assert found.engine == "sectors"
    assert found.ergotropy == pytest.approx(work, abs=1e-9)


@pytest.mark.parametrize("n_cells", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("occupation", [0.05, 0.7, 3.0, 40.0])
def test_the_dicke_ladder(n_cells: int, occupation: float) -> None:
    """p_k ~ r^k, E = sum k p_k, W = sum_{k>=2} (k-1) p_k for r <= 1."""
    k = np.arange(n_cells + 1)
    p = (occupation / (occupation + 1)) ** k
    p /= p.sum()
    found = steady(n_cells, occupation)
    assert found.energy == pytest.approx(k @ p, abs=1e-9)
    assert found.ergotropy == pytest.approx(np.maximum(k - 1, 0) @ p, abs=1e-9)


@pytest.mark.parametrize("n_cells", [2, 3, 5])
def test_the_hot_limit(n_cells: int) -> None:
    """n -> infinity: W = N(N-1)/(2(N+1)) and W/E = 1 - 2/(N+1)."""
    found = steady(n_cells, 1e12)
    assert found.ergotropy == pytest.approx(n_cells * (n_cells - 1) / (2 * (n_cells + 1)), abs=1e-9)
    assert found.ergotropy / found.energy == pytest.approx(1 - 2 / (n_cells + 1), abs=1e-9)


@pytest.mark.parametrize(
    ("start", "work", "accuracy"),
    [
        ("11", 1 / 13, 1e-9),
        ("01", 2 / 13, 1e-9),
        ("001", 0.45, 1e-9),
        ("011", 0.45, 1e-9),
        ("0011", 0.729922, 5e-7),
    ],
)
def test_product_starts_at_half_a_photon(start: str, work: float, accuracy: float) -> None:
    assert steady(len(start), 0.5, start).ergotropy == pytest.approx(work, abs=accuracy)


@pytest.mark.parametrize("start", ["ground", "011", "thermal", "random"])
def test_the_sector_formula_is_where_the_dynamics_goes(start: str) -> None:
    """Against the propagator at a time at which everything has relaxed."""
    if start == "random":
        rng = np.random.default_rng(5)
        g = rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8))
        start = g @ g.conj().T / np.trace(g @ g.conj().T)
    battery = qb.Battery.identical(3, qb.CollectiveBath(1.0, 0.6))
    late = qb.charge(battery, [200.0], initial_state=start).states[0]
    found = qb.steady_state(battery, initial_state=start)
    np.testing.assert_allclose(found.state, late, atol=1e-10)
    before = sector_weights(qb.charge(battery, [0.0], initial_state=start).states[0])
    assert found.sector_weights == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 40.0, 1e6])
@pytest.mark.parametrize("n_cells", [2, 3, 4])
def test_a_pump_beyond_inversion(ratio: float, n_cells: int) -> None:
    """r >= 1: W = E - 1 + p_N; at r = 1 both forms hold."""
    battery = qb.Battery.identical(n_cells, qb.CollectiveBath.from_rates(1.0, ratio))
    found = qb.steady_state(battery)
    k = np.arange(n_cells + 1)
    p = ratio ** (k - float(n_cells))
    p /= p.sum()
    assert found.energy == pytest.approx(k @ p, abs=1e-12)
    assert found.ergotropy == pytest.approx(k @ p - 1 + p[-1], abs=1e-12)
    if ratio < 100:
        late = qb.charge(battery, [100.0])
        assert late.ergotropy[0] == pytest.approx(found.ergotropy, abs=1e-9)
    if ratio == 1.0:
        assert found.ergotropy == pytest.approx(np.maximum(k - 1, 0) @ p, abs=1e-12)


@pytest.mark.parametrize("squeezing", [0.5, 0.3 - 0.9j, 1.2])
def test_a_common_detuning_turns_the_cells_against_a_squeezed_bath(squeezing: complex) -> None:
    bath = qb.CollectiveBath(1.0, 0.8, squeezing=squeezing)
    battery = qb.Battery.identical(2, bath, detunings=[0.5, 0.5])
    late = qb.charge(battery, [3000.0])
    found = qb.steady_state(battery)
    np.testing.assert_allclose(found.state, late.states[0], atol=1e-9)
    on_resonance = qb.steady_state(qb.Battery.identical(2, bath))
    assert abs(on_resonance.ergotropy - found.ergotropy) > 1e-3


def test_squeezed_baths_and_their_pure_states() -> None:
    """|M|^2 = n(n+1) from the ground state, n = .8: even N ends pure with W = E, odd N mixed."""
    m = np.sqrt(0.8 * 1.8)
    for n_cells, energy, work in ((2, 0.615, 0.615), (4, 0.926, 0.926), (3, 0.742, 0.521)):
        battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 0.8, squeezing=m))
        found = qb.steady_state(battery)
        assert found.energy == pytest.approx(energy, abs=5e-4)
        assert found.ergotropy == pytest.approx(work, abs=5e-4)
        late = qb.charge(battery, [400.0]).states[0]
        np.testing.assert_allclose(found.state, late, atol=1e-8)


def test_partial_squeezing_agrees_with_the_propagator() -> None:
    battery = qb.Battery.identical(3, qb.CollectiveBath(1.0, 0.8, squeezing=0.5 - 0.4j))
    late = qb.charge(battery, [300.0], initial_state="001").states[0]
    np.testing.assert_allclose(qb.steady_state(battery, "001").state, late, atol=1e-10)


def test_a_cold_bath_keeps_coherence_between_dark_states() -> None:
    """|+-> under collective emission ends with W = .3536, which no sector weight tells."""
    plus_minus = np.kron([1, -1], [1, 1]) / 2.0
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 0.0))
    late = qb.charge(battery, [200.0], initial_state=plus_minus)
    assert late.ergotropy[0] == pytest.approx(np.sqrt(2) / 4, abs=1e-9)
    with pytest.raises(qb.InputError, match="'initial_state' must have no lasting coherence"):
        qb.steady_state(battery, initial_state=plus_minus)
    # Without such coherence the formula holds at n = 0 too: |01> keeps half its weight dark.
    assert qb.steady_state(battery, "01").ergotropy == pytest.approx(
        qb.charge(battery, [200.0], "01").ergotropy[0], abs=1e-9
    )


@pytest.mark.parametrize("n_cells", [1, 2, 3, 4, 5])
def test_the_schur_basis_is_what_it_says(n_cells: int) -> None:
    """Orthonormal, complete, and J_- |j, m> = sqrt((j+m)(j-m+1)) |j, m-1> in each copy."""
    minus = collective_lowering(n_cells).toarray().real
    sectors = schur_basis(n_cells)
    everything = np.concatenate([s.vectors.reshape(-1, 2**n_cells) for s in sectors])
    np.testing.assert_allclose(everything @ everything.T, np.eye(2**n_cells), atol=1e-13)
    for sector in sectors:
        for row in range(1, sector.twice_j + 1):
            factor = np.sqrt(row * (sector.twice_j - row + 1))  # (j+m) = row, m = row - j
            np.testing.assert_allclose(
                sector.vectors[row] @ minus.T, factor * sector.vectors[row - 1], atol=1e-13
            )


def test_detailed_balance_in_every_sector() -> None:
    """Neighbouring levels of a spin have populations in the ratio n/(n+1)."""
    populations = np.diag(sector_steady_state(qb.CollectiveBath(2.0, 1.7), 5)).real
    np.testing.assert_allclose(populations[1:] / populations[:-1], 1.7 / 2.7, rtol=1e-12)


def test_one_quadrature_alone_is_refused_as_no_steady_state() -> None:
    """emission = absorption = |cross|: the jump is Hermitian and conserves its own component."""
    bath = qb.CollectiveBath.from_rates(1.0, 1.0, cross=1.0)
    battery = qb.Battery.identical(2, bath)
    with pytest.raises(qb.InputError, match="'cross' must be below emission = absorption in size"):
        qb.steady_state(battery)
    found = qb.steady_state(battery, engine="long-time")
    assert not found.unique
    late = qb.charge(battery, [60.0])
    assert found.energy == pytest.approx(late.energy[0], abs=1e-9)
