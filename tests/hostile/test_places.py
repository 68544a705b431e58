"""Places where writing goes wrong: a full disk, no permission, a kill, another run, a link."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import xarray as xr
from readers import COUNTS

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.json_files import read_json, write_atomically, write_together
from qbat_circuits.study.results import check_writable, write_files


def sets(files: int = 4, size: int = 200_000) -> dict[str, dict[str, bytes]]:
    """Two results of the same files, by their tag, which every byte shows."""
    return {tag: {f"{k}.json": tag.encode() * size for k in range(files)} for tag in "AB"}


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def writers(folder: Path, files: int = 4, size: int = 200_000) -> set[str]:
    """Whose files lie there; each must be whole, and nothing else is there."""
    found = set()
    for name in sets(files)["A"]:
        data = (folder / name).read_bytes()
        tag = chr(data[0])
        assert data == tag.encode() * size
        found.add(tag)
    return found


def test_a_full_device_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"'/dev/full' cannot be written: No space left on device"):
        write_atomically("/dev/full", b"data")


FULL = """
import resource, sys
from pathlib import Path
from qbat_circuits.json_files import write_together
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))  # the disk ends here
try:
    write_together(Path(sys.argv[1]), {"0.json": b"new", "1.json": b"n" * 200_000})
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_fills_up_spoils_nothing(tmp_path: Path) -> None:
    """The second file does not fit: the first is not replaced either, and nothing is left."""
    write_together(tmp_path, sets()["A"])
    told, _ = python(FULL, tmp_path).communicate(timeout=60)
    path = str(tmp_path / "1.json")
    assert told == f"InputError The file {path!r} cannot be written: File too large.\n"
    assert writers(tmp_path) == {"A"}
    assert sorted(os.listdir(tmp_path)) == sorted(sets()["A"])


def test_the_command_line_on_a_full_disk(tmp_path: Path) -> None:
    counts, figure = tmp_path / "counts.json", tmp_path / "figure.svg"
    everything = {a + b: {"00": 50, "11": 50} for a in "XYZ" for b in "XYZ"}
    counts.write_text(json.dumps({**COUNTS, "settings": everything}))
    figure.write_text("old")
    # A measurement of coverage has no disk to write to either.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-m", "qbat_circuits", "estimate", counts, "--figure", figure],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)),
        env={**plain, "MPLCONFIGDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1:] == [
        f"qbat: The file {str(figure)!r} cannot be written: File too large."
    ]
    assert done.returncode == 2
    assert figure.read_text() == "old"
    assert not list(tmp_path.glob(".*.tmp"))


READ_ONLY = """
import os, sys
from pathlib import Path
from qbat_circuits.json_files import check_target, write_atomically, write_together
from qbat_circuits.study.results import check_writable
if os.getuid() == 0:
    os.setuid(65534)  # whom no mode of a file lets pass
folder = Path(sys.argv[1])
for act in (
    lambda: check_writable(folder),
    lambda: check_writable(folder / "inner" / "deep"),
    lambda: check_target(folder / "file.json"),
    lambda: write_atomically(folder / "file.json", b""),
    lambda: write_together(folder, {"file.json": b""}),
    lambda: write_together(folder / "inner", {"file.json": b""}),
):
    try:
        act()
    except Exception as error:
        print(type(error).__name__, str(error).replace(str(folder), "F"))
"""


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_without_permission(mode: int) -> None:
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        folder = Path(parent) / "results"
        folder.mkdir(mode=mode)
        told, wrong = python(READ_ONLY, folder).communicate(timeout=60)
        folder.chmod(0o755)
        assert os.listdir(folder) == []
    for line in told.splitlines():
        what = r"InputError The (file|folder) '[^']*' cannot be (written|made)"
        assert re.fullmatch(what + r"(: Permission denied)?\.", line)
    assert len(told.splitlines()) == 6, wrong


def test_a_file_in_the_way_and_a_place_that_takes_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out, words in (
        (tmp_path / "file", "cannot be made: a file is in the way."),
        (tmp_path / "file" / "deep", "cannot be made: a file is in the way."),
        (Path("/proc/qbat"), "cannot be made: "),
        (tmp_path / ("x" * 300), "cannot be made: File name too long."),
        (tmp_path / "zero\0byte", "cannot be made: embedded null byte."),
    ):
        with pytest.raises(InputError, match=words):
            written_result(out)
    assert (tmp_path / "file").read_text() == "mine"


def written_result(out: Path) -> None:
    check_writable(out)
    write_files(out, {"result.json": b"{}"})


