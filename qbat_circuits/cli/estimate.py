"""`qbat estimate` and `qbat circuits`: from circuits to counts to extractable work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from qbat_circuits.cli.console import (
    Console,
    JsonOption,
    QuietOption,
    SeedOption,
    check_json,
    given,
    number,
    print_headline,
    print_rows,
    print_sentences,
    whole_number,
    wrote_json,
)
from qbat_circuits.errors import InputError

if TYPE_CHECKING:
    from qbat_circuits.analysis.scheme import ErgotropyEstimate
    from qbat_circuits.pair_readout import Readout
    from qbat_circuits.sampling.counts import Counts

Item = TypeVar("Item", int, float, str)

SchemeOption = Annotated[
    str | None,
    typer.Option("--scheme", metavar="NAME", help="pauli (if left out), dicke or energy-basis."),
]
#: Arguments of the functions behind, as sentences name them, and the options that hold them.
_OPTIONS = {
    "with 'cells'": "with '--bits'",
    "'cells' must": "'--bits' must",
    "give 'bit_order'": "give '--bit-order'",
    "give 'settings'": "give '--settings'",
    "'bit_order' must be left out": "'--bit-order' must be left out",
    "'bit_order' must be one of": "'--bit-order' must be one of",
    "'settings' must be left out": "'--settings' must be left out",
}


def estimate(
    counts: Annotated[
        Path | None, typer.Argument(metavar="COUNTS.json", help="Counts, of any known format.")
    ] = None,
    scheme: SchemeOption = None,
    template: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Write an empty counts file for N cells.", parser=whole_number
        ),
    ] = None,
    after: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Counts after an extraction circuit: the energy drop."),
    ] = None,
    idle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --after: counts after as long a wait.")
    ] = None,
    readout: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Assignment matrices or calibration counts."),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="Chip whose readout is inverted, with --qubits."),
    ] = None,
    qubits: Annotated[
        str | None, typer.Option(help="Its measured qubits, cell 0 first, such as 0,1,2.")
    ] = None,
    ideal_readout: Annotated[
        bool, typer.Option("--ideal-readout", help="The readout made no errors.")
    ] = False,
    energies: Annotated[
        str | None, typer.Option(metavar="E0,E1,...", help="Cell energies, 1 each if left out.")
    ] = None,
    bit_order: Annotated[
        str | None, typer.Option(metavar="little|big", help="Of a plain file of counts.")
    ] = None,
    settings: Annotated[
        str | None, typer.Option(metavar="XX,XY,...", help="Of a result without metadata.")
    ] = None,
    bits: Annotated[
        str | None, typer.Option(metavar="0,2,...", help="Which bits are the cells, cell 0 first.")
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="Confidence level, 0.95 if left out.", parser=number)
    ] = None,
    seed: SeedOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the estimate.")
    ] = None,
) -> None:
    """Extractable work from measured counts. Example: qbat estimate counts.json --scheme dicke"""
    if template is not None:
        _write_template(template, scheme, counts, json)
        return
    if counts is None:
        raise InputError("A file of counts must be given, or --template N to write an empty one.")

    def loaded(path: Path) -> Counts:
        """Counts of any format; sentences name the options that were typed."""
        from qbat_circuits.sampling.lab_results import load_counts

        labels, cells = _items("--settings", settings, str), _items("--bits", bits, int)
        try:
            return load_counts(path, bit_order, labels, cells)
        except InputError as error:
            raise InputError(_with_options(str(error))) from None

    if after is None and idle is not None:
        raise InputError("'--idle' must be given together with '--after'.")
    if after is not None and scheme is not None:
        raise InputError(
            "'--scheme' must be left out with '--after', which is a scheme of its own."
        )
    _check_targets(json, figure, (counts, after, idle, readout))
    measured = loaded(counts)
    model = _readout(measured, readout, calibration, qubits, ideal_readout)
    options = given(
        readout=model,
        energies=_items("--energies", energies, float),
        confidence=confidence,
        seed=seed,
    )
    if after is None:
        from qbat_circuits.analysis.estimate import estimate_ergotropy

        found = estimate_ergotropy(measured, **given(scheme=scheme), **options)
    else:
        from qbat_circuits.analysis.extraction import ExtractionScheme

        waited = None if idle is None else loaded(idle)
        found = ExtractionScheme().estimate(measured, loaded(after), idle=waited, **options)
    _report(counts, found, json, figure)


def circuits(
    n_cells: Annotated[int, typer.Argument(metavar="N", parser=whole_number, help="Cells.")],
    scheme: SchemeOption = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files.")] = Path(
        "qbat-circuits"
    ),
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """OpenQASM 3 files: one per setting, two for the readout. Example: qbat circuits 2"""
    from qbat_circuits.analysis.estimate import named_scheme
    from qbat_circuits.circuits.qasm import save_openqasm3
    from qbat_circuits.circuits.readout_calibration import readout_calibration_circuits

    chosen = named_scheme(scheme or "pauli")
    built = [*chosen.circuits(n_cells), *readout_calibration_circuits(n_cells)]
    check_json(json)
    files = save_openqasm3(built, out)
    if wrote_json(json, {"files": list(map(str, files)), "scheme": chosen.name}):
        return
    console = Console()
    console.print(f"{len(files)} circuits written to {out}", markup=False)
    console.print(
        f"  {len(files) - 2} settings of the scheme {chosen.name!r}, without a preparation: put "
        "yours in front",
        markup=False,
    )
    console.print("  2 for the readout: all cells in 0, all cells in 1", markup=False)


def _check_targets(json: Path | None, figure: Path | None, inputs: tuple[Path | None, ...]) -> None:
    """Refuse files that cannot be written, or that would replace what is read."""
    from qbat_circuits.json_files import check_target

    if figure is not None and figure.suffix.lower() != ".svg":
        raise InputError(f"'--figure' must name a file that ends in .svg, not {str(figure)!r}.")
    files = [path.resolve() for path in inputs if path is not None]
    for option, target in (("--figure", figure), ("--json", json)):
        if target is None or target == Path("-"):
            continue
        check_target(target)
        if target.resolve() in files:
            raise InputError(f"'{option}' must name a file of its own, not {str(target)!r}.")
        files.append(target.resolve())


def _with_options(sentence: str) -> str:
    """The sentence with the names of the command's options."""
    for argument, option in _OPTIONS.items():
        sentence = sentence.replace(argument, option)
    return sentence


