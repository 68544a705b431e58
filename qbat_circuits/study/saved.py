"""Results read back from their files, whatever command wrote them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qbat_circuits.errors import InputError, check_choice, shown
from qbat_circuits.json_files import read_json
from qbat_circuits.study.results import FORMAT, VERSION

if TYPE_CHECKING:
    import xarray as xr

#: Kinds of results that can be shown.
KINDS: Final = ("run", "collision", "plan")
_CONTENT, _ARRAYS = "result.json", "result.nc"


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result as its files say it.

    Args:
        path: the file that was read.
        kind: one of `KINDS`.
        content: what result.json holds.
        arrays: what result.nc beside it holds; None where there is none.
    """

    path: Path
    kind: str
    content: dict[str, Any]
    arrays: xr.Dataset | None


def load_result(path: str | os.PathLike[str]) -> SavedResult:
    """A result from its folder or from its JSON file.

    Raises:
        InputError: if there is no result, or it is of another version or kind.
    """
    place = Path(path)
    file = place / _CONTENT if place.is_dir() else place
    content = read_json(file, "result")
    name = f"The file {os.fspath(file)!r}"
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{name} holds no result of this package.")
    if content.get("version") != VERSION:
        raise InputError(
            f"{name} must have version {VERSION}, which is what this release reads, not "
            f"{shown(content.get('version'))}."
        )
    kind = check_choice("kind", content.get("kind"), KINDS)
    arrays = file.with_name(_ARRAYS)
    return SavedResult(file, kind, content, _arrays(arrays) if arrays.is_file() else None)


def _arrays(path: Path) -> xr.Dataset:
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            return dataset.load()
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"The file {os.fspath(path)!r} is no NetCDF file of a result: {type(error).__name__}."
        ) from None
