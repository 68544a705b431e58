"""Named bad files: each gives exit code 2 and exactly its sentence, and nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import FILES, command, qbat

#: Sentence by file; "{file}" stands for the file's path.
SENTENCES = json.loads((Path(__file__).parent / "sentences.json").read_text(encoding="utf-8"))


def test_every_bad_file_has_its_sentence() -> None:
    there = (path for path in FILES.rglob("*.*") if path.is_file() and path.name[0] != ".")
    assert sorted(f"{path.parent.name}/{path.name}" for path in there) == sorted(SENTENCES)
    assert len(SENTENCES) >= 60


@pytest.mark.parametrize("name", SENTENCES)
def test_a_bad_file_gives_its_sentence_and_nothing_else(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    code, printed, told = qbat(*command(FILES / name, out))
    assert told == f"qbat: {SENTENCES[name].replace('{file}', str(FILES / name))}\n"
    assert (code, printed) == (2, "")
    assert os.listdir(out) == []


@pytest.mark.parametrize(
    "name",
    ["calibration/escape-sequence-as-key.json", "experiment/deep.toml", "counts/pickle.json"],
)
def test_a_process_of_its_own_says_the_same(name: str, tmp_path: Path) -> None:
    """In a folder that must stay empty, with a locale of bytes and without a home."""
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "qbat_circuits", *command(FILES / name, out)],
        cwd=out,
        env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "HOME": "/nowhere"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    sentence = SENTENCES[name].replace("{file}", str(FILES / name))
    assert done.stderr.decode() == f"qbat: {sentence}\n"
    assert (done.returncode, done.stdout) == (2, b"")
    assert os.listdir(out) == []
