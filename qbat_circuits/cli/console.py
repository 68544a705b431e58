"""What every command prints with, and the options that several share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console as RichConsole
from rich.table import Table

from qbat_circuits.errors import shown


def whole_number(text: str) -> int:
    """A parser that names the value, which the default one does not."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"must be a whole number, not {shown(text)}.") from None


def number(text: str) -> float:
    """The same for a number."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"must be a number, not {shown(text)}.") from None


ExperimentFile = Annotated[
    Path | None,
    typer.Argument(metavar="[EXPERIMENT.toml]", help="Experiment file, else the bundled example."),
]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", metavar="NAME|PATH", help="Another chip than the file's."),
]
CellsOption = Annotated[
    int | None, typer.Option("--cells", help="Number of cells.", parser=whole_number)
]
ShotsOption = Annotated[
    int | None, typer.Option("--shots", help="Shots per Pauli setting.", parser=whole_number)
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Seed of every random number.", parser=whole_number)
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="JSON here too; - prints only it."),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder for result files and figure.")
]


def given(**arguments: Any) -> dict[str, Any]:
    """Only the arguments that were given: the rest keeps the function's own defaults."""
    return {name: value for name, value in arguments.items() if value is not None}


def wrote_json(path: Path | None, data: bytes) -> bool:
    """Write the JSON where it was asked for; True if that is standard output, and nothing else."""
    from qbat_circuits.json_files import write_atomically

    if path == Path("-"):
        sys.stdout.write(data.decode())
        return True
    if path is not None:
        write_atomically(path, data)
    return False


@contextmanager
def progress() -> Iterator[Any]:
    """A status line on a terminal, silence in a pipe."""
    console = RichConsole(stderr=True)
    if not console.is_terminal:
        yield lambda _stage: None
        return
    with console.status("") as status:
        yield lambda stage: status.update(f"{stage} ...")


class Console(RichConsole):
    """Standard output, as wide as the terminal; 100 columns in a pipe."""

    def __init__(self) -> None:
        super().__init__(highlight=False, width=None if sys.stdout.isatty() else 100)

    def on_broken_pipe(self) -> None:
        """The reader, such as `head`, has seen enough: that is no error."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


def print_headline(console: Console, text: str) -> None:
    console.print(text, style="bold", markup=False, soft_wrap=True)


def print_sentences(console: Console, groups: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    for title, lines in groups:
        console.print(f"\n{title}", style="bold", markup=False)
        for line in lines:
            console.print(f"  - {line}", markup=False)


def print_rows(console: Console, title: str, rows: Sequence[tuple[str, str]]) -> None:
    """A titled list of what and value."""
    console.print(f"\n{title}", style="bold", markup=False)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for what, value in rows:
        grid.add_row(f"  {escaped(what)}", escaped(value))
    console.print(grid)


def print_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]] | Mapping[str, Any]
) -> None:
    """A table with a header."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(escaped(column), overflow="fold")
    for row in rows:
        table.add_row(*(escaped(cell) for cell in row))
    console.print(table)


def escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
