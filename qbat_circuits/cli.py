"""The command line: thin commands over the public API.

Exit codes: 0 done, 2 bad input (one sentence, no traceback), 1 a fault of ours. Heavy modules are
imported inside the commands, so that `qbat --help` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import Abort, TyperException

from qbat_circuits.errors import InputError, QbatError, shown

if TYPE_CHECKING:
    from qbat_circuits.calibration import Calibration
    from qbat_circuits.readout_model import ReadoutModel
    from qbat_circuits.schema import Experiment

app = typer.Typer(
    help="A quantum battery that charges from noise alone: what a real chip would show.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
calibration_app = typer.Typer(help="Chip calibrations: bundled, shown, imported.")
app.add_typer(calibration_app, name="calibration", no_args_is_help=True)


def _whole_number(text: str) -> int:
    """A parser that names the value, which the default one does not."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"must be a whole number, not {shown(text)}.") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"must be a number, not {shown(text)}.") from None


File = Annotated[
    Path | None,
    typer.Argument(metavar="[EXPERIMENT.toml]", help="Experiment file, else the bundled example."),
]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", metavar="NAME|PATH", help="Another chip than the file's."),
]
CellsOption = Annotated[
    int | None, typer.Option("--cells", help="Number of cells.", parser=_whole_number)
]
ShotsOption = Annotated[
    int | None, typer.Option("--shots", help="Shots per Pauli setting.", parser=_whole_number)
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Seed of every random number.", parser=_whole_number)
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="JSON here too; - prints only it."),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder for result files and figure.")
]


@app.command()
def run(
    experiment: File = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
    shots: ShotsOption = None,
    seed: SeedOption = None,
    json: JsonOption = None,
    out: OutOption = Path("qbat-results"),
) -> None:
    """Charge, measure, estimate: the whole job. Example: qbat run --cells 2 --shots 1000"""
    chosen = _experiment(experiment, calibration, cells, shots, seed)
    with _progress() as say:
        say("Starting")
        from qbat_circuits.show.plots import plot_result, svg_bytes
        from qbat_circuits.show.summary import headline, sentences, summary_sections
        from qbat_circuits.study.experiment import run_experiment
        from qbat_circuits.study.results import check_writable, result_files, write_files

        check_writable(out)
        if json is not None:
            check_writable(json.parent)
        result = run_experiment(chosen, say)
        say("Writing")
        files = result_files(result)
        files["charging.svg"] = svg_bytes(plot_result(result))
        written = write_files(out, files)
        if _wrote_json(json, files["result.json"]):
            return
    console = _Console()
    _print_headline(console, headline(result.model))
    for title, rows in summary_sections(result):
        _print_rows(console, title, rows)
    _print_sentences(console, sentences(result.model, result.notes))
    console.print("\nFiles", style="bold")
    for path in written:
        console.print(f"  {path}", markup=False, soft_wrap=True)


@app.command()
def charge(
    experiment: File = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
) -> None:
    """The charging curve alone, without a measurement. Example: qbat charge --cells 4"""
    chosen = _experiment(experiment, calibration, cells)
    with _progress() as say:
        say("Charging")
        from qbat_circuits.show.summary import curve_rows, headline, sentences
        from qbat_circuits.study.experiment import charge_model, charging_notes
        from qbat_circuits.study.model import build_model

        model = build_model(chosen)
        curve = charge_model(model)
    console = _Console()
    _print_headline(console, headline(model))
    columns, rows = curve_rows(model, curve)
    _print_table(console, columns, rows)
    _print_sentences(console, sentences(model, charging_notes(model, curve)))


