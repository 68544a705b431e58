"""The command line: thin commands over the public API.

Exit codes: 0 done, 2 bad input (one sentence, no traceback), 1 a fault of ours. Heavy modules are
imported inside the commands, so that `qbat --help` answers at once.
"""

from qbat_circuits.cli.app import main

__all__ = ["main"]
