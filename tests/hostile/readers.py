"""Every reader of a stranger's file, good files to spoil, and what a sentence may look like."""

from __future__ import annotations

import base64
import io
import json
import random
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from corruption import spoiled_csv, spoiled_json, spoiled_toml

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.sampling.counts import Counts
from qbat_circuits.sampling.counts_file import load_readout
from qbat_circuits.sampling.lab_results import load_counts
from qbat_circuits.schema import load_experiment
from qbat_circuits.study.model import build_model

#: Longest sentence about a file, without the file's path.
MAX_SENTENCE = 600
#: Longest time of one file, s.
MAX_SECONDS = 5.0


@dataclass(frozen=True)
class Reader:
    """A public function that reads a file.

    Args:
        name: what it reads.
        suffix: how the file's name ends.
        read: reads it, and what the command line does with it before it computes.
        good: contents of valid files.
        spoil: makes bytes of a bad file from a good content.
    """

    name: str
    suffix: str
    read: Callable[[Path], object]
    good: tuple[Any, ...]
    spoil: Callable[[random.Random, Any], bytes]


@dataclass
class Tally:
    """What became of the files of one reader."""

    tried: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    faults: list[str] = field(default_factory=list)


def complaint(error: BaseException, path: Path) -> str:
    """Why an error is not one plain sentence of bounded length; empty where it is."""
    if not isinstance(error, InputError):
        return f"{type(error).__name__}: {str(error)[:200]}"
    text = str(error)
    bare = text.replace(repr(str(path)), "").replace(str(path), "")
    if not text.isprintable():
        return f"not one line of text: {text[:200]!r}"
    if len(bare) > MAX_SENTENCE:
        return f"a sentence of {len(bare)} characters: {bare[:200]}"
    return "" if text.endswith(".") else f"no full stop: {text[:200]}"


def fuzzed(reader: Reader, folder: Path, seed: int, files: int, seconds: float) -> Tally:
    """Read spoiled files until their number or the time is used up.

    Args:
        reader: what reads them.
        folder: where they are written.
        seed: of every corruption.
        files: most files.
        seconds: longest time.
    """
    rng, tally, begun = random.Random(f"{seed} {reader.name}"), Tally(), time.monotonic()
    path = folder / f"spoiled{reader.suffix}"
    while tally.tried < files and time.monotonic() - begun < seconds:
        data = reader.spoil(rng, rng.choice(reader.good))
        path.write_bytes(data)
        tally.tried += 1
        started = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reader.read(path)
        except Exception as error:
            tally.refused += 1
            if why := complaint(error, path):
                tally.faults.append(f"{reader.name} {tally.tried}: {why} <- {data[:3000]!r}")
        took = time.monotonic() - started
        tally.slowest_s = max(tally.slowest_s, took)
        if took > MAX_SECONDS:
            tally.faults.append(f"{reader.name} {tally.tried}: {took:.1f} s <- {data[:300]!r}")
    return tally


ROWS = {"XX": {"00": 3, "11": 5}, "ZZ": {"01": 4, "10": 4}}
COUNTS = {
    "format": "qbat-counts",
    "version": 1,
    "n_cells": 2,
    "bit_order": "little",
    "origin": "lab",
    "measured_at": "2026-01-02",
    "seed": 3,
    "readout": {"prob_meas1_prep0": [0.01, 0.02], "prob_meas0_prep1": [0.03, 0.02]},
    "settings": ROWS,
}
PAIRED = {"counts": {a: {a: 95, "00": 5} for a in ("00", "01", "10", "11")}, "pairs": [[0, 1]]}
SINGLE = {"counts": {"00": {"00": 97, "01": 3}, "11": {"11": 9, "10": 1}}, "measured_at": "today"}
DRAWN = {**COUNTS, "draws": {"XX": [{"00": 3, "11": 1}, {"11": 4}], "ZZ": [{"01": 4}, {"10": 4}]}}
THREE = {
    **{key: value for key, value in COUNTS.items() if key != "readout"},
    "outcomes": 3,
    "settings": {"XX": {"02": 3, "21": 5}},
    "shots": {"XX": 8},
    "calibration": {"counts": {a * 2: {a * 2: 9, "01": 1} for a in "012"}},
}
BLOCKS = {"blocks": [{"cells": [0, 1], "assignment": np.eye(4).tolist()}], "calibrated_at": "now"}


def runtime(shots: int = 8, num_bits: int = 2, label: str = "XX") -> dict[str, Any]:
    """IBM runtime's JSON of a result with one circuit."""
    buffer = io.BytesIO()
    np.save(buffer, (np.arange(shots) % 2**num_bits).astype(np.uint8)[:, None])
    text = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    array = {"__type__": "ndarray", "__value__": text}
    bits = {"__type__": "BitArray", "__value__": {"array": array, "num_bits": num_bits}}
    data = {"__type__": "DataBin", "__value__": {"fields": {"meas": bits}, "shape": []}}
    metadata = {"circuit_metadata": {"setting": label}}
    pub = {"__type__": "SamplerPubResult", "__value__": {"data": data, "metadata": metadata}}
    return {"__type__": "PrimitiveResult", "__value__": {"pub_results": [pub], "metadata": {}}}


