"""Errors that a user can read, and the checks that raise them.

Every message is one sentence with the field, the rule and the value::

    'occupation' must be a finite number >= 0, not -1.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


class QbatError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(QbatError, ValueError):
    """The input breaks a rule; the message names the field, the rule and the value."""


class AccuracyError(QbatError, ArithmeticError):
    """A result failed its own check (trace, positivity, conditioning), so it is not returned."""


def broken_rule(field: str, rule: str, value: object) -> InputError:
    """The error ``'field' must be RULE, not VALUE.``, ready to raise."""
    return InputError(f"'{field}' must be {rule}, not {shown(value)}.")


def shown(value: object) -> str:
    """A value as a short piece of one sentence (long values are cut)."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes out no whole number of more than 4300 digits
        if not isinstance(value, int):
            return f"a {type(value).__name__} with a number of too many digits"
        text = ("-" if value < 0 else "") + shown_size(abs(value))
    return text if len(text) <= 80 else text[:77] + "..."


def shown_size(number: int) -> str:
    """A whole number of any size to three digits, or its power of ten beyond every double."""
    return f"{number:.3g}" if number < 10**300 else f"1e+{math.floor(math.log10(number))}"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`` (did you mean 'a' or 'b'?)`` where a known name is near, else an empty string."""
    text = word if isinstance(word, str) else shown(word)
    near = difflib.get_close_matches(text, list(known), n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(repr(name) for name in near)}?)" if near else ""


def check_choice(field: str, value: object, known: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``known``, else refuse it with the list of known ones."""
    if isinstance(value, str) and value in known:
        return value
    names = ", ".join(repr(name) for name in known)
    raise InputError(
        f"'{field}' must be one of {names}, not {shown(value)}{did_you_mean(value, known)}."
    )


def check_keys(
    what: str, content: Mapping[str, object], required: Sequence[str], optional: Sequence[str] = ()
) -> None:
    """Refuse content with other keys than these, or without a required one."""
    known = (*required, *optional)
    for key in content:
        if key not in known:
            raise InputError(f"{what} has no key {shown(key)}{did_you_mean(key, known)}.")
    for key in required:
        if key not in content:
            raise InputError(f"{what} must have the key '{key}'.")


def check_number(
    field: str,
    value: object,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> float:
    """Return ``value`` as a float if it is a finite real number within the given limits."""
    limits = ((">=", at_least), (">", above), ("<=", at_most), ("<", below))
    rule = "a finite number" + " and".join(f" {s} {x:g}" for s, x in limits if x is not None)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise broken_rule(field, rule, value)
    if isinstance(value, np.complexfloating):
        raise broken_rule(field, rule, value)
    try:
        number = float(value)
    except OverflowError:
        raise broken_rule(field, rule, value) from None
    inside = (
        math.isfinite(number)
        and (at_least is None or number >= at_least)
        and (above is None or number > above)
        and (at_most is None or number <= at_most)
        and (below is None or number < below)
    )
    if not inside:
        raise broken_rule(field, rule, value)
    return number


def check_integer(
    field: str, value: object, *, at_least: int | None = None, at_most: int | None = None
) -> int:
    """Return ``value`` as an int if it is a whole number (no bool) within the given limits."""
    limits = ((">=", at_least), ("<=", at_most))
    rule = "a whole number" + " and".join(f" {s} {x}" for s, x in limits if x is not None)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise broken_rule(field, rule, value)
    number = int(value)
    if (at_least is not None and number < at_least) or (at_most is not None and number > at_most):
        raise broken_rule(field, rule, value)
    return number
