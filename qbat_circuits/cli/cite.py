"""`qbat cite`: what to cite."""

from __future__ import annotations

from qbat_circuits.cli.console import Console, JsonOption, QuietOption, wrote_json


def cite(json: JsonOption = None, quiet: QuietOption = False) -> None:
    """BibTeX of this package and of its idea. Example: qbat cite >> thesis.bib"""
    from qbat_circuits import __version__
    from qbat_circuits.citation import bibtex

    text = bibtex(__version__)
    if not wrote_json(json, {"version": __version__, "bibtex": text}):
        Console().print(text, markup=False, soft_wrap=True, end="")
