"""From a pydantic model's complaint to one sentence: the base and the check of every file model."""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from qbat_circuits.errors import InputError, did_you_mean, shown

#: Most broken rules of one file that are looked at.
MAX_ERRORS = 10_000


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
        if failure.error_count() > MAX_ERRORS:  # their list would fill the memory
            raise InputError(f"more than {MAX_ERRORS} of its values break a rule.") from None
        errors = failure.errors(include_url=False)
    # A misspelt key is usually the reason why another one is missing.
    place = min(range(len(errors)), key=lambda i: errors[i]["type"] != "extra_forbidden")
    first = errors[place]
    path, known = _where(model, first["loc"])
    if first["type"] == "missing":
        raise InputError(f"'{path}' is missing.")
    if first["type"] == "extra_forbidden":
        near = did_you_mean(first["loc"][-1], known)
        raise InputError(f"'{path}' is an unknown key{near}.")
    if first["type"] == "model_type":
        raise InputError(f"'{path}' must be a table, not {shown(first['input'])}.")
    if first["type"] == "value_error":
        raise InputError(str(first["ctx"]["error"]))
    if first["type"] == "too_long":
        most, number = first["ctx"]["max_length"], first["ctx"]["actual_length"]
        raise InputError(f"'{path}' must hold at most {most} entries, not {number}.")
    # Each member of a union complains by itself, one after another.
    beside = errors[place : place + 20]
    rules = [e["msg"].split(", unable")[0] for e in beside if _where(model, e["loc"])[0] == path]
    rule = " or ".join(rule.replace("Input should be ", "") for rule in dict.fromkeys(rules))
    raise InputError(f"'{path}' must be {rule}, not {shown(first['input'])}.")


def _where(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, list[str]]:
    """``chip.qubits[1]`` and the field names known beside its last part.

    pydantic's own labels of a union's members are left out of the path.
    """
    path = ""
    here: type[BaseModel] | None = model
    known: list[str] = []
    is_key = False  # the next part is the key of a dict
    for i, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif is_key:
            path, is_key = f"{path}.{_plain(part)}", False
        elif here is not None and (part in here.model_fields or i == len(location) - 1):
            path, known = f"{path}.{_plain(part)}", list(here.model_fields)
            annotation = here.model_fields[part].annotation if part in known else None
            is_key = get_origin(annotation) is dict
            here = next(iter(_models_in(annotation)), None)
    return path.lstrip("."), known


def _plain(key: str) -> str:
    """A file's own key as a short piece of one line, without what a terminal would obey."""
    text = repr(key)[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
