"""Write the bundled calibrations again: python benchmarks/export_calibrations.py [FOLDER]

brisbane, sherbrooke and fez come from the public snapshots that qiskit-ibm-runtime ships for its
fake backends, all qubits and gates, unchanged except for units. waveguide4 is a design point, no
device. Needs qiskit-ibm-runtime.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qbat_circuits.calibration import Calibration, FigureSource, QubitCalibration
from qbat_circuits.json_files import read_json
from qbat_circuits.qubit_calibration import FIGURES

PACKAGE = "qiskit-ibm-runtime"
SNAPSHOTS = ("brisbane", "sherbrooke", "fez")
DESIGN = "design point of this package, no device (see SOURCES.md)"


def snapshot_files(name: str) -> tuple[Path, Path]:
    """Properties and configuration of one fake backend, as the installed package holds them."""
    import qiskit_ibm_runtime.fake_provider.backends as backends

    folder = Path(backends.__path__[0]) / name
    return folder / f"props_{name}.json", folder / f"conf_{name}.json"


def from_snapshot(name: str) -> Calibration:
    """One snapshot in our own terms, with its source spelled out."""
    properties_file, configuration_file = snapshot_files(name)
    configuration: dict[str, Any] = read_json(configuration_file, "configuration")
    calibration = Calibration.from_dict(read_json(properties_file, "calibration"))
    processor = configuration["processor_type"]
    source = (
        f"{PACKAGE} {version(PACKAGE)}, fake_provider/backends/{name}/{properties_file.name} "
        f"({calibration.source})"
    )
    return replace(
        calibration,
        name=name,
        description=f"IBM {processor['family']} r{processor['revision']}, "
        f"{len(calibration.qubits)} fixed-frequency transmons, snapshot of ibm_{name}",
        source=source,
        figures=tuple(replace(figure, source=source) for figure in calibration.figures),
    )


def waveguide4() -> Calibration:
    """Four tunable transmons on one waveguide: a plausible design, every figure unverified."""
    qubit = QubitCalibration(
        index=0,
        t1_s=30e-6,
        t2_s=20e-6,
        frequency_hz=5e9,
        anharmonicity_hz=-300e6,
        prob_meas1_prep0=0.01,
        prob_meas0_prep1=0.02,
        residual_population=0.01,
    )
    given = [name for name in FIGURES if getattr(qubit, name) is not None]
    figures = [FigureSource(name, DESIGN, verified=False) for name in (*given, "line_rate_per_s")]
    return Calibration(
        name="waveguide4",
        description="design point: 4 tunable transmons on one engineered waveguide, kappa/2pi = 1 "
        "MHz; T1 and T2 are without the line",
        source=DESIGN,
        qubits=tuple(replace(qubit, index=i) for i in range(4)),
        figures=tuple(figures),
        tunable=True,
        common_line=True,
        t1_includes_line=False,
        line_rate_per_s=2 * math.pi * 1e6,
    )


def main(folder: Path) -> None:
    for calibration in (*map(from_snapshot, SNAPSHOTS), waveguide4()):
        calibration.save(folder / f"{calibration.name}.json")
        print(f"{calibration.name}: {len(calibration.qubits)} qubits, {calibration.sha256}")


if __name__ == "__main__":
    default = Path(__file__).resolve().parents[1] / "calibration"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
