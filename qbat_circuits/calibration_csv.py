"""The CSV that IBM's dashboard exports, as the content of a calibration.

Old and new files differ: a byte-order mark, trailing blanks in headers, two spellings of the micro
sign, cells of coupled pairs as "0_1:err;0_14:err" or "1:err;14:err", and columns that newer ones
lack (frequency, anharmonicity) or add (length of single-qubit gates). The chip's name and date
stand in the file's name only, such as ``ibm_fez_calibrations_2025-01-13T16_54_24Z.csv``.

Gates are named by the headers of their errors, and their qubits are in the order of the cell: row 0
with "1:err" is (0, 1). Two columns of durations name no gate: "Single-qubit gate length" is that of
the gates made of pulses (id, rx, sx, x; rz only turns the frame), and "Gate length" (once "Gate
time") that of the chip's fixed two-qubit gate, not of rzz.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from qbat_circuits.calibration_files import GATE_FIGURES, MAX_QUBITS
from qbat_circuits.errors import InputError, shown

_PLAIN = {"": 1.0}
#: Header without its unit -> (our figure, unit -> factor to SI). The first three must be there.
_COLUMNS: dict[str, tuple[str, dict[str, float]]] = {
    "Qubit": ("index", _PLAIN),
    "T1": ("t1_s", {"us": 1e-6}),
    "T2": ("t2_s", {"us": 1e-6}),
    "Frequency": ("frequency_hz", {"GHz": 1e9}),
    "Anharmonicity": ("anharmonicity_hz", {"GHz": 1e9}),
    "Readout assignment error": ("readout_error", _PLAIN),
    "Prob meas0 prep1": ("prob_meas0_prep1", _PLAIN),
    "Prob meas1 prep0": ("prob_meas1_prep0", _PLAIN),
    "Readout length": ("readout_length_s", {"ns": 1e-9}),
}
_REQUIRED = ("Qubit", "T1", "T2", "Prob meas0 prep1", "Prob meas1 prep0")
#: Header -> the single-qubit gate of which it is the error.
_SINGLE = {
    "ID error": "id",
    "RX error": "rx",
    "Z-axis rotation (rz) error": "rz",
    "\u221ax (sx) error": "sx",
    "Pauli-X error": "x",
    "Single-qubit Pauli-X error": "x",
    "XSLOW error": "xslow",
    "MEASURE_2 error": "measure_2",
}
#: Those whose duration is the one of "Single-qubit gate length".
_PULSES = ("id", "rx", "sx", "x")
#: Header of the errors of a two-qubit gate.
_PAIRS = re.compile(r"(ECR|CZ|CNOT|CX|RZZ)\s+error", re.IGNORECASE)
_LENGTHS = ("Single-qubit gate length", "Gate length", "Gate time")
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
    header, *body = _rows(text)
    if not body:
        raise InputError("it must hold a header and a row for each qubit.")
    places, columns = _places(header), _gate_columns(header)
    qubits: dict[int, dict[str, Any]] = {}
    gates: dict[tuple[str, tuple[int, ...]], dict[str, float]] = {}
    for line, row in enumerate(body, 2):
        if len(row) != len(header):
            raise InputError(f"line {line} must have {len(header)} cells, not {len(row)}.")
        qubit = _qubit(line, row, places)
        index = qubit["index"]
        if qubits.setdefault(index, qubit) is not qubit:
            raise InputError(f"line {line}, 'Qubit' must be given once, not {index} twice.")
        for column in columns:
            field = f"line {line}, {_named(column.title)}"
            _read_gates(field, row[column.place], index, column, gates)
    return {
        **_facts(path, [qubits[index] for index in sorted(qubits)], gates.values()),
        "coupling_map": [list(where) for _, where in gates if len(where) == 2],
        "gates": [{"name": name, "qubits": where, **g} for (name, where), g in gates.items()],
    }


def _rows(text: str) -> list[list[str]]:
    """The rows that are not empty, at least one, read until there are too many of anything."""
    if "\0" in text:  # readers of different Python versions take it differently
        raise InputError("it is no CSV file: it holds a zero byte.")
    rows: list[list[str]] = []
    try:
        # Lines end as in any text file; csv itself takes a lone "\r" for one only in some places.
        for row in csv.reader(io.StringIO(text, newline=None), strict=True):
            if len(row) > _MAX_COLUMNS:
                raise InputError(f"a line must have at most {_MAX_COLUMNS} cells, not {len(row)}.")
            if any(row):
                rows.append(row)
            if len(rows) > MAX_QUBITS + 1:
                raise InputError(f"it must hold at most {MAX_QUBITS} qubits.")
    except csv.Error as error:
        raise InputError(f"it is no CSV file: {error}.") from None
    return rows or [[]]


class _GateColumn(NamedTuple):
    """A column of gates: where it is, the key and the factor of its numbers, and whose they are."""

    place: int
    title: str
    factor: float
    key: str
    names: tuple[str, ...]
    pairs: bool


def _places(header: list[str]) -> dict[str, tuple[int, float]]:
    """Column and factor to SI of each figure."""
    places: dict[str, tuple[int, float]] = {}
    for i, title in enumerate(header):
        name, unit = _name_and_unit(title)
        if name not in _COLUMNS:
            continue
        figure, units = _COLUMNS[name]
        if figure in places:
            raise _twice(name)
        places[figure] = i, _factor(name, unit, units)
    for name in _REQUIRED:
        if _COLUMNS[name][0] not in places:
            raise InputError(f"the column '{name}' is missing.")
    return places


def _gate_columns(header: list[str]) -> list[_GateColumn]:
    """Every column of gates."""
    found: list[_GateColumn] = []
    titles = [_name_and_unit(title) for title in header]
    for i, (title, unit) in enumerate(titles):
        pair = _PAIRS.search(title)
        name = pair.group(1).lower().replace("cnot", "cx") if pair else _SINGLE.get(title)
        if name is not None:
            factor = _factor(title, unit, _PLAIN)
            found.append(_GateColumn(i, title, factor, "error", (name,), pair is not None))
    pulses = [one.names[0] for one in found if one.names[0] in _PULSES]
    fixed = sorted((one.names[0] for one in found if one.pairs), key=lambda name: name == "rzz")[:1]
    for i, (title, unit) in enumerate(titles):
        if title in _LENGTHS:
            pairs = title != _LENGTHS[0]
            factor, names = _factor(title, unit, {"ns": 1e-9}), tuple(fixed if pairs else pulses)
            found.append(_GateColumn(i, title, factor, "duration_s", names, pairs))
    for k, one in enumerate(found):
        if any(one[2:] == other[2:] for other in found[:k]):
            raise _twice(one.title)
    return found


def _name_and_unit(title: str) -> tuple[str, str]:
    """``Gate time`` and ``ns`` of "Gate time (ns) "; one spelling of the micro sign."""
    match = re.fullmatch(r"\s*(.*?)\s*(?:\(([^()]*)\))?\s*", title)
    name, unit = (match.group(1), match.group(2) or "") if match else (title, "")
    return name, unit.strip().replace("\u00b5", "u").replace("\u03bc", "u")


def _factor(name: str, unit: str, units: Mapping[str, float]) -> float:
    """Factor to SI of a column's unit."""
    if unit not in units:
        raise InputError(
            f"the column {_named(name)} must be in {next(iter(units))!r}, not {shown(unit)}."
        )
    return units[unit]


