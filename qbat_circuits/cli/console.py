"""What every command prints with, and the options that several share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any

import typer
from rich.console import Console as RichConsole
from rich.table import Table

from qbat_circuits.errors import shown


def _hush(value: bool) -> bool:
    Console.hushed = value
    return value


def _chips(begun: str) -> list[str]:
    """Names of bundled calibrations, for the shell's completion."""
    from qbat_circuits.calibration_files import bundled_calibrations

    return [name for name in bundled_calibrations() if name.startswith(begun)]


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
    typer.Option(
        "--calibration",
        metavar="NAME|PATH",
        help="Another chip than the file's.",
        autocompletion=_chips,
    ),
]
ChipArgument = Annotated[
    str,
    typer.Argument(metavar="NAME|PATH", help="Bundled name or file.", autocompletion=_chips),
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
QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print nothing but errors.", callback=_hush),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder for result files and figure.")
]


def given(**arguments: Any) -> dict[str, Any]:
    """Only the arguments that were given: the rest keeps the function's own defaults."""
    return {name: value for name, value in arguments.items() if value is not None}


def check_json(path: Path | None) -> None:
    """Refuse a JSON file that cannot be written, before the work."""
    from qbat_circuits.json_files import check_target

    if path is not None and path != Path("-"):
        check_target(path)


def wrote_json(path: Path | None, content: Any) -> bool:
    """Write the JSON where it was asked for; True if that is standard output, and nothing else.

    Args:
        path: file, "-" for standard output, or None.
        content: bytes of JSON, or what they say.
    """
    from qbat_circuits.json_files import json_bytes, write_atomically

    data = content if isinstance(content, bytes) else json_bytes(content)
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
    if not console.is_terminal or Console.hushed:
        yield lambda _stage: None
        return
    with console.status("") as status:
        yield lambda stage: status.update(f"{stage} ...")


class Console(RichConsole):
    """Standard output, as wide as the terminal; 80 columns in a pipe."""

    #: Whether --quiet was given.
    hushed = False

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else 80
        super().__init__(highlight=False, width=width, quiet=self.hushed)

    def on_broken_pipe(self) -> None:
        """The reader, such as `head`, has seen enough: that is no error."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


def print_headline(console: Console, text: str) -> None:
    console.print(text, style="bold", markup=False, soft_wrap=True)


def print_sentences(console: Console, groups: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Titled lists of sentences, each with a hanging indent."""
    for title, lines in groups:
        console.print(f"\n{title}", style="bold", markup=False)
        for line in lines:
            text = fill(
                line,
                console.width,
                initial_indent="  - ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            console.print(text, markup=False, soft_wrap=True)


def print_files(console: Console, files: Iterable[Path]) -> None:
    """Where the files lie, if any were written."""
    written = list(files)
    if written:
        console.print("\nFiles", style="bold")
    for file in written:
        console.print(f"  {file}", markup=False, soft_wrap=True)


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
