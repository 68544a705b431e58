"""How the collective bath changes in time: a factor of its rate, and its occupation.

kappa(t) = kappa * rate(t) and n(t) = occupation(t): the ramp of a noise source, a coupler that
closes with a finite edge. Local noise and detunings stay as they are. Times are in the inverse unit
of the battery's rates. See docs/physics.md, section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import InputError, broken_rule, check_number

#: A constant, a table over `times`, or a function of time.
Course = float | Sequence[float] | Callable[[float], float]


@dataclass(frozen=True)
class Envelope:
    """A bath whose rate and occupation change in time.

    Args:
        rate: factor of kappa, >= 0: a constant, a table over ``times`` (linear in between, constant
            beyond the ends) or a function t -> number.
        occupation: n(t) >= 0, likewise; None for the bath's own.
        times: times of the tables, strictly rising.
        breakpoints: times at which a function is not smooth, so that no integration steps over
            them. Those of the tables are added. Between them a function is looked at 4097 times:
            name breakpoints around a pulse that is shorter than 1/1000 of that time.

    Raises:
        InputError: for a value out of its range, or a table that does not fit its times.
    """

    rate: Course = 1.0
    occupation: Course | None = None
    times: Sequence[float] | None = None
    breakpoints: Sequence[float] = ()

    def __post_init__(self) -> None:
        times = None if self.times is None else _rising("times", self.times)
        if times == ():
            raise broken_rule("times", "a list of at least one number", self.times)
        rate = _course("rate", self.rate, times)
        occupation = None
        if self.occupation is not None:
            occupation = _course("occupation", self.occupation, times)
        marks = _rising("breakpoints", self.breakpoints)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "occupation", occupation)
        object.__setattr__(self, "breakpoints", tuple(sorted({*marks, *(times or ())})))

    @classmethod
    def table(
        cls,
        times: Sequence[float],
        rate: Sequence[float] | None = None,
        occupation: Sequence[float] | None = None,
    ) -> Envelope:
        """Values at given times, linear in between and constant beyond the ends."""
        return cls(1.0 if rate is None else rate, occupation, times)

    @classmethod
    def ramp(cls, start: float, stop: float, from_: float = 0.0, to: float = 1.0) -> Envelope:
        """The rate goes from one factor to another on a straight line from start to stop."""
        return cls.table((start, stop), rate=(from_, to))

    @classmethod
    def closing(cls, at: float, edge: float) -> Envelope:
        """A coupler that closes on a straight line of length ``edge`` > 0 around ``at``."""
        at = check_number("at", at)
        half = check_number("edge", edge, above=0) / 2
        return cls.ramp(at - half, at + half, from_=1.0, to=0.0)

    def rate_at(self, t: float | FloatArray) -> FloatArray:
        """Factor of kappa at one or many times.

        Raises:
            InputError: if a function returns what is no finite number >= 0.
        """
        return self._values("rate", self.rate, t)

    def occupation_at(self, t: float | FloatArray, bath_occupation: float) -> FloatArray:
        """n(t) at one or many times; the bath's own where no occupation is given.

        Raises:
            InputError: if a function returns what is no finite number >= 0.
        """
        course = bath_occupation if self.occupation is None else self.occupation
        return self._values("occupation", course, t)

    def constant_between(self, start: float, stop: float) -> bool:
        """Whether nothing changes from start to stop; never said of a function."""
        if callable(self.rate) or callable(self.occupation):
            return False
        inside = [t for t in self.breakpoints if start < t < stop]
        t = np.array([start, *inside, stop])
        values = self.rate_at(t), self.occupation_at(t, 0.0)
        return all(bool(np.all(v == v[0])) for v in values)

    def _values(self, field: str, course: Course, t: float | FloatArray) -> FloatArray:
        at = np.asarray(t, dtype=np.float64)
        if callable(course):
            found = [_number(field, course(float(x)), float(x)) for x in at.reshape(-1)]
            return np.array(found).reshape(at.shape)
        if isinstance(course, tuple):
            return np.asarray(np.interp(at, np.array(self.times), course))
        return np.full(at.shape, course)


def _course(field: str, value: Any, times: tuple[float, ...] | None) -> Any:
    if callable(value) or isinstance(value, (int, float, np.number)):
        return value if callable(value) else check_number(field, value, at_least=0)
    numbers = _numbers(field, "a number, a list of numbers or a function", value)
    for one in numbers:
        check_number(field, one, at_least=0)
    if times is None or len(numbers) != len(times):
        raise InputError(
            f"'{field}' must hold one number per time ({len(times or ())}), not {len(numbers)}."
        )
    return numbers


def _rising(field: str, values: Any) -> tuple[float, ...]:
    numbers = _numbers(field, "a list of numbers", values)
    if any(b <= a for a, b in pairwise(numbers)):
        raise broken_rule(field, "strictly rising", list(numbers))
    return numbers


def _numbers(field: str, rule: str, values: Any) -> tuple[float, ...]:
    given = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise broken_rule(field, rule, values)
    return tuple(check_number(field, one) for one in given)


def _number(field: str, value: Any, t: float) -> float:
    try:
        return check_number(field, float(value), at_least=0)
    except (TypeError, ValueError):
        raise InputError(
            f"'{field}' must be a finite number >= 0 at every time, not {value!r} at {t:g}."
        ) from None
