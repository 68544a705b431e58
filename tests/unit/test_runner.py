"""Runs on every kind of machine, and what is left of them after failures and crashes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_store import Store, StoredJob, StoreSampler
from qiskit import ClassicalRegister, QuantumCircuit, transpile
from qiskit.primitives import BackendSamplerV2, StatevectorSampler
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2 as AerSampler
from qiskit_ibm_runtime import IBMBackend, QiskitRuntimeService
from qiskit_ibm_runtime.executor_sampler import Sampler as RuntimeSampler
from qiskit_ibm_runtime.fake_provider import FakeBrisbane, FakeFez, FakeManilaV2, FakeSherbrooke

import qbat_circuits as qb
from qbat_circuits.errors import InputError
from qbat_circuits.sampling import pubs as pubs_module
from qbat_circuits.sampling.runner import CircuitRun, resume_run, submit_circuits

AER = AerSimulator()


def collisions(labels: list[str] | None = None, ancilla: str = "measured") -> list[QuantumCircuit]:
    """Two cells after two collisions, measured."""
    circuit = qb.collision_circuit(2, 1.0, 0.8, 2, ancilla=ancilla)
    return transpile(qb.tomography_circuits(2, prepare=circuit, scheme=labels), AER)


def bell(name: str = "bell") -> QuantumCircuit:
    circuit = QuantumCircuit(2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def journal(run: CircuitRun) -> dict[str, Any]:
    return json.loads((run.folder / "run.json").read_text())


# Machines


@pytest.mark.parametrize(("where", "seed"), [(AER, 3), (AerSampler(seed=3), None)])
def test_noiseless_counts_are_those_of_the_channel(
    where: Any, seed: int | None, tmp_path: Path
) -> None:
    run = submit_circuits(collisions(), where, 4000, tmp_path / "run", seed=seed).wait()
    counts = run.counts()
    assert run.failed == ()
    assert counts.settings == qb.pauli_settings(2)
    assert (counts.shots == 4000).all()
    assert (counts.origin, counts.seed) == ("aer_simulator", seed)
    exact = qb.collision_states(2, 1.0, 0.8, 2)[-1]
    estimate = qb.estimate_ergotropy(counts, readout=qb.ReadoutModel.ideal(2))
    assert estimate.low <= qb.ergotropy(exact) <= estimate.high
    np.testing.assert_allclose(
        counts.select(["ZZ"]).table[0] / 4000, np.diag(exact).real, rtol=0, atol=0.04
    )


def test_a_backend_gives_what_qiskits_own_wrapper_gives(tmp_path: Path) -> None:
    """Registers, sets of parameters and seeds, against BackendSamplerV2."""
    ensemble = qb.collision_circuit(2, 1.0, 0.8, 2, ancilla="random-x", randomizations=5, seed=1)
    drawn = transpile(qb.tomography_circuits(2, ensemble.template, ["ZZ", "XY"]), AER)
    pubs = [*ensemble.pubs(drawn, shots=50), (collisions(["YY"])[0], None, 50)]
    run = submit_circuits(pubs, AER, 1, tmp_path / "run", seed=5).wait()
    seed = run.jobs[0].seed
    wrapped = BackendSamplerV2(backend=AER, options={"seed_simulator": seed}).run(pubs).result()
    draws = run.draws()
    for name, one in zip(("ZZ", "XY", "YY"), wrapped, strict=True):
        bits = one.data.meas
        rows = [bits.get_int_counts(index) for index in np.ndindex(bits.shape)]
        assert draws[name].shape == (len(rows), 4)
        assert [[row.get(b, 0) for b in range(4)] for row in rows] == draws[name].tolist()
        assert sum(run.results()[name].values()) == 50 * len(rows)


@pytest.mark.parametrize("fake", [FakeBrisbane, FakeSherbrooke, FakeFez])
def test_fake_chips_run_the_circuits(fake: Any, tmp_path: Path) -> None:
    backend = fake()
    if fake is FakeFez:
        backend.sim = AerSimulator()  # its noise model alone takes 15 s
    circuits = qb.tomography_circuits(2, qb.collision_circuit(2, 1.0, 0.8, 1), ["ZZ"])
    made = transpile(circuits, backend, initial_layout=[0, 2, 1], optimization_level=1)
    run = submit_circuits(made, backend, 300, tmp_path / "run", seed=5).wait()
    assert run.failed == ()
    assert (run.counts().origin, int(run.counts().shots[0])) == (backend.name, 300)
    assert [job.local for job in run.jobs] == [True]


def test_a_calibration_is_a_machine_too(tmp_path: Path) -> None:
    emulator = qb.chip_emulator(qb.ChipNoise(qb.load_calibration("fez")), (0, 1, 2))
    circuits = qb.tomography_circuits(2, qb.collision_circuit(2, 1.0, 0.8, 1), ["ZZ"])
    options = {"scheduling_method": "alap", "optimization_level": 1}
    made = transpile(circuits, emulator, initial_layout=[0, 2, 1], **options)
    run = submit_circuits(made, emulator, 500, tmp_path / "run", seed=1).wait()
    assert run.failed == ()
    assert int(run.counts().shots[0]) == 500
    far = QuantumCircuit(3, 1, name="far")
    far.cz(0, 2)
    with pytest.raises(InputError, match="'far' needs a gate between 0 and 2"):
        submit_circuits([far], emulator, 500, tmp_path / "far")


def test_ibms_sampler_runs_with_its_own_options(tmp_path: Path) -> None:
    backend = FakeManilaV2()
    sampler = RuntimeSampler(mode=backend)
    made = transpile(bell(), backend, optimization_level=0)
    run = submit_circuits([made], sampler, 400, tmp_path / "run").wait()
    assert run.failed == ()
    row = run.results()["bell"]
    assert sum(row.values()) == 400
    assert row["00"] + row["11"] > 300
    assert run.jobs[0].where == "fake_manila"
    with pytest.raises(InputError, match="transpile the circuits first"):
        submit_circuits([bell()], sampler, 400, tmp_path / "other")


def test_ibms_machines_take_jobs_through_ibms_sampler(tmp_path: Path) -> None:
    """IBM's own backend and sampler; a stand-in takes the place of the service behind them."""
    fake = FakeSherbrooke()
    made = transpile(bell(), fake, optimization_level=0)

    class Client:
        def backend_properties(self, *_: Any, **__: Any) -> None:
            return None

    class Service(QiskitRuntimeService, Store):
        def __new__(cls, folder: Path) -> Service:
            return object.__new__(cls)

        def __init__(self, folder: Path) -> None:
            self.folder, self.programs = folder, []

        def _run(self, program_id: str, **_: Any) -> StoredJob:
            self.programs.append(program_id)
            return StoreSampler(self.folder).run([made], shots=100)

        job = Store.job

    (tmp_path / "store").mkdir()
    service = Service(tmp_path / "store")
    live = IBMBackend(fake.configuration(), service=service, api_client=Client(), instance="any")
    with pytest.raises(InputError, match="'seed' must be left out"):
        submit_circuits([made], live, 100, tmp_path / "run", seed=1)
    run = submit_circuits([made], live, 100, tmp_path / "run")
    assert len(service.programs) == 1
    assert [(j.status, j.id, j.local) for j in run.jobs] == [("submitted", "stored-0", False)]
    assert set(resume_run(tmp_path / "run", live).wait().results()["bell"]) == {"00", "11"}


