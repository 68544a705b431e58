"""Direct extraction against closed forms; coverage of its interval and of its guaranteed end."""

from __future__ import annotations

from functools import reduce
from math import exp

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Clifford, Kraus, Statevector

from qbat_circuits.analysis.extraction import METHOD, ONLY_IF_UNITARY, ExtractionScheme
from qbat_circuits.errors import InputError
from qbat_circuits.pair_readout import PairReadoutModel
from qbat_circuits.readout_model import ReadoutModel
from qbat_circuits.sampling.counts import Counts

SCHEME = ExtractionScheme()


def populations(excited):
    """p(b) of independent cells, cell 0 first."""
    return reduce(lambda rest, p: np.kron([1 - p, p], rest), excited, np.ones(1))


def counts_of(table, readout, **fields):
    n = readout.n_cells
    return Counts(n_cells=n, settings=("Z" * n,), table=[table], readout=readout, **fields)


def drawn(excited, readout, shots, rng, known=None):
    """Shots of independent cells that go through a readout; ``known`` is what the counts carry."""
    table = rng.multinomial(shots, readout.apply(populations(excited)))
    return counts_of(table, readout if known is None else known)


def exact(excited, readout, shots=10**6, **fields):
    p = readout.apply(populations(excited))
    return counts_of(np.rint(shots * p).astype(int), readout, **fields)


def calibrated(readout, shots, rng):
    """What a calibration with so many shots says about a readout."""
    columns = np.swapaxes(readout.assignment, 1, 2)
    found = np.swapaxes(rng.multinomial(shots, columns), 1, 2)
    return ReadoutModel.from_calibration_counts(found)


def test_a_pi_pulse_takes_the_whole_quantum_out_of_an_excited_cell():
    """|1> -> |0>: D = 1; all n shots read 1, then 0.

    With 4 shots spread over both readings, p~ = 2/(n + 4) and the standard error of each energy
    is sqrt(p~ (1 - p~) / n).
    """
    ideal = ReadoutModel.ideal(1)
    estimate = SCHEME.estimate(counts_of([0, 100], ideal), counts_of([100, 0], ideal))
    p = 2 / 104
    reach = 1.959963985 * np.sqrt(2 * p * (1 - p) / 100)
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(1 - reach, abs=1e-9)
    assert estimate.plug_in == estimate.raw_value == 1.0
    assert (estimate.energy_before.value, estimate.energy_after.value) == (1.0, 0.0)
    assert estimate.energy == estimate.energy_before
    assert (estimate.method, estimate.is_lower_bound) == (METHOD, True)
    assert estimate.quantity == "the energy that the circuit took out of the cells"
    assert estimate.warnings == (ONLY_IF_UNITARY,)
    assert (estimate.shots, estimate.total_shots) == (100, 200)
    assert 0 < estimate.guaranteed_low < estimate.low
    assert estimate.p_value < 1e-3


def test_a_circuit_that_puts_energy_in_reads_below_zero():
    ideal = ReadoutModel.ideal(2)
    estimate = SCHEME.estimate(exact([0.0, 0.1], ideal), exact([1.0, 0.2], ideal), energies=[2, 3])
    assert estimate.value == pytest.approx(-2 - 0.3, abs=1e-9)
    assert estimate.high < -2.29
    assert -5 <= estimate.guaranteed_low < estimate.low
    assert estimate.p_value == 1.0
    assert any("put energy into the cells" in text for text in estimate.warnings)


def test_nothing_leaves_the_range_of_the_energies():
    ideal = ReadoutModel.ideal(2)
    full, empty = counts_of([0, 0, 0, 5], ideal), counts_of([5, 0, 0, 0], ideal)
    out, into = SCHEME.estimate(full, empty), SCHEME.estimate(empty, full)
    assert (out.value, out.high) == (2.0, 2.0)
    assert (into.value, into.low, into.guaranteed_low) == (-2.0, -2.0, -2.0)
    assert (out.energy_before.high, out.energy_after.low) == (2.0, 0.0)


def test_readout_errors_are_inverted_and_the_raw_drop_stands_beside():
    """Errors a, b scale the contrast of a cell, hence each raw drop, by 1 - a - b."""
    readout = ReadoutModel.from_error_rates([0.02, 0.04], [0.05, 0.08])
    estimate = SCHEME.estimate(exact([0.8, 0.6], readout), exact([0.1, 0.3], readout))
    assert estimate.value == pytest.approx(1.0, abs=1e-5)
    assert estimate.raw_value == pytest.approx(0.7 * 0.93 + 0.3 * 0.88, abs=1e-5)
    assert estimate.readout == readout


