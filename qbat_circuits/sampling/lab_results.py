"""Counts from what a laboratory holds: plain dictionaries, Qiskit's primitive results, files.

Every way ends in `Counts`, little-endian. Where the format does not fix the order of bits it must
be stated; it is never guessed. Qiskit is not imported: its results are read by their attributes.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from qbat_circuits.errors import InputError, broken_rule, check_choice, check_integer, shown
from qbat_circuits.json_files import read_json
from qbat_circuits.pair_readout import Readout
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.count_tables import (
    MAX_COUNTS_CELLS,
    IntTable,
    bit_strings,
    check_cells,
    check_draws_size,
    check_outcomes,
    check_positions,
    check_settings,
    check_table_size,
    draws_of,
    flat_draws,
    table_of,
)
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.counts_file import KEYS, readout_from_calibration
from qbat_circuits.sampling.runtime_json import is_runtime_content, runtime_result

BIT_ORDERS = ("little", "big")
#: Shots that are unpacked at once: as numbers they take eight times their bytes.
_SHOTS_AT_ONCE = 2**20
#: Most circuits of one result: every setting of the largest counts.
MAX_RESULTS = 3**MAX_COUNTS_CELLS


def counts_from_dict(
    counts_by_setting: Mapping[str, Mapping[str, int] | Sequence[Mapping[str, int]]],
    bit_order: str,
    cells: Sequence[int] | None = None,
    *,
    outcomes: int = 2,
    readout: Readout | None = None,
    measured_at: str | None = None,
    draws: bool = False,
) -> Counts:
    """Counts from ``{setting: {bit string: n}}``; with draws, ``{setting: [{...}, {...}, ...]}``.

    Args:
        counts_by_setting: counts by bit string, by Pauli label; with draws a list of them.
        bit_order: "little" where the leftmost letter and bit belong to cell N-1, as in Qiskit;
            "big" where they belong to cell 0: labels and bit strings are then both reversed.
        cells: which bits are cells 0..N-1, for bit strings that are longer than the labels; counted
            from 0 at the right, or at the left with "big". The other bits are summed over.
        outcomes: readings per cell: 0 and 1, or with 3 also 2.
        readout: the readout that the counts went through, if it is known.
        measured_at: when they were measured, as text.
        draws: whether the counts of each setting are a list with those of each draw (see `Counts`).

    Raises:
        InputError: if the order is neither, or a label, a bit string or a count does not fit.
    """
    order = check_choice("bit_order", bit_order, BIT_ORDERS)
    if not isinstance(counts_by_setting, Mapping) or not counts_by_setting:
        rule = "an object of settings, each with its counts by bit string"
        raise broken_rule("settings", rule, counts_by_setting)
    k = check_outcomes(outcomes)
    n = _letters(next(iter(counts_by_setting)), k)
    chosen = None if cells is None else _positions(cells, n)
    flat: Mapping[str, object] = (
        flat_draws("settings", counts_by_setting, n, k)
        if draws
        else {f"settings.{label}": row for label, row in counts_by_setting.items()}
    )
    _check_strings(flat, n, chosen)
    known: dict[str, Any] = {"readout": readout, "measured_at": measured_at, "outcomes": k}
    if not draws:
        settings, table = table_of(counts_by_setting, n, k, reverse=order == "big", cells=chosen)
        return Counts(n, settings, table, **known)
    labels = check_settings(tuple(counts_by_setting), n)
    settings = tuple(label[::-1] for label in labels) if order == "big" else labels
    drawn = draws_of("settings", counts_by_setting, n, k, order == "big", chosen)
    return Counts(n, settings, drawn.sum(axis=1), draws=drawn, **known)


def counts_from_primitive_result(
    result: Any,
    settings: Sequence[str] | None = None,
    register: str | None = None,
    cells: Sequence[int] | None = None,
    *,
    readout: Readout | None = None,
    measured_at: str | None = None,
    draws: bool = False,
) -> Counts:
    """Counts from the result of a Qiskit sampler (Aer, statevector or IBM runtime).

    Args:
        result: a `PrimitiveResult`, one of its pub results, a `BitArray`, or a list of these. An
            array of shape (k,), from one circuit with k sets of parameters, holds k settings, or
            with ``draws`` k draws of one setting.
        settings: Pauli labels in the order of the results; by default what each circuit's metadata
            say, ``{"setting": label}``, as `tomography_circuits` writes them.
        register: the classical register that was measured into; by default the only one, or "meas"
            where there are several.
        cells: which bits of the register are cells 0..N-1, where it has more bits than cells; the
            others are summed over.
        readout: the readout that the counts went through, if it is known.
        measured_at: when they were measured, as text.
        draws: whether each circuit was run with many draws of its parameters, as
            `RandomizedCircuit.pubs` makes them (see `Counts`). Results of the same setting, such as
            those of `RandomizedCircuit.circuits`, are draws as well. ``settings`` has one label per
            result.

    Raises:
        InputError: if settings are missing, contradict the metadata or do not fit, or there is no
            such register.
    """
    found = list(_bit_arrays(result, register, "setting", whole=draws))
    labels = _names(found, "setting", settings)
    n = _letters(labels[0])
    if draws:
        chosen = None if cells is None else _positions(cells, n)
        checked, drawn = _drawn([bits for bits, _ in found], labels, n, chosen)
        known: dict[str, Any] = {"readout": readout, "measured_at": measured_at}
        return Counts(n, checked, drawn.sum(axis=1), draws=drawn, **known)
    checked = check_settings(labels, n)
    check_table_size(len(labels), n)
    chosen = None if cells is None else _positions(cells, n)
    table = np.array([_histogram(bits, n, chosen) for bits, _ in found])
    return Counts(n, checked, table, readout=readout, measured_at=measured_at)


def readout_from_primitive_result(
    result: Any,
    prepared: Sequence[str] | None = None,
    register: str | None = None,
    cells: Sequence[int] | None = None,
    *,
    calibrated_at: str | None = None,
) -> ReadoutModel:
    """The readout that the result of `readout_calibration_circuits` shows.

    Args:
        result: as in `counts_from_primitive_result`.
        prepared: the prepared bit strings in the order of the results; by default what each
            circuit's metadata say, ``{"prepared": bits}``.
        register: as in `counts_from_primitive_result`.
        cells: as in `counts_from_primitive_result`.
        calibrated_at: when they were measured, as text.

    Raises:
        InputError: see `readout_from_calibration`.
    """
    found = list(_bit_arrays(result, register, "prepared"))
    names = _names(found, "prepared", prepared)
    for name, number in Counter(map(str, names)).most_common(1):
        if number > 1:
            raise InputError(f"'prepared' must name {name!r} once, not {number} times.")
    n = check_cells(len(str(names[0])))
    chosen = None if cells is None else _positions(cells, n)
    columns = bit_strings(n)
    counts = {
        name: dict(zip(columns, _histogram(bits, n, chosen).tolist(), strict=True))
        for (bits, _), name in zip(found, names, strict=True)
    }
    return readout_from_calibration(counts, n, calibrated_at)


def load_counts(
    path: str | os.PathLike[str],
    bit_order: str | None = None,
    settings: Sequence[str] | None = None,
    cells: Sequence[int] | None = None,
    draws: bool = False,
) -> Counts:
    """Counts from a file: ours, IBM runtime's JSON of a result, or ``{setting: {bits: n}}``.

    Args:
        path: the file; what it is shows in its content.
        bit_order: for a plain file, see `counts_from_dict`; the others fix it themselves.
        settings: for a result whose circuits had no metadata, see `counts_from_primitive_result`.
        cells: which bits are the cells, where there are more bits than cells.
        draws: whether a result or a plain file holds draws; see `counts_from_primitive_result` and
            `counts_from_dict`.

    Raises:
        InputError: one sentence for whatever is wrong.
    """
    content = read_json(path, "counts")
    if is_runtime_content(content):
        _refuse("a runtime result", bit_order=None if bit_order == "little" else bit_order)
        return counts_from_primitive_result(
            runtime_result(content), settings, None, cells, draws=draws
        )
    if isinstance(content, dict) and set(content) & set(KEYS):
        fixed = None if bit_order == "little" else bit_order
        given = {"bit_order": fixed, "settings": settings, "cells": cells, "draws": draws or None}
        _refuse("a counts file", **given)
        return Counts.from_dict(content)
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(v, list if draws else dict) for v in content.values())
    ):
        raise InputError(
            f"The file {os.fspath(path)!r} holds no counts: it is neither a counts file nor a "
            "primitive result nor an object of settings with counts by bit string."
        )
    _refuse("a file with settings as keys", settings=settings)
    if bit_order is None:
        raise InputError(
            f"The file {os.fspath(path)!r} does not say in which order its bits are: give "
            "'bit_order' as 'little' (the leftmost letter and bit belong to cell N-1) or 'big' "
            "(they belong to cell 0)."
        )
    return counts_from_dict(content, bit_order, cells, draws=draws)


def _refuse(what: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise InputError(
                f"'{name}' must be left out for {what}, which fixes it itself, not {shown(value)}."
            )


def _letters(label: object, outcomes: int = 2) -> int:
    """Number of cells of a label."""
    if not isinstance(label, str) or not label:
        raise broken_rule("settings", "Pauli labels with the letters X, Y, Z", label)
    return check_cells(len(label), outcomes)


def _positions(cells: Sequence[int], n_cells: int) -> tuple[int, ...]:
    chosen = check_positions(cells)
    if len(chosen) != n_cells:
        raise InputError(
            f"'cells' must name one bit for each of the {n_cells} letters, not {len(chosen)}."
        )
    return chosen


def _check_strings(rows: Mapping[str, Any], n: int, cells: tuple[int, ...] | None) -> None:
    """Refuse what is more than one string of cells, with what to do about it."""
    for name, row in rows.items():
        for bits in row if isinstance(row, Mapping) else ():
            if isinstance(bits, str) and " " in bits:
                raise InputError(
                    f"'{name}' must have one register per bit string, not {shown(bits)}: "
                    "take the blanks out and name the cells' bits with 'cells'."
                )
            if isinstance(bits, str) and len(bits) > n and cells is None:
                raise InputError(
                    f"'{name}' has {len(bits)} bits in {shown(bits)} for {n} letters: "
                    "name the cells' bits with 'cells'."
                )


def _drawn(
    results: Sequence[Any], labels: Sequence[Any], n: int, cells: tuple[int, ...] | None
) -> tuple[tuple[str, ...], IntTable]:
    """Settings, and the counts of each draw, shape (S, R, 2^N), from the arrays of all results."""
    settings = check_settings(tuple(dict.fromkeys(labels)), n)
    numbers = dict.fromkeys(settings, 0)
    for bits, label in zip(results, labels, strict=True):
        numbers[label] += math.prod(bits.array.shape[:-2])
    number = numbers[settings[0]]
    for label, found in numbers.items():
        if found != number:
            raise InputError(f"'{label}' must have {number} draws like the first, not {found}.")
    check_draws_size(len(settings), number, n)
    rows: dict[str, list[IntTable]] = {label: [] for label in settings}
    for bits, label in zip(results, labels, strict=True):
        shape = bits.array.shape[:-2]
        singles = [bits[index] for index in np.ndindex(shape)] if shape else [bits]
        rows[label] += [_histogram(one, n, cells) for one in singles]
    return settings, np.array([rows[label] for label in settings])


def _bit_arrays(
    result: Any, register: str | None, key: str, whole: bool = False
) -> Iterator[tuple[Any, object]]:
    """Each single bit array of a result, with what its circuit's metadata hold under the key.

    With ``whole``, arrays are not taken apart.
    """
    parts = [result] if hasattr(result, "num_bits") or hasattr(result, "data") else result
    if isinstance(parts, (str, Mapping)) or not isinstance(parts, Iterable):
        raise broken_rule("result", "a PrimitiveResult or a list of BitArrays", result)
    found = 0
    for number, part in enumerate(parts):
        name = None
        if not hasattr(part, "num_bits"):
            metadata = getattr(part, "metadata", None)
            circuit = metadata.get("circuit_metadata") if isinstance(metadata, Mapping) else None
            name = circuit.get(key) if isinstance(circuit, Mapping) else None
            part = _register(number, getattr(part, "data", None), register)
        shape = () if whole else tuple(part.array.shape[:-2])
        found += math.prod(shape)
        if found > MAX_RESULTS:  # before any of them is made
            raise InputError(f"'result' must hold at most {MAX_RESULTS} measured circuits.")
        for index in np.ndindex(shape):
            yield (part if not shape else part[index]), name
    if not found:
        raise InputError("'result' must hold at least one pub result.")


def _register(number: int, data: Any, register: str | None) -> Any:
    """The bit array of one register of a pub's data."""
    if not hasattr(data, "keys"):
        raise InputError(f"Pub {number} of the result holds no measured registers.")
    names = [name for name in data.keys() if hasattr(data[name], "num_bits")]  # noqa: SIM118
    wanted = (names[0] if len(names) == 1 else "meas") if register is None else register
    if wanted not in names:
        known = ", ".join(repr(name) for name in names) or "none"
        raise InputError(
            f"Pub {number} of the result has no register {shown(wanted)} (it has {known}): "
            "name the right one with 'register'."
        )
    return data[wanted]


