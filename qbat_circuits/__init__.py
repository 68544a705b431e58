"""qbat_circuits: a quantum battery that charges from noise alone, on a real chip's figures.

Public names are imported on first use, so that ``import qbat_circuits`` costs almost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qbat_circuits.analysis.estimate import ErgotropyEstimate as ErgotropyEstimate
    from qbat_circuits.analysis.estimate import estimate_ergotropy as estimate_ergotropy
    from qbat_circuits.baths import CollectiveBath as CollectiveBath
    from qbat_circuits.baths import LocalNoise as LocalNoise
    from qbat_circuits.battery import Battery as Battery
    from qbat_circuits.battery import WeakBathWarning as WeakBathWarning
    from qbat_circuits.calibration import Calibration as Calibration
    from qbat_circuits.calibration import load_calibration as load_calibration
    from qbat_circuits.calibration_files import bundled_calibrations as bundled_calibrations
    from qbat_circuits.device import Device as Device
    from qbat_circuits.dynamics.charging import ChargingCurve as ChargingCurve
    from qbat_circuits.dynamics.charging import Engine as Engine
    from qbat_circuits.dynamics.charging import Plateau as Plateau
    from qbat_circuits.dynamics.charging import charge as charge
    from qbat_circuits.dynamics.steady import SteadyState as SteadyState
    from qbat_circuits.dynamics.steady import steady_state as steady_state
    from qbat_circuits.errors import AccuracyError as AccuracyError
    from qbat_circuits.errors import InputError as InputError
    from qbat_circuits.errors import QbatError as QbatError
    from qbat_circuits.qutip_bridge import from_qutip as from_qutip
    from qbat_circuits.qutip_bridge import to_qutip as to_qutip
    from qbat_circuits.readout_model import ReadoutModel as ReadoutModel
    from qbat_circuits.readout_model import pauli_settings as pauli_settings
    from qbat_circuits.sampling.aer import emulate_counts as emulate_counts
    from qbat_circuits.sampling.counts import Counts as Counts
    from qbat_circuits.schema import Experiment as Experiment
    from qbat_circuits.schema import load_experiment as load_experiment
    from qbat_circuits.study.experiment import ExperimentResult as ExperimentResult
    from qbat_circuits.study.experiment import run_experiment as run_experiment
    from qbat_circuits.thermodynamics import energy as energy
    from qbat_circuits.thermodynamics import ergotropy as ergotropy
    from qbat_circuits.thermodynamics import passive_state as passive_state

__version__ = "0.1.0"

_HOMES = {
    "AccuracyError": "errors",
    "Battery": "battery",
    "Calibration": "calibration",
    "ChargingCurve": "dynamics.charging",
    "CollectiveBath": "baths",
    "Counts": "sampling.counts",
    "Device": "device",
    "Engine": "dynamics.charging",
    "ErgotropyEstimate": "analysis.estimate",
    "Experiment": "schema",
    "ExperimentResult": "study.experiment",
    "InputError": "errors",
    "LocalNoise": "baths",
    "Plateau": "dynamics.charging",
    "QbatError": "errors",
    "ReadoutModel": "readout_model",
    "SteadyState": "dynamics.steady",
    "WeakBathWarning": "battery",
    "bundled_calibrations": "calibration_files",
    "charge": "dynamics.charging",
    "emulate_counts": "sampling.aer",
    "energy": "thermodynamics",
    "ergotropy": "thermodynamics",
    "estimate_ergotropy": "analysis.estimate",
    "from_qutip": "qutip_bridge",
    "load_calibration": "calibration",
    "load_experiment": "schema",
    "passive_state": "thermodynamics",
    "pauli_settings": "readout_model",
    "run_experiment": "study.experiment",
    "steady_state": "dynamics.steady",
    "to_qutip": "qutip_bridge",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'qbat_circuits' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"qbat_circuits.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
