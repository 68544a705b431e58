"""Results read back from their files, whatever command wrote them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qbat_circuits.errors import InputError, QbatError, check_choice, shown
from qbat_circuits.json_files import read_json
from qbat_circuits.study.netcdf import read_netcdf
from qbat_circuits.study.results import FORMAT, VERSION
from qbat_circuits.study.sweep_export import sweep_dataset

if TYPE_CHECKING:
    import xarray as xr

#: Kinds of results that are read back.
KINDS: Final = ("run", "collision", "plan", "comparison", "fit", "sweep")
#: What a result folder may hold, the store of a sweep before its export: it is never behind.
_FILES: Final = (
    ("result.json",),
    ("plan.json",),
    ("comparison.json",),
    ("fit.json",),
    ("sweep.sqlite", "sweep.nc"),
)
_ARRAYS, _STORE, _NETCDF = "result.nc", ".sqlite", ".nc"


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result as its files say it.

    Args:
        path: the file that was read.
        kind: one of `KINDS`.
        content: what its JSON file holds; of a sweep, its attributes.
        arrays: what result.nc beside it holds, or the sweep itself; None where there is none.
    """

    path: Path
    kind: str
    content: dict[str, Any]
    arrays: xr.Dataset | None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Whatever is missed inside is missing in the file, which somebody may have changed.

        Raises:
            InputError: naming the file, and what is missing.
        """
        try:
            yield
        except QbatError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            missing = error.args[0] if isinstance(error, KeyError) else None
            why = "a part of it has another form"
            if isinstance(missing, str):
                why = f"{shown(missing)} is missing"
            raise InputError(
                f"The file {os.fspath(self.path)!r} is no whole result: {why}."
            ) from None


def load_result(path: str | os.PathLike[str]) -> SavedResult:
    """A result from its folder or from one of its files.

    Args:
        path: a folder that `qbat run`, `plan`, `compare` or `sweep` wrote; a JSON file of theirs; a
            sweep's .nc or its .sqlite, which may be running.

    Raises:
        InputError: if there is no result, more than one, or it is of another version or kind.
    """
    file = _found(Path(path))
    if file.suffix == _STORE:
        return _sweep(file, sweep_dataset(file))
    if file.suffix == _NETCDF:
        return _sweep(file, read_netcdf(file))
    content = read_json(file, "result")
    _check(file, content)
    kind = check_choice("kind", content.get("kind"), KINDS[:-1])
    arrays = file.with_name(_ARRAYS)
    beside = kind in ("run", "collision") and arrays.is_file()
    return SavedResult(file, kind, content, read_netcdf(arrays) if beside else None)


def _found(place: Path) -> Path:
    """The one file of a result that a path means."""
    if not place.is_dir():
        return place
    found = [
        next(place / name for name in names if (place / name).is_file())
        for names in _FILES
        if any((place / name).is_file() for name in names)
    ]
    name = f"The folder {os.fspath(place)!r}"
    if not found:
        known = ", ".join(name for names in _FILES for name in names)
        raise InputError(f"{name} holds no result: there is none of {known}.")
    if len(found) > 1:
        held = ", ".join(file.name for file in found)
        raise InputError(f"{name} holds {len(found)} results, {held}: name one of the files.")
    return found[0]


def _check(file: Path, content: Any) -> None:
    name = f"The file {os.fspath(file)!r}"
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{name} holds no result of this package.")
    if content.get("version") != VERSION or content["version"] is True:
        raise InputError(
            f"{name} must have version {VERSION}, which is what this release reads, not "
            f"{shown(content.get('version'))}."
        )


def _sweep(file: Path, data: xr.Dataset) -> SavedResult:
    """A sweep as its dataset says it."""
    content: dict[str, Any] = {str(name): value for name, value in data.attrs.items()}
    try:
        content["version"] = int(content.get("version", ""))
        for name in ("hypothetical", "experiment", "axes", "versions"):
            content[name] = json.loads(content[name])
    except (KeyError, TypeError, ValueError, RecursionError):
        content.pop("format", None)  # what does not keep to the format has none
    _check(file, content)
    check_choice("kind", content.get("kind"), ("sweep",))
    return SavedResult(file, "sweep", content, data)
