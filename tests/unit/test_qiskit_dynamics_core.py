"""What the import of Qiskit Dynamics on Qiskit 2 relies on, in fresh processes."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import qbat_circuits as qb
from qbat_circuits.dynamics.lindblad import qiskit_liouvillian


def in_fresh_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_stand_in_stays_behind_and_a_second_import_is_the_same_module() -> None:
    printed = in_fresh_python(
        """
        import sys, threading
        from qbat_circuits.dynamics.qiskit_dynamics_core import _STAND_INS, load_qiskit_dynamics
        found = []
        threads = [threading.Thread(target=lambda: found.append(load_qiskit_dynamics()))
                   for _ in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
        module = load_qiskit_dynamics()
        print(all(one is module for one in found) and len(found) == 4,
              [n for n in _STAND_INS if n in sys.modules],
              [a for a in ("pulse", "backend", "DynamicsBackend") if hasattr(module, a)],
              hasattr(module, "Solver"), "qiskit.pulse" in sys.modules)
        """
    )
    assert printed == "True [] [] True False"


def test_a_version_that_cannot_be_imported_is_named_and_leaves_nothing() -> None:
    printed = in_fresh_python(
        """
        import sys
        from qbat_circuits import QbatError
        from qbat_circuits.dynamics import qiskit_dynamics_core as core
        del core._STAND_INS["qiskit.pulse.transforms"]
        try:
            core.load_qiskit_dynamics()
        except QbatError as error:
            print(str(error).split(" (")[0])
        print([n for n in sys.modules if n.startswith(("qiskit_dynamics", "qiskit.pulse"))])
        """
    )
    assert printed.splitlines() == [
        "Qiskit Dynamics cannot be imported; this package works with qiskit-dynamics 0.5.1 on "
        "qiskit >= 2",
        "[]",
    ]


@pytest.mark.parametrize("n_cells", [1, 3, 4])
def test_its_generator_is_ours_although_it_rounds(n_cells: int) -> None:
    """Sparse models round to 10 decimals; tiny and huge rates survive beside each other."""
    battery = qb.Battery.identical(
        n_cells,
        qb.CollectiveBath(1.0, 0.7),
        qb.LocalNoise(1e-11, 0.3, 3e-12),
        detunings=np.linspace(-1e-12, 1e-12, n_cells).tolist(),
    )
    theirs, ours = qiskit_liouvillian(battery).toarray(), battery.liouvillian().toarray()
    np.testing.assert_allclose(theirs, ours, atol=1e-14, rtol=0)
    bare = qb.Battery.identical(n_cells, qb.CollectiveBath(0.0, 0.0), qb.LocalNoise(1e-11))
    np.testing.assert_allclose(
        qiskit_liouvillian(bare).toarray(), bare.liouvillian().toarray(), atol=1e-25, rtol=0
    )


def test_a_battery_that_nothing_touches_stays() -> None:
    still = qb.Battery.identical(2, qb.CollectiveBath(0.0, 0.0))
    turning = qb.Battery.identical(2, qb.CollectiveBath(0.0, 0.0), detunings=[-1.0, 1.0])
    for battery in (still, turning):
        curve = qb.charge(battery, [0.0, 1.0], "01", engine="qiskit-dynamics")
        np.testing.assert_allclose(curve.energy, 1.0, atol=1e-12)
    plus = np.full((4, 4), 0.25)
    turned = qb.charge(turning, [0.5], plus, engine="qiskit-dynamics").states[0]
    assert turned[0, 1] == pytest.approx(0.25 * np.exp(-0.5j), abs=1e-9)  # cell 0 at delta = -1
