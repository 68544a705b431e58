"""`qbat show`: a result again, from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qbat_circuits.cli.console import Console, print_headline, print_rows, print_sentences


def show(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Folder or result.json.")],
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE.svg", help="Draw it into this file.")
    ] = None,
) -> None:
    """A result from its files, drawn on demand. Example: qbat show qbat-results"""
    from qbat_circuits.json_files import check_target, write_atomically
    from qbat_circuits.show.saved import saved_figure, saved_headline, saved_sections
    from qbat_circuits.study.saved import load_result

    if figure is not None:
        check_target(figure)
    saved = load_result(result)
    drawn = None
    if figure is not None:
        from qbat_circuits.show.plots import svg_bytes

        drawn = svg_bytes(saved_figure(saved))
    console = Console()
    print_headline(console, saved_headline(saved))
    for title, rows in saved_sections(saved):
        print_rows(console, title, rows)
    told = [(title, tuple(saved.content[key])) for title, key in _SENTENCES]
    print_sentences(console, [one for one in told if one[1]])
    if figure is not None and drawn is not None:
        write_atomically(figure, drawn)
        console.print(f"\nFigure: {figure}", markup=False, soft_wrap=True)


_SENTENCES = (("Assumed", "assumptions"), ("Notes", "notes"))
