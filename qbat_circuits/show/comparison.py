"""A battery under a ladder of noise models: text rows and the figure, also from its saved file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qbat_circuits.show.style import (
    BLACK,
    GREEN,
    ORANGE,
    SKY,
    WORK_LABEL,
    figure_of,
    new_axes,
)
from qbat_circuits.show.summary import Rows
from qbat_circuits.study.compare import Comparison
from qbat_circuits.study.ladder import CIRCUIT, READOUT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
#: A comparison, or the content of its comparison.json.
Compared = Comparison | Mapping[str, Any]


def comparison_headline(result: Compared) -> str:
    """The first printed line: what this is, and whether any chip could be it."""
    content = _content(result)
    if not content["hypothetical"]:
        return str(content["statement"])
    return f"HYPOTHETICAL: {content['statement']} ({content['hypothetical_reason']})"


def ladder_rows(result: Compared) -> Table:
    """Headers and one row for each rung."""
    content = _content(result)
    seconds = content["units"]["time"] == "s"
    rows: list[tuple[str, ...]] = [
        (
            _name(one),
            f"{one['ergotropy']:.4f}",
            _change(one),
            f"{one['energy']:.4f}",
            _time(seconds, one["peak_time"]),
            f"{_time(seconds, one['start'])} to {_time(seconds, one['stop'])}"
            + ("" if one["stops_inside"] else "+"),
        )
        for one in content["rungs"]
    ]
    unit = " (us)" if seconds else ""
    return ("rung", "W (hw)", "change", "E (hw)", f"time{unit}", "W >= 90 %"), rows


def comparison_sections(result: Compared) -> Iterator[tuple[str, Rows]]:
    """What counts would show of the last rung, and what a circuit would deliver."""
    content = _content(result)
    seen, circuit = content["readout"], content["circuit"]
    if seen is not None:
        off = seen["mitigated"] - seen["true"]
        yield (
            f"Rung {READOUT!r}",
            [
                ("true, when it begins", f"{seen['true']:.4f} hw"),
                ("estimate, raw", f"{seen['raw']:.4f} hw, {seen['raw_bias']:+.4f} off"),
                ("estimate, mitigated", f"{seen['mitigated']:.4f} hw, {off:+.4f} off"),
                (
                    f"{100 * seen['confidence']:.10g} % interval",
                    f"[{seen['low']:.4f}, {seen['high']:.4f}] hw, +-{seen['half_width']:.4f}",
                ),
                ("emulated with", f"{seen['shots']} shots a setting, seed {seen['seed']}"),
            ],
        )
    if circuit is not None:
        yield (
            f"Rung {CIRCUIT!r} (no common bath)",
            [
                ("delivered", f"{circuit['ergotropy']:.4f} hw"),
                ("on perfect gates", f"{circuit['ideal_ergotropy']:.4f} hw"),
                (
                    "schedule",
                    f"{circuit['collisions']} collisions of angle {circuit['theta']:.3g}, "
                    f"{circuit['two_qubit_gates']} two-qubit gates, "
                    f"{circuit['duration_s'] * 1e6:.3g} us",
                ),
                (
                    "on qubits",
                    f"{', '.join(map(str, circuit['qubits']))} around {circuit['ancilla_qubit']}",
                ),
            ],
        )


def plot_comparison(result: Compared, axes: Axes | None = None) -> Axes:
    """The ladder as bars: what is left, and what each effect takes away.

    Args:
        result: of `compare`, or the content of its comparison.json.
        axes: where to draw; new axes by default.
    """
    content = _content(result)
    rungs, seen, circuit = content["rungs"], content["readout"], content["circuit"]
    names = [_name(one) for one in rungs]
    if axes is None:
        rows = len(names) + (seen is not None) + (circuit is not None)
        axes = new_axes(7.5, 1.6 + 0.42 * rows)
    top = _draw_rungs(axes, rungs)
    if seen is not None:
        level = f"{100 * seen['confidence']:.10g} % interval"
        axes.errorbar(
            [seen["mitigated"]],
            [len(names)],
            xerr=[[seen["mitigated"] - seen["low"]], [seen["high"] - seen["mitigated"]]],
            color=BLACK,
            marker="o",
            ms=5,
            capsize=4,
            ls="none",
            label=f"from emulated shots, {level}",
        )
        axes.plot(
            [seen["raw"]], [len(names)], color=BLACK, marker="x", ms=6, ls="none",
            label="the same, raw",
        )  # fmt: skip
        names.append(READOUT)
    if circuit is not None:
        work = circuit["ergotropy"]
        axes.barh([len(names)], [work], color=GREEN, hatch="..", edgecolor="white", height=0.6)
        axes.text(work + 0.01 * top, len(names), f"{work:.4f}", va="center", size=8)
        names.append("collision circuit instead")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    widest = max(top, 0.0 if seen is None else seen["high"])
    axes.set_xlim(0.0, 1.25 * widest if widest > 0 else 1.0)
    axes.set_xlabel(WORK_LABEL)
    axes.spines[["top", "right"]].set_visible(False)
    figure_of(axes).legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize="small",
    )
    head = "HYPOTHETICAL: " if content["hypothetical"] else ""
    axes.set_title(f"{head}{content['statement']}", fontsize="medium", loc="left", wrap=True)
    return axes


def _draw_rungs(axes: Axes, rungs: list[dict[str, Any]]) -> float:
    """What is left of each rung and what it lost; the widest of them."""
    values = [one["ergotropy"] for one in rungs]
    losses = np.maximum([one["loss"] or 0.0 for one in rungs], 0.0)
    axes.barh(range(len(values)), values, color=ORANGE, height=0.6, label="ergotropy $W$")
    axes.barh(
        range(len(values)),
        losses,
        left=values,
        color=SKY,
        hatch="///",
        edgecolor="white",
        height=0.6,
        label="lost against the rung above",
    )
    top = float(max(values))
    for row, (value, one) in enumerate(zip(values, rungs, strict=True)):
        change = f" ({_change(one)})" if _change(one) else ""
        axes.text(
            value + losses[row] + 0.01 * top, row, f"{value:.4f}{change}", va="center", size=8
        )
    return top


def _content(result: Compared) -> Mapping[str, Any]:
    return result.to_dict() if isinstance(result, Comparison) else result


def _name(rung: Mapping[str, Any]) -> str:
    return str(rung["name"]) if rung["loss"] is None else f"+ {rung['name']}"


def _change(rung: Mapping[str, Any]) -> str:
    return "" if rung["loss"] is None else f"{-rung['loss']:+.4f}"


def _time(seconds: bool, value: float) -> str:
    return f"{value * 1e6:.3g}" if seconds else f"{value:.3g}"
