"""Cases: which input of which door. A case and a seed say every byte."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from doors import Door, Sample
from hostile import ODD, Content, Odd, files, pickles
from mutations import by_content, flipped

Files = dict[str, Content]
_CRAFTED: dict[str, bytes] = {}


@dataclass(frozen=True)
class Case:
    """An input.

    Attributes:
        door: by name.
        index: which of the door's crafted inputs or changes.
        crafted: the name of what is put in place of a file; "" changes one instead.
        seed: of the changes.
    """

    door: str
    index: int
    crafted: str
    seed: int

    def __str__(self) -> str:
        return f"{self.door} / {self.crafted or 'changed'} / {self.index} / seed {self.seed}"


def crafted(canary: Path) -> dict[str, bytes]:
    """Return every made-up content by name; made once."""
    if not _CRAFTED:
        _CRAFTED.update({**files(canary), **pickles(canary)})
    return _CRAFTED


def crafted_cases(door: Door, seed: int, canary: Path) -> list[Case]:
    """Return a case for every made-up content, every odd file and every odd name, at one door."""
    names = [*crafted(canary), *(odd.kind for odd in ODD), *_NAMES]
    return [Case(door.name, index, name, seed) for index, name in enumerate(names)]


def changed_cases(door: Door, seed: int, count: int) -> list[Case]:
    """Return cases of valid inputs that are changed at random."""
    return [Case(door.name, index, "", seed) for index in range(count)]


_NAMES = {
    "a new line in the name": "a\nb",
    "a name of 200 characters": "n" * 200,
    "a name that is not UTF-8": "\udcff\udc80",
    "a name of another kind": "x.txt",
    "a name without an ending": "x",
    "a name with markup": "[red]a[/red] {x} %s",
    "a name that is an option": "--help",
    "a name of a home": "~root",
}


def files_of(door: Door, case: Case, canary: Path) -> tuple[Files, str]:
    """Return the files of a case, and the name of the one that is given to the door."""
    rng = random.Random(f"{case.seed} {case.door} {case.crafted} {case.index}")
    sample: Sample = rng.choice(door.samples)
    found: Files = dict(sample.files)
    target = rng.choice([*found, *([sample.main] * 3 if sample.main in found else [])])
    odd = next((one for one in ODD if one.kind == case.crafted), None)
    if odd is not None:
        found[target] = odd
    elif case.crafted in _NAMES:
        return _renamed(found, sample.main, target, _NAMES[case.crafted])
    elif case.crafted:
        found[target] = crafted(canary)[case.crafted]
    else:
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            content = found[target]
            assert isinstance(content, bytes)
            try:
                found[target] = rng.choice(by_content(content))(rng, content)
            except Exception:
                found[target] = flipped(rng, content)  # an earlier change has broken the format
    return found, sample.main


def _renamed(found: Files, main: str, target: str, name: str) -> tuple[Files, str]:
    folder, _, last = target.rpartition("/")
    suffix = "." + last.rpartition(".")[2] if "." in last and "." not in name else ""
    new = f"{folder}/{name}{suffix}" if folder else f"{name}{suffix}"
    renamed = {new if key == target else key: value for key, value in found.items()}
    return renamed, new if main == target else main


def put(folder: Path, found: Files, main: str) -> Path:
    """Write the files of a case; return the path of the one that is given to the door."""
    for name, content in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            _odd(path, content)
    return folder / main if main else folder


def _odd(path: Path, odd: Odd) -> None:
    import os

    if odd.kind == "fifo":
        os.mkfifo(path)
    elif odd.kind == "folder":
        path.mkdir()
    elif odd.kind == "closed":
        path.write_bytes(b"x")
        path.chmod(0)
    else:
        target = {"loop": path.name, "broken": "not there", "up": "."}[odd.kind]
        path.symlink_to(target)


def chosen(
    doors: Sequence[Door], seed: int, crafted_each: int, changed_each: int, canary: Path
) -> list[Case]:
    """Return cases of every door: some of the crafted ones, drawn at random, and changed ones."""
    found = []
    for door in doors:
        made = crafted_cases(door, seed, canary)
        drawn = random.Random(f"{seed} {door.name}").sample(made, min(crafted_each, len(made)))
        found += [*drawn, *changed_cases(door, seed, changed_each)]
    return found