# Jobs


def test_jobs_are_recorded_before_they_are_waited_for(tmp_path: Path) -> None:
    folder, seen = tmp_path / "run", []

    class Watching(StatevectorSampler):
        def run(self, pubs: Any, *, shots: int | None = None) -> Any:
            seen.append(
                [job["status"] for job in json.loads((folder / "run.json").read_text())["jobs"]]
            )
            return super().run(pubs, shots=shots)

    sampler = Watching(seed=1)
    run = submit_circuits([bell("a"), bell("b")], sampler, 50, folder, circuits_per_job=1)
    first = journal(run)["jobs"][0]
    assert (first["status"], first["id"]) == ("submitted", run.jobs[0].id)
    assert first["id"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "circuits.qpy",
        "parameters.npz",
        "run.json",
    ]
    run.wait()
    # What runs in this process runs one after the other.
    assert seen == [["submitting", "planned"], ["done", "submitting"]]
    kept = journal(run)
    assert [job["status"] for job in kept["jobs"]] == ["done", "done"]
    assert (kept["format"], kept["version"], kept["shots"]) == ("qbat-run", 1, [50, 50])
    assert set(kept["versions"]) == {"qbat-circuits", "qiskit"}
    assert resume_run(folder).results() == run.results()


def test_a_job_holds_equal_shots_and_no_more_than_it_may(tmp_path: Path) -> None:
    names = "abcde"
    pubs = [(bell(name), None, 20 if name == "c" else 10) for name in names]
    run = submit_circuits(pubs, AER, 1, tmp_path / "run", circuits_per_job=3).wait()
    assert [job.pubs for job in run.jobs] == [(0, 1, 3), (4,), (2,)]
    assert [sum(row.values()) for row in run.results().values()] == [10, 10, 20, 10, 10]
    assert list(run.results()) == list(names)
    pub = pubs_module.checked_pubs([bell("a")], 10)[0]
    assert pubs_module.parts([pub] * 5, 100, 2) == [(0, 1), (2, 3), (4,)]


