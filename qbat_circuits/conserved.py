"""Which cells the dynamics cannot tell apart, so that their spin sectors are conserved.

Which states survive is a question of structure, not of the size of rates. Local noise of a cell,
a detuning or an amplitude that no other cell shares lets the generators J_-, J_+ and n_i address
that cell alone. Cells without noise that share both stay a group with conserved spin sectors.
See docs/physics.md, sections 3 and 4.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from qbat_circuits.battery import Battery

#: Smallest eigenvalue of a correlation matrix without a dark combination of cells.
_FULL_RANK = 1e-9


def protected_groups(battery: Battery) -> list[int] | None:
    """Sizes of the groups of cells whose spin sectors the dynamics conserves, the largest first.

    A group of one conserves nothing. None where the structure does not decide it: more than two
    levels, extra dissipators, a correlation matrix with a dark combination of cells, or unequal
    amplitudes beside a bath that leaves dark states.
    """
    coupling, bath = battery.bath.coupling, battery.bath
    if battery.levels > 2 or battery.extra_jumps:
        return None
    modes = coupling.modes(battery.n_cells)
    if len(modes) > 1:
        if float(np.linalg.eigvalsh(coupling.matrix(battery.n_cells))[0]) < _FULL_RANK:
            return None
        return [] if bath.relaxation > 0 else _groups(battery, (1.0,) * battery.n_cells)
    # A sign of an amplitude is a turn of that cell about z.
    amplitudes = tuple(np.abs(modes[0][1]).round(12).tolist()) if modes else (0.0,)
    if len(set(amplitudes)) > 1 and (has_dark_states(battery) or 0.0 in amplitudes):
        return None
    return _groups(battery, amplitudes)


def has_dark_states(battery: Battery) -> bool:
    """Whether the bath alone leaves pure states dark: n = 0, or |M|^2 = n(n+1)."""
    bath = battery.bath
    return bath.absorption * bath.emission <= abs(bath.cross) ** 2 * (1 + 1e-12)


def only_collective(battery: Battery) -> bool:
    """Whether all cells couple alike to the bath and nothing else acts: sectors are conserved."""
    return (
        battery.bath.relaxation > 0
        and battery.bath.coupling.common
        and protected_groups(battery) == [battery.n_cells]
    )


def _groups(battery: Battery, amplitudes: tuple[float, ...]) -> list[int]:
    quiet = Counter(
        (delta, g)
        for delta, noise, g in zip(battery.detunings, battery.noise, amplitudes, strict=True)
        if noise.rate == 0 and noise.dephasing == 0
    )
    return sorted(quiet.values(), reverse=True)
