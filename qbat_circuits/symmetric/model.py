"""`SymmetricModel`: identical cells on a common bath with local noise, in (j, m) populations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import scipy.sparse as sp

from qbat_circuits.battery import Battery
from qbat_circuits.cells import MAX_CELLS, FloatArray
from qbat_circuits.errors import InputError, check_integer
from qbat_circuits.symmetric import steady
from qbat_circuits.symmetric.curves import populations_at
from qbat_circuits.symmetric.identical import identical_rates
from qbat_circuits.symmetric.rates import Rates, generator
from qbat_circuits.symmetric.sectors_jm import start_populations, states_jm

Start = str | float | FloatArray

#: Decay times after which nothing changes in a double.
_LAST = 60.0


@dataclass(frozen=True)
class SymmetricModel:
    """N identical cells, a collective bath without squeezing, and the same local noise on each.

    Populations are arrays over the states (j, m) in the order of `states_jm`: ground state first,
    by level k = m + N/2, then by a = N/2 - j. Source: docs/physics.md, section 4.

    Attributes:
        n_cells: N.
        emission, absorption: collective rates kappa (n+1) and kappa n.
        local_emission, local_absorption: gamma (n_l+1) and gamma n_l of each cell.
        dephasing: 2 gamma_phi, the rate of D[n_i] of each cell.
    """

    n_cells: int
    emission: float
    absorption: float
    local_emission: float = 0.0
    local_absorption: float = 0.0
    dephasing: float = 0.0

    def __post_init__(self) -> None:
        n = check_integer("n_cells", self.n_cells, at_least=1, at_most=MAX_CELLS)
        object.__setattr__(self, "n_cells", n)
        for field in fields(Rates):
            object.__setattr__(self, field.name, getattr(self.rates, field.name))

    @classmethod
    def from_battery(cls, battery: Battery) -> SymmetricModel:
        """The same model of a battery whose cells are all alike.

        Args:
            battery: equal local noise, energies and couplings, no detuning between the cells, a
                bath without squeezing. Energies stay in units of one cell's e.

        Raises:
            InputError: naming what differs between the cells, or the squeezing.
        """
        if battery.bath.cross != 0:
            raise InputError("'squeezing' must be 0 for a symmetric model of (j, m) populations.")
        return cls(battery.n_cells, *astuple(identical_rates(battery)))

    @property
    def rates(self) -> Rates:
        """The five rates without the number of cells."""
        return Rates(*(getattr(self, field.name) for field in fields(Rates)))

    def generator(self) -> sp.csc_array:
        """Q of dp/dt = Q p, sparse, shape (n_states, n_states); its columns sum to zero."""
        return generator(states_jm(self.n_cells), self.rates)

    def start(self, start: Start = "ground") -> FloatArray:
        """Populations of a start: "ground", "excited", one cell's population, or p(j, m) itself."""
        if isinstance(start, np.ndarray):
            return np.asarray(start, dtype=np.float64)
        return start_populations(self.n_cells, start)

    def steady_populations(self, start: Start = "ground") -> FloatArray:
        """Populations after a long time, shape (n_states,).

        With local noise they do not depend on the start; without it every sector keeps its weight
        and ends with p(j, m) ~ r^m.

        Raises:
            InputError: if nothing moves the energy.
            AccuracyError: if local noise is too weak for double precision at this N.
        """
        if self.rates.local:
            return steady.steady_populations(self.n_cells, self.rates)
        return steady.sector_thermal_populations(self.n_cells, self.rates, self.start(start))

    def populations(
        self,
        times: Sequence[float] | FloatArray,
        start: Start = "ground",
        tolerance: float = 1e-9,
    ) -> FloatArray:
        """p(j, m) at each time, shape (len(times), n_states); see `populations_at`.

        After many decay times nothing changes any more; later times are answered with that
        one.
        """
        if isinstance(times, np.ndarray) or len(times):
            times = np.minimum(np.asarray(times, dtype=np.float64), _LAST / self._gap)
        return populations_at(self.n_cells, self.rates, times, self.start(start), tolerance)

    @property
    def _gap(self) -> float:
        """Bound from below on the rate at which the last memory fades (seen in random models).

        Beside the collective bath local relaxation or dephasing is enough to mix the sectors;
        without it dephasing moves no energy.
        """
        collective = self.emission + self.absorption
        local = [self.local_emission + self.local_absorption, self.dephasing]
        if collective == 0:
            return min((rate for rate in local if rate > 0), default=1.0)
        slowest = min(collective, max(local)) if any(local) else collective
        return slowest / self.n_cells
