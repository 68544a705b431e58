"""The directive {notebooks}: each notebook's title and what it is about, with its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import download_reference

FOLDER = Path(__file__).parents[2] / "notebooks"


def opening(source: str) -> tuple[str, str]:
    """Title, and the sentence that says what a notebook is about, in plain text.

    The header in italics (reading time, neighbours) is left out.
    """
    cell = source.split("# %% [markdown]\n", 1)[1].split("# %%", 1)[0]
    text = re.sub(r"^# ?", "", cell, flags=re.MULTILINE).strip()
    title, *paragraphs = text.split("\n\n")
    about = next(" ".join(par.split()) for par in paragraphs if not par.startswith("*"))
    about = re.sub(r"\[([^]]+)\]\([^)]+\)|[`$*]", r"\1", about)
    return title.lstrip("# "), re.split(r"(?<=[.?!])\s", about)[0]


class Notebooks(Directive):
    """One entry for each file of notebooks/."""

    def run(self) -> list[nodes.Node]:
        """A paragraph each: the title, which downloads the file, and what it is about."""
        entries: list[nodes.Node] = []
        for path in sorted(FOLDER.glob("[0-9]*.py")):
            title, about = opening(path.read_text(encoding="utf-8"))
            link = download_reference(reftarget=f"/../notebooks/{path.name}")
            link += nodes.strong(text=title)
            entries.append(nodes.paragraph("", "", link, nodes.Text(f": {about}")))
        return entries


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("notebooks", Notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
