"""A tiny training run, killed at an aimed moment of its writing or at a random one, and resumed.

Runs go on in forked children, so that a kill costs no new interpreter. Aimed kills count what a
child does to the files of its run: the same training does the same in the same order.
"""

import builtins
import io
import json
import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fake_subject import TINY
from safetensors import safe_open
from safetensors.torch import load_file

from ganlens.data import ImageSet, open_data
from ganlens.features import PixelExtractor
from ganlens.files import TEMPORARY
from ganlens.images import read_frames
from ganlens.runs import Run, RunConfig
from ganlens.training import Trainer, configure, quiet_fabric

NAME = "run"  # of the folder: samples carry it
TIMED = {"seconds", "images_per_second"}  # what no second run has again
MOMENTS = ("opened", "half written", "written", "synced", "renamed", "folder made")


def tiny_data(folder: Path) -> ImageSet:
    """Return 120 images of noise."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "d.npz", images=rng.integers(0, 256, (120, 16, 16, 3), dtype=np.uint8))
    return open_data(str(folder / "d.npz"), cache=folder / "cache")


def train(folder: Path, data: ImageSet) -> None:
    """Begin or resume the run, and end it: 2 epochs of 6 or 7 steps."""
    config = configure("dcgan", batch_size=16, epochs=2, augment="translation")
    fabric = quiet_fabric(accelerator="cpu", devices=1, precision="32-true")
    train_data, test = data.part("train"), data.part("test")
    trainer = Trainer("dcgan", asdict(TINY), config, train_data.images, fabric)
    keeping = RunConfig(evaluate_every=1, evaluate_n=8, log_every=2, save_every=3)
    run = Run(folder, trainer, train_data, test, PixelExtractor(), keeping, "ganlens train")
    for _ in run.events():
        pass


@dataclass
class Aim:
    """Counts the moments of a run's writing, and kills the process at one of them.

    Attributes:
        folder: of the run.
        at: the number of the moment, from 0; None: of none.
        moments: what happened so far: (moment, name of the file).
    """

    folder: Path
    at: int | None = None
    moments: list[tuple[str, str]] = field(default_factory=list)

    def reached(self, moment: str, path: Any) -> None:
        self.moments.append((moment, shown(Path(os.fsdecode(path)), self.folder)))
        if len(self.moments) - 1 == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def ours(self, path: Any) -> bool:
        named = isinstance(path, str | bytes | os.PathLike)
        return named and Path(os.fsdecode(path)).is_relative_to(self.folder)

    def watch(self) -> None:
        """Put this in the way of what writes files, for the rest of the process."""
        opening, syncing, renaming, making = open, os.fsync, os.replace, os.mkdir

        def opened(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
            file = opening(path, mode, *more, **options)
            if not self.ours(path) or not set(mode) & set("wxa"):
                return file
            self.reached("opened", path)
            return Halved(file, self, path)

        def synced(file: Any) -> None:
            path = os.readlink(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}")
            if self.ours(path):
                self.reached("written", path)
            syncing(file)
            if self.ours(path):
                self.reached("synced", path)

        def renamed(old: Any, new: Any, **options: Any) -> None:
            renaming(old, new, **options)
            if self.ours(new):
                self.reached("renamed", new)

        def made(path: Any, *more: Any, **options: Any) -> None:
            making(path, *more, **options)
            if self.ours(path):
                self.reached("folder made", path)

        builtins.open = io.open = opened  # type: ignore[assignment]
        os.fsync, os.replace, os.mkdir = synced, renamed, made  # type: ignore[assignment]


class Halved:
    """An open file, whose writing can be cut in the middle."""

    def __init__(self, file: Any, aim: Aim, path: Any) -> None:
        self.file, self.aim, self.path = file, aim, path

    def write(self, content: Any) -> int:
        half = len(content) // 2
        self.file.write(content[:half])
        self.file.flush()
        self.aim.reached("half written", self.path)
        return half + self.file.write(content[half:])

    def __enter__(self) -> "Halved":
        return self

    def __exit__(self, *error: Any) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def shown(path: Path, folder: Path) -> str:
    """Return the name of a file of a run; of a temporary one, that of the file that it becomes."""
    if TEMPORARY.fullmatch(path.name):
        path = path.with_name(path.name[1:-37])
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def in_a_child(action: Callable[[], Any], kill_after: float | None = None) -> int:
    """Run an action in a forked child; return its exit code, below 0 for a signal.

    Args:
        action: what to do; an exception is exit code 1, and is printed.
        kill_after: s after which the child is killed; None: never.
    """
    with warnings.catch_warnings(action="ignore"):  # of threads of libraries, which it lacks
        child = os.fork()
    if child == 0:
        try:
            warnings.simplefilter("ignore")
            action()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
        finally:
            os._exit(1)
    if kill_after is not None:
        end = time.monotonic() + kill_after
        while time.monotonic() < end:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)  # which a child that has ended does not feel
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def moments_of(root: Path, data: ImageSet) -> list[tuple[str, str]]:
    """Train the run whole, in ``root/run``; return the moments of its writing.

    It is trained once before in this process: what is imported on first use, children then have.
    """
    train(root / "first" / NAME, data)
    noted = root / "moments.json"

    def whole() -> None:
        aim = Aim(root / NAME)
        aim.watch()
        train(root / NAME, data)
        with open(noted, "w") as file:
            json.dump(aim.moments, file)

    if code := in_a_child(whole):
        raise RuntimeError(f"the uninterrupted run ended with {code}")
    return [(moment, name) for moment, name in json.loads(noted.read_text())]


def killed_at(folder: Path, data: ImageSet, at: int) -> bool:
    """Train until a moment, and be killed there; tell whether it was reached."""

    def aimed() -> None:
        Aim(folder, at).watch()
        train(folder, data)

    return in_a_child(aimed) == -signal.SIGKILL


def killed_after(folder: Path, data: ImageSet, seconds: float) -> bool:
    """Train for a time, and be killed; tell whether it was not done before."""
    return in_a_child(lambda: train(folder, data), seconds) == -signal.SIGKILL


def resumed(folder: Path, data: ImageSet) -> bool:
    """Resume to the end; tell whether that went well."""
    return in_a_child(lambda: train(folder, data)) == 0


# --- is it the same?


def differences(whole: Path, other: Path) -> list[str]:
    """Return how a resumed run's folder differs from an uninterrupted one's; empty where equal.

    Compared bit for bit are tensors, samples, settings, the curve, and all of metrics.jsonl and of
    headers but the seconds that something took.
    """
    names = [_names(folder) for folder in (whole, other)]
    found = [f"{name} is left behind" for name in sorted(names[1] - names[0])]
    found += [f"{name} is missing" for name in sorted(names[0] - names[1])]
    for name in sorted(names[0] & names[1]):
        if _content(whole / name) != _content(other / name):
            found.append(f"{name} differs")
    return found


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def _content(path: Path) -> Any:
    if path.is_dir():
        return None
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as opened:
            notes = {k: _untimed(json.loads(v)) for k, v in (opened.metadata() or {}).items()}
        tensors = {k: (v.shape, v.dtype, _bits(v)) for k, v in load_file(path).items()}
        return notes, tensors
    if path.suffix == ".jsonl":
        return [_untimed(json.loads(line)) for line in path.read_text().splitlines()]
    if path.suffix == ".png":  # a sheet carries the hash of a file that holds seconds
        return read_frames(path).tobytes()
    lines = path.read_bytes().splitlines()
    return [line for line in lines if not line.startswith(b"| training time |")]  # of card.md


def _bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _untimed(v) for k, v in value.items() if k not in TIMED}
    return [_untimed(one) for one in value] if isinstance(value, list) else value
