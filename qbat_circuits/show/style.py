"""What all figures share: colours that a colour-blind reader tells apart, new axes, SVG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import matplotlib
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe-Ito colours, told apart in grey by lines, markers and hatches.
BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
ORANGE: Final = "#D55E00"
PINK: Final = "#CC79A7"
BLACK: Final = "#000000"
GREY: Final = "#999999"
#: One for each curve of a family, told apart by `LINES` as well.
TONES: Final = (ORANGE, BLUE, GREEN, PINK, SKY, BLACK)
LINES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
#: Colour map of every heat map: its lightness grows from one end to the other.
HEAT: Final = "cividis"

ENERGY_LABEL: Final = r"energy ($\hbar\bar\omega$)"
WORK_LABEL: Final = r"ergotropy $W$ ($\hbar\bar\omega$)"

#: Fixed, so that the same figure has the same bytes.
_SVG = {"svg.hashsalt": "qbat-circuits", "svg.fonttype": "path"}


def new_axes(width: float = 7.0, height: float = 4.2) -> Axes:
    """Axes of a figure of their own, in inches."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


def figure_of(axes: Axes) -> Figure:
    """The whole figure that axes stand in."""
    return axes.figure.figure


def draw_interval(axes: Axes, at: float, value: float, low: float, high: float, **how: Any) -> None:
    """A measured value with its interval, upright, before everything else."""
    look = {"color": BLACK, "ms": 4.5, "capsize": 4, "ls": "none", "zorder": 5}
    axes.errorbar([at], [value], yerr=[[value - low], [high - value]], **{**look, **how})


def headed(figure: Figure, text: str) -> Figure:
    """The figure with its statement above everything."""
    figure.suptitle(text, fontsize="medium", x=0.01, ha="left", wrap=True)
    return figure


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG without a date: same figure, same bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(_SVG):  # type: ignore[arg-type]
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
