"""The README's example runs as it stands; the estimate covers the truth that it does not know."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from qbat_circuits.cli.app import app

README = Path(__file__).parents[2] / "README.md"


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = README.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["estimate"].low < names["curve"].ergotropy.max() < names["estimate"].high
    assert capsys.readouterr().out.splitlines()[0] == (
        "brisbane's T1, T2 and readout on a hypothetical common line"
    )


def test_every_command_is_named() -> None:
    named = set(re.findall(r"`qbat (\w+)", README.read_text(encoding="utf-8")))
    assert named == set(get_command(app).commands)