def test_equal_seeds_give_equal_counts_and_jobs_differ(tmp_path: Path) -> None:
    circuits = [bell("a"), bell("b")]
    rows = []
    for folder, seed in (("one", 4), ("two", 4), ("three", 5)):
        run = submit_circuits(circuits, AER, 999, tmp_path / folder, seed=seed, circuits_per_job=1)
        rows.append(run.wait().results())
    assert rows[0] == rows[1] != rows[2]
    assert rows[0]["a"] != rows[0]["b"]


# Failures


def test_a_job_that_fails_loses_nothing_else(tmp_path: Path) -> None:
    """Qiskit's own state vectors go on with no measured qubit, and say so only in the job."""
    circuits = [bell("first"), *collisions(["ZZ"]), bell("last")]
    sampler = StatevectorSampler(seed=1)
    run = submit_circuits(circuits, sampler, 20, tmp_path / "run", circuits_per_job=1).wait()
    assert [job.status for job in run.jobs] == ["done", "failed", "done"]
    assert len(run.failed) == 1
    assert re.fullmatch(r"Job 1 \(.+\): QiskitError: .*mid-circuit measurement.*\.", run.failed[0])
    before = run.results()
    assert set(before) == {"first", "last"}
    with pytest.raises(InputError, match=r"^1 of 3 circuits .* is 'ZZ': Job 1 .*: QiskitError"):
        run.counts()
    later = resume_run(tmp_path / "run").retry(AER).wait()
    assert later.failed == ()
    assert [job.pubs for job in later.jobs] == [(0,), (1,), (2,), (1,)]
    assert {name: later.results()[name] for name in before} == before
    assert sum(later.results()["ZZ"].values()) == 20
    assert len(later.retry(AER).wait().jobs) == 4  # nothing is run twice


def test_a_submission_that_fails_loses_nothing_else(tmp_path: Path) -> None:
    class Unreachable(StatevectorSampler):
        def run(self, pubs: Any, *, shots: int | None = None) -> Any:
            if pubs[0].circuit.name == "b":
                raise ConnectionError("no line to\nthe machine.")
            return super().run(pubs, shots=shots)

    circuits = [bell(name) for name in "abc"]
    sampler = Unreachable(seed=1)
    run = submit_circuits(circuits, sampler, 20, tmp_path / "run", circuits_per_job=1).wait()
    assert run.failed == ("Job 1 (without id): ConnectionError: no line to the machine.",)
    assert set(run.results()) == {"a", "c"}
    assert set(run.retry(StatevectorSampler()).wait().results()) == {"a", "b", "c"}


