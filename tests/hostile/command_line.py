"""`qbat` in this process, as the named bad files and the hostile places meet it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from unittest.mock import patch

from readers import COUNTS

from qbat_circuits.cli import main

FILES = Path(__file__).parent / "files"
#: Kind of file -> the command that reads it; "{out}" is a folder that must stay empty.
COMMANDS = {
    "calibration": ("calibration", "import", "{file}", "--out", "{out}/chip.json"),
    "properties": ("calibration", "import", "{file}", "--out", "{out}/chip.json"),
    "csv": ("calibration", "import", "{file}", "--out", "{out}/chip.json"),
    "experiment": ("run", "{file}", "--out", "{out}/results", "--json", "{out}/result.json"),
    "counts": ("estimate", "{file}", "--ideal-readout", "--json", "{out}/estimate.json"),
    "runtime": ("estimate", "{file}", "--ideal-readout", "--json", "{out}/estimate.json"),
    "plain": ("estimate", "{file}", "--bit-order", "big", "--json", "{out}/estimate.json"),
    "result": ("show", "{file}", "--figure", "{out}/figure.svg", "--json", "{out}/again.json"),
    "readout": ("estimate", "{good}", "--readout", "{file}", "--json", "{out}/estimate.json"),
}


def qbat(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        patch.object(sys, "argv", ["qbat", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    return int(code or 0), out.getvalue(), err.getvalue()


def command(file: Path, folder: Path) -> tuple[str, ...]:
    """The command that reads one of the bad files and would write into the folder."""
    good = folder.parent / "good counts.json"
    known = {key: value for key, value in COUNTS.items() if key != "readout"}
    good.write_text(json.dumps(known), encoding="utf-8")
    words = COMMANDS[file.parent.name]
    return tuple(word.format(file=file, out=folder, good=good) for word in words)
