"""qbat_circuits: a quantum battery that charges from noise alone, on a real chip's figures.

Public names are imported on first use, so that ``import qbat_circuits`` costs almost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qbat_circuits.analysis.dicke import DickeEstimate as DickeEstimate
    from qbat_circuits.analysis.dicke import DickeScheme as DickeScheme
    from qbat_circuits.analysis.energy_basis import EnergyBasisScheme as EnergyBasisScheme
    from qbat_circuits.analysis.estimate import estimate_ergotropy as estimate_ergotropy
    from qbat_circuits.analysis.extraction import ExtractionEstimate as ExtractionEstimate
    from qbat_circuits.analysis.extraction import ExtractionScheme as ExtractionScheme
    from qbat_circuits.analysis.local_phases import fit_local_phases as fit_local_phases
    from qbat_circuits.analysis.maximum_likelihood import maximum_likelihood as maximum_likelihood
    from qbat_circuits.analysis.pauli import PauliEstimate as PauliEstimate
    from qbat_circuits.analysis.pauli import PauliScheme as PauliScheme
    from qbat_circuits.analysis.resampling import resample_plug_in as resample_plug_in
    from qbat_circuits.analysis.scheme import ErgotropyEstimate as ErgotropyEstimate
    from qbat_circuits.audit import Finding as Finding
    from qbat_circuits.baths import CollectiveBath as CollectiveBath
    from qbat_circuits.baths import LocalNoise as LocalNoise
    from qbat_circuits.battery import Battery as Battery
    from qbat_circuits.battery import WeakBathWarning as WeakBathWarning
    from qbat_circuits.calibration import Calibration as Calibration
    from qbat_circuits.calibration import load_calibration as load_calibration
    from qbat_circuits.calibration_files import bundled_calibrations as bundled_calibrations
    from qbat_circuits.circuits.collision import RandomizedCircuit as RandomizedCircuit
    from qbat_circuits.circuits.collision import collision_circuit as collision_circuit
    from qbat_circuits.circuits.compiled_collision import compile_collision as compile_collision
    from qbat_circuits.circuits.compiled_extraction import compile_extraction as compile_extraction
    from qbat_circuits.circuits.extraction import extraction_circuit as extraction_circuit
    from qbat_circuits.circuits.extraction_noise import (
        ExtractionPerformance as ExtractionPerformance,
    )
    from qbat_circuits.circuits.extraction_noise import break_even_error as break_even_error
    from qbat_circuits.circuits.extraction_noise import (
        extraction_performance as extraction_performance,
    )
    from qbat_circuits.circuits.extraction_noise import net_work as net_work
    from qbat_circuits.circuits.qasm import save_openqasm3 as save_openqasm3
    from qbat_circuits.circuits.qasm import to_openqasm3 as to_openqasm3
    from qbat_circuits.circuits.readout_calibration import (
        readout_calibration_circuits as readout_calibration_circuits,
    )
    from qbat_circuits.circuits.tomography import tomography_circuits as tomography_circuits
    from qbat_circuits.collision_model import LocalCollision as LocalCollision
    from qbat_circuits.collision_model import SplittingWarning as SplittingWarning
    from qbat_circuits.collision_model import TrappingWarning as TrappingWarning
    from qbat_circuits.collision_model import collision_states as collision_states
    from qbat_circuits.collision_model import equivalent_time as equivalent_time
    from qbat_circuits.collision_model import trapping_angles as trapping_angles
    from qbat_circuits.coupling import Coupling as Coupling
    from qbat_circuits.device import Device as Device
    from qbat_circuits.dynamics.charging import charge as charge
    from qbat_circuits.dynamics.curve import ChargingCurve as ChargingCurve
    from qbat_circuits.dynamics.curve import Plateau as Plateau
    from qbat_circuits.dynamics.engines import Engine as Engine
    from qbat_circuits.dynamics.leakage import Leakage as Leakage
    from qbat_circuits.dynamics.leakage import leakage as leakage
    from qbat_circuits.dynamics.steady import SteadyState as SteadyState
    from qbat_circuits.dynamics.steady import steady_state as steady_state
    from qbat_circuits.envelope import Envelope as Envelope
    from qbat_circuits.errors import AccuracyError as AccuracyError
    from qbat_circuits.errors import InputError as InputError
    from qbat_circuits.errors import QbatError as QbatError
    from qbat_circuits.extra_jumps import ExtraJump as ExtraJump
    from qbat_circuits.extraction_unitary import ExtractionTask as ExtractionTask
    from qbat_circuits.extraction_unitary import extraction_task as extraction_task
    from qbat_circuits.gate_calibration import GateCalibration as GateCalibration
    from qbat_circuits.gate_noise import ChipNoise as ChipNoise
    from qbat_circuits.pair_readout import PairReadoutModel as PairReadoutModel
    from qbat_circuits.placement import Placement as Placement
    from qbat_circuits.placement import placement_on as placement_on
    from qbat_circuits.quantities.dense import correlation_ergotropy as correlation_ergotropy
    from qbat_circuits.quantities.heat import entropy_production as entropy_production
    from qbat_circuits.quantities.heat import heat_currents as heat_currents
    from qbat_circuits.qutip_bridge import from_qutip as from_qutip
    from qbat_circuits.qutip_bridge import to_qutip as to_qutip
    from qbat_circuits.readout_model import ReadoutModel as ReadoutModel
    from qbat_circuits.readout_model import pauli_settings as pauli_settings
    from qbat_circuits.sampling.aer import emulate_counts as emulate_counts
    from qbat_circuits.sampling.counts import Counts as Counts
    from qbat_circuits.sampling.counts_file import (
        readout_from_calibration as readout_from_calibration,
    )
    from qbat_circuits.sampling.emulator import chip_emulator as chip_emulator
    from qbat_circuits.sampling.emulator import emulate_collisions as emulate_collisions
    from qbat_circuits.sampling.lab_results import counts_from_dict as counts_from_dict
    from qbat_circuits.sampling.lab_results import (
        counts_from_primitive_result as counts_from_primitive_result,
    )
    from qbat_circuits.sampling.lab_results import load_counts as load_counts
    from qbat_circuits.sampling.lab_results import (
        readout_from_primitive_result as readout_from_primitive_result,
    )
    from qbat_circuits.sampling.multinomial import sample_counts as sample_counts
    from qbat_circuits.sampling.runner import CircuitRun as CircuitRun
    from qbat_circuits.sampling.runner import resume_run as resume_run
    from qbat_circuits.sampling.runner import submit_circuits as submit_circuits
    from qbat_circuits.schema import Experiment as Experiment
    from qbat_circuits.schema import load_experiment as load_experiment
    from qbat_circuits.show.chip import plot_chip as plot_chip
    from qbat_circuits.show.comparison import plot_comparison as plot_comparison
    from qbat_circuits.show.estimate_plot import plot_estimate as plot_estimate
    from qbat_circuits.show.fit import plot_checks as plot_checks
    from qbat_circuits.show.fit import plot_fit as plot_fit
    from qbat_circuits.show.plots import plot_curve as plot_curve
    from qbat_circuits.show.report.page import report as report
    from qbat_circuits.show.sweep import plot_sweep as plot_sweep
    from qbat_circuits.study.compare import Comparison as Comparison
    from qbat_circuits.study.compare import compare as compare
    from qbat_circuits.study.experiment import ExperimentResult as ExperimentResult
    from qbat_circuits.study.experiment import run_experiment as run_experiment
    from qbat_circuits.study.fit import Fit as Fit
    from qbat_circuits.study.fit import fit_counts as fit_counts
    from qbat_circuits.study.fit_models import Reading as Reading
    from qbat_circuits.study.ladder import noise_ladder as noise_ladder
    from qbat_circuits.study.plan import Plan as Plan
    from qbat_circuits.study.plan import plan as plan
    from qbat_circuits.study.precision import Goal as Goal
    from qbat_circuits.study.precision import expected_precision as expected_precision
    from qbat_circuits.study.readings import compare_readings as compare_readings
    from qbat_circuits.study.saved import SavedResult as SavedResult
    from qbat_circuits.study.saved import load_result as load_result
    from qbat_circuits.study.schedule import CollisionSchedule as CollisionSchedule
    from qbat_circuits.study.schedule import find_schedule as find_schedule
    from qbat_circuits.study.sweep import sweep as sweep
    from qbat_circuits.study.sweep_export import sweep_dataset as sweep_dataset
    from qbat_circuits.symmetric.blocks import Blocks as Blocks
    from qbat_circuits.symmetric.ergotropy import ergotropy_jm as ergotropy_jm
    from qbat_circuits.symmetric.model import SymmetricModel as SymmetricModel
    from qbat_circuits.symmetric.sectors_jm import energy_jm as energy_jm
    from qbat_circuits.symmetric.squeezed import SqueezedModel as SqueezedModel
    from qbat_circuits.symmetric.steady import steady_populations_many as steady_populations_many
    from qbat_circuits.thermodynamics import energy as energy
    from qbat_circuits.thermodynamics import ergotropy as ergotropy
    from qbat_circuits.thermodynamics import passive_state as passive_state
    from qbat_circuits.transmon_levels import TransmonLevels as TransmonLevels

__version__ = "0.1.0"

_HOMES = {
    "AccuracyError": "errors",
    "Battery": "battery",
    "Blocks": "symmetric.blocks",
    "break_even_error": "circuits.extraction_noise",
    "bundled_calibrations": "calibration_files",
    "Calibration": "calibration",
    "charge": "dynamics.charging",
    "ChargingCurve": "dynamics.curve",
    "chip_emulator": "sampling.emulator",
    "ChipNoise": "gate_noise",
    "CircuitRun": "sampling.runner",
    "CollectiveBath": "baths",
    "collision_circuit": "circuits.collision",
    "collision_states": "collision_model",
    "CollisionSchedule": "study.schedule",
    "compare": "study.compare",
    "compare_readings": "study.readings",
    "Comparison": "study.compare",
    "compile_collision": "circuits.compiled_collision",
    "compile_extraction": "circuits.compiled_extraction",
    "correlation_ergotropy": "quantities.dense",
    "Counts": "sampling.counts",
    "counts_from_dict": "sampling.lab_results",
    "counts_from_primitive_result": "sampling.lab_results",
    "Coupling": "coupling",
    "Device": "device",
    "DickeEstimate": "analysis.dicke",
    "DickeScheme": "analysis.dicke",
    "emulate_collisions": "sampling.emulator",
    "emulate_counts": "sampling.aer",
    "energy": "thermodynamics",
    "energy_jm": "symmetric.sectors_jm",
    "EnergyBasisScheme": "analysis.energy_basis",
    "Engine": "dynamics.engines",
    "entropy_production": "quantities.heat",
    "Envelope": "envelope",
    "equivalent_time": "collision_model",
    "ergotropy": "thermodynamics",
    "ergotropy_jm": "symmetric.ergotropy",
    "ErgotropyEstimate": "analysis.scheme",
    "estimate_ergotropy": "analysis.estimate",
    "expected_precision": "study.precision",
    "Experiment": "schema",
    "ExperimentResult": "study.experiment",
    "extraction_circuit": "circuits.extraction",
    "extraction_performance": "circuits.extraction_noise",
    "extraction_task": "extraction_unitary",
    "ExtractionEstimate": "analysis.extraction",
    "ExtractionPerformance": "circuits.extraction_noise",
    "ExtractionScheme": "analysis.extraction",
    "ExtractionTask": "extraction_unitary",
    "ExtraJump": "extra_jumps",
    "find_schedule": "study.schedule",
    "Finding": "audit",
    "Fit": "study.fit",
    "fit_counts": "study.fit",
    "fit_local_phases": "analysis.local_phases",
    "from_qutip": "qutip_bridge",
    "GateCalibration": "gate_calibration",
    "Goal": "study.precision",
    "heat_currents": "quantities.heat",
    "InputError": "errors",
    "Leakage": "dynamics.leakage",
    "leakage": "dynamics.leakage",
    "load_calibration": "calibration",
    "load_counts": "sampling.lab_results",
    "load_experiment": "schema",
    "load_result": "study.saved",
    "LocalCollision": "collision_model",
    "LocalNoise": "baths",
    "maximum_likelihood": "analysis.maximum_likelihood",
    "net_work": "circuits.extraction_noise",
    "noise_ladder": "study.ladder",
    "PairReadoutModel": "pair_readout",
    "passive_state": "thermodynamics",
    "pauli_settings": "readout_model",
    "PauliEstimate": "analysis.pauli",
    "PauliScheme": "analysis.pauli",
    "Placement": "placement",
    "placement_on": "placement",
    "Plan": "study.plan",
    "plan": "study.plan",
    "Plateau": "dynamics.curve",
    "plot_checks": "show.fit",
    "plot_chip": "show.chip",
    "plot_comparison": "show.comparison",
    "plot_curve": "show.plots",
    "plot_estimate": "show.estimate_plot",
    "plot_fit": "show.fit",
    "plot_sweep": "show.sweep",
    "QbatError": "errors",
    "RandomizedCircuit": "circuits.collision",
    "Reading": "study.fit_models",
    "readout_calibration_circuits": "circuits.readout_calibration",
    "readout_from_calibration": "sampling.counts_file",
    "readout_from_primitive_result": "sampling.lab_results",
    "ReadoutModel": "readout_model",
    "report": "show.report.page",
    "resample_plug_in": "analysis.resampling",
    "resume_run": "sampling.runner",
    "run_experiment": "study.experiment",
    "sample_counts": "sampling.multinomial",
    "save_openqasm3": "circuits.qasm",
    "SavedResult": "study.saved",
    "SplittingWarning": "collision_model",
    "SqueezedModel": "symmetric.squeezed",
    "steady_populations_many": "symmetric.steady",
    "steady_state": "dynamics.steady",
    "SteadyState": "dynamics.steady",
    "submit_circuits": "sampling.runner",
    "sweep": "study.sweep",
    "sweep_dataset": "study.sweep_export",
    "SymmetricModel": "symmetric.model",
    "to_openqasm3": "circuits.qasm",
    "to_qutip": "qutip_bridge",
    "tomography_circuits": "circuits.tomography",
    "TransmonLevels": "transmon_levels",
    "trapping_angles": "collision_model",
    "TrappingWarning": "collision_model",
    "WeakBathWarning": "battery",
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
