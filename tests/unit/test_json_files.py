"""Reading what a user hands over, writing in one step, hashing content."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from qbat_circuits.errors import InputError
from qbat_circuits.json_files import (
    MAX_FILE_BYTES,
    canonical_sha256,
    read_json,
    write_atomically,
    write_json,
)

REFUSED = {
    "empty": (b" \n", "is empty."),
    "not utf-8": (b'{"a": "\xff"}', "is not UTF-8 text (byte 7)."),
    "truncated": (
        b'{"a": [1, 2',
        "is not valid JSON: Expecting ',' delimiter at line 1, column 12.",
    ),
    "NaN": (b'{"a": NaN}', "is refused: NaN is not a number that JSON knows."),
    "infinity": (b'{"a": -Infinity}', "is refused: -Infinity is not a number that JSON knows."),
    "overflow": (b'{"a": 1e999}', "is refused: the number '1e999' is too large for a double."),
    "long integer": (b"1" * 5000, "is too large for a double."),
    "key twice": (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice in one object."),
    "deep": (b"[" * 100_000 + b"]" * 100_000, "is nested deeper than 64 levels."),
    "deep object": (b'{"a":' * 65 + b"1" + b"}" * 65, "is nested deeper than 64 levels."),
    "half a character": (b'{"a": "\\ud800"}', "holds a text with half a character"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_content_is_one_sentence_with_the_file(tmp_path: Path, case: str) -> None:
    data, sentence = REFUSED[case]
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_json(path, "counts")
    text = str(caught.value)
    assert text.startswith(f"The counts file {str(path)!r} ")
    assert sentence in text
    assert text.endswith(".")
    assert "\n" not in text


def test_refused_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file '.*none\.json' does not exist\.$"):
        read_json(tmp_path / "none.json", "counts")
    with pytest.raises(InputError, match=r"is a directory\.$"):
        read_json(tmp_path, "counts")
    with pytest.raises(InputError, match=r"cannot be read: embedded null byte\.$"):
        read_json("a\0b", "counts")
    with pytest.raises(InputError, match=r"cannot be read: File name too long\.$"):
        read_json("x" * 5000, "counts")
    with pytest.raises(InputError, match=r"must be given as a path, not 0\.$"):
        read_json(0, "counts")  # type: ignore[arg-type]


def test_too_large_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:  # sparse: takes no space
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match=r"is larger than 64 MiB\.$"):
        read_json(path, "counts")


@pytest.mark.parametrize(
    "content",
    [{"b": [1, 2.5, None, True], "a": "µs ω 😀"}, [], 3, 0.1, "text", [[[[]]]]],
)
def test_what_is_written_is_read_back(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "good.json"
    write_json(path, content)
    assert read_json(path, "test") == content


def test_deepest_allowed_nesting_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    text = "[" * 64 + "1" + "]" * 64
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_json(path, "test") == json.loads(text)


def test_written_bytes_are_sorted_utf8_with_a_newline(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_json(path, {"b": "µ", "a": 1})
    assert path.read_bytes() == '{\n "a": 1,\n "b": "µ"\n}\n'.encode()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path, "test") == {"a": 1}
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_write_is_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.json"
    write_atomically(path, b"old")

    def stopped(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(InputError, match=r"out\.json' cannot be written: No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be written: No such file or directory\.$"):
        write_json(tmp_path / "none" / "out.json", {})
    with pytest.raises(InputError, match=r"cannot be written: Is a directory\.$"):
        write_json(tmp_path, {})
    with pytest.raises(InputError, match=r"cannot be written: "):
        write_json("a\0b", {})


def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"data"
    write_atomically("/dev/null", b"data")
    assert not Path("/dev/null").is_file()


def test_hash_is_sha256_of_canonical_json() -> None:
    expected = hashlib.sha256(b'{"a":[1,2.5],"b":"\\u00b5"}').hexdigest()
    assert canonical_sha256({"b": "µ", "a": [1, 2.5]}) == expected
    assert canonical_sha256({"a": 1}) != canonical_sha256({"a": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_sha256([float("inf")])
