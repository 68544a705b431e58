"""A page of HTML as a reader's program sees it: balanced, and taken apart for tests."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.etree import ElementTree

#: Elements without an end.
_VOID = {"meta", "link", "br", "img", "hr", "input"}


@dataclass
class Element:
    """One element: its name, its attributes, the text in it, and the elements in it."""

    name: str
    attributes: dict[str, str | None]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Every element of a name below this one, in the order of the page."""
        found = []
        for child in self.children:
            found += [child] if child.name == name else []
            found += child.all(name)
        return found

    def classed(self, word: str) -> list[Element]:
        """Every element of a class below this one."""
        found = []
        for child in self.children:
            if word in (child.attributes.get("class") or "").split():
                found.append(child)
            found += child.classed(word)
        return found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.ids: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> names an attribute twice"
        made = Element(tag, dict(attrs))
        self.open[-1].children.append(made)
        if made.attributes.get("id"):
            self.ids[str(made.attributes["id"])] += 1
        if tag not in _VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> ends <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text += data


@dataclass
class Page:
    """A page and what is in it."""

    source: str
    root: Element
    ids: Counter[str]

    @classmethod
    def of(cls, source: str) -> Page:
        """Taken apart; an element that is not closed is an AssertionError."""
        parser = _Parser()
        parser.feed(source)
        parser.close()
        assert parser.open == [parser.root], f"<{parser.open[-1].name}> is never closed"
        return cls(source, parser.root, parser.ids)

    @property
    def pictures(self) -> list[ElementTree.Element]:
        """Every inline SVG, parsed as XML."""
        return [ElementTree.fromstring(t) for t in re.findall(r"<svg.*?</svg>", self.source, re.S)]
