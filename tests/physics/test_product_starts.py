"""Bit string starts under the collective bath alone: closed form against the full space."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.symmetric.product_starts import bit_string_sector_weights, bit_string_steady
from qbat_circuits.symmetric.sectors_jm import multiplicities


@pytest.mark.parametrize(
    ("bits", "work"),
    [("11", 1 / 13), ("01", 2 / 13), ("001", 0.45), ("011", 0.45), ("0011", 0.729922)],
)
def test_known_starts(bits: str, work: float) -> None:
    """n = 0.5, docs/physics.md, section 3."""
    found = bit_string_steady(len(bits), bits.count("1"), 1.5, 0.5)
    assert found.ergotropy == pytest.approx(work, abs=5e-7)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(
    bits=st.text("01", min_size=1, max_size=6),
    absorption=st.floats(0.05, 4.0),
)
def test_the_full_space_agrees(bits: str, absorption: float) -> None:
    """Any order of the letters, thermal baths and pumps."""
    bath = qb.CollectiveBath.from_rates(1.0, absorption)
    full = qb.steady_state(qb.Battery.identical(len(bits), bath), bits, engine="sectors")
    n, k = len(bits), bits.count("1")
    found = bit_string_steady(n, k, 1.0, absorption)
    assert found.energy == pytest.approx(full.energy, abs=1e-12)
    assert found.ergotropy == pytest.approx(full.ergotropy, abs=1e-11)
    for a, weight in enumerate(found.sector_weights):
        assert weight == pytest.approx(full.sector_weights.get(n / 2 - a, 0.0), abs=1e-12)


@pytest.mark.parametrize(("n_cells", "excited"), [(1, 1), (7, 3), (40, 33)])
def test_weights_are_exact_quotients(n_cells: int, excited: int) -> None:
    """The d_j states of a sector at level k, of C(N, k) strings in all."""
    weights = bit_string_sector_weights(n_cells, excited)
    reached = min(excited, n_cells - excited) + 1
    d = multiplicities(n_cells)[:reached]
    assert [Fraction(x, sum(d)).limit_denominator(sum(d)) for x in d] == [
        Fraction(float(w)).limit_denominator(sum(d)) for w in weights[:reached]
    ]
    assert not weights[reached:].any()


@pytest.mark.parametrize("n_cells", [2000, 10000])
@pytest.mark.parametrize("absorption", [0.3, 1.0, 5.0])
def test_many_cells(n_cells: int, absorption: float) -> None:
    k = n_cells // 2
    found = bit_string_steady(n_cells, k, 1.0, absorption)
    assert found.sector_weights.sum() == pytest.approx(1.0, abs=1e-12)
    # Half of the cells excited, and sectors of j ~ sqrt(N): the energy hardly moves, and nearly all
    # of it is work, because the few eigenvalues fit into the lowest two or three levels.
    assert abs(found.energy - k) < 2 * np.sqrt(n_cells)
    assert found.energy - 3 < found.ergotropy < found.energy


@pytest.mark.parametrize("absorption", [0.2, 3.0])
def test_all_cells_alike_is_the_ladder(absorption: float) -> None:
    """Ground and excited start: one sector, p_k ~ r^k (docs/physics.md, section 3)."""
    p = absorption ** np.arange(31.0)
    p /= p.sum()
    energy = p @ np.arange(31)
    work = energy - 1 + (p[0] if absorption < 1 else p[-1])
    for excited in (0, 30):
        found = bit_string_steady(30, excited, 1.0, absorption)
        assert found.energy == pytest.approx(energy, rel=1e-12)
        assert found.ergotropy == pytest.approx(work, rel=1e-12)


def test_impossible_starts_are_refused() -> None:
    with pytest.raises(InputError, match="'excited' must be a whole number >= 0 and <= 4, not 5"):
        bit_string_sector_weights(4, 5)
    with pytest.raises(InputError, match="'absorption' must be a finite number >= 0 and > 0"):
        bit_string_steady(4, 2, 0.0, 0.0)
    with pytest.raises(InputError, match="'n_cells' must be a whole number >= 1 and <= 10000"):
        bit_string_steady(10001, 2, 1.0, 0.5)


@pytest.mark.parametrize("rates", [(1.0, 0.0), (0.0, 1.0)])
@pytest.mark.parametrize("bits", ["01", "0110", "00101"])
def test_a_cold_bath_and_a_pure_pump_leave_dark_states(rates, bits) -> None:
    """n = 0: every sector ends at its bottom; the dense closed form agrees."""
    bath = qb.CollectiveBath.from_rates(*rates)
    dense = qb.steady_state(qb.Battery.identical(len(bits), bath), bits)
    found = bit_string_steady(len(bits), bits.count("1"), *rates)
    assert found.energy == pytest.approx(dense.energy, abs=1e-12)
    assert found.ergotropy == pytest.approx(dense.ergotropy, abs=1e-12)
