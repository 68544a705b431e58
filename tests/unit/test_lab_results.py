"""Counts from dictionaries, results and files: every bit in its place, or one sentence."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.primitives import (
    BitArray,
    DataBin,
    PrimitiveResult,
    SamplerPubResult,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit_aer.primitives import SamplerV2
from qiskit_ibm_runtime import RuntimeEncoder

from qbat_circuits.circuits.readout_calibration import readout_calibration_circuits
from qbat_circuits.circuits.tomography import tomography_circuits
from qbat_circuits.errors import InputError
from qbat_circuits.json_files import MAX_FILE_BYTES, write_json
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling import runtime_json
from qbat_circuits.sampling.counts import Counts, bit_strings
from qbat_circuits.sampling.counts_file import template
from qbat_circuits.sampling.lab_results import (
    counts_from_dict,
    counts_from_primitive_result,
    load_counts,
    readout_from_primitive_result,
)

LITTLE = {"XY": {"01": 5, "11": 2}, "YX": {"00": 3}, "ZZ": {"10": 1}}
BIG = {"YX": {"10": 5, "11": 2}, "XY": {"00": 3}, "ZZ": {"01": 1}}


def one_sentence(sentence):
    return pytest.raises(InputError, match=f"^{re.escape(sentence)}$")


def rows(counts):
    return counts.to_dict()["settings"]


# Dictionaries


def test_big_endian_reverses_labels_and_bits():
    assert rows(counts_from_dict(LITTLE, "little")) == LITTLE
    assert rows(counts_from_dict(BIG, "big")) == LITTLE
    assert rows(counts_from_dict(BIG, "little")) == BIG


def test_what_is_known_beside_the_counts_is_kept():
    readout = ReadoutModel.ideal(1, levels=3)
    counts = counts_from_dict(
        {"X": {"2": 3}}, "little", outcomes=3, readout=readout, measured_at="noon"
    )
    assert (counts.origin, counts.readout, counts.measured_at) == ("lab", readout, "noon")
    np.testing.assert_array_equal(counts.table, [[0, 0, 3]])


def test_bits_beside_the_cells_are_summed_over():
    """Bits "abcd" are positions 3 2 1 0; cell 0 is position 3, cell 1 position 1: "ca"."""
    given = {"XY": {"0111": 1, "0010": 2, "1000": 4, "1101": 8}, "ZZ": {"1111": 1}}
    expected = {"XY": {"10": 3, "01": 12}, "ZZ": {"11": 1}}
    assert rows(counts_from_dict(given, "little", cells=[3, 1])) == expected
    mirrored = {label[::-1]: {b[::-1]: n for b, n in row.items()} for label, row in given.items()}
    assert rows(counts_from_dict(mirrored, "big", cells=[3, 1])) == expected


def test_the_order_of_bits_has_no_default():
    with pytest.raises(TypeError, match="bit_order"):
        counts_from_dict(LITTLE)


@pytest.mark.parametrize(
    ("given", "order", "cells", "sentence"),
    [
        (
            LITTLE,
            "litle",
            None,
            "'bit_order' must be one of 'little', 'big', not 'litle' (did you mean 'little'?).",
        ),
        (LITTLE, None, None, "'bit_order' must be one of 'little', 'big', not None."),
        (
            {},
            "big",
            None,
            "'settings' must be an object of settings, each with its counts by bit string, not {}.",
        ),
        ({5: {}}, "big", None, "'settings' must be Pauli labels with the letters X, Y, Z, not 5."),
        (
            {"XI": {"00": 1}},
            "big",
            None,
            "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'XI'.",
        ),
        (
            {"XX": {"00": 1}, "X": {"0": 1}},
            "big",
            None,
            "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'X'.",
        ),
        (
            {"XX": {"0 1": 1}},
            "big",
            None,
            "'settings.XX' must have one register per bit string, not '0 1': take the blanks out "
            "and name the cells' bits with 'cells'.",
        ),
        (
            {"XX": {"011": 1}},
            "big",
            None,
            "'settings.XX' has 3 bits in '011' for 2 letters: name the cells' bits with 'cells'.",
        ),
        (
            {"XX": {"0": 1}},
            "big",
            None,
            "'settings.XX' must be counts by bit strings of 2 digits 0 and 1, not '0'.",
        ),
        (
            {"XX": {"011": 1, "01": 1}},
            "little",
            [0, 2],
            "'settings.XX' must be counts by bit strings of 3 digits 0 and 1, not '01'.",
        ),
        (
            {"XX": {"01": 1}},
            "little",
            [0, 2],
            "'settings.XX' must be counts by bit strings of 3 digits 0 and 1, not '01'.",
        ),
        (
            {"XX": {3: 1}},
            "little",
            [0, 1],
            "'settings.XX' must be counts by bit strings of 2 digits 0 and 1, not 3.",
        ),
        (
            {"XX": {"0x3": 1}},
            "little",
            [0, 1],
            "'settings.XX' must be counts by bit strings of 3 digits 0 and 1, not '0x3'.",
        ),
        (
            LITTLE,
            "little",
            [0],
            "'cells' must name one bit for each of the 2 letters, not 1.",
        ),
        (
            LITTLE,
            "little",
            [1, 1],
            "'cells' must be a list of different whole numbers, not [1, 1].",
        ),
        (
            {"XX": {"00": -1}},
            "little",
            None,
            "'settings.XX.00' must be a whole number >= 0 and <= 999999999, not -1.",
        ),
        (
            {"XX": {"00": 0.5}},
            "big",
            None,
            "'settings.XX.00' must be a whole number >= 0 and <= 999999999, not 0.5.",
        ),
        (
            {"XX": {"00": 999999999, "01": 1}},
            "big",
            None,
            "'shots of XX' must be a whole number >= 1 and <= 999999999, not 1000000000.",
        ),
        (
            {"XX": 7},
            "little",
            None,
            "'settings.XX' must be an object of counts by bit string, not 7.",
        ),
        (
            {"XX": {"00": 1}, "XY": {}, "YX": {"11": 0}},
            "little",
            None,
            "2 of 3 settings have no shots yet, the first of them is 'XY'.",
        ),
        (
            {"X": {"01": 3}, "Z": {"011": 1}},
            "little",
            [0],
            "'settings.Z' must be counts by bit strings of 2 digits 0 and 1, not '011'.",
        ),
        (
            {"X": {"01": 3}},
            "little",
            [4096],
            "'cells' must be a whole number >= 0 and <= 4095, not 4096.",
        ),
        (
            {"X": {"\u0661\u0660": 3}},
            "little",
            [0],
            "'settings.X' must be counts by bit strings of 2 digits 0 and 1, not '\u0661\u0660'.",
        ),
        (
            {"X" * 11: {"0" * 11: 1}},
            "little",
            None,
            "'n_cells' must be <= 10 for counts of 2 outcomes, not 11.",
        ),
    ],
)
def test_wrong_dictionaries_get_one_sentence(given, order, cells, sentence):
    with one_sentence(sentence):
        counts_from_dict(given, order, cells)


# Primitive results


def flipped(number, width, setting=None):
    """A circuit that surely reads a number, with its setting in the metadata."""
    circuit = QuantumCircuit(width)
    for bit in range(width):
        if number >> bit & 1:
            circuit.x(bit)
    circuit.measure_all()
    if setting is not None:
        circuit.metadata = {"setting": setting}
    return circuit


@pytest.mark.parametrize("sampler", [StatevectorSampler(seed=1), SamplerV2(seed=1)])
def test_samplers_hand_the_setting_on_and_every_bit_has_its_place(sampler):
    """Ten cells: the bits stand in two bytes."""
    given = {"XYZXYZXYZX": 0b1000000110, "ZZZZZZZZZZ": 0b0111111000}
    circuits = [flipped(number, 10, label) for label, number in given.items()]
    result = sampler.run(circuits, shots=7).result()
    expected = {label: {f"{number:010b}": 7} for label, number in given.items()}
    assert rows(counts_from_primitive_result(result)) == expected
    assert rows(counts_from_primitive_result(result, settings=list(given))) == expected
    assert rows(counts_from_primitive_result(result[1])) == {"Z" * 10: expected["Z" * 10]}
    arrays = [pub.data.meas for pub in result]
    assert rows(counts_from_primitive_result(arrays, list(given))) == expected


def test_bit_arrays_read_as_qiskit_reads_them():
    rng = np.random.default_rng(5)
    array = BitArray.from_bool_array(rng.random((3, 50, 11)) < 0.4, order="big")
    labels = ["XX", "YY", "ZZ"]
    counts = counts_from_primitive_result(array, labels, cells=[9, 2])
    for row, bits in zip(counts.table, [array[k] for k in range(3)], strict=True):
        expected = bits.slice_bits([9, 2]).get_int_counts()
        assert dict(enumerate(row.tolist())) == {b: expected.get(b, 0) for b in range(4)}
    plain = counts_from_primitive_result(array.slice_bits([9, 2]), labels)
    np.testing.assert_array_equal(plain.table, counts.table)


def two_registers():
    """Qubit 2 is an ancilla that is read before the cells."""
    prepare = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "flag"))
    prepare.x([0, 2])
    prepare.measure(2, 0)
    return tomography_circuits(2, prepare, ["ZZ"])


def test_the_register_of_the_cells_is_found_among_others():
    result = StatevectorSampler(seed=1).run(two_registers(), shots=9).result()
    assert rows(counts_from_primitive_result(result)) == {"ZZ": {"01": 9}}
    found = counts_from_primitive_result(result, register="meas", readout=ReadoutModel.ideal(2))
    assert found.readout == ReadoutModel.ideal(2)
    with one_sentence(
        "Pub 0 of the result has no register 'c' (it has 'flag', 'meas'): name the right one with "
        "'register'."
    ):
        counts_from_primitive_result(result, register="c")
    with one_sentence(
        "The register must have 2 bits, one for each cell, not 1: name the cells' bits with "
        "'cells'."
    ):
        counts_from_primitive_result(result, register="flag")


def sampled(*circuits):
    return StatevectorSampler(seed=2).run(list(circuits), shots=4).result()


@pytest.mark.parametrize(
    ("result", "options", "sentence"),
    [
        (
            sampled(flipped(1, 2, "XX"), flipped(0, 2), flipped(2, 2)),
            {},
            "2 of 3 circuits have no 'setting' in their metadata: give 'settings', one for each "
            "of them.",
        ),
        (
            sampled(flipped(1, 2, "XX")),
            {"settings": ["XY"]},
            "'settings' says 'XY' of circuit 0, but its metadata say 'XX'.",
        ),
        (
            sampled(flipped(1, 2)),
            {"settings": ["XX", "YY"]},
            "'settings' must be a list of 1, one for each circuit, not ['XX', 'YY'].",
        ),
        (
            sampled(flipped(1, 2, "XX"), flipped(1, 2, "XX")),
            {},
            "'settings' must name 'XX' once, not 2 times.",
        ),
        (
            sampled(flipped(1, 2)),
            {"settings": ["xx"]},
            "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'xx'.",
        ),
        (
            sampled(flipped(1, 2)),
            {"settings": [5]},
            "'settings' must be Pauli labels with the letters X, Y, Z, not 5.",
        ),
        (
            sampled(flipped(1, 3, "XX")),
            {},
            "The register must have 2 bits, one for each cell, not 3: name the cells' bits with "
            "'cells'.",
        ),
        (
            sampled(flipped(1, 3, "XX")),
            {"cells": [0, 3]},
            "'cells' must be bits from 0 to 2 of the register, not 3.",
        ),
        (
            StatevectorEstimator().run([(QuantumCircuit(1), "Z")]).result(),
            {"settings": ["Z"]},
            "Pub 0 of the result has no register 'meas' (it has none): name the right one with "
            "'register'.",
        ),
        ([], {}, "'result' must hold at least one pub result."),
        ([5], {}, "Pub 0 of the result holds no measured registers."),
        ({}, {}, "'result' must be a PrimitiveResult or a list of BitArrays, not {}."),
        (7, {}, "'result' must be a PrimitiveResult or a list of BitArrays, not 7."),
    ],
)
def test_wrong_results_get_one_sentence(result, options, sentence):
    with one_sentence(sentence):
        counts_from_primitive_result(result, **options)


def test_a_huge_number_of_results_is_refused_before_any_is_read():
    array = BitArray(np.zeros((20_000_000, 1, 1), np.uint8), 1)
    tracemalloc.start()
    with one_sentence("'result' must hold at most 59049 measured circuits."):
        counts_from_primitive_result([array, array], ["X", "Y", "Z"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_calibration_circuits_give_the_readout():
    result = SamplerV2(seed=3).run(readout_calibration_circuits(2), shots=50).result()
    readout = readout_from_primitive_result(result, calibrated_at="noon")
    exact = ReadoutModel(np.tile(np.eye(2), (2, 1, 1)), np.full((2, 2), 50), "noon")
    assert readout == exact
    swapped = [result[1].data.meas, result[0].data.meas]
    assert readout_from_primitive_result(swapped, ["11", "00"], calibrated_at="noon") == exact
    with one_sentence("'prepared' must name '11' once, not 2 times."):
        readout_from_primitive_result(swapped, ["11", "11"])
    with pytest.raises(InputError, match="'prepared' says '11' of circuit 0, but its metadata"):
        readout_from_primitive_result(result, ["11", "00"])
    wide = [BitArray.from_counts({bits: 9}, 4) for bits in ("0010", "1111")]
    with_cells = readout_from_primitive_result(wide, ["00", "11"], cells=[0, 2])
    np.testing.assert_array_equal(with_cells.calibration_shots, [[9, 9], [9, 9]])


# Files


def encoded(tmp_path, result):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result, cls=RuntimeEncoder))
    return path


def random_result(labels, num_bits, seed=0, **others):
    rng = np.random.default_rng(seed)
    pubs = []
    for label in labels:
        bits = BitArray.from_bool_array(rng.random((40, num_bits)) < 0.3, order="big")
        metadata = {"circuit_metadata": {"setting": label}} if label else {}
        pubs.append(SamplerPubResult(DataBin(meas=bits, shape=(), **others), metadata))
    return PrimitiveResult(pubs, metadata={"version": 2})


@pytest.mark.parametrize("n_cells", [1, 2, 9])
def test_runtime_files_give_the_same_counts_as_their_result(tmp_path, n_cells):
    labels = ["X" * n_cells, "Z" * n_cells]
    flag = BitArray(np.zeros((40, 1), np.uint8), 3)
    result = random_result(labels, n_cells, flag=flag, other=np.eye(2))
    direct = counts_from_primitive_result(result)
    assert load_counts(encoded(tmp_path, result)).to_dict() == direct.to_dict()
    assert direct.shots.tolist() == [40, 40]


def test_runtime_files_of_real_samplers(tmp_path):
    for sampler in (StatevectorSampler(seed=4), SamplerV2(seed=4)):
        result = sampler.run(tomography_circuits(2), shots=100).result()
        counts = load_counts(encoded(tmp_path, result), bit_order="little")
        assert counts.settings == pauli_settings(2)
        assert counts.to_dict() == counts_from_primitive_result(result).to_dict()


def test_runtime_files_of_bit_arrays(tmp_path):
    result = random_result([None, None], 5)
    arrays = [pub.data.meas for pub in result]
    direct = counts_from_primitive_result(arrays, ["XX", "YZ"], cells=[4, 0])
    for content in (arrays, result, BitArray(np.stack([a.array for a in arrays]), 5)):
        counts = load_counts(encoded(tmp_path, content), settings=["XX", "YZ"], cells=[4, 0])
        assert counts.to_dict() == direct.to_dict()
    columns = BitArray(np.asfortranarray(np.tile(arrays[0].array, (1, 2))), 16)
    counts = load_counts(encoded(tmp_path, columns), settings=["XX"], cells=[12, 8])
    np.testing.assert_array_equal(counts.table[0], direct.table[0])
    with one_sentence(
        "2 of 2 circuits have no 'setting' in their metadata: give 'settings', one for each of "
        "them."
    ):
        load_counts(encoded(tmp_path, arrays), cells=[4, 0])


def npy(array):
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def bit_array(data, num_bits=2, kind="ndarray"):
    text = data if isinstance(data, str) else base64.b64encode(zlib.compress(data)).decode()
    array = {"__type__": kind, "__value__": text}
    return {"__type__": "BitArray", "__value__": {"array": array, "num_bits": num_bits}}


GOOD = npy(np.zeros((3, 1), np.uint8))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bit_array("no base64!"), "'array' must be base64 of zlib of an array: "),
        (bit_array("µ"), "'array' must be base64 of zlib of an array: "),
        (bit_array("AAAA"), "'array' must be base64 of zlib of an array: Error -3"),
        (
            bit_array(base64.b64encode(zlib.compress(GOOD)[:-6]).decode()),
            "'array' must be base64 of zlib of an array, but it is cut off.",
        ),
        (bit_array(GOOD[:-1]), "'array' must hold 3 bytes, not 2."),
        (bit_array(b""), "'array' must be numpy's .npy format with unsigned bytes."),
        (bit_array(npy(np.zeros((3, 1)))), "'array' must be numpy's .npy format"),
        (bit_array(npy(np.array([[print]]))), "'array' must be numpy's .npy format"),
        (bit_array(npy(np.zeros(3, np.uint8))), "'array' must be numpy's .npy format"),
        (bit_array(npy(np.zeros((10**9, 0, 1), np.uint8))), "'array' must be numpy's .npy format"),
        (
            bit_array(GOOD.replace(b"(3, 1), } ", b"(9999999999, 1), }")),
            "'array' must be numpy's .npy format with unsigned bytes.",
        ),
        (bit_array(GOOD, 9), "'array' must have shape (..., shots, bytes) for 9 bits, not (3, 1)."),
        (bit_array(GOOD, 2.0), "'num_bits' must be a whole number >= 1, not 2.0."),
        (bit_array(GOOD, kind="list"), "'array' must be an encoded ndarray, not {"),
        ({"__type__": "BitArray"}, "'result' must be an encoded object with 'num_bits'"),
        (
            {"__type__": "QuantumCircuit", "__value__": "x"},
            "A runtime result must be made of PrimitiveResult, SamplerPubResult, PubResult, "
            "BitArray, not 'QuantumCircuit'.",
        ),
        (
            {"__type__": "PrimitiveResult", "__value__": {"pub_results": 5}},
            "'pub_results' must be a list, not 5.",
        ),
        (
            {"__type__": "PrimitiveResult", "__value__": {"pub_results": [5]}},
            "A runtime result must be made of PrimitiveResult",
        ),
        (
            {"__type__": "PrimitiveResult", "__value__": {"pub_results": []}},
            "'result' must hold at least one pub result.",
        ),
        (
            {
                "__type__": "PubResult",
                "__value__": {"data": {"__value__": {"fields": 3}}, "metadata": {}},
            },
            "'fields' must be an object of registers, not 3.",
        ),
    ],
)
def test_broken_runtime_files_get_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "result.json"
    write_json(path, content)
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}") as caught:
        load_counts(path, settings=["XX"])
    assert "\n" not in str(caught.value)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(runtime_json, "MAX_ARRAY_BYTES", 2**20)
    half = bit_array(npy(np.zeros((600_000, 1), np.uint8)))
    bomb = bit_array(bytes(2**26))
    assert runtime_json.runtime_result([half])[0].array.shape == (600_000, 1)
    tracemalloc.start()
    for content in (bomb, [half, half]):
        with one_sentence("The result's arrays must take at most 1 MiB unpacked."):
            runtime_json.runtime_result(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_a_pickle_in_a_file_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    path = tmp_path / "result.json"
    write_json(path, bit_array(npy(np.array([[Trap()]], dtype=object))))
    with pytest.raises(InputError, match="unsigned bytes"):
        load_counts(path, settings=["XX"])
    assert not (tmp_path / "sprung").exists()


def test_our_own_file_is_recognised(tmp_path):
    counts = counts_from_dict(LITTLE, "little", readout=ReadoutModel.ideal(2))
    counts.save(tmp_path / "counts.json")
    for order in (None, "little"):
        assert load_counts(tmp_path / "counts.json", order).to_dict() == counts.to_dict()
    with one_sentence(
        "'bit_order' must be left out for a counts file, which fixes it itself, not 'big'."
    ):
        load_counts(tmp_path / "counts.json", "big")
    with pytest.raises(InputError, match="'cells' must be left out for a counts file"):
        load_counts(tmp_path / "counts.json", cells=[0])
    write_json(tmp_path / "empty.json", template(2, ["XX", "YY", "ZZ"]))
    with one_sentence("3 of 3 settings have no shots yet, the first of them is 'XX'."):
        load_counts(tmp_path / "empty.json")
    write_json(tmp_path / "part.json", {"settings": LITTLE, "n_cells": 2})
    with one_sentence("A counts file must have the key 'format'."):
        load_counts(tmp_path / "part.json")


def test_a_plain_file_needs_its_order_of_bits(tmp_path):
    path = tmp_path / "plain.json"
    write_json(path, BIG)
    assert rows(load_counts(path, "big")) == LITTLE
    assert rows(load_counts(path, "big", cells=[1, 0])) == {
        "XY": {"10": 5, "11": 2},
        "YX": {"00": 3},
        "ZZ": {"01": 1},
    }
    with one_sentence(
        f"The file {str(path)!r} does not say in which order its bits are: give 'bit_order' as "
        "'little' (the leftmost letter and bit belong to cell N-1) or 'big' (they belong to cell "
        "0)."
    ):
        load_counts(path)
    with pytest.raises(InputError, match="'settings' must be left out for a file with settings"):
        load_counts(path, "big", settings=["XX"])


@pytest.mark.parametrize("content", [[], {}, 3, [1], {"XX": 5}, [{"__type__": "x"}, 3], "XX"])
def test_other_files_hold_no_counts(tmp_path, content):
    path = tmp_path / "other.json"
    write_json(path, content)
    with one_sentence(
        f"The file {str(path)!r} holds no counts: it is neither a counts file nor a primitive "
        "result nor an object of settings with counts by bit string."
    ):
        load_counts(path)


def test_hostile_files_get_one_sentence(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"XX": {"00": 1}, "XX": {"00": 2}}')
    with pytest.raises(InputError, match="the key 'XX' stands twice in one object"):
        load_counts(path, "little")
    path.write_text("XX: 00 5")
    with pytest.raises(InputError, match="is not valid JSON"):
        load_counts(path, "little")
    with path.open("wb") as file:  # sparse: takes no space
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match="is larger than 64 MiB"):
        load_counts(path, "little")
    with pytest.raises(InputError, match="does not exist"):
        load_counts(tmp_path / "none.json")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
ENCODED = st.recursive(
    JSON,
    lambda inner: st.fixed_dictionaries(
        {
            "__type__": st.sampled_from(
                ["PrimitiveResult", "PubResult", "BitArray", "DataBin", "ndarray"]
            ),
            "__value__": inner
            | st.dictionaries(
                st.sampled_from(["pub_results", "data", "metadata", "fields", "array", "num_bits"]),
                inner | st.lists(inner, max_size=2),
            ),
        }
    ),
    max_leaves=8,
)


@given(content=JSON | ENCODED | st.dictionaries(st.sampled_from(["X", "Z", "XX"]), JSON))
def test_any_json_gives_counts_or_one_input_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    write_json(path, content)
    try:
        counts = load_counts(path, "little")
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  (both ways out are right)
    else:
        assert counts.shots.min() >= 1


def test_files_are_read_without_qiskit(tmp_path):
    path = encoded(tmp_path, random_result(["XX"], 2))
    code = (
        "import sys; from qbat_circuits.sampling.lab_results import load_counts; "
        f"load_counts({str(path)!r}); "
        "assert not {'qiskit', 'qiskit_ibm_runtime', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bit_strings_name_the_columns():
    counts = Counts(2, ("ZZ",), np.arange(1, 5)[None])
    assert rows(counts)["ZZ"] == dict(zip(bit_strings(2), [1, 2, 3, 4], strict=True))