def _twice(name: str) -> InputError:
    return InputError(f"the column {_named(name)} must be given once, not twice.")


def _named(title: str) -> str:
    """A column's title in quotes, short and without what a terminal would obey."""
    return shown(title) if len(title) > 60 or not title.isprintable() else f"'{title}'"


def _qubit(line: int, row: list[str], places: dict[str, tuple[int, float]]) -> dict[str, Any]:
    """Figures of one row; an empty cell is a missing figure."""
    figures: dict[str, Any] = {}
    for figure, (i, factor) in places.items():
        cell = row[i].strip()
        if not cell:
            continue
        value = _number(cell)
        if not math.isfinite(value):
            raise InputError(f"line {line}, '{figure}' must be a number, not {shown(cell)}.")
        figures[figure] = value * factor
    index = figures.get("index")
    if index is None or index != int(index) or index < 0:
        raise InputError(f"line {line}, 'Qubit' must be a whole number >= 0, not {shown(index)}.")
    return {**figures, "index": int(index)}


def _read_gates(
    field: str,
    cell: str,
    qubit: int,
    column: _GateColumn,
    gates: dict[tuple[str, tuple[int, ...]], dict[str, float]],
) -> None:
    """Add what one cell says of gates."""
    if column.pairs:
        entries = _pairs(field, cell, qubit)
    else:
        entries = [((qubit,), cell.strip())] if cell.strip() else []
    is_error = column.key == "error"
    for where, text in entries:
        value = _number(text)
        if not 0 <= value <= (1 if is_error else sys.float_info.max):
            rule = "from 0 to 1" if is_error else ">= 0"
            raise InputError(f"{field} must be a number {rule}, not {shown(text)}.")
        for name in column.names:
            figures = gates.setdefault((name, where), {})
            known = figures.setdefault(column.key, value * column.factor)
            if known != value * column.factor:
                both = f"{known / column.factor:.6g} and {value:.6g}"
                raise InputError(f"{field} must give {name}{list(where)} one value, not {both}.")


def _pairs(field: str, cell: str, qubit: int) -> list[tuple[tuple[int, ...], str]]:
    """Coupled pairs of one cell and their numbers, old "0_1:err;..." or new "1:err;..."."""
    found: list[tuple[tuple[int, ...], str]] = []
    for part in filter(None, (piece.strip() for piece in cell.split(";"))):
        match = re.fullmatch(r"(?:(\d{1,6})_)?(\d{1,6})\s*:\s*([-+.\deE]+)", part)
        ends = [int(end) for end in match.group(1, 2) if end is not None] if match else []
        where = (qubit, *ends) if len(ends) == 1 else tuple(ends)
        if match is None or qubit not in where or len(set(where)) < 2:
            raise InputError(
                f"{field} must hold pairs such as '0_1:0.008;0_14:0.012' or '1:0.008', not "
                f"{shown(part)}."
            )
        found.append((where, match.group(3)))
    return found


def _number(text: str) -> float:
    """The number in a cell; NaN where there is none."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _facts(
    path: Path, qubits: list[dict[str, Any]], gates: Collection[Mapping[str, float]]
) -> dict[str, Any]:
    """What is not in the rows: names, date and sources."""
    match = _FILE_NAME.match(path.name)
    source = f"calibration CSV {path.name}"
    date = None
    if match is not None:
        day, _, clock = match.group("date").removesuffix("Z").partition("T")
        date = f"{day}T{clock.replace('_', ':')}+00:00"
    name = match.group("name") if match else re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)[:64]
    figures = [f for f, _ in _COLUMNS.values() if f != "index" and any(f in q for q in qubits)]
    figures += [kind for kind, key in GATE_FIGURES.items() if any(key in gate for gate in gates)]
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
