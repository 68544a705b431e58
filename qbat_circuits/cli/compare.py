"""`qbat compare`: what each kind of noise costs, or which battery counts come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qbat_circuits.cli.console import (
    CalibrationOption,
    CellsOption,
    Console,
    ExperimentFile,
    JsonOption,
    QuietOption,
    SeedOption,
    ShotsOption,
    check_json,
    given,
    number,
    print_files,
    print_headline,
    print_rows,
    print_sentences,
    print_table,
    progress,
    wrote_json,
)
from qbat_circuits.errors import InputError, shown


def compare(
    experiment: ExperimentFile = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="TIME=COUNTS.json", help="Fit counts; once for each charging time."),
    ] = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
    shots: ShotsOption = None,
    seed: SeedOption = None,
    reading: Annotated[
        str | None,
        typer.Option(help="With --data: thermal, squeezed, same-temperature or pump."),
    ] = None,
    free: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="With --data: parameters to fit.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="With --data: a parameter that is known."),
    ] = None,
    readout: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --data: matrices or calibration counts."),
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="With --data: confidence level.", parser=number)
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for comparison or fit, and figure.")
    ] = None,
) -> None:
    """What each kind of noise costs. Example: qbat compare --cells 2

    With --data: which battery made these counts. Example: qbat compare --data 0.5=a.json --data
    2=b.json
    """
    of_data = {
        "--reading": reading,
        "--free": free,
        "--fixed": fixed,
        "--readout": readout,
        "--confidence": confidence,
    }
    of_ladder = {
        "EXPERIMENT.toml": experiment,
        "--calibration": calibration,
        "--cells": cells,
        "--shots": shots,
    }
    for name, value in (of_ladder if data else of_data).items():
        if value not in (None, []):
            raise InputError(f"'{name}' must {'not ' if data else ''}be given with '--data'.")
    if data:
        _fit(data, reading, free, fixed, readout, confidence, seed, json, out)
    else:
        _ladder(experiment, calibration, cells, shots, seed, json, out)


def _ladder(
    path: Path | None,
    calibration: str | None,
    cells: int | None,
    shots: int | None,
    seed: int | None,
    json: Path | None,
    out: Path | None,
) -> None:
    from qbat_circuits.schema import bundled_example, load_experiment

    chosen = bundled_example() if path is None else load_experiment(path)
    chosen = chosen.changed(calibration=calibration, n_cells=cells, shots=shots, seed=seed)
    with progress() as say:
        say("Starting")
        from qbat_circuits.json_files import json_bytes
        from qbat_circuits.show.comparison import (
            comparison_headline,
            comparison_sections,
            ladder_rows,
            plot_comparison,
        )
        from qbat_circuits.show.style import figure_of, svg_bytes
        from qbat_circuits.study.compare import compare as run_comparison
        from qbat_circuits.study.results import check_writable, write_files

        check_json(json)
        if out is not None:
            check_writable(out)
        result = run_comparison(chosen, progress=say)
        say("Writing")
        content, written = json_bytes(result.to_dict()), []
        if out is not None:
            figure = svg_bytes(figure_of(plot_comparison(result)))
            written = write_files(out, {"comparison.json": content, "comparison.svg": figure})
        if wrote_json(json, content):
            return
    console = Console()
    print_headline(console, comparison_headline(result))
    print_table(console, *ladder_rows(result))
    for title, rows in comparison_sections(result):
        print_rows(console, title, rows)
    print_sentences(console, [("Assumed", result.assumptions), ("Notes", result.notes)])
    print_files(console, written)


def _fit(
    data: list[str],
    reading: str | None,
    free: str | None,
    fixed: list[str] | None,
    readout: Path | None,
    confidence: float | None,
    seed: int | None,
    json: Path | None,
    out: Path | None,
) -> None:
    from qbat_circuits.json_files import json_bytes
    from qbat_circuits.sampling.counts_file import load_readout
    from qbat_circuits.sampling.lab_results import load_counts

    pairs = [_pair("--data", text, "TIME=COUNTS.json") for text in data]
    times = [_number("--data", "TIME", time) for time, _ in pairs]
    check_json(json)
    counts = [load_counts(Path(path)) for _, path in pairs]
    known = [_pair("--fixed", text, "NAME=VALUE") for text in fixed or []]
    options = given(
        free=None if free is None else [name.strip() for name in free.split(",")],
        fixed={name: _number("--fixed", "VALUE", value) for name, value in known} or None,
        readout=None
        if readout is None
        else load_readout(readout, counts[0].n_cells, counts[0].outcomes),
        seed=seed,
    )
    with progress() as say:
        say("Fitting")
        from qbat_circuits.study.fit import fit_counts
        from qbat_circuits.study.fit_results import fit_content
        from qbat_circuits.study.readings import compare_readings
        from qbat_circuits.study.results import check_writable, write_files
        from qbat_circuits.study.saved import SavedResult

        if out is not None:
            check_writable(out)
        fit = fit_counts(times, counts, **options, **given(reading=reading, confidence=confidence))
        say("Fitting the other readings")
        table = compare_readings(times, counts, **options)
    content, written = fit_content(fit, table, [one.origin for one in counts]), []
    if out is not None:
        from qbat_circuits.show.saved import saved_figure
        from qbat_circuits.show.style import svg_bytes

        figure = saved_figure(SavedResult(out / "fit.json", "fit", content, None))
        written = write_files(out, {"fit.json": json_bytes(content), "fit.svg": svg_bytes(figure)})
    if wrote_json(json, content):
        return
    from qbat_circuits.show.fit import fit_rows, parameter_rows, reading_rows

    console = Console()
    head = f"HYPOTHETICAL ({content['hypothetical_reason']}): " if content["hypothetical"] else ""
    print_headline(console, f"{head}{len(counts)} counts files, fitted together")
    print_table(console, *parameter_rows(fit))
    print_rows(console, "Fit", list(fit_rows(fit)))
    console.print("\nReadings", style="bold")
    print_table(console, *reading_rows(table))
    if table.nested_p_value is not None:
        text = f"p-value of n_l = n in a thermal bath: {table.nested_p_value:.2g}"
        console.print(f"  {text}", markup=False)
    told = [("Not determined", fit.unidentified), ("Notes", fit.notes)]
    print_sentences(console, [(title, lines) for title, lines in told if lines])
    print_files(console, written)


def _pair(option: str, text: str, form: str) -> tuple[str, str]:
    first, separator, second = text.partition("=")
    if not (first and separator and second):
        raise InputError(f"'{option}' must be {form}, not {shown(text)}.")
    return first, second


def _number(option: str, what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{option}' must hold a number as {what}, not {shown(text)}.") from None
