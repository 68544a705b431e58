"""Ratios, power and times from the plain arrays of a charging curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, check_number

#: Energies at or below this (units of hbar*mean(omega)) are round-off; no ratio is taken to them.
ENERGY_FLOOR = 1e-12

Numbers = Sequence[float] | FloatArray


@dataclass(frozen=True)
class OptimumReadings:
    """The three readings of "approaching the many-body optimum" (docs/physics.md, section 8).

    Attributes:
        efficiency: W/E; 1 where all stored energy is work.
        many_copy: W/(E - E_Gibbs(S)); 1 where one copy yields what many copies yield.
        per_cell: W/N in units of hbar*mean(omega); at most 1/2 from a hot collective bath.

    The first two are nan where their denominator is zero.
    """

    efficiency: float
    many_copy: float
    per_cell: float


def ratio(work: Numbers | float, reference: Numbers | float) -> FloatArray:
    """work / reference elementwise, nan where the reference is zero up to round-off."""
    w, e = np.broadcast_arrays(
        np.asarray(work, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    )
    filled = e > ENERGY_FLOOR
    return np.asarray(np.where(filled, w / np.where(filled, e, 1.0), np.nan))


def power(times: Numbers, ergotropy: Numbers) -> FloatArray:
    """Charging power dW/dt at each saved time, shape (T,).

    Second-order differences on the curve's own grid, even or not, ends included.

    Args:
        times: strictly rising, shape (T,) with T >= 3.
        ergotropy: W at these times, shape (T,).

    Raises:
        InputError: for arrays that are no curve.
    """
    t, w = _curve(times, ergotropy, at_least=3)
    return np.asarray(np.gradient(w, t, edge_order=2))


def mean_power(times: Numbers, ergotropy: Numbers) -> FloatArray:
    """Mean power W(t)/t since t = 0, shape (T,); nan at t = 0.

    A start that holds work counts as charged: pass W - W(0) for what charging alone delivers.
    """
    t, w = _curve(times, ergotropy)
    return np.asarray(np.where(t > 0, w / np.where(t > 0, t, 1.0), np.nan))


def charging_time(times: Numbers, ergotropy: Numbers, share: float = 0.9) -> float:
    """t90: first time at which W reaches a share (0.9) of the curve's largest value.

    Straight lines between saved times; nan for a curve without work.

    Args:
        times: strictly rising, shape (T,).
        ergotropy: W at these times, shape (T,).
        share: between 0 and 1.
    """
    t, w = _curve(times, ergotropy)
    share = check_number("share", share, above=0, at_most=1)
    if w.max() <= ENERGY_FLOOR:
        return float("nan")
    level = share * w.max()
    i = int(np.argmax(w >= level))
    if i == 0:
        return float(t[0])
    return float(t[i - 1] + (t[i] - t[i - 1]) * (level - w[i - 1]) / (w[i] - w[i - 1]))


def _curve(times: Numbers, values: Numbers, at_least: int = 1) -> tuple[FloatArray, FloatArray]:
    t, w = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != w.shape or len(t) < at_least:
        raise InputError(
            f"'times' and 'ergotropy' must be lists of one length >= {at_least}, not of shapes "
            f"{t.shape} and {w.shape}."
        )
    if not (np.all(np.isfinite(t)) and np.all(np.isfinite(w)) and np.all(np.diff(t) > 0)):
        raise InputError("'times' must be finite and strictly rising, and 'ergotropy' finite.")
    return t, w
