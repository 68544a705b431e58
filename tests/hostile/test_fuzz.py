"""Spoiled files by the thousand, for a fixed time; benchmarks/fuzz.py does the same for longer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import BOMBS, MAX_MEMORY
from readers import MAX_SECONDS, READERS, Reader, fuzzed

#: Most files of one reader, the time after which no further one is begun, and the fewest.
FILES, SECONDS, FEWEST = 1000, 1.5, 50


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_spoiled_file_is_read_or_refused_with_one_sentence(
    reader: Reader, tmp_path: Path
) -> None:
    for good in reader.good:  # what is spoiled is good
        path = tmp_path / f"good{reader.suffix}"
        path.write_text(good if isinstance(good, str) else json.dumps(good), encoding="utf-8")
        reader.read(path)
    tally = fuzzed(reader, tmp_path, seed=1, files=FILES, seconds=SECONDS)
    assert tally.faults == []
    assert tally.refused > tally.tried / 2 >= FEWEST / 2


def test_bombs_take_neither_memory_nor_time(tmp_path: Path) -> None:
    """Each in a process whose memory is limited to a GiB, everything included."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("bombs.py")), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}
    assert {name: wrong for name, (wrong, _, _) in told.items() if wrong} == {}
    assert set(told) == set(BOMBS), done.stderr
    assert max(seconds for _, seconds, _ in told.values()) < MAX_SECONDS
    assert 0 < max(taken for _, _, taken in told.values()) < MAX_MEMORY
