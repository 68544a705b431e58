"""Every reader of a stranger's file on spoiled files, for as long as is wanted.

    python benchmarks/fuzz.py [SECONDS_PER_READER] [SEED]

A fault is anything but a value or one `InputError` whose sentence is one printable line of bounded
length, and a file that takes more than 5 s. The suite does the same for a shorter time
(tests/hostile/test_fuzz.py); SECURITY.md quotes a run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "hostile"))

from readers import READERS, fuzzed


def main() -> None:
    """One line per reader, its faults below it, and the sum."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    tried = refused = faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for reader in READERS:
            one = fuzzed(reader, Path(folder), seed, 10**9, seconds)
            print(
                f"{reader.name:<17} {one.tried:>7} files, {one.refused:>7} refused, slowest "
                f"{one.slowest_s:.2f} s, {len(one.faults)} faults",
                flush=True,
            )
            for fault in one.faults:
                print(f"  {fault}")
            tried, refused = tried + one.tried, refused + one.refused
            faults += len(one.faults)
    print(f"{tried} files of seed {seed}, {refused} refused, {faults} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
