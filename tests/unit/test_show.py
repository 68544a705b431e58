"""Estimates as rows of text and as figures: every kind says what it is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from states import ladder

from qbat_circuits.analysis.dicke import DickeScheme
from qbat_circuits.analysis.energy_basis import EnergyBasisScheme
from qbat_circuits.analysis.estimate import SCHEMES
from qbat_circuits.analysis.extraction import ExtractionEstimate, ExtractionScheme
from qbat_circuits.analysis.intervals import Interval
from qbat_circuits.analysis.pauli import PauliScheme
from qbat_circuits.analysis.scheme import ErgotropyEstimate
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.multinomial import sample_counts
from qbat_circuits.show.estimate_plot import estimate_figure
from qbat_circuits.show.style import svg_bytes
from qbat_circuits.show.summary import estimate_rows

FIVE_GHZ_UEV = 4.135667696e-15 * 5e9 * 1e6  # h f in ueV (CODATA 2018, exact)


def readout(n: int, shots: int | None = None) -> ReadoutModel:
    return ReadoutModel.from_error_rates([0.02] * n, [0.05] * n, shots)


def product_state(n: int, excited: float) -> np.ndarray:
    p = np.ones(1)
    for _ in range(n):
        p = np.kron([1 - excited, excited], p)
    return np.diag(p)


def measured(scheme: str, rho: np.ndarray, shots: int = 500, seed: int = 1) -> ErgotropyEstimate:
    n = len(rho).bit_length() - 1
    one = SCHEMES[scheme]
    return one.estimate(sample_counts(rho, readout(n), shots, seed, one.settings(n)))


def drop(before: float, after: float, idle: float | None = None) -> ExtractionEstimate:
    counts = [
        sample_counts(product_state(2, p), readout(2), 1000, seed, ["ZZ"])
        for seed, p in enumerate((before, after, before if idle is None else idle))
    ]
    waited = None if idle is None else counts[2]
    return ExtractionScheme().estimate(*counts[:2], idle=waited)


def rows(estimate: ErgotropyEstimate, frequency_hz: float | None = None) -> dict[str, str]:
    found = list(estimate_rows(estimate, frequency_hz))
    return {what.strip(): value for what, value in reversed(found)}  # the first of a name counts


def test_every_figure_of_the_answer_has_its_row() -> None:
    estimate = measured("pauli", ladder(2))
    said = rows(estimate)
    assert said["scheme"] == "pauli"
    assert said["shots"] == "500 or more a setting, 4500 in all"
    assert said["ergotropy, mitigated"] == f"{estimate.value:.4f}"
    assert said["ergotropy, raw (readout errors left in)"] == f"{estimate.raw_value:.4f}"
    assert said["95 % interval"] == f"[{estimate.low:.4f}, {estimate.high:.4f}]"
    assert said["at least, for any number of shots"] == f"{estimate.guaranteed_low:.4f} (95 %)"
    assert said["energy, mitigated"] == f"{estimate.energy.value:.4f}"
    assert said["method"] == "convex-bounds (docs/estimating-work.md)"
    assert "the value is" not in said
    intervals = [value for what, value in estimate_rows(estimate) if what == "  95 % interval"]
    energy = estimate.energy
    assert intervals[1] == f"[{energy.low:.4f}, {energy.high:.4f}]"
    assert "90.5 % interval" in rows(replace(estimate, confidence=0.905))


def test_a_known_frequency_gives_ueV() -> None:
    said = rows(replace(measured("pauli", ladder(2)), value=0.5, low=0.25, high=1.0), 5e9)
    assert said["ergotropy, mitigated"] == f"0.5000 hw = {0.5 * FIVE_GHZ_UEV:.3g} ueV"
    assert said["95 % interval"] == (
        f"[0.2500, 1.0000] hw = [{0.25 * FIVE_GHZ_UEV:.3g}, {FIVE_GHZ_UEV:.3g}] ueV"
    )


def test_a_lower_bound_is_called_one() -> None:
    said = rows(measured("energy-basis", ladder(2)))
    assert said["the value is"].startswith("a lower bound on the work")
    untested = DickeScheme(phase_test=False)
    counts = sample_counts(ladder(2), readout(2), 500, 2, untested.settings(2))
    assert "a lower bound on its work" in rows(untested.estimate(counts))["the value is"]
    assert "the value is" not in rows(measured("dicke", ladder(2), seed=2))


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (readout(2), "assignment matrices taken as exact"),
        (readout(2, 4000), "assignment matrices from 4000 or more shots a level"),
        (
            replace(readout(2), calibration_shots=np.array([[700, 800], [600, 900]])),
            "assignment matrices from 600 or more shots a level",
        ),
        (
            PairReadoutModel(((0, 1),), (np.eye(4) * 0.96 + 0.01,), ((500, 600, 450, 700),)),
            "assignment matrices from 450 or more shots a level",
        ),
    ],
)
def test_the_calibration_of_the_readout_is_named(model, text: str) -> None:
    assert rows(replace(measured("pauli", ladder(2)), readout=model))["readout"] == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "1"), (0.0312, "0.031"), (2.34e-7, "2.3e-07"), (1e-12, "below 1e-11"), (0.0, "below")],
)
def test_p_values_are_short_and_never_zero(p: float, text: str) -> None:
    said = rows(replace(measured("pauli", ladder(2)), p_value=p))["p-value of W = 0"]
    assert said == text or said == f"{text} 1e-11"


def test_what_is_not_known_has_no_row() -> None:
    said = rows(replace(measured("pauli", ladder(2)), p_value=None, guaranteed_low=None))
    assert not any("p-value" in what or "at least" in what for what in said)
    assert not any("leaked" in what for what in said)


def test_leaked_weight_is_a_percentage_with_its_interval() -> None:
    leakage = (Interval(0.012, 0.0101, 0.0139), Interval(0.0, 0.0, 0.002))
    said = rows(replace(measured("pauli", ladder(2)), leakage=leakage))
    assert said["leaked weight, cell 0"] == "1.20% [1.01%, 1.39%]"
    assert said["leaked weight, cell 1"] == "0.00% [0.00%, 0.20%]"


def test_the_dicke_scheme_says_what_its_test_of_symmetry_found() -> None:
    estimate = measured("dicke", ladder(3))
    test = estimate.symmetry
    assert rows(estimate)["symmetry, furthest from 0"] == (
        f"{test.contrast} = {test.value:.3g}, {abs(test.sigma):.1f} standard errors, "
        f"p = {test.p_value:.2g}"
    )
    assert rows(estimate)["method"].endswith("(docs/dicke-scheme.md)")


def test_an_extraction_is_an_energy_drop_and_not_called_work() -> None:
    estimate = drop(0.9, 0.2, idle=0.8)
    said = rows(estimate, 5e9)
    assert said["the value is"] == "the energy that the circuit took out of the cells"
    assert said["energy taken out, mitigated"].startswith(f"{estimate.value:.4f} hw = ")
    assert "energy taken out, raw (readout errors left in)" in said
    assert "p-value of no energy taken out" in said
    assert not any("ergotropy" in what or "W = 0" in what for what in said)
    for what, part in (
        ("energy before", estimate.energy_before),
        ("energy after", estimate.energy_after),
        ("energy after idling as long", estimate.energy_idle),
        ("taken out beyond idling", estimate.net_of_idle),
    ):
        assert part is not None
        assert said[what].startswith(f"{part.value:.4f} hw = {part.value * FIVE_GHZ_UEV:.3g} ueV")
        assert f"[{part.low:.4f}, {part.high:.4f}] hw" in said[what]
    assert not any("idling" in what for what in rows(drop(0.9, 0.2)))
    assert said["method"] == "energy-difference-normal (docs/extraction.md)"


FIGURES = {
    "pauli, one cell": lambda: measured("pauli", product_state(1, 1.0)),
    "pauli": lambda: measured("pauli", ladder(2)),
    "pauli, nothing to extract": lambda: measured("pauli", product_state(2, 0.0)),
    "pauli, five cells": lambda: measured("pauli", ladder(5), shots=40),
    "dicke": lambda: measured("dicke", ladder(2)),
    "dicke, five cells": lambda: measured("dicke", ladder(5)),
    "energy basis": lambda: measured("energy-basis", product_state(2, 0.9)),
    "energy basis, nothing seen": lambda: measured("energy-basis", product_state(2, 0.2)),
    "extraction": lambda: drop(0.9, 0.1),
    "energy put in": lambda: drop(0.1, 0.9, 0.1),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_the_value_and_nothing_runs_into_anything(name: str) -> None:
    """The text stays inside the axes, tick labels stay apart, and the SVG is one."""
    estimate = FIGURES[name]()
    figure = estimate_figure(estimate)
    picture = svg_bytes(figure)
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    answer = f"{estimate.value:.4f}  [{estimate.low:.4f}, {estimate.high:.4f}]"
    # A comment beside each text holds its letters; two hyphens may not stand in a comment.
    assert re.sub("-+", "", answer) in re.sub("-+", "", picture.decode())
    figure.canvas.draw()
    values = figure.axes[0]
    frame = values.get_window_extent()
    assert next(text.get_text() for text in values.texts) == answer
    for text in values.texts:
        box = text.get_window_extent()
        assert frame.x0 < box.x0
        assert box.x1 < frame.x1
    for axes in figure.axes:
        boxes = [t.get_window_extent() for t in axes.get_xticklabels() if t.get_text()]
        assert not any(a.x1 > b.x0 for a, b in pairwise(boxes))
    left, right = values.get_xlim()
    assert right - left >= 1e-3  # round-off is not stretched over the figure
    for value in (estimate.low, estimate.value, estimate.high, estimate.raw_value, 0.0):
        assert left < value < right


def test_the_figure_names_what_it_shows() -> None:
    def title(estimate: ErgotropyEstimate) -> str:
        return estimate_figure(estimate).get_suptitle()

    assert title(measured("pauli", ladder(2))) == (
        "Extractable work: scheme pauli, 4500 shots, emulated"
    )
    bound = measured("energy-basis", ladder(2))
    assert title(bound).startswith("Lower bound on extractable work: scheme energy-basis")
    assert title(drop(0.9, 0.1)).startswith("Energy taken out: scheme extraction, 2000 shots")
    axes = estimate_figure(drop(0.9, 0.1)).axes
    assert len(axes) == 1
    assert axes[0].get_xlabel().startswith("energy taken out")
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "interval, 95 %",
        "at least, any shots, 95 %",
        "not mitigated",
    ]


def test_the_state_and_the_populations_are_those_of_the_estimate() -> None:
    pauli = measured("pauli", ladder(2))
    state = estimate_figure(pauli).axes[1]
    np.testing.assert_array_equal(state.images[0].get_array(), np.abs(pauli.state))
    assert [t.get_text() for t in state.get_xticklabels()] == ["00", "01", "10", "11"]
    dicke = measured("dicke", ladder(3))
    bars = estimate_figure(dicke).axes[1]
    heights = [patch.get_height() for patch in bars.patches]
    np.testing.assert_array_equal(heights, dicke.populations)
    names = [t.get_text() for t in bars.get_xticklabels()]
    assert names[:2] == ["1.5, -1.5", "1.5, -0.5"]
    even = estimate_figure(measured("dicke", ladder(2))).axes[1]
    assert [t.get_text() for t in even.get_xticklabels()] == ["1, -1", "1, 0", "1, +1", "0, 0"]
    colours = {
        sector[0]: p.get_facecolor() for sector, p in zip(dicke.sectors, bars.patches, strict=True)
    }
    assert len(set(colours.values())) == len(colours) == 2


def test_the_same_estimate_gives_the_same_bytes() -> None:
    scheme = EnergyBasisScheme()
    counts = sample_counts(ladder(2), readout(2), 300, 1, PauliScheme().settings(2))
    first, again = (svg_bytes(estimate_figure(scheme.estimate(counts))) for _ in range(2))
    assert first == again
