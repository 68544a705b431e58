"""The reference holds every public name once, and every page is reachable."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from docstrings import markup

import qbat_circuits

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_every_public_name_is_in_the_reference_once() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    named = Counter(re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", text, re.M))
    assert set(named) == set(qbat_circuits.__all__)
    assert max(named.values()) == 1


def test_every_public_name_has_a_docstring() -> None:
    bare = [name for name in qbat_circuits.__all__ if not getattr(qbat_circuits, name).__doc__]
    assert bare == []


def test_every_page_is_reachable_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.S):
            entries = [ln for ln in tree.splitlines() if ln.strip() and not ln.startswith(":")]
            waiting += [page.parent / f"{entry}.md" for entry in entries]
    assert seen == set(DOCS.rglob("*.md"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("see `Battery`.", "see :py:obj:`Battery <qbat_circuits.Battery>`."),
        (
            "`Counts.save` and `numpy`",
            ":py:obj:`Counts.save <qbat_circuits.Counts.save>` and ``numpy``",
        ),
        ("w `invert`(f)", r"w ``invert``\ (f)"),
        ("P(1|0), M*, sigma_- and H_B", r"P(1\|0), M\*, sigma\_- and H_B"),
        ("docs/physics.md, section 2", ":doc:`physics </physics>`, section 2"),
        ('``{"a": |0>}`` stays', '``{"a": |0>}`` stays'),
        ("    n_cells: N.", r"    n_cells: N\."),
    ],
)
def test_docstrings_become_markup(written: str, read: str) -> None:
    assert markup(written) == read


def test_a_literal_may_go_over_two_lines() -> None:
    assert markup('``{"prepared":\nbits}``, as |0>') == '``{"prepared":\nbits}``, as \\|0>'
