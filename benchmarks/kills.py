"""Kill a small training run again and again, and compare its end with that of a run left alone.

Kills are aimed at the moments of writing a file (begun, written but not yet in its place, in its
place) or come after a random time. Where a run ends, the next begins in a new folder. Counted are
runs that were refused or failed, those that end with other weights, other lines of metrics.jsonl
(without times) or other files, and temporary files that are left.

    python benchmarks/kills.py [--kills 200] [--seed 0]
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

MOMENTS = ("begun", "written", "replaced")
AIMED = 0.7  # share of the kills
LONGEST = 1.5  # seconds until a kill that is not aimed
TIMES = ("seconds", "images_per_second")
TENSORS = ("state.safetensors", "best/model.safetensors", "last/model.safetensors")


def prepared(images: Path) -> Callable[[Path], None]:
    """Return what makes a run in a folder and trains it to its end."""
    import numpy as np
    import torch
    from lightning_fabric import Fabric

    from ganlens.data import open_data
    from ganlens.features import PixelExtractor
    from ganlens.models.dcgan import preset
    from ganlens.runs import Run, RunConfig
    from ganlens.training import Trainer, configure

    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), dtype=np.uint8)
    np.savez(images, images=pixels)
    data = open_data(str(images))
    train, test = data.part("train"), data.part("test")
    arguments = asdict(preset("torch", size=16, width=4, latent_dim=8))

    def whole(folder: Path) -> None:
        config = configure("dcgan", batch_size=16, epochs=4)
        fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
        trainer = Trainer("dcgan", arguments, config, train.images, fabric)
        keeping = RunConfig(evaluate_every=2, evaluate_n=20, log_every=5, save_every=3)
        for _ in Run(folder, trainer, train, test, PixelExtractor(), keeping).events():
            pass

    return whole


def aim(moment: str, count: int) -> None:
    """Kill this process at a moment of the file that it writes as its ``count``-th."""
    from ganlens import files

    left = count

    def one(done: Callable[..., Any], before: bool) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            found = None if before and not left else done(*arguments)
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return counted

    if moment == "begun":
        files.fcntl.flock = one(files.fcntl.flock, before=True)
    elif moment == "written":
        os.fsync = one(os.fsync, before=True)
    else:
        os.replace = one(os.replace, before=False)


def attempt(whole: Callable[[Path], None], folder: Path, kill: Callable[[], Any]) -> int:
    """Train in a child that may be killed; return 0 at its end, below 0 if killed, else 1."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        kill()
        whole(folder)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


def content(folder: Path) -> dict[str, Any]:
    """Return what must be equal at the end of two runs."""
    from safetensors.torch import load_file

    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    timeless = [{k: v for k, v in line.items() if k not in TIMES} for line in lines]
    return {
        "files": sorted(str(p.relative_to(folder)) for p in folder.rglob("*")),
        "metrics": timeless,
        "identity": (folder / "run.json").read_text(),
        **{
            name: {k: v.numpy().tobytes() for k, v in load_file(folder / name).items()}
            for name in TENSORS
        },
    }


def kills(count: int, seed: int) -> dict[str, Any]:
    """Kill so often; return what was counted."""
    rng = random.Random(seed)
    found: dict[str, Any] = {"kills": 0, "runs": 0, "failed": 0, "different": [], "left": 0}
    with tempfile.TemporaryDirectory() as root:
        os.environ["GANLENS_CACHE"] = f"{root}/cache"
        whole = prepared(Path(root, "images.npz"))
        folder, first = Path(root, "0"), 0
        assert attempt(whole, Path(root, "alone"), dict) == 0
        alone = content(Path(root, "alone"))
        while found["kills"] < count or folder.is_dir():
            kill: Callable[[], Any]
            if found["kills"] >= count:
                kill = dict  # does nothing
            elif not folder.is_dir():  # the first file of a run, at each moment in turn
                kill, first = partial(aim, MOMENTS[first % 3], 1), first + 1
            elif rng.random() < AIMED:
                kill = partial(aim, rng.choice(MOMENTS), rng.randint(1, 20))
            else:  # SIGALRM ends a process as SIGKILL does
                kill = partial(signal.setitimer, signal.ITIMER_REAL, rng.uniform(0.001, LONGEST))
            code = attempt(whole, folder, kill)
            found["kills"] += code < 0
            found["failed"] += code > 0
            if code >= 0:
                now = content(folder) if code == 0 else {}
                found["different"] += [key for key in now if now[key] != alone[key]]
                found["left"] += len(list(folder.rglob(".*.tmp")))
                found["runs"] += 1
                folder = Path(root, str(found["runs"]))
    return found


def main() -> None:
    """Print what was counted as JSON; exit code 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = kills(asked.kills, asked.seed)
    print(json.dumps(found))
    sys.exit(bool(found["failed"] or found["different"] or found["left"]))


if __name__ == "__main__":
    main()
