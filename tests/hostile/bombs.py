"""Files that are small or legal and would take much memory or time, made when they are needed.

As a program it reads each of them in a process of its own whose memory is limited, and prints a
line of JSON: name, what was wrong, seconds, bytes::

    python bombs.py FOLDER [NAME ...]
"""

from __future__ import annotations

import base64
import json
import os
import resource
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from readers import COUNTS, READERS, complaint, runtime

from qbat_circuits.json_files import MAX_FILE_BYTES, MAX_OBJECTS, MAX_VALUES

#: Most memory that a reader may take, everything included.
MAX_MEMORY = 2**30
_MIB = 2**20
#: A little less than the largest files of counts, calibrations and experiments.
_FILE, _CALIBRATION, _EXPERIMENT = MAX_FILE_BYTES - 2000, 8 * _MIB - 2000, _MIB - 2000


def _many(head: bytes, piece: bytes, tail: bytes, size: int = _FILE, most: int = 10**9) -> bytes:
    """One piece again and again, up to the size or the number."""
    return head + piece * min(size // len(piece), most) + piece.rstrip(b",") + tail


def _keys(head: bytes, value: bytes, size: int, most: int = 10**9) -> bytes:
    """An object of so many different keys."""
    number = min(size // (len(value) + 13), most)
    return head + b",".join(b'"%08x":%b' % (k, value) for k in range(number)) + b"}"


def _zipped(shots: int) -> bytes:
    """A runtime result of so many shots that read 00, packed into a thousandth of their size."""
    packer = zlib.compressobj(1)
    packed = packer.compress(_npy(shots))
    for _ in range(shots // _MIB):
        packed += packer.compress(bytes(_MIB))
    result = runtime()
    pub = result["__value__"]["pub_results"][0]["__value__"]
    array = pub["data"]["__value__"]["fields"]["meas"]["__value__"]["array"]
    array["__value__"] = base64.b64encode(packed + packer.flush()).decode()
    return json.dumps(result).encode()


def _npy(shots: int) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shots}, 1), }}"
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _settings(letters: int, number: int) -> bytes:
    labels = ("".join("XYZ"[k // 3**i % 3] for i in range(letters)) for k in range(number))
    rows = {label: {"0" * letters: 1} for label in labels}
    known = {key: value for key, value in COUNTS.items() if key != "readout"}
    return json.dumps({**known, "n_cells": letters, "settings": rows}).encode()


_TOML = b"[battery]\nn_cells = 2\n[bath]\nrate = 1.0\noccupation = 1.0\n[charging]\n"
_OWN, _PROPERTIES = b'{"format":"qbat-calibration","version":1,', b'{"backend_name":"x",'
_OBJECTS, _VALUES = MAX_OBJECTS - 9, MAX_VALUES - 9
NO_COUNTS = "holds no counts: it is neither a counts file nor a primitive result"
#: Name -> (reader, what makes the file's bytes, what the sentence holds; empty for a good file).
BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "more lists than are read": (
        "counts",
        lambda: _many(b"[", b"[],", b"]"),
        "holds more than 1000000 objects and lists.",
    ),
    "more values than are read": (
        "counts",
        lambda: _many(b"[", b"1,", b"]"),
        "holds more than 2000000 values.",
    ),
    "more bytes than are read": ("counts", lambda: bytes(65 * _MIB), "is larger than 64 MiB."),
    "small objects": ("counts", lambda: _many(b"[", b'{"a":1},', b"]", most=_OBJECTS), NO_COUNTS),
    "different keys": ("counts", lambda: _keys(b"{", b"1", _FILE, _VALUES), NO_COUNTS),
    "short texts and an emoji": (
        "counts",
        lambda: _many(b"[", b'"ab",', '"😀"]'.encode(), most=_VALUES),
        "is not valid JSON: Expecting ',' delimiter",
    ),
    "one long text of emoji": ("counts", lambda: _many(b'["', "😀".encode(), b'"]'), NO_COUNTS),
    "one long number": ("counts", lambda: _many(b"[", b"1", b"]"), "is too large for a double."),
    "deep lists": ("counts", lambda: _many(b"", b"[", b"", 900_000), "is nested deeper than 64"),
    "deep objects": (
        "counts",
        lambda: _many(b"", b'{"a":', b"", most=900_000),
        "is nested deeper than 64 levels.",
    ),
    "settings of ten cells, as many as are read": ("counts", lambda: _settings(10, 16384), ""),
    "one setting too many": (
        "counts",
        lambda: _settings(10, 16385),
        "'settings' must hold at most 16384 settings of 10 cells, not 16385.",
    ),
    "packed zeros, more than are read": (
        "runtime result",
        lambda: _zipped(2**28),
        "The result's arrays must take at most 128 MiB unpacked.",
    ),
    "packed zeros, as many as are read": ("runtime result", lambda: _zipped(2**27 - 2**20), ""),
    "unknown keys": (
        "calibration JSON",
        lambda: _keys(_OWN, b"1", _CALIBRATION),
        "more than 10000 of its values break a rule.",
    ),
    "wrong pairs": (
        "calibration JSON",
        lambda: _many(_OWN + b'"coupling_map":[', b'[""],', b"]}", _CALIBRATION, _OBJECTS),
        "is refused: 'name' is missing.",
    ),
    "gates": (
        "properties JSON",
        lambda: _many(_PROPERTIES + b'"gates":[', b"{},", b"]}", _CALIBRATION, _OBJECTS),
        "is refused: 'backend_version' is missing.",
    ),
    "empty qubits": (
        "properties JSON",
        lambda: _many(
            _PROPERTIES + b'"backend_version":"1","last_update_date":"2025-01-01","qubits":[',
            b"[],",
            b"]}",
            _CALIBRATION,
            _OBJECTS,
        ),
        "'qubits' must hold at most 10000 entries, not 999992.",
    ),
    "figures of one qubit": (
        "properties JSON",
        lambda: _many(
            _PROPERTIES + b'"backend_version":"1","last_update_date":"2025-01-01","qubits":[[',
            b'{"name":"T1","value":null},',
            b"]]}",
            _CALIBRATION,
        ),
        "'calibrated_at' must be an ISO date with time zone",
    ),
    "columns": (
        "calibration CSV",
        lambda: _many(b"Qubit", b",a", b"\n0\n", _CALIBRATION),
        "a line must have at most 200 cells, not ",
    ),
    "rows": (
        "calibration CSV",
        lambda: _many(b"Qubit,T1 (us)\n", b"0\n", b"", _CALIBRATION),
        "it must hold at most 10000 qubits.",
    ),
    "empty rows": (
        "calibration CSV",
        lambda: _many(b"Qubit,T1 (us)\n", b"\n", b"", _CALIBRATION),
        "it must hold a header and a row for each qubit.",
    ),
    "one long cell": (
        "calibration CSV",
        lambda: _many(b'"', b"a", b'"', _CALIBRATION),
        "it is no CSV file: field larger than field limit",
    ),
    "a key of many parts": (
        "experiment TOML",
        lambda: _TOML + _many(b"a", b".a", b" = 1", _EXPERIMENT),
        "is nested deeper than 64 levels.",
    ),
    "a table of many quoted parts": (
        "experiment TOML",
        lambda: _many(b"[a", b' . "=#"', b"]", _EXPERIMENT),
        "is nested deeper than 64 levels.",
    ),
    "deep arrays": (
        "experiment TOML",
        lambda: _TOML + _many(b"x = ", b"[", b"", _EXPERIMENT),
        "is nested deeper than 64 levels.",
    ),
    "tables": ("experiment TOML", lambda: _many(b"", b"[[a]]\n", b"", _EXPERIMENT), "'a' is an"),
    "a hexadecimal of a million digits": (
        "experiment TOML",
        lambda: _TOML + b"tolerance = 0x" + b"f" * 10**6,
        "'charging.tolerance' must be a valid number, not 1e+1204119.",
    ),
    "a decimal of a million digits": (
        "experiment TOML",
        lambda: _TOML + b"tolerance = " + b"9" * 10**6,
        "holds a whole number of more than 4300 digits.",
    ),
    "open quotes": (
        "experiment TOML",
        lambda: _TOML + _many(b'x = "', b'\\"', b"", _EXPERIMENT),
        "is not valid TOML: Unterminated string",
    ),
    "wrong values": (
        "experiment TOML",
        lambda: _TOML.replace(b"rate", _many(b"positions = [", b'"",', b"]\nrate", _EXPERIMENT)),
        "more than 10000 of its values break a rule.",
    ),
}


def read_bomb(name: str, folder: Path) -> tuple[str, float, int]:
    """Read one under the limit of memory, in this process, for good.

    Returns:
        The complaint about what it was told or the sentence, the seconds that it took, and the
        process's largest memory in bytes.
    """
    kind, make, expected = BOMBS[name]
    reader = next(one for one in READERS if one.name == kind)
    path = folder / f"bomb{reader.suffix}"
    if os.fork() == 0:  # what makes the file takes memory as well
        path.write_bytes(make())
        os._exit(0)
    os.wait()
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))  # what hangs is ended
    begun, told = time.process_time(), ""
    try:
        reader.read(path)
    except Exception as error:
        told = complaint(error, path) or str(error)
    took = time.process_time() - begun
    path.unlink()
    right = expected in told and bool(expected) == bool(told)
    said = "" if right else told or "was read"
    return said, took, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Read every bomb, each in a process of its own, and print a line of JSON on each."""
    folder, names = Path(sys.argv[1]), sys.argv[2:] or list(BOMBS)
    for name in names:
        if os.fork() == 0:
            print(json.dumps([name, *read_bomb(name, folder)]), flush=True)
            os._exit(0)
        _, status = os.wait()
        if status:
            print(json.dumps([name, f"ended by {status}", 0.0, 0]), flush=True)


if __name__ == "__main__":
    main()
