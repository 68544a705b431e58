"""IBM runtime's JSON of a sampler's result, read without its library and without pickle.

Its `RuntimeEncoder` writes every object as ``{"__type__": ..., "__value__": ...}`` and every array
as base64 of zlib of numpy's .npy format. A file may come from anybody, so nothing but the bits
of a result is decoded, and never more of them than `MAX_ARRAY_BYTES`.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qbat_circuits.errors import InputError, broken_rule, check_integer, shown

#: Most bytes of all arrays of one file together, unpacked; a shot takes one byte per eight bits.
MAX_ARRAY_BYTES = 2**27

_PUBS = ("SamplerPubResult", "PubResult")
_NPY = re.compile(  # version 1.0, as numpy writes it for unsigned bytes
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': (False|True), "
    rb"'shape': \(([1-9]\d{0,9}(?:, [1-9]\d{0,9})+)\), \} *\n",
    re.DOTALL,
)


@dataclass(frozen=True, eq=False)
class Bits:
    """What a `BitArray` holds: packed bits, shape (..., shots, bytes), and their number."""

    array: NDArray[np.uint8]
    num_bits: int

    def __getitem__(self, index: Any) -> Bits:
        return Bits(self.array[index], self.num_bits)


@dataclass(frozen=True, eq=False)
class Pub:
    """What a `SamplerPubResult` holds: bits by register, and metadata."""

    data: dict[str, Bits]
    metadata: Any


def is_runtime_content(content: Any) -> bool:
    """Whether JSON content is what `RuntimeEncoder` makes of an object or of a list of objects."""
    parts = content if isinstance(content, list) and content else [content]
    return all(isinstance(part, Mapping) and "__type__" in part for part in parts)


def runtime_result(content: Any) -> list[Bits | Pub]:
    """The pub results and bit arrays of a file, as `counts_from_primitive_result` takes them.

    Raises:
        InputError: if there is anything else, or an array is broken or too large.
    """
    reader = _Reader()
    if isinstance(content, list):
        return [reader.part(item) for item in content]
    if content["__type__"] != "PrimitiveResult":
        return [reader.part(content)]
    pubs = reader.field(content, "pub_results")
    if not isinstance(pubs, list):
        raise broken_rule("pub_results", "a list", pubs)
    return [reader.part(item) for item in pubs]


class _Reader:
    """Reads the parts of one file and keeps count of their bytes."""

    def __init__(self) -> None:
        self.left = MAX_ARRAY_BYTES

    def field(self, item: Any, name: str) -> Any:
        """One field of an encoded object."""
        value = item.get("__value__") if isinstance(item, Mapping) else None
        if not isinstance(value, Mapping) or name not in value:
            raise broken_rule("result", f"an encoded object with '{name}'", item)
        return value[name]

    def part(self, item: Any) -> Bits | Pub:
        """One pub result or bit array."""
        kind = item.get("__type__") if isinstance(item, Mapping) else None
        if kind == "BitArray":
            return self.bits(item)
        if kind not in _PUBS:
            known = ", ".join(("PrimitiveResult", *_PUBS, "BitArray"))
            raise InputError(f"A runtime result must be made of {known}, not {shown(kind)}.")
        registers = self.field(self.field(item, "data"), "fields")
        if not isinstance(registers, Mapping):
            raise broken_rule("fields", "an object of registers", registers)
        data = {
            name: self.bits(value)
            for name, value in registers.items()
            if isinstance(value, Mapping) and value.get("__type__") == "BitArray"
        }
        return Pub(data, self.field(item, "metadata"))

    def bits(self, item: Any) -> Bits:
        """One bit array."""
        num_bits = check_integer("num_bits", self.field(item, "num_bits"), at_least=1)
        encoded = self.field(item, "array")
        text = encoded.get("__value__") if isinstance(encoded, Mapping) else None
        if not isinstance(text, str) or encoded.get("__type__") != "ndarray":
            raise broken_rule("array", "an encoded ndarray", encoded)
        array = _bytes_array(self.unpacked(text))
        if array.ndim < 2 or array.shape[-1] != -(-num_bits // 8):
            raise InputError(
                f"'array' must have shape (..., shots, bytes) for {num_bits} bits, "
                f"not {array.shape}."
            )
        return Bits(array, num_bits)

    def unpacked(self, text: str) -> bytes:
        """The bytes behind base64 of zlib, as long as the file's arrays stay within bounds."""
        try:
            inflate = zlib.decompressobj()
            data = inflate.decompress(base64.b64decode(text, validate=True), self.left + 1)
        except (binascii.Error, zlib.error, ValueError) as error:
            raise InputError(f"'array' must be base64 of zlib of an array: {error}.") from None
        self.left -= len(data)
        if self.left < 0:
            raise InputError(
                f"The result's arrays must take at most {MAX_ARRAY_BYTES // 2**20} MiB unpacked."
            )
        if not inflate.eof:
            raise InputError("'array' must be base64 of zlib of an array, but it is cut off.")
        return data


def _bytes_array(data: bytes) -> NDArray[np.uint8]:
    """The unsigned bytes of an .npy file: its header is matched as text, never evaluated."""
    header = _NPY.match(data)
    if header is None or header.end() != 10 + int.from_bytes(data[8:10], "little"):
        raise InputError("'array' must be numpy's .npy format with unsigned bytes.")
    shape = tuple(int(number) for number in header[2].split(b", "))
    values = np.frombuffer(data, dtype=np.uint8, offset=header.end())
    if math.prod(shape) != len(values):
        raise InputError(f"'array' must hold {math.prod(shape)} bytes, not {len(values)}.")
    return values.reshape(shape, order="F" if header[1] == b"True" else "C")
