"""The part of peers.py that runs in another environment, with dynamiqs and without this package.

Reads paths of .npz files from its input, one a line: jump operators, start, times, tolerance.
Solves each, writes the states beside it and answers with the CPU seconds; the first time that it
sees a file it solves it once before, so that compiling is not in them.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import dynamiqs as dq
import numpy as np

dq.set_precision("double")
dq.set_device("cpu")


def main() -> None:
    """Answer until the input ends."""
    print(json.dumps({"version": dq.__version__}), flush=True)
    compiled: set[Path] = set()
    for line in sys.stdin:
        path = Path(line.strip())
        model = np.load(path)
        jumps = [dq.asqarray(jump, layout=dq.dia) for jump in model["jumps"]]
        start = dq.asqarray(model["start"])
        hamiltonian = 0.0 * jumps[0]
        tolerance = float(model["tolerance"])
        method = dq.method.Tsit5(rtol=tolerance, atol=tolerance)

        def solve(h=hamiltonian, j=jumps, s=start, t=model["times"], m=method):  # type: ignore[no-untyped-def]
            result = dq.mesolve(h, j, s, t, method=m, progress_meter=False)
            return result.states.block_until_ready()

        if path not in compiled:
            solve()
            compiled.add(path)
        begin = time.process_time()
        states = solve()
        seconds = time.process_time() - begin
        np.save(path.with_suffix(".states.npy"), states.to_numpy())
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
