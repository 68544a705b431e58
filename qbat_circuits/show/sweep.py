"""A sweep as a figure: curves over one axis, heat maps over two and more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.ticker import NullFormatter

from qbat_circuits.cells import FloatArray
from qbat_circuits.errors import check_choice
from qbat_circuits.show.style import BLUE, GREY, HEAT, LINES, TONES, new_axes
from qbat_circuits.show.summary import Rows

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: Values of the variable "state" of a sweep.
_COMPUTED, _FAILED = 1, 2
#: Most curves in one picture.
_CURVES = len(TONES)
#: Neighbours that all differ by the same ratio, to this accuracy, are drawn in decades.
_EVEN = 0.01


def sweep_sections(data: xr.Dataset) -> Iterator[tuple[str, Rows]]:
    """Titled groups of (what, value) rows, in reading order."""
    state = data["state"].values
    rows = [
        (name, f"{data.sizes[name]} values of {axis.attrs['field']}, {_range(axis)}")
        for name, axis in data.coords.items()
    ]
    yield "Axes", [(str(name), text) for name, text in rows]
    done, failed = (int((state == which).sum()) for which in (_COMPUTED, _FAILED))
    found = [("points", f"{done + failed} of {state.size}"), ("failed", str(failed))]
    best = best_point(data, "ergotropy")
    if best is not None:
        at = ", ".join(f"{name} {value}" for name, value in _words(data, best).items())
        found.append(("largest ergotropy", f"{data.ergotropy.values[best]:.4f} hw at {at}"))
    yield "Sweep", found
    failures = Counter(str(text) for text in data["failure"].values.ravel() if text)
    if failures:
        yield "Failures", [(str(n), text) for text, n in failures.most_common(10)]


def best_point(data: xr.Dataset, variable: str) -> tuple[int, ...] | None:
    """Where a variable of a sweep is largest; None where it is nowhere known."""
    values = data[variable].values
    if not np.isfinite(values).any():
        return None
    return tuple(int(i) for i in np.unravel_index(np.nanargmax(values), values.shape))


def plot_sweep(data: xr.Dataset, variable: str = "ergotropy", axes: Axes | None = None) -> Axes:
    """One variable of a sweep: a curve over one axis, curves or a heat map over two.

    A heat map needs numbers along both axes; else there is a curve for each value of the other
    axis. Axes beyond two stand where the variable is largest, and the title says so. Points that
    failed are grey, points not computed white.

    Args:
        data: of `sweep` or `sweep_dataset`.
        variable: one of its variables over the axes.
        axes: where to draw; new axes by default.

    Raises:
        InputError: if there is no such variable.
    """
    known = [name for name in data.data_vars if name not in ("state", "failure")]
    check_choice("variable", variable, tuple(map(str, known)))
    if axes is None:
        axes = new_axes()
    held = _held(data, variable)
    plane = data.isel(held)
    plane = plane.sortby([name for name in plane[variable].dims if _numeric(plane[name])])
    names = sorted(plane[variable].dims, key=lambda name: _numeric(plane[name]), reverse=True)
    if len(names) == 2 and _numeric(plane[names[0]]) and _numeric(plane[names[1]]):
        _draw_map(axes, plane, variable, *map(str, plane[variable].dims[::-1]))
    else:
        _draw_curves(axes, plane, variable, str(names[0]), *map(str, names[1:]))
    if held:
        at = ", ".join(f"{name} = {_word(data[name].values[i])}" for name, i in held.items())
        axes.set_title(f"at {at}, where it is largest", fontsize="medium", loc="left")
    return axes


def _held(data: xr.Dataset, variable: str) -> dict[str, int]:
    """Places of the axes beyond two: the longest two that hold numbers are drawn."""
    dims = [str(name) for name in data[variable].dims]
    if len(dims) < 3:
        return {}
    drawn = sorted(dims, key=lambda name: (not _numeric(data[name]), -data.sizes[name]))[:2]
    best = best_point(data, variable) or (0,) * len(dims)
    return {name: place for name, place in zip(dims, best, strict=True) if name not in drawn}


def _draw_map(axes: Axes, plane: xr.Dataset, variable: str, x: str, y: str) -> None:
    values = plane[variable].transpose(y, x).values
    edges = [_edges(plane[name].values.astype(float)) for name in (x, y)]
    failed = plane["state"].transpose(y, x).values == _FAILED
    if failed.any():
        lost = np.where(failed, 1.0, np.nan)
        axes.pcolormesh(*edges, lost, cmap="Greys", vmin=0, vmax=2, rasterized=True)
    mesh = axes.pcolormesh(*edges, values, cmap=HEAT, rasterized=True)  # no seams, no huge SVG
    axes.figure.colorbar(mesh, ax=axes, label=_label(plane[variable], variable))
    _scale(axes, plane[x], "x")
    _scale(axes, plane[y], "y")


def _draw_curves(
    axes: Axes, plane: xr.Dataset, variable: str, x: str, family: str | None = None
) -> None:
    numeric = _numeric(plane[x])
    places = plane[x].values.astype(float) if numeric else np.arange(plane.sizes[x])
    count = 1 if family is None else plane.sizes[family]
    shown = np.unique(np.linspace(0, count - 1, min(count, _CURVES)).astype(int)).tolist()
    for number, place in enumerate(shown):
        one = plane if family is None else plane.isel({family: place})
        label = "" if family is None else f"{family} = {_word(plane[family].values[place])}"
        axes.plot(
            places, one[variable].values, color=TONES[number] if family else BLUE,
            ls=LINES[number] if numeric else "none", marker="o", ms=3.5, label=label,
        )  # fmt: skip
        for at in places[one["state"].values == _FAILED]:
            axes.axvline(at, color=GREY, lw=0.8, ls=":")
    if numeric:
        _scale(axes, plane[x], "x")
    else:
        axes.set_xticks(places, [_word(value) for value in plane[x].values])
        axes.set_xlabel(_label(plane[x], x))
    axes.set_ylabel(_label(plane[variable], variable))
    if family is not None:
        axes.legend(frameon=False, fontsize="small")


def _scale(axes: Axes, values: xr.DataArray, side: str) -> None:
    """Label of an axis, in decades where its values are even there."""
    numbers = values.values.astype(float)
    if _geometric(numbers):
        getattr(axes, f"set_{side}scale")("log")
        getattr(axes, f"{side}axis").set_minor_formatter(NullFormatter())
    getattr(axes, f"set_{side}label")(_label(values, str(values.name)))


def _edges(values: FloatArray) -> FloatArray:
    """Ends of the cells around the values, halfway between neighbours."""
    if len(values) == 1:
        half = abs(values[0]) / 20 or 0.5
        return np.array([values[0] - half, values[0] + half])
    if _geometric(values):
        return cast(FloatArray, np.exp(_edges(np.log(values))))
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _geometric(values: FloatArray) -> bool:
    if len(values) < 3 or not (values > 0).all():
        return False
    ratios = values[1:] / values[:-1]
    return bool(ratios[0] != 1 and np.ptp(ratios) < _EVEN * abs(ratios[0] - 1))


def _numeric(axis: xr.DataArray) -> bool:
    return bool(np.issubdtype(axis.dtype, np.number))


def _label(values: xr.DataArray, name: str) -> str:
    what = values.attrs.get("long_name", values.attrs.get("field", name))
    unit = values.attrs.get("units", "1").replace("hbar*mean(omega)", r"$\hbar\bar\omega$")
    return "\n".join(wrap(what if unit == "1" else f"{what} ({unit})", 44))


def _words(data: xr.Dataset, point: tuple[int, ...]) -> dict[str, str]:
    """Name and value of each axis at a point."""
    return {
        str(name): _word(data[name].values[place])
        for name, place in zip(data["state"].dims, point, strict=True)
    }


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating | float) else str(value)


def _range(axis: xr.DataArray) -> str:
    values = axis.values
    if _numeric(axis):
        unit = "" if axis.attrs["units"] == "1" else f" {axis.attrs['units']}"
        return f"{_word(values.min())} to {_word(values.max())}{unit}"
    return ", ".join(map(str, values[:6])) + (" ..." if len(values) > 6 else "")
