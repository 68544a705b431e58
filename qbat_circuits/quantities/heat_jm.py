"""Heat currents and entropy production on populations p(j, m) of N identical cells.

The dissipators act on p(j, m) as classical transitions (`symmetric.rates`); laws and conventions
are those of `heat`.
"""

from __future__ import annotations

import numpy as np

from qbat_circuits.baths import CollectiveBath, LocalNoise
from qbat_circuits.battery import Battery
from qbat_circuits.cells import FloatArray
from qbat_circuits.quantities.heat import (
    BathShares,
    log_ratio,
    refuse_squeezing,
    spohn,
)
from qbat_circuits.quantities.symmetric import (
    Populations,
    checked_populations,
    log_eigenvalues_jm,
)
from qbat_circuits.symmetric.identical import identical_rates
from qbat_circuits.symmetric.rates import Rates, moves, transitions
from qbat_circuits.symmetric.sectors_jm import states_jm


def heat_currents_jm(
    n_cells: int, populations: Populations, bath: CollectiveBath, noise: LocalNoise
) -> BathShares:
    """Heat current of each bath into the battery; their sum is dE/dt.

    Common bath: absorption <J_- J_+> - emission <J_+ J_->, with a partial correlation c this share
    of it, and the rest from each cell alone. Local baths, together: absorption (N -
    E) - emission E, in equal shares. Squeezing adds no mean energy.

    Args:
        n_cells: number of identical cells N.
        populations: p(j, m) in the order of `states_jm`.
        bath: the common bath; it may couple partly (0 <= c <= 1) or with one amplitude.
        noise: that of every cell.

    Raises:
        InputError: for a coupling that tells the cells apart.
    """
    p = checked_populations(n_cells, populations)
    collective, local, _ = _channels(n_cells, bath, noise)
    return BathShares(
        _current(n_cells, p, collective),
        np.full(n_cells, _current(n_cells, p, local) / n_cells),
        np.zeros(n_cells),
    )


def entropy_production_jm(
    n_cells: int, populations: Populations, bath: CollectiveBath, noise: LocalNoise
) -> BathShares:
    """Entropy production rate sigma_k >= 0 of each bath (see `heat.entropy_production`).

    Local baths and dephasing of the N cells count in equal shares.

    Args:
        n_cells: number of identical cells N.
        populations: p(j, m) in the order of `states_jm`.
        bath: the common bath, thermal or any pump.
        noise: that of every cell.

    Raises:
        InputError: for a squeezed bath, which has no temperature.
    """
    p = checked_populations(n_cells, populations)
    refuse_squeezing(bath)
    logs = log_eigenvalues_jm(n_cells, p)

    def production(rates: Rates) -> float:
        scale = rates.emission + rates.absorption + rates.local
        if scale == 0.0:
            return 0.0
        down, up = rates.emission + rates.local_emission, rates.absorption + rates.local_absorption
        log_r = log_ratio(down, up) if down + up else 0.0
        change, current = _change(n_cells, p, rates), _current(n_cells, p, rates)
        return spohn(logs, change, current, log_r, scale * n_cells**2)

    collective, local, dephasing = map(production, _channels(n_cells, bath, noise))
    share = np.ones(n_cells) / n_cells
    return BathShares(collective, local * share, dephasing * share)


def _channels(n_cells: int, bath: CollectiveBath, noise: LocalNoise) -> tuple[Rates, Rates, Rates]:
    """The common bath with its coupling, the local baths and the dephasing, each alone."""
    return (
        identical_rates(Battery.identical(n_cells, bath)),
        Rates(0.0, 0.0, noise.emission, noise.absorption),
        Rates(0.0, 0.0, dephasing=2.0 * noise.dephasing),
    )


def _current(n_cells: int, p: FloatArray, rates: Rates) -> float:
    """dE/dt by these rates."""
    return sum(step * float(rate @ p) for step, _, rate in moves(states_jm(n_cells), rates))


def _change(n_cells: int, p: FloatArray, rates: Rates) -> FloatArray:
    """dp/dt by these rates."""
    source, target, rate = transitions(states_jm(n_cells), rates)
    flow = rate * p[source]
    gain, loss = (np.bincount(end, flow, minlength=len(p)) for end in (target, source))
    return np.asarray(gain - loss)
