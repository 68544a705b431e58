"""A fit of counts: text rows and the figure, also from its saved file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.show.comparison import Table
from qbat_circuits.show.style import BLACK, BLUE, GREY, new_axes
from qbat_circuits.study.fit import Fit
from qbat_circuits.study.readings import ReadingsTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A fit, or its content in fit.json.
Fitted = Fit | Mapping[str, Any]
#: Ends of an interval are drawn up to this factor around the value; beyond, an arrow says so.
_REACH = 4.0


def parameter_rows(fit: Fitted) -> Table:
    """Headers and one row for each fitted or fixed parameter."""
    content = _content(fit)
    rows: list[tuple[str, ...]] = [
        (name, f"{one['value']:.4g}", _error(one), _ends(one))
        for name, one in content["parameters"].items()
    ]
    rows += [(name, f"{value:.4g}", "fixed", "") for name, value in content["fixed"].items()]
    level = f"{100 * content['confidence']:.10g} % interval"
    return ("parameter", "value", "standard error", level), rows


def fit_rows(fit: Fitted) -> Iterator[tuple[str, str]]:
    """How well the fit describes the data."""
    content = _content(fit)
    times, checks = content["times"], content["checks"]
    yield "reading", str(content["reading"])
    yield (
        "data",
        f"{len(times)} charging times, {content['shots']} shots of {content['n_cells']} cells",
    )
    yield (
        "log-likelihood",
        f"{content['log_likelihood']:.2f} with {content['n_parameters']} parameters",
    )
    yield (
        "deviance",
        f"{content['deviance']:.1f} of {content['degrees_of_freedom']} degrees of freedom, "
        f"p = {content['deviance_p_value']:.2g}",
    )
    worst = min(checks, key=lambda one: float(one["p_value"]))
    yield (
        "worst predicted",
        f"{worst['setting']} at {worst['time']:.4g}, p = {worst['p_value']:.2g} of {len(checks)}",
    )


def reading_rows(table: ReadingsTable | Mapping[str, Any]) -> Table:
    """Headers and one row for each reading."""
    content = table.to_dict() if isinstance(table, ReadingsTable) else table
    fits = content["readings"]
    aic, bic = (min(fit[what] for fit in fits) for what in ("aic", "bic"))
    rows: list[tuple[str, ...]] = [
        (
            fit["reading"],
            str(fit["n_parameters"]),
            f"{fit['log_likelihood']:.1f}",
            f"{fit['aic'] - aic:.1f}",
            f"{fit['bic'] - bic:.1f}",
            f"{fit['akaike_weight']:.2f}",
            f"{fit['deviance_p_value']:.2g}",
        )
        for fit in fits
    ]
    return ("reading", "k", "ln L", "dAIC", "dBIC", "weight", "p of fit"), rows


def plot_fit(fit: Fitted, axes: Axes | None = None) -> Axes:
    """Each fitted parameter with its interval, over its value.

    Args:
        fit: of `fit_counts`, or its content in fit.json.
        axes: where to draw; new axes by default.
    """
    content = _content(fit)
    parameters = content["parameters"]
    if axes is None:
        axes = new_axes(7.0, 1.2 + 0.45 * len(parameters))
    for row, one in enumerate(parameters.values()):
        _draw_parameter(axes, row, one)
    names = [f"{name} = {one['value']:.3g}" for name, one in parameters.items()]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axvline(1.0, color=GREY, lw=0.8, zorder=0)
    axes.set_xlim(-0.1, _REACH + 0.1)
    level = f"{100 * content['confidence']:.10g} % interval"
    axes.set_xlabel(f"{level} over the fitted value (arrows: goes on)")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _draw_parameter(axes: Axes, row: int, one: Mapping[str, Any]) -> None:
    """A line from end to end; what has no size to compare with is said in words."""
    value, low, high = one["value"], one["low"], one["high"]
    if not value > 0:
        text = f"interval {_ends(one)}"
        axes.annotate(text, (1.0, row), (6, 0), textcoords="offset points", va="center", size=8)
        return
    left = 0.0 if low is None else max(low / value, 0.0)
    right = _REACH if high is None else min(high / value, _REACH)
    axes.plot([left, right], [row, row], color=BLUE, lw=2.5, solid_capstyle="butt")
    if low is None:
        axes.plot([left], [row], color=BLUE, marker="<", ms=6)
    if high is None or high / value > _REACH:
        axes.plot([right], [row], color=BLUE, marker=">", ms=6)
    axes.plot([1.0], [row], color=BLACK, marker="o", ms=5)


def plot_checks(fit: Fitted, axes: Axes | None = None) -> Axes:
    """Predictive check: the deviance of every setting at every time against its expected law.

    Where the fit is right the points follow the diagonal: sorted p-values are uniform.

    Args:
        fit: of `fit_counts`, or its content in fit.json.
        axes: where to draw; new axes by default.
    """
    if axes is None:
        axes = new_axes(4.2, 4.0)
    found = np.sort([one["p_value"] for one in _content(fit)["checks"]])
    expected = (np.arange(len(found)) + 0.5) / len(found)
    axes.plot([0, 1], [0, 1], color=GREY, lw=0.8, zorder=0)
    axes.plot(expected, found, color=BLUE, marker="o", ms=3.5, ls="none")
    axes.set_xlabel("expected, were the fit right")
    axes.set_ylabel("p-value of a setting")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    return axes


def _content(fit: Fitted) -> Mapping[str, Any]:
    return fit.to_dict() if isinstance(fit, Fit) else fit


def _error(parameter: Mapping[str, Any]) -> str:
    error = parameter["standard_error"]
    return "none" if error is None else f"{error:.2g}"


def _ends(parameter: Mapping[str, Any]) -> str:
    ends = (parameter["low"], parameter["high"])
    low, high = ("open" if end is None else f"{end:.4g}" for end in ends)
    return f"[{low}, {high}]"
