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
# # 2. From laboratory counts to a published number
#
# *3 minutes. Previous: 1. First charge. Next: 3. What the abstract claims.*
#
# You learn to get from circuits to a sentence for a paper: a value, an interval that covers the
# truth as often as it says, and the answer to "is there any work at all?".
#
# A laboratory has charged two cells and wants to say how much work is in them. Nobody sees a state;
# there are counts, and a readout that errs.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import StatePreparation
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_aer.primitives import SamplerV2

import qbat_circuits as qb

# %% [markdown]
# ## The experiment, without a density matrix
# `prepare` is whatever the laboratory does to charge its cells. Here two more qubits stand in for
# the bath: they hold the other half of an entangled state, so that the cells on qubits 0 and 1 are
# charged by one thermal photon: $\frac47 |gg\rangle$, $\frac27 |S\rangle$, $\frac17 |ee\rangle$.

# %%
amplitudes = np.zeros(16)
amplitudes[0b0000] = np.sqrt(4 / 7)
amplitudes[[0b0101, 0b0110]] = np.sqrt(1 / 7)  # bath 01, cells 01 and 10
amplitudes[0b1011] = np.sqrt(1 / 7)
prepare = QuantumCircuit(4)
prepare.append(StatePreparation(amplitudes), range(4))

circuits = qb.tomography_circuits(2, prepare)
calibration = qb.readout_calibration_circuits(2)
print(f"{len(circuits)} settings: {', '.join(c.name for c in circuits)}")
print(f"{len(calibration)} circuits for the readout: {', '.join(c.name for c in calibration)}")
print(qb.to_openqasm3(qb.tomography_circuits(2)[1]))

# %% [markdown]
# Any laboratory can run that. Ours is Aer with readout errors that the analysis is not told.

# %%
noise = NoiseModel()
for qubit, (p10, p01) in enumerate([(0.012, 0.034), (0.020, 0.041)]):
    noise.add_readout_error(ReadoutError([[1 - p10, p10], [p01, 1 - p01]]), [qubit])
laboratory = SamplerV2(
    options={"backend_options": {"noise_model": noise, "basis_gates": None}}, seed=2
)
data = laboratory.run([c.decompose(reps=6) for c in circuits], shots=4000).result()
calibrated = laboratory.run(calibration, shots=2000).result()

# %% [markdown]
# ## Counts come in
# A `PrimitiveResult` says itself which setting each circuit was. Plain dictionaries and files do
# as well (docs/counts-file.md); the order of bits is asked for, never guessed.

# %%
readout = qb.readout_from_primitive_result(calibrated)
counts = qb.counts_from_primitive_result(data, readout=readout)
for cell, matrix in enumerate(readout.assignment):
    print(f"cell {cell}: P(1|0) = {matrix[1, 0]:.4f}, P(0|1) = {matrix[0, 1]:.4f}")
with tempfile.TemporaryDirectory() as folder:
    counts.save(Path(folder) / "counts.json")  # qbat estimate counts.json reads it
    assert qb.load_counts(Path(folder) / "counts.json").readout == readout

# %% [markdown]
# ## The estimate
# The interval carries the noise of the shots and that of the 2000 calibration shots. Beside it
# stand the value without mitigation, the biased plug-in, and a lower end that needs no normal
# approximation.

# %%
estimate = qb.estimate_ergotropy(counts)
print(json.dumps({k: v for k, v in estimate.to_dict().items() if k != "readout"}, indent=1))
assert estimate.low < 1 / 7 < estimate.high
assert estimate.raw_value < estimate.value
assert estimate.p_value < 1e-3

# %% [markdown]
# **The sentence.** The extractable work is what the next line prints.

# %%
print(
    f"W = {estimate.value:.3f} (95 % interval {estimate.low:.3f} to {estimate.high:.3f}) "
    f"quanta, W > 0 with p = {estimate.p_value:.0e}; {estimate.total_shots} shots, readout "
    f"inverted with {readout.calibration_shots.min()} calibration shots a level."
)

# %% [markdown]
# ## What not to publish
# The plug-in of a state without work is not 0, and resampling it does not help: its percentile
# interval misses the truth. Ours does not.

# %%
passive = qb.sample_counts(np.diag([4, 2, 2, 1]) / 9, readout, shots=1000, seed=5)
resampled = qb.resample_plug_in(passive, resamples=1000, seed=1)
low, high = np.quantile(resampled.work, [0.025, 0.975])
honest = qb.estimate_ergotropy(passive)
print(f"truth 0; bootstrap [{low:.4f}, {high:.4f}]; interval [{honest.low}, {honest.high:.4f}]")
assert low > 0
assert honest.low == 0

# %% [markdown]
# ## A third of the settings
# Cells on one bath are in a state that looks the same after exchanging them. Then the populations
# of total spin hold the work, and XX, YY, ZZ suffice, with XY and YX to test that symmetry.

# %%
scheme = qb.DickeScheme()
few = scheme.estimate(counts)  # takes its settings out of the nine
print(f"{few.quantity}: {few.value:.3f} [{few.low:.3f}, {few.high:.3f}]")
print(f"settings {', '.join(scheme.settings(2))}; symmetry p = {few.symmetry.p_value:.2f}")
assert few.low < 1 / 7 < few.high