def test_half_a_job_is_kept(tmp_path: Path) -> None:
    """Aer itself runs out of the memory that it is given for the second circuit."""
    big = QuantumCircuit(22, name="big")
    big.h(range(22))
    big.t(range(22))
    big.measure_all()
    small = AerSimulator(method="statevector", max_memory_mb=16)
    run = submit_circuits([bell(), big], small, 20, tmp_path / "run", seed=1).wait()
    assert set(run.results()) == {"bell"}
    assert re.search("'big' was not measured: ERROR: Insufficient memory", run.failed[0])
    later = resume_run(run.folder)
    assert later.results() == run.results()
    later.retry(AerSimulator(method="matrix_product_state")).wait()
    assert [job.pubs for job in later.jobs] == [(0, 1), (1,)]
    assert later.jobs[0].seed != later.jobs[1].seed  # that of "bell", which has its counts
    assert sum(later.results()["big"].values()) == 20
    assert later.results()["bell"] == run.results()["bell"]


# Crashes

CRASH = """
import sys
from pathlib import Path
from job_store import StoreSampler
from test_runner import bell
from qbat_circuits.sampling.runner import submit_circuits

sampler = StoreSampler(Path(sys.argv[1]), dies_at=1)
submit_circuits([bell(n) for n in "abc"], sampler, 300, sys.argv[2], circuits_per_job=1)
"""


def test_after_a_kill_jobs_are_fetched_by_their_ids(tmp_path: Path) -> None:
    store, folder, tests = tmp_path / "store", tmp_path / "run", Path(__file__).parents[1]
    store.mkdir()
    script = f"import sys; sys.path[:0] = [{str(tests)!r}, {str(tests / 'unit')!r}]\n{CRASH}"
    command = [sys.executable, "-c", script, str(store), str(folder)]
    assert subprocess.run(command, timeout=60).returncode == -signal.SIGKILL

    run = resume_run(folder)
    assert [job.id for job in run.jobs] == ["stored-0", None, None]
    assert "is out, its id is not known" in run.failed[0]
    assert "ended before it was submitted" in run.failed[1]
    nobody = resume_run(folder).wait()
    assert nobody.results() == {}
    assert nobody.failed[0].startswith("Job 0 (stored-0): It is out on StoreSampler, but nothing")

    for where in (Store(store).job, Store(store)):  # a function, a service
        run = resume_run(folder, where).wait()
        assert run.jobs[0].status == "done"
    assert sum(run.results()["a"].values()) == 300
    run.retry(StatevectorSampler(seed=1)).wait()
    assert run.failed == ()
    assert list(resume_run(folder).results()) == ["a", "b", "c"]


def test_a_broken_line_is_no_failed_job(tmp_path: Path) -> None:
    """What is out is not run a second time, unless the caller gives it up."""
    store = tmp_path / "store"
    store.mkdir()
    first = submit_circuits([bell()], StoreSampler(store), 10, tmp_path / "run")
    (store / "stored-0").rename(store / "hidden")
    first.wait()  # the handle is there, its result cannot be reached
    assert first.jobs[0].status == "submitted"
    assert "FileNotFoundError" in first.failed[0]
    run = resume_run(tmp_path / "run", Store(store)).wait()
    assert run.failed == ("Job 0 (stored-0): ConnectionError: no line to the store.",)
    assert len(run.retry(AER).wait().jobs) == 1
    (store / "hidden").rename(store / "stored-0")
    assert resume_run(tmp_path / "run", Store(store)).wait().failed == ()

    submit_circuits([bell()], StoreSampler(store), 10, tmp_path / "lost")
    run = resume_run(tmp_path / "lost").wait().retry(AER, give_up=True).wait()
    assert [job.status for job in run.jobs] == ["failed", "done"]
    assert run.failed == ()


