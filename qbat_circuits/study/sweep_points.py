"""The points of a sweep: an experiment with some fields replaced, and the key of each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from qbat_circuits.calibration import Calibration, load_calibration
from qbat_circuits.errors import InputError, broken_rule
from qbat_circuits.json_files import canonical_sha256
from qbat_circuits.schema import Experiment
from qbat_circuits.sweep_schema import Scalar, SweepAxis, axis_values

#: What is kept of a point, with the unit and the long name of an export.
VARIABLES = {
    "ergotropy": ("energy", "largest ergotropy over the saved times"),
    "energy": ("energy", "stored energy at that time"),
    "peak_time": ("time", "saved time of largest ergotropy"),
    "plateau_start": ("time", "start of the window with 90 % of the largest ergotropy"),
    "plateau_stop": ("time", "end of the window with 90 % of the largest ergotropy"),
    "last_ergotropy": ("energy", "ergotropy at the last saved time"),
    "steady_ergotropy": ("energy", "ergotropy after a long time, where it is determined"),
}
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
    """

    point: int
    values: tuple[float, ...] | None
    failure: str | None
    seconds: float


@dataclass(frozen=True)
class Grid:
    """An experiment and the axes over which it is swept.

    Attributes:
        base: content of the experiment without [sweep] and [measurement].
        names, fields: of each axis.
        values: of each axis.
        package: version of the package.
    """

    base: dict[str, Any]
    names: tuple[str, ...]
    fields: tuple[str, ...]
    values: tuple[tuple[Scalar, ...], ...]
    package: str

    @classmethod
    def of(cls, experiment: Experiment, axes: Mapping[str, SweepAxis], package: str) -> Grid:
        """The checked grid of an experiment.

        Raises:
            InputError: for mode "collision", no axis, an axis that is no field or has an impossible
                name or value, two axes over one field, or too many points.
        """
        if experiment.charging.mode != "bath":
            raise InputError(
                "'charging.mode' must be \"bath\" for a sweep, not "
                f'"{experiment.charging.mode}": circuits of collisions are not swept yet.'
            )
        if not axes:
            raise InputError("'sweep' must hold at least one axis.")
        for name in axes:
            if not name.isidentifier() or name in (*VARIABLES, "state", "failure"):
                raise broken_rule("sweep", "axes named by words that no result has", name)
        fields = tuple(axis.field for axis in axes.values())
        for field in fields:
            if fields.count(field) > 1:
                raise InputError(f"'sweep' must hold one axis for each field, not two for {field}.")
        values = tuple(axis_values(Experiment, name, axis) for name, axis in axes.items())
        base = experiment.model_dump(mode="json", exclude={"sweep", "measurement"})
        grid = cls(base, tuple(axes), fields, values, package)
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

    def to_json(self) -> str:
        """The whole content."""
        content = {"base": self.base, "names": self.names, "fields": self.fields}
        return json.dumps({**content, "values": self.values, "package": self.package})

    @cached_property
    def sha256(self) -> str:
        """Hash of the whole content but the version."""
        return canonical_sha256([self.base, self.names, self.fields, self.values])

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(map(len, self.values))

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    def content(self, point: int) -> dict[str, Any]:
        """The experiment of a point, as its file would say it."""
        content = dict(self.base)
        for field, axis, i in zip(
            self.fields, self.values, np.unravel_index(point, self.shape), strict=True
        ):
            here, *path = content, *field.split(".")
            for name in path[:-1]:
                here[name] = dict(here[name] or {})
                here = here[name]
            here[path[-1]] = axis[int(i)]
        return content

    def key(self, point: int) -> bytes:
        """SHA-256 of everything that changes the answer of a point."""
        content = self.content(point)
        chip = content["chip"]
        name = chip and chip.get("calibration")
        calibration = _calibration_sha256(name) if isinstance(name, str) else None
        whole = [FORMAT_VERSION, self.package, calibration, content]
        return bytes.fromhex(canonical_sha256(whole))


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


def _calibration_sha256(name: str) -> str | None:
    """None where the calibration cannot be read: its points fail."""
    try:
        return _sha256(name, _stamp(name))
    except InputError:
        return None


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


@lru_cache(maxsize=1024)
def _sha256(name: str, stamp: tuple[int, int] | None) -> str:
    return _calibration(name, stamp).sha256
