"""Identical cells on a squeezed bath in blocks: against the full space, PIQS and closed forms."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qutip.piqs.piqs import Dicke
from scipy.linalg import expm

import qbat_circuits as qb
from qbat_circuits.dynamics.schur import schur_basis
from qbat_circuits.errors import AccuracyError, InputError
from qbat_circuits.symmetric.blocks import Blocks, block_elements
from qbat_circuits.symmetric.ergotropy import ergotropy_jm
from qbat_circuits.symmetric.model import SymmetricModel
from qbat_circuits.symmetric.sectors_jm import (
    energy_jm,
    multiplicities,
    sector_weights,
    start_populations,
    states_jm,
)
from qbat_circuits.symmetric.squeezed import SqueezedModel

GENERIC = SqueezedModel(6, 1.8, 0.8, 1.1 * np.exp(0.3j), 0.3, 0.05, 0.2, 0.4)


def at_the_bound(n_cells: int, n: float, phase: float = 0.0, **local: float) -> SqueezedModel:
    """|M|^2 = n(n+1): one coherent jump."""
    cross = np.sqrt(n * (n + 1)) * np.exp(1j * phase)
    return SqueezedModel(n_cells, n + 1, n, cross, **local)


def blocks_of(rho: np.ndarray, n_cells: int) -> list[np.ndarray]:
    """The blocks of a state of the full space, traced over the multiplicity spaces."""
    vectors = [sector.vectors for sector in reversed(schur_basis(n_cells))]
    return [np.einsum("max,xy,kay->mk", v, rho, v, optimize=True) for v in vectors]


def assert_same(found: Blocks, expected: list[np.ndarray], atol: float) -> None:
    for mine, theirs in zip(found.matrices, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=atol, rtol=0)


def random_blocks(n_cells: int, seed: int) -> Blocks:
    """A state with every coherence that blocks can hold."""
    rng = np.random.default_rng(seed)
    matrices = []
    for a in range(n_cells // 2 + 1):
        side = n_cells - 2 * a + 1
        root = rng.normal(size=(side, side)) + 1j * rng.normal(size=(side, side))
        matrices.append(root @ root.conj().T)
    total = sum(np.trace(matrix).real for matrix in matrices)
    return Blocks(n_cells, tuple(matrix / total for matrix in matrices))


# --- against the full space ----------------------------------------------------------------------

RATES = st.floats(0.1, 2.0)
SHARES = st.sampled_from([0.0, 0.7, 1.0])


@settings(derandomize=True, max_examples=25, deadline=None)
@given(
    n_cells=st.integers(2, 5),
    emission=RATES,
    absorption=RATES,
    squeezed=st.floats(0.0, 1.0),
    phase=st.floats(-3.0, 3.0),
    noise=st.tuples(RATES, RATES, SHARES),
    local=st.sampled_from([0.0, 1.0]),
    detuning=st.sampled_from([0.0, 0.6, -1.3]),
    start=st.sampled_from(["ground", "excited"]),
)
def test_the_full_space_agrees(
    n_cells, emission, absorption, squeezed, phase, noise, local, detuning, start
) -> None:
    # Emission 2.2 at least: at emission = absorption = |cross| one spin component is conserved.
    cross = squeezed * np.sqrt((emission + 2.1) * absorption) * np.exp(1j * phase)
    battery = qb.Battery.identical(
        n_cells,
        qb.CollectiveBath.from_rates(emission + 2.1, absorption, cross),
        qb.LocalNoise(*(local * x for x in noise)),
        detunings=(detuning,) * n_cells,
    )
    model = SqueezedModel.from_battery(battery)
    bits = ("0" if start == "ground" else "1") * n_cells
    full = qb.steady_state(battery, bits, engine="linear-solve" if local else "sectors")
    found = model.steady_blocks(start)
    assert_same(found, blocks_of(full.state, n_cells), 1e-10)
    assert found.energy() == pytest.approx(full.energy, abs=1e-9)
    assert found.ergotropy() == pytest.approx(full.ergotropy, abs=1e-9)
    times = [0.0, 0.8, 1.6]
    curve = qb.charge(battery, times, bits, engine="propagator")
    for blocks, rho, work in zip(
        model.blocks(times, start), curve.states, curve.ergotropy, strict=True
    ):
        assert_same(blocks, blocks_of(rho, n_cells), 1e-9)
        assert blocks.ergotropy() == pytest.approx(work, abs=1e-9)


def test_the_generator_is_that_of_piqs() -> None:
    """On a state with every coherence, odd ones too: local noise, dephasing and detuning."""
    m = dataclasses.replace(GENERIC, cross=0j)
    piqs = Dicke(
        m.n_cells,
        emission=m.local_emission,
        pumping=m.local_absorption,
        dephasing=m.dephasing,
        collective_emission=m.emission,
        collective_pumping=m.absorption,
    )
    state = random_blocks(m.n_cells, 1)
    # PIQS lists m from j down; H = delta J_z.
    falling = [matrix[::-1, ::-1] for matrix in state.matrices]
    size = sum(len(matrix) for matrix in falling)
    rho, j_z = np.zeros((size, size), dtype=complex), np.zeros(size)
    ends = np.cumsum([len(matrix) for matrix in falling])
    for end, matrix in zip(ends, falling, strict=True):
        where = slice(end - len(matrix), end)
        rho[where, where] = matrix
        j_z[where] = (len(matrix) - 1) / 2 - np.arange(len(matrix))
    rate = (piqs.liouvillian().full() @ rho.reshape(-1, order="F")).reshape(size, size, order="F")
    rate -= 1j * m.detuning * (j_z[:, None] - j_z) * rho
    expected = np.concatenate(
        [
            rate[end - len(matrix) : end, end - len(matrix) : end][::-1, ::-1].reshape(-1)
            for end, matrix in zip(ends, falling, strict=True)
        ]
    )
    g = m.generator(state)
    assert len(g.places) == block_elements(m.n_cells).size
    found = g.matrix @ g.coordinates(state)
    # PIQS computes its rates in single precision.
    np.testing.assert_allclose(found[: len(g.real)], expected[g.real].real, atol=2e-6)
    np.testing.assert_allclose(found[len(g.real) :], expected[g.imaginary].imag, atol=2e-6)


@pytest.mark.parametrize("cross", [0j, 0.9j])
def test_any_blocks_are_a_start(cross: complex) -> None:
    """Odd and even coherences, against the full space."""
    n_cells = 3
    m = dataclasses.replace(GENERIC, n_cells=n_cells, cross=cross)
    battery = qb.Battery.identical(
        n_cells,
        qb.CollectiveBath.from_rates(m.emission, m.absorption, cross),
        qb.LocalNoise(0.25, 0.2, 0.1),
        detunings=(m.detuning,) * n_cells,
    )
    start = random_blocks(n_cells, 2)
    rho = np.zeros((8, 8), dtype=complex)
    for sector, matrix in zip(reversed(schur_basis(n_cells)), start.matrices, strict=True):
        v = sector.vectors
        rho += np.einsum("max,mk,kay->xy", v, matrix / v.shape[1], v)
    curve = qb.charge(battery, [0.7], rho, engine="propagator")
    (found,) = m.blocks([0.7], start)
    assert_same(found, blocks_of(curve.states[0], n_cells), 1e-11)
    assert found.ergotropy() == pytest.approx(curve.ergotropy[0], abs=1e-11)
    # And on from there, in two steps.
    (halfway,) = m.blocks([0.3], start)
    (again,) = m.blocks([0.4], halfway)
    assert_same(again, list(found.matrices), 1e-11)


# --- known states --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_cells", "energy", "work"), [(2, 0.6154, 0.6154), (4, 0.9256, 0.9256), (3, 0.7425, 0.5213)]
)
@pytest.mark.parametrize("phase", [0.0, 2.0])
def test_the_coherent_jump(n_cells: int, energy: float, work: float, phase: float) -> None:
    """docs/physics.md, section 2: even N end pure."""
    found = at_the_bound(n_cells, 0.8, phase).steady_blocks()
    assert found.energy() == pytest.approx(energy, abs=5e-5)
    assert found.ergotropy() == pytest.approx(work, abs=5e-5)
    np.testing.assert_allclose(found.sector_weights(), np.eye(n_cells // 2 + 1)[0], atol=1e-14)
    assert (found.spectrum.max() > 1 - 1e-12) == (n_cells % 2 == 0)


@pytest.mark.parametrize("n_cells", [20, 60])
def test_even_cells_end_in_the_dark_state(n_cells: int) -> None:
    """(sqrt(n+1) J_- + sqrt(n) J_+)|dark> = 0: every second Dicke state, by recursion."""
    n = 0.8
    k = np.arange(n_cells)
    raising = np.sqrt((k + 1) * (n_cells - k))
    dark = np.zeros(n_cells + 1)
    dark[0] = 1.0
    for i in range(0, n_cells, 2):
        dark[i + 2] = -np.sqrt(n / (n + 1)) * raising[i] / raising[i + 1] * dark[i]
    dark /= np.linalg.norm(dark)
    found = at_the_bound(n_cells, n).steady_blocks()
    np.testing.assert_allclose(found.matrices[0], np.outer(dark, dark), atol=1e-9)
    assert found.ergotropy() == pytest.approx(found.energy(), abs=1e-9)


@pytest.mark.parametrize("n_cells", [1, 5, 60])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-12])
def test_without_squeezing_it_is_the_rate_equation(n_cells: int, scale: float) -> None:
    """Weak local noise too: the exchange between sectors must not drown in round-off."""
    rates = (1.8, 0.8, 0.3 * scale, 0.02 * scale, 0.1 * scale)
    found = SqueezedModel(n_cells, *rates[:2], 0j, *rates[2:], detuning=0.7).steady_blocks()
    expected = SymmetricModel(n_cells, *rates).steady_populations()
    np.testing.assert_allclose(found.populations(), expected, atol=1e-13, rtol=0)
    assert found.ergotropy() == pytest.approx(ergotropy_jm(n_cells, expected), abs=1e-11)


def test_weak_local_noise_keeps_its_limit() -> None:
    """With squeezing no other engine reaches 1e-12: the state is the limit of weak noise."""
    weak, weaker = (
        at_the_bound(30, 0.8, local_emission=x, dephasing=x).steady_blocks() for x in (1e-9, 1e-12)
    )
    assert_same(weak, list(weaker.matrices), 1e-8)
    assert weaker.sector_weights()[0] < 0.9


@pytest.mark.parametrize("start", ["ground", "excited", 0.2])
def test_curves_without_squeezing(start: str | float) -> None:
    m = dataclasses.replace(GENERIC, n_cells=12, cross=0j)
    times = np.linspace(0, 5, 7)
    rates = SymmetricModel(12, *(getattr(m.rates, f.name) for f in dataclasses.fields(m.rates)))
    expected = rates.populations(times, start)
    found = m.blocks(times, start)
    np.testing.assert_allclose([b.populations() for b in found], expected, atol=1e-10, rtol=0)
    np.testing.assert_allclose(
        [b.ergotropy() for b in found], ergotropy_jm(12, expected), atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("local", [0.0, 0.3])
@pytest.mark.parametrize("start", ["ground", "excited"])
def test_curves_match_the_dense_exponential(local: float, start: str) -> None:
    m = at_the_bound(9, 0.8, 1.0, local_emission=local, dephasing=local, detuning=0.5)
    times = np.array([50.0, 1e-4, 0.0, 3.0, 0.02, 0.3])
    g = m.generator(start)
    y = g.coordinates(Blocks.of_start(9, start))
    dense = g.matrix.toarray()
    for found, time in zip(m.blocks(times, start), times, strict=True):
        np.testing.assert_allclose(g.coordinates(found), expm(dense * time) @ y, atol=1e-9)


@pytest.mark.parametrize("detuning", [0.0, 0.4])
def test_a_long_curve_ends_in_the_steady_state(detuning: float) -> None:
    m = dataclasses.replace(GENERIC, n_cells=25, detuning=detuning)
    (late,) = m.blocks([60.0], 0.3)
    assert_same(late, list(m.steady_blocks().matrices), 1e-9)


@pytest.mark.parametrize("start", ["excited", 0.3])
def test_sectors_keep_their_weight(start: str | float) -> None:
    m = SqueezedModel(10, 1.8, 0.8, 0.9j)
    found = m.steady_blocks(start)
    expected = sector_weights(10, start_populations(10, start))
    np.testing.assert_allclose(found.sector_weights(), expected, atol=1e-14)
    (late,) = m.blocks([200.0], start)
    assert_same(late, list(found.matrices), 1e-9)


# --- the gauge -----------------------------------------------------------------------------------


def test_the_phase_of_the_squeezing_turns_the_state() -> None:
    """rho(k, k') takes e^{i (k' - k) phi/2}; energy and work do not change."""
    real = dataclasses.replace(GENERIC, cross=1.1).steady_blocks()
    turned = GENERIC.steady_blocks()
    phase = np.exp(0.5j * 0.3 * block_elements(6).order)
    np.testing.assert_allclose(turned.elements(), real.elements() * phase, atol=1e-14)
    assert turned.energy() == pytest.approx(real.energy(), abs=1e-13)
    assert turned.ergotropy() == pytest.approx(real.ergotropy(), abs=1e-13)
    resonant = dataclasses.replace(GENERIC, detuning=0.0)
    g = resonant.generator()
    assert len(g.imaginary) == 0
    assert not (g.elements.order[g.real] % 2).any()
    opposite = dataclasses.replace(GENERIC, cross=1.1, detuning=-0.4).steady_blocks()
    np.testing.assert_allclose(opposite.elements(), real.elements().conj(), atol=1e-14)


# --- blocks --------------------------------------------------------------------------------------


def test_blocks_are_states_along_every_curve() -> None:
    for blocks in dataclasses.replace(GENERIC, n_cells=20).blocks(np.linspace(0, 10, 11)):
        p = blocks.populations()
        assert p.sum() == pytest.approx(1.0, abs=1e-9)
        assert blocks.spectrum.min() > -1e-12
        assert blocks.energy() == pytest.approx(float(energy_jm(20, p)))
        np.testing.assert_allclose(blocks.sector_weights(), sector_weights(20, p))
        assert 0 <= blocks.ergotropy() <= blocks.energy()


@pytest.mark.parametrize("n_cells", [6, 50])
def test_ergotropy_counts_every_copy(n_cells: int) -> None:
    """A spin coherent in its block: p(j, m) of its eigenvalues fill the levels d_j times each."""
    a = n_cells // 3
    side = n_cells - 2 * a + 1
    vector = np.exp(1j * np.arange(side)) / np.sqrt(side)
    matrices = [
        np.zeros((n_cells - 2 * b + 1,) * 2, dtype=complex) for b in range(n_cells // 2 + 1)
    ]
    matrices[a] = np.outer(vector, vector.conj())
    blocks = Blocks(n_cells, tuple(matrices))
    assert blocks.energy() == pytest.approx(n_cells / 2)
    # d_j equal eigenvalues, as if one state (j, m) held everything.
    p = np.zeros(states_jm(n_cells).size)
    p[states_jm(n_cells).index(np.array(n_cells // 2), np.array(a))] = 1.0
    expected = ergotropy_jm(n_cells, p) - n_cells // 2 + n_cells / 2
    assert multiplicities(n_cells)[a] > 1
    assert blocks.ergotropy() == pytest.approx(float(expected), rel=1e-12)


def test_no_state_is_refused() -> None:
    good = GENERIC.steady_blocks()
    n, matrices = good.n_cells, list(good.matrices)
    with pytest.raises(AccuracyError, match="violate trace by 1,"):
        Blocks(n, tuple(2 * matrix for matrix in matrices))
    skew = [matrices[0] + np.eye(7, k=1) * 1e-6, *matrices[1:]]
    with pytest.raises(AccuracyError, match="violate Hermiticity by 1e-06"):
        Blocks(n, tuple(skew))
    negative = [matrices[0] + np.diag([0.5, -0.5, 0, 0, 0, 0, 0]), *matrices[1:]]
    with pytest.raises(AccuracyError, match="violate positivity by"):
        Blocks(n, tuple(negative))
    with pytest.raises(AccuracyError, match="violate trace by nan"):
        Blocks(n, tuple(matrix * np.nan for matrix in matrices))
    with pytest.raises(InputError, match=r"'matrices' must be square with sides \[7, 5, 3, 1\]"):
        Blocks(n, tuple(matrices[:-1]))
    with pytest.raises(InputError, match=r"'populations' must have shape \(16,\) for 6 cells"):
        Blocks.from_populations(6, np.ones(5) / 5)
    with pytest.raises(ValueError, match="read-only"):
        matrices[0][0, 0] = 2.0


# --- refusals ------------------------------------------------------------------------------------


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(InputError, match=r"'cross' must satisfy \|cross\|\^2 <= emission"):
        SqueezedModel(3, 1.0, 0.5, 0.8)
    with pytest.raises(InputError, match="'local_absorption' must be a finite number >= 0, not -1"):
        SqueezedModel(3, 1.0, 0.5, 0.1, 0.0, -1.0)
    with pytest.raises(InputError, match="'detuning' must be a finite number, not nan"):
        SqueezedModel(3, 1.0, 0.5, 0.1, detuning=np.nan)
    with pytest.raises(InputError, match=r"at most 60 with squeezing .* about 3\.47e\+08 bytes"):
        SqueezedModel(61, 1.0, 0.5, 0.1)
    with pytest.raises(InputError, match=r"10000000 saved times, about .* fewer saved times"):
        SqueezedModel(60, 1.0, 0.5, 0.1).blocks(np.zeros(10**7))
    with pytest.raises(InputError, match="needs an emission or absorption rate > 0"):
        SqueezedModel(3, 0.0, 0.0, 0.0, dephasing=0.5).steady_blocks()
    with pytest.raises(InputError, match="leaves one spin component as it is"):
        SqueezedModel(4, 1.0, 1.0, 1.0).steady_blocks()
    with pytest.raises(InputError, match="'start' must be one of 'ground', 'excited', not 'up'"):
        GENERIC.steady_blocks("up")
    with pytest.raises(InputError, match="'start' must be a state of 6 cells, not of 4"):
        GENERIC.blocks([1.0], Blocks.of_start(4))
    with pytest.raises(InputError, match="'times' must be finite numbers >= 0 in one row"):
        GENERIC.blocks([-1.0])
    with pytest.raises(InputError, match="'tolerance' must be a finite number > 0"):
        GENERIC.blocks([1.0], tolerance=0.0)


@pytest.mark.parametrize(
    "model",
    [
        SqueezedModel(12, 1.0000001, 1.0, 1.0),  # almost one spin component alone
        SqueezedModel(12, 1e-9, 2e-11, 1e-10, 0.0, 1e-10, 5.0),  # levels cut off by dephasing
    ],
)
def test_what_round_off_would_spoil_is_refused(model: SqueezedModel) -> None:
    with pytest.raises(AccuracyError, match="of 12 cells is known only to"):
        model.steady_blocks()


def test_a_battery_of_equal_cells_is_the_same_model() -> None:
    battery = qb.Battery.identical(
        4,
        qb.CollectiveBath(1.5, 0.8, 0.7 - 0.5j),
        qb.LocalNoise(0.3, 0.2, 0.1),
        detunings=(0.2,) * 4,
    )
    found = SqueezedModel.from_battery(battery)
    assert (found.n_cells, found.emission, found.absorption) == (4, 1.5 * 1.8, 1.5 * 0.8)
    assert found.cross == 1.5 * (0.7 - 0.5j)
    assert (found.dephasing, found.detuning) == (0.2, 0.2)
    strong = qb.CollectiveBath(1.5, 0.8, 0.7 - 0.5j, qb.Coupling(amplitudes=(1.3,) * 4))
    coupled = dataclasses.replace(battery, bath=strong)
    work = SqueezedModel.from_battery(coupled).steady_blocks().ergotropy()
    dense = qb.steady_state(coupled, engine="linear-solve").ergotropy
    assert work == pytest.approx(dense, abs=1e-10)
    different = dataclasses.replace(battery, detunings=(0.2, 0.2, 0.2, 0.1))
    with pytest.raises(InputError, match="'detunings' must be the same for all cells"):
        SqueezedModel.from_battery(different)
