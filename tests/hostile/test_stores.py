"""Stores of a sweep that somebody else has written: one sentence, and never an endless query."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from command_line import qbat

import qbat_circuits as qb
from qbat_circuits.study.sweep_export import sweep_dataset
from qbat_circuits.study.sweep_reading import status

BASE = {
    "battery": {"n_cells": 2},
    "bath": {"rate": 1.0, "occupation": 1.0},
    "charging": {"times": {"stop": 2.0, "num": 5}},
}
ENDLESS = (
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT x AS key, x AS point, NULL AS failure, 0 AS lost, 0.0 AS seconds FROM n"
)
#: What is done to a good store, by name.
SPOILT = {
    "an endless view": f"DROP TABLE points; CREATE VIEW points AS {ENDLESS}",
    "a view of nothing": "DROP TABLE meta; CREATE VIEW meta AS SELECT 1 AS name, 2 AS value",
    "no grid": "DELETE FROM meta WHERE name = 'grid'",
    "no versions": "DELETE FROM meta WHERE name = 'versions'",
    "a grid of bytes": "UPDATE meta SET value = x'ff00' WHERE name = 'grid'",
    "a grid that is no JSON": "UPDATE meta SET value = '{{' WHERE name = 'grid'",
    "a deep grid": "UPDATE meta SET value = '" + "[" * 9999 + "' WHERE name = 'grid'",
    "another grid": "UPDATE meta SET value = replace(value, '2.0', '3.0') WHERE name = 'grid'",
    "an unknown key": "UPDATE meta SET value = replace(value, '\"base\"', '\"bas\"')",
    "a point out of range": "UPDATE points SET point = 99",
    "the last point from behind": "UPDATE points SET point = -1",
    "a point of text": "UPDATE points SET point = 'first'",
    "a value of text": "UPDATE points SET ergotropy = 'much'",
    "a failure of bytes": "UPDATE points SET failure = x'ff'",
    "one column more": "ALTER TABLE points ADD COLUMN more REAL",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON points BEGIN DELETE FROM points; END",
    "another version": "UPDATE meta SET value = '99' WHERE name = 'format'",
    "another program": "PRAGMA application_id = 7",
    "no text in UTF-8": "UPDATE meta SET value = CAST(x'ff' AS TEXT) WHERE name = 'format'",
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "sweep.sqlite"
    axis = {"field": "bath.occupation", "values": [0.5, 2.0]}
    qb.sweep(qb.Experiment.model_validate(BASE), {"n": axis}, path)
    return path


def change(good: Path, folder: Path, statement: str) -> Path:
    path = folder / "sweep.sqlite"
    shutil.copy(good, path)
    database = sqlite3.connect(path)
    database.executescript(statement)
    database.close()
    return path


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_store_gives_one_sentence(name: str, good: Path, tmp_path: Path) -> None:
    path = change(good, tmp_path, SPOILT[name])
    begun = time.monotonic()
    for read in (sweep_dataset, qb.load_result):
        with pytest.raises(qb.InputError) as caught:
            read(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600
    for command in (("show", path), ("sweep", "export", tmp_path)):
        code, out, err = qbat(*command)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
    assert not (tmp_path / "sweep.nc").exists()
    assert time.monotonic() - begun < 5


def test_a_good_store_is_still_read(good: Path, tmp_path: Path) -> None:
    """Also one whose failures would colour a terminal."""
    assert status(good).done == 2
    escape = "UPDATE points SET failure = char(27) || '[31mred', ergotropy = NULL"
    path = change(good, tmp_path, escape)
    assert status(path).failures == (("?[31mred", 2),)
    assert sweep_dataset(path).failure.values.tolist() == ["?[31mred"] * 2


def test_a_large_text_is_refused_before_it_is_read(good: Path, tmp_path: Path) -> None:
    bomb = "UPDATE meta SET value = CAST(zeroblob(300000000) AS TEXT) WHERE name = 'grid'"
    path = change(good, tmp_path, bomb)
    with pytest.raises(qb.InputError, match="cannot be read"):
        status(path)


def test_a_grid_of_millions_is_refused(good: Path, tmp_path: Path) -> None:
    """Whoever forges a grid can forge its hash as well."""
    database = sqlite3.connect(good)
    (text,) = database.execute("SELECT value FROM meta WHERE name = 'grid'").fetchone()
    database.close()
    content = json.loads(text)
    content["values"] = [list(range(10_000)), list(range(10_000))]
    content["names"], content["fields"] = ["a", "b"], ["bath.occupation", "bath.rate"]
    from qbat_circuits.study.sweep_points import Grid

    forged = Grid.from_json(json.dumps(content))
    shutil.copy(good, tmp_path / "sweep.sqlite")
    database = sqlite3.connect(tmp_path / "sweep.sqlite")
    with database:
        for name, value in (("grid", forged.to_json()), ("sha256", forged.sha256)):
            database.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
    database.close()
    with pytest.raises(qb.InputError, match="is damaged"):
        sweep_dataset(tmp_path / "sweep.sqlite")
