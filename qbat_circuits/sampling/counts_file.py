"""The counts file (docs/counts-file.md): what its keys mean, and an empty one to fill in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qbat_circuits.errors import InputError, broken_rule, check_integer, check_keys, shown
from qbat_circuits.json_files import read_json
from qbat_circuits.pair_readout import PairReadoutModel, Readout, readout_from_dict
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.count_tables import (
    IntTable,
    check_cells,
    check_outcomes,
    check_settings,
    counts_of,
    draws_of,
    table_of,
)

FORMAT, VERSION = "qbat-counts", 1

_REQUIRED = ("format", "version", "n_cells", "bit_order", "settings")
_OPTIONAL = (
    "outcomes",
    "shots",
    "origin",
    "measured_at",
    "seed",
    "readout",
    "calibration",
    "draws",
)
KEYS = (*_REQUIRED, *_OPTIONAL)


def fields_of(content: Any) -> dict[str, Any]:
    """The arguments of `Counts` that the content of a counts file stands for.

    Raises:
        InputError: naming the key, the rule and the value.
    """
    if not isinstance(content, Mapping):
        raise broken_rule("counts", "a JSON object", content)
    check_keys("A counts file", content, _REQUIRED, _OPTIONAL)
    _check_header(content)
    outcomes = check_outcomes(content.get("outcomes", 2))
    n = check_cells(content["n_cells"], outcomes)
    settings, table = table_of(content["settings"], n, outcomes)
    _check_shots(content.get("shots"), settings, table)
    return {
        "n_cells": n,
        "settings": settings,
        "table": table,
        "origin": content.get("origin", "lab"),
        "seed": content.get("seed"),
        "measured_at": content.get("measured_at"),
        "readout": _readout(content, n, outcomes),
        "outcomes": outcomes,
        "draws": _draws(content.get("draws"), settings, n, outcomes),
    }


def template(n_cells: int, labels: Sequence[str]) -> dict[str, Any]:
    """The content of a counts file with these settings and no counts yet.

    Args:
        n_cells: number of cells N.
        labels: distinct Pauli labels, leftmost letter for cell N-1.

    Raises:
        InputError: if a label does not fit.
    """
    n = check_cells(n_cells)
    return {
        "format": FORMAT,
        "version": VERSION,
        "n_cells": n,
        "bit_order": "little",
        "origin": "lab",
        "measured_at": None,
        "readout": None,
        "settings": {label: {} for label in check_settings(labels, n)},
    }


def readout_from_calibration(
    counts_by_prepared: Mapping[str, Mapping[str, int]],
    n_cells: int,
    calibrated_at: str | None = None,
    outcomes: int = 2,
) -> ReadoutModel:
    """The readout that calibration circuits show: what was read, by the level that was prepared.

    Each cell's readings are summed over all circuits with the cell in the same level, which takes
    the errors of different cells as independent (docs/physics.md, section 7).

    Args:
        counts_by_prepared: counts by bit string, by the bit string that was prepared; the leftmost
            digit of both is cell N-1. A prepared 2 is a leaked cell.
        n_cells: number of cells N.
        calibrated_at: when they were measured, as text.
        outcomes: readings K per cell; with 3 the leaked level must have been prepared too.

    Raises:
        InputError: if a bit string or a count does not fit, a cell was never prepared in one of
            its levels, or its readings do not depend on the level.
    """
    k = check_outcomes(outcomes)
    n = check_cells(n_cells, k)
    field = "calibration.counts"
    if not isinstance(counts_by_prepared, Mapping) or not counts_by_prepared:
        raise broken_rule(field, "an object of counts by prepared bit string", counts_by_prepared)
    for prepared in counts_by_prepared:
        if not isinstance(prepared, str) or len(prepared) != n or set(prepared) - set("012"):
            raise broken_rule(field, f"prepared bit strings of {n} digits 0, 1, 2", prepared)
    levels = 3 if k == 3 or any("2" in prepared for prepared in counts_by_prepared) else 2
    counts = np.zeros((n, k, levels), dtype=np.int64)
    for prepared, row in counts_by_prepared.items():
        readings = counts_of(f"{field}.{prepared}", row, n, k).reshape((k,) * n)
        for cell in range(n):
            axis = n - 1 - cell  # the leftmost digit is the first axis
            others = tuple(a for a in range(n) if a != axis)
            counts[cell, :, int(prepared[axis])] += readings.sum(axis=others)
    return ReadoutModel.from_calibration_counts(counts, calibrated_at)


def load_readout(path: str | os.PathLike[str], n_cells: int, outcomes: int = 2) -> Readout:
    """The readout of a file of its own: what a counts file holds as "readout" or "calibration".

    Args:
        path: the file; the key "counts" tells a calibration.
        n_cells: number of cells N of the counts.
        outcomes: readings K per cell of the counts.

    Raises:
        InputError: naming the key, the rule and the value.
    """
    content = read_json(path, "readout")
    if isinstance(content, Mapping) and "counts" in content:
        return _calibrated(content, n_cells, outcomes)
    return readout_from_dict(content)


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


def _check_shots(stated: object, settings: tuple[str, ...], table: IntTable) -> None:
    """Refuse counts that do not add up to the shots that the file states."""
    if stated is None:
        return
    shots = stated if isinstance(stated, Mapping) else dict.fromkeys(settings, stated)
    totals = dict(zip(settings, table.sum(axis=1).tolist(), strict=True))
    for label, number in shots.items():
        if label not in totals:
            raise InputError(f"'shots' names the setting {shown(label)}, which has no counts.")
        field = "shots" if shots is not stated else f"shots.{label}"
        if totals[label] != check_integer(field, number, at_least=1):
            raise InputError(
                f"The counts of {label!r} add up to {totals[label]}, not to the {shown(number)} "
                "of 'shots'."
            )


def _draws(stated: object, settings: tuple[str, ...], n: int, outcomes: int) -> IntTable | None:
    """The counts of each draw, in the order of the settings."""
    if stated is None:
        return None
    if not isinstance(stated, Mapping) or set(stated) != set(settings):
        raise broken_rule("draws", "an object with the labels of 'settings' for its keys", stated)
    return draws_of("draws", {label: stated[label] for label in settings}, n, outcomes)


def _readout(content: Mapping[str, Any], n: int, outcomes: int) -> Readout | None:
    readout, calibration = content.get("readout"), content.get("calibration")
    if calibration is None:
        return None if readout is None else readout_from_dict(readout)
    if readout is not None:
        raise InputError("A counts file must not hold both 'readout' and 'calibration'.")
    return _calibrated(calibration, n, outcomes)


def _calibrated(calibration: Any, n: int, outcomes: int) -> Readout:
    """The readout of what a file holds under "calibration"."""
    if not isinstance(calibration, Mapping):
        rule = "an object with the keys 'counts' and 'measured_at'"
        raise broken_rule("calibration", rule, calibration)
    check_keys("'calibration'", calibration, ("counts",), ("measured_at", "pairs"))
    measured_at = calibration.get("measured_at")
    if measured_at is not None and not isinstance(measured_at, str):
        raise broken_rule("calibration.measured_at", "a text", measured_at)
    pairs = calibration.get("pairs")
    if pairs is None:
        return readout_from_calibration(calibration["counts"], n, measured_at, outcomes)
    if outcomes != 2:
        raise InputError("'calibration.pairs' must be left out where cells have 3 outcomes.")
    return PairReadoutModel.from_calibration_counts(calibration["counts"], n, pairs, measured_at)
