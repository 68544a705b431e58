"""`qbat circuit`: circuits that charge a battery or extract its work, as OpenQASM 3 files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer

from qbat_circuits.cli.console import (
    ChipArgument,
    Console,
    JsonOption,
    QuietOption,
    check_json,
    number,
    print_headline,
    print_rows,
    print_sentences,
    print_table,
    progress,
    whole_number,
    wrote_json,
)

app = typer.Typer(help="Circuits that charge a battery or extract its work, as OpenQASM 3 files.")

OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")]


@app.command()
def charge(
    n_cells: Annotated[int, typer.Argument(metavar="N", parser=whole_number, help="Cells.")],
    collisions: Annotated[
        int, typer.Option("--collisions", help="Ancillas one after another.", parser=whole_number)
    ],
    occupation: Annotated[
        float, typer.Option("--occupation", help="Thermal photons n.", parser=number)
    ] = 1.0,
    theta: Annotated[
        float, typer.Option("--theta", help="Angle of a partial swap.", parser=number)
    ] = 0.5,
    splitting: Annotated[
        str, typer.Option("--splitting", help="strang or first-order.")
    ] = "strang",
    ancilla: Annotated[str, typer.Option("--ancilla", help="measured or purified.")] = "measured",
    out: OutFolder = Path("qbat-circuits"),
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Charged by collisions, ready to measure. Example: qbat circuit charge 2 --collisions 30"""
    from qbat_circuits.circuits.collision import collision_circuit
    from qbat_circuits.circuits.qasm import save_openqasm3
    from qbat_circuits.circuits.readout_calibration import readout_calibration_circuits
    from qbat_circuits.circuits.tomography import tomography_circuits
    from qbat_circuits.errors import check_choice

    check_choice("ancilla", ancilla, ("measured", "purified"))  # "random-x" is no one circuit
    kind: Literal["measured", "purified"] = "purified" if ancilla == "purified" else "measured"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        circuit = collision_circuit(n_cells, occupation, theta, collisions, splitting, kind)
        rows = _rows(n_cells, occupation, theta, collisions, splitting)
    settings = tomography_circuits(n_cells, prepare=circuit)
    check_json(json)
    files = save_openqasm3([*settings, *readout_calibration_circuits(n_cells)], out)
    swaps = circuit.count_ops()["xx_plus_yy"]
    sentences = tuple(dict.fromkeys(str(one.message) for one in caught))
    content = {
        "files": list(map(str, files)),
        "n_cells": n_cells,
        "occupation": occupation,
        "theta": theta,
        "collisions": collisions,
        "splitting": splitting,
        "ancilla": kind,
        "two_qubit_gates": 2 * swaps,
        "notes": sentences,
    }
    if wrote_json(json, content):
        return
    console = Console()
    print_headline(console, f"{len(files)} circuits written to {out}")
    rows.append(("partial swaps", f"{swaps}, two two-qubit gates each"))
    print_rows(console, "One circuit without noise", rows)
    print_sentences(console, [("Notes", sentences)] if sentences else [])


