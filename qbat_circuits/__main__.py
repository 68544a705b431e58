"""``python -m qbat_circuits``: the same as the command `qbat`."""

from qbat_circuits.cli import main

main()
