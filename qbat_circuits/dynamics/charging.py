"""charge(): energy, ergotropy and states along the charging of a battery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from qbat_circuits.battery import Battery
from qbat_circuits.cells import ComplexArray, FloatArray
from qbat_circuits.dynamics.initial_states import initial_density_matrix
from qbat_circuits.errors import AccuracyError, InputError, check_choice, check_number, shown_size
from qbat_circuits.thermodynamics import linear_energy

#: Trace, Hermiticity and positivity hold to this along every curve, or it is an error.
STATE_LIMIT = 1e-9
#: A run that would need more memory than this is refused before anything is allocated.
MEMORY_LIMIT_BYTES = 4 * 2**30


class Engine(StrEnum):
    """How a battery is charged; "auto" is the cheapest exact engine."""

    AUTO = "auto"
    PROPAGATOR = "propagator"
    QISKIT_DYNAMICS = "qiskit-dynamics"


@dataclass(frozen=True)
class Plateau:
    """The time window around the peak in which W >= share * max W, on the curve's own grid.

    Attributes:
        peak_time, peak_ergotropy: the saved time of largest ergotropy (the best charging time).
        start, stop: ends of the window; a grid end where the curve has not crossed the share.
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
        states: density matrices, shape (T, 2^N, 2^N), little-endian.
        engine: name of the engine that made it.
        tolerance: integration tolerance; 0 for an exact engine.
    """

    battery: Battery
    times: FloatArray
    energy: FloatArray
    ergotropy: FloatArray
    states: ComplexArray
    engine: str
    tolerance: float

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


def charge(
    battery: Battery,
    times: Sequence[float] | FloatArray,
    initial_state: Any = "ground",
    engine: Engine | str = Engine.AUTO,
    tolerance: float = 1e-10,
) -> ChargingCurve:
    """Charge a battery and return energy, ergotropy and state at each time.

    Solves the master equation of docs/physics.md, section 2.

    Args:
        battery: the model.
        times: times >= 0, strictly rising, in the inverse unit of the rates; the start is at 0.
        initial_state: "ground", "thermal", a bit string or a density matrix.
        engine: "auto", "propagator" (scipy, exact) or "qiskit-dynamics".
        tolerance: relative and absolute tolerance of "qiskit-dynamics".

    Raises:
        InputError: for an impossible argument, or a run that would not fit in memory (with the
            bytes it would need).
        AccuracyError: if a state is not a state to 1e-9; nothing is clipped.
    """
    grid = _checked_times(times)
    chosen = Engine(check_choice("engine", engine, [e.value for e in Engine]))
    tolerance = check_number("tolerance", tolerance, above=0, at_most=1e-3)
    check_memory(battery.n_cells, len(grid))
    start = initial_density_matrix(battery, initial_state)
    if chosen is Engine.QISKIT_DYNAMICS:
        from qbat_circuits.dynamics.lindblad import integrate

        states = integrate(battery, start, grid, tolerance)
    else:
        from qbat_circuits.dynamics.propagator import propagate

        chosen, tolerance = Engine.PROPAGATOR, 0.0
        states = propagate(battery, start, grid)
    energy, ergotropy = checked_quantities(states, battery.level_energies(), STATE_LIMIT)
    for array in (grid, energy, ergotropy, states):
        array.flags.writeable = False
    return ChargingCurve(battery, grid, energy, ergotropy, states, chosen.value, tolerance)


def check_memory(n_cells: int, n_times: int) -> None:
    """Refuse a dense run that would need more than `MEMORY_LIMIT_BYTES`, before allocating.

    Counts saved states with their working copies (40 bytes an element) and three copies of the
    sparse generator (at most 2 N^2 + 2 N + 1 elements a column, 24 bytes each).
    """
    elements = 4**n_cells
    needed = elements * (40 * n_times + 72 * (2 * n_cells**2 + 2 * n_cells + 1))
    if needed > MEMORY_LIMIT_BYTES:
        raise InputError(
            f"'n_cells' must be small enough for dense states: {n_cells} cells with {n_times} "
            f"saved times need about {shown_size(needed)} bytes, more than "
            f"{MEMORY_LIMIT_BYTES:.3g}; use fewer cells (8 fit with 200 times) or fewer saved "
            "times."
        )


def _checked_times(times: Sequence[float] | FloatArray) -> FloatArray:
    try:
        grid = np.array(times, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("'times' must be a list of numbers.") from None
    if grid.ndim != 1 or grid.size == 0:
        raise InputError(f"'times' must be a non-empty list of numbers, not of shape {grid.shape}.")
    if not np.all(np.isfinite(grid)) or grid[0] < 0 or np.any(np.diff(grid) <= 0):
        raise InputError("'times' must be finite, >= 0 and strictly rising.")
    return grid


def checked_quantities(
    states: ComplexArray, levels: FloatArray, limit: float
) -> tuple[FloatArray, FloatArray]:
    """Energy and ergotropy of every state, after checking that each is one."""
    trace = np.abs(np.trace(states, axis1=1, axis2=2) - 1.0).max()
    skew = np.abs(states - np.conj(np.swapaxes(states, 1, 2))).max()
    # Without detuning the states are real, and their spectra four times cheaper.
    spectra = np.linalg.eigvalsh(states if states.imag.any() else states.real)
    for what, size in (("trace", trace), ("Hermiticity", skew), ("positivity", -spectra.min())):
        if not size <= limit:
            raise AccuracyError(
                f"The solution violates {what} by {size:.3g}, more than {limit:g}: "
                "tighten 'tolerance', save shorter times or use another engine."
            )
    energy = linear_energy(states, levels)
    return energy, np.maximum(energy - spectra[:, ::-1] @ np.sort(levels), 0.0)


def _crossing(t: FloatArray, w: FloatArray, level: float, a: int, b: int) -> float:
    """Time at which the straight line between two saved points crosses a level."""
    return float(t[a] + (t[b] - t[a]) * (level - w[a]) / (w[b] - w[a]))