@app.command()
def schedule(
    calibration: ChipArgument,
    n_cells: Annotated[int, typer.Argument(metavar="N", parser=whole_number, help="Cells.")],
    occupation: Annotated[
        float, typer.Option("--occupation", help="Thermal photons n.", parser=number)
    ] = 1.0,
    ancilla: Annotated[str, typer.Option("--ancilla", help="measured or random-x.")] = "measured",
    out: OutFolder = Path("qbat-circuits"),
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Best collisions on a chip, in its gates. Example: qbat circuit schedule fez 2"""
    with progress() as say:
        say("Looking for the best schedule")
        from qbat_circuits.calibration import load_calibration
        from qbat_circuits.circuits.qasm import save_openqasm3
        from qbat_circuits.circuits.readout_calibration import readout_calibration_circuits
        from qbat_circuits.circuits.tomography import tomography_circuits
        from qbat_circuits.gate_noise import ChipNoise
        from qbat_circuits.show.collision import schedule_rows, trade_off_rows
        from qbat_circuits.study.compare import schedule_content
        from qbat_circuits.study.results import check_writable
        from qbat_circuits.study.schedule import find_schedule

        check_writable(out)
        check_json(json)
        noise = ChipNoise(load_calibration(calibration))
        found = find_schedule(noise, n_cells, occupation, ancilla)
        prepare = found.compiled.circuit(found.collisions)
        settings = tomography_circuits(n_cells, prepare=prepare)
        files = save_openqasm3([*settings, *readout_calibration_circuits(n_cells)], out)
    content = {"files": list(map(str, files)), **schedule_content(found)}
    if wrote_json(json, content):
        return
    order = ", ".join(map(str, found.compiled.placement.qubits))
    console = Console()
    name = noise.calibration.name
    print_headline(console, f"{len(files)} circuits, charged in the gates of {name}")
    rows = [
        *schedule_rows(found),
        ("delivered ergotropy", f"{found.ergotropy:.4f} hw, {found.ideal_ergotropy:.4f} ideally"),
        (
            "files",
            f"{out}, qubits in the order {order}",
        ),
    ]
    print_rows(console, "Circuit", rows)
    console.print("\nTrade-off at this place", style="bold")
    print_table(console, *trade_off_rows(found))
    drawn = (
        "Each file has inputs flip: pi with the probability n/(2n+1), else 0, drawn anew for every "
        "shot and collision.",
    )
    notes = [("Notes", drawn)] if ancilla == "random-x" else []
    print_sentences(console, [("Assumed", noise.assumptions), *notes])


@app.command()
def extract(
    n_cells: Annotated[int, typer.Argument(metavar="N", parser=whole_number, help="Cells.")],
    occupation: Annotated[
        float, typer.Option("--occupation", help="Thermal photons n of the bath.", parser=number)
    ] = 1.0,
    error: Annotated[
        float, typer.Option("--error", help="Depolarising, of a two-qubit gate.", parser=number)
    ] = 0.005,
    out: OutFolder = Path("qbat-circuits"),
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Takes out the work of the charged cells. Example: qbat circuit extract 3 --error 0.01"""
    from qbat_circuits.baths import CollectiveBath
    from qbat_circuits.battery import Battery
    from qbat_circuits.circuits.extraction import MAX_EXTRACTION_CELLS, extraction_circuit
    from qbat_circuits.circuits.extraction_noise import extraction_performance
    from qbat_circuits.circuits.qasm import save_openqasm3
    from qbat_circuits.dynamics.steady import steady_state
    from qbat_circuits.errors import check_integer

    n = check_integer("n_cells", n_cells, at_least=1, at_most=MAX_EXTRACTION_CELLS)
    state = steady_state(Battery.identical(n, CollectiveBath(1.0, occupation))).state
    circuit = extraction_circuit(state)
    circuit.name = "extract"
    found = extraction_performance(circuit, state, error)
    check_json(json)
    (file,) = save_openqasm3([circuit], out)
    even = found.break_even_error
    content = {
        "files": [str(file)],
        "n_cells": n,
        "occupation": occupation,
        "ergotropy": found.ergotropy,
        "two_qubit_gates": found.two_qubit_gates,
        "two_qubit_depth": found.two_qubit_depth,
        "two_qubit_error": error,
        "net_work": found.net_work,
        "break_even_error": even,
    }
    if wrote_json(json, content):
        return
    console = Console()
    print_headline(console, f"1 circuit written to {file}")
    rows = [
        (
            "state",
            f"{n} cells charged from the ground state by a common bath at n = {occupation:g}",
        ),
        ("ergotropy", f"{found.ergotropy:.4f}"),
        ("two-qubit gates", f"{found.two_qubit_gates}, depth {found.two_qubit_depth}"),
        (f"net work at an error of {error:g}", f"{found.net_work:.4f}"),
        ("break-even error", "none" if even is None else f"{even:.4f}"),
    ]
    print_rows(console, "Energy before minus after, control energy not counted", rows)


def _rows(
    n_cells: int, occupation: float, theta: float, collisions: int, splitting: str
) -> list[tuple[str, str]]:
    """What the circuit stands for, and what it leaves in the cells where that can be computed."""
    from qbat_circuits.collision_model import MAX_CHANNEL_CELLS, collision_states, equivalent_time
    from qbat_circuits.thermodynamics import energy, ergotropy

    rows = [
        ("collisions", f"{collisions} of angle {theta:g}, {splitting} splitting"),
        ("stand for", f"kappa t = {equivalent_time(occupation, theta, collisions):.4g}"),
    ]
    if n_cells <= MAX_CHANNEL_CELLS:
        last = collision_states(n_cells, occupation, theta, collisions, splitting)[-1]
        rows += [
            ("stored energy", f"{energy(last):.4f}"),
            ("ergotropy", f"{ergotropy(last):.4f}"),
        ]
    return rows
