"""JSON in and out: the safety checks, the atomic write and the content hash, for every file format.

A file that a user hands over may be anything, so reading refuses, each with one sentence: what is
missing, a directory, unreadable, empty, too large, not UTF-8, not JSON, nested too deeply, made of
so many parts that they would fill the memory, and objects that name a key twice. NaN, Infinity and
numbers that overflow a double are refused too: they are not JSON, and no field of this package
means anything by them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qbat_circuits.errors import InputError, shown

#: Largest file that is read, in bytes (the largest public chip snapshots are below 1 MB).
MAX_FILE_BYTES = 64 * 1024 * 1024
#: Deepest nesting that is read; no file of this package needs more than eight levels.
MAX_DEPTH = 64
#: Most objects and lists, and most values, of a file: each takes up to thirty times its bytes.
MAX_OBJECTS, MAX_VALUES = 1_000_000, 2_000_000


def read_json(path: str | os.PathLike[str], what: str, max_bytes: int = MAX_FILE_BYTES) -> Any:
    """The content of one JSON file, as dict, list, str, int, float, bool or None.

    Args:
        path: the file; a leading UTF-8 byte-order mark is accepted.
        what: what the file should be, for the error sentence, such as ``"calibration"``.
        max_bytes: largest file that is read.

    Raises:
        InputError: if the file cannot be read, is empty, larger than ``max_bytes``, not UTF-8, not
            JSON, nested deeper than `MAX_DEPTH`, holds more than `MAX_OBJECTS` or `MAX_VALUES`, a
            number that is not finite, or an object with a key given twice.
    """
    text = read_text(path, what, max_bytes)
    name = f"The {what} file {os.fspath(path)!r}"
    if text.count("{") + text.count("[") > MAX_OBJECTS:
        raise InputError(f"{name} holds more than {MAX_OBJECTS} objects and lists.")
    if text.count(",") > MAX_VALUES:
        raise InputError(f"{name} holds more than {MAX_VALUES} values.")
    try:
        content = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_float=_finite,
            parse_int=_whole,
            parse_constant=_refuse_constant,
        )
        check_depth(content)
        if "\\ud" in text.lower():  # escapes may spell half a character, which nothing can print
            json.dumps(content, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{name} is not valid JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise InputError(f"{name} is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeEncodeError:
        raise InputError(f"{name} holds a text with half a character (a lone surrogate).") from None
    except _Refused as error:
        raise InputError(f"{name} is refused: {error}.") from None
    return content


def read_text(path: str | os.PathLike[str], what: str, max_bytes: int = MAX_FILE_BYTES) -> str:
    """The text of one file, without a leading UTF-8 byte-order mark.

    Raises:
        InputError: if the file cannot be read, is empty, larger than ``max_bytes`` or not UTF-8.
    """
    name, data = _read_bytes(path, what, max_bytes)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text (byte {error.start}).") from None
    if not text.strip():
        raise InputError(f"{name} is empty.")
    return text


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON with sorted keys, indented, UTF-8, a newline at the end, in one step.

    Raises:
        InputError: if the place cannot be written.
        ValueError: if ``content`` holds NaN or Infinity; nothing is written then.
    """
    write_atomically(path, json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """The bytes of a JSON file: sorted keys, indented, UTF-8, a newline at the end.

    Raises:
        ValueError: if ``content`` holds NaN or Infinity.
    """
    text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    # Half a character, which a path may hold, becomes a question mark: nobody could read it back.
    return (text + "\n").encode("utf-8", "replace")


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse a file that cannot be written, before the work that would fill it.

    Raises:
        InputError: if its folder does not exist or may not be written, or the path is a folder.
    """
    folder = Path(path).parent
    reason = ""
    if not os.path.isdir(folder):  # never raises, unlike Path.is_dir
        reason = "No such folder"
    elif os.path.isdir(path):
        reason = "Is a directory"
    elif not os.access(folder, os.W_OK | os.X_OK):
        reason = "Permission denied"
    if reason:
        raise InputError(f"The file {os.fspath(path)!r} cannot be written: {reason}.")


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file in one step: readers see the old content or the new one, never a part.

    The data goes to a temporary file in the same folder that then takes the name (`os.replace`).
    What is no regular file, such as ``/dev/stdout``, is written to directly. A link is followed, as
    the user named it; `write_together`, which writes into a folder, follows none.

    Raises:
        InputError: if the place cannot be written.
    """
    try:
        target = Path(path)
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        target = Path(os.path.realpath(target))  # a loop of links is no error for it
        temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            temporary.write_bytes(data)
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(
            f"The file {os.fspath(path)!r} cannot be written: {reason_of(error)}."
        ) from None


def write_together(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made if needed: all of them, or none.

    Every file is complete on the disk under another name before the first takes its own, and of two
    processes one waits for the other, so that a full disk spoils nothing and what lies there is of
    one run. A link in the folder is replaced, not followed: nothing outside of it is written.

    Args:
        folder: where to write.
        files: content by name, a plain file name.

    Returns:
        The paths of the files.

    Raises:
        InputError: if the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The folder {os.fspath(folder)!r} cannot be made: {reason_of(error)}."
        ) from None
    staged = {name: folder / f".{uuid.uuid4().hex}.tmp" for name in files}
    name = ""
    try:
        with _turn(folder):
            for name, data in files.items():
                if os.path.isdir(folder / name) and not os.path.islink(folder / name):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                staged[name].write_bytes(data)
            for name, temporary in staged.items():
                os.replace(temporary, folder / name)
    except OSError as error:
        what = f"file {os.fspath(folder / name)!r}" if name else f"folder {os.fspath(folder)!r}"
        raise InputError(f"The {what} cannot be written: {reason_of(error)}.") from None
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    return [folder / name for name in files]


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process; where there are no locks, go on."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a network file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def reason_of(error: OSError | ValueError) -> str:
    """What the system says of a path, such as "No space left on device"."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # Pythons differ in their words for a NUL.
    return str(error) if isinstance(error, UnicodeError) else "embedded null byte"


def canonical_sha256(content: Any) -> str:
    """SHA-256 (hex) of canonical JSON: sorted keys, no blanks, ASCII, shortest exact floats.

    Equal content gives equal hashes on every machine. ``1`` and ``1.0`` are different content.

    Raises:
        ValueError: if ``content`` holds NaN or Infinity.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def check_depth(content: Any) -> None:
    """Refuse nested dicts and lists deeper than `MAX_DEPTH`.

    Level by level instead of by recursion, which deep nesting would break.

    Raises:
        RecursionError: if it is nested more deeply.
    """
    level = [content]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return
        children = (item.values() if isinstance(item, dict) else item for item in containers)
        level = [child for group in children for child in group]
    raise RecursionError


class _Refused(Exception):
    """Why valid JSON syntax is refused; the message is the end of the sentence."""


def _read_bytes(path: str | os.PathLike[str], what: str, max_bytes: int) -> tuple[str, bytes]:
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"The {what} file must be given as a path, not {shown(path)}.")
    name = f"The {what} file {os.fspath(path)!r}"
    try:
        with open(path, "rb", opener=_at_once) as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise InputError(f"{name} is a directory.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(f"{name} cannot be read: {reason_of(error)}.") from None
    if len(data) > max_bytes:
        raise InputError(f"{name} is larger than {max_bytes // 1024**2} MiB.")
    return name, data


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting for anybody to write into a named pipe: it reads as empty."""
    if not hasattr(os, "O_NONBLOCK"):  # Windows
        return os.open(path, flags)
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        double = next(key for key, count in counts.items() if count > 1)
        raise _Refused(f"the key {shown(double)} stands twice in one object")
    return content


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused(f"the number {shown(text)} is too large for a double")
    return number


def _whole(text: str) -> int:
    if len(text) > 300:  # beyond every double
        raise _Refused(f"the number {shown(text)} is too large for a double")
    return int(text)


def _refuse_constant(text: str) -> float:
    raise _Refused(f"{text} is not a number that JSON knows")
