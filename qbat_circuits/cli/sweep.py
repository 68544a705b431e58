"""`qbat sweep`: an experiment over a grid of its own fields."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from qbat_circuits.cli.console import Console, print_rows, progress, whole_number

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
) -> None:
    """Compute what the store lacks. Example: qbat sweep sweep.toml --out map --workers 2"""
    from qbat_circuits.errors import InputError
    from qbat_circuits.schema import load_experiment

    if workers is not None and scheduler is not None:
        raise InputError("'--workers' and '--scheduler' must not both be given.")
    chosen = load_experiment(experiment)
    with progress() as say:
        say("Starting")
        from qbat_circuits.study.results import check_writable, write_files
        from qbat_circuits.study.sweep import run_sweep
        from qbat_circuits.study.sweep_export import export_sweep

        check_writable(out)
        made = not out.exists()
        write_files(out, {})  # makes the folder
        try:
            run_sweep(chosen, None, out / STORE, scheduler, workers, say)
        except InputError:
            if made and not any(out.iterdir()):
                out.rmdir()
            raise
        say("Writing")
        export_sweep(out / STORE, out / EXPORT)
    _report(out)


@app.command()
def status(folder: Folder) -> None:
    """How far a sweep is; it may be running. Example: qbat sweep status map"""
    _report(folder)


@app.command()
def export(folder: Folder) -> None:
    """Write what is stored so far as NetCDF. Example: qbat sweep export map"""
    with progress() as say:
        say("Writing")
        from qbat_circuits.study.sweep_export import export_sweep

        export_sweep(folder / STORE, folder / EXPORT)
    _report(folder)


def _report(folder: Path) -> None:
    from qbat_circuits.study.sweep_store import status as status_of

    found = status_of(folder / STORE)
    rows = [
        ("points", f"{found.done + found.failed} of {found.size}"),
        ("failed", str(found.failed)),
        ("running", "yes" if found.running else "no"),
        ("store", str(folder / STORE)),
    ]
    if (folder / EXPORT).exists():
        rows.append(("export", str(folder / EXPORT)))
    console = Console()
    print_rows(console, "Sweep", rows)
    if found.failures:
        print_rows(console, "Failures", [(str(n), sentence) for sentence, n in found.failures[:10]])
