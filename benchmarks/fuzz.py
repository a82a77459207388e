"""10,000 damaged and hostile files at every door of ganlens that takes one.

Each is opened or refused with one line; a fault is anything else: an exception that is not meant
for users, more than one line, 20 s of work, 2 GiB of memory, anything run, read or written outside
the folder, a crash. Inputs are seeded. The results go into a file as they come, and a second call
goes on where the first stopped; inputs that are faults are kept beside it. Exit code 1 on a fault.

    python benchmarks/fuzz.py [--inputs 10000] [--seed 0] [--out runs/fuzz] [--door NAME]
    python benchmarks/fuzz.py --case DOOR INDEX CONTENT [--seed 0]    one again, by its three names
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

for folder in ("tests", "tests/fuzz"):  # the inputs and the watch of the short test
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))

from cases import Case, changed_cases, crafted_cases, files_of, put  # noqa: E402
from doors import Door, all_doors  # noqa: E402
from pool import run  # noqa: E402
from watch import Outcome  # noqa: E402

CRAFTED_SHARE = 0.5  # of the inputs, at most: the others are valid ones, changed


def main() -> int:
    """Open what is asked for, print the table and the faults; return the exit code."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANLENS_CACHE"] = f"{folder}/cache"
        root = Path(folder) / "root"
        doors = all_doors(Path(folder) / "doors")
        if options.case:
            door, index, content = options.case
            cases = [Case(door, int(index), content, options.seed)]
            return report([(case, one) for case, one in run(doors, cases, root)])
        wanted = [d for d in doors.values() if options.door in (None, d.name)]
        cases = chosen(wanted, options.inputs, options.seed, root / "outside" / "canary")
        return report(continued(doors, cases, root, Path(options.out)))


def arguments() -> argparse.Namespace:
    """Return the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="runs/fuzz", metavar="FOLDER")
    parser.add_argument("--door", metavar="NAME")
    parser.add_argument("--case", nargs=3, metavar=("DOOR", "INDEX", "CONTENT"))
    return parser.parse_args()


def chosen(doors: list[Door], inputs: int, seed: int, canary: Path) -> list[Case]:
    """Return that many cases, equally many of each door: crafted ones, and changed ones."""
    found = []
    for number, door in enumerate(doors):
        count = inputs // len(doors) + (number < inputs % len(doors))
        made = crafted_cases(door, seed, canary)
        step = max(1, -(-len(made) // max(1, int(count * CRAFTED_SHARE))))
        made = made[number % step :: step]  # other contents at other doors
        found += [*made, *changed_cases(door, seed, count - len(made))]
    return found


def continued(
    doors: dict[str, Door], cases: list[Case], root: Path, out: Path
) -> list[tuple[Case, Outcome]]:
    """Open the cases that the file of results lacks; return the results of all."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "results.jsonl"
    lines = file.read_text().splitlines() if file.is_file() else []
    done = {str(Case(**one["case"])): Outcome(**one["outcome"]) for one in map(json.loads, lines)}
    with open(file, "a") as results:
        for case, outcome in run(doors, [c for c in cases if str(c) not in done], root):
            done[str(case)] = outcome
            line = json.dumps({"case": asdict(case), "outcome": asdict(outcome)})
            results.write(line + "\n")
            results.flush()
            if outcome.fault:
                keep(doors[case.door], case, root, out)
    return [(case, done[str(case)]) for case in cases]


def keep(door: Door, case: Case, root: Path, out: Path) -> None:
    """Write the files of a case below the results."""
    name = "".join(c if c.isalnum() else "-" for c in f"{case.door}-{case.crafted}-{case.index}")
    place = out / "faults" / name
    place.mkdir(parents=True, exist_ok=True)
    try:
        put(place, *files_of(door, case, root / "outside" / "canary"))
    except OSError as error:  # there from an earlier call, or odd
        (place / "not-written.txt").write_text(f"{case}: {error}\n")


def report(found: list[tuple[Case, Outcome]]) -> int:
    """Print the table and each fault; return the exit code."""
    counts = Counter((case.door, outcome.what) for case, outcome in found)
    kinds = sorted({o.what for _, o in found if o.fault})
    print("| door | inputs | opened | refused | faults |")
    print("| --- | ---: | ---: | ---: | --- |")
    for door in [*dict.fromkeys(case.door for case, _ in found), "all"]:
        own = {w: sum(n for (d, k), n in counts.items() if k == w and door in (d, "all"))
               for w in ("opened", "refused", *kinds)}  # fmt: skip
        faults = ", ".join(f"{own[kind]} {kind}" for kind in kinds if own[kind]) or "0"
        total = sum(own.values())
        print(f"| {door} | {total:,} | {own['opened']:,} | {own['refused']:,} | {faults} |")
    print(f"most memory {max((o.memory for _, o in found), default=0) / 2**20:,.0f} MiB")
    faults = [(case, outcome) for case, outcome in found if outcome.fault]
    for case, outcome in faults:
        print(f"{case}\n    {outcome.what}: {outcome.words}\n    {outcome.trace}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
