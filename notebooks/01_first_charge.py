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
# # 1. First charge
#
# *2 minutes. Next: 2. From laboratory counts to a published number.*
#
# You learn to charge an ideal battery, then real transmons on a common line that their chip does
# not have, and what a measurement would say.
#
# A quantum battery that charges from noise alone: cells share one hot bath. Each cell by itself
# would only warm up, and heat holds no work. Together their emissions and absorptions interfere,
# and the cells end in a state from which a unitary can extract work (arXiv:2510.06384).

# %%
import numpy as np

import qbat_circuits as qb

# %matplotlib inline

# %% [markdown]
# ## An ideal battery
# Two cells, collective rate $\kappa = 1$, one thermal photon. The exact answer is
# $W = 1/7$ of a quantum (docs/physics.md, section 3).

# %%
ideal = qb.Battery.identical(2, qb.CollectiveBath(rate=1.0, occupation=1.0))
curve = qb.charge(ideal, np.linspace(0.0, 5.0, 101))
print(f"stored {curve.energy[-1]:.6f}, extractable {curve.ergotropy[-1]:.6f}, 1/7 = {1 / 7:.6f}")
assert abs(curve.ergotropy[-1] - 1 / 7) < 1e-6

# %% [markdown]
# The collective bath alone conserves the weight of each total spin, so the *start* decides where
# the battery ends. `steady_state` says so.

# %%
for start in ("ground", "01", "11"):
    steady = qb.steady_state(ideal, start)
    print(f"{start:>6}: W = {steady.ergotropy:.4f}, unique: {steady.unique}, P_j = ", end="")
    print({j: round(weight, 3) for j, weight in steady.sector_weights.items()})

# %% [markdown]
# ## Local noise ends it
# A little local relaxation makes the steady state unique, and for two cells its work is exactly
# zero, whatever the local temperature. The work lives on a plateau in between: a number without its
# time scale means nothing.

# %%
noisy = qb.Battery.identical(2, qb.CollectiveBath(1.0, 1.0), qb.LocalNoise(rate=0.01))
curve = qb.charge(noisy, np.linspace(0.0, 400.0, 2001))
plateau = curve.plateau()
print(f"peak {plateau.peak_ergotropy:.4f} at t = {plateau.peak_time:.1f}")
print(f"above 90 % of it from {plateau.start:.2f} to {plateau.stop:.1f}")
print(f"in the end: {qb.steady_state(noisy).ergotropy:.1e}")
assert qb.steady_state(noisy).ergotropy < 1e-9
axes = qb.plot_curve(curve, time_label=r"time ($1/\kappa$)")
axes.legend(frameon=False)
axes.figure

# %% [markdown]
# ## Real transmons on a hypothetical line
# A calibration carries T1, T2 and readout errors of each qubit. What it does not say has to be
# stated: the residual excited population, and whether the cells are tuned to one frequency.
# Brisbane's qubits have fixed frequencies and no common line, so this device is hypothetical and
# says so.

# %%
calibration = qb.load_calibration("brisbane")
device = qb.Device.from_calibration(
    calibration, qubits=[0, 1, 2], tune_to_resonance=True, residual_population=0.01
)
print(device.statement())
for sentence in device.assumptions:
    print("assumed:", sentence)
assert device.hypothetical

# %%
battery = qb.Battery.from_device(device, qb.CollectiveBath(rate=6.3e6, occupation=1.0))
times_s = np.linspace(0.0, 2e-6, 201)
charged = qb.charge(battery, times_s, initial_state="thermal", engine="qiskit-dynamics")
check = qb.charge(battery, times_s, initial_state="thermal", engine="propagator")
best = int(np.argmax(charged.ergotropy))
print(f"best after {times_s[best] * 1e6:.2f} us: W = {charged.ergotropy[best]:.4f}")
print(f"two engines differ by {np.abs(charged.ergotropy - check.ergotropy).max():.0e}")
assert np.abs(charged.ergotropy - check.ergotropy).max() < 1e-9

# %% [markdown]
# ## What a measurement says
# Aer draws shots in all 27 Pauli settings through the chip's readout errors. The estimator knows
# the counts and the assignment matrices, nothing else. Its interval covers the truth at the stated
# rate, passive states included (docs/estimating-work.md).

# %%
counts = qb.emulate_counts(charged.states[best], device.readout, shots=4000, seed=7)
estimate = qb.estimate_ergotropy(counts, readout=device.readout)
print(f"truth {charged.ergotropy[best]:.4f}")
print(f"estimate {estimate.value:.4f}, 95 % interval [{estimate.low:.4f}, {estimate.high:.4f}]")
print(f"with readout errors left in: {estimate.raw_value:.4f}")
assert estimate.low < charged.ergotropy[best] < estimate.high

# %% [markdown]
# The same job with files, figure and provenance is one command: `qbat run`.
