"""The sections of a measured battery: a charging run, and a circuit of collisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from qbat_circuits.markup import UNKNOWN, Markup, element, joined
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.show.report import drawings
from qbat_circuits.show.report.parts import (
    Chapter,
    Content,
    energy_unit,
    interval,
    level_of,
    number,
    rows,
    sentences,
    table,
    time_of,
    told,
)
from qbat_circuits.study.saved import SavedResult

_DATA = "The arrays of this result are in result.nc, which was not beside it."


def run_sections(chapter: Chapter, saved: SavedResult) -> Iterator[Markup | None]:
    """Chip, model, what physics decides, charging, and what the counts say."""
    content = saved.content
    yield _chip(chapter, content)
    yield _model(chapter, content)
    yield _audit(chapter, content)
    yield told(chapter, content)
    yield _charging(chapter, saved)
    yield from _evidence(chapter, saved, content["ergotropy"]["at_readout"])


def collision_sections(chapter: Chapter, saved: SavedResult) -> Iterator[Markup | None]:
    """Chip, circuit, work after each collision, and what the counts say."""
    content = saved.content
    yield _chip(chapter, content)
    yield _circuit(chapter, content)
    yield told(chapter, content)
    yield _collisions(chapter, saved)
    yield from _evidence(chapter, saved, content["ergotropy"]["true"])
    yield _extraction(chapter, content)


def _chip(chapter: Chapter, content: Content) -> Markup | None:
    cells = content.get("chip")
    if not cells:
        return None
    noise = content["readout"]
    excited, lost = noise.get("prob_meas1_prep0"), noise.get("prob_meas0_prep1")
    columns = {
        "cell": [
            f"qubit\N{NO-BREAK SPACE}{one['qubit']}"
            if place < content["n_cells"]
            else f"ancilla {one['qubit']}"
            for place, one in enumerate(cells)
        ],
        "T1 (µs)": [_scaled(one["t1_s"], 1e6) for one in cells],
        "T2 (µs)": [_scaled(one["t2_s"], 1e6) for one in cells],
        "f (GHz)": [_scaled(one["frequency_hz"], 1e-9) for one in cells],
        "P(1|0)": [_share(excited, place) for place in range(len(cells))],
        "P(0|1)": [_share(lost, place) for place in range(len(cells))],
    }
    known = {name: column for name, column in columns.items() if set(column) != {UNKNOWN}}
    caption = f"{content['calibration']}, {content['calibrated_at'] or 'undated'}"
    return chapter.section("Chip", table(caption, list(known), zip(*known.values(), strict=True)))


def _model(chapter: Chapter, content: Content) -> Markup:
    bath, engine, battery = content["bath"], content["engine"], content.get("battery")
    unit = "1/s" if content["units"]["time"] == "s" else ""
    deviation = max(engine["energy_deviation"], engine["ergotropy_deviation"])
    pairs: list[tuple[object, object]] = [
        ("cells", f"{content['n_cells']}"),
        ("emission rate of the common bath", number(bath["emission"], ".4g", unit)),
        ("absorption rate", number(bath["absorption"], ".4g", unit)),
        ("occupation", number(bath["occupation"], ".4g")),
    ]
    if bath["temperature_k"] is not None:
        pairs.append(("temperature", number(bath["temperature_k"], ".4g", "K")))
    if "initial_state" in content:
        pairs.append(("start", content["initial_state"]))
    pairs.append(("engine", f"{engine['name']}, {deviation:.1e} from {engine['checked_by']}"))
    parts = [rows("Common bath and engine", pairs)]
    if battery:
        headers = ("cell", f"γ ({unit})" if unit else "γ", "n_l",
                   f"γ_φ ({unit})" if unit else "γ_φ", f"δ ({unit})" if unit else "δ")  # fmt: skip
        cells = [
            (str(k), *(number(one[what], ".4g") for what in
                       ("rate", "occupation", "dephasing", "detuning")))
            for k, one in enumerate(battery["cells"])
        ]  # fmt: skip
        parts.append(table("Noise of each cell", headers, cells))
    return chapter.section("Model", *parts)


def _audit(chapter: Chapter, content: Content) -> Markup | None:
    battery = content.get("battery")
    if not battery:
        return None
    found = [f"{one['sentence']} ({one['source']})" for one in battery["audit"]]
    body = sentences(found) if found else element("p", "Nothing.")
    return chapter.section("What physics decides beforehand", body)


def _charging(chapter: Chapter, saved: SavedResult) -> Markup:
    content, unit = saved.content, energy_unit(saved.content)
    plateau, steady = content["plateau"], content["steady_state"]
    stop = "" if plateau["ends_within_the_curve"] else " (end of the curve)"
    pairs: list[tuple[object, object]] = [
        ("best charging time", time_of(content, content["time"])),
        (
            f"W ≥ {plateau['share']:.0%} of it",
            joined(
                [
                    time_of(content, plateau["start"]),
                    " to ",
                    time_of(content, plateau["stop"]),
                    stop,
                ]
            ),
        ),
        ("stored energy there", number(content["energy"]["true"], ".4f", unit)),
        ("ergotropy there", number(content["ergotropy"]["true"], ".4f", unit)),
    ]
    if steady is not None:
        kind = "unique" if steady["unique"] else "decided by the start"
        pairs.append((f"steady-state ergotropy, {kind}", number(steady["ergotropy"], ".4f", unit)))
    facts = rows("Along the curve", pairs)
    if saved.arrays is None:
        return chapter.section("Charging curve", element("p", _DATA), facts)
    words = (
        f"The ergotropy is largest at {_plain_time(content, content['time'])}, "
        f"{content['ergotropy']['true']:.4f} {unit} of {content['energy']['true']:.4f} stored."
    )
    caption = (
        f"{words} Shaded: at least {plateau['share']:.0%} of it. Points: what the counts say, with "
        f"{level_of(content['ergotropy']['confidence'])} intervals."
    )
    drawing = drawings.curve(saved.arrays, content)
    figure = chapter.figure("curve", drawing, "Energy and ergotropy over time", words, caption)
    return chapter.section("Charging curve", figure, facts)


def _circuit(chapter: Chapter, content: Content) -> Markup:
    one = content["circuit"]
    hops = ", ".join(map(str, one["hops"]))
    pairs: list[tuple[object, object]] = [
        ("cells on qubits", ", ".join(map(str, content["qubits"]))),
        ("ancilla", f"qubit {one['ancilla_qubit']}, {one['ancilla']}"),
        ("moves over cells", hops or "none"),
        ("occupation of the ancilla", number(one["occupation"], ".4g")),
        ("collisions", number(one["collisions"], "d")),
        ("angle", number(one["theta"], ".4g")),
        ("two-qubit gates", number(one["two_qubit_gates"], "d")),
        ("duration", time_of(content, one["duration_s"])),
        ("as a bath for κt", number(one["equivalent_kappa_t"], ".3g")),
        ("state, largest deviation from Aer's", number(one["state_deviation_from_aer"], ".1e")),
    ]
    return chapter.section("Circuit", rows("In the place of a common bath", pairs))


def _collisions(chapter: Chapter, saved: SavedResult) -> Markup:
    content, unit = saved.content, energy_unit(saved.content)
    ideal, work = content["ideal"], content["ergotropy"]
    pairs = [
        ("ideal bath, for ever", number(ideal["bath_limit"], ".4f", unit)),
        ("ideal bath, for this time", number(ideal["bath_ergotropy"], ".4f", unit)),
        ("circuit on perfect gates", number(ideal["circuit_ergotropy"], ".4f", unit)),
        ("delivered by the noisy circuit", number(work["true"], ".4f", unit)),
        ("of it from correlations", number(work["from_correlations"], ".4f", unit)),
    ]
    headers = ("θ", "collisions", f"W ({unit})", "without noise", "gates", "µs")
    points = [
        (number(p["theta"], ".3f"), number(p["collisions"], "d"), number(p["ergotropy"]),
         number(p["ideal_ergotropy"]), number(p["two_qubit_gates"], "d"),
         number(1e6 * p["duration_s"], ".1f"))
        for p in content["trade_off"]
    ]  # fmt: skip
    parts: list[object] = [rows("Work", pairs), table("The best at each angle", headers, points)]
    if saved.arrays is None:
        return chapter.section("Charging curve", element("p", _DATA), *parts)
    words = (
        f"The chip's gates deliver {work['true']:.4f} {unit} after "
        f"{content['circuit']['collisions']} collisions, where perfect gates would have "
        f"{ideal['circuit_ergotropy']:.4f} and the ideal bath {ideal['bath_ergotropy']:.4f}."
    )
    caption = (
        f"{words} Square: what the counts say, with its {level_of(work['confidence'])} interval."
    )
    drawing = drawings.collisions(saved.arrays, content)
    figure = chapter.figure("curve", drawing, "Work after each collision", words, caption)
    return chapter.section("Charging curve", figure, *parts)


def _evidence(chapter: Chapter, saved: SavedResult, true: float) -> Iterator[Markup | None]:
    """The state and how it was read."""
    content, data = saved.content, saved.arrays
    yield _total_spin(chapter, content)
    if data is not None:
        yield _state(chapter, data)
    yield _readout(chapter, content)
    yield _estimators(chapter, content, true)


def _total_spin(chapter: Chapter, content: Content) -> Markup | None:
    sectors = content.get("total_spin")
    if not sectors:
        return None
    first = [one for one in sectors if one["j"] == sectors[0]["j"]]
    words = (
        f"The spin j = {sectors[0]['j']:g} holds {sum(one['population'] for one in first):.1%} of "
        "the charged state."
    )
    caption = (
        f"{words} Bars: computed at the end of charging. Points: from the counts, with one "
        "standard error."
    )
    drawing = drawings.total_spin(sectors)
    figure = chapter.figure("spin", drawing, "Populations of total spin", words, caption)
    lines = [
        (f"{one['j']:g}, {one['m']:+g}", number(one["population"]), number(one["measured"]),
         number(one["standard_error"]))
        for one in sectors
    ]  # fmt: skip
    headers = ("j, m", "computed", "from counts", "standard error")
    return chapter.section(
        "Sector populations", figure, folded("The numbers", table("p(j, m)", headers, lines))
    )


def _state(chapter: Chapter, data: Any) -> Markup:
    measured = np.asarray(data["physical_state"].values)
    charged = np.asarray(data["charged_state"].values)
    basis = [str(word) for word in data["row"].values]
    same = charged.shape == measured.shape
    size = np.abs(measured)
    a, b = np.unravel_index(np.argmax(np.triu(size, 1)), size.shape)
    words = (
        f"From the counts, the largest population is {size.diagonal().max():.3f} and the largest "
        f"coherence {size[a, b]:.3f}, between {basis[a]} and {basis[b]}."
    )
    whose = "the charged state, and the" if same else "the"
    caption = (
        f"Sizes of the elements of the density matrix, cell 0 last: {whose} state that is nearest "
        f"to the counts. {words}"
    )
    drawing = drawings.states(charged if same else None, measured, basis)
    return chapter.section(
        "State", chapter.figure("state", drawing, "Density matrices", words, caption)
    )


def _readout(chapter: Chapter, content: Content) -> Markup:
    matrices = ReadoutModel.from_dict(content["readout"]).assignment
    n = content["n_cells"]
    qubits = content.get("qubits") or []
    names = [f"qubit {qubits[k]}" if k < len(qubits) else f"cell {k}" for k in range(n)]
    errors = [1 - float(np.diag(m).mean()) for m in matrices]
    words = f"The mean error of every cell is {errors[0]:.2%}."
    if len(set(errors)) > 1:
        words = (
            f"The mean error is smallest for {names[int(np.argmin(errors))]}, {min(errors):.2%}, "
            f"and largest for {names[int(np.argmax(errors))]}, {max(errors):.2%}."
        )
    caption = f"How often, in per cent, each level that was prepared is read as which. {words}"
    drawing = drawings.assignments(matrices, names)
    return chapter.section(
        "Readout", chapter.figure("readout", drawing, "Readout matrices", words, caption)
    )


def _estimators(chapter: Chapter, content: Content, true: float) -> Markup | None:
    found, unit = content.get("estimators"), energy_unit(content)
    if not found:
        return None
    level = level_of(content["ergotropy"]["confidence"])
    words = "; ".join(f"{one['name']} {one['value']:.4f}" for one in found)
    caption = (
        f"The same counts, read in other ways. Bars: {level} intervals; triangles: lower bounds; "
        f"crosses: no interval. Dashed: the work of the state that is read, {true:.4f} {unit}."
    )
    drawing = drawings.estimators(found, true)
    figure = chapter.figure("estimators", drawing, "Estimators compared", words, caption)
    lines = [
        (one["name"] + (", at least" if one["is_lower_bound"] else ""), number(one["value"]),
         UNKNOWN if one["low"] is None else interval(one["low"], one["high"]))
        for one in found
    ]  # fmt: skip
    headers = ("estimator", f"W ({unit})", f"{level} interval")
    return chapter.section("Estimators", figure, table("Estimates of the work", headers, lines))


def _extraction(chapter: Chapter, content: Content) -> Markup:
    one, unit = content["extraction"], energy_unit(content)
    pairs: list[tuple[object, object]] = [
        ("by perfect gates", number(one["ideal_work"], ".4f", unit)),
        ("by the chip's gates", number(one["net_work"], ".4f", unit)),
        ("lost by idle cells in the same time", number(one["idle_loss"], ".4f", unit)),
        ("two-qubit gates", number(one["two_qubit_gates"], "d")),
        ("duration", time_of(content, one["duration_s"])),
        ("break-even two-qubit error", number(one["break_even_two_qubit_error"], ".2%")),
    ]
    note = element("p", "The energy of the controls is not counted.")
    return chapter.section("Extraction", rows("Work taken out", pairs), note)


def folded(title: str, *content: object) -> Markup:
    """What only some readers open."""
    return element("details", element("summary", title), *content)


def _plain_time(content: Content, value: float) -> str:
    return f"{value * 1e6:.4g} µs" if content["units"]["time"] == "s" else f"{value:.4g} / rate"


def _scaled(value: float | None, scale: float) -> Markup | str:
    return number(None if value is None else value * scale, ".4g")


def _share(values: Any, place: int) -> Markup | str:
    return number(values[place], ".2%") if values and place < len(values) else number(None)
