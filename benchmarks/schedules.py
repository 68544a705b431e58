"""Schedules of the bundled chips: what to run where, and what the noisy cells hold then.

    python benchmarks/schedules.py

Prints the tables of docs/schedule.md, and how many gates err by relaxation alone for
docs/chip-noise.md. Occupation n = 1; nothing is random.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from qbat_circuits import load_calibration
from qbat_circuits.calibration import Calibration, FigureSource, QubitCalibration
from qbat_circuits.circuits.compiled_collision import COMPILED_ANCILLAS, compile_collision
from qbat_circuits.gate_calibration import GateCalibration
from qbat_circuits.gate_noise import ChipNoise
from qbat_circuits.placement import Placement
from qbat_circuits.quantities.dense import correlation_ergotropy
from qbat_circuits.study.schedule import CollisionSchedule, find_schedule
from qbat_circuits.thermodynamics import ergotropy

CHIPS = ("brisbane", "fez", "sherbrooke")
#: The collision whose transpiler levels are compared.
LEVEL_THETA, LEVEL_COLLISIONS = 0.8, 4


def row(*cells: object) -> None:
    """One line of a table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def header(title: str, *names: str) -> None:
    print(f"\n{title}\n")
    row(*names)
    row(*["---"] * len(names))


def placed(place: Placement) -> str:
    """Ancilla, then the cells in the order in which they are met, hops with a star."""
    cells = [f"{q}*" if k in place.hops else str(q) for k, q in enumerate(place.cells)]
    return f"{place.ancilla}: {', '.join(cells)}"


def schedules(sizes: list[int]) -> dict[tuple[str, int], CollisionSchedule]:
    """Every chip, number of cells and ancilla; returns those with a measured ancilla."""
    columns = ("ancilla at: cells", "θ", "k", "W", "correlated", "ideal", "gates", "µs", "seconds")
    header("Schedules", "chip", "N", "ancilla", *columns)
    found = {}
    for chip in CHIPS:
        noise = ChipNoise(load_calibration(chip))
        for n in sizes:
            for ancilla in COMPILED_ANCILLAS:
                start = time.perf_counter()
                best = find_schedule(noise, n, 1.0, ancilla)
                seconds = time.perf_counter() - start
                if ancilla == "measured":
                    found[chip, n] = best
                row(
                    *(chip, n, ancilla, placed(best.compiled.placement)),
                    *(f"{best.compiled.theta:.2f}", best.collisions, f"{best.ergotropy:.4f}"),
                    f"{best.correlated[best.collisions - 1]:.4f}",
                    *(f"{best.ideal_ergotropy:.4f}", best.two_qubit_gates),
                    *(f"{1e6 * best.duration_s:.1f}", f"{seconds:.1f}"),
                )
    return found


def trade_off(schedule: CollisionSchedule, title: str) -> None:
    header(title, "θ", "k", "W", "correlated", "ideal", "gates", "µs")
    for point in schedule.trade_off:
        row(
            *(f"{point.theta:.2f}", point.collisions, f"{point.ergotropy:.4f}"),
            *(f"{point.correlated:.4f}", f"{point.ideal_ergotropy:.4f}", point.two_qubit_gates),
            f"{1e6 * point.duration_s:.1f}",
        )


def uneven_heat(schedule: CollisionSchedule) -> None:
    """The same place at a small angle: ergotropy that no common bath made."""
    header("A long circuit of small angles, brisbane, N = 4", "θ", "k", "W", "correlated", "ideal")
    one, n = schedule.compiled, schedule.compiled.n_cells
    for theta, k in ((one.theta, schedule.collisions), (0.21, 8), (0.21, 40)):
        kept = find_schedule(one.noise, n, placement=one.placement, theta=theta, collisions=k)
        part = f"{correlation_ergotropy(kept.state):.4f}"
        row(f"{theta:.2f}", k, f"{kept.ergotropy:.4f}", part, f"{kept.ideal_ergotropy:.4f}")
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    heats = np.diag(kept.state).real @ bits
    print(f"\nexcited populations of the cells then: {', '.join(f'{p:.3f}' for p in heats)}")


