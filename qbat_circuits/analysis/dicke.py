"""Work from the populations p(j, m) of total spin: few settings, narrow intervals.

Averaging a state over permutations of equal cells and over turns about Z keeps p(j, m) and H_B, and
work is convex, so the work of the averaged state is at most that of the state, and equal to it for
a state with these symmetries. See docs/dicke-scheme.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qbat_circuits.analysis.drawn import sample_of
from qbat_circuits.analysis.guaranteed import guarantee
from qbat_circuits.analysis.intervals import FOLDS, linear_interval
from qbat_circuits.analysis.population_bounds import (
    Filling,
    Measured,
    work_interval,
    work_value,
    work_weights,
)
from qbat_circuits.analysis.sample import Sample
from qbat_circuits.analysis.scheme import ErgotropyEstimate, Request, Scheme, check_counts
from qbat_circuits.analysis.symmetric_settings import (
    Kind,
    kind_of,
    kinds,
    multiplicities,
    orbit,
    orbit_size,
    outcome_shares,
    phase_settings,
    population_weights,
    sectors,
)
from qbat_circuits.analysis.symmetry_test import SymmetryTest, symmetry_test
from qbat_circuits.cells import FloatArray, cell_energies
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import Counts

#: Name of the interval's method (docs/dicke-scheme.md).
METHOD = "dicke-convex-bounds"
#: Largest number of cells (the orbits of N letters are listed).
MAX_DICKE_CELLS = 10
#: Largest number of cells for which the coverage of the interval was measured.
TESTED_CELLS = 6
#: Shots added to every number of excited readings of a kind where a variance is estimated: what
#: never occurred is not certain never to occur, and 2 make 1.96 standard errors of no count 2.8.
EXTRA_SHOTS = 2.0
#: Share of the shots for the settings that only test the symmetry.
_TEST_SHARE = 0.05
#: Shots of a kind without X or without Y, for one shot of a kind with both.
_PURE_WORTH = 3.0


@dataclass(frozen=True, eq=False, kw_only=True)
class DickeEstimate(ErgotropyEstimate):
    """An `ErgotropyEstimate` with the populations of total spin.

    The value and its interval are those of the state averaged over permutations and turns about
    Z; where the symmetry was refused or not tested, `is_lower_bound` is True.

    Args:
        sectors: the (j, m) of the populations: j falling from N/2, m rising.
        populations: p(j, m), all multiplicities together: unbiased, possibly negative.
        standard_errors: of the populations.
        symmetry: the test of the symmetry.
    """

    sectors: tuple[tuple[float, float], ...]
    populations: FloatArray
    standard_errors: FloatArray
    symmetry: SymmetryTest

    def __post_init__(self) -> None:
        for array in (self.populations, self.standard_errors):
            array.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """All figures, as JSON content."""
        return {
            **super().to_dict(),
            "sectors": [
                {"j": j, "m": m, "population": p, "standard_error": error}
                for (j, m), p, error in zip(
                    self.sectors,
                    self.populations.tolist(),
                    self.standard_errors.tolist(),
                    strict=True,
                )
            ],
            "symmetry": self.symmetry.to_dict(),
        }


@dataclass(frozen=True)
class DickeScheme(Scheme):
    """Pauli settings with X and Y an even number of times each, and the work from p(j, m).

    Args:
        labels_per_kind: settings with the same letters on different cells; all of them where there
            are no more. With 6, that is so up to 4 cells; with fewer than all, permutations are
            assumed, not averaged, and an estimate is refused where their test fails.
        phase_test: measure also the labels of X and Y in which X_i Y_j - Y_i X_j shows local
            phases; without them no estimate is called more than a lower bound.
        level: false-alarm probability of the symmetry test, at most.
        draw_seed: seed of the draw of the labels where not all are measured.
        phases: phi_i in radians, one for each cell, as `fit_local_phases` finds them: the circuits
            undo them by virtual turns about Z, diag(1, exp(-i phi_i)) on cell i before its letter,
            so that X stands for cos(phi_i) X + sin(phi_i) Y. The counts have to be those of such
            circuits. None for no turns.

    Raises:
        InputError: if an option is out of range.
    """

    name: ClassVar[str] = "dicke"
    labels_per_kind: int = 6
    phase_test: bool = True
    level: float = 0.01
    draw_seed: int = 7
    phases: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_integer("labels_per_kind", self.labels_per_kind, at_least=1)
        if not isinstance(self.phase_test, bool):
            raise broken_rule("phase_test", "True or False", self.phase_test)
        check_number("level", self.level, above=0, below=1)
        check_integer("draw_seed", self.draw_seed, at_least=0)
        if self.phases is not None:
            values = np.ravel(np.asarray(self.phases)).tolist()
            phases = tuple(check_number("phases", value) for value in values)
            object.__setattr__(self, "phases", phases)

    def settings(self, n_cells: int) -> tuple[str, ...]:
        """Pauli labels to measure, leftmost letter for cell N-1; their number is the cost.

        Raises:
            InputError: for fewer than 2 or more than `MAX_DICKE_CELLS` cells, or another number
                than that of the phases.
        """
        if self.phases is not None and len(self.phases) != n_cells:
            raise InputError(
                f"'phases' must hold one number per cell ({n_cells}), not {len(self.phases)}."
            )
        labels = self._population_settings(n_cells)
        tests = phase_settings(n_cells) if self.phase_test else ()
        return (*labels, *(label for label in tests if label not in labels))

    def shots(self, n_cells: int, total: int) -> dict[str, int]:
        """A good division of the shots: equal for each number of letters Z, then by kind.

        Kinds with both X and Y get a third of those without: they hold fewer pairs XX and YY, and
        the best functionals do without longer products (measured for ladders of 2 to 8 cells).

        Settings that only test the symmetry share 5 %. None gets fewer than 5, so the sum may be
        above ``total`` where that is small.
        """
        check_integer("total", total, at_least=1)
        labels = self._population_settings(n_cells)
        tests = self.settings(n_cells)[len(labels) :]
        members = Counter(kind_of(label) for label in labels)
        worth = {kind: 1.0 if kind[0] and kind[1] else _PURE_WORTH for kind in members}
        by_level: dict[int, float] = {}
        for kind, value in worth.items():
            by_level[kind[2]] = by_level.get(kind[2], 0.0) + value
        rest = (1 - _TEST_SHARE if tests else 1) / len(by_level)
        shares = {
            label: rest * worth[kind] / by_level[kind[2]] / members[kind]
            for label, kind in ((label, kind_of(label)) for label in labels)
        } | dict.fromkeys(tests, _TEST_SHARE / max(1, len(tests)))
        return {label: max(FOLDS, round(total * share)) for label, share in shares.items()}

    def averages_permutations(self, n_cells: int) -> bool:
        """Whether every label of every kind is measured, so that any state gets a true bound."""
        return all(orbit_size(kind) <= self.labels_per_kind for kind in kinds(n_cells))

    def estimate(
        self,
        counts: Counts,
        readout: Readout | None = None,
        energies: Sequence[float] | None = None,
        confidence: float = 0.95,
        seed: int = 7,
    ) -> DickeEstimate:
        """Work of the averaged state, with an interval that covers it; see `estimate_ergotropy`.

        Raises:
            InputError: as there, for cells of different energy, or if not all labels were measured
                and permutations are not a symmetry of the state.
        """
        n = check_counts(counts).n_cells
        if len(set(cell_energies(n, energies))) > 1:
            rule = "the same for all cells in the Dicke scheme (full tomography takes any)"
            raise broken_rule("energies", rule, energies)
        quantum = cell_energies(n, energies)[0]
        request = Request.of(counts, self.settings(n), readout, confidence, seed)
        test = symmetry_test(request.counts, request.readout)
        if test.permutation_p_value < self.level and not self.averages_permutations(n):
            raise InputError(
                f"'counts' must be those of a state that looks the same after permuting cells, but "
                f"{test.contrast} is {test.value:.3g}, {abs(test.sigma):.0f} standard errors from "
                "0: remove local phases, measure all labels of every kind (labels_per_kind) for a "
                "lower bound, or use full tomography."
            )
        labels = self._population_settings(n)
        used = request.counts.select(labels)
        filling = dicke_filling(labels, tuple(used.shots.tolist()), quantum)
        sample = _sample(used, request.readout)
        measured = Measured(filling, sample)
        work = work_interval([measured], request.z, request.rng())
        unmitigated = Measured(filling, _sample(used, request.ideal))
        guaranteed = guarantee(
            sample,
            lambda part: work_weights([Measured(filling, part)], request.z, part),
            request.confidence,
            request.rng(),
        )
        energy = np.tensordot(filling.fixed, filling.weights, 1)
        asymmetric = test.p_value < self.level or not self.phase_test
        return DickeEstimate(
            **request.common(sample, guaranteed),
            scheme=self.name,
            quantity="the work of the state averaged over permutations and turns about Z"
            + (", a lower bound on its work" if asymmetric else ""),
            is_lower_bound=asymmetric,
            value=work.value,
            low=work.low,
            high=work.high,
            method=METHOD,
            plug_in=max(0.0, float(measured.p @ filling.functional(measured.p))),
            raw_value=work_value([unmitigated], request.z, request.rng()),
            energy=linear_interval(sample, energy, request.z).clipped(0.0, n * quantum),
            sectors=sectors(n),
            populations=measured.p.copy(),
            standard_errors=np.sqrt(np.diagonal(measured.covariance)),
            symmetry=test,
            warnings=(*self._warnings(measured, test), *request.warnings()),
        )

    def _population_settings(self, n_cells: int) -> tuple[str, ...]:
        n = check_integer("n_cells", n_cells, at_least=2, at_most=MAX_DICKE_CELLS)
        rng = np.random.default_rng(self.draw_seed)
        labels: list[str] = []
        for kind in kinds(n):
            all_of_kind = list(orbit(kind))
            if len(all_of_kind) > self.labels_per_kind:
                drawn = rng.choice(len(all_of_kind), self.labels_per_kind, replace=False)
                all_of_kind = [all_of_kind[k] for k in sorted(drawn.tolist())]
            labels += all_of_kind
        return tuple(labels)

    def _warnings(self, measured: Measured, test: SymmetryTest) -> tuple[str, ...]:
        found = []
        if test.p_value < self.level:
            found.append(
                f"{test.contrast} is {test.value:.3g}, {abs(test.sigma):.1f} standard errors "
                "from 0, so the state is not symmetric and the value is a lower bound on its work "
                "(local phases between cells do that)."
            )
        elif not self.phase_test:
            found.append(
                "Local phases between the cells were not tested, so the value is a lower bound."
            )
        if measured.sample.readout.n_cells > TESTED_CELLS:
            found.append(
                f"The coverage of the interval was measured up to {TESTED_CELLS} cells, not "
                f"{measured.sample.readout.n_cells}."
            )
        if not measured.positive:
            found.append(
                "A population is negative by many standard errors, so the measurement model is "
                "wrong and the interval cannot be trusted."
            )
        return tuple(found)


def dicke_filling(labels: tuple[str, ...], shots: tuple[int, ...], quantum: float = 1.0) -> Filling:
    """The populations p(j, m) from the shots of these settings, and the levels that they fill."""
    n = len(labels[0])
    inverse: dict[Kind, float] = {}
    for label, number in zip(labels, shots, strict=True):
        inverse[kind_of(label)] = inverse.get(kind_of(label), 0.0) + 1 / number
    size = Counter(kind_of(label) for label in labels)
    effective = {kind: size[kind] ** 2 / inverse[kind] for kind in inverse}
    energies = np.array([quantum * (m + n / 2) for _, m in sectors(n)])
    d = multiplicities(n)
    return Filling(
        weights=population_weights(labels, effective),
        fixed=energies,
        multiplicities=d,
        levels=np.sort(np.repeat(energies, d)),
    )


def _sample(counts: Counts, readout: Readout) -> Sample:
    """The shots, with more caution about what never occurred than a single setting needs."""
    if readout.outcomes != 2:
        return sample_of(counts.table, counts.draws, readout)
    size = Counter(kind_of(label) for label in counts.settings)
    shares = [outcome_shares(label) / size[kind_of(label)] for label in counts.settings]
    return sample_of(counts.table, counts.draws, readout, EXTRA_SHOTS * np.stack(shares))
