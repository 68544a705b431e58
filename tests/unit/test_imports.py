"""The architecture as a test: imports point down only, heavy libraries have one door each.

Reads the source with ast; imports inside functions and under TYPE_CHECKING count as well.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import qbat_circuits

PACKAGE = "qbat_circuits"
SOURCE = Path(qbat_circuits.__file__).parent

# From the floor up. A module imports from its own room and from the rooms listed before it.
ROOMS = (
    "errors",
    "limits",
    "markup",
    "citation",
    "units",
    "json_files",
    "file_models",
    "cells",
    "readout_model",
    "pair_readout",
    "collision_schema",
    "sweep_schema",
    "schema",
    "thermodynamics",
    "extraction_unitary",
    "qutip_bridge",
    "calibration_files",
    "calibration_csv",
    "qubit_calibration",
    "gate_calibration",
    "calibration",
    "gate_noise",
    "placement",
    "transmon",
    "transmon_levels",
    "device_assumptions",
    "device",
    "coupling",
    "baths",
    "envelope",
    "extra_jumps",
    "battery",
    "conserved",
    "collision_model",
    "audit",
    "symmetric",
    "quantities",
    "dynamics",
    "circuits",
    "sampling",
    "analysis",
    "study",
    "show",
    "cli",
    "__main__",
    "",  # the package itself: public names only
)

# Rooms that see less than everything below them: a laboratory's counts need no simulation.
SEES_ONLY = {
    "analysis": (
        "analysis",
        "errors",
        "markup",
        "citation",
        "units",
        "json_files",
        "cells",
        "readout_model",
        "pair_readout",
        "thermodynamics",
        "sampling.counts",
    ),
}

# Libraries with a door: the only modules that may import them.
DOORS = {
    "qiskit": (
        "circuits",
        "sampling.aer",
        "sampling.emulator",
        "sampling.journal",
        "sampling.machines",
        "sampling.pubs",
        "sampling.runner",
    ),
    "qiskit_dynamics": ("dynamics.qiskit_dynamics_core",),
    "qiskit_aer": ("sampling.aer", "sampling.emulator"),
    "qiskit_ibm_runtime": ("sampling.machines",),
    "matplotlib": ("show",),
    "pydantic": ("file_models", "calibration_files", "collision_schema", "schema", "sweep_schema"),
    "qutip": ("qutip_bridge",),
    "typer": ("cli",),
    "distributed": ("study.sweep_workers",),
    "dask": ("study.netcdf",),
    "xarray": (
        "study.netcdf",
        "study.results",
        "study.collision_results",
        "study.saved",
        "study.sweep",
        "study.sweep_export",
        "show.sweep",
    ),
}

# Conveniences that reach up from inside a function: (importer, imported).
EXCEPTIONS = {
    ("study.results", ""),  # __version__, which is stated once, in the package
    ("sampling.journal", ""),  # the same
    ("study.sweep_points", ""),  # the same
    ("cli.cite", ""),  # the same
    ("battery", "audit"),  # Battery.audit()
    ("analysis.scheme", "circuits.tomography"),  # a scheme builds its own circuits
    ("analysis.scheme", "qiskit"),  # their type
    ("analysis.extraction", "circuits.tomography"),
    ("analysis.extraction", "qiskit"),
}

HEAVY = ("qiskit", "qiskit_aer", "qiskit_dynamics", "scipy.sparse.linalg", "matplotlib", "xarray")


def inside(module: str, rooms: tuple[str, ...]) -> bool:
    """Whether a module (dotted, without the package's name) is or lies in one of the rooms."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms if room)


def modules(source: Path) -> dict[str, Path]:
    """Dotted name without the package's -> file."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path) -> Iterator[str]:
    """Absolute dotted targets of every import of one file."""
    here = [PACKAGE, *name.split(".")] if name else [PACKAGE]
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def edges(source: Path) -> Iterator[tuple[str, str]]:
    """(importer, imported) for the package's own modules and for libraries with a door."""
    known = modules(source)
    for name, path in known.items():
        for target in imported(name, path):
            top, _, rest = target.partition(".")
            if top != PACKAGE:
                yield name, target
                continue
            while rest and rest not in known:  # cut the names that are not modules
                rest = rest.rpartition(".")[0]
            yield name, rest


def height(module: str) -> int:
    """Row of the room of a module."""
    for row, room in enumerate(ROOMS):
        if module == room or inside(module, (room,)):
            return row
    raise LookupError(f"'{module}' stands in no room: give it a line in ROOMS.")


def violations(source: Path) -> set[tuple[str, str]]:
    """Every import that the tables forbid, the listed exceptions included."""
    own = modules(source)
    wrong = set()
    for importer, target in edges(source):
        if target in own:
            seen = next((s for room, s in SEES_ONLY.items() if inside(importer, (room,))), None)
            upward = height(target) > height(importer)
            if upward or (seen is not None and not inside(target, seen)):
                wrong.add((importer, target))
        else:
            library = target.partition(".")[0]
            if library in DOORS and not inside(importer, DOORS[library]):
                wrong.add((importer, library))
    return wrong


def test_imports_point_down_only() -> None:
    assert violations(SOURCE) == EXCEPTIONS


def test_the_tables_name_modules_that_exist() -> None:
    doors = {module for rooms in DOORS.values() for module in rooms}
    named = {*filter(None, ROOMS), *SEES_ONLY, *doors}.union(*SEES_ONLY.values())
    own = modules(SOURCE)
    assert {name for name in named if not any(inside(module, (name,)) for module in own)} == set()


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("cells", "from qbat_circuits.battery import Battery", ("cells", "battery")),
        ("cells", "from . import baths", ("cells", "baths")),
        ("errors", "def f():\n    from .units import quantum_j", ("errors", "units")),
        ("analysis.planted", "from ..baths import CollectiveBath", ("analysis.planted", "baths")),
        ("analysis.planted", "import qiskit.quantum_info", ("analysis.planted", "qiskit")),
        (
            "sampling.planted",
            "from qiskit_aer import primitives",
            ("sampling.planted", "qiskit_aer"),
        ),
        ("battery", "import qbat_circuits", ("battery", "")),
        ("device", "import pydantic", ("device", "pydantic")),
        ("study.planted", "import matplotlib.pyplot as plt", ("study.planted", "matplotlib")),
        (
            "dynamics.planted",
            "import importlib\nimportlib.import_module('qiskit_dynamics')",
            ("dynamics.planted", "qiskit_dynamics"),
        ),
    ],
)
def test_a_planted_import_is_found(
    tmp_path: Path, module: str, line: str, found: tuple[str, str]
) -> None:
    copy = tmp_path / PACKAGE
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    assert violations(copy) == EXCEPTIONS | {found}


def test_a_module_without_a_room_is_found(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    (tmp_path / "errors.py").touch()
    (tmp_path / "attic.py").write_text("from qbat_circuits.errors import InputError\n")
    with pytest.raises(LookupError, match="'attic' stands in no room"):
        violations(tmp_path)


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import qbat_circuits", (*HEAVY, "pydantic")),
        ("from qbat_circuits import cli; sys.argv = ['qbat', '--help']; cli.main()", HEAVY),
    ],
)
def test_start_up_loads_nothing_heavy(code: str, heavy: tuple[str, ...]) -> None:
    script = (
        "import sys, contextlib\n"
        f"with contextlib.suppress(SystemExit):\n    {code}\n"
        f"print(sorted(set(sys.modules) & set({heavy!r})), file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stderr.strip() == "[]"
