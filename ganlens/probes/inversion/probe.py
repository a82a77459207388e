"""Invert probe: latents of real and generated images, and how well each kind is drawn."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from torch import Tensor

from ganlens import inversion
from ganlens.data import ImageSet
from ganlens.directions import SUFFIX, find_direction
from ganlens.edits import Move
from ganlens.errors import GanlensError
from ganlens.images import from_uint8, to_uint8
from ganlens.interpolation import resolve_mode, walk
from ganlens.latents import Rows
from ganlens.limits import Amount, Count, Limits, Seed
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity
from ganlens.probes.inversion.comparison import two_sample
from ganlens.probes.inversion.panels import panels
from ganlens.probes.inversion.pictures import read_pictures
from ganlens.probes.inversion.result import InversionResult
from ganlens.recipe import Recipe, render
from ganlens.subject import Subject

OTHER = {"train": "test", "test": "train"}
OWN_SHOWN = 12  # of one's own pictures in the panels
WALK = 8  # pictures from one inverted image to another
SHOWN = 4  # inverted images that are moved
AMOUNTS = (-3.0, -1.5, 0.0, 1.5, 3.0)  # standard deviations of the prior


@dataclass(frozen=True)
class Inversion(Probe):
    """Search for the latents of train, held-out and generated images.

    What the generator can draw has a small residual. Generated images have an answer that is
    known, so they show what the search itself can do; held-out images are the null for train
    images: training images that invert better are evidence of memorization.

    Attributes:
        n: images of each kind, at least 3; comparing train with held-out takes some hundreds.
        image: your own pictures to invert: files, folders, zips or tars; their residuals are placed
            among those of held-out images.
        direction: FILE.safetensors:NAME of a direction, as the directions probe writes it, along
            which inverted images are moved; without one they are walked from one to the next.
        amount: how far along the direction, in standard deviations of the prior; several make
            several columns.
        split: the split that the generator was trained on; the other one is held out.
        evaluations: gradient evaluations per image.
        restarts: places to start each search from.
        feature_weight: weight of the discriminator's features beside the pixels; 0 for pixels only.
        prior_weight: weight of the normal prior's shell, which keeps latents where training was.
        seed: of the first generated image; sample i has seed + i. Also of the other draws.
    """

    title = "Inversion"
    group = "Latent space"
    help = "latents of real images, or of your own: can it draw them?"
    headline = (
        "median residual {median_mse_held_out} held-out",
        "{median_mse_train} train",
        "{median_mse_generated} generated",
        "AUC {auc_train_smaller}",
    )
    reading = (
        "Held-out images should come back nearly as well as training images; training images that"
        " come back much better were memorised."
    )
    papers = (
        ("Zhu 2016", "https://arxiv.org/abs/1609.03552"),
        ("Webster 2019", "https://arxiv.org/abs/1901.03396"),
    )
    requires = Needs(frozenset({"generator"}), "required")

    n: Annotated[int, Limits(low=3)] = 24
    image: tuple[Path, ...] = ()
    direction: Path | None = None
    amount: tuple[float, ...] = field(default=(), metadata={"of": "direction"})
    split: Literal["train", "test"] = "train"
    evaluations: Count = inversion.Settings.steps
    restarts: Count = inversion.Settings.restarts
    feature_weight: Amount = inversion.Settings.feature_weight
    prior_weight: Amount = inversion.Settings.prior_weight
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        if self.amount and self.direction is None:
            raise GanlensError(
                f"amount {' '.join(f'{a:g}' for a in self.amount)} moves nothing: give a "
                f"direction, as --direction FILE{SUFFIX}:NAME"
            )
        self._search()

    def _search(self) -> inversion.Settings:
        return inversion.Settings(
            steps=self.evaluations,
            restarts=self.restarts,
            feature_weight=self.feature_weight,
            prior_weight=self.prior_weight,
            seed=self.seed,
        )

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[InversionResult]:
        """Invert every kind of image in one go.

        Raises:
            GanlensError: no data, no held-out images, another image shape, or a picture that
                cannot be decoded.
        """
        data = images_for(subject, data, "an inversion")
        train, held_out = data.part(self.split), data.part(OTHER[self.split])
        if min(len(train), len(held_out)) < 3:
            raise GanlensError(
                f"{len(train)} train and {len(held_out)} held-out images: give 3 of each"
            )
        move = None
        if self.direction is not None:
            direction = find_direction(self.direction, subject)
            move = direction.move(subject.prior, self.amount or AMOUNTS)
        rng = np.random.default_rng(self.seed)
        truth = subject.latents(range(self.seed, self.seed + self.n))
        by_kind = {
            kind: np.asarray(part.images[np.sort(rng.permutation(len(part))[: self.n])])
            for kind, part in (("train", train), ("held-out", held_out))
        }
        by_kind["generated"] = to_uint8(subject.generate(truth))  # bytes, as real ones are
        names, prepared = tuple[str, ...](), dict[str, str]()
        if self.image:
            by_kind["own"], names, how = read_pictures(self.image, subject.image_shape)
            prepared["own_prepared"] = str(how)
        pixels = np.concatenate(list(by_kind.values()))
        kinds = np.repeat(list(by_kind), [len(part) for part in by_kind.values()])
        found = yield from inversion.invert(subject, from_uint8(pixels), self._search())
        yield Progress(1, 1, "comparison")
        return InversionResult(
            **self._fields(subject, found, kinds, pixels, truth, move),
            names=names,
            draw=panels,
            about={
                **identity(subject, data, sides=True),
                **found.about(),
                "split": self.split,
                **prepared,
            },
        )

    def _fields(
        self, subject: Subject, found: inversion.Inversion, kinds: np.ndarray,
        pixels: np.ndarray, truth: Tensor, move: Move | None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return measurements, pictures and recipes of the M images: fields of the result."""
        z, mse, features = found.latents, found.pixel_mse.numpy(), found.feature_distance
        residuals = {"pixels": mse} | ({} if features is None else {"features": features.numpy()})
        picked = examples(kinds, mse)
        error = (z[kinds == "generated"] - truth).norm(dim=1) / truth.norm(dim=1)
        strip = Recipe.of(subject, Rows.of(z[picked]), columns=len(picked))
        edit = edit_recipe(subject, z[kinds == ("own" if self.image else "held-out")], move)
        return {
            "kinds": kinds,
            "latents": z.numpy(),
            "pixel_mse": mse,
            "feature_distance": residuals.get("features"),
            "shell": found.shell.numpy(),
            "starts": found.starts.numpy(),
            "latent_error": error.double().numpy(),
            "tests": {
                measure: two_sample(values[kinds == "train"], values[kinds == "held-out"])
                for measure, values in residuals.items()
            },
            "examples": picked,
            "originals": pixels[picked],
            "drawn": to_uint8(subject.generate(z[picked])),
            "strip": render(subject, strip),
            "strip_recipe": strip.to_json(),
            "edit": render(subject, edit),
            "edit_recipe": edit.to_json(),
            "moved": move and (move.name, move.amounts),
        }


def examples(kinds: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return the indices of the best, median and worst of each kind; all of one's own pictures."""
    picked: list[int] = []
    for kind in dict.fromkeys(kinds.tolist()):
        rows = np.flatnonzero(kinds == kind)
        order = rows[np.argsort(residuals[rows], kind="stable")]
        chosen = rows if kind == "own" else order[[0, len(order) // 2, -1]]
        picked += chosen[:OWN_SHOWN].tolist()
    return np.array(picked)


def edit_recipe(subject: Subject, z: Tensor, move: Move | None = None) -> Recipe:
    """Return the recipe of edits of the first of (N, d) inverted latents, N at least 1.

    A move is done to each of them, one column per amount; without one the picture walks from each
    to the next.
    """
    if move is not None:
        return Recipe.of(subject, Rows.of(z[:SHOWN]), edits=(move,), columns=len(move.amounts))
    corners, prior = z[: SHOWN + 1] if len(z) > 1 else z.expand(2, -1), subject.prior
    path = walk(corners, WALK, resolve_mode("auto", prior.kind), parts=prior.parts)
    return Recipe.of(subject, Rows.of(path), columns=WALK)
