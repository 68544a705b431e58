"""A fit and the readings beside it, as the content of fit.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from qbat_circuits.study.fit import Fit
from qbat_circuits.study.readings import ReadingsTable
from qbat_circuits.study.results import FORMAT, VERSION, versions


def fit_content(fit: Fit, readings: ReadingsTable, origins: Sequence[str] = ()) -> dict[str, Any]:
    """The content of fit.json: the fit, every reading of the same counts, and provenance.

    Args:
        fit: of the chosen reading, with intervals.
        readings: of the same counts.
        origins: where the counts come from; what was emulated for a chip that cannot be it stays
            hypothetical.
    """
    unreal = [origin for origin in origins if "hypothetical" in origin.lower()]
    what = f"{len(fit.times)} counts files of {fit.n_cells} cells, fitted together"
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "fit",
        "statement": f"{what}: the bath read as {fit.reading.value}",
        "hypothetical": bool(unreal),
        "hypothetical_reason": unreal[0] if unreal else "",
        "origins": list(dict.fromkeys(origins)),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        **fit.to_dict(),
        "comparison": readings.to_dict(),
        "assumptions": [],
    }
