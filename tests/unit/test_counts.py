"""Counts and their file: round trip, and one sentence for whatever is wrong in it."""

from __future__ import annotations

import copy
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbat_circuits.errors import InputError
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts

FILE = {
    "format": "qbat-counts",
    "version": 1,
    "n_cells": 2,
    "bit_order": "little",
    "origin": "lab",
    "measured_at": "2026-01-02T03:04:05Z",
    "seed": None,
    "readout": {"prob_meas1_prep0": [0.01, 0.02], "prob_meas0_prep1": [0.03, 0.04]},
    "settings": {"XX": {"00": 512, "01": 488}, "ZX": {"11": 7}},
}


def test_columns_count_little_endian_basis_numbers():
    counts = Counts.from_dict(FILE)
    assert counts.settings == ("XX", "ZX")
    np.testing.assert_array_equal(counts.table, [[512, 488, 0, 0], [0, 0, 0, 7]])
    np.testing.assert_array_equal(counts.shots, [1000, 7])
    assert counts.table.dtype == np.int64


def test_dictionary_round_trip_keeps_everything():
    assert Counts.from_dict(FILE).to_dict() == FILE


def test_file_round_trip_keeps_everything(tmp_path):
    path = tmp_path / "counts.json"
    counts = Counts.from_dict({**FILE, "origin": "emulated", "seed": 2**70})
    counts.save(path)
    again = Counts.load(path)
    assert again.to_dict() == counts.to_dict()
    assert again.readout == counts.readout
    assert again.seed == 2**70


def test_numpy_integers_are_written_too(tmp_path):
    counts = Counts(
        n_cells=np.int64(1),
        settings=["Z"],
        table=np.array([[3, 1]], dtype=np.uint16),
        seed=np.int32(4),
    )
    counts.save(tmp_path / "counts.json")
    assert Counts.load(tmp_path / "counts.json").to_dict() == counts.to_dict()
    assert counts.to_dict()["settings"] == {"Z": {"0": 3, "1": 1}}


def test_only_five_keys_are_required():
    short = {key: FILE[key] for key in ("format", "version", "n_cells", "bit_order", "settings")}
    counts = Counts.from_dict(short)
    assert (counts.origin, counts.measured_at, counts.seed, counts.readout) == (
        "lab",
        None,
        None,
        None,
    )


def change(**changes):
    return {**copy.deepcopy(FILE), **changes}


