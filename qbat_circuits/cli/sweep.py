"""`qbat sweep`: an experiment over a grid of its own fields."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from qbat_circuits.cli.console import (
    Console,
    JsonOption,
    QuietOption,
    check_json,
    print_headline,
    print_rows,
    progress,
    whole_number,
    wrote_json,
)

#: Names of the store and of the export in the result folder.
STORE, EXPORT = "sweep.sqlite", "sweep.nc"


class _SweepGroup(TyperGroup):
    """`qbat sweep FILE` is short for `qbat sweep run FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_SweepGroup,
    help="An experiment over a grid of its own fields: qbat sweep sweep.toml --out DIR",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Result folder of a sweep.")]


@app.command()
def run(
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT.toml", help="Experiment file with [sweep].")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the store and the export.")
    ] = Path("qbat-sweep"),
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Local processes that compute.", parser=whole_number),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Dask cluster that computes."),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Compute what the store lacks. Example: qbat sweep sweep.toml --out map --workers 2"""
    from qbat_circuits.errors import InputError
    from qbat_circuits.json_files import check_target
    from qbat_circuits.schema import load_experiment

    if workers is not None and scheduler is not None:
        raise InputError("'--workers' and '--scheduler' must not both be given.")
    chosen = load_experiment(experiment)
    with progress() as say:
        say("Starting")
        from qbat_circuits.study.results import check_writable, write_files
        from qbat_circuits.study.sweep import run_sweep
        from qbat_circuits.study.sweep_export import export_sweep

        check_json(json)
        check_writable(out)
        made = not out.exists()
        write_files(out, {})  # makes the folder
        check_target(out / EXPORT)
        try:
            run_sweep(chosen, None, out / STORE, scheduler, workers, say)
        except InputError:
            if made and not any(out.iterdir()):
                out.rmdir()
            raise
        except KeyboardInterrupt:
            if not _said_how_to_go_on(out / STORE):
                raise
            sys.exit(130)  # and nothing else is said
        say("Writing")
        export_sweep(out / STORE, out / EXPORT)
    _report(out, json)


@app.command()
def status(folder: Folder, json: JsonOption = None, quiet: QuietOption = False) -> None:
    """How far a sweep is; it may be running. Example: qbat sweep status map"""
    _report(folder, json)


@app.command()
def export(folder: Folder, json: JsonOption = None, quiet: QuietOption = False) -> None:
    """Write what is stored so far as NetCDF. Example: qbat sweep export map"""
    with progress() as say:
        say("Writing")
        from qbat_circuits.study.sweep_export import export_sweep

        check_json(json)
        export_sweep(folder / STORE, folder / EXPORT)
    _report(folder, json)


def _said_how_to_go_on(store: Path) -> bool:
    """False where nothing is stored yet."""
    from qbat_circuits.errors import InputError
    from qbat_circuits.study.sweep_reading import status as status_of

    try:
        found = status_of(store)
    except InputError:
        return False
    print(
        f"qbat: Interrupted with {found.done + found.failed} of {found.size} points stored: the "
        "same command goes on from there.",
        file=sys.stderr,
    )
    return True


def _report(folder: Path, json: Path | None) -> None:
    from qbat_circuits.study.sweep_reading import read_grid
    from qbat_circuits.study.sweep_reading import status as status_of
    from qbat_circuits.study.sweep_statement import sweep_statement

    store, exported = folder / STORE, folder / EXPORT
    found = status_of(store)
    statement, reason = sweep_statement(read_grid(store))
    content = {
        "statement": statement,
        "hypothetical": bool(reason),
        "hypothetical_reason": reason,
        "points": found.size,
        "done": found.done,
        "failed": found.failed,
        "running": found.running,
        "failures": [{"sentence": text, "points": n} for text, n in found.failures],
        "store": str(store),
        "export": str(exported) if exported.exists() else None,
    }
    if wrote_json(json, content):
        return
    rows = [
        ("points", f"{found.done + found.failed} of {found.size}"),
        ("failed", str(found.failed)),
        ("running", "yes" if found.running else "no"),
        ("store", str(store)),
    ]
    if exported.exists():
        rows.append(("export", str(exported)))
    console = Console()
    print_headline(console, f"HYPOTHETICAL: {statement} ({reason})" if reason else statement)
    print_rows(console, "Sweep", rows)
    if found.failures:
        print_rows(console, "Failures", [(str(n), sentence) for sentence, n in found.failures[:10]])
