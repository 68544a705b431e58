"""The readings of the abstract against the same counts (docs/physics.md, section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from qbat_circuits.pair_readout import Readout
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.study.fit import DEFAULT_FREE, Fit, fit_counts
from qbat_circuits.study.fit_models import Reading


@dataclass(frozen=True, eq=False)
class ReadingsTable:
    """One fit for each reading, in the order of `Reading`.

    Args:
        fits: without intervals.
        nested_p_value: of a likelihood ratio as large as that of "thermal" to "same-temperature",
            if n_l = n: chi-square with one degree of freedom; None where n_l was not fitted.
    """

    fits: tuple[Fit, ...]
    nested_p_value: float | None

    @property
    def best(self) -> Fit:
        """The fit of lowest AIC."""
        return min(self.fits, key=lambda fit: fit.aic)

    @property
    def weights(self) -> tuple[float, ...]:
        """Akaike weights, exp(-(AIC - lowest)/2) over their sum."""
        rises = np.array([fit.aic - self.best.aic for fit in self.fits])
        shares = np.exp(-rises / 2)
        return tuple((shares / shares.sum()).tolist())

    def to_dict(self) -> dict[str, Any]:
        """As JSON content."""
        return {
            "best": self.best.reading.value,
            "nested_p_value": self.nested_p_value,
            "readings": [
                {**fit.to_dict(), "akaike_weight": weight}
                for fit, weight in zip(self.fits, self.weights, strict=True)
            ],
        }


def compare_readings(
    times: Sequence[float],
    counts: Sequence[Counts],
    free: Sequence[str] | None = None,
    fixed: Mapping[str, float] | None = None,
    readout: Readout | None = None,
    seed: int = 7,
    initial_population: float = 0.0,
) -> ReadingsTable:
    """Fit every reading to the same counts.

    Args:
        times, counts, readout, seed, initial_population: see `fit_counts`.
        free, fixed: the same; a reading leaves out the parameters that it does not have, and the
            phase of the squeezed jump is always fitted unless it is fixed.

    Raises:
        InputError: naming the argument, the rule and the value.
    """
    held = dict(fixed or {})
    wanted = None if free is None else [*free, "phase"]
    fits = []
    for reading in Reading:
        own = {name: v for name, v in held.items() if name in reading.parameters}
        chosen = [n for n in (wanted or DEFAULT_FREE) if n in reading.parameters and n not in own]
        fits.append(
            fit_counts(
                times,
                counts,
                list(dict.fromkeys(chosen)),
                own,
                reading,
                readout,
                seed=seed,
                initial_population=initial_population,
                intervals=False,
            )
        )
    by_name = {fit.reading: fit for fit in fits}
    whole, part = by_name[Reading.THERMAL], by_name[Reading.SAME_TEMPERATURE]
    ratio = 2 * (whole.log_likelihood - part.log_likelihood)
    p_value = float(chi2.sf(max(ratio, 0.0), 1)) if "n_l" in whole.parameters else None
    return ReadingsTable(tuple(fits), p_value)
