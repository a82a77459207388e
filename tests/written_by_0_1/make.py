"""Files as ganlens 0.1 (commit 443718d) wrote them: run this there, never with a later one."""

import os
import signal
from pathlib import Path
from typing import Any

import torch

from ganlens.cli import main
from ganlens.edits import Blend, Move, Offset, Project, Silence, Truncate
from ganlens.images import write_png
from ganlens.latents import Mix, Patch, Rows, Seeds, Stack, Sum, Walk
from ganlens.recipe import Recipe, render
from ganlens.subject import load
from ganlens.training import Trainer

TRAIN = """train --data digits --size 16 --upscale --width 2 --latent-dim 4 --epochs 2
 --judge pixels --precision float32 --device cpu --evaluate-n 50 --save-every 5
 --evaluate-every 1 --seed 3"""
RUNS = {"default": "", "rotation": "--rotation 1 --spectral-norm --discriminator-norm none"}
STOP = 17  # of 22 or 24 steps: after the first evaluation, in the middle of an epoch


def interrupted(name: str, flags: str) -> None:
    """Train until the step that a signal comes."""
    advance = Trainer.advance

    def signalled(trainer: Trainer) -> Any:
        if trainer.step == STOP - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return advance(trainer)

    Trainer.advance = signalled  # type: ignore[method-assign]
    main([*TRAIN.split(), *flags.split(), "--out", f"run-{name}"])
    Trainer.advance = advance  # type: ignore[method-assign]


def pictures() -> None:
    """Draw recipes with every kind of latents and of edits."""
    subject = load("checkpoint", "cpu")
    rows = ((0.5, -1.0, 2.0, 0.0), (1.0, 1.0, -1.0, 0.25))
    mixed = Sum.mean([0, 1]) + Sum.mean([2, 3], -1) + Sum.mean([4, 5])
    noisy = Sum(mixed.terms, (7, 0.25))
    offset = torch.linspace(-0.2, 0.2, 2 * 8 * 8)
    latents = {
        "samples": Seeds(tuple(range(16))),
        "rows": Rows(rows),
        "walk": Walk((0, 1, 2), steps=4),
        "plane": Patch((0, 1, 2, 3), down=3, across=4),
        "sums": Mix((mixed, noisy)),
        "pixels": Mix((mixed,), "pixels"),
        "together": Stack((Seeds((3,)), Rows(rows), Walk((0, 1), steps=3))),
    }
    edits = {
        "project": (Project(),),
        "truncate": (Truncate(0.7),),
        "move": (Move(rows[0], (-1.0, 0.0, 1.0), "a direction"),),
        "silence": (Silence("block1.act", (1,)),),
        "blend": (Blend("block1.act", (0, 1), (0.5, 1.0), (1.0, 0.0), (0, 0, 0.5, 1)),),
        "offset": (Offset.of("block1", offset, (-1.0, 1.0), "an offset"), Truncate(1.0)),
    }
    recipes = {name: Recipe.of(subject, one, columns=4) for name, one in latents.items()}
    for name, done in edits.items():
        recipes[name] = Recipe.of(subject, Seeds((5, 6, 7)), edits=done, enlargement=2)
    for name, recipe in recipes.items():
        write_png(Path("pictures", f"{name}.png"), render(subject, recipe), recipe.to_json())


def panels() -> None:
    """Draw panels of probes, whose recipes name a probe and its settings."""
    for words in (
        "filters checkpoint",
        "activations checkpoint --n 2 --source data --data digits",
        "neighbors checkpoint --n 12 --space pixels --data digits",
    ):
        main([*words.split(), "--out", f"panels/{words.split()[0]}"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, flags in RUNS.items():
        interrupted(name, flags)
    Path("run-default/best").rename("checkpoint")
    Path("pictures").mkdir()
    pictures()
    panels()
