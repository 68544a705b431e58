"""Every file format written and read back: the same value, for random values."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import qbat_circuits as qb
from qbat_circuits.calibration import FigureSource
from qbat_circuits.calibration_files import GATE_FIGURES
from qbat_circuits.file_models import validated
from qbat_circuits.gate_calibration import GateCalibration
from qbat_circuits.json_files import read_json, write_json
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.qubit_calibration import FIGURES, QubitCalibration
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.counts_file import load_readout
from qbat_circuits.sampling.lab_results import load_counts
from qbat_circuits.schema import Experiment, load_experiment
from qbat_circuits.study.netcdf import netcdf_bytes

few = settings(max_examples=40, deadline=None)
text = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)
times = st.floats(1e-9, 1e3)
probabilities = st.floats(0, 1)
small = st.floats(0, 0.4)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def calibrations(draw: st.DrawFn) -> qb.Calibration:
    n = draw(st.integers(1, 4))
    date = draw(st.datetimes(timezones=st.timezones())).isoformat()
    qubits = tuple(
        QubitCalibration(
            q,
            t1_s=draw(optional(times)),
            t2_s=draw(optional(times)),
            frequency_hz=draw(optional(st.floats(1e6, 1e11))),
            anharmonicity_hz=draw(optional(st.floats(-1e9, 1e9))),
            prob_meas1_prep0=draw(optional(probabilities)),
            prob_meas0_prep1=draw(optional(probabilities)),
            readout_error=draw(optional(probabilities)),
            readout_length_s=draw(optional(times)),
            residual_population=draw(optional(st.floats(0, 0.49))),
            dates=tuple((name, date) for name in draw(st.sets(st.sampled_from(sorted(FIGURES))))),
        )
        for q in range(n)
    )
    pairs = tuple((a, b) for a in range(n) for b in range(a) if draw(st.booleans()))
    gates = [
        GateCalibration("cz", pair, draw(optional(probabilities)), draw(optional(times)))
        for pair in pairs
    ]
    kinds = (*FIGURES, *GATE_FIGURES, "line_rate_per_s")
    return qb.Calibration(
        "chip",
        draw(text),
        draw(text),
        qubits,
        tuple(FigureSource(name, draw(text), draw(st.booleans())) for name in kinds),
        draw(st.none() | st.just(date)),
        *draw(st.tuples(st.booleans(), st.booleans(), st.booleans())),
        draw(optional(st.floats(0, 1e9))),
        pairs,
        tuple(gates),
    )


@few
@given(chip=calibrations())
def test_calibration(tmp_path_factory: Any, chip: qb.Calibration) -> None:
    path = tmp_path_factory.getbasetemp() / "chip.json"
    chip.save(path)
    again = qb.load_calibration(path)
    assert again == chip
    assert again.sha256 == chip.sha256
    assert again.warnings == chip.warnings


@few
@given(rows=st.lists(st.tuples(times, times, small, small), min_size=1, max_size=4))
def test_dashboard_csv_and_properties(
    tmp_path_factory: Any, rows: list[tuple[float, float, float, float]]
) -> None:
    """Figures in the vendor's units come back in SI, from both of its formats alike."""
    folder = tmp_path_factory.getbasetemp()
    table = ["Qubit,T1 (us),T2 (us),Prob meas0 prep1,Prob meas1 prep0"]
    table += [f"{q},{a!r},{b!r},{c!r},{d!r}" for q, (a, b, c, d) in enumerate(rows)]
    (folder / "chip.csv").write_text("\n".join(table))
    names = ("T1", "T2", "prob_meas0_prep1", "prob_meas1_prep0")
    content = {
        "backend_name": "chip",
        "backend_version": "1",
        "last_update_date": "2026-01-02T00:00:00Z",
        "qubits": [
            [
                {"name": name, "value": value, "unit": "us" if name[0] == "T" else ""}
                for name, value in zip(names, row, strict=True)
            ]
            for row in rows
        ],
    }
    write_json(folder / "props.json", content)
    for chip in map(qb.load_calibration, (folder / "chip.csv", folder / "props.json")):
        assert [(q.t1_s, q.t2_s, q.prob_meas0_prep1, q.prob_meas1_prep0) for q in chip.qubits] == [
            (a * 1e-6, b * 1e-6, c, d) for a, b, c, d in rows
        ]


@st.composite
def readouts(draw: st.DrawFn, n: int) -> ReadoutModel | PairReadoutModel | None:
    kind = draw(st.sampled_from(("none", "rates", "shots", "pair")))
    if kind == "none":
        return None
    if kind == "pair" and n == 2:
        counts = draw(st.lists(st.integers(0, 50), min_size=16, max_size=16))
        table = np.array(counts).reshape(4, 4) + 1000 * np.eye(4, dtype=int)
        return PairReadoutModel.from_block_counts(((0, 1),), (table,), "today")
    if kind == "shots":
        counts = draw(st.lists(st.integers(0, 50), min_size=4 * n, max_size=4 * n))
        table = np.array(counts).reshape(n, 2, 2) + 1000 * np.eye(2, dtype=int)
        return ReadoutModel.from_calibration_counts(table, draw(st.none() | text))
    rates = [draw(st.lists(small, min_size=n, max_size=n)) for _ in range(2)]
    return ReadoutModel.from_error_rates(*rates)


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(1, 2))
    labels = draw(st.lists(st.text("XYZ", min_size=n, max_size=n), min_size=1, unique=True))
    row = st.lists(st.integers(0, 10**6), min_size=2**n, max_size=2**n).filter(any)
    table = np.array([draw(row) for _ in labels])
    origin, seed = draw(text), draw(st.none() | st.integers(0, 2**63))
    return Counts(n, tuple(labels), table, origin, seed, draw(st.none() | text), draw(readouts(n)))


