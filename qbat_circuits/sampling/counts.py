"""Integer counts per Pauli setting, and the counts file (docs/counts-file.md)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.errors import InputError, broken_rule, check_integer, shown, shown_size
from qbat_circuits.json_files import read_json, write_json
from qbat_circuits.markup import Markup, facts
from qbat_circuits.pair_readout import PairReadoutModel, Readout
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.count_tables import (
    MAX_COUNTS_CELLS,
    MAX_SHOTS,
    added_up,
    bit_strings,
    check_cells,
    check_draws,
    check_outcomes,
    check_positions,
    check_settings,
    some_of,
)
from qbat_circuits.sampling.counts_file import FORMAT, VERSION, fields_of

__all__ = [
    "MAX_COUNTS_CELLS",
    "MAX_EMULATED_CELLS",
    "MAX_EMULATED_SHOTS",
    "MAX_SHOTS",
    "Counts",
    "bit_strings",
    "check_emulated_cells",
    "check_settings",
]

#: Each of the 3^N emulated circuits carries the whole state: 48 MB for 6 cells, 573 MB for 7.
MAX_EMULATED_CELLS = 6
#: Most emulated shots of one setting.
MAX_EMULATED_SHOTS = 10**6


def check_emulated_cells(n_cells: int) -> None:
    """Refuse an emulated tomography that would not fit in memory, before anything is computed."""
    if n_cells > MAX_EMULATED_CELLS:
        few = n_cells < 10_000  # powers of a million would themselves take minutes
        size = f"hold {shown_size(12**n_cells * 16)} bytes" if few else "fit nowhere"
        raise InputError(
            f"'n_cells' must be <= {MAX_EMULATED_CELLS} for emulated Pauli tomography, not "
            f"{n_cells}: its 3^{n_cells} circuits would {size}; use fewer cells, or charge "
            "without a measurement."
        )


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each bit string was read in each Pauli setting.

    Args:
        n_cells: number of cells N.
        settings: distinct Pauli labels, leftmost letter for cell N-1.
        table: integers, shape (len(settings), K^N) for K outcomes; column b counts the
            little-endian number b to the base K, that is the string of digits "q_{N-1} ... q_0".
        origin: where the counts come from, such as "emulated" or "lab".
        seed: the seed of an emulation.
        measured_at: when they were measured, as text.
        readout: the readout that the counts went through, if it is known.
        outcomes: readings K of one cell: 0 and 1, or with K = 3 also 2, "seen leaked".
        draws: the counts of each draw where the shots of a setting come in R draws of m shots, each
            draw a random circuit of its own; integers, shape (len(settings), R, K^N), that sum up
            to the table. Draws of different settings are independent. None for independent shots,
            and where every draw has one shot, which is the same.

    Raises:
        InputError: if a label, a count, a length, the draws or the readout does not fit, a setting
            stands twice or has no shots.
    """

    n_cells: int
    settings: tuple[str, ...]
    table: NDArray[np.int64]
    origin: str = "lab"
    seed: int | None = None
    measured_at: str | None = None
    readout: Readout | None = None
    outcomes: int = 2
    draws: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        outcomes = check_outcomes(self.outcomes)
        n = check_cells(self.n_cells, outcomes)
        settings = check_settings(self.settings, n)
        try:
            given = np.asarray(self.table)
        except ValueError:  # lines of different length
            raise InputError("'table' must be an array of whole numbers.") from None
        if given.shape != (len(settings), outcomes**n):
            rule = f"have shape {(len(settings), outcomes**n)} (settings, outcomes)"
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
        if self.readout is not None and not isinstance(
            self.readout, (ReadoutModel, PairReadoutModel)
        ):
            raise broken_rule("readout", "a ReadoutModel or None", self.readout)
        if self.readout is not None and self.readout.n_cells != n:
            raise InputError(
                f"'readout' must describe {n} cells like the counts, not {self.readout.n_cells}."
            )
        if self.readout is not None and self.readout.outcomes != outcomes:
            raise InputError(
                f"'readout' must have {outcomes} outcomes like the counts, "
                f"not {self.readout.outcomes}."
            )
        if self.seed is not None:
            object.__setattr__(self, "seed", check_integer("seed", self.seed, at_least=0))
        table.flags.writeable = False
        object.__setattr__(self, "n_cells", n)
        object.__setattr__(self, "outcomes", outcomes)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "draws", check_draws(self.draws, settings, table))

    @property
    def shots(self) -> NDArray[np.int64]:
        """Shots of each setting."""
        return np.asarray(self.table.sum(axis=1), dtype=np.int64)

    def marginal(self, cells: Sequence[int]) -> Counts:
        """Counts of some of the cells, whatever the others read.

        Args:
            cells: different cells; the first of them becomes cell 0. Settings that agree on them
                are added up (draw by draw, where there are draws). Where the readout has pairs:
                whole blocks in increasing order.

        Raises:
            InputError: if a cell does not exist or stands twice, or a pair is torn apart.
        """
        n, k = self.n_cells, self.outcomes
        chosen = check_positions(cells)
        if max(chosen) >= n:
            raise broken_rule("cells", f"cells from 0 to {n - 1}", max(chosen))
        kept = [n - 1 - cell for cell in reversed(chosen)]  # places of their letters and digits
        labels = ["".join(label[place] for place in kept) for label in self.settings]
        settings = tuple(dict.fromkeys(labels))
        row = {label: number for number, label in enumerate(settings)}
        lines = [row[label] for label in labels]
        return replace(
            self,
            n_cells=len(chosen),
            settings=settings,
            table=added_up(self.table, n, k, kept, lines),
            readout=None if self.readout is None else _readout_of(self.readout, chosen),
            draws=None if self.draws is None else added_up(self.draws, n, k, kept, lines),
        )

    def select(self, labels: Sequence[str]) -> Counts:
        """Counts of some of the settings, in this order.

        Raises:
            InputError: if one of them was not measured.
        """
        wanted = check_settings(labels, self.n_cells)
        rows = {label: row for row, label in enumerate(self.settings)}
        missing = [label for label in wanted if label not in rows]
        if missing:
            raise InputError(
                f"The counts lack {len(missing)} of the {len(wanted)} settings that are needed: "
                f"{some_of(missing)}."
            )
        chosen = [rows[label] for label in wanted]
        draws = None if self.draws is None else self.draws[chosen]
        return replace(self, settings=wanted, table=self.table[chosen], draws=draws)

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        few, more = self.settings[:6], len(self.settings) - 6
        shots = self.shots
        shown = {
            "cells": self.n_cells,
            "settings": ", ".join(few) + (f" and {more} more" if more > 0 else ""),
            "shots a setting": f"{shots.min()} to {shots.max()}, {shots.sum()} in all",
            "origin": self.origin,
            "measured at": self.measured_at or "not said",
            "readout": "not said" if self.readout is None else "known",
        }
        return facts("Counts", shown.items())

    @classmethod
    def from_dict(cls, content: Any) -> Counts:
        """Counts from the content of a counts file (docs/counts-file.md).

        Raises:
            InputError: naming the key, the rule and the value.
        """
        return cls(**fields_of(content))

    def to_dict(self) -> dict[str, Any]:
        """The content of a counts file; outcomes that never occurred are left out."""
        names = bit_strings(self.n_cells, self.outcomes)

        def seen(row: NDArray[np.int64]) -> dict[str, int]:
            return {names[b]: int(row[b]) for b in np.flatnonzero(row).tolist()}

        content = {
            "format": FORMAT,
            "version": VERSION,
            "n_cells": self.n_cells,
            "bit_order": "little",
            "origin": self.origin,
            "measured_at": self.measured_at,
            "seed": self.seed,
            "readout": None if self.readout is None else self.readout.to_dict(),
            "settings": {
                label: seen(row) for label, row in zip(self.settings, self.table, strict=True)
            },
        }
        if self.draws is not None:
            by_label = zip(self.settings, self.draws, strict=True)
            content["draws"] = {label: [seen(row) for row in rows] for label, rows in by_label}
        return content if self.outcomes == 2 else {**content, "outcomes": self.outcomes}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Counts:
        """Read a counts file; raises InputError with one sentence for whatever is wrong."""
        return cls.from_dict(read_json(path, "counts"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a counts file in one step (never half of it)."""
        write_json(path, self.to_dict())


def _readout_of(readout: Readout, cells: tuple[int, ...]) -> Readout:
    if isinstance(readout, PairReadoutModel):
        return _blocks_of(readout, cells)
    shots, chosen = readout.calibration_shots, list(cells)
    return ReadoutModel(
        readout.assignment[chosen],
        None if shots is None else shots[chosen],
        readout.calibrated_at,
    )


def _blocks_of(readout: PairReadoutModel, cells: tuple[int, ...]) -> PairReadoutModel:
    kept = [k for k, block in enumerate(readout.blocks) if set(block) <= set(cells)]
    if list(cells) != sorted(cell for k in kept for cell in readout.blocks[k]):
        blocks = ", ".join(str(list(block)) for block in readout.blocks)
        raise InputError(
            f"'cells' must hold whole blocks of the readout ({blocks}) in increasing order, "
            f"not {shown(list(cells))}."
        )
    shots = readout.calibration_shots
    return PairReadoutModel(
        tuple(tuple(cells.index(cell) for cell in readout.blocks[k]) for k in kept),
        tuple(readout.matrices[k] for k in kept),
        None if shots is None else tuple(shots[k] for k in kept),
        readout.calibrated_at,
    )