def _report(counts: Path, found: ErgotropyEstimate, json: Path | None, figure: Path | None) -> None:
    """Figure, JSON and table of an estimate, whichever were asked for."""
    from qbat_circuits.json_files import write_atomically
    from qbat_circuits.show.summary import estimate_rows

    if figure is not None:
        from qbat_circuits.show.estimate_plot import estimate_figure
        from qbat_circuits.show.style import svg_bytes

        write_atomically(figure, svg_bytes(estimate_figure(found)))
    if wrote_json(json, {"counts": str(counts), **found.to_dict()}):
        return
    console = Console()
    print_headline(console, f"{counts} ({found.origin})")
    print_rows(console, "Measurement", list(estimate_rows(found)))
    if found.warnings:
        print_sentences(console, [("Beware", found.warnings)])


def _write_template(n_cells: int, scheme: str | None, path: Path | None, json: Path | None) -> None:
    from qbat_circuits.analysis.estimate import named_scheme
    from qbat_circuits.json_files import json_bytes, write_atomically
    from qbat_circuits.sampling.counts_file import template

    labels = named_scheme(scheme or "pauli").settings(n_cells)
    target = Path(f"counts-{n_cells}.json") if path is None else path
    if target.exists():
        raise InputError(f"The file {str(target)!r} exists already; name another.")
    check_json(json)
    write_atomically(target, json_bytes(template(n_cells, labels)))
    if wrote_json(json, {"file": str(target), "settings": list(labels)}):
        return
    Console().print(f"{len(labels)} settings to fill in: {target}", markup=False)


def _readout(
    counts: Counts, file: Path | None, calibration: str | None, qubits: str | None, ideal: bool
) -> Readout | None:
    """The readout to invert; None leaves it to the counts file."""
    from qbat_circuits.calibration import load_calibration
    from qbat_circuits.device import Device
    from qbat_circuits.readout_model import ReadoutModel
    from qbat_circuits.sampling.counts_file import load_readout

    if (calibration is None) != (qubits is None):
        raise InputError("'--calibration' and '--qubits' must be given together.")
    ways = (("--ideal-readout", ideal), ("--calibration", calibration), ("--readout", file))
    chosen = [name for name, way in ways if way]
    if len(chosen) > 1:
        raise InputError(f"'{chosen[0]}' and '{chosen[1]}' exclude each other.")
    if ideal:
        return ReadoutModel.ideal(counts.n_cells, counts.outcomes)
    if file is not None:
        return load_readout(file, counts.n_cells, counts.outcomes)
    if calibration is None:
        return None
    numbers = _items("--qubits", qubits, int)
    return Device.from_calibration(load_calibration(calibration), numbers).readout


def _items(option: str, text: str | None, kind: Callable[[str], Item]) -> Any:
    """A list from text with commas; None where the option was not given."""
    if text is None:
        return None
    try:
        if not text.isascii():
            raise ValueError
        return [kind(part.strip()) for part in text.split(",")]
    except ValueError:
        raise InputError(f"'{option}' must be numbers like 0,1,2, not {text!r}.") from None
