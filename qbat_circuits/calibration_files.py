"""Calibration files: where they lie, and their content in one form whatever wrote them.

Two formats are read, told apart by their content:

- our own, ``{"format": "qbat-calibration", "version": 1, ...}``, SI with the unit in each name;
- BackendProperties JSON as IBM saves it (``backend.properties().to_dict()``), which becomes our
  own: units converted, pairs of coupled qubits read from the two-qubit gates, and gates on more
  than two qubits left out. What such a chip is not, the file does not say, so ``tunable``,
  ``common_line`` and ``t1_includes_line`` are false.

Structure and types are checked here, values in `qbat_circuits.calibration`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from qbat_circuits.errors import (
    InputError,
    QbatError,
    broken_rule,
    check_choice,
    check_number,
    did_you_mean,
    shown,
)
from qbat_circuits.file_models import validated
from qbat_circuits.json_files import json_bytes

FORMAT = "qbat-calibration"
VERSION = 1
#: Largest file, in bytes; the largest public snapshots of chips are below 1 MB.
MAX_CALIBRATION_BYTES = 8 * 2**20
#: Most qubits of a chip, and most gates or pairs.
MAX_QUBITS, MAX_GATES = 10_000, 100_000
#: Kind of figure -> its key in a gate.
GATE_FIGURES = {"gate_error": "error", "gate_duration_s": "duration_s"}

_PACKAGE = Path(__file__).parent
#: The data inside an installed wheel, else beside the package in a checkout (editable, sdist).
_FOLDERS = (_PACKAGE / "_calibration", _PACKAGE.parent / "calibration")

_TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ns": 1e-9}
_FREQUENCIES = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
_PLAIN = {"": 1.0}
#: Name in BackendProperties -> (our name, unit -> factor to SI).
_PROPERTIES: dict[str, tuple[str, dict[str, float]]] = {
    "T1": ("t1_s", _TIMES),
    "T2": ("t2_s", _TIMES),
    "frequency": ("frequency_hz", _FREQUENCIES),
    "anharmonicity": ("anharmonicity_hz", _FREQUENCIES),
    "prob_meas1_prep0": ("prob_meas1_prep0", _PLAIN),
    "prob_meas0_prep1": ("prob_meas0_prep1", _PLAIN),
    "readout_error": ("readout_error", _PLAIN),
    "readout_length": ("readout_length_s", _TIMES),
}
#: The same for gates.
_GATE_PROPERTIES: dict[str, tuple[str, dict[str, float]]] = {
    "gate_error": ("error", _PLAIN),
    "gate_length": ("duration_s", _TIMES),
}


_Item = TypeVar("_Item")
_Qubits = Annotated[list[_Item], Field(max_length=MAX_QUBITS)]
_Gates = Annotated[list[_Item], Field(max_length=MAX_GATES)]


class _Own(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class _Foreign(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Figure(_Own):
    source: str
    verified: bool


class _Qubit(_Own):
    index: int
    t1_s: float | None = None
    t2_s: float | None = None
    frequency_hz: float | None = None
    anharmonicity_hz: float | None = None
    prob_meas1_prep0: float | None = None
    prob_meas0_prep1: float | None = None
    readout_error: float | None = None
    readout_length_s: float | None = None
    residual_population: float | None = None
    dates: dict[str, str] = {}


class _OwnGate(_Own):
    name: str
    qubits: list[int]
    error: float | None = None
    duration_s: float | None = None


class _CalibrationFile(_Own):
    format: str
    version: int
    name: str
    description: str
    source: str
    calibrated_at: str | None = None
    tunable: bool
    common_line: bool
    t1_includes_line: bool
    line_rate_per_s: float | None = None
    coupling_map: _Gates[list[int]] = []
    figures: dict[str, _Figure]
    qubits: _Qubits[_Qubit]
    gates: _Gates[_OwnGate] = []


class _Property(_Foreign):
    name: str
    value: Any
    unit: str | None = ""
    date: str | None = None


class _Gate(_Foreign):
    gate: str
    qubits: list[int]
    parameters: list[_Property] = []


class _BackendProperties(_Foreign):
    backend_name: str
    backend_version: str
    last_update_date: str
    qubits: _Qubits[list[_Property]]
    gates: _Gates[_Gate] = []


def bundled_calibrations() -> tuple[str, ...]:
    """Names of the calibrations that come with the package, sorted.

    Raises:
        QbatError: if the installation has lost them.
    """
    return tuple(sorted(path.stem for path in _folder().glob("*.json")))


def find_calibration(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a bundled name, else the given path.

    Raises:
        InputError: if it is neither a bundled name nor an existing file.
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise broken_rule("calibration", "a bundled name or a path", name_or_path)
    text, known = os.fspath(name_or_path), bundled_calibrations()
    if name_or_path in known:
        return _folder() / f"{text}.json"
    is_file_name = text.endswith((".json", ".csv"))
    looks_like_name = text == "" or not (os.path.dirname(text) or is_file_name)
    if isinstance(name_or_path, str) and looks_like_name and not os.path.exists(text):
        names = ", ".join(repr(name) for name in known)
        raise InputError(
            f"'calibration' must be the path of a JSON file or one of {names}, "
            f"not {shown(text)}{did_you_mean(text, known)}."
        )
    return Path(text)


def calibration_content(raw: Any) -> dict[str, Any]:
    """Content of either format, checked for structure and types, in the form of our own.

    Args:
        raw: parsed JSON.

    Raises:
        InputError: if it is neither format, a key is missing, unknown or of the wrong type, a
            unit is unknown, or a figure of one qubit or gate is given twice.
    """
    if not isinstance(raw, Mapping):
        raise InputError(f"the top level must be a JSON object, not {shown(raw)}.")
    if "format" in raw:
        if raw["format"] != FORMAT:
            raise broken_rule("format", f"'{FORMAT}'", raw["format"])
        if (version := raw.get("version")) != VERSION or isinstance(version, bool):
            raise broken_rule("version", f"{VERSION}, which is what this release reads", version)
        return validated(_CalibrationFile, raw).model_dump(exclude_none=True)
    if "backend_name" in raw or "last_update_date" in raw:
        return _from_backend_properties(validated(_BackendProperties, raw))
    raise InputError(
        f"it must be a calibration of this package (key 'format': '{FORMAT}') or IBM's "
        f"BackendProperties (key 'backend_name'), not an object with the keys "
        f"{shown(sorted(map(str, raw)))}."
    )


def file_bytes(content: Mapping[str, Any]) -> bytes:
    """The bytes of a file in our own format: JSON with every gate on one line, as a chip has many.

    Args:
        content: what `Calibration.to_dict` gives.
    """
    gates = [json.dumps(gate, sort_keys=True) for gate in content.get("gates", ())]
    if not gates:
        return json_bytes(content)
    lines = ",\n  ".join(gates).encode()
    # No text of a JSON file holds a line end, so this is the key of the top level.
    return json_bytes({**content, "gates": []}).replace(
        b'\n "gates": []', b'\n "gates": [\n  ' + lines + b"\n ]", 1
    )


def _folder() -> Path:
    for folder in _FOLDERS:
        if folder.is_dir():
            return folder
    raise QbatError(f"The bundled calibrations are missing from this installation ({_PACKAGE}).")


def _from_backend_properties(properties: _BackendProperties) -> dict[str, Any]:
    source = f"BackendProperties of {properties.backend_name} {properties.backend_version}"
    qubits = [_qubit_figures(q, rows) for q, rows in enumerate(properties.qubits)]
    gates = [
        _gate_figures(k, gate)
        for k, gate in enumerate(properties.gates)
        if len(gate.qubits) <= 2 and gate.gate != "measure"
    ]
    present = [ours for ours, _ in _PROPERTIES.values() if any(ours in qubit for qubit in qubits)]
    present += [kind for kind, ours in GATE_FIGURES.items() if any(ours in gate for gate in gates)]
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": properties.backend_name,
        "description": f"{len(qubits)} qubits, imported from IBM's BackendProperties",
        "source": source,
        "calibrated_at": properties.last_update_date,
        "tunable": False,
        "common_line": False,
        "t1_includes_line": False,
        "coupling_map": [gate["qubits"] for gate in gates if len(gate["qubits"]) == 2],
        "figures": {ours: {"source": source, "verified": True} for ours in present},
        "qubits": qubits,
        "gates": gates,
    }


def _qubit_figures(qubit: int, rows: list[_Property]) -> dict[str, Any]:
    figures, dates = _figures(f"qubits[{qubit}]", rows, _PROPERTIES)
    return {"index": qubit, **figures, "dates": dates}


def _gate_figures(number: int, gate: _Gate) -> dict[str, Any]:
    figures, _ = _figures(f"gates[{number}]", gate.parameters, _GATE_PROPERTIES)
    return {"name": gate.gate, "qubits": gate.qubits, **figures}


def _figures(
    owner: str, rows: list[_Property], known: Mapping[str, tuple[str, dict[str, float]]]
) -> tuple[dict[str, float], dict[str, str]]:
    """Figures in SI and their dates, both by our names; rows of other names are left out."""
    figures: dict[str, float] = {}
    dates: dict[str, str] = {}
    for row in rows:
        field = f"{owner}.{row.name}"
        if row.name not in known or row.value is None:
            continue
        ours, units = known[row.name]
        if ours in figures:
            raise InputError(f"'{field}' must be given once, not twice.")
        unit = check_choice(f"{field} unit", row.unit or "", tuple(units))
        figures[ours] = check_number(field, row.value) * units[unit]
        if row.date is not None:
            dates[ours] = row.date
    return figures, dates
