"""Counts and their file: round trip, and one sentence for whatever is wrong in it."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter as Tally
from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbat_circuits.errors import InputError
from qbat_circuits.json_files import write_json
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.counts import Counts, bit_strings
from qbat_circuits.sampling.counts_file import load_readout, readout_from_calibration, template

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


THREE = {
    **FILE,
    "outcomes": 3,
    "readout": None,
    "settings": {"XZ": {"02": 3, "21": 4}, "YZ": {"00": 1, "22": 2}},
}


def test_three_outcomes_count_to_the_base_three():
    counts = Counts.from_dict(THREE)
    assert counts.outcomes == 3
    np.testing.assert_array_equal(
        counts.table, [[0, 0, 3, 0, 0, 0, 0, 4, 0], [1, 0, 0, 0, 0, 0, 0, 0, 2]]
    )
    assert counts.to_dict() == THREE
    assert bit_strings(2, 3) == ["00", "01", "02", "10", "11", "12", "20", "21", "22"]


def test_the_readout_of_three_outcomes_is_kept():
    counts = Counts.from_dict({**THREE, "readout": ReadoutModel.ideal(2, levels=3).to_dict()})
    assert Counts.from_dict(counts.to_dict()).readout == ReadoutModel.ideal(2, levels=3)


def test_stated_shots_are_checked_and_not_kept():
    for shots in ({"XX": 1000, "ZX": 7}, {"ZX": 7}, None):
        assert Counts.from_dict({**FILE, "shots": shots}).to_dict() == FILE
    one = {**FILE, "settings": {"XX": {"00": 5}, "YY": {"10": 2, "11": 3}}, "shots": 5}
    np.testing.assert_array_equal(Counts.from_dict(one).shots, [5, 5])


def test_ten_cells_but_no_table_beyond_the_memory():
    file = {**FILE, "n_cells": 10, "readout": None, "settings": {"X" * 10: {"0" * 10: 1}}}
    assert Counts.from_dict(file).table.shape == (1, 1024)
    labels = ["".join(letters) for letters in product("XYZ", repeat=10)]
    with pytest.raises(InputError, match="must hold at most 16384 settings of 10 cells, not 59049"):
        Counts.from_dict({**file, "settings": {label: {} for label in labels}})


def test_marginal_against_shots_one_by_one():
    """Every shot as digits; the chosen cells are picked and counted by hand."""
    rng = np.random.default_rng(3)
    n, labels = 3, ("XYZ", "ZYX", "XYX", "YYZ")
    for outcomes, cells in ((2, [2, 0]), (3, [1]), (2, [0, 1, 2]), (3, [1, 2]), (2, [1, 0])):
        table = rng.integers(1, 9, size=(len(labels), outcomes**n))
        counts = Counts(n, labels, table, outcomes=outcomes, measured_at="now")
        expected: dict[str, Tally] = {}
        for label, row in zip(labels, table, strict=True):
            short = "".join(label[n - 1 - cell] for cell in reversed(cells))
            for bits, number in zip(bit_strings(n, outcomes), row.tolist(), strict=True):
                kept = "".join(bits[n - 1 - cell] for cell in reversed(cells))
                expected.setdefault(short, Tally())[kept] += number
        marginal = counts.marginal(cells)
        assert marginal.to_dict()["settings"] == expected
        assert list(marginal.settings) == list(expected)
        assert (marginal.n_cells, marginal.measured_at) == (len(cells), "now")


def test_the_readout_follows_its_cells():
    readout = ReadoutModel.from_error_rates([0.1, 0.2, 0.3], [0.01, 0.02, 0.03], 500)
    counts = Counts(3, ("XYZ",), np.ones((1, 8), int), readout=readout).marginal([2, 0])
    assert counts.readout == ReadoutModel.from_error_rates([0.3, 0.1], [0.03, 0.01], 500)
    exact = ReadoutModel.from_error_rates([0.1, 0.2], [0.01, 0.02])
    counts = Counts(2, ("XY",), np.ones((1, 4), int), readout=exact).marginal([1])
    assert counts.readout == ReadoutModel.from_error_rates([0.2], [0.02])


def paired(calibration_shots=None):
    """Five cells of which 0, 3 and 1, 4 are read in pairs."""
    rng = np.random.default_rng(1)
    blocks = ((0, 3), (1, 4), (2,))
    matrices = [
        np.eye(2 ** len(b)) * 0.9 + 0.1 * rng.dirichlet(np.ones(2 ** len(b))) for b in blocks
    ]
    matrices = tuple(m.T / m.T.sum(axis=0) for m in matrices)
    return PairReadoutModel(blocks, matrices, calibration_shots, "now")


@pytest.mark.parametrize("shots", [None, ([5, 6, 7, 8], [1, 2, 3, 4], [9, 10])])
def test_pairs_of_a_readout_stay_together(shots):
    """The readings of whole blocks depend on the cells of these blocks only."""
    readout, cells = paired(shots), [1, 2, 4]
    p = [np.array([0.9, 0.1]), np.array([0.3, 0.7]), np.array([0.6, 0.4]), np.array([0.2, 0.8])]
    p.append(np.array([0.5, 0.5]))
    table = np.rint(10**8 * readout.apply(reduce(np.kron, p[::-1]))).astype(int)[None]
    found = Counts(5, ("ZXYZX",), table, readout=readout).marginal(cells)
    assert (found.settings, found.readout.blocks) == (("ZYZ",), ((0, 2), (1,)))
    expected = reduce(np.kron, [p[cell] for cell in reversed(cells)])
    inverted = found.readout.invert(found.table[0] / 10**8)
    np.testing.assert_allclose(inverted, expected, atol=1e-6)
    if shots is not None:
        kept = [s.tolist() for s in found.readout.calibration_shots]
        assert kept == [[1, 2, 3, 4], [9, 10]]
    assert found.readout.calibrated_at == "now"
    alone = Counts(5, ("ZXYZX",), table, readout=readout).marginal([2])
    assert alone.readout.blocks == ((0,),)


@pytest.mark.parametrize("cells", [[0, 1], [3, 0], [0, 3, 4], [2, 0, 3]])
def test_pairs_of_a_readout_are_not_torn_apart(cells):
    counts = Counts(5, ("ZXYZX",), np.ones((1, 32), int), readout=paired())
    sentence = (
        "'cells' must hold whole blocks of the readout ([0, 3], [1, 4], [2]) in increasing order, "
        f"not {cells}."
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        counts.marginal(cells)


@pytest.mark.parametrize("number", [10**5000, -(10**5000)], ids=["large", "small"])
def test_numbers_of_thousands_of_digits_get_one_sentence(number):
    for change in (
        {"settings": {"X": {"0": number}}},
        {"n_cells": number},
        {"seed": -abs(number)},
        {"shots": number},
        {"outcomes": number},
    ):
        content = {**FILE, "n_cells": 1, "readout": None, "settings": {"X": {"0": 1}}, **change}
        with pytest.raises(InputError, match=r"not .*(1e\+5000|-1e\+5000)"):
            Counts.from_dict(content)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([2], "'cells' must be cells from 0 to 1, not 2."),
        ([0, 0], "'cells' must be a list of different whole numbers, not [0, 0]."),
        ([], "'cells' must be a list of different whole numbers, not []."),
        ("0", "'cells' must be a list of different whole numbers, not '0'."),
        ([-1], "'cells' must be a whole number >= 0 and <= 4095, not -1."),
        ([0.0], "'cells' must be a whole number >= 0 and <= 4095, not 0.0."),
    ],
)
def test_wrong_cells_of_a_marginal(cells, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        Counts.from_dict(FILE).marginal(cells)


def test_selected_settings_come_in_the_order_asked_for():
    counts = Counts.from_dict(FILE)
    chosen = counts.select(["ZX", "XX"])
    assert chosen.settings == ("ZX", "XX")
    np.testing.assert_array_equal(chosen.table, counts.table[::-1])
    assert chosen.readout == counts.readout
    sentence = "The counts lack 2 of the 3 settings that are needed: 'YY', 'ZZ'."
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        counts.select(["YY", "XX", "ZZ"])
    with pytest.raises(InputError, match=r"lack 7 of the 9 .*: 'XY', 'XZ', .* and 2 more\.$"):
        counts.select(pauli_settings(2))
    with pytest.raises(InputError, match="'settings' must name 'XX' once, not 2 times"):
        counts.select(["XX", "XX"])


def test_a_calibration_becomes_the_readout_with_its_shots():
    """By hand: of 100 shots each, cell 0 reads 1 in 6 of 00 and 0 in 10 of 11; cell 1: 4 and 20."""
    counts = Counts.from_dict(calibrated({"counts": CALIBRATION, "measured_at": "noon"}))
    expected = {
        "prob_meas1_prep0": pytest.approx([0.06, 0.04], abs=1e-15),
        "prob_meas0_prep1": pytest.approx([0.1, 0.2], abs=1e-15),
        "calibration_shots": [[100, 100], [100, 100]],
        "calibrated_at": "noon",
    }
    assert counts.readout.to_dict() == expected
    assert "calibration" not in counts.to_dict()
    assert Counts.from_dict(counts.to_dict()).readout == counts.readout


def test_calibration_circuits_of_any_prepared_strings_are_added_up():
    given = {"01": {"01": 8, "00": 2}, "10": {"10": 5, "11": 1}, "11": {"11": 3, "10": 1}}
    readout = readout_from_calibration(given, 2)
    # cell 0: prepared 0 in "10" (6 shots), 1 in "01" and "11" (14); cell 1: 0 in "01", 1 in both
    np.testing.assert_array_equal(readout.calibration_shots, [[6, 14], [10, 10]])
    np.testing.assert_array_equal(
        readout.calibration_counts(), [[[5, 3], [1, 11]], [[10, 0], [0, 10]]]
    )


@pytest.mark.parametrize("outcomes", [2, 3])
def test_a_leaked_level_is_calibrated_too(outcomes):
    """A third level read as 0 or 1, or as an outcome of its own."""
    given = {"0": {"0": 9, "1": 1}, "1": {"1": 8, "0": 2}, "2": {"02"[outcomes - 2]: 6, "1": 1}}
    readout = readout_from_calibration(given, 1, "noon", outcomes)
    counts = [[[9, 2, 6], [1, 8, 1]], [[9, 2, 0], [1, 8, 1], [0, 0, 6]]][outcomes - 2]
    np.testing.assert_array_equal(readout.calibration_counts(), [counts])
    del given["2"]
    if outcomes == 3:
        with pytest.raises(InputError, match="but cell 0 has none in level 2"):
            readout_from_calibration(given, 1, outcomes=3)


def test_a_readout_may_have_a_file_of_its_own(tmp_path):
    path = tmp_path / "readout.json"
    expected = readout_from_calibration(CALIBRATION, 2, "noon")
    for content in ({"counts": CALIBRATION, "measured_at": "noon"}, expected.to_dict()):
        write_json(path, content)
        assert load_readout(path, 2) == expected
    three = {"0": {"0": 4}, "1": {"1": 4}, "2": {"2": 4}}
    write_json(path, {"counts": three})
    assert load_readout(path, 1, outcomes=3).outcomes == 3
    with pytest.raises(InputError, match=r"'calibration\.counts\.2' .* digits 0 and 1, not '2'"):
        load_readout(path, 1)
    for content in ([], {"count": CALIBRATION}):
        write_json(path, content)
        with pytest.raises(InputError, match="'readout' "):
            load_readout(path, 2)


def test_a_template_is_a_counts_file_to_fill_in(tmp_path):
    content = template(2, ["ZZ", "XX"])
    assert content == {
        "format": "qbat-counts",
        "version": 1,
        "n_cells": 2,
        "bit_order": "little",
        "origin": "lab",
        "measured_at": None,
        "readout": None,
        "settings": {"ZZ": {}, "XX": {}},
    }
    with pytest.raises(InputError, match="2 of 2 settings have no shots yet"):
        Counts.from_dict(content)
    content["settings"]["ZZ"] = {"00": 3}
    with pytest.raises(InputError, match=r"1 of 2 settings have no shots yet, .* is 'XX'"):
        Counts.from_dict(content)
    content["settings"]["XX"] = {"11": 4}
    np.testing.assert_array_equal(Counts.from_dict(content).shots, [3, 4])
    with pytest.raises(InputError, match="must be Pauli labels of 2 letters"):
        template(2, ["ZZZ"])
    with pytest.raises(InputError, match="'n_cells' must be <= 10"):
        template(11, ["Z" * 11])


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


CALIBRATION = {"00": {"00": 90, "01": 6, "10": 4}, "11": {"11": 70, "01": 20, "10": 10}}


def calibrated(calibration):
    return change(readout=None, calibration=calibration)


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
        (change(n_cells=11), "'n_cells' must be <= 10 for counts of 2 outcomes, not 11."),
        (
            change(n_cells=7, outcomes=3),
            "'n_cells' must be <= 6 for counts of 3 outcomes, not 7.",
        ),
        (change(outcomes=4), "'outcomes' must be a whole number >= 2 and <= 3, not 4."),
        (
            change(outcomes=3, readout=None, settings={"XX": {"03": 1}}),
            "'settings.XX' must be counts by bit strings of 2 digits 0, 1 and 2, not '03'.",
        ),
        (change(outcomes=3), "'readout' must have 3 outcomes like the counts, not 2."),
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
            change(settings={"XX": {"00": 0}, "XY": {"01": 3}, "XZ": {}}),
            "2 of 3 settings have no shots yet, the first of them is 'XX'.",
        ),
        (
            change(shots={"XX": 1000, "ZX": 8}),
            "The counts of 'ZX' add up to 7, not to the 8 of 'shots'.",
        ),
        (change(shots=1000), "The counts of 'ZX' add up to 7, not to the 1000 of 'shots'."),
        (change(shots=0.5), "'shots' must be a whole number >= 1, not 0.5."),
        (change(shots={"XX": "x"}), "'shots.XX' must be a whole number >= 1, not 'x'."),
        (change(shots={"YY": 7}), "'shots' names the setting 'YY', which has no counts."),
        (change(origin=5), "'origin' must be a text, not 5."),
        (change(origin=None), "'origin' must be a text, not None."),
        (change(measured_at=2026), "'measured_at' must be a text, not 2026."),
        (change(seed=-1), "'seed' must be a whole number >= 0, not -1."),
        (
            change(readout={"prob_meas1_prep0": [0.1], "prob_meas0_prep1": [0.1]}),
            "'readout' must describe 2 cells like the counts, not 1.",
        ),
        (change(readout="ideal"), "'readout' must be an object with the keys"),
        (
            change(readout={"assignment": [[[0.9, 0.1], [0.2, 0.9]]] * 2}),
            "'assignment of cell 0' must be probabilities with columns that sum to 1",
        ),
        (
            change(readout={"assignment": [[[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]]]}),
            "'assignment of cell 1' must be invertible",
        ),
        (
            change(calibration={"counts": CALIBRATION}),
            "A counts file must not hold both 'readout' and 'calibration'.",
        ),
        (
            calibrated([]),
            "'calibration' must be an object with the keys 'counts' and 'measured_at', not [].",
        ),
        (calibrated({}), "'calibration' must have the key 'counts'."),
        (
            calibrated({"counts": CALIBRATION, "measured": "now"}),
            "'calibration' has no key 'measured' (did you mean 'measured_at'?).",
        ),
        (
            calibrated({"counts": CALIBRATION, "measured_at": 5}),
            "'calibration.measured_at' must be a text, not 5.",
        ),
        (
            calibrated({"counts": {}}),
            "'calibration.counts' must be an object of counts by prepared bit string, not {}.",
        ),
        (
            calibrated({"counts": {"0": {}}}),
            "'calibration.counts' must be prepared bit strings of 2 digits 0, 1, 2, not '0'.",
        ),
        (
            calibrated({"counts": {"00": {"0": 3}}}),
            "'calibration.counts.00' must be counts by bit strings of 2 digits 0 and 1, not '0'.",
        ),
        (
            calibrated({"counts": {"00": {"00": -3}}}),
            "'calibration.counts.00.00' must be a whole number >= 0 and <= 999999999, not -3.",
        ),
        (
            calibrated({"counts": {"00": {"00": 3}, "10": {"10": 3}}}),
            "of every cell in every level, but cell 0 has none in level 1.",
        ),
        (
            calibrated({"counts": {"00": {"00": 3}, "11": {"10": 3}}}),
            "'assignment of cell 0' must be invertible",
        ),
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
    key=st.sampled_from([*FILE, "extra", "shots", "calibration", "outcomes"]),
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
        ({"outcomes": 3}, "'table' must have shape (2, 9) (settings, outcomes), not (2, 4)."),
        ({"outcomes": 1}, "'outcomes' must be a whole number >= 2 and <= 3, not 1."),
        (
            {"readout": ReadoutModel.ideal(2, levels=3)},
            "'readout' must have 2 outcomes like the counts, not 3.",
        ),
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