def test_other_settings_are_not_used():
    rng = np.random.default_rng(3)
    ideal = ReadoutModel.ideal(2)
    before, after = (drawn(p, ideal, 200, rng) for p in ([0.7, 0.6], [0.2, 0.1]))
    more = Counts(
        n_cells=2,
        settings=("XX", "ZZ"),
        table=np.concatenate([[[50, 0, 0, 50]], before.table]),
        readout=ideal,
    )
    assert SCHEME.estimate(more, after).to_dict() == SCHEME.estimate(before, after).to_dict()


def test_a_common_calibration_is_counted_once_and_with_its_signs():
    """With contrast c = 1 - a - b and raw reading r = a + c p,
    d(p_before - p_after) = -(p_before - p_after) dc / c: for equal energies a common calibration
    says nothing about the drop, two separate ones say twice the variance of one.
    """
    shots, p = 10**6, 0.4
    readout = ReadoutModel.from_error_rates([0.05], [0.05], calibration_shots=500)
    counts = exact([p], readout, shots)
    known = exact([p], ReadoutModel.from_error_rates([0.05], [0.05]), shots)
    other = ReadoutModel(readout.assignment, readout.calibration_shots, "another day")
    common = SCHEME.estimate(counts, counts)
    without = SCHEME.estimate(known, known)
    separate = SCHEME.estimate(counts, exact([p], other, shots))
    assert common.high == pytest.approx(without.high, rel=1e-6)

    # (1 - p)^2 Var(a) + p^2 Var(b), over c^2, for each; 4 shots spread as everywhere
    def var(q):
        q = (500 * q + 2) / 504
        return q * (1 - q) / 500

    variance = 2 * ((1 - p) ** 2 + p**2) * var(0.05) / 0.9**2
    variance += (common.high / 1.959963985) ** 2
    assert separate.high == pytest.approx(1.959963985 * variance**0.5, rel=1e-3)
    assert separate.guaranteed_low < common.guaranteed_low


def test_each_may_have_a_readout_of_its_own():
    first = ReadoutModel.from_error_rates([0.01], [0.03])
    second = ReadoutModel.from_error_rates([0.06], [0.10])
    estimate = SCHEME.estimate(exact([0.9], first), exact([0.2], second))
    assert estimate.value == pytest.approx(0.7, abs=1e-5)
    assert estimate.energy_before.value == pytest.approx(0.9, abs=1e-5)
    assert estimate.energy_after.value == pytest.approx(0.2, abs=1e-5)
    given = SCHEME.estimate(exact([0.9], first), exact([0.2], second), readout=first)
    assert given.energy_after.value != pytest.approx(0.2, abs=1e-2)


def test_relaxation_alone_reads_as_work_and_the_idle_shows_it():
    """A circuit that does nothing for t = T1/2 on cells of population p: D = N p (1 - exp(-1/2)).

    A half-way exchange (partial SWAP) with an empty ancilla does the same without any T1. The
    idle loses as much, so nothing is left net of it.
    """
    rng = np.random.default_rng(5)
    ideal = ReadoutModel.ideal(2)
    kept = exp(-0.5)
    before, after, idle = (
        drawn([0.6 * left] * 2, ideal, 20_000, rng) for left in (1.0, kept, kept)
    )
    estimate = SCHEME.estimate(before, after, idle=idle)
    lost = 1.2 * (1 - kept)
    assert estimate.low > 0.4  # reads as work, significantly
    assert estimate.low <= lost <= estimate.high
    assert estimate.lost_idling.low <= lost <= estimate.lost_idling.high
    assert estimate.net_of_idle.low <= 0 <= estimate.net_of_idle.high
    assert estimate.energy_idle.value == pytest.approx(1.2 * kept, abs=0.02)
    assert estimate.total_shots == 60_000
    assert ONLY_IF_UNITARY in estimate.warnings
    assert any("Idling for as long took out 0.4" in text for text in estimate.warnings)
    alone = SCHEME.estimate(before, after)
    assert (alone.value, alone.low, alone.guaranteed_low) == pytest.approx(
        (estimate.value, estimate.low, estimate.guaranteed_low)
    )
    assert alone.energy_idle is alone.lost_idling is alone.net_of_idle is None


READOUTS = {
    "exact": (ReadoutModel.from_error_rates([0.02, 0.03], [0.05, 0.04]), None),
    "calibrated": (ReadoutModel.from_error_rates([0.02, 0.03], [0.05, 0.04]), 300),
}