@app.command()
def estimate(
    counts: Annotated[Path, typer.Argument(metavar="COUNTS.json", help="Counts file.")],
    calibration: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="Chip whose readout is inverted, with --qubits."),
    ] = None,
    qubits: Annotated[
        str | None, typer.Option(help="Its measured qubits, cell 0 first, such as 0,1,2.")
    ] = None,
    ideal_readout: Annotated[
        bool, typer.Option("--ideal-readout", help="The readout made no errors.")
    ] = False,
    confidence: Annotated[
        float | None, typer.Option(help="Confidence level, 0.95 if left out.", parser=_number)
    ] = None,
    seed: SeedOption = None,
    json: JsonOption = None,
) -> None:
    """Extractable work from measured counts. Example: qbat estimate counts.json"""
    from qbat_circuits.analysis.estimate import estimate_ergotropy
    from qbat_circuits.json_files import json_bytes
    from qbat_circuits.sampling.counts import Counts
    from qbat_circuits.show.summary import estimate_rows

    measured = Counts.load(counts)
    readout = _readout(measured, calibration, qubits, ideal_readout)
    found = estimate_ergotropy(
        measured, readout=readout, **_given(confidence=confidence, seed=seed)
    )
    if _wrote_json(json, json_bytes({"counts": str(counts), **found.to_dict()})):
        return
    console = _Console()
    _print_headline(console, f"{counts} ({measured.origin})")
    _print_rows(console, "Measurement", list(estimate_rows(found)))
    for warning in found.warnings:
        console.print(f"  - {warning}", markup=False)


@calibration_app.command("list")
def calibration_list() -> None:
    """The bundled calibrations."""
    from qbat_circuits.calibration import load_calibration
    from qbat_circuits.calibration_files import bundled_calibrations

    rows = []
    for name in bundled_calibrations():
        one = load_calibration(name)
        rows.append(
            (
                one.name,
                str(len(one.qubits)),
                (one.calibrated_at or "undated")[:10],
                "yes" if one.tunable else "no",
                "yes" if one.common_line else "no",
                "no" if one.unverified else "yes",
            )
        )
    columns = ("name", "qubits", "date", "tunable", "common line", "verified")
    _print_table(_Console(), columns, rows)


@calibration_app.command("show")
def calibration_show(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="Bundled name or file.")],
) -> None:
    """One calibration: every qubit with units, sources and warnings."""
    from qbat_circuits.calibration import load_calibration

    one = load_calibration(name)
    console = _Console()
    console.print(f"{one.name}, {one.calibrated_at or 'undated'}", style="bold", markup=False)
    console.print(f"{one.description}. Source: {one.source}", markup=False)
    facts = (
        ("tunable", one.tunable),
        ("common line", one.common_line),
        ("T1 includes the line", one.t1_includes_line),
    )
    console.print(", ".join(f"{what}: {'yes' if true else 'no'}" for what, true in facts))
    for columns, rows in (_figures(one), one.source_table()):
        console.print()
        _print_table(console, columns, rows)
    if one.unverified:
        console.print("* not verified", markup=False)
    console.print()
    for warning in one.warnings_by_kind():
        console.print(f"  - {warning}", markup=False)


@calibration_app.command("import")
def calibration_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="BackendProperties or our JSON.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where; NAME.json if left out.")
    ] = None,
) -> None:
    """Turn a vendor's file into a calibration of this package. Example: qbat calibration import
    props.json"""
    from qbat_circuits.calibration import load_calibration

    one = load_calibration(file)
    target = Path(f"{one.name}.json") if out is None else out
    if target.exists():
        raise InputError(f"The file {str(target)!r} exists already; name another with --out.")
    one.save(target)
    console = _Console()
    console.print(f"{one.name}: {len(one.qubits)} qubits, written to {target}", markup=False)
    for warning in one.warnings_by_kind():
        console.print(f"  - {warning}", markup=False)


