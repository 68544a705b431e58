"""Calibrations: what was measured about a chip's qubits, validated, in SI, dated, with sources.

`load_calibration` reads a bundled chip or a file. What happens to missing, odd and unphysical
values is decided in `qbat_circuits.qubit_calibration`; nothing is invented here.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from qbat_circuits.calibration_csv import csv_content
from qbat_circuits.calibration_files import (
    FORMAT,
    GATE_FIGURES,
    MAX_CALIBRATION_BYTES,
    VERSION,
    bundled_calibrations,
    calibration_content,
    file_bytes,
    find_calibration,
)
from qbat_circuits.errors import InputError, broken_rule, check_choice, check_number, shown
from qbat_circuits.gate_calibration import GateCalibration, gate_summary, gate_warnings
from qbat_circuits.json_files import canonical_sha256, read_json, read_text, write_atomically
from qbat_circuits.markup import Markup, facts
from qbat_circuits.qubit_calibration import (
    FIGURES,
    CalibrationWarning,
    QubitCalibration,
    as_date,
    named_places,
    warnings_of,
)

__all__ = [
    "Calibration",
    "FigureSource",
    "GateCalibration",
    "QubitCalibration",
    "bundled_calibrations",
    "load_calibration",
]

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
#: Every kind of figure, in the order in which sources are listed.
_KINDS = (*FIGURES, "line_rate_per_s", *GATE_FIGURES)


@dataclass(frozen=True)
class FigureSource:
    """Where one kind of figure comes from.

    Args:
        figure: a figure of `QubitCalibration`, ``line_rate_per_s``, ``gate_error`` or
            ``gate_duration_s``.
        source: file, paper or reason, as text.
        verified: whether the number was read in its source, not remembered or chosen.
    """

    figure: str
    source: str
    verified: bool

    def __post_init__(self) -> None:
        check_choice("figures", self.figure, _KINDS)
        _check_text(f"figures.{self.figure}.source", self.source)
        _check_flag(f"figures.{self.figure}.verified", self.verified)


@dataclass(frozen=True)
class Calibration:
    """A chip's calibration, validated, in SI.

    Args:
        name: short name, such as ``brisbane``.
        description: what the chip is.
        source: where the data comes from.
        qubits: figures of every qubit, qubit i at position i.
        figures: source of each kind of figure; every kind that a qubit or a gate has must be there.
        calibrated_at: ISO date with time zone; None for a chip that was never measured.
        tunable: whether the qubits can be tuned to one frequency.
        common_line: whether the qubits couple to one line, which can be the common bath.
        t1_includes_line: whether T1 was measured with the decay into that line in it.
        line_rate_per_s: decay rate kappa of one qubit into an empty line, in 1/s.
        coupling_map: pairs of qubits with a two-qubit gate, smaller number first; may be empty.
        gates: figures of gates, each on its qubits; pairs must be in ``coupling_map``.

    Raises:
        InputError: if a value breaks its rule.
    """

    name: str
    description: str
    source: str
    qubits: tuple[QubitCalibration, ...]
    figures: tuple[FigureSource, ...]
    calibrated_at: str | None = None
    tunable: bool = False
    common_line: bool = False
    t1_includes_line: bool = False
    line_rate_per_s: float | None = None
    coupling_map: tuple[tuple[int, int], ...] = ()
    gates: tuple[GateCalibration, ...] = ()

    def __post_init__(self) -> None:
        for field in ("name", "description", "source"):
            _check_text(field, getattr(self, field))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.name):
            raise broken_rule("name", "up to 64 letters, digits, '.', '_' and '-'", self.name)
        for field in ("tunable", "common_line", "t1_includes_line"):
            _check_flag(field, getattr(self, field))
        if self.calibrated_at is not None:
            as_date("calibrated_at", self.calibrated_at)
        if self.line_rate_per_s is not None:
            rate = check_number("line_rate_per_s", self.line_rate_per_s, at_least=0)
            object.__setattr__(self, "line_rate_per_s", rate)
        if not self.qubits:
            raise InputError("'qubits' must hold at least one qubit, not none.")
        for position, qubit in enumerate(self.qubits):
            if qubit.index != position:
                raise broken_rule(f"qubits[{position}].index", str(position), qubit.index)
        object.__setattr__(self, "qubits", tuple(self.qubits))
        object.__setattr__(self, "coupling_map", self._checked_pairs())
        object.__setattr__(self, "gates", self._checked_gates())
        object.__setattr__(self, "figures", self._checked_figures())

    def _checked_pairs(self) -> tuple[tuple[int, int], ...]:
        pairs = set()
        for k, pair in enumerate(self.coupling_map):
            chip = range(len(self.qubits))
            if len(pair) != 2 or pair[0] == pair[1] or not all(q in chip for q in pair):
                rule = f"two different qubits from 0 to {len(chip) - 1}"
                raise broken_rule(f"coupling_map[{k}]", rule, list(pair))
            pairs.add((min(pair), max(pair)))
        return tuple(sorted(pairs))

    def _checked_gates(self) -> tuple[GateCalibration, ...]:
        last, pairs, seen = len(self.qubits) - 1, set(self.coupling_map), set()
        for gate in self.gates:
            field, where = f"gates.{gate.name}.qubits", list(gate.qubits)
            if max(gate.qubits) > last:
                raise broken_rule(field, f"numbers from 0 to {last}", where)
            if len(where) == 2 and (min(where), max(where)) not in pairs:
                raise broken_rule(field, "a pair of 'coupling_map'", where)
            if (gate.name, gate.qubits) in seen:
                raise InputError(f"'{gate.label}' must be given once in 'gates', not twice.")
            seen.add((gate.name, gate.qubits))
        return tuple(sorted(self.gates, key=lambda gate: (gate.name, gate.qubits)))

    def _checked_figures(self) -> tuple[FigureSource, ...]:
        named = [figure.figure for figure in self.figures]
        if len(set(named)) < len(named):
            raise broken_rule("figures", "one entry per figure", named)
        for name in _KINDS:
            if name not in named and self._has(name):
                raise InputError(f"'figures' must say where '{name}' comes from.")
        return tuple(sorted(self.figures, key=lambda figure: _KINDS.index(figure.figure)))

    def _has(self, kind: str) -> bool:
        """Whether any number of this kind of figure is there."""
        owners: Iterable[object] = self.gates if kind in GATE_FIGURES else self.qubits
        owners = (self,) if kind == "line_rate_per_s" else owners
        return any(getattr(owner, GATE_FIGURES.get(kind, kind)) is not None for owner in owners)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """From parsed JSON of our own format or of IBM's BackendProperties.

        Raises:
            InputError: if the content is of neither format or a value breaks its rule.
        """
        return cls._from_content(calibration_content(content))

    @classmethod
    def from_backend(cls, backend: Any) -> Calibration:
        """From a Qiskit BackendV2, fake or live, that has IBM's properties.

        Raises:
            InputError: if the backend reports no properties, or a value breaks its rule.
        """
        reported = getattr(backend, "properties", None)
        properties = reported() if callable(reported) else None
        if properties is None or not hasattr(properties, "to_dict"):
            raise InputError(
                "'calibration' must be a bundled name, a path or a backend with properties() (T1, "
                f"T2, readout errors), not {shown(backend)}."
            )
        # Dates are objects there and text in a file.
        return cls.from_dict(json.loads(json.dumps(properties.to_dict(), default=str)))

    @classmethod
    def _from_content(cls, known: dict[str, Any]) -> Calibration:
        qubits = [
            QubitCalibration(**{**qubit, "dates": tuple(qubit.get("dates", {}).items())})
            for qubit in known.pop("qubits")
        ]
        figures = [FigureSource(name, **figure) for name, figure in known.pop("figures").items()]
        gates = [GateCalibration(**gate) for gate in known.pop("gates", [])]
        rest = {field.name: known[field.name] for field in fields(cls) if field.name in known}
        return cls(qubits=tuple(qubits), figures=tuple(figures), gates=tuple(gates), **rest)

    def to_dict(self) -> dict[str, Any]:
        """JSON content of our own format, without what is missing; the inverse of `from_dict`."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        content = {k: v for k, v in content.items() if v is not None}
        content["coupling_map"] = [list(pair) for pair in self.coupling_map]
        content["figures"] = {
            f.figure: {"source": f.source, "verified": f.verified} for f in self.figures
        }
        content["qubits"] = [
            {k: v for k, v in vars(q).items() if v is not None} | {"dates": dict(q.dates)}
            for q in self.qubits
        ]
        content["gates"] = [
            {k: v for k, v in vars(gate).items() if v is not None} | {"qubits": list(gate.qubits)}
            for gate in self.gates
        ]
        if not self.gates:
            del content["gates"]
        return {"format": FORMAT, "version": VERSION, **content}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write our own format in one step; `load_calibration` reads it back as an equal value.

        Raises:
            InputError: if the place cannot be written.
        """
        write_atomically(path, file_bytes(self.to_dict()))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the whole content: equal for equal calibrations only."""
        return canonical_sha256(self.to_dict())

    def gate(self, name: str, qubits: Iterable[int]) -> GateCalibration | None:
        """The gate of this name on these qubits in this order; None where the chip has none."""
        return self._gates_by_key.get((name, tuple(qubits)))

    def two_qubit_gate(self, a: int, b: int) -> GateCalibration | None:
        """The usable two-qubit gate between two qubits, in either direction, of the smallest error.

        One without a known error comes after those with one; None where no gate is usable.
        """
        found = (self.gate(name, pair) for name in self.gate_names for pair in ((a, b), (b, a)))
        usable = [gate for gate in found if gate is not None and gate.usable]
        return min(
            usable, key=lambda gate: math.inf if gate.error is None else gate.error, default=None
        )

    @cached_property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the gates that the chip has anywhere, sorted."""
        return tuple(sorted({gate.name for gate in self.gates}))

    @cached_property
    def _gates_by_key(self) -> dict[tuple[str, tuple[int, ...]], GateCalibration]:
        return {(gate.name, gate.qubits): gate for gate in self.gates}

    @property
    def unverified(self) -> tuple[str, ...]:
        """Kinds of figures that nobody has read in their source."""
        return tuple(figure.figure for figure in self.figures if not figure.verified)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every oddity as one sentence that names its qubit or its gate."""
        return tuple(str(warning) for warning in self._warnings())

    def warnings_by_kind(self, qubits: Iterable[int] | None = None) -> tuple[str, ...]:
        """One sentence per kind of oddity, naming every qubit or pair that has it.

        Args:
            qubits: only these qubits and the gates among them; all by default.
        """
        groups: dict[tuple[str, str], list[tuple[int, ...]]] = {}
        for warning in self._warnings(None if qubits is None else set(qubits)):
            groups.setdefault((warning.kind, warning.policy), []).append(warning.qubits)
        return tuple(f"{kind}: {named_places(q)}; {do}." for (kind, do), q in groups.items())

    def table(self) -> Table:
        """Headers with units, and one row per qubit with its figures and its oddities.

        Missing figures read ``-``; the header of a figure that is not verified says so.
        """
        headers = ["qubit"]
        for name, figure in FIGURES.items():
            doubt = ", not verified" if name in self.unverified else ""
            headers.append(f"{figure.words} ({figure.unit}{doubt})")
        kinds: dict[int, dict[str, None]] = {}
        for warning in self._warnings():
            for number in warning.qubits:
                kinds.setdefault(number, {})[warning.kind] = None
        rows = []
        for qubit in self.qubits:
            values = ((getattr(qubit, name), figure.scale) for name, figure in FIGURES.items())
            cells = ["-" if value is None else f"{value * scale:.5g}" for value, scale in values]
            rows.append((str(qubit.index), *cells, "; ".join(kinds.get(qubit.index, {}))))
        return (*headers, "warnings"), rows

    def gate_table(self) -> Table:
        """Headers with units, and one row per name of gate (`gate_summary`)."""
        headers = ["gate", "number", "median error (%)", "worst error (%)", "median duration (ns)"]
        rows = [
            gate_summary([gate for gate in self.gates if gate.name == name])
            for name in self.gate_names
        ]
        return (*headers, "not calibrated"), rows

    def source_table(self) -> Table:
        """Headers and one row per kind of figure: what it is, whether verified, its source."""
        rows: list[tuple[str, ...]] = [
            (f.figure, "yes" if f.verified else "no", f.source) for f in self.figures
        ]
        return ("figure", "verified", "source"), rows

    def _repr_html_(self) -> Markup:
        """What a notebook shows."""
        shown = {
            "what": self.description,
            "calibrated at": self.calibrated_at or "undated",
            "qubits": len(self.qubits),
            "gates": ", ".join(self.gate_names) or "none",
            "common line": "yes" if self.common_line else "none",
            "tunable": "yes" if self.tunable else "no",
            "not verified": ", ".join(self.unverified) or "nothing",
            "oddities": len(self.warnings),
        }
        return facts(f"Calibration {self.name}", shown.items())

    def _warnings(self, among: set[int] | None = None) -> list[CalibrationWarning]:
        """Every oddity of all qubits and gates, or of these qubits and the gates among them."""
        doubtful = self.unverified
        qubits = [q for q in self.qubits if among is None or q.index in among]
        gates = [g for g in self.gates if among is None or among.issuperset(g.qubits)]
        found = [w for q in qubits for w in warnings_of(q, self.calibrated_at, doubtful)]
        return [*found, *gate_warnings(gates)]


def load_calibration(name_or_path: Any) -> Calibration:
    """A bundled calibration by name, the calibration in a file, or that of a backend.

    Args:
        name_or_path: one of `bundled_calibrations`; the path of a JSON file in our own format or
            as IBM saves BackendProperties, told from its content, or of the CSV that IBM's
            dashboard exports; or a Qiskit BackendV2. A bundled name wins over a file of that name:
            write ``./brisbane`` for the file.

    Raises:
        InputError: if the name is unknown, or the file unreadable or breaking a rule; one sentence
            that names the file, the field, the rule and the value.
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        return Calibration.from_backend(name_or_path)
    path = find_calibration(name_or_path)
    table = path.suffix.lower() == ".csv"
    raw: Any = (read_text if table else read_json)(path, "calibration", MAX_CALIBRATION_BYTES)
    try:
        content = csv_content(raw, path) if table else calibration_content(raw)
        return Calibration._from_content(content)
    except InputError as error:
        raise InputError(f"The calibration file {str(path)!r} is refused: {error}") from None


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise broken_rule(field, "one line of text", value)


def _check_flag(field: str, value: object) -> None:
    if not isinstance(value, bool):
        raise broken_rule(field, "true or false", value)
