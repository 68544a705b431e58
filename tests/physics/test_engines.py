"""Every engine against every other, over random models, and the choice between them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qbat_circuits as qb
from qbat_circuits.conserved import only_collective
from qbat_circuits.symmetric.identical import is_identical
from qbat_circuits.symmetric.product_starts import bit_string_steady
from qbat_circuits.symmetric.rates import Rates
from qbat_circuits.symmetric.sectors_jm import energy_jm, start_populations
from qbat_circuits.symmetric.steady import sector_thermal_populations

ENGINES = ("sectors", "symmetric", "propagator", "qiskit-dynamics")
TIMES = (0.0, 0.3, 1.7)
seeds = st.integers(0, 2**32 - 1)


def random_state(rng, n_cells):
    g = rng.normal(size=(2, 2**n_cells, 2**n_cells))
    g = g[0] + 1j * g[1]
    rho = g @ g.conj().T
    return rho / np.trace(rho).real


def random_bath(rng, kind, n_cells):
    n = float(rng.choice([0.0, rng.uniform(0.05, 2)], p=[0.15, 0.85]))
    rate = float(rng.uniform(0.3, 1.5))
    if kind == "squeezed":
        m = np.sqrt(n * (n + 1)) * rng.choice([rng.uniform(), 1.0]) * np.exp(1j * rng.uniform(0, 6))
        return qb.CollectiveBath(rate, n, complex(m) * (1 - 1e-15))
    if kind == "pump":
        return qb.CollectiveBath.from_rates(*rng.uniform(0.1, 1.5, 2).tolist())
    couplings = {
        "thermal": qb.Coupling(),
        "correlated": qb.Coupling(correlation=float(rng.uniform(0, 1))),
        "amplitudes": qb.Coupling(amplitudes=tuple(rng.uniform(-1.5, 1.5, n_cells))),
        "waveguide": qb.Coupling(positions=tuple(rng.uniform(0, 1, n_cells))),
    }
    return qb.CollectiveBath(rate, n, coupling=couplings[kind])


def random_battery(rng, kind, cells):
    """Cells that are quiet, alike, or each of its own; a common detuning for the first two."""
    n_cells = int(rng.integers(1, 5))
    noise = [qb.LocalNoise(*rng.uniform(0, 0.6, 3)) for _ in range(n_cells)]
    detunings = rng.normal(0, 0.4, n_cells)
    if cells != "different":
        noise = [qb.LocalNoise() if cells == "quiet" else noise[0]] * n_cells
        detunings = np.full(n_cells, detunings[0])
    energies = (1.0,) * n_cells if cells != "different" else tuple(rng.uniform(0.8, 1.2, n_cells))
    bath = random_bath(rng, kind, n_cells)
    return qb.Battery(bath, tuple(noise), tuple(detunings), energies)


def served(battery, start):
    """Curves of all engines that take this battery and this start."""
    curves = {}
    for engine in ENGINES:
        try:
            curves[engine] = qb.charge(battery, TIMES, start, engine=engine, tolerance=1e-11)
        except qb.InputError:
            continue
    return curves


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=seeds,
    kind=st.sampled_from(["thermal", "squeezed", "pump", "correlated", "amplitudes", "waveguide"]),
    cells=st.sampled_from(["quiet", "alike", "different"]),
    start=st.sampled_from(["ground", "thermal", "excited", "bits", "random"]),
)
def test_all_engines_that_serve_a_model_agree(seed, kind, cells, start) -> None:
    rng = np.random.default_rng(seed)
    battery = random_battery(rng, kind, cells)
    n = battery.n_cells
    if start == "excited":
        start = "1" * n
    elif start == "bits":
        start = "".join(rng.choice(["0", "1"], n))
    elif start == "random":
        start = random_state(rng, n)
    curves = served(battery, start)
    assert {"propagator", "qiskit-dynamics"} <= set(curves)
    assert ("sectors" in curves) is only_collective(battery)
    alike = len(set(start)) == 1 if isinstance(start, str) and start.isdigit() else None
    if isinstance(start, np.ndarray):
        alike = n == 1 and np.allclose(start, np.diag(np.diag(start)))
    elif alike is None:
        alike = start == "ground" or len({one.population for one in battery.noise}) == 1
    assert ("symmetric" in curves) is (is_identical(battery) and alike)
    for (one, a), (two, b) in itertools.combinations(curves.items(), 2):
        context = f"{one} against {two}"
        assert a.states.shape == b.states.shape
        np.testing.assert_allclose(a.states, b.states, atol=1e-9, err_msg=context)
        np.testing.assert_allclose(a.energy, b.energy, atol=1e-9, err_msg=context)
        np.testing.assert_allclose(a.ergotropy, b.ergotropy, atol=1e-9, err_msg=context)
    auto = qb.charge(battery, TIMES, start)
    cheapest = [name for name in ("symmetric", "sectors", "propagator") if name in curves]
    assert auto.engine == cheapest[0]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=seeds,
    kind=st.sampled_from(["thermal", "squeezed", "pump", "correlated", "amplitudes", "waveguide"]),
    cells=st.sampled_from(["quiet", "alike", "different"]),
)
def test_all_steady_states_of_a_model_agree(seed, kind, cells) -> None:
    """Closed form, populations, linear solve and the limit of the resolvent."""
    rng = np.random.default_rng(seed)
    battery = random_battery(rng, kind, cells)
    start = str(rng.choice(["ground", "1" * battery.n_cells]))
    found = {}
    for engine in ("sectors", "symmetric", "linear-solve", "long-time"):
        try:
            found[engine] = qb.steady_state(battery, start, engine=engine)
        except (qb.InputError, qb.AccuracyError):
            continue
    auto = qb.steady_state(battery, start)
    assert found[auto.engine].energy == pytest.approx(auto.energy, abs=1e-12)
    assert ("sectors" in found) is only_collective(battery)
    assert ("symmetric" in found) >= is_identical(battery)
    assert ("linear-solve" in found) <= auto.unique
    assert qb.steady_state(battery, start, engine="propagator").energy == pytest.approx(
        auto.energy, abs=1e-9
    )
    for one, two in itertools.combinations(found.values(), 2):
        assert one.unique == two.unique
        np.testing.assert_allclose(one.state, two.state, atol=1e-9)
        assert one.energy == pytest.approx(two.energy, abs=1e-9)
        assert one.ergotropy == pytest.approx(two.ergotropy, abs=1e-9)
        assert one.sector_weights == pytest.approx(two.sector_weights, abs=1e-9)


def test_sector_weights_along_a_curve() -> None:
    """Conserved by the common bath, mixed by local noise; from populations and from states."""
    bath = qb.CollectiveBath(1.0, 0.8)
    quiet = qb.charge(qb.Battery.identical(3, bath), [0.0, 1.0, 5.0], "001", engine="sectors")
    np.testing.assert_allclose(quiet.sector_weights[1.5], 1 / 3, atol=1e-12)
    noisy = qb.Battery.identical(3, bath, qb.LocalNoise(0.5, 0.1))
    one, two = (qb.charge(noisy, [0.0, 1.0, 9.0], engine=e) for e in ("symmetric", "propagator"))
    assert one.sector_weights[1.5][0] == pytest.approx(1.0)
    assert one.sector_weights[1.5][2] < 0.95
    for j, weights in one.sector_weights.items():
        np.testing.assert_allclose(weights, two.sector_weights[j], atol=1e-9)


def test_auto_takes_the_cheapest_and_says_which() -> None:
    bath, noise = qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(0.1)
    quiet, alike = qb.Battery.identical(3, bath), qb.Battery.identical(3, bath, noise)
    different = qb.Battery(bath, (noise, noise, qb.LocalNoise()), (0.0,) * 3, (1.0,) * 3)
    assert qb.charge(quiet, [1.0]).engine == "symmetric"
    assert qb.charge(quiet, [1.0], "001").engine == "sectors"
    assert qb.charge(alike, [1.0]).engine == "symmetric"
    assert qb.charge(alike, [1.0], "001").engine == "propagator"
    assert qb.charge(different, [1.0]).engine == "propagator"
    assert qb.steady_state(quiet, "001").engine == "sectors"
    assert qb.steady_state(alike, "001").engine == "symmetric"  # unique: any start
    assert qb.steady_state(different).engine == "linear-solve"
    assert not is_identical(different)


@pytest.mark.parametrize(
    ("battery", "start", "engine", "sentence"),
    [
        (
            qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(0.1)),
            "ground",
            "sectors",
            "'engine' must be 'auto' or another one for cells with local noise",
        ),
        (
            qb.Battery.identical(3, qb.CollectiveBath(1, 1), qb.LocalNoise(0.1)),
            "001",
            "symmetric",
            r"'initial_state' must be invariant under permutations .*, which the bit string '001'",
        ),
        (
            qb.Battery.identical(2, qb.CollectiveBath(1, 1), qb.LocalNoise(0.1)),
            np.full((4, 4), 0.25),
            "symmetric",
            "hold no coherence between energies for populations .*, which this density matrix is",
        ),
        (
            qb.Battery.identical(2, qb.CollectiveBath(1, 1), detunings=[0, 1]),
            "ground",
            "symmetric",
            "'detunings' must be the same for all cells of a symmetric model.",
        ),
        (
            qb.Battery.identical(
                2, qb.CollectiveBath(1, 1, coupling=qb.Coupling(amplitudes=(1, 2)))
            ),
            "ground",
            "symmetric",
            "'amplitudes' must be the same for all cells",
        ),
        (
            qb.Battery.identical(
                2, qb.CollectiveBath(1, 1, coupling=qb.Coupling(positions=(0, 0.3)))
            ),
            "ground",
            "symmetric",
            "'coupling' must be one mode or a correlation between 0 and 1",
        ),
    ],
)
def test_engines_refuse_with_the_reason(battery, start, engine, sentence) -> None:
    with pytest.raises(qb.InputError, match=sentence):
        qb.charge(battery, [1.0], start, engine=engine)


def test_cold_coherence_between_sectors_is_refused_in_closed_form() -> None:
    """|+-> at n = 0 ends with W = .3536, which no sector weights describe (section 3)."""
    ket = np.kron([1, 1], [1, -1]) / 2
    cold = qb.Battery.identical(2, qb.CollectiveBath(1.0, 0.0))
    with pytest.raises(qb.InputError, match="no lasting coherence between spin sectors"):
        qb.steady_state(cold, ket)
    assert qb.charge(cold, [60.0], ket, engine="sectors").ergotropy[0] == pytest.approx(
        0.3536, abs=5e-5
    )
    assert qb.steady_state(cold, ket, engine="long-time").ergotropy == pytest.approx(
        0.3536, abs=5e-5
    )


def test_a_hundred_thousand_cells_charge_to_the_closed_form() -> None:
    """W -> n^2/(n+1) for N -> infinity (section 3), on the Dicke ladder alone."""
    battery = qb.Battery.identical(10**5, qb.CollectiveBath(1.0, 1.0))
    found = qb.steady_state(battery)
    assert found.ergotropy == pytest.approx(0.5, abs=1e-12)
    assert found.engine == "sectors"
    with pytest.raises(qb.InputError, match=r"need about 1e\+60207 bytes"):
        _ = found.state


def test_many_cells_from_known_sector_weights() -> None:
    """Bit strings and thermal cells against their closed forms."""
    noise = qb.LocalNoise(0.0, 0.05)
    for n_cells in (8, 11):  # in dense states, and beyond them
        battery = qb.Battery.identical(n_cells, qb.CollectiveBath(1.0, 0.5), noise)
        bits = "0" * (n_cells - 3) + "101"
        found = {start: qb.steady_state(battery, start) for start in (bits, "thermal")}
        assert found[bits].engine == "sectors"
        closed = bit_string_steady(n_cells, 2, 1.5, 0.5)
        assert found[bits].energy == pytest.approx(closed.energy, abs=1e-12)
        assert found[bits].ergotropy == pytest.approx(closed.ergotropy, abs=1e-12)
        p = start_populations(n_cells, noise.population)
        p = sector_thermal_populations(n_cells, Rates(1.5, 0.5), p)
        assert found["thermal"].energy == pytest.approx(float(energy_jm(n_cells, p)), abs=1e-12)
        work = float(qb.ergotropy_jm(n_cells, p))
        assert found["thermal"].ergotropy == pytest.approx(work, abs=1e-12)
        for one in found.values():
            assert sum(one.sector_weights.values()) == pytest.approx(1.0)
            assert max(one.sector_weights) == n_cells / 2


def test_the_ladder_of_many_cells_continues_that_of_few() -> None:
    """Closed rate equation on N + 1 Dicke states against all (j, m), from both ends."""
    times = np.array([0.0, 0.02, 0.1, 1.0])
    for bath in (qb.CollectiveBath(1.0, 0.7), qb.CollectiveBath.from_rates(0.5, 1.5)):
        battery = qb.Battery.identical(24, bath)
        for start in ("ground", "1" * 24):
            ladder = qb.charge(battery, times, start)
            populations = qb.charge(battery, times, start, engine="symmetric")
            assert (ladder.engine, populations.engine) == ("sectors", "symmetric")
            np.testing.assert_allclose(ladder.energy, populations.energy, atol=1e-8)
            np.testing.assert_allclose(ladder.ergotropy, populations.ergotropy, atol=1e-8)
    many = qb.Battery.identical(5000, qb.CollectiveBath(1.0, 1.0))
    curve = qb.charge(many, [0.0, 1e-3, 1.0])
    assert curve.ergotropy[-1] == pytest.approx(qb.steady_state(many).ergotropy, abs=1e-8)
    np.testing.assert_array_equal(curve.sector_weights[2500], 1.0)
    with pytest.raises(qb.InputError, match="5000 cells with 3 saved times need about"):
        _ = curve.states
    with pytest.raises(qb.InputError, match="'times' must be few enough for 5000 cells"):
        qb.charge(many, np.linspace(0, 1, 100_000))


def test_very_long_times_end_in_the_steady_state() -> None:
    """Beyond hundreds of decay times nothing changes any more."""
    bath = qb.CollectiveBath(6.3e6, 1.0)
    for noise in (qb.LocalNoise(), qb.LocalNoise(1e4, 0.05, 1e3)):
        battery = qb.Battery.identical(3, bath, noise)
        late = qb.charge(battery, [1e-3, 1.0, 1e6])
        steady = qb.steady_state(battery)
        for work in late.ergotropy[1:]:
            assert work == pytest.approx(steady.ergotropy, abs=1e-9)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=seeds, n_cells=st.integers(1, 14))
def test_nothing_fades_slower_than_the_bound(seed, n_cells) -> None:
    """The smallest decay rate of dp/dt = Q p over rates of eight decades, some of them 0."""
    rng = np.random.default_rng(seed)
    rates = 10 ** rng.uniform(-4, 4, 5) * (rng.random(5) < 0.7)
    if not rates[:4].any():
        rates[0] = 1.0
    model = qb.SymmetricModel(n_cells, *rates.tolist())
    decay = -np.linalg.eigvals(model.generator().toarray()).real
    assert decay[decay > 1e-9 * decay.max()].min() > 0.5 * model._gap