def levels(found: dict[tuple[str, int], CollisionSchedule], n: int) -> None:
    """The same unitaries, written at each optimization level of the transpiler."""
    title = f"Levels of the transpiler, N = {n}, θ = {LEVEL_THETA}, k = {LEVEL_COLLISIONS}"
    header(title, "chip", "level", "two-qubit gates", "sx and x", "µs", "W")
    for chip in CHIPS:
        place, noise = found[chip, n].compiled.placement, found[chip, n].compiled.noise
        for level in (1, 2, 3):
            one = compile_collision(noise, place, 1.0, LEVEL_THETA, level=level)
            names = one.sweep.count_ops()
            *_, last = one.states(LEVEL_COLLISIONS)
            row(
                *(chip, level, one.two_qubit_gates, names.get("sx", 0) + names.get("x", 0)),
                *(f"{1e6 * one.duration_s(1):.2f}", f"{ergotropy(last):.4f}"),
            )


def star(n: int, error: float) -> Calibration:
    """An ancilla beside N cells: T1 = T2 = 200 us, one-qubit gates 0.02 %, readout 1 %."""
    kinds = ("t1_s", "t2_s", "prob_meas1_prep0", "prob_meas0_prep1", "readout_length_s")
    figures = (200e-6, 200e-6, 0.01, 0.01, 1e-6)
    qubits = tuple(
        QubitCalibration(q, **dict(zip(kinds, figures, strict=True))) for q in range(n + 1)
    )
    gates = [GateCalibration("cz", (0, q), error, 70e-9) for q in range(1, n + 1)]
    for q in range(n + 1):
        gates += [GateCalibration("sx", (q,), 2e-4, 35e-9), GateCalibration("rz", (q,), 0.0, 0.0)]
        gates += [GateCalibration("reset", (q,), None, 2e-6)]
    sources = tuple(
        FigureSource(k, "chosen", True) for k in (*kinds, "gate_error", "gate_duration_s")
    )
    pairs = tuple((0, q) for q in range(1, n + 1))
    text = ("star", "an ancilla beside its cells", "chosen")
    return Calibration(*text, qubits, sources, coupling_map=pairs, gates=tuple(gates))


def sizes_on_a_star() -> None:
    header("A star", "N", "two-qubit error", "ancilla", "θ", "k", "W")
    for n in (2, 3):
        for error in (0.003, 0.008):
            for ancilla in COMPILED_ANCILLAS:
                best = find_schedule(ChipNoise(star(n, error)), n, 1.0, ancilla)
                theta = f"{best.compiled.theta:.2f}"
                row(n, f"{error:.1%}", ancilla, theta, best.collisions, f"{best.ergotropy:.4f}")


def relaxation_alone() -> None:
    """Gates with a smaller reported error than what relaxation does meanwhile."""
    header(
        "Gates that err by relaxation alone", "chip", "gate", "calibrated", "by relaxation alone"
    )
    for chip in CHIPS:
        noise = ChipNoise(load_calibration(chip))
        for name in ("sx", "ecr", "cz"):
            gates = [g for g in noise.calibration.gates if g.name == name and g.usable and g.error]
            less = 0
            for gate in gates:
                d = 2 ** len(gate.qubits)
                fidelity = np.trace(noise.after_gate(name, gate.qubits)) / d**2
                less += 1 - (d * fidelity + 1) / (d + 1) > gate.error + 1e-9
            if gates:
                row(chip, name, len(gates), less)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--cells", type=int, nargs="+", default=[2, 3, 4], help="numbers of cells")
    sizes = parser.parse_args().cells
    found = schedules(sizes)
    n = max(sizes)
    trade_off(found["brisbane", n], f"Trade-off, brisbane, N = {n}, measured")
    if 4 in sizes:
        uneven_heat(found["brisbane", 4])
    levels(found, n)
    sizes_on_a_star()
    relaxation_alone()


if __name__ == "__main__":
    main()
