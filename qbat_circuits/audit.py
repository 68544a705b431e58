"""Where the physics decides the answer before anything is computed.

Each finding is a theorem or a limit of docs/physics.md that holds for the battery as it is stated,
whatever its start and its charging time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qbat_circuits.battery import Battery
from qbat_circuits.conserved import protected_groups

#: Occupations closer than this, relative to n + 1, are the same bath.
_SAME = 1e-9
#: A rate or bandwidth above this share of the anharmonicity is not far below it.
_FAR_BELOW = 0.1


@dataclass(frozen=True)
class Finding:
    """One thing that is decided beforehand.

    Args:
        code: its name, such as "same-occupation".
        sentence: what it means for the result.
        source: section or theorem of docs/physics.md.
    """

    code: str
    sentence: str
    source: str


def audit(battery: Battery) -> tuple[Finding, ...]:
    """Findings about a battery, the most decisive first; none where nothing is decided."""
    checks = (
        _no_bath,
        _single,
        _start_decides,
        _no_lasting_work,
        _two_baths,
        _not_thermal,
        _detuned,
        _weak,
        _leaks,
        _not_secular,
        _extra,
    )
    return tuple(finding for check in checks if (finding := check(battery)) is not None)


def _no_bath(battery: Battery) -> Finding | None:
    if battery.bath.relaxation > 0 or battery.extra_jumps:
        return None
    sentence = "The collective rate is 0: nothing makes the cells interfere."
    return Finding("no-bath", sentence, "section 2")


def _single(battery: Battery) -> Finding | None:
    if battery.n_cells > 1 or not _thermal(battery):
        return None
    sentence = "One cell on a thermal bath only warms up: work needs cells that interfere."
    return Finding("one-cell", sentence, "section 3")


def _start_decides(battery: Battery) -> Finding | None:
    groups = protected_groups(battery)
    if battery.bath.relaxation == 0 or not groups or groups[0] < 2:
        return None
    place = " a whole number of half wavelengths apart" if battery.bath.coupling.positions else ""
    return Finding(
        "start-decides",
        f"{groups[0]} cells{place} without local noise share one detuning: the weights of their "
        "spin sectors are conserved, and the start decides the steady state.",
        "section 3",
    )


def _no_lasting_work(battery: Battery) -> Finding | None:
    """T1 and T2: the steady state is unique and without work, where all e_i are equal."""
    groups = protected_groups(battery)
    undecided = groups is None or (groups and groups[0] > 1) or len(set(battery.energies)) > 1
    if not _thermal(battery) or undecided or battery.n_cells == 1:
        return None
    n = battery.bath.occupation
    if all(_close(noise.occupation, n) for noise in battery.noise if noise.rate > 0):
        return Finding(
            "same-occupation",
            f"Every bath has the occupation {n:.4g}: the only steady state is Gibbs and holds no "
            "work; what charges is a transient.",
            "theorem T1",
        )
    if battery.n_cells == 2:
        return Finding(
            "two-cells",
            "Two cells with local noise keep no work in the steady state, whatever the noise: what "
            "charges is a transient.",
            "theorem T2",
        )
    return None


def _two_baths(battery: Battery) -> Finding | None:
    relaxing = [noise.occupation for noise in battery.noise if noise.rate > 0]
    if not _heat(battery) or all(_close(n, battery.bath.occupation) for n in relaxing):
        return None
    return Finding(
        "two-baths",
        "The local baths have another occupation than the collective one: heat flows through the "
        "battery for ever and pays for any lasting work.",
        "theorem T7",
    )


def _not_thermal(battery: Battery) -> Finding | None:
    bath = battery.bath
    if bath.cross != 0:
        beyond = abs(bath.cross) > min(bath.emission, bath.absorption) * (1 + _SAME)
        kind = "beyond what classical noise can be (|M| > n)" if beyond else "as classical noise is"
        pure = ", and it leaves dark states" if bath.has_dark_states else ""
        return Finding(
            "squeezed",
            f"The bath is squeezed, {kind}{pure}: it holds work itself and needs a phase "
            "reference; the no-go theorems for heat do not apply.",
            "section 2",
        )
    if bath.absorption > bath.emission:
        return Finding(
            "pump",
            "The bath gives more than it takes: it is an inverted pump, which holds work itself.",
            "section 3",
        )
    return None


def _detuned(battery: Battery) -> Finding | None:
    spread = max(battery.detunings) - min(battery.detunings)
    collective = battery.bath.relaxation
    if spread == 0 or collective == 0:
        return None
    if spread > collective:
        sentence = (
            f"The cells' detunings are spread over {spread:.3g}, more than the collective rate "
            f"kappa (2n+1) = {collective:.3g}: cells so far apart do not interfere."
        )
    else:
        sentence = (
            f"Detuning ends the plateau at a rate of about {spread**2 / collective:.3g} "
            "(its square over the collective rate)"
        )
        gamma = max(noise.rate for noise in battery.noise)
        lasting = math.sqrt(abs(battery.bath.rate) * gamma)
        sentence += (
            f"; lasting work needs a spread below about {lasting:.3g} (the root of kappa gamma)."
            if 0 < lasting < spread
            else "."
        )
    return Finding("detuned", sentence, "theorem T5")


def _weak(battery: Battery) -> Finding | None:
    sentence = battery.weak_bath() if battery.bath.relaxation > 0 else ""
    return Finding("weak-bath", sentence, "section 4") if sentence else None


def _leaks(battery: Battery) -> Finding | None:
    """Noise as broad as the anharmonicity drives the transitions above 0-1 too."""
    transmon = battery.transmon
    if transmon is None or battery.bath.relaxation == 0:
        return None
    alpha, band = abs(transmon.anharmonicity), transmon.bandwidth
    if band is not None and band <= _FAR_BELOW * alpha:
        return None
    width = "white" if band is None else f"{band:.3g} wide"
    if band is None and battery.levels > 2:
        return Finding(
            "broadband",
            "Broadband noise heats the transitions above 0-1 too: read the leakage beside the "
            "work, and its convergence in the number of levels.",
            "section 2",
        )
    model = "two levels" if battery.levels == 2 else "heating the transition 0-1 only"
    return Finding(
        "noise-band",
        f"The noise is {width} and the anharmonicity {alpha:.3g} in the unit of the rates: it "
        f"drives the transitions above 0-1 as well, which a model with {model} leaves out.",
        "section 2",
    )


def _not_secular(battery: Battery) -> Finding | None:
    """|alpha| >> kappa (n+1) N^2/4, the fastest collective rate, makes transitions separate."""
    transmon, bath = battery.transmon, battery.bath
    if transmon is None or battery.levels == 2:
        return None
    fastest = bath.emission * battery.n_cells**2 / 4
    if fastest <= _FAR_BELOW * abs(transmon.anharmonicity):
        return None
    return Finding(
        "not-secular",
        f"The collective rate kappa (n+1) N^2/4 = {fastest:.3g} is not far below the anharmonicity "
        f"{abs(transmon.anharmonicity):.3g}: the transitions are no separate channels, as the "
        "model takes them.",
        "section 2",
    )


def _extra(battery: Battery) -> Finding | None:
    if not battery.extra_jumps:
        return None
    sentence = "Extra dissipators act beside the bath: the theorems on heat baths are not applied."
    return Finding("extra-jumps", sentence, "section 2")


def _heat(battery: Battery) -> bool:
    """Whether the collective bath gives heat: no squeezing, no pump."""
    bath = battery.bath
    return bath.relaxation > 0 and bath.cross == 0 and bath.absorption <= bath.emission


def _thermal(battery: Battery) -> bool:
    """Heat only, for two-level cells, which the theorems are about."""
    return _heat(battery) and not battery.extra_jumps and battery.levels == 2


def _close(first: float, second: float) -> bool:
    if math.isinf(first) or math.isinf(second):
        return first == second
    return abs(first - second) <= _SAME * (1 + abs(second))