WRITER = """
import sys
from pathlib import Path
from qbat_circuits.json_files import write_atomically, write_together
folder, tags, files, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sets = {tag: {f"{k}.json": tag.encode() * size for k in range(files)} for tag in tags}
print("ready", flush=True)
while len(tags) == 2:  # until it is killed
    for chosen in sets.values():
        for name, data in chosen.items():
            write_atomically(folder / name, data)
        write_together(folder, chosen)
for _ in sys.stdin:  # once for each line
    write_together(folder, sets[tags])
    print("done", flush=True)
"""


def writer(folder: Path, tags: str, files: int, size: int) -> subprocess.Popen[str]:
    """A process that writes a set of files when it is told to, or two in turn for ever."""
    process = python(WRITER, folder, tags, files, size)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_kill_in_the_middle_of_a_write_leaves_whole_files(tmp_path: Path) -> None:
    rng, shape = random.Random(5), (2, 4_000_000)
    write_together(tmp_path, sets(*shape)["A"])
    for _ in range(6):
        process = writer(tmp_path, "BA", *shape)
        time.sleep(rng.uniform(0.01, 0.2))
        process.kill()
        process.wait()
        assert writers(tmp_path, *shape) <= {"A", "B"}
    write_together(tmp_path, sets(*shape)["B"])  # a killed process holds no lock
    assert writers(tmp_path, *shape) == {"B"}


def test_of_two_processes_that_write_at_once_one_wins_altogether(tmp_path: Path) -> None:
    shape = (50, 10)
    both = [writer(tmp_path, tag, *shape) for tag in "AB"]
    for _ in range(20):
        for process in both:
            assert process.stdin is not None
            process.stdin.write("now\n")
            process.stdin.flush()
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
        assert len(writers(tmp_path, *shape)) == 1
        assert sorted(os.listdir(tmp_path)) == sorted(sets(*shape)["A"])
    for process in both:
        process.communicate()


def test_two_runs_into_one_folder_leave_the_result_of_one(tmp_path: Path) -> None:
    file = tmp_path / "one cell.toml"
    file.write_text(
        "[battery]\nn_cells = 1\n[bath]\nrate = 1.0\noccupation = 1.0\n"
        "[charging]\ntimes = { stop = 5.0, num = 11 }\n[measurement]\nshots = 100\n"
    )
    command = [sys.executable, "-m", "qbat_circuits", "run", file, "--out", tmp_path / "out"]
    both = [
        subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.DEVNULL)
        for seed in (1, 2)
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    out = tmp_path / "out"
    assert sorted(os.listdir(out)) == ["charging.svg", "counts.json", "result.json", "result.nc"]
    seed = json.loads((out / "result.json").read_text())["seed"]
    assert seed in (1, 2)
    assert qb.Counts.load(out / "counts.json").seed == seed
    with xr.open_dataset(out / "result.nc", engine="h5netcdf") as data:
        assert json.loads(data.attrs["seed"]) == seed


def test_a_link_in_a_folder_of_results_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (outside / "mine").write_text("mine")
    (out / "result.json").symlink_to(outside / "mine")
    (out / "counts.json").symlink_to(outside / "not there")
    (out / "result.nc").symlink_to(outside)  # a folder
    os.mkfifo(out / "charging.svg")
    names = ("result.json", "counts.json", "result.nc", "charging.svg")
    write_together(out, dict.fromkeys(names, b"new"))
    assert [(out / name).read_bytes() for name in names] == [b"new"] * 4
    assert not any((out / name).is_symlink() for name in names)
    assert os.listdir(outside) == ["mine"]
    assert (outside / "mine").read_text() == "mine"


def test_a_loop_of_links_and_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InputError, match="cannot be read: Too many levels of symbolic links"):
        read_json(tmp_path / "a", "counts")
    (tmp_path / "out" / "1.json").mkdir(parents=True)
    with pytest.raises(InputError, match=r"1\.json' cannot be written: Is a directory\."):
        write_together(tmp_path / "out", sets()["A"])
    assert os.listdir(tmp_path / "out") == ["1.json"]


def test_a_pipe_without_a_writer_is_empty_and_one_with_a_writer_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    begun = time.monotonic()
    with pytest.raises(InputError, match="is empty"):
        read_json(pipe, "counts")
    assert time.monotonic() - begun < 1
    here, there = os.pipe()  # as a shell's <(command)
    slow = threading.Timer(0.2, lambda: (os.write(there, b'{"a": 1}'), os.close(there)))
    slow.start()
    assert read_json(f"/dev/fd/{here}", "counts") == {"a": 1}
    os.close(here)
