"""`qbat run` and `qbat charge`: the whole job, and the charging curve alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qbat_circuits.cli.console import (
    CalibrationOption,
    CellsOption,
    Console,
    ExperimentFile,
    JsonOption,
    OutOption,
    SeedOption,
    ShotsOption,
    print_headline,
    print_rows,
    print_sentences,
    print_table,
    progress,
    wrote_json,
)

if TYPE_CHECKING:
    from qbat_circuits.schema import Experiment


def run(
    experiment: ExperimentFile = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
    shots: ShotsOption = None,
    seed: SeedOption = None,
    json: JsonOption = None,
    out: OutOption = Path("qbat-results"),
) -> None:
    """Charge, measure, estimate: the whole job. Example: qbat run --cells 2 --shots 1000"""
    chosen = _experiment(experiment, calibration, cells, shots, seed)
    with progress() as say:
        say("Starting")
        from qbat_circuits.show.plots import plot_result, svg_bytes
        from qbat_circuits.show.summary import headline, sentences, summary_sections
        from qbat_circuits.study.experiment import run_experiment
        from qbat_circuits.study.results import check_writable, result_files, write_files

        check_writable(out)
        if json is not None:
            check_writable(json.parent)
        result = run_experiment(chosen, say)
        say("Writing")
        files = result_files(result)
        files["charging.svg"] = svg_bytes(plot_result(result))
        written = write_files(out, files)
        if wrote_json(json, files["result.json"]):
            return
    console = Console()
    print_headline(console, headline(result.model))
    for title, rows in summary_sections(result):
        print_rows(console, title, rows)
    print_sentences(console, sentences(result.model, result.notes))
    console.print("\nFiles", style="bold")
    for path in written:
        console.print(f"  {path}", markup=False, soft_wrap=True)


def charge(
    experiment: ExperimentFile = None,
    calibration: CalibrationOption = None,
    cells: CellsOption = None,
) -> None:
    """The charging curve alone, without a measurement. Example: qbat charge --cells 4"""
    chosen = _experiment(experiment, calibration, cells)
    with progress() as say:
        say("Charging")
        from qbat_circuits.show.summary import curve_rows, headline, sentences
        from qbat_circuits.study.experiment import charge_model
        from qbat_circuits.study.model import build_model
        from qbat_circuits.study.notes import charging_notes

        model = build_model(chosen)
        curve = charge_model(model)
    console = Console()
    print_headline(console, headline(model))
    columns, rows = curve_rows(model, curve)
    print_table(console, columns, rows)
    print_sentences(console, sentences(model, charging_notes(model, curve)))


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
