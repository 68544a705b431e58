"""Docstrings as they are written here, turned into the markup that Sphinx reads.

In them a name stands in single backticks, bars and stars are physics (|1>, M*), and pages are
named as files. Public names become links, everything else becomes plain text.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import qbat_circuits

_TOKENS = re.compile(r"(``.+?``|`[^`]+`|docs/[\w/-]+\.md)", re.DOTALL)


def markup(text: str) -> str:
    """A docstring, or a part of one, in reStructuredText."""
    parts = _TOKENS.split(text)
    for i in range(1, len(parts), 2):  # an empty escape parts markup from what touches it
        before, after = parts[i - 1][-1:], parts[i + 1][:1]
        left = "\\ " if before.isalnum() else ""
        right = "\\ " if after and (after.isalnum() or after in "(_") else ""
        parts[i] = left + _marked(parts[i]) + right
    return "".join(part if i % 2 else _plain(part) for i, part in enumerate(parts))


def _marked(token: str) -> str:
    if token.startswith("``"):
        return token
    if not token.startswith("`"):
        page = token.removeprefix("docs/").removesuffix(".md")
        return f":doc:`{page} </{page}>`"
    name = token.strip("`")
    public = name.split(".")[0] in qbat_circuits.__all__
    return f":py:obj:`{name} <qbat_circuits.{name}>`" if public else f"``{name}``"


def _plain(text: str) -> str:
    """Text in which a bar, a star or a trailing underscore starts nothing, nor "N." a list."""
    text = re.sub(r"[|*]|_(?![A-Za-z0-9])", r"\\\g<0>", text)
    return re.sub(r"(: [A-Z])\.$", r"\1\\.", text, flags=re.MULTILINE)


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = markup("\n".join(lines)).split("\n")


def _process_property(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """A property's colon is punctuation, which napoleon takes for a type: read it as a method's."""
    if what == "property":
        from sphinx.ext.napoleon import GoogleDocstring

        text = markup(inspect.getdoc(obj) or "")
        lines[:] = GoogleDocstring(text, app.config, app, "method", name, obj, options).lines()


def setup(app: Any) -> dict[str, bool]:
    """Register before napoleon, which then sees plain Google sections, and after it."""
    app.connect("autodoc-process-docstring", _process, priority=100)
    app.connect("autodoc-process-docstring", _process_property, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
