"""The CSV that IBM's dashboard exports, as the content of a calibration.

Old and new files differ: a byte-order mark, trailing blanks in headers, two spellings of the micro
sign, cells of coupled pairs as "0_1:err;0_14:err" or "1:err;14:err", and columns that newer ones
lack (frequency, anharmonicity). The chip's name and date stand in the file's name only, such as
``ibm_fez_calibrations_2025-01-13T16_54_24Z.csv``.
"""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

from qbat_circuits.errors import InputError, shown

#: Header without its unit -> (our figure, unit -> factor to SI). The first three must be there.
_COLUMNS: dict[str, tuple[str, dict[str, float]]] = {
    "Qubit": ("index", {"": 1.0}),
    "T1": ("t1_s", {"us": 1e-6}),
    "T2": ("t2_s", {"us": 1e-6}),
    "Frequency": ("frequency_hz", {"GHz": 1e9}),
    "Anharmonicity": ("anharmonicity_hz", {"GHz": 1e9}),
    "Readout assignment error": ("readout_error", {"": 1.0}),
    "Prob meas0 prep1": ("prob_meas0_prep1", {"": 1.0}),
    "Prob meas1 prep0": ("prob_meas1_prep0", {"": 1.0}),
    "Readout length": ("readout_length_s", {"ns": 1e-9}),
}
_REQUIRED = ("Qubit", "T1", "T2", "Prob meas0 prep1", "Prob meas1 prep0")
#: Columns of coupled pairs, by how their header ends.
_PAIRS = re.compile(r"(ECR|CZ|CNOT|RZZ)\s+error", re.IGNORECASE)
#: Name and date in a file's name.
_FILE_NAME = re.compile(r"(?P<name>[A-Za-z0-9_]+?)_calibrations_(?P<date>\d{4}-\d\d-\d\dT[\d_]+Z)")
#: Longest row of a file that is read.
_MAX_COLUMNS = 200


def csv_content(text: str, path: Path) -> dict[str, Any]:
    """The calibration in a dashboard CSV, in the form of our own format.

    Args:
        text: the file's text, without a byte-order mark.
        path: the file, for the chip's name and date.

    Raises:
        InputError: if a column is missing, given twice or in another unit, a number is none, a
            cell of coupled pairs is malformed, or qubits are missing or given twice.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(row)]
    except csv.Error as error:
        raise InputError(f"it is no CSV file: {error}.") from None
    if len(rows) < 2 or len(rows[0]) > _MAX_COLUMNS:
        raise InputError("it must hold a header and a row for each qubit.")
    header, body = rows[0], rows[1:]
    places = _places(header)
    coupled = [i for i, title in enumerate(header) if _PAIRS.search(title)]
    qubits, pairs = [], set()
    for line, row in enumerate(body, 2):
        if len(row) != len(header):
            raise InputError(f"line {line} must have {len(header)} cells, not {len(row)}.")
        qubit = _qubit(line, row, places)
        qubits.append(qubit)
        for i in coupled:
            pairs |= _pairs(f"line {line}, '{header[i].strip()}'", row[i], qubit["index"])
    return {
        **_facts(path, sorted(qubits, key=lambda one: one["index"])),
        "coupling_map": _sorted(pairs),
    }


def _places(header: list[str]) -> dict[str, tuple[int, float]]:
    """Column and factor to SI of each figure."""
    places: dict[str, tuple[int, float]] = {}
    for i, title in enumerate(header):
        match = re.fullmatch(r"\s*(.*?)\s*(?:\(([^()]*)\))?\s*", title)
        name, unit = (match.group(1), match.group(2) or "") if match else (title, "")
        if name not in _COLUMNS:
            continue
        figure, units = _COLUMNS[name]
        unit = unit.strip().replace("\u00b5", "u").replace("\u03bc", "u")
        if unit not in units:
            raise InputError(f"the column '{name}' must be in {next(iter(units))!r}, not {unit!r}.")
        if figure in places:
            raise InputError(f"the column '{name}' must be given once, not twice.")
        places[figure] = i, units[unit]
    for name in _REQUIRED:
        if _COLUMNS[name][0] not in places:
            raise InputError(f"the column '{name}' is missing.")
    return places


def _qubit(line: int, row: list[str], places: dict[str, tuple[int, float]]) -> dict[str, Any]:
    """Figures of one row; an empty cell is a missing figure."""
    figures: dict[str, Any] = {}
    for figure, (i, factor) in places.items():
        cell = row[i].strip()
        if not cell:
            continue
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f"line {line}, '{figure}' must be a number, not {shown(cell)}.")
        figures[figure] = value * factor
    index = figures.get("index")
    if index is None or index != int(index) or index < 0:
        raise InputError(f"line {line}, 'Qubit' must be a whole number >= 0, not {shown(index)}.")
    return {**figures, "index": int(index)}


def _pairs(field: str, cell: str, qubit: int) -> set[tuple[int, int]]:
    """Coupled pairs of one cell, old "0_1:err;..." or new "1:err;..."."""
    found = set()
    for part in filter(None, (piece.strip() for piece in cell.split(";"))):
        match = re.fullmatch(r"(?:(\d{1,6})_)?(\d{1,6})\s*:\s*([-+.\deE]+)", part)
        if match is None or (match.group(1) is not None and qubit not in _ends(match)):
            raise InputError(
                f"{field} must hold pairs such as '0_1:0.008;0_14:0.012' or '1:0.008', not "
                f"{shown(part)}."
            )
        one, two = _ends(match) if match.group(1) is not None else (qubit, int(match.group(2)))
        found.add((min(one, two), max(one, two)))
    return found


def _ends(match: re.Match[str]) -> tuple[int, int]:
    return int(match.group(1)), int(match.group(2))


def _sorted(pairs: set[tuple[int, int]]) -> list[list[int]]:
    return [list(pair) for pair in sorted(pairs)]


def _facts(path: Path, qubits: list[dict[str, Any]]) -> dict[str, Any]:
    """What is not in the rows: names, date and sources."""
    match = _FILE_NAME.match(path.name)
    source = f"calibration CSV {path.name}"
    date = None
    if match is not None:
        day, _, clock = match.group("date").removesuffix("Z").partition("T")
        date = f"{day}T{clock.replace('_', ':')}+00:00"
    name = match.group("name") if match else re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)[:64]
    figures = [f for f, _ in _COLUMNS.values() if f != "index" and any(f in q for q in qubits)]
    return {
        "name": name,
        "description": f"{len(qubits)} qubits, imported from a dashboard's CSV",
        "source": source,
        **({"calibrated_at": date} if date else {}),
        "tunable": False,
        "common_line": False,
        "t1_includes_line": False,
        "figures": {figure: {"source": source, "verified": True} for figure in figures},
        "qubits": [{**qubit, "dates": {}} for qubit in qubits],
    }
