"""Bit string starts under the collective bath alone: a closed form for any number of cells.

A bit string with k excitations is no permutation-invariant state, so p(j, m) do not describe it. It
has the weight P_j = d_j / C(N, k) in every sector j >= |k - N/2|, and as a pure state of definite m
a pure multiplicity state there. Both are conserved, and coherence between sectors dies, so it ends
with the eigenvalues P_j tau_j(m), tau_j(m) ~ r^m, once each instead of d_j times (docs/physics.md,
section 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qbat_circuits.cells import MAX_CELLS, FloatArray
from qbat_circuits.errors import check_integer, check_number
from qbat_circuits.symmetric.sectors_jm import level_capacities, multiplicities

#: Populations of a spin below this share of its largest one are left out.
_NEGLIGIBLE = 1e-25


class BitStringSteady(NamedTuple):
    """Long-time state of a bit string start.

    Attributes:
        energy, ergotropy: in units of the cell energy.
        sector_weights: P_j for a = N/2 - j = 0, 1, ..., N//2.
    """

    energy: float
    ergotropy: float
    sector_weights: FloatArray


def bit_string_sector_weights(n_cells: int, excited: int) -> FloatArray:
    """P_j = d_j / C(N, k) for j >= |k - N/2|, else 0; quotients of whole numbers, rounded once.

    Args:
        n_cells: N, at most 10000.
        excited: k, how many cells start excited, whichever.

    Returns:
        P_j for a = N/2 - j = 0, 1, ..., N//2.

    Raises:
        InputError: if a number is out of its range.

    Source: docs/physics.md, section 3.
    """
    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_CELLS)
    k = check_integer("excited", excited, at_least=0, at_most=n)
    strings = level_capacities(n)[k]
    weights = np.zeros(n // 2 + 1)
    reached = multiplicities(n)[: min(k, n - k) + 1]
    weights[: len(reached)] = [d / strings for d in reached]
    return weights


def bit_string_steady(
    n_cells: int, excited: int, emission: float, absorption: float
) -> BitStringSteady:
    """What a bit string holds after a long time on the collective bath alone.

    Args:
        n_cells: N, at most 10000.
        excited: k, how many cells start excited, whichever.
        emission, absorption: kappa (n+1) and kappa n, not both 0; an inverted bath has emission <
            absorption. A bit string has no coherence between sectors that n = 0 would keep.

    Raises:
        InputError: if a number is out of its range.

    Source: docs/physics.md, section 3.
    """
    weights = bit_string_sector_weights(n_cells, excited)
    down = check_number("emission", emission, at_least=0)
    up = check_number("absorption", absorption, at_least=0, above=0 if down == 0 else None)
    ratio = min(down, up) / max(down, up)
    # Counted from the end of the ladder that the bath fills, nothing overflows.
    highest = np.log(_NEGLIGIBLE) / np.log(ratio) if 0 < ratio < 1 else n_cells * ratio
    eigenvalues, energy = [], 0.0
    for a in np.flatnonzero(weights).tolist():
        steps = np.arange(int(min(n_cells - 2 * a, highest)) + 1)
        tau = ratio**steps
        tau /= tau.sum()
        eigenvalues.append(weights[a] * tau)
        bottom = a + float(tau @ steps)
        energy += weights[a] * (bottom if down >= up else n_cells - bottom)
    passive = _passive_energy(n_cells, np.concatenate(eigenvalues))
    return BitStringSteady(float(energy), float(max(energy - passive, 0.0)), weights)


def _passive_energy(n_cells: int, eigenvalues: FloatArray) -> float:
    """Energy of the eigenvalues, each once, largest first in the C(N, k) places of level k."""
    # rest[i]: weight of all but the i largest, summed from the small end.
    rest = np.cumsum(np.sort(eigenvalues))[::-1]
    energy, places = 0.0, 0
    for capacity in level_capacities(n_cells):
        places += capacity
        if places >= len(rest):
            break
        energy += float(rest[places])
    return energy
