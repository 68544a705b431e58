"""The pulse-free core of Qiskit Dynamics on Qiskit 2, imported in this one place.

Qiskit Dynamics 0.5.1 has no upper bound on Qiskit, but its import asks for `qiskit.pulse`, which
Qiskit 2 removed. Models, solvers and signals need nothing of it. While the package is imported,
empty stand-ins take the place of the missing modules; afterwards they are removed again. What this
relies on, each checked by tests/unit/test_qiskit_dynamics_core.py:

- `qiskit_dynamics.solvers.solver_classes` only uses `Schedule`, `ScheduleBlock` in isinstance
  checks and `block_to_schedule`, `InstructionToSignals` for pulse schedules;
- `qiskit_dynamics.pulse` and `qiskit_dynamics.backend` are used by nothing else in the core.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qbat_circuits.errors import QbatError

_STAND_INS: dict[str, tuple[str, ...]] = {
    "qiskit.pulse": ("Schedule", "ScheduleBlock"),
    "qiskit.pulse.transforms": ("block_to_schedule",),
    "qiskit_dynamics.pulse": ("InstructionToSignals",),
    "qiskit_dynamics.backend": (),
    "qiskit_dynamics.backend.dynamics_backend": ("DynamicsBackend",),
}
_LOCK = threading.Lock()


def load_qiskit_dynamics() -> Any:
    """Import Qiskit Dynamics (once, from any thread) and return the module.

    Raises:
        QbatError: if it cannot be imported, with the versions that are known to work.
    """
    with _LOCK:
        loaded = sys.modules.get("qiskit_dynamics")
        if loaded is not None:
            return loaded
        try:
            if _has_qiskit_pulse():
                return importlib.import_module("qiskit_dynamics")
            with _stand_ins():
                return importlib.import_module("qiskit_dynamics")
        except (ImportError, AttributeError) as error:
            _forget("qiskit_dynamics")
            raise QbatError(
                "Qiskit Dynamics cannot be imported; this package works with qiskit-dynamics "
                f"0.5.1 on qiskit >= 2 ({error})."
            ) from error


def _has_qiskit_pulse() -> bool:
    try:
        return importlib.util.find_spec("qiskit.pulse") is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Hold empty modules in sys.modules for as long as the import runs."""
    placed = {name: types.ModuleType(name) for name in _STAND_INS}
    for name, members in _STAND_INS.items():
        for member in members:
            setattr(placed[name], member, type(member, (), {}))
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        package = sys.modules.get("qiskit_dynamics")
        for attribute in ("pulse", "backend", "DynamicsBackend"):
            if package is not None and hasattr(package, attribute):
                delattr(package, attribute)


def _forget(package: str) -> None:
    """Drop a half-imported package, so that a later attempt starts clean."""
    for name in [n for n in sys.modules if n == package or n.startswith(package + ".")]:
        del sys.modules[name]
