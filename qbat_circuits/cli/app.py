"""The commands together, and how they end."""

from __future__ import annotations

import io
import os
import sys
import traceback

import typer
from typer.exceptions import Abort, TyperException

from qbat_circuits.cli import calibration, circuit, sweep
from qbat_circuits.cli.cite import cite
from qbat_circuits.cli.compare import compare
from qbat_circuits.cli.estimate import circuits, estimate
from qbat_circuits.cli.plan import plan
from qbat_circuits.cli.report import report
from qbat_circuits.cli.run import charge, run
from qbat_circuits.cli.show import show
from qbat_circuits.errors import InputError, QbatError

#: Exit code after Ctrl-C.
_INTERRUPTED = 130

app = typer.Typer(
    help="A quantum battery that charges from noise alone: what a real chip would show.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, charge, plan, compare, estimate, circuits, show, report, cite):
    app.command()(command)
app.add_typer(calibration.app, name="calibration", no_args_is_help=True)
app.add_typer(circuit.app, name="circuit", no_args_is_help=True)
app.add_typer(sweep.app, name="sweep", no_args_is_help=True)


def main() -> None:
    """Entry point of `qbat`: runs a command and turns every error into a sentence and a code."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character still works
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
        if code == _INTERRUPTED:  # which is what typer makes of Ctrl-C
            raise KeyboardInterrupt
    except (Abort, KeyboardInterrupt):
        said = "Interrupted: nothing is half-written, the same command begins anew."
        code = _fail(_INTERRUPTED, said)
    except TyperException as error:
        code = _fail(2, error.format_message())
    except InputError as error:
        code = _fail(2, str(error))
    except QbatError as error:
        code = _fail(1, str(error))
    except Exception as error:
        if os.environ.get("QBAT_TRACEBACK"):
            traceback.print_exc()
        message = f"A fault of qbat_circuits: {type(error).__name__}: {error}"
        code = _fail(1, f"{message} (QBAT_TRACEBACK=1 shows where).")
    sys.exit(code or 0)


def _fail(code: int, sentence: str) -> int:
    print(f"qbat: {sentence}", file=sys.stderr)
    return code