CSV = (
    "Qubit,T1 (us),T2 (us),Readout assignment error ,Prob meas0 prep1 ,Prob meas1 prep0 ,"
    "Readout length (ns),√x (sx) error,Single-qubit gate length (ns),CZ error,Gate length (ns)\n"
    "0,120.5,80.25,0.02,0.03,0.01,1560,0.0002,32,1:0.0081;2:0.012,1:68;2:68\n"
    "1,99,250,0.05,0.06,0.04,1560,0.0002,32,0:0.0081,0:68\n"
    "2,,40,0.01,0.01,0.01,1560,0.0002,32,,\n",
    "Qubit,T1 (µs),T2 (μs),Frequency (GHz),Anharmonicity (GHz),Readout assignment error ,"
    "Prob meas0 prep1 ,Prob meas1 prep0 ,Readout length (ns),ECR error \n"
    "1,99,150,4.8,-0.31,0.05,0.06,0.04,1244,1_0:0.01\n"
    "0,120.5,80.25,4.7,-0.30,0.02,0.03,0.01,1244,0_1:0.01;0_2:0.02\n"
    "2,50,40,4.9,0,0.01,0.01,0.01,1244,\n",
)
TOML = (
    (Path(qb.__file__).parent / "examples" / "first_charge.toml").read_text(encoding="utf-8"),
    '[battery]\nn_cells = 2\n[bath]\nkind = "squeezed"\nrate = 1.0\noccupation = 1.0\n'
    "squeezing = [0.5, 0.2]\namplitudes = [1.0, 0.9]\ncorrelation = [[1.0, 0.5], [0.5, 1.0]]\n"
    '[[bath.extra_jumps]]\nrate = 0.1\noperator = { "-+" = 1.0, "ZI" = [0.0, 1.0] }\n'
    "[bath.envelope]\ntimes = [0.0, 1.0]\nrate = [1.0, 0.0]\n[noise]\nrate = [0.1, 0.2]\n"
    'occupation = 0.1\ndephasing = 0.05\n[charging]\nengine = "propagator"\n'
    "times = { start = 0.0, stop = 5.0, num = 11 }\n[measurement]\nshots = 100\n",
    '[chip]\ncalibration = "fez"\nqubits = "auto"\ntune_to_resonance = false\n[battery]\n'
    'n_cells = 2\n[bath]\noccupation = 1.0\n[charging]\nmode = "collision"\n[collision]\n'
    'ancilla = "measured"\ntheta = 0.5\ncollisions = 4\nreset_error = 0.01\n'
    "assumed_durations_s = { reset = 2.0e-6 }\n",
    "[battery]\nn_cells = 2\nlevels = 3\nfrequency = 5e3\nanharmonicity = -3e2\n"
    'detunings = [0.0, 0.1]\nenergies = [1.0, 1.1]\ninitial_state = "01"\n[bath]\n'
    'kind = "rates"\nemission = 2.0\nabsorption = 1.0\npositions = [0.0, 0.3]\n'
    "bandwidth = 50.0\n[charging]\ntimes = { stop = 5.0, num = 11 }\n[sweep.a]\n"
    'field = "bath.emission"\nstart = 0.1\nstop = 2.0\nnum = 5\n[sweep.b]\n'
    'field = "noise.rate"\nvalues = [0.0, 0.1]\n',
)


def _first_qubits(name: str, n: int) -> dict[str, Any]:
    """A bundled calibration cut down to its first qubits."""
    content = qb.load_calibration(name).to_dict()
    content["qubits"] = content["qubits"][:n]
    for key in ("coupling_map", "gates"):
        rows = content.get(key, [])
        content[key] = [one for one in rows if max(one if key[0] == "c" else one["qubits"]) < n]
    return content


def _properties() -> dict[str, Any]:
    file = Path(__file__).parents[1] / "data" / "properties" / "odd.json"
    return json.loads(file.read_text(encoding="utf-8"))


def _model(path: Path) -> None:
    """An experiment, and the model that it describes."""
    experiment = load_experiment(path)
    if experiment.charging.mode == "bath":
        build_model(experiment)


READERS = (
    Reader(
        "calibration JSON",
        ".json",
        qb.load_calibration,
        (qb.load_calibration("waveguide4").to_dict(), _first_qubits("fez", 4)),
        spoiled_json,
    ),
    Reader("properties JSON", ".json", qb.load_calibration, (_properties(),), spoiled_json),
    Reader("calibration CSV", ".csv", qb.load_calibration, CSV, spoiled_csv),
    Reader("experiment TOML", ".toml", _model, TOML, spoiled_toml),
    Reader("counts", ".json", load_counts, (COUNTS, DRAWN, THREE), spoiled_json),
    Reader("Counts.load", ".json", Counts.load, (COUNTS, DRAWN), spoiled_json),
    Reader("plain counts", ".json", lambda p: load_counts(p, "big"), (ROWS,), spoiled_json),
    Reader("runtime result", ".json", load_counts, (runtime(), runtime(20, 1, "X")), spoiled_json),
    Reader(
        "readout",
        ".json",
        lambda p: load_readout(p, 2),
        (COUNTS["readout"], PAIRED, SINGLE, BLOCKS),
        spoiled_json,
    ),
)
