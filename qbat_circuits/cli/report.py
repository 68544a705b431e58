"""`qbat report`: results as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qbat_circuits.cli.console import (
    Console,
    JsonOption,
    QuietOption,
    check_json,
    print_files,
    progress,
    wrote_json,
)


def report(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="Folders of results, or files.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.html", help="The file to write.")
    ] = Path("qbat-report.html"),
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Results as one HTML file that opens offline. Example: qbat report qbat-results"""
    from qbat_circuits.json_files import check_target

    check_target(out)
    check_json(json)
    with progress() as say:
        say("Reading")
        from qbat_circuits.show.report.page import report as write_report
        from qbat_circuits.show.saved import saved_headline
        from qbat_circuits.study.saved import load_result

        read = [load_result(path) for path in results]
        headlines = [saved_headline(saved) for saved in read]
        say("Writing")
        write_report(read, out)
    kinds = [{"kind": s.kind, "statement": text} for s, text in zip(read, headlines, strict=True)]
    if wrote_json(json, {"file": str(out), "results": kinds}):
        return
    console = Console()
    for text in headlines:
        console.print(text, markup=False)
    print_files(console, [out])
