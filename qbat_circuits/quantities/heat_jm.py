"""Heat currents and entropy production on populations p(j, m) of N identical cells.

The dissipators act on p(j, m) as classical transitions (docs/physics.md, section 4; Shammah et al.,
PRA 98, 063815 (2018)); laws and conventions are those of `heat`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.cells import FloatArray
from qbat_circuits.quantities.heat import (
    BathShares,
    local_rates,
    log_ratio,
    refuse_squeezing,
    spohn,
)
from qbat_circuits.quantities.symmetric import (
    Populations,
    checked_populations,
    log_multiplicities,
    quantum_numbers,
)

#: Rate out of each (j, m) and the step (of j, of m) it leads to.
Transition = tuple[FloatArray, int, int]


def heat_currents_jm(
    n_cells: int, populations: Populations, bath: CollectiveBath, noise: LocalNoise
) -> BathShares:
    """Heat current of each bath into the battery; their sum is dE/dt.

    Common bath: absorption <J_- J_+> - emission <J_+ J_->. Local baths, together: absorption (N -
    E) - emission E, in equal shares. Squeezing adds no mean energy.

    Args:
        n_cells: number of identical cells N.
        populations: p(j, m), j falling from N/2, m rising.
        bath: the common bath.
        noise: that of every cell.
    """
    p = checked_populations(n_cells, populations)
    i, k = quantum_numbers(n_cells)
    below, above = _steps(n_cells, i, k)
    down, up = local_rates(noise)
    energy = float(p @ k)
    return BathShares(
        float(p @ (bath.absorption * above - bath.emission * below)),
        np.full(n_cells, up * (1 - energy / n_cells) - down * energy / n_cells),
        np.zeros(n_cells),
    )


def entropy_production_jm(
    n_cells: int, populations: Populations, bath: CollectiveBath, noise: LocalNoise
) -> BathShares:
    """Entropy production rate sigma_k >= 0 of each bath (see `heat.entropy_production`).

    Local baths and dephasing of the N cells count in equal shares.

    Args:
        n_cells: number of identical cells N.
        populations: p(j, m), j falling from N/2, m rising.
        bath: the common bath, thermal or any pump.
        noise: that of every cell.

    Raises:
        InputError: for a squeezed bath, which has no temperature.
    """
    p = checked_populations(n_cells, populations)
    refuse_squeezing(bath)
    i, k = quantum_numbers(n_cells)
    below, above = _steps(n_cells, i, k)
    down, up = local_rates(noise)
    heat = heat_currents_jm(n_cells, p, bath, noise)

    logs = np.log(p, out=np.full(len(p), -np.inf), where=p > 0) - log_multiplicities(n_cells)

    def production(
        transitions: list[Transition], current: float, log_r: float, scale: float
    ) -> float:
        if scale == 0.0:
            return 0.0
        change = _change(n_cells, p, transitions)
        return spohn(logs, change, current, log_r, scale * n_cells**2)

    collective = production(
        [(bath.emission * below, 0, -1), (bath.absorption * above, 0, 1)],
        heat.collective,
        log_ratio(bath.emission, bath.absorption) if bath.relaxation else 0.0,
        bath.relaxation,
    )
    local = production(
        [*_flips(n_cells, i, k, down, -1), *_flips(n_cells, i, k, up, 1)],
        float(heat.local.sum()),
        log_ratio(down, up) if noise.rate else 0.0,
        down + up,
    )
    dephasing = production(
        list(_dephasing(n_cells, i, k, 2.0 * noise.dephasing)), 0.0, 0.0, noise.dephasing
    )
    share = np.ones(n_cells) / n_cells
    return BathShares(collective, local * share, dephasing * share)


def _steps(
    n_cells: int, i: NDArray[np.int64], k: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """(j+m)(j-m+1) and (j-m)(j+m+1) of every (j, m)."""
    low, high = (k - i).astype(np.float64), (n_cells - i - k).astype(np.float64)  # j + m, j - m
    return low * (high + 1), high * (low + 1)


def _flips(
    n_cells: int, i: NDArray[np.int64], k: NDArray[np.int64], rate: float, step: int
) -> Iterator[Transition]:
    """Local emission (step -1) or absorption (step 1): to j, j - 1 and j + 1."""
    n, j = n_cells / 2, n_cells / 2 - i
    toward = k - i if step < 0 else n_cells - i - k  # j + m, or j - m for absorption
    away = 2 * j - toward
    # At j = 0 the terms to j and j - 1 are 0/0 with a vanishing numerator.
    spin = np.where(j > 0, j, 1.0)
    yield rate * (n + 1) / (2 * spin * (spin + 1)) * toward * (away + 1), 0, step
    yield rate * (n + j + 1) / (2 * spin * (2 * spin + 1)) * toward * (toward - 1), -1, step
    yield rate * (n - j) / (2 * (j + 1) * (2 * j + 1)) * (away + 1) * (away + 2), 1, step


def _dephasing(
    n_cells: int, i: NDArray[np.int64], k: NDArray[np.int64], rate: float
) -> Iterator[Transition]:
    """Dephasing of single cells: to j - 1 and j + 1 at the same m."""
    n, j = n_cells / 2, n_cells / 2 - i
    low, high = k - i, n_cells - i - k
    spin = np.where(j > 0, j, 1.0)
    yield rate * (n + j + 1) / (2 * spin * (2 * spin + 1)) * low * high, -1, 0
    yield rate * (n - j) / (2 * (j + 1) * (2 * j + 1)) * (high + 1) * (low + 1), 1, 0


def _change(n_cells: int, p: FloatArray, transitions: list[Transition]) -> FloatArray:
    """dp/dt by these transitions."""
    i, k = quantum_numbers(n_cells)
    change = np.zeros_like(p)
    for rates, step_j, step_m in transitions:
        leaving = np.flatnonzero(rates > 0)
        flow = rates[leaving] * p[leaving]
        to = i[leaving] - step_j
        target = to * (n_cells + 2 - to) + k[leaving] + step_m - to  # see sector_start
        change[leaving] -= flow
        np.add.at(change, target, flow)
    return change
