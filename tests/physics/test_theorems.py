"""What local noise allows: theorems T1, T2, T4, T5, T6 of docs/physics.md, section 4."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qbat_circuits as qb
from qbat_circuits.cells import product_state
from qbat_circuits.units import population_from_occupation

rates = st.floats(0.01, 2.0)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    n_cells=st.integers(1, 3),
    occupation=st.floats(0.0, 3.0),
    kappa=rates,
    local=st.lists(st.tuples(rates, st.floats(0, 1), st.floats(-1, 1)), min_size=3, max_size=3),
)
def test_t1_the_same_occupation_everywhere_ends_in_gibbs(n_cells, occupation, kappa, local) -> None:
    """With any rates, dephasing and detuning per cell: the steady state is Gibbs and W = 0."""
    battery = qb.Battery(
        qb.CollectiveBath(kappa, occupation),
        tuple(qb.LocalNoise(g, occupation, phi) for g, phi, _ in local[:n_cells]),
        tuple(d for _, _, d in local[:n_cells]),
        (1.0,) * n_cells,
    )
    found = qb.steady_state(battery)
    gibbs = product_state([population_from_occupation(occupation)] * n_cells)
    assert found.unique
    np.testing.assert_allclose(found.state, gibbs, atol=1e-9)
    assert found.ergotropy == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    occupation=st.floats(0.0, 5.0),
    kappa=rates,
    local=st.lists(
        st.tuples(rates, st.floats(0, 4), st.floats(0, 1), st.floats(-1, 1)),
        min_size=2,
        max_size=2,
    ),
)
def test_t2_two_cells_never_keep_work(occupation, kappa, local) -> None:
    """Different thermal noise on each cell, dephasing and detuning: W_ss = 0 for N = 2."""
    battery = qb.Battery(
        qb.CollectiveBath(kappa, occupation),
        tuple(qb.LocalNoise(g, n, phi) for g, n, phi, _ in local),
        tuple(d for *_, d in local),
        (1.0, 1.0),
    )
    assert qb.steady_state(battery).ergotropy == pytest.approx(0.0, abs=1e-9)


def test_three_cells_can_keep_work_so_t2_is_no_triviality() -> None:
    """lambda = 1/2, n_l = 0: the maxima of T3, .046656 at n = 1.70 and .106791 at n = 1.97."""
    for n_cells, occupation, work in ((3, 1.70, 0.046656), (4, 1.97, 0.106791)):
        battery = qb.Battery.identical(
            n_cells, qb.CollectiveBath(0.5, occupation), qb.LocalNoise(0.5)
        )
        assert qb.steady_state(battery).ergotropy == pytest.approx(work, abs=1e-6)


def test_t4_the_limit_of_weak_noise_is_not_the_noiseless_state() -> None:
    """N = 4, n = 1, n_l = 0: W_ss(lambda -> 1) = .1023, W_ss(lambda = 1) = .3548."""
    weak = 1e-6
    noisy = qb.Battery.identical(4, qb.CollectiveBath(1 - weak, 1.0), qb.LocalNoise(weak))
    alone = qb.Battery.identical(4, qb.CollectiveBath(1.0, 1.0))
    assert qb.steady_state(noisy).ergotropy == pytest.approx(0.1023, abs=5e-5)
    assert qb.steady_state(alone).ergotropy == pytest.approx(11 / 31, abs=1e-9)
    # Long before 1/weak, the noisy battery sits on the noiseless plateau.
    assert qb.charge(noisy, [10.0]).ergotropy[0] == pytest.approx(11 / 31, abs=1e-4)


@pytest.mark.parametrize(
    ("delta", "work"), [(0.0, 0.1022), (0.03, 0.0985), (0.1, 0.0628), (0.3, 0.0016)]
)
def test_t5_detuning_ends_the_steady_work(delta: float, work: float) -> None:
    battery = qb.Battery.identical(
        4,
        qb.CollectiveBath(1.0, 1.0),
        qb.LocalNoise(0.01),
        detunings=np.linspace(-delta, delta, 4).tolist(),
    )
    assert qb.steady_state(battery).ergotropy == pytest.approx(work, abs=6e-5)


def test_t5_detuning_beyond_the_collective_rate_leaves_no_work() -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), detunings=[-20.0, 20.0])
    assert qb.charge(battery, np.linspace(0, 3, 601)).ergotropy.max() < 2e-3


@pytest.mark.parametrize(("gamma", "work"), [(0.01, 0.1268), (0.1, 0.0623), (0.3, 0.0038)])
def test_t6_the_transient_under_one_temperature(gamma: float, work: float) -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(gamma, 1.0))
    curve = qb.charge(battery, np.linspace(0, 6, 1201))
    assert curve.ergotropy.max() == pytest.approx(work, abs=6e-5)
