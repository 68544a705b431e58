"""HTML in which every text is escaped: notebook tables (`_repr_html_`) and the report.

A text becomes part of a page only through `element`, which escapes whatever is no `Markup` yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: What stands in the place of a value that is not known.
UNKNOWN = "–"


class Markup(str):
    """HTML that is ready to be put into a page."""

    __slots__ = ()


def element(name: str, *content: object, **attributes: object) -> Markup:
    """``<name attributes>content</name>``, every text in it escaped.

    Args:
        name: of the element.
        content: texts and `Markup`; None is left out.
        attributes: None and False are left out, True has no value; ``class_`` means ``class`` and
            an underscore elsewhere a hyphen.
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    given = [(key, value) for key, value in pairs if value is not None and value is not False]
    opening = "".join(f" {k}" if v is True else f' {k}="{escape(str(v))}"' for k, v in given)
    return Markup(f"<{name}{opening}>{joined(content)}</{name}>")


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Texts and `Markup` one after the other; None is left out."""
    return Markup(between.join(_ready(part) for part in parts if part is not None))


def figure_of(value: float, text: str) -> Markup:
    """A number as a reader sees it, beside the exact one for a machine."""
    return element("data", text, value=repr(float(value)))


def facts(caption: object, rows: Iterable[tuple[object, object]]) -> Markup:
    """A table of what and value, in two columns."""
    body = [
        element("tr", element("th", what, scope="row"), element("td", value))
        for what, value in rows
    ]
    return _table("facts", caption, None, body)


def grid(caption: object, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table with a header; the first column names the row."""
    head = element("tr", *(element("th", text, scope="col") for text in headers))
    body = [
        element("tr", element("th", first, scope="row"), *(element("td", one) for one in rest))
        for first, *rest in rows
    ]
    return _table("grid", caption, head, body)


def _table(kind: str, caption: object, head: Markup | None, body: list[Markup]) -> Markup:
    title = element("caption", caption) if caption else None
    top = None if head is None else element("thead", head)
    rows = element("tbody", joined(("", *body, ""), "\n"))
    return element("table", title, top, rows, class_=f"qbat {kind}")


def _ready(part: object) -> str:
    return part if isinstance(part, Markup) else escape(str(part))
