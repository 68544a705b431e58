"""steady_state: unique where it is, the start's where it is not, refused where it is neither."""

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.dynamics.long_time import settled
from qbat_circuits.dynamics.reduction import reduce_model
from qbat_circuits.dynamics.unique_state import slowest_rate

QUIET = qb.LocalNoise()


def battery(noise, detunings=None, rate=1.0, occupation=0.8) -> qb.Battery:
    n = len(noise)
    return qb.Battery(
        qb.CollectiveBath(rate, occupation),
        tuple(noise),
        (0.0,) * n if detunings is None else tuple(detunings),
        (1.0,) * n,
    )


@pytest.mark.parametrize(
    "model",
    [
        battery([qb.LocalNoise(0.2, 0.1), QUIET]),  # one noisy cell breaks both sectors
        battery([qb.LocalNoise(0, 0, 0.3), qb.LocalNoise(0, 0, 0.1), QUIET]),
        battery([QUIET] * 3, detunings=[-0.4, 0.0, 0.3]),
        battery([QUIET, QUIET, qb.LocalNoise(0.1)], detunings=[-0.2, 0.2, 0.2]),
    ],
)
def test_addressable_cells_have_one_steady_state(model: qb.Battery) -> None:
    """From any start, the propagator ends in the one state."""
    n = model.n_cells
    found = qb.steady_state(model)
    assert found.unique
    assert found.engine == "linear-solve"
    for start in ("0" * n, "1" * n, "0" * (n - 1) + "1"):
        late = qb.charge(model, [4000.0], start).states[0]
        np.testing.assert_allclose(late, found.state, atol=1e-8)


def test_protected_cells_beside_noisy_ones_keep_the_starts_memory() -> None:
    """Cells 1 and 2 keep their singlet weight: the limit is that of the start's own trajectory."""
    model = battery([qb.LocalNoise(0.3, 0.1), QUIET, QUIET])
    energies = []
    for start in ("000", "010"):
        found = qb.steady_state(model, start)
        assert (found.engine, found.unique) == ("long-time", False)
        late = qb.charge(model, [2000.0], start)
        np.testing.assert_allclose(found.state, late.states[0], atol=1e-9)
        energies.append(found.energy)
    assert abs(energies[0] - energies[1]) > 0.05
    with pytest.raises(qb.InputError, match="not unique: 2 cells without local noise share one"):
        qb.steady_state(model, engine="linear-solve")


def test_without_a_bath_each_cell_needs_its_own_relaxation() -> None:
    with pytest.raises(qb.InputError, match="the collective rate is 0 and a cell has no local"):
        qb.steady_state(battery([qb.LocalNoise(0.1), qb.LocalNoise(0, 0, 0.1)], rate=0.0))
    found = qb.steady_state(battery([qb.LocalNoise(0.1, 0.2)] * 2, rate=0.0))
    assert found.energy == pytest.approx(2 * 0.2 / 1.4, abs=1e-12)


def test_rates_that_round_off_confuses_are_refused() -> None:
    """At gamma/kappa = 1e-13 a plain solve on two cells returns work for a true 0."""
    weak = battery([qb.LocalNoise(1e-13)] * 2, occupation=1.0)
    with pytest.raises(qb.AccuracyError, match="rates differ by too many orders of magnitude"):
        qb.steady_state(weak, engine="linear-solve")
    barely = battery([qb.LocalNoise(1e-6)] * 2, occupation=1.0)
    assert qb.steady_state(barely, engine="linear-solve").ergotropy == pytest.approx(0, abs=1e-7)
    assert qb.steady_state(weak).engine == "symmetric"  # without subtraction
    assert qb.steady_state(weak).ergotropy == pytest.approx(0.0, abs=1e-14)


def test_engines_refuse_what_they_cannot_serve() -> None:
    noisy = battery([qb.LocalNoise(0.1)] * 2)
    with pytest.raises(qb.InputError, match="'engine' must be 'auto' or another one for cells"):
        qb.steady_state(noisy, engine="sectors")
    with pytest.raises(qb.InputError, match="The steady state is not unique"):
        qb.steady_state(battery([QUIET] * 2), engine="linear-solve")
    with pytest.raises(qb.InputError, match=r"'engine' must be one of 'auto'.* mean 'sectors'"):
        qb.steady_state(noisy, engine="sector")


def test_settling_and_solving_agree() -> None:
    """Krylov subspaces at late times against a factored system, with and without memory."""
    rng = np.random.default_rng(3)
    noise = [qb.LocalNoise(*rng.uniform(0.05, 0.3, 3)) for _ in range(3)]
    unique = battery([*noise, QUIET], detunings=[0.0, 0.1, -0.1, 0.3])
    remembers = battery([noise[0], QUIET, QUIET])
    for model, start in ((unique, "0110"), (remembers, "010")):
        rho = qb.charge(model, [0.0], start).states[0]
        reduced = reduce_model(model.hamiltonian(), model.jump_operators(), rho)
        late = reduced.states(settled(reduced, slowest_rate(model)))
        np.testing.assert_allclose(late, qb.steady_state(model, start).state, atol=1e-9)


def test_eight_different_cells_have_a_steady_state() -> None:
    """12870 coordinates, whose factors would be full."""
    rng = np.random.default_rng(4)
    model = battery([qb.LocalNoise(*rng.uniform(0.2, 0.6, 3)) for _ in range(8)])
    found = qb.steady_state(model)
    assert found.unique
    late = qb.charge(model, [120.0])
    assert found.energy == pytest.approx(late.energy[0], abs=1e-9)
    assert found.ergotropy == pytest.approx(late.ergotropy[0], abs=1e-9)


@pytest.mark.parametrize("gamma", [1e-2, 1e-3])
def test_weak_noise_beside_a_protected_group_is_waited_for(gamma: float) -> None:
    """The plateau (.2667) looks settled for long; the limit holds .1746 and .1750."""
    model = battery([QUIET, QUIET, qb.LocalNoise(gamma)], occupation=1.0)
    late = qb.charge(model, [30 / gamma]).ergotropy[0]
    found = qb.steady_state(model)
    assert found.ergotropy == pytest.approx(late, abs=1e-8)
    assert abs(found.ergotropy - 4 / 15) > 0.09


@pytest.mark.parametrize(
    "model",
    [
        battery([QUIET, QUIET, qb.LocalNoise(1e-12)]),
        battery([QUIET, QUIET, qb.LocalNoise(1e-14)]),
        battery([QUIET] * 3, detunings=[0, 0, 1.0], rate=6.3e6),
    ],
)
def test_a_plateau_is_never_taken_for_the_limit(model: qb.Battery) -> None:
    with pytest.raises(qb.AccuracyError, match="does not settle within double precision"):
        qb.steady_state(model)


def test_a_state_that_does_not_settle_is_refused() -> None:
    model = battery([qb.LocalNoise(1e-9), QUIET], detunings=[0.0, 0.2])
    rho = qb.charge(model, [0.0]).states[0]
    reduced = reduce_model(model.hamiltonian(), model.jump_operators(), rho)
    with pytest.raises(qb.AccuracyError, match="The long-time state does not settle"):
        settled(reduced, slowest_rate(model))


def test_six_different_cells() -> None:
    rng = np.random.default_rng(2)
    model = battery([qb.LocalNoise(*rng.uniform(0.01, 0.1, 3)) for _ in range(6)])
    found = qb.steady_state(model)
    late = qb.charge(model, [600.0])
    assert found.ergotropy == pytest.approx(late.ergotropy[0], abs=1e-8)
