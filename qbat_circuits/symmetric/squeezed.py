"""`SqueezedModel`: identical cells on a squeezed bath with local noise, in one block per spin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from qbat_circuits.baths import CollectiveBath
from qbat_circuits.battery import Battery
from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, check_integer, check_number, shown, shown_size
from qbat_circuits.limits import MEMORY_LIMIT_BYTES
from qbat_circuits.symmetric.block_generator import BlockGenerator, block_generator
from qbat_circuits.symmetric.block_steady import steady_state
from qbat_circuits.symmetric.blocks import MAX_BLOCK_CELLS, Blocks, Start
from qbat_circuits.symmetric.curves import exponential_at
from qbat_circuits.symmetric.identical import identical_rates
from qbat_circuits.symmetric.rates import Rates


@dataclass(frozen=True)
class SqueezedModel:
    """N identical cells, a squeezed collective bath, and the same local noise on each.

    The generator of docs/physics.md, section 2, on the blocks rho_j (`Blocks`).

    Attributes:
        n_cells: N, at most 60.
        emission, absorption: K_11 and K_22 of the collective bath, kappa (n+1) and kappa n.
        cross: K_12 = kappa M, complex, |K_12|^2 <= K_11 K_22.
        local_emission, local_absorption: gamma (n_l+1) and gamma n_l of each cell.
        dephasing: 2 gamma_phi, the rate of D[n_i] of each cell.
        detuning: delta of H = delta sum_i n_i, the cells' frequency against the squeezed field.

    Raises:
        InputError: if a number is out of its range.
    """

    n_cells: int
    emission: float
    absorption: float
    cross: complex = 0j
    local_emission: float = 0.0
    local_absorption: float = 0.0
    dephasing: float = 0.0
    detuning: float = 0.0

    def __post_init__(self) -> None:
        n = check_integer("n_cells", self.n_cells, at_least=1)
        detuning = check_number("detuning", self.detuning)
        _check_memory(n, 1)
        rates = self.rates
        bath = CollectiveBath.from_rates(rates.emission, rates.absorption, self.cross)
        values = {field.name: getattr(rates, field.name) for field in fields(Rates)}
        values |= {"n_cells": n, "cross": bath.cross, "detuning": detuning}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_battery(cls, battery: Battery) -> SqueezedModel:
        """The same model of a battery whose cells are all alike.

        Args:
            battery: equal local noise, energies, detunings and couplings, two levels. Energies stay
                in units of one cell's e.

        Raises:
            InputError: naming what differs between the cells, or for too many of them.
        """
        rates, bath = identical_rates(battery), battery.bath
        return cls(
            battery.n_cells,
            rates.emission,
            rates.absorption,
            bath.coupling.strength * bath.cross,
            rates.local_emission,
            rates.local_absorption,
            rates.dephasing,
            battery.detunings[0],
        )

    @property
    def rates(self) -> Rates:
        """The rates of all channels but the cross term."""
        return Rates(*(getattr(self, field.name) for field in fields(Rates)))

    def generator(self, start: Start = "ground") -> BlockGenerator:
        """The equation of motion on what a start reaches, in real numbers."""
        state = Blocks.of_start(self.n_cells, start)
        return block_generator(self.n_cells, self.rates, self.cross, self.detuning, state)

    def steady_blocks(self, start: Start = "ground") -> Blocks:
        """The state after a long time.

        With local noise it does not depend on the start; without it every sector keeps its weight
        and ends in the one steady state of its spin (docs/physics.md, section 3).

        Args:
            start: "ground", "excited", the excited population of each cell, p(j, m) in the order of
                `states_jm`, or blocks.

        Raises:
            InputError: if nothing moves the energy, or the steady state of a spin is not unique.
            AccuracyError: if the rates lie too far apart for double precision.
        """
        rates = self.rates
        rates.check_mixing()
        weights = Blocks.of_start(self.n_cells, start).sector_weights()
        bath = CollectiveBath.from_rates(rates.emission, rates.absorption, self.cross)
        if not rates.local and not self.detuning and bath.keeps_one_quadrature:
            raise InputError(
                "'cross' must be below emission = absorption in size for a steady state without "
                f"local noise and detuning, not {abs(self.cross):g}: such a bath leaves one spin "
                "component as it is."
            )
        return steady_state(self.generator(), rates, weights)

    def blocks(
        self,
        times: Sequence[float] | FloatArray,
        start: Start = "ground",
        tolerance: float = 1e-9,
    ) -> tuple[Blocks, ...]:
        """The states at each time.

        Args:
            times: >= 0, in any order, in inverse units of the rates.
            start: as in `steady_blocks`.
            tolerance: largest estimated error of a time, sum over the elements with m' >= m.

        Raises:
            InputError: for an impossible argument, or more times than memory holds.
            AccuracyError: if the tolerance is missed, or a result is no state to 1e-9.
        """
        tolerance = check_number("tolerance", tolerance, above=0)
        _check_memory(self.n_cells, np.size(times))
        state = Blocks.of_start(self.n_cells, start)
        generator = block_generator(self.n_cells, self.rates, self.cross, self.detuning, state)
        what = f"states of {self.n_cells} cells"
        y = generator.coordinates(state)
        rows = exponential_at(generator.matrix, y, times, tolerance, what)
        return tuple(generator.state(row) for row in rows)


def _check_memory(n_cells: int, n_times: int) -> None:
    """Refuse what would need too much time or memory, before anything is allocated.

    Counts the factors of the real generator with detuning (25 N^4 bytes at N = 60, measured) and
    the saved states with their working copies.
    """
    needed = 25 * n_cells**4 + 4 * n_cells**3 * n_times
    if n_cells > MAX_BLOCK_CELLS or needed > MEMORY_LIMIT_BYTES:
        raise InputError(
            f"'n_cells' must be at most {MAX_BLOCK_CELLS} with squeezing and fit in "
            f"{MEMORY_LIMIT_BYTES:.3g} bytes, not {shown(n_cells)} with {n_times} saved times, "
            f"about {shown_size(needed)} bytes; use fewer cells, fewer saved times, or no "
            "squeezing (SymmetricModel)."
        )
