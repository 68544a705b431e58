"""Laws of every steady state, for every way to find it, over random models of every kind."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from relations import faster, old_numbers, renamed
from strategies import (
    BATHS,
    COUPLINGS,
    batteries,
    models_with_start,
    random_coupling,
    random_start,
    seeds,
    transmons,
    with_extra_jumps,
)

import qbat_circuits as qb
from qbat_circuits.cells import product_of_levels, product_state
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.quantities.heat import entropy_production, heat_currents

WAYS = ("sectors", "symmetric", "linear-solve", "long-time")
some = settings(max_examples=40, deadline=None, derandomize=True)
relaxing = batteries(
    ("thermal", "squeezed", "pump"), ("one mode", "partial"), ("quiet", "alike", "different")
)
models = st.one_of(relaxing, relaxing, transmons(), with_extra_jumps())


def steady(battery: qb.Battery, start: Any, way: str) -> qb.SteadyState:
    """The steady state by this way; another example where it refuses the model."""
    try:
        return qb.steady_state(battery, start, engine=way)
    except (qb.InputError, qb.AccuracyError):
        reject()


@pytest.mark.parametrize("way", WAYS)
@some
@given(data=st.data(), seed=seeds)
def test_a_steady_state_is_a_state_that_stays(way, data, seed) -> None:
    """L rho = 0, trace, Hermiticity, positivity; one more time unit of charging changes nothing."""
    of = {
        "sectors": batteries(BATHS[:5], ("one mode", "scaled"), ("quiet",), detuned=False),
        "symmetric": batteries(
            BATHS[:5], ("one mode", "scaled"), ("quiet", "alike", "dephasing"), detuned=False
        ),
    }
    battery = data.draw(of.get(way, models))
    start = random_start(np.random.default_rng(seed), "excited", battery)
    found = steady(battery, start, way)
    rho = found.state
    assert np.trace(rho) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(rho, rho.conj().T, atol=1e-9)
    assert np.linalg.eigvalsh(rho)[0] > -1e-9
    change = battery.liouvillian() @ rho.reshape(-1, order="F")
    np.testing.assert_allclose(change, 0.0, atol=1e-8)
    later = qb.charge(battery, [1.0], rho / np.trace(rho).real, engine="propagator")
    np.testing.assert_allclose(later.states[0], rho, atol=1e-8)
    assert later.ergotropy[0] == pytest.approx(found.ergotropy, abs=1e-8)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(drawn=models_with_start(models), scale=st.sampled_from([1e-7, 6.3e6]), seed=seeds)
def test_units_and_names_are_free(drawn, scale, seed) -> None:
    """All rates times s: the same. All energies times s: E and W times s. Cells renamed: moved."""
    battery, start = drawn
    found = steady(battery, start, "auto")
    other = qb.steady_state(faster(battery, scale), start)
    assert other.unique == found.unique
    np.testing.assert_allclose(other.state, found.state, atol=1e-8)
    bigger = replace(battery, energies=tuple(7 * e for e in battery.energies))
    other = qb.steady_state(bigger, start)
    assert other.energy == pytest.approx(7 * found.energy, abs=1e-8)
    assert other.ergotropy == pytest.approx(7 * found.ergotropy, abs=1e-8)
    order = np.random.default_rng(seed).permutation(battery.n_cells)
    old = old_numbers(order, battery.levels)
    moved = initial_density_matrix(battery, start)[np.ix_(old, old)]
    other = qb.steady_state(renamed(battery, order), moved)
    np.testing.assert_allclose(other.state, found.state[np.ix_(old, old)], atol=1e-8)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(drawn=models_with_start(models))
def test_the_start_decides_exactly_where_it_is_said_to(drawn) -> None:
    """A unique state from every start; from the ground state the limit of charging otherwise."""
    battery, start = drawn
    found, ground = (steady(battery, one, "auto") for one in (start, "ground"))
    assert found.unique == ground.unique
    if found.unique:
        np.testing.assert_allclose(found.state, ground.state, atol=1e-8)
    late = qb.charge(battery, [500.0, 1000.0], start, engine="propagator").states
    assume(np.abs(late[1] - late[0]).max() < 1e-9)  # slow models are edges
    np.testing.assert_allclose(late[1], found.state, atol=1e-7)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(battery=batteries(("thermal",), noises=("alike", "different", "quiet")))
def test_both_laws_hold_for_the_heat_that_flows_for_ever(battery) -> None:
    """Currents add up to 0; what each bath gives counts with its own ln((n+1)/n), in total >= 0."""
    found = steady(battery, "ground", "auto")
    currents = heat_currents(replace(battery, energies=(1.0,) * battery.n_cells), found.state)
    assert currents.total == pytest.approx(0, abs=1e-8)
    produced = entropy_production(battery, found.state)
    assert min(produced.collective, *produced.local, *produced.dephasing) > -1e-8
    flow = currents.collective * math.log1p(1 / battery.bath.occupation)
    for current, one in zip(currents.local, battery.noise, strict=True):
        if one.rate > 0:
            flow += current * math.log1p(1 / one.occupation)
    assert produced.total == pytest.approx(-flow, abs=1e-6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    n_cells=st.integers(1, 3),
    occupation=st.one_of(st.sampled_from([1e-3, 1.0, 50.0]), st.floats(0.01, 5)),
    coupling=st.sampled_from(COUPLINGS),
    seed=seeds,
)
def test_one_temperature_everywhere_is_gibbs_in_detailed_balance(
    n_cells, occupation, coupling, seed
) -> None:
    """p_k / p_(k-1) = n/(n+1) for every cell, whatever couplings, detunings and rates (T1)."""
    rng = np.random.default_rng(seed)
    battery = qb.Battery(
        qb.CollectiveBath(
            rng.uniform(0.3, 1.5), occupation, coupling=random_coupling(rng, coupling, n_cells)
        ),
        tuple(qb.LocalNoise(g, occupation, phi) for g, phi in rng.uniform(0.05, 1, (n_cells, 2))),
        tuple(rng.normal(0, 0.4, n_cells)),
        (1.0,) * n_cells,
    )
    found = qb.steady_state(battery)
    assert found.unique
    gibbs = product_state([occupation / (2 * occupation + 1)] * n_cells)
    np.testing.assert_allclose(found.state, gibbs, atol=1e-9)
    assert found.ergotropy == pytest.approx(0, abs=1e-9)


@some
@given(battery=transmons(), occupation=st.floats(0.02, 0.5))
def test_broadband_heat_fills_all_levels_by_boltzmann(battery, occupation) -> None:
    """Cells of d levels at one temperature: p_k ~ exp(-E_k / kT) with E_k of the transmon."""
    levels = replace(battery.transmon, bandwidth=None)
    n = battery.n_cells
    warm = replace(
        battery,
        bath=qb.CollectiveBath(1.0, occupation),
        noise=tuple(qb.LocalNoise(0.1 * (i + 1), occupation) for i in range(n)),
        transmon=levels,
    )
    weights = np.exp(-levels.energies() * math.log1p(1 / occupation))
    boltzmann = product_of_levels([weights / weights.sum()] * n)
    np.testing.assert_allclose(qb.steady_state(warm).state, boltzmann, atol=1e-9)
