"""Figures say what the numbers say: data, labels with units, and axes of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.spatial.distance import pdist

import qbat_circuits as qb
from qbat_circuits.file_models import validated
from qbat_circuits.schema import Experiment
from qbat_circuits.show.chip import coupling_layout
from qbat_circuits.show.style import figure_of, svg_bytes


def experiment(**changes: Any) -> Experiment:
    content = {
        "battery": {"n_cells": 2},
        "bath": {"rate": 1.0, "occupation": 1.0},
        "noise": {"rate": 0.1},
        "charging": {"times": {"stop": 2.0, "num": 9}},
        **changes,
    }
    return validated(Experiment, content)


def swept(tmp_path: Path, **axes: dict[str, Any]) -> xr.Dataset:
    return qb.sweep(experiment(), axes, tmp_path / "s.sqlite")


OCCUPATION = {"field": "bath.occupation", "values": [0.1, 1.0, 10.0]}
LOSS = {"field": "noise.rate", "start": 0.0, "stop": 0.4, "num": 5}
START = {"field": "battery.initial_state", "values": ["ground", "01", "nonsense"]}
CELLS = {"field": "battery.n_cells", "values": [3, 2]}


def own_axes() -> Axes:
    return Figure().subplots()


def test_a_curve_has_both_energies() -> None:
    battery = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0))
    curve = qb.charge(battery, np.linspace(0, 2, 9))
    axes = own_axes()
    assert qb.plot_curve(curve, axes) is axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), curve.energy)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), curve.ergotropy)
    assert axes.get_xlabel() == "time (1/rate)"
    assert "hbar" in axes.get_ylabel()
    assert qb.plot_curve(curve).get_lines()


def test_an_estimate_is_drawn_into_given_axes() -> None:
    state = np.diag([0.5, 0.0, 0.0, 0.5])
    counts = qb.sample_counts(state, qb.ReadoutModel.ideal(2), 400, 1)
    estimate = qb.estimate_ergotropy(counts)
    axes = own_axes()
    assert qb.plot_estimate(estimate, axes) is axes
    bar = axes.collections[0].get_segments()[0]  # of the interval
    assert sorted(bar[:, 0]) == pytest.approx([estimate.low, estimate.high])
    assert "hbar" in axes.get_xlabel()


def test_one_axis_is_a_curve_in_decades(tmp_path: Path) -> None:
    data = swept(tmp_path, n=OCCUPATION)
    axes = own_axes()
    assert qb.plot_sweep(data, axes=axes) is axes
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), [0.1, 1.0, 10.0])
    np.testing.assert_array_equal(line.get_ydata(), data.ergotropy)
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "bath.occupation"
    assert "hbar" in axes.get_ylabel()


def test_two_axes_are_a_map(tmp_path: Path) -> None:
    data = swept(tmp_path, n=OCCUPATION, loss=LOSS)
    axes = qb.plot_sweep(data, "energy")
    (mesh,) = axes.collections
    np.testing.assert_array_equal(mesh.get_array(), data.energy.values)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("noise.rate (rate)", "bath.occupation")
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    edges = mesh.get_coordinates()
    np.testing.assert_allclose(edges[0, :, 0], np.linspace(-0.05, 0.45, 6))
    np.testing.assert_allclose(edges[:, 0, 1], 10 ** np.array([-1.5, -0.5, 0.5, 1.5]))


def test_axes_out_of_order_are_sorted(tmp_path: Path) -> None:
    data = swept(tmp_path, n=OCCUPATION, cells=CELLS)
    (mesh,) = qb.plot_sweep(data).collections
    np.testing.assert_array_equal(mesh.get_array(), data.ergotropy.values[:, ::-1])


def test_words_are_curves_and_failures_are_marked(tmp_path: Path) -> None:
    data = swept(tmp_path, start=START, loss=LOSS)
    axes = qb.plot_sweep(data)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["start = ground", "start = 01", "start = nonsense"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), data.ergotropy[0])
    marks = [
        line for line in axes.lines if line.get_linestyle() == ":" and len(line.get_xdata()) == 2
    ]
    assert len(marks) >= 5  # every point of the third curve failed
    alone = qb.plot_sweep(data.isel(loss=0))
    assert [tick.get_text() for tick in alone.get_xticklabels()] == ["ground", "01", "nonsense"]


def test_failed_points_of_a_map_are_grey(tmp_path: Path) -> None:
    bad = {"field": "noise.occupation", "values": [-1.0, 0.0]}
    axes = qb.plot_sweep(swept(tmp_path, n=OCCUPATION, local=bad))
    lost, found = axes.collections
    assert np.isfinite(lost.get_array()).sum() == 3
    assert np.isfinite(found.get_array()).sum() == 3


def test_a_third_axis_stands_where_the_work_is_largest(tmp_path: Path) -> None:
    data = swept(tmp_path, n=OCCUPATION, loss=LOSS, cells=CELLS)
    axes = qb.plot_sweep(data)
    assert axes.get_title(loc="left") == "at cells = 3, where it is largest"
    np.testing.assert_array_equal(
        axes.collections[0].get_array(), data.ergotropy.sel(cells=3).values
    )


def test_what_is_no_variable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(qb.InputError, match="'variable' must be one of"):
        qb.plot_sweep(swept(tmp_path, n=OCCUPATION), "state")


def test_the_parts_of_a_fit() -> None:
    def parameter(value: float, low: float | None, high: float | None) -> dict[str, Any]:
        return {"value": value, "low": low, "high": high, "standard_error": None}

    content = {
        "confidence": 0.9,
        "parameters": {
            "kappa": parameter(2.0, 1.0, 3.0),
            "n": parameter(1.0, None, 9.0),
            "n_l": parameter(0.0, None, 0.4),
        },
        "checks": [{"p_value": p} for p in (0.9, 0.1, 0.5)],
    }
    axes = qb.plot_fit(content)
    lines = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert lines[:2] == [[0.5, 1.5], [0.0, 4.0]]
    assert [line.get_marker() for line in axes.lines if line.get_marker() in "<>"] == ["<", ">"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["kappa = 2", "n = 1", "n_l = 0"]
    assert "90 % interval" in axes.get_xlabel()
    assert axes.texts[0].get_text() == "interval [open, 0.4]"
    checks = qb.plot_checks(content, own_axes())
    np.testing.assert_array_equal(checks.lines[1].get_ydata(), [0.1, 0.5, 0.9])


def test_a_chip_is_drawn_with_what_its_cells_deliver() -> None:
    calibration = qb.load_calibration("fez")
    axes = qb.plot_chip(calibration, {3: 0.1, 7: 0.2})
    empty, shaded = axes.collections
    assert len(empty.get_offsets()) == len(calibration.qubits)
    np.testing.assert_array_equal(shaded.get_array(), [0.1, 0.2])
    np.testing.assert_array_equal(shaded.get_offsets(), empty.get_offsets()[[3, 7]])
    assert len(axes.lines) == len(calibration.coupling_map)
    assert [text.get_text() for text in axes.texts][:2] == ["0", "1"]
    drawn = [svg_bytes(figure_of(qb.plot_chip(calibration, {3: 0.1}))) for _ in range(2)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("name", ["brisbane", "fez", "waveguide4"])
def test_a_layout_keeps_qubits_apart_and_neighbours_together(name: str) -> None:
    calibration = qb.load_calibration(name)
    places = coupling_layout(len(calibration.qubits), calibration.coupling_map)
    assert np.isfinite(places).all()
    assert pdist(places).min() > 0.2
    steps = [float(np.hypot(*(places[a] - places[b]))) for a, b in calibration.coupling_map]
    assert all(0.5 < step < 3 for step in steps)


def test_the_layout_of_a_line_is_a_line() -> None:
    """And what is not connected stands beside it."""
    places = coupling_layout(5, ((0, 1), (1, 2), (2, 3)))
    np.testing.assert_allclose(np.abs(np.diff(places[:4, 0])), 1.0, atol=1e-9)
    np.testing.assert_allclose(places[:4, 1], 0.0, atol=1e-6)
    assert places[4, 1] < -1
    assert coupling_layout(1, ()).shape == (1, 2)
