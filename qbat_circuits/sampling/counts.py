"""Integer counts per Pauli setting, and the counts file (docs/counts-file.md)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.errors import (
    InputError,
    broken_rule,
    check_integer,
    did_you_mean,
    shown,
    shown_size,
)
from qbat_circuits.json_files import read_json, write_json
from qbat_circuits.readout_model import MAX_TOMOGRAPHY_CELLS, ReadoutModel

FORMAT, VERSION = "qbat-counts", 1
#: Most shots of one setting; beyond it the sampling without replacement of the analysis ends.
MAX_SHOTS = 10**9 - 1
#: Each of the 3^N emulated circuits carries the whole state: 48 MB for 6 cells, 573 MB for 7.
MAX_EMULATED_CELLS = 6
#: Most emulated shots of one setting.
MAX_EMULATED_SHOTS = 10**6

_REQUIRED = ("format", "version", "n_cells", "bit_order", "settings")
_OPTIONAL = ("origin", "measured_at", "seed", "readout")


def check_emulated_cells(n_cells: int) -> None:
    """Refuse an emulated tomography that would not fit in memory, before anything is computed."""
    if n_cells > MAX_EMULATED_CELLS:
        needed = 3**n_cells * 4**n_cells * 16
        raise InputError(
            f"'n_cells' must be <= {MAX_EMULATED_CELLS} for emulated Pauli tomography, not "
            f"{n_cells}: its 3^{n_cells} circuits would hold {shown_size(needed)} bytes; use "
            "fewer cells, or charge without a measurement."
        )


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each bit string was read in each Pauli setting.

    Args:
        n_cells: number of cells N.
        settings: distinct Pauli labels, leftmost letter for cell N-1.
        table: integers, shape (len(settings), 2^N); column b counts the little-endian basis number
            b, that is the bit string "q_{N-1} ... q_0".
        origin: where the counts come from, such as "emulated" or "lab".
        seed: the seed of an emulation.
        measured_at: when they were measured, as text.
        readout: the readout that the counts went through, if it is known.

    Raises:
        InputError: if a label, a count, a length or the readout does not fit, a setting stands
            twice or has no shots.
    """

    n_cells: int
    settings: tuple[str, ...]
    table: NDArray[np.int64]
    origin: str = "lab"
    seed: int | None = None
    measured_at: str | None = None
    readout: ReadoutModel | None = None

    def __post_init__(self) -> None:
        n = _check_cells(self.n_cells)
        settings = check_settings(self.settings, n)
        try:
            given = np.asarray(self.table)
        except ValueError:  # lines of different length
            raise InputError("'table' must be an array of whole numbers.") from None
        if given.shape != (len(settings), 2**n):
            rule = f"have shape {(len(settings), 2**n)} (settings, outcomes)"
            raise InputError(f"'table' must {rule}, not {given.shape}.")
        if given.dtype.kind not in "iu":
            raise InputError(f"'table' must hold whole numbers, not {given.dtype}.")
        if given.min() < 0 or given.max() > MAX_SHOTS:
            raise InputError(f"'table' must hold counts from 0 to {MAX_SHOTS}.")
        table = given.astype(np.int64)
        for label, shots in zip(settings, table.sum(axis=1).tolist(), strict=True):
            check_integer(f"shots of {label}", shots, at_least=1, at_most=MAX_SHOTS)
        for field, value in (("origin", self.origin), ("measured_at", self.measured_at)):
            if not isinstance(value, str) and (field == "origin" or value is not None):
                raise broken_rule(field, "a text", value)
        if self.readout is not None and not isinstance(self.readout, ReadoutModel):
            raise broken_rule("readout", "a ReadoutModel or None", self.readout)
        if self.readout is not None and self.readout.n_cells != n:
            raise InputError(
                f"'readout' must describe {n} cells like the counts, not {self.readout.n_cells}."
            )
        if self.seed is not None:
            object.__setattr__(self, "seed", check_integer("seed", self.seed, at_least=0))
        table.flags.writeable = False
        object.__setattr__(self, "n_cells", n)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "table", table)

    @property
    def shots(self) -> NDArray[np.int64]:
        """Shots of each setting."""
        return np.asarray(self.table.sum(axis=1), dtype=np.int64)

    @classmethod
    def from_dict(cls, content: Any) -> Counts:
        """Counts from the content of a counts file (docs/counts-file.md).

        Raises:
            InputError: naming the key, the rule and the value.
        """
        if not isinstance(content, Mapping):
            raise broken_rule("counts", "a JSON object", content)
        for key in content:
            if key not in _REQUIRED + _OPTIONAL:
                raise InputError(
                    f"A counts file has no key {shown(key)}"
                    f"{did_you_mean(key, _REQUIRED + _OPTIONAL)}."
                )
        for key in _REQUIRED:
            if key not in content:
                raise InputError(f"A counts file must have the key '{key}'.")
        _check_header(content)
        n = _check_cells(content["n_cells"])
        settings = content["settings"]
        if not isinstance(settings, Mapping) or not settings:
            rule = "an object of settings, each with its counts by bit string"
            raise broken_rule("settings", rule, settings)
        table = np.array([_row(label, row, n) for label, row in settings.items()], dtype=np.int64)
        readout = content.get("readout")
        return cls(
            n_cells=n,
            settings=tuple(settings),
            table=table,
            origin=content.get("origin", "lab"),
            seed=content.get("seed"),
            measured_at=content.get("measured_at"),
            readout=None if readout is None else ReadoutModel.from_dict(readout),
        )

    def to_dict(self) -> dict[str, Any]:
        """The content of a counts file; outcomes that never occurred are left out."""
        width = self.n_cells
        return {
            "format": FORMAT,
            "version": VERSION,
            "n_cells": self.n_cells,
            "bit_order": "little",
            "origin": self.origin,
            "measured_at": self.measured_at,
            "seed": self.seed,
            "readout": None if self.readout is None else self.readout.to_dict(),
            "settings": {
                label: {f"{b:0{width}b}": int(row[b]) for b in np.flatnonzero(row).tolist()}
                for label, row in zip(self.settings, self.table, strict=True)
            },
        }

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Counts:
        """Read a counts file; raises InputError with one sentence for whatever is wrong."""
        return cls.from_dict(read_json(path, "counts"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a counts file in one step (never half of it)."""
        write_json(path, self.to_dict())


def check_settings(settings: Sequence[str], n_cells: int) -> tuple[str, ...]:
    """Distinct Pauli labels of N letters each, at least one, as a tuple.

    Raises:
        InputError: naming the label that breaks the rule.
    """
    if isinstance(settings, str) or not isinstance(settings, Sequence):
        raise broken_rule("settings", "a list of Pauli labels", settings)
    labels = tuple(settings)
    if not labels:
        raise InputError("'settings' must hold at least one setting.")
    for label in labels:
        _check_label("settings", label, n_cells)
    label, number = Counter(labels).most_common(1)[0]
    if number > 1:
        raise InputError(f"'settings' must name {label!r} once, not {number} times.")
    return labels


def _check_header(content: Mapping[str, Any]) -> None:
    if content["format"] != FORMAT:
        raise broken_rule("format", repr(FORMAT), content["format"])
    version = content["version"]
    if isinstance(version, bool) or version != VERSION:
        raise broken_rule("version", str(VERSION), version)
    if content["bit_order"] != "little":
        raise InputError(
            "'bit_order' must be 'little' (the leftmost letter and bit belong to cell N-1), "
            f"not {shown(content['bit_order'])}: reverse every setting and every bit string, "
            "then write 'little'."
        )


def _check_cells(n_cells: object) -> int:
    n = check_integer("n_cells", n_cells, at_least=1)
    if n > MAX_TOMOGRAPHY_CELLS:
        raise InputError(
            f"'n_cells' must be <= {MAX_TOMOGRAPHY_CELLS}, the limit of full Pauli tomography, "
            f"not {n}."
        )
    return n


def _check_label(field: str, label: object, n: int) -> None:
    if not isinstance(label, str) or len(label) != n or set(label) - set("XYZ"):
        raise broken_rule(field, f"Pauli labels of {n} letters X, Y, Z", label)


def _row(label: str, row: object, n: int) -> list[int]:
    """One line of the table from ``{bit string: count}``."""
    _check_label("settings", label, n)
    field = f"settings.{label}"
    if not isinstance(row, Mapping):
        raise broken_rule(field, "an object of counts by bit string", row)
    counts = [0] * 2**n
    for bits, count in row.items():
        if not isinstance(bits, str) or len(bits) != n or set(bits) - {"0", "1"}:
            raise broken_rule(field, f"counts by bit strings of {n} digits 0 and 1", bits)
        name = f"{field}.{bits}"
        counts[int(bits, 2)] = check_integer(name, count, at_least=0, at_most=MAX_SHOTS)
    check_integer(f"shots of {label}", sum(counts), at_least=1, at_most=MAX_SHOTS)
    return counts
