"""`qbat calibration`: chip calibrations, bundled, shown, imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qbat_circuits.cli.console import (
    ChipArgument,
    Console,
    JsonOption,
    QuietOption,
    check_json,
    print_table,
    wrote_json,
)
from qbat_circuits.errors import InputError

if TYPE_CHECKING:
    from qbat_circuits.calibration import Calibration

app = typer.Typer(help="Chip calibrations: bundled, shown, imported.")


@app.command("list")
def calibration_list(json: JsonOption = None, quiet: QuietOption = False) -> None:
    """The bundled calibrations. Example: qbat calibration list"""
    from qbat_circuits.calibration import load_calibration
    from qbat_circuits.calibration_files import bundled_calibrations

    check_json(json)
    chips = [load_calibration(name) for name in bundled_calibrations()]
    content = [
        {
            "name": one.name,
            "qubits": len(one.qubits),
            "calibrated_at": one.calibrated_at,
            "tunable": one.tunable,
            "common_line": one.common_line,
            "verified": not one.unverified,
        }
        for one in chips
    ]
    if wrote_json(json, content):
        return
    rows = [
        (
            one.name,
            str(len(one.qubits)),
            (one.calibrated_at or "undated")[:10],
            "yes" if one.tunable else "no",
            "yes" if one.common_line else "no",
            "no" if one.unverified else "yes",
        )
        for one in chips
    ]
    columns = ("name", "qubits", "date", "tunable", "common line", "verified")
    print_table(Console(), columns, rows)


@app.command("show")
def calibration_show(
    name: ChipArgument,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Every qubit with units, gates, sources, warnings. Example: qbat calibration show fez"""
    from qbat_circuits.calibration import load_calibration

    one = load_calibration(name)
    check_json(json)
    if wrote_json(json, {**one.to_dict(), "warnings": list(one.warnings_by_kind())}):
        return
    console = Console()
    console.print(f"{one.name}, {one.calibrated_at or 'undated'}", style="bold", markup=False)
    console.print(f"{one.description}. Source: {one.source}", markup=False)
    facts = (
        ("tunable", one.tunable),
        ("common line", one.common_line),
        ("T1 includes the line", one.t1_includes_line),
    )
    console.print(", ".join(f"{what}: {'yes' if true else 'no'}" for what, true in facts))
    for columns, rows in (_figures(one), _gates(one), one.source_table()):
        if rows:
            console.print()
            print_table(console, columns, rows)
    if one.unverified:
        console.print("* not verified", markup=False)
    console.print()
    for warning in one.warnings_by_kind():
        console.print(f"  - {warning}", markup=False)


@app.command("import")
def calibration_import(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="BackendProperties, a dashboard CSV or our JSON.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where; NAME.json if left out.")
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Turn a vendor's file into a calibration of this package. Example: qbat calibration import
    props.json"""
    from qbat_circuits.calibration import load_calibration

    one = load_calibration(file)
    target = Path(f"{one.name}.json") if out is None else out
    if os.path.lexists(target):
        raise InputError(f"The file {str(target)!r} exists already; name another with --out.")
    check_json(json)
    one.save(target)
    content = {
        "name": one.name,
        "qubits": len(one.qubits),
        "file": str(target),
        "warnings": list(one.warnings_by_kind()),
    }
    if wrote_json(json, content):
        return
    console = Console()
    console.print(f"{one.name}: {len(one.qubits)} qubits, written to {target}", markup=False)
    for warning in one.warnings_by_kind():
        console.print(f"  - {warning}", markup=False)


def _figures(calibration: Calibration) -> tuple[list[str], list[list[str]]]:
    """The table of qubits for a terminal: units below names, a star where a figure is not
    verified, no empty columns, and no warnings, which are listed below by kind."""
    columns, rows = calibration.table()
    kept = [i for i in range(len(columns) - 1) if any(row[i] != "-" for row in rows)]
    names = [columns[i].replace(", not verified)", ")*").replace(" (", "\n(") for i in kept]
    return names, [[row[i] for i in kept] for row in rows]


def _gates(calibration: Calibration) -> tuple[list[str], list[tuple[str, ...]]]:
    """The table of gates for a terminal: units below names."""
    columns, rows = calibration.gate_table()
    return [title.replace(" (", "\n(") for title in columns], rows