def _names(found: list[tuple[Any, object]], key: str, given: Sequence[str] | None) -> list[Any]:
    """The settings or prepared strings of results: as given, or as the metadata say."""
    field = "settings" if key == "setting" else key
    stated = [name for _, name in found]
    if given is None:
        missing = sum(name is None for name in stated)
        if missing:
            raise InputError(
                f"{missing} of {len(found)} circuits have no '{key}' in their metadata: give "
                f"'{field}', one for each of them."
            )
        return stated
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != len(found):
        raise broken_rule(field, f"a list of {len(found)}, one for each circuit", given)
    for number, (ours, theirs) in enumerate(zip(given, stated, strict=True)):
        if theirs is not None and theirs != ours:
            raise InputError(
                f"'{field}' says {shown(ours)} of circuit {number}, but its metadata say "
                f"{shown(theirs)}."
            )
    return list(given)


def _histogram(bits: Any, n_cells: int, cells: tuple[int, ...] | None) -> IntTable:
    """How often each basis number of the cells was read, shape (2^N,).

    A `BitArray` packs each shot into bytes, most significant first, bit 0 in the last byte.
    """
    width = check_integer("num_bits", bits.num_bits, at_least=1)
    if cells is None and width != n_cells:
        raise InputError(
            f"The register must have {n_cells} bits, one for each cell, not {width}: name the "
            "cells' bits with 'cells'."
        )
    positions = range(n_cells) if cells is None else cells
    if max(positions) >= width:
        raise broken_rule("cells", f"bits from 0 to {width - 1} of the register", max(positions))
    packed = np.asarray(bits.array)
    found = np.zeros(2**n_cells, dtype=np.int64)
    for start in range(0, len(packed), _SHOTS_AT_ONCE):
        part = packed[start : start + _SHOTS_AT_ONCE]
        numbers = np.zeros(len(part), dtype=np.int64)
        for cell, position in enumerate(positions):
            bit = (part[:, -1 - position // 8] >> (position % 8)) & 1
            numbers |= bit.astype(np.int64) << cell
        found += np.bincount(numbers, minlength=2**n_cells)
    return found
