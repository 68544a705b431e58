"""How long a charged battery keeps its work once the bath is switched off.

The propagator is handed in, so this module needs none of the dynamics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qbat_circuits.baths import LocalNoise
from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray, n_cells_of
from qbat_circuits.errors import InputError, check_number
from qbat_circuits.quantities.curves import ENERGY_FLOOR
from qbat_circuits.quantities.symmetric import (
    Populations,
    checked_populations,
    ergotropy_per_cell_jm,
)
from qbat_circuits.thermodynamics import as_density_matrix, linear_ergotropy

#: State after a time under a battery without its bath, such as `dynamics.propagator.evolve`.
Propagator = Callable[[Battery, ComplexArray, float], ComplexArray]
#: The work is looked at this many times per decade of time before its fall is located.
_PER_DECADE = 20
#: After this many of the slowest decay times nothing changes in a double.
_LAST = 60.0


def local_decay(battery: Battery, state: ComplexArray, duration: float) -> ComplexArray:
    """State after local noise alone, exact: the product of every cell's own channel.

    Populations relax to n_l/(2 n_l + 1) at gamma (2 n_l + 1), coherences decay at gamma (2 n_l +
    1)/2 + gamma_phi; detunings only turn phases, which no work depends on, and are left out.

    Args:
        battery: the model; its collective bath is not used.
        state: density matrix, shape (2^N, 2^N).
        duration: t >= 0 in the inverse unit of the rates.
    """
    t = check_number("duration", duration, at_least=0)
    if battery.levels > 2 or battery.extra_jumps:
        raise InputError(
            "'battery' must have cells of two levels and no extra jumps for the decay in closed "
            "form; hand in a propagator such as dynamics.propagator.evolve."
        )
    size = len(state)
    for i, noise in enumerate(battery.noise):
        relaxation, decoherence = _decay_rates(noise)
        left, right = size >> (i + 1), 1 << i
        block = state.reshape(left, 2, right, left, 2, right)
        after = block * math.exp(-decoherence * t)
        ground, excited = block[:, 0, :, :, 0], block[:, 1, :, :, 1]
        gone = -math.expm1(-relaxation * t)
        gain = gone * (noise.population * (ground + excited) - excited)
        after[:, 0, :, :, 0], after[:, 1, :, :, 1] = ground - gain, excited + gain
        state = after.reshape(size, size)
    return state


def self_discharge_time(
    battery: Battery, state: Any, share: float = 0.5, propagator: Propagator = local_decay
) -> float:
    """First time after the bath is switched off at which W has fallen to a share of W(0).

    Args:
        battery: the model; its collective bath is switched off.
        state: the charged state.
        share: between 0 and 1.
        propagator: (battery without bath, density matrix, time) -> density matrix. The default is
            exact for local noise.

    Returns:
        The time in the inverse unit of the rates; inf where W never falls that far, nan for a
        state that holds no work.

    Raises:
        InputError: for a state of another number of cells, or a share outside (0, 1).
    """
    rho = as_density_matrix(state)
    if n_cells_of(rho) != battery.n_cells:
        raise InputError(
            f"'state' must have {battery.n_cells} cells like the battery, not {n_cells_of(rho)}."
        )
    alone, levels = battery.without_bath(), battery.level_energies()

    def work(t: float) -> float:
        return float(linear_ergotropy(propagator(alone, rho, t), levels))

    return _first_fall(work, battery.noise, share)


def self_discharge_time_jm(
    n_cells: int,
    populations: Populations,
    noise: LocalNoise,
    propagator: Callable[[FloatArray, float], FloatArray],
    share: float = 0.5,
) -> float:
    """`self_discharge_time` of N identical cells from populations p(j, m).

    Args:
        n_cells: number of cells N.
        populations: p(j, m) of the charged state, in the order of `states_jm`.
        noise: that of every cell.
        propagator: (populations, time) -> populations under this noise alone.
        share: between 0 and 1.
    """
    p = checked_populations(n_cells, populations)
    return _first_fall(
        lambda t: n_cells * ergotropy_per_cell_jm(n_cells, propagator(p, t)), [noise], share
    )


def _decay_rates(noise: LocalNoise) -> tuple[float, float]:
    """Of a cell's populations and of its coherence."""
    relaxation = noise.rate * (2.0 * noise.occupation + 1.0)
    return relaxation, relaxation / 2 + noise.dephasing


def _first_fall(work: Callable[[float], float], noise: Sequence[LocalNoise], share: float) -> float:
    """First time with work <= share * work(0), looked for on a grid even in ln t."""
    share = check_number("share", share, above=0, below=1)
    start = work(0.0)
    if not start > ENERGY_FLOOR:
        return math.nan
    rates = [rate for one in noise for rate in _decay_rates(one) if rate > 0]
    if not rates:
        return math.inf
    level = share * start
    first, last = 1e-3 / max(rates), _LAST / min(rates)
    points = math.ceil(_PER_DECADE * math.log10(last / first))
    before = 0.0
    for time in np.geomspace(first, last, points).tolist():
        if work(time) <= level:
            return _crossing(lambda t: work(t) - level, before, time)
        before = time
    return math.inf


def _crossing(surplus: Callable[[float], float], before: float, after: float) -> float:
    from scipy.optimize import brentq

    span = after - before  # a share of it, so that seconds and nanoseconds are found alike
    return before + span * float(brentq(lambda u: surplus(before + u * span), 0.0, 1.0, xtol=1e-13))
