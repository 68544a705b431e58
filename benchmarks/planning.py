"""Plans on the bundled chips: time and verdicts, the tables of docs/planning.md.

    python benchmarks/planning.py

One core. Occupation 1, goal 3 sigma above 0, spread 20 %, seed 7.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.plan import Plan, plan

BATH = {"bath": {"rate": 6.3e6, "occupation": 1.0}, "charging": {"times": {"stop": 1, "num": 2}}}
CIRCUIT = {"bath": {"occupation": 1.0}, "charging": {"mode": "collision"}}
COLUMNS = (
    *("chip", "mode", "N", "qubits", "W", "told from 0", "scheme", "shots"),
    *("s on the chip", "probability", "verdict", "s to plan"),
)


def experiment(chip: str, mode: str, n_cells: int) -> Experiment:
    """Cells of a chip to be chosen."""
    table: dict[str, Any] = {"calibration": chip, "qubits": "auto"}
    table["tune_to_resonance"] = mode == "bath"
    if mode == "bath" and chip != "waveguide4":
        table |= {"assumed_frequency_hz": 5e9, "residual_population": 0.01}
    tables = BATH if mode == "bath" else CIRCUIT
    return validated(Experiment, {"chip": table, "battery": {"n_cells": n_cells}, **tables})


def row(chip: str, mode: str, n_cells: int) -> Plan:
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = plan(experiment(chip, mode, n_cells))
    seconds = time.perf_counter() - start
    best = made.precision
    cells = (
        *(chip, mode, n_cells, ", ".join(map(str, made.qubits)), f"{made.ergotropy:.4f}"),
        *(f"{made.needed:.4f}", best.scheme, f"{best.circuits} x {best.shots}"),
        *(f"{made.wall_time_s:.1f}", f"{made.probability:.0%}"),
        "GO" if made.go else ("hypothetical" if made.hypothetical else "NO-GO"),
        f"{seconds:.1f}",
    )
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    return made


def main() -> None:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for chip in ("brisbane", "fez"):
        for mode in ("bath", "collision"):
            for n_cells in (2, 3):
                made = row(chip, mode, n_cells)
    for n_cells in (2, 3):
        made = row("waveguide4", "bath", n_cells)
    print("\n| figure | as planned | goal just reached at |\n|---|---|---|")
    for one in made.margins:
        limit = "never" if one.limit is None else f"{one.limit:.3g} {one.unit}".strip()
        print(f"| {one.name} | {one.now:.3g} | {limit} |")


if __name__ == "__main__":
    main()