@few
@given(given_counts=counts())
def test_counts_and_their_readout(tmp_path_factory: Any, given_counts: Counts) -> None:
    path = tmp_path_factory.getbasetemp() / "counts.json"
    given_counts.save(path)
    for again in (Counts.load(path), load_counts(path)):
        assert again.to_dict() == given_counts.to_dict()
        # A file holds its settings by name.
        assert np.array_equal(again.select(given_counts.settings).table, given_counts.table)
        assert again.readout == given_counts.readout
    if given_counts.readout is not None:
        write_json(path, given_counts.readout.to_dict())
        assert load_readout(path, given_counts.n_cells) == given_counts.readout


@few
@given(
    shots=st.lists(st.integers(0, 2**12 - 1), min_size=1, max_size=40),
    cells=st.sampled_from((3, 10)),
)
def test_runtime_result(tmp_path_factory: Any, shots: list[int], cells: int) -> None:
    """Packed bits of IBM runtime's JSON, unpacked to the same counts."""
    numbers = np.array(shots) % 2**cells
    buffer = io.BytesIO()
    np.save(
        buffer, numbers.astype(">u2").view(np.uint8).reshape(len(shots), 2)[:, 2 - -(-cells // 8) :]
    )
    packed = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    array = {"__type__": "ndarray", "__value__": packed}
    bits = {"__type__": "BitArray", "__value__": {"array": array, "num_bits": cells}}
    path: Path = tmp_path_factory.getbasetemp() / "runtime.json"
    path.write_text(json.dumps(bits))
    found = load_counts(path, settings=["Z" * cells])
    assert np.array_equal(found.table[0], np.bincount(numbers, minlength=2**cells))


def toml(value: Any) -> str:
    """A value as TOML writes it; tables inline."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)} = {toml(v)}" for k, v in value.items() if v is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    n = draw(st.integers(1, 4))
    rate = st.floats(0, 10)
    noise = {k: draw(rate | st.lists(rate, min_size=n, max_size=n)) for k in ("rate", "occupation")}
    content: dict[str, Any] = {
        "battery": {"n_cells": n, "initial_state": draw(st.none() | st.text("01", min_size=1))},
        "bath": {
            "rate": draw(rate),
            "occupation": draw(rate),
            "collectivity": draw(optional(small)),
        },
        "charging": {"times": {"stop": draw(times), "num": draw(st.integers(2, 99))}},
        "noise": draw(st.none() | st.just(noise)),
        "measurement": {"seed": draw(st.integers(0, 2**62)), "shots": draw(st.integers(1, 10**6))},
    }
    axis = {"field": "bath.rate", "values": draw(st.lists(rate, min_size=1, unique=True))}
    content["sweep"] = draw(st.sampled_from(({}, {"an axis": axis})))
    return validated(Experiment, content)


@few
@given(experiment=experiments())
def test_experiment(tmp_path_factory: Any, experiment: Experiment) -> None:
    """As TOML, and as it stands in a result."""
    folder = tmp_path_factory.getbasetemp()
    content = experiment.model_dump(mode="json")
    lines = [f"{name} = {toml(value)}" for name, value in content.items() if value is not None]
    (folder / "e.toml").write_text("\n".join(lines), encoding="utf-8")
    write_json(folder / "e.json", content)
    for again in (
        load_experiment(folder / "e.toml"),
        validated(Experiment, read_json(folder / "e.json", "test")),
    ):
        assert again == experiment
        assert again.sha256() == experiment.sha256()


@few
@given(
    values=st.lists(st.complex_numbers(allow_nan=False, allow_infinity=False), min_size=1),
    words=st.lists(text, min_size=1, max_size=5, unique=True),
    attribute=text,
)
def test_arrays_of_a_result(values: list[complex], words: list[str], attribute: str) -> None:
    table = np.arange(len(words))
    data = xr.Dataset(
        {"state": ("k", np.array(values), {"units": "1"}), "table": ("word", table)},
        coords={"word": words},
        attrs={"statement": attribute},
    )
    with xr.open_dataset(io.BytesIO(netcdf_bytes(data)), engine="h5netcdf") as again:
        assert again.load().identical(data)


def test_arrays_do_not_care_who_computes_for_dask() -> None:
    """A client that is closed, or never answered, may leave its mark on Dask's settings."""
    import dask

    data = xr.Dataset({"a": ("x", [1.0, 2.0])})
    with dask.config.set(scheduler="dask.distributed"):
        assert netcdf_bytes(data)
