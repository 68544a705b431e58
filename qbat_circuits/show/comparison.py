"""A battery under a ladder of noise models, and a fit of counts: text rows and the figure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from qbat_circuits.show.summary import Rows
from qbat_circuits.study.compare import Comparison
from qbat_circuits.study.fit import Fit, FittedParameter
from qbat_circuits.study.ladder import CIRCUIT, READOUT
from qbat_circuits.study.readings import ReadingsTable

# Okabe-Ito colours, as in `plots`.
_ERGOTROPY, _LOST, _CIRCUIT, _MEASURED = "#D55E00", "#56B4E9", "#009E73", "#000000"

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def comparison_headline(result: Comparison) -> str:
    """The first printed line: what this is, and whether any chip could be it."""
    if not result.hypothetical:
        return result.statement
    return f"HYPOTHETICAL: {result.statement} ({result.hypothetical})"


def ladder_rows(result: Comparison) -> Table:
    """Headers and one row for each rung."""
    rows: list[tuple[str, ...]] = []
    for one in result.rungs:
        p = one.plateau
        end = _time(result, p.stop) + ("" if p.stops_inside else "+")
        rows.append(
            (
                one.rung.name if one.loss is None else f"+ {one.rung.name}",
                f"{one.ergotropy:.4f}",
                "" if one.loss is None else f"{-one.loss:+.4f}",
                f"{one.energy:.4f}",
                _time(result, p.peak_time),
                f"{_time(result, p.start)} to {end}",
            )
        )
    unit = " (us)" if result.seconds else ""
    return ("rung", "W (hw)", "change", "E (hw)", f"time{unit}", "W >= 90 %"), rows


def comparison_sections(result: Comparison) -> Iterator[tuple[str, Rows]]:
    """What counts would show of the last rung, and what a circuit would deliver."""
    readout, circuit = result.readout, result.circuit
    if readout is not None:
        yield (
            f"Rung {READOUT!r}",
            [
                ("true, when it begins", f"{readout.true:.4f} hw"),
                ("estimate, raw", f"{readout.raw:.4f} hw, {readout.raw_bias:+.4f} off"),
                (
                    "estimate, mitigated",
                    f"{readout.mitigated:.4f} hw, {readout.mitigated - readout.true:+.4f} off",
                ),
                (
                    f"{100 * readout.confidence:.10g} % interval",
                    f"[{readout.low:.4f}, {readout.high:.4f}] hw, +-{readout.half_width:.4f}",
                ),
                ("emulated with", f"{readout.shots} shots a setting, seed {readout.seed}"),
            ],
        )
    if circuit is not None:
        one = circuit.compiled
        yield (
            f"Rung {CIRCUIT!r} (no common bath)",
            [
                ("delivered", f"{circuit.ergotropy:.4f} hw"),
                ("on perfect gates", f"{circuit.ideal_ergotropy:.4f} hw"),
                (
                    "schedule",
                    f"{circuit.collisions} collisions of angle {one.theta:.3g}, "
                    f"{circuit.two_qubit_gates} two-qubit gates, {circuit.duration_s * 1e6:.3g} us",
                ),
                (
                    "on qubits",
                    f"{', '.join(map(str, one.placement.cells))} around {one.placement.ancilla}",
                ),
            ],
        )


def plot_comparison(result: Comparison) -> Figure:
    """The ladder as bars: what is left, and what each effect takes away."""
    names = [one.rung.name if one.loss is None else f"+ {one.rung.name}" for one in result.rungs]
    values = [one.ergotropy for one in result.rungs]
    rows = len(names) + (result.readout is not None) + (result.circuit is not None)
    figure = Figure(figsize=(7.5, 1.4 + 0.42 * rows), layout="constrained")
    axes = figure.subplots()
    top = max(values)
    axes.barh(range(len(values)), values, color=_ERGOTROPY, height=0.6, label="ergotropy $W$")
    losses = np.maximum([0.0 if one.loss is None else one.loss for one in result.rungs], 0.0)
    axes.barh(
        range(len(values)),
        losses,
        left=values,
        color=_LOST,
        hatch="///",
        edgecolor="white",
        height=0.6,
        label="lost against the rung above",
    )
    for row, (value, one) in enumerate(zip(values, result.rungs, strict=True)):
        change = "" if one.loss is None else f" ({-one.loss:+.4f})"
        axes.text(
            value + losses[row] + 0.01 * top, row, f"{value:.4f}{change}", va="center", size=8
        )
    if result.readout is not None:
        seen, row = result.readout, len(names)
        names.append("readout")
        axes.errorbar(
            [seen.mitigated],
            [row],
            xerr=[[seen.mitigated - seen.low], [seen.high - seen.mitigated]],
            color=_MEASURED,
            marker="o",
            ms=5,
            capsize=4,
            ls="none",
            label=f"from emulated shots, {100 * seen.confidence:.10g} % interval",
        )
        axes.plot(
            [seen.raw], [row], color=_MEASURED, marker="x", ms=6, ls="none", label="the same, raw"
        )
    if result.circuit is not None:
        work, row = result.circuit.ergotropy, len(names)
        names.append("collision circuit instead")
        axes.barh([row], [work], color=_CIRCUIT, hatch="..", edgecolor="white", height=0.6)
        axes.text(work + 0.01 * top, row, f"{work:.4f}", va="center", size=8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    widest = max(top, 0.0 if result.readout is None else result.readout.high)
    axes.set_xlim(0.0, 1.25 * widest if widest > 0 else 1.0)
    axes.set_xlabel(r"ergotropy $W$ ($\hbar\bar\omega$)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize="small",
    )
    head = "HYPOTHETICAL: " if result.hypothetical else ""
    axes.set_title(f"{head}{result.statement}", fontsize="medium", loc="left", wrap=True)
    return figure


def parameter_rows(fit: Fit) -> Table:
    """Headers and one row for each fitted or fixed parameter."""
    rows: list[tuple[str, ...]] = [
        (name, f"{p.value:.4g}", _error(p), _ends(p)) for name, p in fit.parameters.items()
    ]
    rows += [(name, f"{value:.4g}", "fixed", "") for name, value in fit.fixed.items()]
    level = f"{100 * fit.confidence:.10g} % interval"
    return ("parameter", "value", "standard error", level), rows


def fit_rows(fit: Fit) -> Iterator[tuple[str, str]]:
    """How well the fit describes the data."""
    yield "reading", fit.reading.value
    yield "data", f"{len(fit.times)} charging times, {fit.shots} shots of {fit.n_cells} cells"
    yield "log-likelihood", f"{fit.log_likelihood:.2f} with {fit.n_parameters} parameters"
    yield (
        "deviance",
        f"{fit.deviance:.1f} of {fit.degrees_of_freedom} degrees of freedom, "
        f"p = {fit.deviance_p_value:.2g}",
    )
    worst = min(fit.checks, key=lambda one: one.p_value)
    yield (
        "worst predicted",
        f"{worst.setting} at {worst.time:.4g}, p = {worst.p_value:.2g} of {len(fit.checks)}",
    )


def reading_rows(table: ReadingsTable) -> Table:
    """Headers and one row for each reading."""
    aic = min(fit.aic for fit in table.fits)
    bic = min(fit.bic for fit in table.fits)
    rows: list[tuple[str, ...]] = [
        (
            fit.reading.value,
            str(fit.n_parameters),
            f"{fit.log_likelihood:.1f}",
            f"{fit.aic - aic:.1f}",
            f"{fit.bic - bic:.1f}",
            f"{weight:.2f}",
            f"{fit.deviance_p_value:.2g}",
        )
        for fit, weight in zip(table.fits, table.weights, strict=True)
    ]
    return ("reading", "k", "ln L", "dAIC", "dBIC", "weight", "p of fit"), rows


def _error(parameter: FittedParameter) -> str:
    return "none" if parameter.standard_error is None else f"{parameter.standard_error:.2g}"


def _ends(parameter: FittedParameter) -> str:
    low, high = (None if end is None else f"{end:.4g}" for end in (parameter.low, parameter.high))
    return f"[{low or 'open'}, {high or 'open'}]"


def _time(result: Comparison, value: float) -> str:
    return f"{value * 1e6:.3g}" if result.seconds else f"{value:.3g}"