@pytest.mark.parametrize("shots", [20, 300, 3000])
@pytest.mark.parametrize("known", READOUTS)
@pytest.mark.parametrize(
    ("before", "after"),
    [((0.9, 0.7), (0.1, 0.2)), ((1 / 3, 1 / 3), (1 / 3, 1 / 3))],
    ids=["extraction", "nothing taken"],
)
def test_the_interval_covers_the_drop(before, after, known, shots):
    """>= 93 % of 95 %; the guaranteed end holds, and p <= .05 is rare where nothing is taken."""
    readout, calibration = READOUTS[known]
    rng = np.random.default_rng(shots)
    truth = sum(before) - sum(after)
    runs = []
    for _ in range(400):
        model = readout if calibration is None else calibrated(readout, calibration, rng)
        pair = (drawn(p, readout, shots, rng, model) for p in (before, after))
        runs.append(SCHEME.estimate(*pair))
    covered = np.mean([run.low <= truth <= run.high for run in runs])
    assert 0.93 <= covered < 0.999
    assert np.mean([run.guaranteed_low > truth for run in runs]) <= 0.05
    if truth == 0:
        assert np.mean([run.p_value <= 0.05 for run in runs]) <= 0.05
    if truth > 1 and shots >= 300:
        assert np.mean([run.p_value <= 0.05 for run in runs]) == 1.0


def test_the_circuits_read_the_energy_before_and_after():
    """A pi pulse on an excited cell, next to an exchange of |01> and |10>."""
    prepare = QuantumCircuit(2)
    prepare.x(0)
    extraction = QuantumCircuit(2)
    extraction.x(0)
    before, after = SCHEME.circuits(2, prepare, extraction)
    assert (before.name, after.name) == ("before", "after")
    assert after.metadata == {"setting": "ZZ", "state": "after"}
    assert before.num_clbits == after.num_clbits == 2
    states = [
        Statevector(circuit.remove_final_measurements(inplace=False)).probabilities()
        for circuit in (before, after)
    ]
    np.testing.assert_allclose(states, [[0, 1, 0, 0], [1, 0, 0, 0]], atol=1e-12)
    assert prepare.count_ops() == {"x": 1}  # a copy was changed, not the argument
    assert after.count_ops()["barrier"] == 2  # preparation | extraction | measurement
    assert SCHEME.cost(2, 1000, shot_s=1e-4) == SCHEME.cost(7, 1000, shot_s=1e-4)
    assert SCHEME.cost(2, 1000).circuits == 2
    assert SCHEME.cost(2, 1000, shot_s=1e-4).seconds == pytest.approx(0.2)


def test_the_idle_waits_for_as_long_as_the_circuit():
    scheme = ExtractionScheme(idle_s=3e-7)
    extraction = QuantumCircuit(2)
    extraction.cx(0, 1)
    before, after, idle = scheme.circuits(2, None, extraction)
    delays = [i.operation for i in idle.data if i.operation.name == "delay"]
    assert [(d.duration, d.unit) for d in delays] == [(3e-7, "s")] * 2
    assert idle.metadata == {"setting": "ZZ", "state": "idle"}
    assert "cx" in after.count_ops()
    assert "cx" not in {**before.count_ops(), **idle.count_ops()}
    assert scheme.cost(2, 1000).circuits == 3


def test_three_readings_report_the_leakage_of_both():
    """A leaked cell counts as one without energy: 80 of 100 shots in |1>, then 10."""
    ideal = ReadoutModel.ideal(1, 3)
    before = Counts(1, ("Z",), [[100, 800, 100]], readout=ideal, outcomes=3)
    after = Counts(1, ("Z",), [[880, 100, 20]], readout=ideal, outcomes=3)
    estimate = SCHEME.estimate(before, after)
    assert estimate.value == pytest.approx(0.7)
    assert estimate.leakage[0].value == pytest.approx(0.02)
    assert estimate.leakage_before[0].value == pytest.approx(0.1)


IDEAL = ReadoutModel.ideal(1)
GOOD = counts_of([50, 50], IDEAL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"before": "ZZ"}, "'before' must be Counts (see Counts.load), not 'ZZ'."),
        ({"after": None}, "'after' must be Counts (see Counts.load), not None."),
        ({"idle": 3}, "'idle' must be Counts (see Counts.load), not 3."),
        (
            {"after": counts_of([1, 1, 1, 1], ReadoutModel.ideal(2))},
            "'after' must be of 1 cells like 'before', not 2.",
        ),
        (
            {"after": Counts(1, ("X",), [[5, 5]], readout=IDEAL)},
            "'after' must hold the setting Z, which reads the energy.",
        ),
        (
            {"before": counts_of([1, 0], IDEAL)},
            "'shots of Z before' must be >= 2, because fewer have no variance, not 1.",
        ),
        ({"confidence": 1.5}, "'confidence' must be a finite number > 0 and < 1, not 1.5."),
        ({"energies": [1, 1]}, "'energies' must hold one number per cell (1), not 2."),
        ({"seed": -1}, "'seed' must be a whole number >= 0, not -1."),
        (
            {"after": Counts(1, ("Z",), [[5, 5]])},
            "'readout' must be given because the counts carry none "
            "(ReadoutModel.ideal(1) for a readout without errors).",
        ),
        (
            {"readout": ReadoutModel.from_error_rates([0.1], [0.1], calibration_shots=20)},
            "'calibration_shots' must be >= 100 for an interval, not 20 (cell 0).",
        ),
    ],
)
def test_bad_counts_are_refused_in_one_sentence(arguments, message):
    with pytest.raises(InputError) as caught:
        SCHEME.estimate(**{"before": GOOD, "after": GOOD, **arguments})
    assert str(caught.value) == message


