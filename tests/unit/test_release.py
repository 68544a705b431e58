"""One version, one title, one list of requirements, wherever they are written."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import qbat_circuits
from qbat_circuits.citation import RELEASED, bibtex
from qbat_circuits.cli import main

ROOT = Path(__file__).parents[2]
#: Names that conda-forge gives to other packages of the list.
CONDA = {"matplotlib": "matplotlib-base"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    return yaml.safe_load(text("CITATION.cff"))


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    return yaml.safe_load(text("recipe/recipe.yaml"))


def test_one_version(citation: dict[str, Any], recipe: dict[str, Any]) -> None:
    version = qbat_circuits.__version__
    assert str(Version(version)) == version  # as packages normalise it
    archive = json.loads(text(".zenodo.json"))
    assert citation["version"] == version
    assert archive["version"] == version
    assert recipe["context"]["version"] == version
    latest = re.findall(r"^## \[(\S+)\] - (\S+)$", text("CHANGELOG.md"), flags=re.M)[0]
    assert latest == (version, RELEASED)
    assert str(citation["date-released"]) == RELEASED
    assert archive["title"] == citation["title"]
    assert {archive["license"], citation["license"], recipe["about"]["license"]} == {"Apache-2.0"}
    assert [one["name"] for one in archive["creators"]] == [
        one["name"] for one in citation["authors"]
    ]


def test_the_recipe_needs_what_the_package_needs(recipe: dict[str, Any]) -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = set()
    for one in map(Requirement, project["dependencies"]):
        wanted.add(f"{CONDA.get(one.name, one.name)} {one.specifier}")
        wanted |= set(one.extras)
    found = set(recipe["requirements"]["run"]) - {"python >=${{ python_min }}"}
    assert found == wanted
    assert recipe["context"]["python_min"] == project["requires-python"].removeprefix(">=")
    (script,) = recipe["build"]["python"]["entry_points"]
    assert script == f"qbat = {project['scripts']['qbat']}"


def test_what_is_cited(citation: dict[str, Any], capsys, monkeypatch) -> None:
    """The BibTeX says what CITATION.cff says, and `qbat cite` prints it as it is."""
    found = bibtex("1.2.3")
    (article,) = citation["references"]
    plain = found.replace("{\\l}", "ł")
    assert f"title   = {{{citation['title']}}}" in plain
    assert "version = {1.2.3}" in plain
    assert f"title   = {{{article['title']}}}" in plain
    assert article["doi"] in plain
    for author in article["authors"]:
        assert f"{author['family-names']}, {author['given-names']}" in plain
    assert plain.count("{") == plain.count("}")
    monkeypatch.setattr("sys.argv", ["qbat", "cite"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out == bibtex(qbat_circuits.__version__)