def main() -> None:
    """Entry point of `qbat`: runs a command and turns every error into a sentence and a code."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character still works
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except (Abort, KeyboardInterrupt):
        code = _fail(130, "Interrupted.")
    except TyperException as error:
        code = _fail(2, error.format_message())
    except InputError as error:
        code = _fail(2, str(error))
    except QbatError as error:
        code = _fail(1, str(error))
    except Exception as error:
        if os.environ.get("QBAT_TRACEBACK"):
            traceback.print_exc()
        message = f"A fault of qbat_circuits: {type(error).__name__}: {error}"
        code = _fail(1, f"{message} (QBAT_TRACEBACK=1 shows where).")
    sys.exit(code or 0)


def _fail(code: int, sentence: str) -> int:
    print(f"qbat: {sentence}", file=sys.stderr)
    return code


def _figures(calibration: Calibration) -> tuple[list[str], list[list[str]]]:
    """The table of qubits for a terminal: units below names, a star where a figure is not
    verified, no empty columns, and no warnings, which are listed below by kind."""
    columns, rows = calibration.table()
    kept = [i for i in range(len(columns) - 1) if any(row[i] != "-" for row in rows)]
    names = [columns[i].replace(", not verified)", ")*").replace(" (", "\n(") for i in kept]
    return names, [[row[i] for i in kept] for row in rows]


def _experiment(
    path: Path | None,
    calibration: str | None = None,
    cells: int | None = None,
    shots: int | None = None,
    seed: int | None = None,
) -> Experiment:
    from qbat_circuits.schema import bundled_example, load_experiment

    chosen = bundled_example() if path is None else load_experiment(path)
    return chosen.changed(calibration=calibration, n_cells=cells, shots=shots, seed=seed)


def _readout(
    counts: Any, calibration: str | None, qubits: str | None, ideal: bool
) -> ReadoutModel | None:
    """The readout to invert; None leaves it to the counts file."""
    from qbat_circuits.calibration import load_calibration
    from qbat_circuits.device import Device
    from qbat_circuits.readout_model import ReadoutModel

    if (calibration is None) != (qubits is None):
        raise InputError("'--calibration' and '--qubits' must be given together.")
    if ideal and calibration is not None:
        raise InputError("'--ideal-readout' and '--calibration' exclude each other.")
    if ideal:
        return ReadoutModel.ideal(counts.n_cells)
    if calibration is None or qubits is None:
        return None
    try:
        numbers = [int(part) for part in qubits.split(",")]
    except ValueError:
        raise InputError(f"'--qubits' must be numbers like 0,1,2, not {qubits!r}.") from None
    return Device.from_calibration(load_calibration(calibration), numbers).readout


def _given(**arguments: Any) -> dict[str, Any]:
    """Only the arguments that were given: the rest keeps the function's own defaults."""
    return {name: value for name, value in arguments.items() if value is not None}


def _wrote_json(path: Path | None, data: bytes) -> bool:
    """Write the JSON where it was asked for; True if that is standard output, and nothing else."""
    from qbat_circuits.json_files import write_atomically

    if path == Path("-"):
        sys.stdout.write(data.decode())
        return True
    if path is not None:
        write_atomically(path, data)
    return False


@contextmanager
def _progress() -> Iterator[Any]:
    """A status line on a terminal, silence in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _stage: None
        return
    with console.status("") as status:
        yield lambda stage: status.update(f"{stage} ...")


class _Console(Console):
    """Standard output, as wide as the terminal; 100 columns in a pipe."""

    def __init__(self) -> None:
        super().__init__(highlight=False, width=None if sys.stdout.isatty() else 100)

    def on_broken_pipe(self) -> None:
        """The reader, such as `head`, has seen enough: that is no error."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


def _print_headline(console: Console, text: str) -> None:
    console.print(text, style="bold", markup=False, soft_wrap=True)


def _print_sentences(console: Console, groups: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    for title, lines in groups:
        console.print(f"\n{title}", style="bold", markup=False)
        for line in lines:
            console.print(f"  - {line}", markup=False)


def _print_rows(console: Console, title: str, rows: Sequence[tuple[str, str]]) -> None:
    console.print(f"\n{title}", style="bold", markup=False)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for what, value in rows:
        grid.add_row(f"  {_escaped(what)}", _escaped(value))
    console.print(grid)


def _print_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]] | Mapping[str, Any]
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(_escaped(column), overflow="fold")
    for row in rows:
        table.add_row(*(_escaped(cell) for cell in row))
    console.print(table)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