def without(key):
    return {k: v for k, v in FILE.items() if k != key}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "'counts' must be a JSON object, not []."),
        (without("bit_order"), "A counts file must have the key 'bit_order'."),
        (
            change(setings={}),
            "A counts file has no key 'setings' (did you mean 'settings'?).",
        ),
        (change(format="counts"), "'format' must be 'qbat-counts', not 'counts'."),
        (change(version=2), "'version' must be 1, not 2."),
        (change(version=True), "'version' must be 1, not True."),
        (
            change(bit_order="big"),
            "not 'big': reverse every setting and every bit string, then write 'little'.",
        ),
        (change(n_cells=0), "'n_cells' must be a whole number >= 1, not 0."),
        (change(n_cells=2.0), "'n_cells' must be a whole number >= 1, not 2.0."),
        (
            change(n_cells=9),
            "'n_cells' must be <= 8, the limit of full Pauli tomography, not 9.",
        ),
        (change(settings={}), "'settings' must be an object of settings"),
        (change(settings=["XX"]), "'settings' must be an object of settings"),
        (
            change(settings={"XI": {"00": 1}}),
            "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'XI'.",
        ),
        (
            change(settings={"XXX": {"00": 1}}),
            "'settings' must be Pauli labels of 2 letters X, Y, Z, not 'XXX'.",
        ),
        (
            change(settings={"XX": 4}),
            "'settings.XX' must be an object of counts by bit string, not 4.",
        ),
        (
            change(settings={"XX": {"0": 1}}),
            "'settings.XX' must be counts by bit strings of 2 digits 0 and 1, not '0'.",
        ),
        (
            change(settings={"XX": {"02": 1}}),
            "'settings.XX' must be counts by bit strings of 2 digits 0 and 1, not '02'.",
        ),
        (
            change(settings={"XX": {"00": -1}}),
            "'settings.XX.00' must be a whole number >= 0 and <= 999999999, not -1.",
        ),
        (
            change(settings={"XX": {"00": 0.5}}),
            "'settings.XX.00' must be a whole number >= 0 and <= 999999999, not 0.5.",
        ),
        (
            change(settings={"XX": {"00": True}}),
            "'settings.XX.00' must be a whole number >= 0 and <= 999999999, not True.",
        ),
        (
            change(settings={"XX": {"00": 10**30}}),
            "'settings.XX.00' must be a whole number >= 0 and <= 999999999, not 1000",
        ),
        (
            change(settings={"XX": {"00": 999999999, "01": 1}}),
            "'shots of XX' must be a whole number >= 1 and <= 999999999, not 1000000000.",
        ),
        (
            change(settings={"XX": {"00": 0}}),
            "'shots of XX' must be a whole number >= 1 and <= 999999999, not 0.",
        ),
        (change(origin=5), "'origin' must be a text, not 5."),
        (change(origin=None), "'origin' must be a text, not None."),
        (change(measured_at=2026), "'measured_at' must be a text, not 2026."),
        (change(seed=-1), "'seed' must be a whole number >= 0, not -1."),
        (
            change(readout={"prob_meas1_prep0": [0.1], "prob_meas0_prep1": [0.1]}),
            "'readout' must describe 2 cells like the counts, not 1.",
        ),
        (change(readout="ideal"), "'readout' must be an object with the keys"),
    ],
)
def test_wrong_content_gets_one_sentence(content, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        Counts.from_dict(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"format": "qbat-co', "is not valid JSON"),
        ("[" * 100_000, "is nested deeper than"),
        ('{"settings": {"XX": {"00": 1}, "XX": {"00": 2}}}', "the key 'XX' stands twice"),
        ('{"settings": {"XX": {"00": NaN}}}', "NaN is not a number that JSON knows"),
        ("", "is empty"),
    ],
)
def test_hostile_files_get_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "counts.json"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        Counts.load(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
ROWS = st.dictionaries(st.sampled_from(["00", "01", "10", "11", "1"]), JSON, max_size=4)


@given(
    key=st.sampled_from([*FILE, "extra"]),
    value=JSON | st.dictionaries(st.sampled_from(["XX", "YZ", "X"]), ROWS, max_size=3),
)
def test_any_json_gives_counts_or_one_input_error(key, value):
    content = json.loads(json.dumps({**FILE, key: value}))
    try:
        counts = Counts.from_dict(content)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  (both ways out are right)
    else:
        assert counts.shots.min() >= 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"settings": ("XX", "XX")}, "'settings' must name 'XX' once, not 2 times."),
        ({"settings": ()}, "'settings' must hold at least one setting."),
        ({"settings": "XX"}, "'settings' must be a list of Pauli labels, not 'XX'."),
        ({"table": np.ones((2, 3), int)}, "'table' must have shape (2, 4) (settings, outcomes)"),
        ({"table": np.ones((2, 4))}, "'table' must hold whole numbers, not float64."),
        ({"table": -np.ones((2, 4), int)}, "'table' must hold counts from 0 to 999999999."),
        ({"table": np.zeros((2, 4), int)}, "'shots of XX' must be a whole number >= 1"),
        ({"settings": 5}, "'settings' must be a list of Pauli labels, not 5."),
        ({"table": [[1], [1, 2]]}, "'table' must be an array of whole numbers."),
        ({"readout": ReadoutModel.ideal(3)}, "'readout' must describe 2 cells"),
        ({"readout": "ideal"}, "'readout' must be a ReadoutModel or None, not 'ideal'."),
    ],
)
def test_wrong_arguments_get_one_sentence(changes, sentence):
    good = {"n_cells": 2, "settings": ("XX", "YY"), "table": np.ones((2, 4), int)}
    with pytest.raises(InputError, match=re.escape(sentence)):
        Counts(**{**good, **changes})


def test_the_table_is_a_read_only_copy():
    table = np.ones((1, 2), int)
    counts = Counts(n_cells=1, settings=("Z",), table=table)
    table[0, 0] = 5
    assert counts.table[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        counts.table[0, 0] = 5
