"""`qbat plan`: what to run, and whether it is worth it."""

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
    check_json,
    number,
    print_files,
    print_headline,
    print_rows,
    print_sentences,
    print_table,
    progress,
    wrote_json,
)


def plan(
    experiment: ExperimentFile = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
    seed: SeedOption = None,
    sigmas: Annotated[
        float | None,
        typer.Option("--sigmas", help="Work this many sigma above 0 [3].", parser=number),
    ] = None,
    half_width: Annotated[
        float | None,
        typer.Option("--half-width", help="Or half of a 95 % interval.", parser=number),
    ] = None,
    spread: Annotated[
        float, typer.Option("--spread", help="Of T1, T2, kappa, n or gates.", parser=number)
    ] = 0.2,
    json: JsonOption = None,
    quiet: QuietOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for plan.json and figure.")
    ] = None,
) -> None:
    """GO or NO-GO, with cells, time, scheme, shots. Example: qbat plan --cells 2 --sigmas 4"""
    from qbat_circuits.errors import InputError
    from qbat_circuits.schema import bundled_example, load_experiment

    if sigmas is not None and half_width is not None:
        raise InputError("'--sigmas' and '--half-width' must not be given together.")
    chosen = bundled_example() if experiment is None else load_experiment(experiment)
    chosen = chosen.changed(calibration=calibration, n_cells=cells, seed=seed)
    with progress() as say:
        say("Starting")
        from qbat_circuits.json_files import json_bytes
        from qbat_circuits.show.plan import (
            elasticity_table,
            margin_table,
            plan_sections,
            verdict,
        )
        from qbat_circuits.show.saved import saved_figure
        from qbat_circuits.show.style import svg_bytes
        from qbat_circuits.study.plan import plan as make_plan
        from qbat_circuits.study.precision import Goal
        from qbat_circuits.study.results import check_writable, write_files
        from qbat_circuits.study.saved import SavedResult

        check_json(json)
        if out is not None:
            check_writable(out)
        if half_width is not None:
            goal = Goal(None, half_width, chosen.measurement.confidence)
        else:
            goal = Goal(3.0 if sigmas is None else sigmas)
        made = make_plan(chosen, goal, spread=spread, seed=chosen.measurement.seed, progress=say)
        content = made.to_dict()
        written = []
        if out is not None:
            figure = saved_figure(SavedResult(out / "plan.json", "plan", content, None))
            files = {"plan.json": json_bytes(content), "plan.svg": svg_bytes(figure)}
            written = write_files(out, files)
        if wrote_json(json, content):
            return
    console = Console()
    print_headline(console, verdict(made.go, made.hypothetical, made.reason))
    for title, rows in plan_sections(made):
        print_rows(console, title, rows)
    console.print("\nHow far it may go, all else as planned", style="bold")
    print_table(console, *margin_table(made))
    console.print(f"\nWhat to improve first: {made.improve_first}", style="bold")
    print_table(console, *elasticity_table(made))
    told = [("Assumed", made.assumptions), ("Notes", made.notes)]
    print_sentences(console, [one for one in told if one[1]])
    print_files(console, written)
