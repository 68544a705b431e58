"""Every code block of the documentation runs, and what it shows is what comes out.

- Python blocks of a page run one after the other in one namespace and one empty folder; a value in
  the comment behind an expression must be its value (see `pages.run_python`).
- A TOML block that names a file in its first line is that file, and must be a valid experiment; a
  calibration in JSON is the file of its name. Other TOML and JSON must be well formed.
- A Python block that names a file is a script: it is started, must say something, and is ended.
- ``console`` blocks are run, line by line, and must print what they show; ``...`` stands for any
  text. ``sh`` blocks and commands in the prose are held against the real command line.
"""

from __future__ import annotations

import doctest
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import doc_pages as pages
import numpy as np
import pytest

from qbat_circuits.cli import main
from qbat_circuits.schema import load_experiment

ROOT = pages.ROOT
SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
LANGUAGES = {"python", "toml", "json", "sh", "console", "text"}

with_code = [page for page in pages.PAGES if pages.blocks(page)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", with_code, ids=name_of)
def test_the_blocks_of_a_page_run(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in pages.blocks(page):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        if block.language == "toml":
            tomllib.loads(block.text)
            if block.file:
                load_experiment(block.file)
        elif block.language == "python" and block.file:
            assert_script_speaks(block.file)
        elif block.language == "python":
            pages.run_python(block.text, names, page, block.line)
        elif block.language == "json":
            whole = block.text.startswith("{")
            content = json.loads(block.text if whole else f"{{{block.text}}}")
            if content.get("format") == "qbat-calibration":
                Path(f"{content['name']}.json").write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            run_session(block.text, monkeypatch, capsys)


def run_session(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run ``$ qbat ...`` lines in this process and compare what they print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        monkeypatch.setattr(sys, "argv", command.split())
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == 0, printed.err
        if shown:
            assert doctest.OutputChecker().check_output(shown, printed.out, SHOWN), printed.out


def assert_script_speaks(file: str) -> None:
    """Start a script that may never end, wait for its first line, and end it."""
    script = subprocess.Popen(
        [sys.executable, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert script.stdout is not None
        line = script.stdout.readline()
    finally:
        script.terminate()
        complaint = script.communicate(timeout=20)[1]
    assert line, complaint


@pytest.mark.parametrize(
    "page", [*pages.PAGES, ROOT / "README.md", ROOT / "ARCHITECTURE.md"], ids=name_of
)
def test_commands_and_their_options_exist(page: Path) -> None:
    wrong = {command: pages.unknown_options(command) for command in pages.commands(page)}
    assert {command: words for command, words in wrong.items() if words} == {}


def test_commands_name_benchmarks_that_exist() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    scripts = set(re.findall(r"python (benchmarks/[\w.]+)", text))
    assert "benchmarks/peers.py" in scripts
    assert [script for script in scripts if not (ROOT / script).is_file()] == []


def test_blocks_say_their_language() -> None:
    """An unmarked block would be run by nobody."""
    unmarked = [
        f"{name_of(page)}:{block.line}"
        for page in pages.PAGES
        for block in pages.blocks(page)
        if block.language not in LANGUAGES and not block.language.startswith("{")
    ]
    allowed = {"docs/sweep.md"}  # its one line of shell is checked as such
    assert [where for where in unmarked if where.split(":")[0] not in allowed] == []


@pytest.mark.parametrize(
    ("value", "text", "same"),
    [
        (0.14286, "0.1429", True),
        (0.1436, "0.1429", False),
        ((np.float64(1.02), 4), "1.02, 4", True),
        ((1.02, 4), "1.02, 4, 5", False),
        ({"a": [1, True]}, '{"a": [1, True]}', True),
        ("GO", "'NO-GO'", False),
        (None, "None", True),
        (np.array([1e-9, 2.0]), "[1e-9, 2.0]", True),
    ],
)
def test_values_in_comments_are_compared(value: object, text: str, same: bool) -> None:
    assert pages.agrees(value, text) is same


def test_a_wrong_value_or_option_is_found() -> None:
    with pytest.raises(AssertionError, match="not 5"):
        pages.run_python("2 + 2  # 5\n", {}, Path("page.md"), 3)
    pages.run_python("2 + 2  # five, in prose\n", {}, Path("page.md"), 3)
    assert pages.unknown_options("qbat run FILE --shotz 3") == ["--shotz"]
    assert pages.unknown_options("qbat sweep FILE --out DIR") == []
    assert pages.unknown_options("qbat charg") == ["charg"]
