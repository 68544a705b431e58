"""The notebooks as one course: numbered, with one kind of header, short, on the public API.

What they say is checked where they run: `make test` executes them.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import qbat_circuits

FOLDER = Path(__file__).parents[2] / "notebooks"
STEMS = tuple(sorted(path.stem for path in FOLDER.glob("*.py")))

#: Rooms whose modules a reader may import beside the package's own names.
OPEN_ROOMS = ("quantities", "show")
#: Reading speeds: words of text, and lines of code that one looks over.
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 100
LONGEST_MINUTES = 10


@dataclass(frozen=True)
class Notebook:
    """Text and code of one source in jupytext's percent format."""

    number: int
    title: str
    header: str
    text: str
    code: str

    @property
    def minutes(self) -> int:
        """Reading time, rounded up."""
        words = len(re.findall(r"[\w'.]*\w", self.text))
        lines = sum(bool(line.strip()) for line in self.code.splitlines())
        return math.ceil(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE)

    @property
    def draws(self) -> bool:
        return "matplotlib" in self.code or "plot_" in self.code


def parsed(source: str) -> Notebook:
    """Cells of a source; its first one holds the title and the header."""
    text, code = [], []
    for cell in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        kind, _, body = cell.partition("\n")
        if kind.strip() == "[markdown]":
            text.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
        else:
            code.append(body)
    title = text[0].partition("\n")[0].removeprefix("# ")
    number = title.partition(".")[0]
    return Notebook(
        int(number) if number.isdigit() else 0, title, text[0], "\n".join(text), "\n".join(code)
    )


@pytest.fixture(scope="module")
def course() -> dict[str, Notebook]:
    return {stem: parsed((FOLDER / f"{stem}.py").read_text(encoding="utf-8")) for stem in STEMS}


def neighbours(place: int, notebooks: list[Notebook]) -> str:
    """What the header says of the notebooks before and after."""
    before = [f" Previous: {one.title}." for one in notebooks[:place][-1:]]
    after = [f" Next: {one.title}." for one in notebooks[place + 1 :][:1]]
    return "".join([*before, *after])


def test_numbers_count_from_one_in_file_names_and_titles(course) -> None:
    numbers = list(range(1, len(STEMS) + 1))
    assert [one.number for one in course.values()] == numbers
    assert [int(stem[:2]) for stem in STEMS] == numbers


@pytest.mark.parametrize("stem", STEMS)
def test_first_cell_says_how_long_what_for_and_what_is_beside_it(course, stem) -> None:
    place, notebooks = STEMS.index(stem), list(course.values())
    _, line, purpose, *_ = course[stem].header.split("\n\n")
    found = re.fullmatch(r"\*(\d) minutes\.(.*)\*", line.replace("\n", " "))
    assert found is not None
    assert abs(int(found[1]) - course[stem].minutes) <= 1
    assert found[2] == neighbours(place, notebooks)
    assert purpose.startswith("You learn ")


@pytest.mark.parametrize("stem", STEMS)
def test_reading_takes_under_ten_minutes(course, stem) -> None:
    assert course[stem].minutes < LONGEST_MINUTES


@pytest.mark.parametrize("stem", STEMS)
def test_only_the_public_api_is_imported(course, stem) -> None:
    assert private_imports(course[stem].code) == []


@pytest.mark.parametrize("stem", STEMS)
def test_claims_are_asserted_and_figures_appear(course, stem) -> None:
    """Jupyter draws a matplotlib figure only once its inline drawing is switched on."""
    assert "assert " in course[stem].code
    assert course[stem].draws == ("# %matplotlib inline" in course[stem].code)


def private_imports(code: str) -> list[str]:
    """What is taken from the package's inside, and names that it does not have."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qbat_circuits."):
            _, room, *_ = (node.module or "").split(".")
            if room not in OPEN_ROOMS or any(name.name.startswith("_") for name in node.names):
                found.append(node.module or "")
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.startswith("qbat_circuits.")]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "qb":
            found += {f"qb.{node.attr}"} - {f"qb.{name}" for name in qbat_circuits.__all__}
    return found


def test_what_is_not_public_is_found() -> None:
    code = "import qbat_circuits as qb\nfrom qbat_circuits.schema import Experiment\nqb.battery\n"
    assert private_imports(code) == ["qbat_circuits.schema", "qb.battery"]
    assert private_imports("from qbat_circuits.show.plots import plot_curve\nqb.charge") == []


def test_reading_time_counts_text_and_code() -> None:
    source = "# %% [markdown]\n# # 3. One\n#\n# " + "word " * 398 + "\n\n# %%\n" + "x = 1\n\n" * 100
    assert parsed(source).minutes == 3
    assert parsed(source).title == "3. One"
    assert parsed(source + "y = 2\n").minutes == 4
