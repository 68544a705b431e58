"""Findings that stand before any computation, each held against the computation."""

from __future__ import annotations

import numpy as np
import pytest

from qbat_circuits.audit import audit
from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.battery import Battery
from qbat_circuits.coupling import Coupling
from qbat_circuits.dynamics.charging import charge
from qbat_circuits.dynamics.steady import steady_state


def codes(battery: Battery) -> set[str]:
    return {finding.code for finding in audit(battery)}


def random_battery(n_cells: int, rng: np.random.Generator, occupation: float | None) -> Battery:
    """Different cells with noise; all at one occupation, or each at its own."""
    n = float(rng.uniform(0.1, 2))
    noise = tuple(
        LocalNoise(
            float(rng.uniform(0.1, 1)),
            n if occupation is None else float(rng.uniform(0, occupation)),
            float(rng.uniform(0, 0.3)),
        )
        for _ in range(n_cells)
    )
    detunings = tuple(rng.normal(0, 0.2, n_cells).tolist())
    return Battery(CollectiveBath(1.0, n), noise, detunings, (1.0,) * n_cells)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_cells", [2, 3])
def test_same_occupation_leaves_no_lasting_work(n_cells, seed):
    """docs/physics.md, theorem T1."""
    battery = random_battery(n_cells, np.random.default_rng(seed), None)
    assert "same-occupation" in codes(battery)
    assert "two-baths" not in codes(battery)
    assert steady_state(battery).ergotropy < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_two_cells_keep_no_work(seed):
    """docs/physics.md, theorem T2."""
    battery = random_battery(2, np.random.default_rng(seed), 1.0)
    assert {"two-cells", "two-baths"} <= codes(battery)
    assert steady_state(battery).ergotropy < 1e-9


def test_three_cells_with_cold_noise_are_not_denied_their_work():
    """docs/physics.md, theorem T3."""
    battery = Battery.identical(3, CollectiveBath(1.0, 1.7), LocalNoise(1.0, 0.0))
    assert steady_state(battery).ergotropy > 0.04
    assert codes(battery) == {"two-baths"}


def test_dephasing_alone_leaves_no_lasting_work():
    battery = Battery.identical(3, CollectiveBath(1.0, 1.0), LocalNoise(dephasing=0.2))
    assert "same-occupation" in codes(battery)
    assert steady_state(battery).ergotropy < 1e-9


def test_where_the_start_decides_two_starts_end_apart():
    battery = Battery.identical(2, CollectiveBath(1.0, 1.0))
    assert codes(battery) == {"start-decides"}
    assert not steady_state(battery).unique
    ends = [steady_state(battery, start).ergotropy for start in ("ground", "01")]
    assert abs(ends[0] - ends[1]) > 0.01


def test_a_group_without_noise_decides_beside_a_noisy_cell():
    noise = (LocalNoise(), LocalNoise(), LocalNoise(0.5, 1.0))
    battery = Battery(CollectiveBath(1.0, 1.0), noise, (0.0,) * 3, (1.0,) * 3)
    assert "start-decides" in codes(battery)
    assert "same-occupation" not in codes(battery)
    times = [200.0]
    ends = [charge(battery, times, start).energy[-1] for start in ("ground", "001")]
    assert abs(ends[0] - ends[1]) > 1e-3


@pytest.mark.parametrize(
    ("battery", "code", "words"),
    [
        (Battery.identical(2, CollectiveBath(0.0, 0.0), LocalNoise(0.1)), "no-bath", "rate is 0"),
        (Battery.identical(1, CollectiveBath(1.0, 1.0)), "one-cell", "only warms up"),
        (
            Battery.identical(2, CollectiveBath(1.0, 1.0, 1.2 + 0j), LocalNoise(0.1, 1.0)),
            "squeezed",
            "phase reference",
        ),
        (
            Battery.identical(2, CollectiveBath.from_rates(1.0, 2.0), LocalNoise(0.1)),
            "pump",
            "inverted pump",
        ),
        (
            Battery.identical(2, CollectiveBath(1.0, 0.0), LocalNoise(0.1), (0.0, 0.3)),
            "detuned",
            "at a rate of about 0.09",
        ),
        (
            Battery.identical(2, CollectiveBath(1.0, 0.0), LocalNoise(0.1), (0.0, 3.0)),
            "detuned",
            "do not interfere",
        ),
        (Battery.identical(2, CollectiveBath(0.1, 1.0), LocalNoise(0.3)), "weak-bath", "below"),
    ],
)
def test_limits_are_named(battery, code, words):
    (found,) = (finding for finding in battery.audit() if finding.code == code)
    assert words in found.sentence
    assert found.source.startswith(("section", "theorem"))


def test_what_holds_for_heat_is_not_said_of_squeezing_or_a_pump():
    for bath in (CollectiveBath(1.0, 1.0, 1.2 + 0j), CollectiveBath.from_rates(1.0, 2.0)):
        battery = Battery.identical(2, bath, LocalNoise(0.1, 1.0))
        assert not {"same-occupation", "two-cells", "one-cell"} & codes(battery)
        assert steady_state(battery).ergotropy > 0.01


def test_unequal_energies_void_the_no_go_theorems():
    """The theorems say that populations fall with the number of quanta, not with another energy."""
    cold = (LocalNoise(0.1), LocalNoise(0.1))
    pair = Battery(CollectiveBath(1.0, 1.0), cold, (0.0, 0.0), (0.8, 1.2))
    assert "two-cells" not in codes(pair)
    assert steady_state(pair).ergotropy > 0.02
    hot = Battery.identical(
        3, CollectiveBath(1.0, 3.0), LocalNoise(0.1, 3.0), energies=[0.1, 0.1, 2.8]
    )
    assert "same-occupation" not in codes(hot)
    assert steady_state(hot).ergotropy > 0.08
    even = Battery.identical(3, CollectiveBath(1.0, 3.0), LocalNoise(0.1, 3.0))
    assert "same-occupation" in codes(even)


def test_no_bath_says_only_that_nothing_interferes():
    """Cells of two temperatures hold work by themselves, as two heat baths do."""
    noise = (LocalNoise(1.0, 5.0), LocalNoise(1.0, 5.0), LocalNoise(1.0, 0.0))
    battery = Battery(CollectiveBath(0.0, 0.0), noise, (0.0,) * 3, (1.0,) * 3)
    (finding,) = battery.audit()
    assert finding.sentence == "The collective rate is 0: nothing makes the cells interfere."
    assert charge(battery, [5.0]).ergotropy[0] > 0.2


def test_full_correlation_is_one_common_mode():
    alike = Battery.identical(3, CollectiveBath(1.0, 1.0), LocalNoise(0.1, 1.0))
    bath = CollectiveBath(1.0, 1.0, coupling=Coupling(correlation=1.0))
    assert bath.coupling == Coupling()
    assert codes(Battery.identical(3, bath, LocalNoise(0.1, 1.0))) == codes(alike)
    many = Battery.identical(50_000, bath, LocalNoise(0.1, 1.0))
    assert codes(many) == {"same-occupation"}


def test_equal_rates_are_a_bath_of_infinite_temperature():
    battery = Battery.identical(3, CollectiveBath.from_rates(1.0, 1.0), LocalNoise(0.1, 0.0))
    assert codes(battery) == {"two-baths"}
