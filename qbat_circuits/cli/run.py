"""`qbat run` and `qbat charge`: the whole job, and the charging curve alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qbat_circuits.cli.console import (
    CalibrationOption,
    CellsOption,
    Console,
    ExperimentFile,
    JsonOption,
    OutOption,
    QuietOption,
    SeedOption,
    ShotsOption,
    check_json,
    print_files,
    print_headline,
    print_rows,
    print_sentences,
    print_table,
    progress,
    wrote_json,
)

if TYPE_CHECKING:
    from qbat_circuits.schema import Experiment

#: Called with a short text before each stage.
Progress = Callable[[str], None]
#: Files of a result, and what prints it.
Job = tuple[dict[str, bytes], Callable[[Console], None]]


def run(
    experiment: ExperimentFile = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
    shots: ShotsOption = None,
    seed: SeedOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    out: OutOption = Path("qbat-results"),
) -> None:
    """Charge, measure, estimate: the whole job. Example: qbat run --cells 2 --shots 1000"""
    chosen = _experiment(experiment, calibration, cells, shots, seed)
    job = _run_collision if chosen.charging.mode == "collision" else _run_bath
    with progress() as say:
        say("Starting")
        from qbat_circuits.study.results import check_writable, write_files

        check_writable(out)
        check_json(json)
        files, report = job(chosen, say)
        written = write_files(out, files)
        if wrote_json(json, files["result.json"]):
            return
    console = Console()
    report(console)
    print_files(console, written)


def _run_bath(chosen: Experiment, say: Progress) -> Job:
    """A common bath charges the cells."""
    from qbat_circuits.show.plots import result_figure
    from qbat_circuits.show.style import svg_bytes
    from qbat_circuits.show.summary import headline, sentences, summary_sections
    from qbat_circuits.study.experiment import run_experiment
    from qbat_circuits.study.results import result_files

    result = run_experiment(chosen, say)
    say("Writing")
    files = {**result_files(result), "charging.svg": svg_bytes(result_figure(result))}

    def report(console: Console) -> None:
        """Print what was found."""
        print_headline(console, headline(result.model))
        for title, rows in summary_sections(result):
            print_rows(console, title, rows)
        print_sentences(console, sentences(result.model, result.notes))

    return files, report


def _run_collision(chosen: Experiment, say: Progress) -> Job:
    """A circuit of collisions charges them."""
    from qbat_circuits.show.collision import collision_figure, collision_sections, trade_off_rows
    from qbat_circuits.show.style import svg_bytes
    from qbat_circuits.study.collision import run_collision
    from qbat_circuits.study.collision_results import collision_files

    result = run_collision(chosen, say)
    say("Writing")
    files = {**collision_files(result), "charging.svg": svg_bytes(collision_figure(result))}

    def report(console: Console) -> None:
        """Print what was found."""
        print_headline(console, result.statement)
        for title, rows in collision_sections(result):
            print_rows(console, title, rows)
        console.print("\nTrade-off at this place", style="bold")
        print_table(console, *trade_off_rows(result.schedule))
        print_sentences(console, [("Assumed", result.assumptions), ("Notes", result.notes)])

    return files, report


def charge(
    experiment: ExperimentFile = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """The charging curve alone, without a measurement. Example: qbat charge --cells 4"""
    chosen = _experiment(experiment, calibration, cells)
    with progress() as say:
        say("Charging")
        from qbat_circuits.show.summary import curve_rows, headline, sentences
        from qbat_circuits.study.experiment import charge_model
        from qbat_circuits.study.model import build_model
        from qbat_circuits.study.notes import charging_notes
        from qbat_circuits.study.results import curve_content

        check_json(json)
        model = build_model(chosen)
        curve = charge_model(model)
        notes = charging_notes(model, curve)
        if wrote_json(json, curve_content(model, curve, notes)):
            return
    console = Console()
    print_headline(console, headline(model))
    columns, rows = curve_rows(model, curve)
    print_table(console, columns, rows)
    print_sentences(console, sentences(model, notes))


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
