"""How to cite this package and the idea that it implements, as BibTeX."""

from __future__ import annotations

from typing import Final

#: Date of the release whose version the package has.
RELEASED: Final = "2026-11-26"
_SOFTWARE: Final = """\
@software{{qbat_circuits,
  title   = {{qbat-circuits: a quantum battery that charges from noise alone}},
  author  = {{{{The qbat-circuits developers}}}},
  version = {{{version}}},
  year    = {{{year}}},
  license = {{Apache-2.0}}
}}
"""
_IDEA: Final = """\
@article{ahmadi2025harnessing,
  title   = {Harnessing Environmental Noise for Quantum Energy Storage},
  author  = {Ahmadi, Borhan and Ravichandran, Aravinth Balaji
             and Mazurek, Pawe{\\l} and Barzanjeh, Shabir
             and Horodecki, Pawe{\\l}},
  journal = {arXiv preprint arXiv:2510.06384},
  year    = {2025},
  doi     = {10.48550/arXiv.2510.06384}
}
"""


def bibtex(version: str) -> str:
    """BibTeX of this package and of the paper whose idea it implements.

    Args:
        version: of the package that made the numbers, such as that in a result's file.
    """
    return _SOFTWARE.format(version=version, year=RELEASED[:4]) + "\n" + _IDEA
