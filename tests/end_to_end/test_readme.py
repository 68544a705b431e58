"""The README's examples run as they stand; the estimate covers the truth that it does not know."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_python_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 4
    names: dict = {}
    for code in examples:  # a reader types them one after the other
        exec(compile(code, "README.md", "exec"), names)
    assert names["estimate"].low < names["curve"].ergotropy.max() < names["estimate"].high
    assert [len(names[made]) for made in ("circuits", "calibration")] == [9, 2]
    assert names["closing"].energy[-1] < names["closing"].energy.max()
    assert (names["steady"].engine, names["steady"].populations.shape) == ("symmetric", (251001,))
    assert capsys.readouterr().out.splitlines()[0] == (
        "brisbane's T1, T2 and readout on a hypothetical common line"
    )
