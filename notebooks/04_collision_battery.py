# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. A collision battery on a chip
#
# *3 minutes. Previous: 3. What the abstract claims. Next: 5. Planning an experiment.*
#
# You learn what a fixed-frequency chip can do without a common bath: an ancilla in a thermal state
# meets every cell, is reset, and meets them again. That circuit is planned for a real chip, run on
# a fake one, measured, and its work is taken out again. `docs/collisions.md` has the theory,
# `docs/schedule.md` the search. The fake chip comes with `pip install "qbat-circuits[ibm]"`.

# %%
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from qiskit import transpile
from qiskit_ibm_runtime.fake_provider import FakeBrisbane

import qbat_circuits as qb

# %matplotlib inline

# %% [markdown]
# ## What to run, and where
#
# Small angles imitate the bath better and need more collisions; each of them costs gate errors and
# a reset. The search looks at the places on the chip, the angle and the number of collisions
# together, with the errors and durations of the calibration.

# %%
noise = qb.ChipNoise(qb.load_calibration("brisbane"))
schedule = qb.find_schedule(noise, n_cells=2, occupation=1.0)
one = schedule.compiled
print(f"cells on qubits {one.placement.cells}, ancilla on qubit {one.placement.ancilla}")
print(f"{schedule.collisions} collisions of angle {one.theta:.3f}")
print(f"{schedule.two_qubit_gates} two-qubit gates, {1e6 * schedule.duration_s:.1f} us")
print(
    f"delivered ergotropy {schedule.ergotropy:.4f}, on perfect gates {schedule.ideal_ergotropy:.4f}"
)
print("\n".join(noise.assumptions))

# %% [markdown]
# The trade-off at this place. The best number of collisions stands beside each angle:

# %%
axes = Figure(figsize=(6.5, 3.8), layout="constrained").subplots()
thetas = [p.theta for p in schedule.trade_off]
axes.plot(thetas, [p.ideal_ergotropy for p in schedule.trade_off], "^:", label="perfect gates")
axes.plot(thetas, [p.ergotropy for p in schedule.trade_off], "o-", label="brisbane")
for p in schedule.trade_off:
    if p.theta == one.theta or abs(p.theta - one.theta) > 0.05:
        side, ha = (-4, "right") if p.theta < one.theta else (4, "left")
        at = (p.theta, p.ergotropy)
        axes.annotate(f"{p.collisions}", at, (side, 5), textcoords="offset points", ha=ha)
axes.set(xlabel=r"angle $\theta$", ylabel=r"ergotropy $W$ ($\hbar\omega$)", ylim=(0, None))
axes.legend(frameon=False)
axes.figure

# %% [markdown]
# ## On a fake chip
#
# The circuit in the chip's gates, nine Pauli settings behind it. Every job is recorded in a folder
# before it is waited for; on a live chip `qb.resume_run` would fetch it after a crash.

# %%
circuits = qb.tomography_circuits(2, prepare=one.circuit(schedule.collisions))


def measured(backend, **options):
    """Counts of all settings from a machine, and what they say about the work."""
    ready = transpile(circuits, backend, optimization_level=1, seed_transpiler=7, **options)
    folder = Path(tempfile.mkdtemp()) / "run"
    run = qb.submit_circuits(ready, backend, shots=2000, folder=folder, seed=7).wait()
    estimate = qb.estimate_ergotropy(run.counts(), readout=one.readout())
    print(f"W = {estimate.value:.4f}, 95 % interval [{estimate.low:.4f}, {estimate.high:.4f}]")
    print(f"not mitigated {estimate.raw_value:.4f}, predicted {schedule.ergotropy:.4f}")
    return estimate


fake = measured(FakeBrisbane(), initial_layout=list(one.placement.qubits))

# %% [markdown]
# The fake chip has the vendor's model: the same gate errors, but perfect resets, and waiting costs
# nothing, because its model refuses delays on a chip that reports T2 > 2 T1 somewhere. The emulator
# of our calibration has both.

# %%
emulator = qb.chip_emulator(noise, one.placement.qubits)
own = measured(emulator, initial_layout=[0, 1, 2], scheduling_method="alap")
assert own.low < schedule.ergotropy < own.high
assert fake.high > schedule.ergotropy

# %% [markdown]
# ## Taking the work out
#
# The unitary that sends the state to its passive order, with as few two-qubit gates as the freedom
# inside degenerate levels allows, in the chip's gates and with their noise. The cells are not
# neighbours of each other, so they are carried over the ancilla. Energy that the controls spend is
# not counted.

# %%
found = qb.compile_extraction(one, schedule.collisions)
print(f"{found.two_qubit_gates} two-qubit gates, {1e6 * found.duration_s:.2f} us")
print(f"work with perfect gates {found.ideal_work:.4f}, net work on the chip {found.net_work:.4f}")
assert 0 < found.net_work < found.ideal_work <= schedule.ergotropy + 1e-9

# %% [markdown]
# ## What it is not
#
# Gate errors heat the cells unequally, and unequally hot cells hold ergotropy that no battery made.
# So the search maximises what correlations between the cells add. Here that is nearly everything;
# in four cells after a long circuit it is nearly nothing, though their ergotropy is larger.

# %%
correlated = qb.correlation_ergotropy(schedule.state)
print(f"the schedule above: {correlated:.4f} of {schedule.ergotropy:.4f} from correlations")
four = qb.Placement(ancilla=30, cells=(29, 17, 12, 11), hops=(1, 2))
late = list(qb.compile_collision(noise, four, occupation=1.0, theta=0.21).states(40))[-1]
print(f"40 small collisions: {qb.correlation_ergotropy(late):.4f} of {qb.ergotropy(late):.4f}")
assert np.isclose(correlated, schedule.ergotropy, atol=0.005)
assert qb.correlation_ergotropy(late) < 0.1 * qb.ergotropy(late)
