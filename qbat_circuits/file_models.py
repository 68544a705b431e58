"""From a pydantic model's complaint to one sentence: the base and the check of every file model."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from qbat_circuits.errors import InputError, did_you_mean, shown


class FileModel(BaseModel):
    """A table of a file that this package defines: strict types, frozen, no unknown keys."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


_Model = TypeVar("_Model", bound=BaseModel)


def validated(model: type[_Model], raw: Any) -> _Model:
    """The model made from a file's content.

    Raises:
        InputError: one sentence on the first thing that is wrong, with its path in the file.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
    # A misspelt key is usually the reason why another one is missing.
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    path = _path(model, first["loc"])
    if first["type"] == "missing":
        raise InputError(f"'{path}' is missing.")
    if first["type"] == "extra_forbidden":
        near = did_you_mean(first["loc"][-1], _fields_at(model, first["loc"][:-1]))
        raise InputError(f"'{path}' is an unknown key{near}.")
    if first["type"] == "model_type":
        raise InputError(f"'{path}' must be a table, not {shown(first['input'])}.")
    if first["type"] == "value_error":
        raise InputError(str(first["ctx"]["error"]))
    # Each member of a union complains by itself.
    rules = [e["msg"].split(", unable")[0] for e in errors if _path(model, e["loc"]) == path]
    rule = " or ".join(rule.replace("Input should be ", "") for rule in dict.fromkeys(rules))
    raise InputError(f"'{path}' must be {rule}, not {shown(first['input'])}.")


def _path(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """``chip.qubits[1]``: a location without pydantic's own labels of a union's members."""
    text, fields = "", list(model.model_fields)
    for i, part in enumerate(location):
        if isinstance(part, int):
            text += f"[{part}]"
        elif part in fields or (i == len(location) - 1 and fields):
            text += f".{part}"
        fields = _fields_at(model, location[: i + 1])
    return text.lstrip(".")


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Field names of the nested model at a location, empty where there is none."""
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = [] if field is None else _models_in(field.annotation)
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
