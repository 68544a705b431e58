"""Counts of a laboratory give an estimate without any of the simulation."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.readout_model import ReadoutModel, pauli_settings
from qbat_circuits.sampling.aer import emulate_counts
from qbat_circuits.sampling.counts import Counts

# Two cells in the Bell state (|01> + |10>)/sqrt 2, as a person would write it down: XX, YY even,
# ZZ odd, everything else undecided. Its energy is 1 and all of it is extractable.
EVEN, ODD = {"00": 2000, "11": 2000}, {"01": 2000, "10": 2000}
EVENLY = {"00": 1000, "01": 1000, "10": 1000, "11": 1000}
BELL = {
    "format": "qbat-counts",
    "version": 1,
    "n_cells": 2,
    "bit_order": "little",
    "origin": "lab",
    "measured_at": "2026-01-02",
    "readout": None,
    "settings": {
        **{label: EVENLY for label in pauli_settings(2)},
        "XX": EVEN,
        "YY": EVEN,
        "ZZ": ODD,
    },
}

SCRIPT = """
import json, sys
from qbat_circuits.analysis.estimate import estimate_ergotropy
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts
estimate = estimate_ergotropy(Counts.load(sys.argv[1]), readout=ReadoutModel.ideal(2))
simulation = ("qiskit", "qiskit_aer", "qiskit_dynamics", "qbat_circuits.dynamics",
              "qbat_circuits.baths", "qbat_circuits.battery")
loaded = [name for name in simulation if name in sys.modules]
print(json.dumps({**estimate.to_dict(), "loaded": loaded}))
"""


def test_a_hand_written_file_is_estimated_without_any_simulation(tmp_path):
    path = tmp_path / "bell.json"
    path.write_text(json.dumps(BELL))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], check=True, capture_output=True, text=True
    )
    result = json.loads(done.stdout)
    assert result["loaded"] == []
    assert result["plug_in"] == pytest.approx(1, abs=1e-12)
    assert result["energy"]["value"] == pytest.approx(1, abs=1e-12)
    assert result["low"] <= 1 <= result["high"]
    assert result["high"] - result["low"] < 0.1
    assert result["origin"] == "lab"
    assert result["warnings"] == []


def test_emulated_counts_give_the_same_estimate_through_a_file(tmp_path):
    readout = ReadoutModel.from_error_rates([0.02, 0.01], [0.05, 0.03])
    bell = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]) / 2
    counts = emulate_counts(bell, readout, shots=2000, seed=11)
    counts.save(tmp_path / "counts.json")
    direct = estimate_ergotropy(counts)
    again = estimate_ergotropy(Counts.load(tmp_path / "counts.json"))
    assert again.to_dict() == direct.to_dict()
    assert direct.low <= 1 <= direct.high
    assert direct.raw_value < direct.low  # unmitigated, the work is lost in readout errors
    assert direct.origin == "emulated"