def test_a_job_that_failed_far_away_is_over(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    submit_circuits([bell()], StoreSampler(tmp_path / "store"), 10, tmp_path / "run")
    (tmp_path / "store" / "stored-0").write_bytes(b"")
    run = resume_run(tmp_path / "run", Store(tmp_path / "store")).wait()
    assert run.failed == ("Job 0 (stored-0): RuntimeError: the fridge is warm.",)
    for where in (StoreSampler(tmp_path / "store"), AER):  # the second time it is out already
        assert len(run.retry(where).jobs) == 2
    assert sum(run.wait().results()["bell"].values()) == 10
    assert run.failed == ()


def test_a_simulators_jobs_end_with_their_process(tmp_path: Path) -> None:
    whole = submit_circuits([bell("a"), bell("b")], AER, 99, tmp_path / "whole", seed=2)
    expected = whole.wait().results()
    submit_circuits([bell("a"), bell("b")], AER, 99, tmp_path / "run", seed=2, circuits_per_job=100)
    run = resume_run(tmp_path / "run").wait()
    assert "It ended with the process that ran it" in run.failed[0]
    assert run.retry(AER).wait().results() == expected


def test_an_interrupted_wait_can_go_on(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()

    class Interrupted(StoredJob):
        def result(self) -> Any:
            raise KeyboardInterrupt

    class Sampler(StoreSampler):
        def run(self, pubs: Any, *, shots: int | None = None) -> Any:
            return Interrupted(super().run(pubs, shots=shots).path)

    run = submit_circuits([bell()], Sampler(tmp_path / "store"), 5, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    later = resume_run(tmp_path / "run", Store(tmp_path / "store")).wait()
    assert sum(later.results()["bell"].values()) == 5


def test_an_interrupted_submission_can_go_on(tmp_path: Path) -> None:
    class Sampler(StatevectorSampler):
        def run(self, pubs: Any, *, shots: int | None = None) -> Any:
            raise KeyboardInterrupt

    submit_circuits([bell("a")], AER, 5, tmp_path / "run")
    run = resume_run(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run.retry(Sampler())
    assert run.retry(AER).wait().failed == ()
    assert sum(run.results()["a"].values()) == 5


# What comes out


def test_readout_circuits_of_the_same_run_make_the_readout(tmp_path: Path) -> None:
    circuits = [*collisions(["XX", "ZZ"]), *qb.readout_calibration_circuits(2)]
    counts = submit_circuits(circuits, AER, 200, tmp_path / "run").wait().counts()
    assert counts.settings == ("XX", "ZZ")
    np.testing.assert_array_equal(counts.readout.assignment, [np.eye(2)] * 2)
    assert counts.readout.calibrated_at == counts.measured_at


def test_draws_stay_apart_through_the_folder(tmp_path: Path) -> None:
    ensemble = qb.collision_circuit(2, 1.0, 0.8, 2, ancilla="random-x", randomizations=6, seed=1)
    circuits = transpile(qb.tomography_circuits(2, ensemble.template, ["ZZ", "XX"]), AER)
    run = submit_circuits(ensemble.pubs(circuits, shots=7), AER, 1, tmp_path / "run", seed=3)
    lost = resume_run(tmp_path / "run").retry(AER).wait()
    run.wait()
    for name, table in run.draws().items():
        np.testing.assert_array_equal(table, lost.draws()[name])
    with pytest.raises(InputError, match=r"'ZZ' was measured 6 times: use counts\(draws=True\)"):
        run.counts()
    counts = run.counts(draws=True)
    np.testing.assert_array_equal(counts.draws, list(run.draws().values()))
    np.testing.assert_array_equal(counts.table, counts.draws.sum(axis=1))


def test_circuits_without_a_setting_have_results_only(tmp_path: Path) -> None:
    run = submit_circuits([bell()], AER, 5, tmp_path / "run")
    with pytest.raises(InputError, match=r"1 of 1 circuits .*: wait for them\."):
        run.counts()
    with pytest.raises(InputError, match="'bell' has neither 'setting' nor 'prepared'"):
        run.wait().counts()


# Refusals


def two_registers() -> QuantumCircuit:
    circuit = QuantumCircuit(1, name="two")
    circuit.add_register(ClassicalRegister(1, "a"), ClassicalRegister(1, "b"))
    return circuit


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"circuits": []}, "'circuits' must hold at least one circuit."),
        ({"circuits": "XX"}, "'circuits' must be a list of circuits"),
        ({"circuits": [3]}, "'circuits' must be circuits or sampler pubs"),
        ({"circuits": [QuantumCircuit(1, name="c")]}, "'c' must have a classical register"),
        ({"circuits": [two_registers()]}, "'two' must measure into 'meas'"),
        ({"circuits": [bell(), bell()]}, "different names, but 'bell' stands twice"),
        ({"circuits": [QuantumCircuit(31, 31)], "shots": 10**7}, "might not fit into a file"),
        ({"where": 3}, "'where' must be a SamplerV2 or a BackendV2, not 3."),
        ({"where": FakeFez()}, "'h' on 0, which is no operation of fake_fez there: transpile"),
        ({"where": StatevectorSampler(), "seed": 1}, "'seed' must be left out for a sampler"),
        ({"shots": 0}, "'shots' must be"),
        ({"seed": -1}, "'seed' must be"),
        ({"circuits_per_job": 0}, "'circuits_per_job' must be"),
        ({"folder": 3}, "'folder' must be a path, not 3."),
        ({"circuits": collisions(["ZZ"]), "mid_circuit_measurement": False}, "random-x"),
    ],
)
def test_bad_arguments_leave_no_folder(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    given = {"circuits": [bell()], "where": AER, "shots": 5, "folder": tmp_path / "run"}
    with pytest.raises(InputError, match=re.escape(sentence)):
        submit_circuits(**(given | change))
    assert not (tmp_path / "run").exists()


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("full", "file"):
        with pytest.raises(InputError, match=f"{name}' must be new or empty"):
            submit_circuits([bell()], AER, 5, tmp_path / name)
    assert (tmp_path / "full" / "thesis.tex").read_text() == "x"
    run = submit_circuits([bell()], AER, 5, tmp_path / "run").wait()
    with pytest.raises(InputError, match="must be new or empty"):
        submit_circuits([bell()], AER, 5, run.folder)
    with pytest.raises(InputError, match="does not exist"):
        resume_run(tmp_path / "nowhere")
    (tmp_path / "full" / "run.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="holds no run"):
        resume_run(tmp_path / "full")


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("run.json", b'"version": 1', b'"version": 2', "must have version 1"),
        ("run.json", b'"done"', b'"over"', "is not whole.*jobs.status"),
        ("run.json", b'"jobs"', b'"posts"', "is not whole: KeyError"),
        ("circuits.qpy", b"QISKIT", b"QASKIT", "is not whole: .* not the file that was written"),
    ],
)
def test_a_broken_folder_is_one_sentence(
    file: str, old: bytes, new: bytes, sentence: str, tmp_path: Path
) -> None:
    run = submit_circuits([bell()], AER, 5, tmp_path / "run").wait()
    path = run.folder / file
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=sentence):
        resume_run(run.folder)


def test_counts_that_are_not_the_jobs_are_refused(tmp_path: Path) -> None:
    run = submit_circuits([bell()], AER, 5, tmp_path / "run").wait()
    (run.folder / "job-000.json").write_text("{}")
    with pytest.raises(InputError, match="must hold the circuits"):
        run.results()
