"""Laws of the dynamics, engine against engine, and our states against QuTiP's."""

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

import qbat_circuits as qb
from qbat_circuits.battery import Battery
from qbat_circuits.cells import level_energies
from qbat_circuits.dynamics.charging import STATE_LIMIT

TIMES = np.linspace(0.0, 3.0, 31)


def random_state(n_cells: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(2**n_cells,) * 2) + 1j * rng.normal(size=(2**n_cells,) * 2)
    return g @ g.conj().T / np.trace(g @ g.conj().T).real


def different_cells(n_cells: int, seed: int, squeezing: complex = 0j) -> Battery:
    rng = np.random.default_rng(seed)
    return Battery(
        qb.CollectiveBath(1.0, 0.9, squeezing),
        tuple(qb.LocalNoise(*rng.uniform(0, 0.4, 3)) for _ in range(n_cells)),
        tuple(rng.uniform(-0.7, 0.7, n_cells)),
        tuple(rng.uniform(0.8, 1.2, n_cells)),
    )


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    n_cells=st.integers(1, 3),
    seed=st.integers(0, 10**6),
    squeezing=st.complex_numbers(max_magnitude=1.2, allow_nan=False),
    start=st.sampled_from(["ground", "thermal", "random"]),
)
def test_engines_agree_on_random_models(n_cells, seed, squeezing, start) -> None:
    battery = different_cells(n_cells, seed, squeezing)
    if start == "random":
        start = random_state(n_cells, seed)
    exact = qb.charge(battery, TIMES, start, engine="propagator")
    other = qb.charge(battery, TIMES, start, engine="qiskit-dynamics")
    np.testing.assert_allclose(other.states, exact.states, atol=2e-9, rtol=0)
    np.testing.assert_allclose(other.ergotropy, exact.ergotropy, atol=5e-9, rtol=0)


@pytest.mark.parametrize("n_cells", [4, 5])
def test_engines_agree_where_the_model_is_sparse(n_cells: int) -> None:
    battery = different_cells(n_cells, 3)
    exact = qb.charge(battery, TIMES, engine="propagator")
    other = qb.charge(battery, TIMES, engine="qiskit-dynamics")
    np.testing.assert_allclose(other.states, exact.states, atol=2e-9, rtol=0)


@pytest.mark.parametrize("squeezing", [0j, 0.6 - 0.5j])
def test_states_and_operators_match_qutip(squeezing: complex) -> None:
    """The same model in QuTiP's conventions (cell 0 first, lowered state basis(2, 1))."""
    battery = different_cells(3, 11, squeezing)
    start = random_state(3, 4)
    hamiltonian, collapse = battery.to_qutip()
    solution = qutip.mesolve(
        hamiltonian,
        qb.to_qutip(start),
        TIMES,
        c_ops=collapse,
        options={"atol": 1e-12, "rtol": 1e-10, "nsteps": 100_000},
    )
    ours = qb.charge(battery, TIMES, start).states
    theirs = np.array([qb.from_qutip(state) for state in solution.states])
    np.testing.assert_allclose(ours, theirs, atol=1e-8, rtol=0)


def test_the_door_to_qutip_keeps_what_operators_mean() -> None:
    """Cell 0 lowered is QuTiP's first factor, written sigma_-; ground is basis(2, 1) everywhere."""
    from qbat_circuits.cells import lowering, product_state

    one = qb.to_qutip(lowering(3, 0).toarray())
    assert one == qutip.tensor(qutip.sigmam(), qutip.qeye(2), qutip.qeye(2))
    ground = qutip.tensor([qutip.basis(2, 1)] * 3)
    assert qb.to_qutip(product_state([0.0] * 3)) == ground.proj()
    np.testing.assert_array_equal(qb.from_qutip(ground), product_state([0.0] * 3))
    assert level_energies(3, [1, 2, 4])[0b001] == 1


@pytest.mark.parametrize("engine", ["propagator", "qiskit-dynamics"])
def test_every_state_of_a_curve_is_a_state(engine: str) -> None:
    states = qb.charge(different_cells(3, 8), TIMES, random_state(3, 2), engine=engine).states
    np.testing.assert_allclose(np.trace(states, axis1=1, axis2=2), 1.0, atol=STATE_LIMIT)
    np.testing.assert_allclose(states, np.conj(np.swapaxes(states, 1, 2)), atol=STATE_LIMIT)
    assert np.linalg.eigvalsh(states).min() > -STATE_LIMIT


