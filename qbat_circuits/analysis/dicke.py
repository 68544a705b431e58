"""Work from the populations p(j, m) of total spin: few settings, narrow intervals.

Averaging a state over permutations of equal cells and over turns about Z keeps p(j, m) and H_B, and
work is convex, so the work of the averaged state is at most that of the state, and equal to it for
a state with these symmetries. See docs/dicke-scheme.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from qbat_circuits.analysis.estimate import Interval, check_confidence, chosen_readout
from qbat_circuits.analysis.intervals import FOLDS
from qbat_circuits.analysis.population_bounds import PopulationSample, filling
from qbat_circuits.analysis.symmetric_settings import (
    Kind,
    kind_of,
    kinds,
    orbit,
    orbit_size,
    phase_settings,
    sectors,
)
from qbat_circuits.analysis.symmetry_test import SymmetryTest, symmetry_test
from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_integer, check_number
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts

#: Name of the interval's method (docs/dicke-scheme.md).
METHOD = "dicke-convex-bounds"
#: Largest number of cells (the orbits of N letters are listed).
MAX_DICKE_CELLS = 10
#: Largest number of cells for which the coverage of the interval was measured.
TESTED_CELLS = 4
#: Share of the shots for the settings that only test the symmetry.
_TEST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class DickeEstimate:
    """What the populations p(j, m) say about the extractable work, in units of hbar*mean(omega).

    Args:
        value: point estimate: the work of the state averaged over permutations and turns about Z.
        low: lower end of its interval, so also a lower end for the work of the state itself.
        high: upper end of its interval; one for the state itself only if the state is symmetric.
        confidence: probability that the interval covers the work of the averaged state.
        method: name of the interval's method (docs/dicke-scheme.md).
        is_lower_bound: True where the symmetry was refused or not tested: then the value is a
            lower bound on the work of the state, not the work.
        plug_in: work of the estimated populations, mitigated and not projected: biased upward.
        raw_value: the value as if the readout were ideal: without mitigation.
        energy: stored energy with its own interval at the same confidence, for any state.
        sectors: the (j, m) of the populations: j falling from N/2, m rising.
        populations: p(j, m), all multiplicities together: unbiased, possibly negative.
        standard_errors: of the populations.
        symmetry: the test of the symmetry.
        shots: fewest shots of a setting.
        total_shots: shots of all settings that were used.
        seed: seed of the split of the shots.
        origin: where the counts come from.
        readout: the readout that was inverted.
        warnings: sentences that a reader of the value must see.
    """

    value: float
    low: float
    high: float
    confidence: float
    method: str
    is_lower_bound: bool
    plug_in: float
    raw_value: float
    energy: Interval
    sectors: tuple[tuple[float, float], ...]
    populations: FloatArray
    standard_errors: FloatArray
    symmetry: SymmetryTest
    shots: int
    total_shots: int
    seed: int
    origin: str
    readout: ReadoutModel
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.populations, self.standard_errors):
            array.flags.writeable = False


@dataclass(frozen=True)
class DickeScheme:
    """Pauli settings with X and Y an even number of times each, and the work from p(j, m).

    Args:
        labels_per_kind: settings with the same letters on different cells; all of them where there
            are no more. With 6, that is so up to 4 cells; with fewer than all, permutations are
            assumed, not averaged, and an estimate is refused where their test fails.
        phase_test: measure also the labels of X and Y in which X_i Y_j - Y_i X_j shows local
            phases; without them no estimate is called more than a lower bound.
        level: false-alarm probability of the symmetry test, at most.
        draw_seed: seed of the draw of the labels where not all are measured.

    Raises:
        InputError: if an option is out of range.
    """

    labels_per_kind: int = 6
    phase_test: bool = True
    level: float = 0.01
    draw_seed: int = 7

    def __post_init__(self) -> None:
        check_integer("labels_per_kind", self.labels_per_kind, at_least=1)
        if not isinstance(self.phase_test, bool):
            raise broken_rule("phase_test", "True or False", self.phase_test)
        check_number("level", self.level, above=0, below=1)
        check_integer("draw_seed", self.draw_seed, at_least=0)

    def settings(self, n_cells: int) -> tuple[str, ...]:
        """Pauli labels to measure, leftmost letter for cell N-1; their number is the cost.

        Raises:
            InputError: for fewer than 2 or more than `MAX_DICKE_CELLS` cells.
        """
        labels = self._population_settings(n_cells)
        tests = phase_settings(n_cells) if self.phase_test else ()
        return (*labels, *(label for label in tests if label not in labels))

    def shots(self, n_cells: int, total: int) -> dict[str, int]:
        """A good division of the shots: equal for each number of letters Z, then for each kind.

        Settings that only test the symmetry share 5 %. None gets fewer than 5, so the sum may be
        above ``total`` where that is small.
        """
        check_integer("total", total, at_least=1)
        labels = self._population_settings(n_cells)
        tests = self.settings(n_cells)[len(labels) :]
        members: dict[Kind, int] = {}
        for label in labels:
            members[kind_of(label)] = members.get(kind_of(label), 0) + 1
        rest = (1 - _TEST_SHARE if tests else 1) / (n_cells // 2 + 1)
        shares = {
            label: rest / ((a + b) // 2 + 1) / members[a, b, c]
            for label, (a, b, c) in ((label, kind_of(label)) for label in labels)
        } | dict.fromkeys(tests, _TEST_SHARE / max(1, len(tests)))
        return {label: max(FOLDS, round(total * share)) for label, share in shares.items()}

    def averages_permutations(self, n_cells: int) -> bool:
        """Whether every label of every kind is measured, so that any state gets a true bound."""
        return all(orbit_size(kind) <= self.labels_per_kind for kind in kinds(n_cells))

    def estimate(
        self,
        counts: Counts,
        readout: ReadoutModel | None = None,
        confidence: float = 0.95,
        seed: int = 7,
    ) -> DickeEstimate:
        """Work of the averaged state, with an interval that covers it; all cell energies are 1.

        Args:
            counts: counts of `settings` with at least 5 shots each; other settings are not used.
            readout: the readout to invert; by default the one that the counts carry.
            confidence: probability to cover the work of the averaged state, between 0 and 1.
            seed: seed of the split of the shots into parts.

        Raises:
            InputError: if settings are missing, no readout is known, an argument does not fit, or
                not all labels were measured and permutations are not a symmetry of the state.
        """
        if not isinstance(counts, Counts):
            raise broken_rule("counts", "Counts (see Counts.load)", counts)
        n = counts.n_cells
        model = chosen_readout(counts, readout)
        level = check_confidence("confidence", confidence)
        seed = check_integer("seed", seed, at_least=0)
        used = _selected(counts, self.settings(n))
        test = symmetry_test(used, model)
        if test.permutation_p_value < self.level and not self.averages_permutations(n):
            raise InputError(
                f"'counts' must be those of a state that looks the same after permuting cells, but "
                f"{test.contrast} is {test.value:.3g}, {abs(test.sigma):.0f} standard errors from "
                "0: remove local phases, measure all labels of every kind (labels_per_kind) for a "
                "lower bound, or use full tomography."
            )
        labels = self._population_settings(n)
        z = NormalDist().inv_cdf((1 + level) / 2)
        sample = PopulationSample.of(used, labels, model)
        unmitigated = PopulationSample.of(used, labels, ReadoutModel.ideal(n))
        bounds = sample.bounds(z, seed)
        return DickeEstimate(
            value=bounds.value,
            low=bounds.low,
            high=bounds.high,
            confidence=level,
            method=METHOD,
            is_lower_bound=test.p_value < self.level or not self.phase_test,
            plug_in=max(0.0, float(sample.populations @ filling(n, sample.populations))),
            raw_value=unmitigated.bounds(z, seed).value,
            energy=sample.energy(z),
            sectors=sectors(n),
            populations=sample.populations.copy(),
            standard_errors=np.sqrt(np.diagonal(sample.covariance)),
            symmetry=test,
            shots=int(used.shots.min()),
            total_shots=int(used.shots.sum()),
            seed=seed,
            origin=counts.origin,
            readout=model,
            warnings=self._warnings(sample, test),
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

    def _warnings(self, sample: PopulationSample, test: SymmetryTest) -> tuple[str, ...]:
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
        if sample.n_cells > TESTED_CELLS:
            found.append(
                f"The coverage of the interval was measured up to {TESTED_CELLS} cells, not "
                f"{sample.n_cells}."
            )
        if not sample.positive:
            found.append(
                "A population is negative by many standard errors, so the measurement model is "
                "wrong and the interval cannot be trusted."
            )
        return tuple(found)


def _selected(counts: Counts, labels: tuple[str, ...]) -> Counts:
    """The counts of these settings only, each with enough shots to be split."""
    rows = {label: row for row, label in enumerate(counts.settings)}
    missing = [label for label in labels if label not in rows]
    if missing:
        names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise InputError(
            f"'settings' must hold all {len(labels)} settings of the scheme, but {len(missing)} "
            f"are missing: {names}."
        )
    table = counts.table[[rows[label] for label in labels]]
    fewest = int(np.argmin(table.sum(axis=1)))
    if table[fewest].sum() < FOLDS:
        rule = f">= {FOLDS}, because an interval takes shots in {FOLDS} parts"
        raise broken_rule(f"shots of {labels[fewest]}", rule, int(table[fewest].sum()))
    return Counts(n_cells=counts.n_cells, settings=labels, table=table, origin=counts.origin)
