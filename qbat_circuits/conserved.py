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
from qbat_circuits.cells import FloatArray

#: More cells than this are not compared by their rows of a correlation matrix.
_MOST_COMPARED = 200
#: Numbers closer than this are the same; smaller eigenvalues of a correlation matrix are zeros.
_SAME = 1e-9


def protected_groups(battery: Battery) -> list[int] | None:
    """Sizes of the groups of cells whose spin sectors the dynamics conserves, the largest first.

    A group of one conserves nothing. None where the structure does not decide it: more than two
    levels, extra dissipators, a correlation matrix with a dark combination of different cells, or
    unequal amplitudes beside a bath that leaves dark states.
    """
    coupling = battery.bath.coupling
    by_rows = coupling.positions is not None or isinstance(coupling.correlation, tuple)
    too_many = by_rows and battery.n_cells > _MOST_COMPARED
    if battery.levels > 2 or battery.extra_jumps or too_many:
        return None
    groups = _groups(battery)
    if battery.bath.relaxation == 0 or (groups and groups[0] > 1) or _reaches_every_cell(battery):
        return groups
    return None


def only_collective(battery: Battery) -> bool:
    """Whether all cells couple alike to the bath and nothing else acts: sectors are conserved."""
    return (
        battery.bath.relaxation > 0
        and battery.bath.coupling.common
        and protected_groups(battery) == [battery.n_cells]
    )


def _reaches_every_cell(battery: Battery) -> bool:
    """Whether the bath's jumps and their commutators address every cell that is no twin."""
    coupling, n = battery.bath.coupling, battery.n_cells
    amplitudes = coupling.amplitudes or (1.0,) * n
    if 0.0 in amplitudes:
        return False
    c = coupling.correlation
    if isinstance(c, float):
        return n == 1 or c > -1 / (n - 1) + _SAME
    if c is None and coupling.positions is None:  # one mode
        return len({abs(g) for g in amplitudes}) == 1 or not battery.bath.has_dark_states
    return float(np.linalg.eigvalsh(coupling.matrix(n))[0]) > _SAME


def _groups(battery: Battery) -> list[int]:
    """Quiet cells by detuning, and by how the bath sees them; cells alike in both are twins."""
    seen = _as_the_bath_sees_them(battery)
    quiet = Counter(
        (delta, kind)
        for delta, noise, kind in zip(battery.detunings, battery.noise, seen, strict=True)
        if noise.rate == 0 and noise.dephasing == 0
    )
    return sorted(quiet.values(), reverse=True)


def _as_the_bath_sees_them(battery: Battery) -> list[float]:
    """One number per cell, equal for cells that only a turn about z may tell apart.

    Cells i and j are alike where Gamma_ik = s Gamma_jk and J_ik = s J_jk for every other cell k,
    and Gamma_ij = s Gamma_ii = s Gamma_jj, J_ij = 0, with one sign s.
    """
    coupling, n = battery.bath.coupling, battery.n_cells
    c = coupling.correlation
    if isinstance(c, float) and battery.bath.relaxation > 0:
        return [float(i) for i in range(n)]
    if coupling.positions is None and not isinstance(c, tuple):
        return [abs(g) for g in coupling.amplitudes or (1.0,) * n]
    gamma, exchange = coupling.matrix(n), coupling.exchange(n)
    kinds: list[float] = []
    for i in range(n):
        twin = (j for j in range(i) if _alike(gamma, exchange, i, j))
        kinds.append(kinds[j] if (j := next(twin, None)) is not None else float(i))
    return kinds


def _alike(gamma: FloatArray, exchange: FloatArray, i: int, j: int) -> bool:
    sign = 1.0 if gamma[i, j] >= 0 else -1.0
    others = np.delete(np.arange(len(gamma)), [i, j])
    mirrored = np.abs(exchange[i, others] - sign * exchange[j, others]).max(initial=0.0)
    rows = np.abs(gamma[i] - sign * gamma[j]).max()
    return bool(max(rows, mirrored, abs(exchange[i, j])) < _SAME)
