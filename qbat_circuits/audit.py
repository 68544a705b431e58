"""Where the physics decides the answer before anything is computed.

Each finding is a theorem or a limit of docs/physics.md that holds for the battery as it is stated,
whatever its start and its charging time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from qbat_circuits.battery import Battery

#: Occupations closer than this, relative to n + 1, are the same bath.
_SAME = 1e-9


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
    checks = (_no_bath, _single, _start_decides, _no_lasting_work, _two_baths, _not_thermal)
    found = [check(battery) for check in checks]
    found += [_detuned(battery), _weak(battery)]
    return tuple(finding for finding in found if finding is not None)


def protected_groups(battery: Battery) -> list[int]:
    """Sizes of the groups of noiseless cells that share one detuning, the largest first.

    Noise of a cell, or a detuning that no other cell shares, lets the dynamics address that cell
    alone; the cells of a group conserve its spin sectors.
    """
    quiet = Counter(
        delta
        for delta, noise in zip(battery.detunings, battery.noise, strict=True)
        if noise.rate == 0 and noise.dephasing == 0
    )
    return sorted(quiet.values(), reverse=True)


def _no_bath(battery: Battery) -> Finding | None:
    if battery.bath.relaxation > 0:
        return None
    sentence = "The collective rate is 0: cells that only relax on their own gain no work."
    return Finding("no-bath", sentence, "section 2")


def _single(battery: Battery) -> Finding | None:
    if battery.n_cells > 1:
        return None
    sentence = "One cell on a thermal bath only warms up: work needs cells that interfere."
    return Finding("one-cell", sentence, "section 3") if _thermal(battery) else None


def _start_decides(battery: Battery) -> Finding | None:
    groups = protected_groups(battery)
    if battery.bath.relaxation == 0 or not groups or groups[0] < 2:
        return None
    return Finding(
        "start-decides",
        f"{groups[0]} cells without local noise share one detuning: the weights of their spin "
        "sectors are conserved, and the start decides the steady state.",
        "section 3",
    )


def _no_lasting_work(battery: Battery) -> Finding | None:
    """T1 and T2: the steady state is unique and without work."""
    groups = protected_groups(battery)
    if not _thermal(battery) or (groups and groups[0] > 1) or battery.n_cells == 1:
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
    bath = battery.bath
    relaxing = [noise.occupation for noise in battery.noise if noise.rate > 0]
    if bath.relaxation == 0 or all(_close(n, bath.occupation) for n in relaxing):
        return None
    return Finding(
        "two-baths",
        "The local baths have another occupation than the collective one: heat flows through the "
        "battery for ever and pays for any lasting work.",
        "theorem T7",
    )


def _not_thermal(battery: Battery) -> Finding | None:
    if battery.bath.cross != 0:
        return Finding(
            "squeezed",
            "The bath is squeezed: it holds work itself and needs a phase reference; the no-go "
            "theorems for heat do not apply.",
            "section 2",
        )
    if battery.bath.absorption > battery.bath.emission:
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
            "(its square over the collective rate)."
        )
    return Finding("detuned", sentence, "theorem T5")


def _weak(battery: Battery) -> Finding | None:
    sentence = battery.weak_bath()
    return Finding("weak-bath", sentence, "section 4") if sentence else None


def _thermal(battery: Battery) -> bool:
    bath = battery.bath
    return bath.relaxation > 0 and bath.cross == 0 and bath.absorption < bath.emission


def _close(first: float, second: float) -> bool:
    return abs(first - second) <= _SAME * (1 + abs(second))
