"""The points of a sweep: an experiment with some fields replaced, and the key of each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from qbat_circuits.calibration import Calibration, load_calibration
from qbat_circuits.errors import InputError, broken_rule
from qbat_circuits.file_models import validated
from qbat_circuits.json_files import canonical_sha256
from qbat_circuits.schema import Experiment
from qbat_circuits.sweep_schema import CALIBRATION, Scalar, SweepAxis, axis_values

#: What is kept of a point in each mode, with the unit and the long name of an export.
VARIABLES = {
    "bath": {
        "ergotropy": ("energy", "largest ergotropy over the saved times"),
        "energy": ("energy", "stored energy at that time"),
        "peak_time": ("time", "saved time of largest ergotropy"),
        "plateau_start": ("time", "start of the window with 90 % of the largest ergotropy"),
        "plateau_stop": ("time", "end of the window with 90 % of the largest ergotropy"),
        "last_ergotropy": ("energy", "ergotropy at the last saved time"),
        "steady_ergotropy": ("energy", "ergotropy after a long time, where it is determined"),
    },
    "collision": {
        "ergotropy": ("energy", "ergotropy of the noisy cells when the last collision ends"),
        "energy": ("energy", "stored energy at that time"),
        "from_correlations": ("energy", "part of the ergotropy that correlations hold"),
        "ideal_ergotropy": ("energy", "ergotropy after the same circuit on perfect gates"),
        "chosen_theta": ("angle", "angle of the partial swaps, given or found"),
        "chosen_collisions": ("number", "number of collisions, given or found"),
        "two_qubit_gates": ("number", "two-qubit gates of the whole circuit"),
        "duration": ("time", "duration of the whole circuit without the measurement"),
    },
}
#: Names that no axis may have.
_TAKEN = {"state", "failure"}.union(*VARIABLES.values())
#: What of [measurement] changes an answer: the seed of the search for a circuit.
_MEASUREMENT = {"bath": None, "collision": {"seed"}}
#: Part of every key: raised where the meaning of a stored point changes.
FORMAT_VERSION = 1
#: Most points of a sweep.
MAX_POINTS = 10_000_000


@dataclass(frozen=True)
class PointResult:
    """What became of one point.

    Attributes:
        point: its index, in C order of the axes.
        values: in the order of `VARIABLES`; None where it failed.
        failure: the sentence; None where it did not.
        seconds: what it took.
        lost: whether it failed for want of a worker or of memory, which is no answer: the next
            start tries it again.
    """

    point: int
    values: tuple[float, ...] | None
    failure: str | None
    seconds: float
    lost: bool = False


@dataclass(frozen=True)
class Part:
    """Some points of a grid: all that a worker needs of it.

    Attributes:
        points: their indices.
        base, fields, calibrations: as those of the grid.
        rows: values of the fields at each point.
    """

    points: tuple[int, ...]
    base: dict[str, Any]
    fields: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    calibrations: dict[str, str | None]

    def contents(self) -> list[dict[str, Any]]:
        """The experiment of every point, as its file would say it."""
        return [_replaced(self.base, self.fields, row) for row in self.rows]

    def chips(self) -> dict[str, Calibration]:
        """The calibrations of the points by name, but for those that cannot be read.

        Raises:
            InputError: if one is not what it was when the sweep began.
        """
        found = {}
        for name in {name for one in self.contents() if (name := _calibration_name(one))}:
            calibration = _readable(name)
            if _sha256(calibration) != self.calibrations.get(name):
                raise InputError(
                    f"The calibration {name!r} is not what it was when this sweep began: take "
                    "another place for the sweep of the new one."
                )
            if calibration is not None:
                found[name] = calibration
        return found


@dataclass(frozen=True)
class Grid:
    """An experiment and the axes over which it is swept.

    Attributes:
        base: content of the experiment without [sweep], and of [measurement] what changes an
            answer.
        names, fields: of each axis.
        values: of each axis.
        package: version of the package.
        calibrations: hash of the content of each calibration; None where it cannot be read.
    """

    base: dict[str, Any]
    names: tuple[str, ...]
    fields: tuple[str, ...]
    values: tuple[tuple[Scalar, ...], ...]
    package: str
    calibrations: dict[str, str | None]

    @classmethod
    def of(cls, experiment: Experiment, axes: Mapping[str, SweepAxis], package: str) -> Grid:
        """The checked grid of an experiment.

        Raises:
            InputError: for no axis, an axis that is no field or has an impossible name or value,
                two axes over one field, too many points, or a calibration that cannot be read
                where there is but one.
        """
        if not axes:
            raise InputError("'sweep' must hold at least one axis.")
        for name in axes:
            if not name.isidentifier() or name in _TAKEN:
                raise broken_rule("sweep", "axes named by words that no result has", name)
        fields = tuple(axis.field for axis in axes.values())
        for field in fields:
            if fields.count(field) > 1:
                raise InputError(f"'sweep' must hold one axis for each field, not two for {field}.")
        mode = experiment.charging.mode
        values = tuple(axis_values(Experiment, name, axis, mode) for name, axis in axes.items())
        base = experiment.model_dump(mode="json", exclude={"sweep", "measurement"})
        if _MEASUREMENT[mode]:
            base["measurement"] = experiment.measurement.model_dump(include=_MEASUREMENT[mode])
        calibrations = _hashes(experiment, dict(zip(fields, values, strict=True)))
        grid = cls(base, tuple(axes), fields, values, package, calibrations)
        if grid.size > MAX_POINTS:
            raise InputError(f"'sweep' must hold at most {MAX_POINTS} points, not {grid.size}.")
        return grid

    @classmethod
    def from_json(cls, text: str) -> Grid:
        """The grid of `to_json`."""
        content = json.loads(text)
        values = tuple(tuple(axis) for axis in content.pop("values"))
        names, fields = tuple(content.pop("names")), tuple(content.pop("fields"))
        return cls(names=names, fields=fields, values=values, **content)

    def check(self) -> None:
        """Refuse what `of` would not have made; a store may have been written by anybody.

        Raises:
            InputError, ValueError: for whatever is wrong.
        """
        validated(Experiment, self.base)
        texts = (self.package, *self.names, *self.fields, *self.calibrations)
        hashes = self.calibrations.values()
        scalars = all(isinstance(v, Scalar) for axis in self.values for v in axis)
        whole = (
            all(isinstance(text, str) for text in texts)
            and all(isinstance(one, str | None) for one in hashes)
            and all(name.isidentifier() for name in self.names)
            and len(self.names) == len(set(self.names)) == len(self.fields) == len(self.values)
            and scalars
            and 0 < self.size <= MAX_POINTS
        )
        if not whole:
            raise ValueError

    def to_json(self) -> str:
        """The whole content."""
        content = {"base": self.base, "names": self.names, "fields": self.fields}
        rest = {"values": self.values, "package": self.package, "calibrations": self.calibrations}
        return json.dumps({**content, **rest})

    @cached_property
    def sha256(self) -> str:
        """Hash of the whole content but the version of the package and the calibrations."""
        return canonical_sha256([self.base, self.names, self.fields, self.values])

    @property
    def mode(self) -> str:
        """Mode of the charging, "bath" or "collision"."""
        return str(self.base["charging"]["mode"])

    @property
    def variables(self) -> dict[str, tuple[str, str]]:
        """What is kept of a point, see `VARIABLES`."""
        return VARIABLES[self.mode]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(map(len, self.values))

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    def row(self, point: int) -> tuple[Scalar, ...]:
        """Values of the fields at a point."""
        places = np.unravel_index(point, self.shape)
        return tuple(axis[int(i)] for axis, i in zip(self.values, places, strict=True))

    def content(self, point: int) -> dict[str, Any]:
        """The experiment of a point, as its file would say it."""
        return _replaced(self.base, self.fields, self.row(point))

    def part(self, points: Iterable[int]) -> Part:
        """Some points, to be computed together."""
        chosen = tuple(points)
        rows = tuple(map(self.row, chosen))
        return Part(chosen, self.base, self.fields, rows, self.calibrations)

    def key(self, point: int) -> bytes:
        """SHA-256 of everything that changes the answer of a point."""
        content = self.content(point)
        calibration = self.calibrations.get(_calibration_name(content) or "")
        whole = [FORMAT_VERSION, self.package, calibration, content]
        return bytes.fromhex(canonical_sha256(whole))


def _replaced(
    base: dict[str, Any], fields: tuple[str, ...], row: tuple[Scalar, ...]
) -> dict[str, Any]:
    """The content of an experiment with other values of some fields."""
    content = dict(base)
    for field, value in zip(fields, row, strict=True):
        here, *path = content, *field.split(".")
        for name in path[:-1]:
            here[name] = dict(here.get(name) or {})
            here = here[name]
        here[path[-1]] = value
    return content


def package_version() -> str:
    """Version of this package, which is part of every key."""
    from qbat_circuits import __version__

    return __version__


def calibration_of(name: str) -> Calibration:
    """A calibration, read again only where its file has changed.

    Raises:
        InputError: if it cannot be read.
    """
    return _calibration(name, _stamp(name))


def _hashes(
    experiment: Experiment, axes: Mapping[str, tuple[Scalar, ...]]
) -> dict[str, str | None]:
    """Hash of every calibration that a grid names."""
    if CALIBRATION in axes:
        found = {str(name): _readable(str(name)) for name in axes[CALIBRATION]}
        return {name: _sha256(one) for name, one in found.items()}
    chip = experiment.chip
    return {} if chip is None else {chip.calibration: calibration_of(chip.calibration).sha256}


def _calibration_name(content: dict[str, Any]) -> str | None:
    name = (content["chip"] or {}).get("calibration")
    return name if isinstance(name, str) else None


def _readable(name: str) -> Calibration | None:
    """None where it cannot be read: its points fail, and say why."""
    try:
        return calibration_of(name)
    except InputError:
        return None


def _sha256(calibration: Calibration | None) -> str | None:
    return None if calibration is None else calibration.sha256


def _stamp(name: str) -> tuple[int, int] | None:
    """Age and size of a calibration's file; None for a bundled name."""
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _calibration(name: str, _stamp: tuple[int, int] | None) -> Calibration:
    return load_calibration(name)
