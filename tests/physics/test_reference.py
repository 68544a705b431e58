"""Every engine against independent numbers from QuTiP (tests/data/README.md)."""

import json
from pathlib import Path

import numpy as np
import pytest

import qbat_circuits as qb

DATA = Path(__file__).parents[1] / "data" / "reference" / "full_space.json"
CASES = json.loads(DATA.read_text())["cases"]
#: Agreement asked of every number in the file, energy and ergotropy alike.
LIMIT = 1e-7


def battery_of(case: dict) -> qb.Battery:
    return qb.Battery.identical(
        case["n_cells"],
        qb.CollectiveBath(rate=case["kappa"], occupation=case["n"]),
        qb.LocalNoise(case["gamma"], case["n_local"], case["gamma_phi"]),
        detunings=case["detunings"],
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"N{c['n_cells']}-gamma{c['gamma']}")
@pytest.mark.parametrize("engine", ["propagator", "qiskit-dynamics"])
def test_curves_match_the_reference(case: dict, engine: str) -> None:
    curve = qb.charge(battery_of(case), case["times"], engine=engine)
    assert curve.engine == engine
    assert curve.energy.shape == curve.ergotropy.shape == (len(case["times"]),)
    np.testing.assert_allclose(curve.energy, case["energy"], atol=LIMIT, rtol=0)
    np.testing.assert_allclose(curve.ergotropy, case["ergotropy"], atol=LIMIT, rtol=0)


@pytest.mark.parametrize(
    "case", [c for c in CASES if "steady_energy" in c], ids=lambda c: f"N{c['n_cells']}"
)
def test_unique_steady_states_match_the_reference(case: dict) -> None:
    steady = qb.steady_state(battery_of(case))
    assert steady.unique
    assert steady.energy == pytest.approx(case["steady_energy"], abs=1e-9)
    assert steady.ergotropy == pytest.approx(case["steady_ergotropy"], abs=1e-9)


def test_an_even_grid_takes_the_repeated_step_and_agrees_with_the_path() -> None:
    """Two ways through Qiskit Dynamics: one propagator per step, or one path through all times."""
    case = next(c for c in CASES if c["n_cells"] == 4 and c["gamma_phi"] > 0)
    even = np.linspace(0.0, 5.0, 51)
    uneven = np.sort(np.concatenate([even, [0.313, 1.717, 2.929, 4.001]]))
    by_steps = qb.charge(battery_of(case), even, engine="qiskit-dynamics")
    by_path = qb.charge(battery_of(case), uneven, engine="qiskit-dynamics")
    shared = np.isin(uneven, even)
    np.testing.assert_allclose(by_path.ergotropy[shared], by_steps.ergotropy, atol=2e-9, rtol=0)
    np.testing.assert_allclose(by_path.states[shared], by_steps.states, atol=2e-9, rtol=0)
