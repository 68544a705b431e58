"""`qbat show`: a result again, from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qbat_circuits.cli.console import (
    Console,
    JsonOption,
    QuietOption,
    check_json,
    print_headline,
    print_rows,
    print_sentences,
    print_table,
    wrote_json,
)


def show(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="Folder of a result, or one of its files.")
    ],
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE.svg", help="Draw it into this file.")
    ] = None,
    variable: Annotated[
        str | None,
        typer.Option("--variable", metavar="NAME", help="Of a sweep, what to draw [ergotropy]."),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Any result from its files, drawn on demand. Example: qbat show map --figure map.svg"""
    from qbat_circuits.json_files import check_target, write_atomically
    from qbat_circuits.show.saved import (
        saved_figure,
        saved_headline,
        saved_sections,
        saved_sentences,
        saved_tables,
    )
    from qbat_circuits.show.style import svg_bytes
    from qbat_circuits.study.saved import load_result

    if figure is not None:
        check_target(figure)
    check_json(json)
    saved = load_result(result)
    drawn = None
    if figure is not None or variable is not None:
        drawn = svg_bytes(saved_figure(saved, variable))
    headline, sections = saved_headline(saved), saved_sections(saved)
    tables, sentences = saved_tables(saved), saved_sentences(saved)
    if figure is not None and drawn is not None:
        write_atomically(figure, drawn)
    if wrote_json(json, saved.content):
        return
    console = Console()
    print_headline(console, headline)
    for title, table in tables:
        console.print(f"\n{title}", style="bold", markup=False)
        print_table(console, *table)
    for title, rows in sections:
        print_rows(console, title, rows)
    print_sentences(console, sentences)
    if figure is not None:
        console.print(f"\nFigure: {figure}", markup=False, soft_wrap=True)
