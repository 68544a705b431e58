"""The README's example runs as it stands and covers the truth that it does not know."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["estimate"].low < names["curve"].ergotropy.max() < names["estimate"].high
    assert capsys.readouterr().out.splitlines()[0] == (
        "brisbane's T1, T2 and readout on a hypothetical common line"
    )
