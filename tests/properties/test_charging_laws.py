"""Laws of every charging curve, for every engine, over random models of every kind."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relations import bath_of, faster, old_numbers, renamed, upside_down
from strategies import (
    BATHS,
    COUPLINGS,
    STARTS,
    batteries,
    models,
    models_with_start,
    random_start,
    random_state,
    seeds,
)

import qbat_circuits as qb
from qbat_circuits.cells import level_numbers
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.quantities.dense import total_ergotropy
from qbat_circuits.symmetric.identical import is_identical

ENGINES = ("sectors", "symmetric", "propagator", "qiskit-dynamics")
TIMES = np.array([0.0, 0.4, 1.7])
TIGHT = 1e-9

some = settings(max_examples=20, deadline=None, derandomize=True)
alone = batteries(BATHS[:5], ("one mode", "scaled"), ("quiet",), detuned=False)
alike = batteries(
    couplings=("one mode", "scaled", "partial"),
    noises=("quiet", "alike", "dephasing"),
    detuned=False,
    max_cells=4,
).filter(is_identical)
SERVED = {"sectors": alone, "symmetric": alike, "propagator": models, "qiskit-dynamics": models}
every_engine = pytest.mark.parametrize("engine", ENGINES)


def random_served_start(engine: str, battery: qb.Battery, kind: str, seed: int) -> Any:
    """A start of this kind, or the nearest that the engine serves."""
    if engine == "symmetric":
        kind = {"bits": "excited", "mixed": "thermal", "pure": "ground"}.get(kind, kind)
    return random_start(np.random.default_rng(seed), kind, battery)


def charge(engine: str, battery: qb.Battery, times: Any, start: Any) -> qb.ChargingCurve:
    return qb.charge(battery, times, start, engine=engine, tolerance=1e-11)


def states(engine: str, battery: qb.Battery, times: Any, start: Any) -> np.ndarray:
    return charge(engine, battery, times, start).states


@every_engine
@some
@given(data=st.data(), kind=st.sampled_from(STARTS), seed=seeds)
def test_every_state_is_one_and_its_work_is_within_bounds(engine, data, kind, seed) -> None:
    """Trace, Hermiticity, positivity; 0 <= W <= E - E_Gibbs(S); E and W by their definitions."""
    battery = data.draw(SERVED[engine])
    start = random_served_start(engine, battery, kind, seed)
    curve = charge(engine, battery, TIMES, start)
    levels = battery.level_energies()
    np.testing.assert_allclose(curve.states[0], initial_density_matrix(battery, start), atol=TIGHT)
    for rho, energy, work in zip(curve.states, curve.energy, curve.ergotropy, strict=True):
        assert np.trace(rho) == pytest.approx(1, abs=TIGHT)
        np.testing.assert_allclose(rho, rho.conj().T, atol=TIGHT)
        spectrum = np.linalg.eigvalsh(rho)
        assert spectrum[0] > -TIGHT
        assert energy == pytest.approx(np.diag(rho).real @ levels, abs=TIGHT)
        assert work == pytest.approx(energy - spectrum[::-1] @ np.sort(levels), abs=TIGHT)
        assert -TIGHT <= work <= energy + TIGHT
        if battery.levels == 2:
            # A state that a coarse integration left a little negative has no entropy.
            near = (rho + 1e-9 * np.eye(len(rho))) / (1 + 1e-9 * len(rho))
            assert work <= total_ergotropy(near, battery.energies) + 1e-6


@every_engine
@some
@given(data=st.data(), kind=st.sampled_from(STARTS), seed=seeds)
def test_charging_on_is_charging_longer(engine, data, kind, seed) -> None:
    """exp(L (s + t)) = exp(L t) exp(L s)."""
    battery = data.draw(SERVED[engine])
    if engine == "symmetric":  # its starts are populations, which a squeezed bath leaves
        battery = replace(battery, bath=replace_cross(battery.bath))
    start = random_served_start(engine, battery, kind, seed)
    half, whole = states(engine, battery, [0.6, 1.9], start)
    then = states(engine, battery, [1.3], half / np.trace(half).real)[0]
    np.testing.assert_allclose(then, whole, atol=TIGHT)


def replace_cross(bath: qb.CollectiveBath) -> qb.CollectiveBath:
    return qb.CollectiveBath.from_rates(bath.emission, bath.absorption, coupling=bath.coupling)


@every_engine
@some
@given(
    data=st.data(), kind=st.sampled_from(STARTS), seed=seeds, scale=st.sampled_from([1e-7, 6.3e6])
)
def test_the_unit_of_time_is_free(engine, data, kind, seed, scale) -> None:
    """All rates times s, all times over s: the same states."""
    battery = data.draw(SERVED[engine])
    start = random_served_start(engine, battery, kind, seed)
    here = states(engine, battery, TIMES, start)
    there = states(engine, faster(battery, scale), TIMES / scale, start)
    np.testing.assert_allclose(there, here, atol=TIGHT)


@every_engine
@some
@given(data=st.data(), kind=st.sampled_from(STARTS), seed=seeds, scale=st.sampled_from([1e-3, 7.0]))
def test_the_unit_of_energy_is_free(engine, data, kind, seed, scale) -> None:
    """All e_i times s: E and W times s, the same states."""
    battery = data.draw(SERVED[engine])
    start = random_served_start(engine, battery, kind, seed)
    other = replace(battery, energies=tuple(scale * e for e in battery.energies))
    one, two = (charge(engine, b, TIMES, start) for b in (battery, other))
    np.testing.assert_allclose(two.states, one.states, atol=1e-12)
    np.testing.assert_allclose(two.energy, scale * one.energy, atol=1e-12 * scale, rtol=1e-12)
    np.testing.assert_allclose(two.ergotropy, scale * one.ergotropy, atol=TIGHT * scale)


@every_engine
@some
@given(data=st.data(), kind=st.sampled_from(STARTS), seed=seeds)
def test_the_names_of_cells_are_free(engine, data, kind, seed) -> None:
    """Cells, couplings and start in another order: the same numbers, the states reordered.

    Where the cells are equal the battery stays the same, and only the start is permuted.
    """
    battery = data.draw(SERVED[engine])
    start = random_served_start(engine, battery, kind, seed)
    order = np.random.default_rng(seed).permutation(battery.n_cells)
    other = renamed(battery, order)
    if engine in ("sectors", "symmetric"):
        assert other.noise == battery.noise
        assert other.bath == battery.bath
    check_renamed(engine, battery, other, start, order)


@pytest.mark.parametrize("coupling", COUPLINGS)
@some
@given(data=st.data(), kind=st.sampled_from(STARTS), seed=seeds)
def test_every_coupling_follows_its_cells(coupling, data, kind, seed) -> None:
    battery = data.draw(batteries(("thermal", "pump"), (coupling,), min_cells=2))
    start = random_start(np.random.default_rng(seed), kind, battery)
    order = np.roll(np.arange(battery.n_cells), 1)
    check_renamed("propagator", battery, renamed(battery, order), start, order)


def check_renamed(
    engine: str, battery: qb.Battery, other: qb.Battery, start: Any, order: np.ndarray
) -> None:
    old = old_numbers(order, battery.levels)
    moved = initial_density_matrix(battery, start)[np.ix_(old, old)]
    one, two = charge(engine, battery, TIMES, start), charge(engine, other, TIMES, moved)
    np.testing.assert_allclose(two.states, one.states[:, old][:, :, old], atol=TIGHT)
    np.testing.assert_allclose(two.energy, one.energy, atol=TIGHT)
    np.testing.assert_allclose(two.ergotropy, one.ergotropy, atol=TIGHT)


@pytest.mark.parametrize("engine", ["sectors", "propagator", "qiskit-dynamics"])
@some
@given(data=st.data(), seed=seeds, angle=st.floats(-3, 3))
def test_the_phase_reference_is_free(engine, data, seed, angle) -> None:
    """A turn of start and bath about z: M e^(2 i phi), and every state is turned."""
    battery = data.draw(alone if engine == "sectors" else st.one_of(batteries(), batteries()))
    rho = random_state(np.random.default_rng(seed), battery.dimension, 2)
    turn = np.exp(-1j * angle * level_numbers(battery.n_cells).sum(axis=1))
    bath = battery.bath
    rates = (bath.emission, bath.absorption, bath.cross * np.exp(2j * angle))
    other = replace(battery, bath=qb.CollectiveBath.from_rates(*rates, bath.coupling))
    here = states(engine, battery, TIMES, rho)
    there = states(engine, other, TIMES, turn[:, None] * rho * turn.conj())
    np.testing.assert_allclose(there, turn[:, None] * here * turn.conj(), atol=TIGHT)


@every_engine
@some
@given(data=st.data(), kind=st.sampled_from(["ground", "excited"]))
def test_up_and_down_are_free(engine, data, kind) -> None:
    """Emission and absorption, |0> and |1>, exchanged: every state is turned over.

    Not along a waveguide, whose exchange has the sign of emission - absorption.
    """
    if engine in ("sectors", "symmetric"):
        noises = ("quiet",) if engine == "sectors" else ("quiet", "dephasing")
        served = batteries(BATHS[:5], ("one mode", "scaled"), noises, detuned=False)
    else:
        served = batteries(BATHS[:5], COUPLINGS[:5], ("quiet", "dephasing"))
    battery = data.draw(served)
    n = battery.n_cells
    start, mirrored = ("0" * n, "1" * n) if kind == "ground" else ("1" * n, "0" * n)
    here = states(engine, battery, TIMES, start)
    there = states(engine, upside_down(battery), TIMES, mirrored)
    np.testing.assert_allclose(there[:, ::-1, ::-1], here, atol=TIGHT)


@pytest.mark.parametrize("engine", ["sectors", "propagator", "qiskit-dynamics"])
@some
@given(data=st.data(), seed=seeds, share=st.floats(0, 1))
def test_mixtures_charge_as_mixtures_and_states_come_nearer(engine, data, seed, share) -> None:
    """exp(Lt) is linear; no channel moves two states apart; W is convex along the way."""
    battery = data.draw(SERVED[engine])
    rng = np.random.default_rng(seed)
    one, two = (random_state(rng, battery.dimension, rank) for rank in (1, 2))
    curves = [
        charge(engine, battery, TIMES, rho) for rho in (one, two, share * one + (1 - share) * two)
    ]
    a, b, mixed = (curve.states for curve in curves)
    np.testing.assert_allclose(mixed, share * a + (1 - share) * b, atol=TIGHT)
    distances = np.abs(np.linalg.eigvalsh(a - b)).sum(axis=1) / 2
    assert np.all(np.diff(distances) <= TIGHT)
    bound = share * curves[0].ergotropy + (1 - share) * curves[1].ergotropy
    assert np.all(curves[2].ergotropy <= bound + TIGHT)


@every_engine
@some
@given(data=st.data(), kind=st.sampled_from(STARTS), seed=seeds)
def test_the_common_bath_conserves_every_sector(engine, data, kind, seed) -> None:
    battery = data.draw(alone)
    start = random_served_start(engine, battery, kind, seed)
    weights = charge(engine, battery, TIMES, start).sector_weights
    assert len(weights) == battery.n_cells // 2 + 1
    np.testing.assert_allclose(sum(weights.values()), 1.0, atol=TIGHT)
    for one in weights.values():
        np.testing.assert_allclose(one, one[0], atol=TIGHT)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(drawn=st.one_of(models_with_start(), models_with_start(alone), models_with_start(alike)))
def test_all_engines_that_serve_a_model_agree(drawn) -> None:
    """Couplings by matrices, more than two levels and extra jumps among them."""
    battery, start = drawn
    curves = {}
    for engine in ENGINES:
        try:
            curves[engine] = charge(engine, battery, TIMES, start)
        except qb.InputError:
            assert engine in ("sectors", "symmetric")
    for one, two in combinations(curves.values(), 2):
        context = f"{one.engine} against {two.engine}"
        np.testing.assert_allclose(one.states, two.states, atol=TIGHT, err_msg=context)
        np.testing.assert_allclose(one.energy, two.energy, atol=TIGHT, err_msg=context)
        np.testing.assert_allclose(one.ergotropy, two.ergotropy, atol=TIGHT, err_msg=context)


@pytest.mark.parametrize("engine", ["propagator", "qiskit-dynamics"])
@some
@given(drawn=models_with_start(batteries(BATHS[:5])), factor=st.sampled_from([0.0, 0.3, 1.0, 2.5]))
def test_a_constant_envelope_is_another_bath(engine, drawn, factor) -> None:
    """kappa(t) = s kappa, as a number, a table or a function, is the bath of rate s kappa."""
    battery, start = drawn
    plain = replace(battery, bath=bath_of(battery.bath, factor))
    expected = charge("propagator", plain, TIMES, start)
    for envelope in (qb.Envelope(factor), qb.Envelope.table((0.2, 1.1), rate=(factor, factor))):
        found = qb.charge(battery, TIMES, start, engine=engine, tolerance=1e-11, envelope=envelope)
        np.testing.assert_allclose(found.states, expected.states, atol=TIGHT)
        np.testing.assert_allclose(found.ergotropy, expected.ergotropy, atol=TIGHT)