def measured():
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    return circuit


def resetting():
    circuit = QuantumCircuit(1)
    circuit.reset(0)
    return circuit


def wrapped(inner):
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_instruction(), [0])
    return circuit


def looped(body):
    circuit = QuantumCircuit(1)
    circuit.for_loop(range(2), None, body, [0], [])
    return circuit


def damping():
    circuit = QuantumCircuit(1)
    circuit.append(Kraus([np.diag([1, 0.8]), [[0, 0.6], [0, 0]]]).to_instruction(), [0])
    return circuit


def pulsed():
    circuit = QuantumCircuit(1)
    circuit.ry(0.3, 0)
    circuit.barrier()
    circuit.delay(100, 0, unit="ns")
    circuit.unitary(np.eye(2)[::-1], [0])
    circuit.append(Clifford.from_label("H"), [0])
    return circuit


@pytest.mark.parametrize("extraction", [pulsed(), wrapped(pulsed()), looped(pulsed())])
def test_gates_and_waits_at_any_depth_are_unitary(extraction):
    assert len(SCHEME.circuits(1, None, extraction)) == 2


@pytest.mark.parametrize(("idle_s", "number"), [(None, 2), (1e-6, 3)])
def test_shots_are_dealt_to_the_circuits_by_name(idle_s, number):
    scheme = ExtractionScheme(idle_s=idle_s)
    shots = scheme.shots(2, 3001)
    built = scheme.circuits(2, None, QuantumCircuit(2))
    assert list(shots) == [circuit.name for circuit in built]
    assert set(shots.values()) == {round(3001 / number)}
    assert scheme.cost(2, shots["before"]).shots == sum(shots.values())
    assert set(scheme.shots(2, 1).values()) == {2}  # fewer have no variance
    with pytest.raises(InputError, match="'total' must be a whole number >= 1, not 0"):
        scheme.shots(2, 0)


@pytest.mark.parametrize(
    ("extraction", "message"),
    [
        ("x", "'extraction' must be a QuantumCircuit, not 'x'."),
        (QuantumCircuit(2), "'extraction' must have one qubit for each of the 1 cells, not 2."),
        (measured(), "'extraction' must be unitary, but it holds 'measure'."),
        (resetting(), "'extraction' must be unitary, but it holds 'reset'."),
        (wrapped(wrapped(resetting())), "'extraction' must be unitary, but it holds 'reset'."),
        (looped(resetting()), "'extraction' must be unitary, but it holds 'reset'."),
        (damping(), "'extraction' must be unitary, but it holds 'kraus'."),
        (wrapped(damping()), "'extraction' must be unitary, but it holds 'kraus'."),
        (
            QuantumCircuit(1, 1),
            "'extraction' must be unitary without classical bits, not 1.",
        ),
    ],
)
def test_bad_circuits_are_refused_in_one_sentence(extraction, message):
    with pytest.raises(InputError) as caught:
        SCHEME.circuits(1, None, extraction)
    assert str(caught.value) == message


def test_a_duration_must_be_above_zero():
    with pytest.raises(InputError, match="'idle_s' must be a finite number > 0, not 0"):
        ExtractionScheme(idle_s=0)


def test_few_shots_and_mixed_origins_are_said():
    estimate = SCHEME.estimate(
        counts_of([3, 7], IDEAL, origin="emulated"), counts_of([700, 300], IDEAL)
    )
    assert estimate.origin == "emulated / lab"
    assert estimate.shots == 10
    assert any(text.startswith("A setting has 10 shots") for text in estimate.warnings)
    assert estimate.to_dict()["energy_idle"] is None
    assert estimate.to_dict()["energy_after"]["value"] == 0.3


def test_a_readout_of_pairs_is_inverted():
    """Correlated errors of two cells: p(00 | 11) = .1 where each alone would have .01."""
    matrix = np.eye(4)
    matrix[:, 3] = [0.1, 0.0, 0.0, 0.9]
    pair = PairReadoutModel(((0, 1),), (matrix,))
    before = counts_of([10_000, 0, 0, 90_000], ReadoutModel.ideal(2))
    after = counts_of([100_000, 0, 0, 0], ReadoutModel.ideal(2))
    estimate = SCHEME.estimate(before, after, readout=pair)
    assert estimate.value == pytest.approx(2.0, abs=1e-9)
    assert estimate.raw_value == pytest.approx(1.8, abs=1e-9)
