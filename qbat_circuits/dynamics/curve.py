"""What `charge` returns: the curve of a charging battery, and the window around its peak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.schur import populations_of
from qbat_circuits.errors import check_number
from qbat_circuits.limits import MAX_DENSE_CELLS
from qbat_circuits.markup import Markup, facts
from qbat_circuits.symmetric.sectors_jm import sector_weights

if TYPE_CHECKING:
    from qbat_circuits.envelope import Envelope

#: Trace, Hermiticity and positivity hold to this along every curve, or it is an error.
STATE_LIMIT = 1e-9


@dataclass(frozen=True)
class Plateau:
    """The time window around the peak in which W >= share * max W, on the curve's own grid.

    Attributes:
        peak_time, peak_ergotropy: the saved time of largest ergotropy (the best charging time).
        start, stop: ends of the window; a grid end where the curve has not crossed the share, and
            both the peak's time where there is no work.
        share: the chosen share of the peak.
        stops_inside: False if the curve ends before the window does.
    """

    peak_time: float
    peak_ergotropy: float
    start: float
    stop: float
    share: float
    stops_inside: bool


@dataclass(frozen=True, eq=False)
class ChargingCurve:
    """Result of `charge`: what the battery holds at each saved time.

    Attributes:
        battery: the model.
        times: shape (T,), in the inverse unit of the battery's rates.
        energy: E(t) = Tr[rho H_B], shape (T,), units of hbar*mean(omega).
        ergotropy: W(t), shape (T,), same units.
        engine: name of the engine that made it.
        tolerance: integration tolerance; 0 for an exact engine.
        make_states: makes the density matrices when `states` is first asked for.
        populations: p(j, m) at each time, shape (T, n_states), in the order of
            `symmetric.sectors_jm.states_jm`; None unless the engine is "symmetric".
        envelope: how the bath's rates changed in time; None where they did not.
    """

    battery: Battery
    times: FloatArray
    energy: FloatArray
    ergotropy: FloatArray
    engine: str
    tolerance: float
    make_states: Callable[[], ComplexArray] = field(repr=False)
    populations: FloatArray | None = field(default=None, repr=False)
    envelope: Envelope | None = None

    def __post_init__(self) -> None:
        for array in (self.times, self.energy, self.ergotropy, self.populations):
            if array is not None:
                array.flags.writeable = False

    @cached_property
    def states(self) -> ComplexArray:
        """Density matrices, shape (T, d^N, d^N), little-endian; read-only.

        Raises:
            InputError: for more than 10 cells, or more memory than is allowed.
        """
        states = self.make_states()
        states.flags.writeable = False
        return states

    @property
    def sector_weights(self) -> dict[float, FloatArray]:
        """P_j at each time by total spin j, each of shape (T,); two-level cells."""
        n = self.battery.n_cells
        populations = self.populations
        if populations is None and n > MAX_DENSE_CELLS:  # on the ladder, where j = N/2
            return {n / 2: np.ones(len(self.times))}
        if populations is None:
            populations = np.array([populations_of(state) for state in self.states])
        weights = [sector_weights(n, row) for row in populations]
        return {n / 2 - a: column for a, column in enumerate(np.array(weights).T)}

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        window, best = self.plateau(), self.best
        shown = {
            "cells": self.battery.n_cells,
            "times": f"{len(self.times)} from {self.times[0]:.4g} to {self.times[-1]:.4g}",
            "best time": f"{self.times[best]:.4g}",
            "ergotropy there": f"{self.ergotropy[best]:.4f} ħω̄",
            "stored energy there": f"{self.energy[best]:.4f} ħω̄",
            f"W ≥ {window.share:.0%} of it": f"{window.start:.4g} to {window.stop:.4g}",
            "engine": self.engine,
        }
        return facts("Charging curve", shown.items())

    @property
    def ergotropy_gain(self) -> FloatArray:
        """W(t) - W(0): what charging added where the first saved state already held work."""
        return np.asarray(self.ergotropy - self.ergotropy[0])

    @property
    def best(self) -> int:
        """Index of the best charging time: the first at which W is its largest up to round-off."""
        return int(np.argmax(self.ergotropy >= self.ergotropy.max() - STATE_LIMIT))

    def plateau(self, share: float = 0.9) -> Plateau:
        """Window [start, stop] around the peak where W stays above a share of its largest value."""
        share = check_number("share", share, above=0, at_most=1)
        t, w = self.times, self.ergotropy
        peak = self.best
        level = share * w[peak]
        if w[peak] <= STATE_LIMIT:  # no work, so no window in which it stays
            now = float(t[peak])
            return Plateau(now, float(w[peak]), now, now, share, stops_inside=True)
        first = last = peak
        while first > 0 and w[first - 1] >= level:
            first -= 1
        while last < len(w) - 1 and w[last + 1] >= level:
            last += 1
        return Plateau(
            peak_time=float(t[peak]),
            peak_ergotropy=float(w[peak]),
            start=_crossing(t, w, level, first - 1, first) if first > 0 else float(t[0]),
            stop=_crossing(t, w, level, last, last + 1) if last < len(w) - 1 else float(t[-1]),
            share=share,
            stops_inside=last < len(w) - 1,
        )


def _crossing(t: FloatArray, w: FloatArray, level: float, a: int, b: int) -> float:
    """Time at which the straight line between two saved points crosses a level."""
    return float(t[a] + (t[b] - t[a]) * (level - w[a]) / (w[b] - w[a]))