def test_a_solution_that_is_no_state_is_an_error_and_not_clipped() -> None:
    from qbat_circuits.dynamics.spectra import checked_quantities

    levels = level_energies(1)
    for broken, what in (
        (np.diag([1.0, 1e-6]), "trace"),
        (np.diag([1.0 + 1e-6, -1e-6]), "positivity"),
        (np.array([[0.5, 1e-6], [0.0, 0.5]]), "Hermiticity"),
    ):
        with pytest.raises(qb.AccuracyError, match=f"violates {what} by 1e-06, more than 1e-09"):
            checked_quantities(broken[None].astype(complex), levels, 1e-9)


def test_time_translation_and_change_of_unit() -> None:
    """Charging 1 then 2 is charging 3; rates times a and times over a give the same states."""
    battery = different_cells(3, 21)
    half = qb.charge(battery, [1.0], "110").states[0]
    whole = qb.charge(battery, [1.0, 3.0], "110").states
    np.testing.assert_allclose(qb.charge(battery, [2.0], half).states[0], whole[1], atol=1e-12)
    a = 6.3e6
    scaled = Battery(
        qb.CollectiveBath(a, battery.bath.occupation),
        tuple(qb.LocalNoise(a * x.rate, x.occupation, a * x.dephasing) for x in battery.noise),
        tuple(a * d for d in battery.detunings),
        battery.energies,
    )
    for engine in ("propagator", "qiskit-dynamics"):
        np.testing.assert_allclose(
            qb.charge(scaled, [1.0 / a, 3.0 / a], "110", engine=engine).states, whole, atol=1e-9
        )


def test_permuting_cells_permutes_the_answer() -> None:
    battery = different_cells(3, 34)
    order = [2, 0, 1]  # cell i of the new battery is cell order[i] of the old one
    moved = Battery(
        battery.bath,
        tuple(battery.noise[i] for i in order),
        tuple(battery.detunings[i] for i in order),
        tuple(battery.energies[i] for i in order),
    )
    a = qb.charge(battery, TIMES, "001")  # old cell 0 excited: new cell 1
    b = qb.charge(moved, TIMES, "010")
    np.testing.assert_allclose(b.energy, a.energy, atol=1e-12)
    np.testing.assert_allclose(b.ergotropy, a.ergotropy, atol=1e-12)


def test_energy_flows_at_the_rate_of_the_currents() -> None:
    """First law, one cell: dE/dt = (kappa n + gamma n_l)(1 - p) - (kappa(n+1) + gamma(n_l+1)) p."""
    battery = qb.Battery.identical(1, qb.CollectiveBath(1.0, 0.7), qb.LocalNoise(0.3, 0.1, 0.2))
    up, down = 0.7 + 0.03, 1.7 + 0.33
    times = np.linspace(0, 2, 9)
    expected = up / (up + down) * (1 - np.exp(-(up + down) * times))
    np.testing.assert_allclose(qb.charge(battery, times).energy, expected, atol=1e-12)


def test_coherence_decays_as_t2_says() -> None:
    """gamma(2 n_l + 1)/2 + gamma_phi = 1/T2 for rates made from T1, T2 and a population."""
    noise = qb.LocalNoise.from_t1_t2(30e-6, 20e-6, 0.01)
    battery = qb.Battery.identical(1, qb.CollectiveBath(0.0, 0.0), noise)
    plus = np.full((2, 2), 0.5)
    times = np.array([0.0, 5e-6, 40e-6])
    states = qb.charge(battery, times, plus).states
    np.testing.assert_allclose(states[:, 0, 1], 0.5 * np.exp(-times / 20e-6), atol=1e-12)
    excited = qb.charge(battery, times, "1").energy
    np.testing.assert_allclose(excited, 0.01 + 0.99 * np.exp(-times / 30e-6), atol=1e-12)


def test_waiting_states_evolve_together_as_one_by_one() -> None:
    from qbat_circuits.dynamics.propagator import evolve

    battery = different_cells(2, 13)
    states = np.array([random_state(2, seed) for seed in range(3)])
    together = evolve(battery, states, 0.7)
    for before, after in zip(states, together, strict=True):
        np.testing.assert_allclose(after, qb.charge(battery, [0.7], before).states[0], atol=1e-12)
    assert evolve(battery, states, 0.0) is states
