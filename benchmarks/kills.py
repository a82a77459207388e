"""A tiny training run killed (SIGKILL) 200 times or more: each resumes, bit for bit.

Aimed kills hit each moment of each file that a run writes: opened, half written, written, synced,
renamed, and each folder made. The rest hit at random times, some of them several times in a row,
while the run resumes. A resumed run is compared with an uninterrupted one: tensors, metrics,
settings and samples, and that nothing is left behind. Exit code 1 if one differs.

    python benchmarks/kills.py [--kills 200] [--seed 0]
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

for folder in ("tests", "tests/runs"):  # what the tests of runs kill and compare with
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))

import killing  # noqa: E402

ROWS = (*killing.MOMENTS, "at a random time", "again while it resumes")


def main() -> int:
    """Kill, resume, compare and print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, faults = kill(Path(folder), options.kills, random.Random(options.seed))
    print(
        "| killed | kills | resumed | equal | nothing left |\n| --- | ---: | ---: | ---: | ---: |"
    )
    names = ("kills", "resumed", "equal", "clean")
    for row in (*ROWS, "all"):
        print(f"| {row} | {' | '.join(str(counts[row, name]) for name in names)} |")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def kill(root: Path, kills: int, rng: random.Random) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Kill at every moment once, then at random; return counts by (row, what) and the faults."""
    data = killing.tiny_data(root / "data")
    moments = killing.moments_of(root, data)
    whole, counts, faults = root / killing.NAME, Counter[tuple[str, str]](), list[str]()
    began = time.monotonic()
    killing.in_a_child(lambda: killing.train(root / "timed" / killing.NAME, data))
    length = time.monotonic() - began
    number = 0
    while counts["all", "kills"] < kills or number < len(moments):
        folder = root / f"{number}" / killing.NAME
        if number < len(moments):
            (row, name), hits = moments[number], int(killing.killed_at(folder, data, number))
            what = f"{row}, {name}"
            if not hits:
                faults.append(f"{what}: moment {number} was not reached")
        else:
            again = rng.randrange(4)
            row = what = ROWS[-1] if again else ROWS[-2]
            times = [rng.uniform(0, length) / (1 + again) for _ in range(1 + again)]
            hits = sum(killing.killed_after(folder, data, one) for one in times)
        found = judged(whole, folder, data)
        left = [one for one in found or [] if "left" in one]
        for key in (row, "all"):
            counts[key, "kills"] += hits
            if found is not None:
                counts[key, "resumed"] += hits
                counts[key, "equal"] += hits * (found == left)
                counts[key, "clean"] += hits * (not left)
        faults += [f"{what}: {one}" for one in (["it does not resume"] if found is None else found)]
        number += 1
    return counts, faults


def judged(whole: Path, folder: Path, data: killing.ImageSet) -> list[str] | None:
    """Resume a run and compare it; None where it does not resume."""
    return killing.differences(whole, folder) if killing.resumed(folder, data) else None


if __name__ == "__main__":
    sys.exit(main())
