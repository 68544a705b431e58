"""Lower bounds on work from a few product bases, such as Z...Z, X...X and Y...Y.

The eigenvalues of a state majorise its populations p in any basis (Schur), so its passive energy is
at most that of p, and with the stored energy from the setting Z...Z

    W >= Tr[rho H] - sum_k p_k (down) E_k (up)

for every measured basis: a maximum of linear functionals again. It sees population inversion and
polarisation along an axis; coherence between cells, as in the charged state of the collective bath,
it does not see. See docs/estimating-work.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import ClassVar

import numpy as np

from qbat_circuits.analysis.guaranteed import guarantee
from qbat_circuits.analysis.intervals import linear_interval
from qbat_circuits.analysis.population_bounds import (
    Filling,
    Measured,
    work_interval,
    work_value,
    work_weights,
)
from qbat_circuits.analysis.scheme import ErgotropyEstimate, Request, Scheme, check_counts
from qbat_circuits.cells import FloatArray, cell_energies, level_energies
from qbat_circuits.errors import InputError, check_integer
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import MAX_COUNTS_CELLS, Counts, check_settings

#: Name of the interval's method (docs/estimating-work.md).
METHOD = "energy-basis-convex-bounds"


@dataclass(frozen=True)
class EnergyBasisScheme(Scheme):
    """Z on every cell for the energy, and a few product bases for the populations.

    Args:
        letters: one axis for all cells each, "X", "Y" or "Z"; may be empty beside labels. Z is
            measured in any case, and its populations count.
        labels: further settings, leftmost letter for cell N-1.

    Raises:
        InputError: if a letter or a label is none, or there is neither.
    """

    name: ClassVar[str] = "energy-basis"
    letters: tuple[str, ...] = ("X", "Y", "Z")
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        labels = check_settings(self.labels, None, "labels", at_least=0)
        letters = check_settings(self.letters, 1, "letters", at_least=0 if labels else 1)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "letters", letters)

    def settings(self, n_cells: int) -> tuple[str, ...]:
        """Z...Z and the chosen bases, each once.

        Raises:
            InputError: if the labels are for another number of cells.
        """
        n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_COUNTS_CELLS)
        if self.labels and len(self.labels[0]) != n:
            raise InputError(f"'labels' must have {n} letters, not {len(self.labels[0])}.")
        return tuple(dict.fromkeys(("Z" * n, *(a * n for a in self.letters), *self.labels)))

    def estimate(
        self,
        counts: Counts,
        readout: Readout | None = None,
        energies: Sequence[float] | None = None,
        confidence: float = 0.95,
        seed: int = 7,
    ) -> ErgotropyEstimate:
        """A lower bound on the work, with an interval for the bound, see `estimate_ergotropy`."""
        labels = self.settings(check_counts(counts).n_cells)
        request = Request.of(counts, labels, readout, confidence, seed)
        levels = level_energies(counts.n_cells, energies)
        sample, unmitigated = request.sample(), request.sample(mitigated=False)
        fillings = self._fillings(labels, levels)
        measured = [Measured(filling, sample) for filling in fillings]
        work = work_interval(measured, request.z, request.rng())
        guaranteed = guarantee(
            sample,
            lambda part: work_weights([Measured(f, part) for f in fillings], request.z, part),
            request.confidence,
            request.rng(),
        )
        raw = [Measured(filling, unmitigated) for filling in fillings]
        most = fsum(cell_energies(counts.n_cells, energies))
        return ErgotropyEstimate(
            **request.common(sample, guaranteed),
            scheme=self.name,
            quantity="a lower bound on the work, from populations in the measured bases",
            is_lower_bound=True,
            value=work.value,
            low=work.low,
            high=work.high,
            method=METHOD,
            plug_in=max(0.0, *(float(m.p @ m.filling.functional(m.p)) for m in measured)),
            raw_value=work_value(raw, request.z, request.rng()),
            energy=linear_interval(sample, fillings[0].weights[-1], request.z).clipped(0.0, most),
            warnings=request.warnings(),
        )

    def _fillings(self, labels: tuple[str, ...], levels: FloatArray) -> list[Filling]:
        """For each measured basis its 2^N populations, and the energy from Z...Z behind them."""
        size = len(levels)
        energy = np.zeros((1, len(labels), size))
        energy[0, 0] = levels
        found = []
        for row in range(len(labels)):
            populations = np.zeros((size, len(labels), size))
            populations[np.arange(size), row, np.arange(size)] = 1
            found.append(
                Filling(
                    weights=np.concatenate([populations, energy]),
                    fixed=np.concatenate([np.zeros(size), [1.0]]),
                    multiplicities=np.ones(size, dtype=np.int64),
                    levels=np.sort(levels),
                )
            )
        return found
