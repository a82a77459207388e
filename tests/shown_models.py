"""The three families of ``three_families.py`` as checkpoints: each trained for one epoch."""

from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from three_families import FAMILIES

import ganlens
from ganlens.features.pixels import PixelExtractor
from ganlens.models.family import arguments_of, from_data
from ganlens.runs import Run, RunConfig
from ganlens.training import Trainer, configure
from ganlens.training.data import training_data

NAMES = tuple(FAMILIES)


def striped(file: Path, seed: int, across: bool) -> Path:
    """Write 160 pictures of 16 px with stripes across or down, in three colours, as classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(160) % 3
    images = rng.integers(0, 60, (160, 16, 16, 3))
    images[np.arange(160), :, :, labels] += 120
    stripes = (slice(None), slice(None, None, 4)) if across else (slice(None),) * 2 + (
        slice(None, None, 4),)  # fmt: skip
    images[stripes] += 70
    names = np.array(["red", "green", "blue"])
    np.savez(file, images=images.astype(np.uint8), labels=labels, class_names=names)
    return file


def train_all(folder: Path) -> dict[str, Path]:
    """Train every family; return the folder of each run."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = [str(striped(folder / f"{n}.npz", n, bool(n))) for n in range(2)]
    return {name: _trained(folder / "runs" / name, name, specs) for name in NAMES}


def _trained(out: Path, name: str, specs: list[str]) -> Path:
    family = FAMILIES[name]
    opened = [ganlens.open_data(spec, size=16) for spec in specs]
    parts = [data.part("train") for data in opened]
    two = family.domains == 2
    learned = training_data(parts[0], family.conditions, others=parts[1] if two else None)
    arguments: dict[str, Any] = arguments_of(from_data(family.Config, {}, **learned.arguments))
    how = configure(name, epochs=1, batch_size=16)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    trainer = Trainer(name, arguments, how, learned, fabric)
    held_out = opened[1 if two else 0].part("test")
    run = Run(
        out, trainer, parts[0], held_out, PixelExtractor(), RunConfig(log_every=2, evaluate_n=16),
        f"ganlens train --family {name}", parts[1] if two else None,
        opened[0].part("test") if two else None,
    )  # fmt: skip
    for _ in run.events():
        pass
    return out
