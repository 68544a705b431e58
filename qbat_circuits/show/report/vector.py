"""A matplotlib figure as SVG inside a page: its colours follow the page, its ids are its own."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from matplotlib.figure import Figure

from qbat_circuits.markup import Markup
from qbat_circuits.show.style import BLACK, BLUE, GREEN, GREY, ORANGE, PINK, SKY, svg_bytes

#: Colours that the page's style sheet names, lighter on dark paper.
_NAMED: Final = {
    BLUE: "var(--blue)",
    SKY: "var(--sky)",
    GREEN: "var(--green)",
    ORANGE: "var(--orange)",
    PINK: "var(--pink)",
    GREY: "var(--grey)",
    BLACK: "currentColor",
    "#FFFFFF": "var(--paper)",
}
_COLOURS: Final = {colour.lower(): name for colour, name in _NAMED.items()}
_COLOUR = re.compile(r"#[0-9a-f]{6}(?=;|$)")
#: Points of a figure's size, and pixels of a page, in an inch.
_POINTS, _PIXELS = 72, 96


def inline_svg(figure: Figure, identity: str, title: str, description: str) -> Markup:
    """The figure without a background, readable on light and dark paper.

    Args:
        figure: with colours of `style`, or others that both papers bear.
        identity: what every id in it begins with.
        title, description: for a reader who does not see it.
    """
    figure.patch.set_alpha(0.0)
    for axes in figure.axes:
        axes.patch.set_alpha(0.0)
    root = ElementTree.fromstring(svg_bytes(figure))
    seen: set[str] = set()
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        if node.get("id") in seen:  # pictures that are equal; nothing points to them
            del node.attrib["id"]
        seen.add(node.get("id", ""))
        node.attrib = {
            name.rpartition("}")[2]: _own(name, value, identity)
            for name, value in node.attrib.items()
        }
    metadata = root.find("metadata")
    if metadata is not None:
        root.remove(metadata)
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        words = ElementTree.Element(tag, {"id": f"{identity}-{tag}"})
        words.text = text
        root.insert(place, words)
    width, height = (figure.get_size_inches() * _PIXELS).round().astype(int).tolist()
    root.attrib = {
        "role": "img",
        "aria-labelledby": f"{identity}-title {identity}-desc",
        "viewBox": root.attrib["viewBox"],
        "width": str(width),
        "height": str(height),
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _own(name: str, value: str, identity: str) -> str:
    """An attribute with the ids of this figure and the colours of the page."""
    if name == "id":
        return f"{identity}-{value}"
    if name.endswith("href") and value.startswith("#"):
        return f"#{identity}-{value[1:]}"
    value = value.replace("url(#", f"url(#{identity}-")
    if name in ("style", "fill", "stroke"):
        value = _COLOUR.sub(lambda found: _COLOURS.get(found[0], found[0]), value)
    return value
