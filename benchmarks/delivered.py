"""What 2, 3 and 4 cells would deliver on each bundled chip: a table of docs/schedule.md.

    python benchmarks/delivered.py [--shots S]

Each row is one run of mode "collision" with occupation 1, the schedule searched, a measured
ancilla, counts of all Pauli settings from the emulated chip, seed 7.
"""

from __future__ import annotations

import argparse

from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.study.collision import CollisionResult, run_collision

CHIPS = ("brisbane", "fez", "sherbrooke")
COLUMNS = (
    *("chip", "N", "bath", "perfect gates", "noisy", "read, not mitigated"),
    *("mitigated", "95 % interval", "taken out", "lost idle", "gates", "µs"),
)


def run(chip: str, n_cells: int, shots: int) -> CollisionResult:
    """One chip and number of cells."""
    content = {
        "chip": {"calibration": chip, "qubits": "auto", "tune_to_resonance": False},
        "battery": {"n_cells": n_cells},
        "bath": {"occupation": 1.0},
        "charging": {"mode": "collision"},
        "measurement": {"shots": shots},
    }
    return run_collision(validated(Experiment, content))


def row(chip: str, result: CollisionResult) -> str:
    schedule, estimate, found = result.schedule, result.estimate, result.extraction
    cells = (
        *(chip, schedule.compiled.n_cells, f"{result.bath_limit:.4f}"),
        *(f"{result.noiseless[-1]:.4f}", f"{schedule.ergotropy:.4f}"),
        *(f"{estimate.raw_value:.4f}", f"{estimate.value:.4f}"),
        f"{estimate.low:.4f} … {estimate.high:.4f}",
        *(f"{found.net_work:.4f} ({found.two_qubit_gates})", f"{found.idle_loss:.4f}"),
        *(schedule.two_qubit_gates, f"{1e6 * schedule.duration_s:.1f}"),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Delivered ergotropy on the bundled chips.")
    parser.add_argument("--shots", type=int, default=10_000, help="of each setting")
    shots = parser.parse_args().shots
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for chip in CHIPS:
        for n_cells in (2, 3, 4):
            print(row(chip, run(chip, n_cells, shots)), flush=True)


if __name__ == "__main__":
    main()
