"""[sweep] of an experiment file: axes, each over one scalar field of the experiment."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from qbat_circuits.errors import InputError, broken_rule, check_integer, did_you_mean, shown
from qbat_circuits.file_models import FileModel

#: A value of an axis.
Scalar = bool | int | float | str

#: Most values of one axis.
MAX_AXIS = 1_000_000
#: Field whose values name files.
CALIBRATION = "chip.calibration"
#: Tables that change nothing about the charging of a mode, and what of them does.
_WITHOUT_EFFECT = {"bath": ("measurement", "collision"), "collision": ("measurement",)}
_WITH_EFFECT = {"bath": (), "collision": ("measurement.seed",)}


class SweepAxis(FileModel):
    """One axis of [sweep]: a field and its values, listed or evenly spaced."""

    field: str
    """Dotted name of a scalar field, such as "bath.occupation"."""
    start: float | None = None
    """First of evenly spaced values."""
    stop: float | None = None
    """Last of them."""
    num: int | None = None
    """How many of them."""
    values: list[Scalar] | None = None
    """Listed values, instead of start, stop and num."""

    @model_validator(mode="after")
    def _fits(self) -> SweepAxis:
        spaced = (self.start, self.stop, self.num)
        given = [value is not None for value in spaced]
        if any(given) == (self.values is not None) or any(given) != all(given):
            raise ValueError(
                "An axis of 'sweep' must hold 'field' and either 'values' or all of 'start', "
                "'stop' and 'num'."
            )
        return self


def axis_values(root: type[BaseModel], name: str, axis: SweepAxis, mode: str) -> tuple[Scalar, ...]:
    """The values of an axis, as the field takes them.

    Args:
        root: the schema that the field belongs to.
        name: of the axis.
        axis: field and values.
        mode: of the charging.

    Raises:
        InputError: if there is no such scalar field, or a value is none for it or stands twice.
    """
    annotation = _annotation(root, f"sweep.{name}.field", axis.field, mode)
    raw: list[Any] = list(axis.values or [])
    if axis.num is not None:
        num = check_integer(f"sweep.{name}.num", axis.num, at_least=1, at_most=MAX_AXIS)
        with np.errstate(all="ignore"):  # what overflows is refused below
            raw = np.linspace(axis.start or 0.0, axis.stop or 0.0, num).tolist()
    if not 0 < len(raw) <= MAX_AXIS:
        raise InputError(f"'sweep.{name}.values' must hold 1 to {MAX_AXIS} values, not {len(raw)}.")
    adapter = TypeAdapter[Scalar](annotation, config=ConfigDict(strict=True, allow_inf_nan=False))
    values = tuple(_value(adapter, name, axis.field, value) for value in raw)
    if len(set(values)) < len(values):
        ((double, _),) = Counter(values).most_common(1)
        raise broken_rule(f"sweep.{name}", "an axis without a value twice", double)
    return values


def _value(adapter: TypeAdapter[Scalar], name: str, field: str, value: Scalar) -> Scalar:
    rule = ""
    whole = isinstance(value, float) and value.is_integer()
    for candidate in (value, int(value)) if whole else (value,):
        try:
            found = adapter.validate_python(candidate)
            rule = _no_label(found)
            if not rule:
                return found
        except ValidationError as error:
            rule = error.errors(include_url=False)[0]["msg"].replace("Input should be ", "")
    raise InputError(f"A value of 'sweep.{name}' must be {rule} for '{field}', not {shown(value)}.")


def _no_label(value: Scalar) -> str:
    """The rule that a value breaks which no file of results can hold as a label."""
    if isinstance(value, int) and abs(value) >= 2**63:
        return "a whole number of 64 bits"
    if isinstance(value, str) and not value.isprintable():
        return "a text that can be printed"
    return ""


def _annotation(root: type[BaseModel], what: str, field: str, mode: str) -> Any:
    """Type of a scalar field by its dotted name."""
    known = dict(_fields(root))
    scalars = [path for path, kind in known.items() if _is_scalar(kind)]
    table = field.partition(".")[0]
    without = table in _WITHOUT_EFFECT[mode] and field not in _WITH_EFFECT[mode]
    if field in scalars and (without or field == "charging.mode"):
        raise InputError(
            f"'{what}' must be a field that changes the charging of mode \"{mode}\", not '{field}'."
        )
    if field not in known:
        raise InputError(
            f"'{what}' must be a field of the experiment, not {shown(field)}"
            f"{did_you_mean(field, scalars)}."
        )
    if field not in scalars:
        raise InputError(f"'{what}' must be a scalar field, and {shown(field)} is a table or list.")
    return known[field]


def _fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name and type of every field and table."""
    for name, info in model.model_fields.items():
        yield f"{path}{name}", info.annotation
        for inner in _members(info.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _fields(inner, f"{path}{name}.")


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself."""
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _is_scalar(annotation: Any) -> bool:
    return any(
        member in (bool, int, float, str) or get_origin(member) is Literal
        for member in _members(annotation)
    )
