"""How far a figure may go before a planned experiment misses its goal, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.study.prediction import NOTHING, Change, Prediction

#: Values that are looked at from the plan outwards, and halvings of the step in which a limit lies.
_LOOKS, _HALVINGS = 24, 12
#: Largest factor by which a figure is taken away from the plan.
_FARTHEST: Final = 1e3
#: Relative step of the elasticities.
_STEP: Final = 0.05


@dataclass(frozen=True)
class Margin:
    """How far one figure may go before the goal is missed, all else as planned.

    Args:
        name: what it is.
        now: its value in the plan.
        limit: value at which the goal is just reached; None where no value changes that.
        unit: of both, as text.
    """

    name: str
    now: float
    limit: float | None
    unit: str


@dataclass(frozen=True)
class Figure:
    """A figure that may be taken away from the plan.

    Args:
        name, unit: in words.
        now: its value in the plan.
        worst, best: values between which a limit is looked for.
        change: the change that gives it a value.
    """

    name: str
    unit: str
    now: float
    worst: float
    best: float
    change: Callable[[float], Change]


def scaled_figure(name: str, unit: str, now: float, field: str, inverse: bool = False) -> Figure:
    """A figure that a factor of `Change` scales; ``inverse`` where it falls as the factor rises."""

    def change(value: float) -> Change:
        factor = value / now if now else 1.0
        factors: dict[str, float] = {field: 1 / factor if inverse else factor}
        return replace(NOTHING, **factors)

    return Figure(name, unit, now, now * _FARTHEST, now / _FARTHEST, change)


def needed_work(needed: float, planned: ReadoutModel, readout: ReadoutModel) -> float:
    """Least work that the planned shots tell from 0 through another readout.

    Standard errors go with the inverse of the product of the contrasts.
    """
    return needed * contrast(planned) / contrast(readout)


def contrast(readout: ReadoutModel) -> float:
    """Product of 1 - P(1|0) - P(0|1) over the cells."""
    return float(np.prod([1 - a[1, 0] - a[0, 1] for a in readout.assignment]))


def margin_of(figure: Figure, prediction: Prediction, needed: float) -> Margin:
    """The value of a figure at which the goal is just reached.

    It is looked for on the worse side of the plan where the plan reaches the goal, and on the
    better side where it does not, from the plan outwards: the first change counts.
    """
    planned = prediction.readout()

    def reached(value: float) -> bool:
        """Whether the goal is reached with this value of the figure."""
        change = figure.change(value)
        try:
            return prediction.work(change) >= needed_work(
                needed, planned, prediction.readout(change)
            )
        except InputError:  # a readout no better than a coin, a bath that is none
            return False

    good = reached(figure.now)
    inside = figure.now
    for outside in _steps(figure.now, figure.worst if good else figure.best):
        if reached(outside) != good:
            break
        inside = outside
    else:
        return Margin(figure.name, figure.now, None, figure.unit)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if reached(middle) == good:
            inside = middle
        else:
            outside = middle
    return Margin(figure.name, figure.now, float(inside + outside) / 2, figure.unit)


def _steps(now: float, end: float) -> list[float]:
    """Values from the plan outwards, in equal ratios where both ends have one."""
    if now == end:
        return []
    if now > 0 and end > 0:
        return list(np.geomspace(now, end, _LOOKS + 1)[1:])
    if now == 0 and end > 1:
        return list(np.geomspace(end / _FARTHEST**2, end, 2 * _LOOKS))
    return list(np.linspace(now, end, _LOOKS + 1)[1:])


def elasticity(prediction: Prediction, field: str) -> float:
    """d ln W / d ln x of a factor of `Change`; 0 where there is no work."""
    up, down = (
        prediction.work(replace(NOTHING, **{field: factor})) for factor in (1 + _STEP, 1 - _STEP)
    )
    if min(up, down) <= 0:
        return 0.0
    return float((np.log(up) - np.log(down)) / (np.log1p(_STEP) - np.log1p(-_STEP)))
