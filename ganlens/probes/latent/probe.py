"""Interpolate probe: a walk through latents, and the pictures on the way."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.interpolation import Mode, between, resolve_mode
from ganlens.latents import Patch, Rows, Stack, Walk
from ganlens.limits import Count, Limits
from ganlens.models.prior import Prior
from ganlens.perceptual import PathLength, mean_length, path_lengths
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps
from ganlens.probes.identity import identity
from ganlens.probes.latent.measures import PIXELS, Distance, expected_norm, perceptual_distance
from ganlens.probes.latent.panels import panels
from ganlens.probes.latent.result import InterpolationResult, Plane
from ganlens.recipe import Recipe
from ganlens.subject import Subject

SEEDS = tuple(range(9))  # as many points as in the paper's figure
MOST_PAIRS = 50_000  # pairs of the path length, as many as are published: all latents are held
MAX_FRAMES = 240  # of a film: 20 seconds, and a page that still opens


@dataclass(frozen=True)
class Interpolation(Probe):
    """Walk through random latents and look at every picture on the way (Radford 2015, section 6.1).

    Attributes:
        seeds: corners of the walk, at least 2; the paper walks through 9.
        per_leg: pictures per leg, both corners included, at least 2.
        mode: "lerp" (straight line), "slerp" (arc, lengths moved evenly), "gaussian" (uniform
            prior: through its CDF to a normal one, slerp there, back), or "auto": what suits it,
            each part of a prior of several by itself.
        loop: walk back from the last corner to the first.
        frames: pictures per leg of the film, fewer where it would have more than 240; 0 leaves it
            out.
        plane: pictures a side of the plane between the first four corners; 0 leaves it out.
        path_pairs: pairs of samples over which the perceptual path length is averaged, at most
            50,000; 0 leaves it out.
        latents_file: corners spelled out in place of seeds: a .npy file with one latent per row.
        batch_size: how many pictures are drawn at a time.
    """

    title = "Latent interpolation"
    group = "Latent space"
    help = "walk between samples"
    headline = (
        "the longest step is {max_over_mean_step} times the mean one",
        "{longest_step_over_unrelated} of the way to an unrelated sample",
    )
    reading = (
        "A network that understood its data draws a plausible picture at every step and changes a"
        " little each time; sharp jumps suggest a list of memorised pictures."
    )
    papers = (RADFORD, ("Karras 2019", "https://arxiv.org/abs/1812.04948"))

    seeds: tuple[int, ...] = SEEDS
    per_leg: Annotated[int, Limits(low=2)] = 10
    mode: Mode = "auto"
    loop: bool = False
    frames: Annotated[int, Limits(low=1, or_zero=True)] = 12
    plane: Annotated[int, Limits(low=2, or_zero=True)] = 7
    path_pairs: Annotated[int, Limits(low=2, high=MOST_PAIRS, or_zero=True)] = 500
    latents_file: Path | None = None
    batch_size: Count = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latents_file is not None and self.seeds != SEEDS:
            raise GanlensError("corners come from seeds or from a latents file: leave out one")
        walk = self.walk()
        if self.plane and len(walk) >= 4:
            _patch(walk, self.plane)

    def walk(self) -> Walk:
        """Return the walk that these settings describe, "auto" not yet resolved.

        Raises:
            GanlensError: fewer than 2 corners, or a file that holds no latents.
        """
        how = {"steps": self.per_leg, "mode": self.mode, "loop": self.loop}
        if self.latents_file is None:
            return Walk(self.seeds, **how)  # type: ignore[arg-type]
        return Walk(rows=Rows.read(self.latents_file).rows, **how)  # type: ignore[arg-type]

    def needs(self) -> Needs:
        """Return what it cannot do without."""
        return Needs(frozenset({"generator"}))

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[InterpolationResult]:
        """Draw the walk; the data are not used."""
        sources = self._sources(subject.prior)
        latents = {name: source.latents(subject.prior) for name, source in sources.items()}
        total = sum(map(len, latents.values())) + 2 * self.path_pairs
        drawn = yield from self._drawn(subject, latents, total)
        distance, path = perceptual_distance(subject, self.batch_size), None
        if self.path_pairs:
            path = yield from self._path(subject, sources["walk"].mode, distance, total)
        walk, prior, n = sources["walk"], subject.prior, self.per_leg
        other = replace(walk, mode=_other(walk.mode, prior))
        starts, t = np.arange(walk.legs)[:, None], np.linspace(0, 1, n)
        # The frames of a film stand one below another, as a replay compares them.
        layouts: dict[str, Any] = {
            "film": {"columns": 1, "padding": 0},
            "plane": {"columns": self.plane},
        }
        return InterpolationResult(
            **_distances(drawn["walk"], walk, distance),
            seeds=np.array(walk.seeds, dtype=np.int64),
            latents=latents["walk"].numpy(),
            pictures=images.to_uint8(drawn["walk"]),
            positions=(starts + t).ravel(),
            norms=_norms(latents["walk"]),
            other_norms=_norms(other.latents(prior)),
            step_positions=(starts + (t[1:] + t[:-1]) / 2).ravel(),
            path=path,
            expected_norm=expected_norm(prior),
            pair=images.to_uint8(drawn["pair"]),
            pair_norms=_norms(latents["pair"]).reshape(2, n),
            film=images.to_uint8(drawn["film"]) if "film" in drawn else None,
            plane=_plane(sources["plane"], drawn["plane"], prior) if "plane" in drawn else None,
            prior=prior,
            walk=walk,
            other=other,
            recipes={
                name: Recipe.of(subject, source, **layouts.get(name, {"columns": n})).to_json()
                for name, source in sources.items()
            },
            draw=panels,
            about=identity(subject),
        )

    def _drawn(
        self, subject: Subject, latents: dict[str, Tensor], total: int
    ) -> Steps[dict[str, Tensor]]:
        drawn, done = dict[str, Tensor](), 0
        for name, z in latents.items():
            parts = []
            for part in z.split(self.batch_size):
                yield Progress(done, total, "pictures")
                parts.append(subject.generate(part, batch_size=self.batch_size))
                done += len(part)
            drawn[name] = torch.cat(parts)
        return drawn

    def _sources(self, prior: Prior) -> dict[str, Any]:
        """Return what is drawn, by name: each the source of one picture's recipe."""
        mode = resolve_mode(self.mode, prior.kind)
        walk = replace(self.walk(), mode=mode)
        first = replace(walk, seeds=walk.seeds[:2], rows=walk.rows[:2], loop=False)
        curved = mode if mode != "lerp" else _other(mode, prior)
        pair = (replace(first, mode="lerp"), replace(first, mode=curved))
        sources: dict[str, Any] = {"walk": walk, "pair": Stack(pair)}
        if self.frames:
            sources["film"] = _film(walk, self.frames)
        if self.plane and len(walk) >= 4:
            sources["plane"] = _patch(walk, self.plane)
        return sources

    def _path(
        self, subject: Subject, mode: str, distance: Distance, total: int
    ) -> Steps[PathLength]:
        """Measure between seeds 0 and 1, 2 and 3, and so on: the last of ``total`` pictures."""
        stream = torch.Generator().manual_seed(0)
        places = torch.rand(self.path_pairs, generator=stream, dtype=torch.float64)
        z = subject.latents(range(2 * self.path_pairs))
        route = partial(between, mode=mode, parts=subject.prior.parts)

        def embed(ends: Tensor) -> Tensor:
            return distance.embed(subject.generate(ends, batch_size=self.batch_size))

        size = max(1, self.batch_size // 2)
        parts = (z[::2].split(size), z[1::2].split(size), places.split(size))
        lengths, done = [], total - len(z)
        for a, b, t in zip(*parts, strict=True):
            yield Progress(done, total, "pictures")
            lengths.append(path_lengths(a, b, t, route=route, embed=embed))
            done += 2 * len(t)
        return mean_length(torch.cat(lengths))


def _other(mode: str, prior: Prior) -> Mode:
    """Return the mode that a mode is compared to: the straight line, or what suits the prior."""
    return "lerp" if mode != "lerp" else resolve_mode("auto", prior.kind)


def _distances(x: Tensor, walk: Walk, distance: Distance) -> dict[str, Any]:
    """Measure (M, C, H, W) pictures of a walk in pixels and by a distance: fields of the result."""
    corners = list(range(0, len(x), walk.steps)) + [-1] * (not walk.loop)
    fields: dict[str, Any] = {"distance": distance.name}
    for name, vectors in {"rmse": PIXELS.embed(x), "perceptual": distance.embed(x)}.items():
        legs = vectors.view(walk.legs, walk.steps, -1)
        fields[f"step_{name}"] = (legs[:, 1:] - legs[:, :-1]).norm(dim=2).flatten().numpy()
        fields[f"unrelated_{name}"] = float(torch.pdist(vectors[corners]).mean())
    return fields


def _film(walk: Walk, frames: int) -> Walk:
    """Return a walk as a film: more pictures per leg, no corner twice, ``MAX_FRAMES`` at most."""
    if walk.legs > MAX_FRAMES:
        kept = slice(MAX_FRAMES)
        walk = replace(walk, seeds=walk.seeds[kept], rows=walk.rows[kept], loop=False)
    per_leg = max(1, min(frames, (MAX_FRAMES - 1) // walk.legs))
    return replace(walk, steps=per_leg + 1, doubled=False)


def _patch(walk: Walk, side: int) -> Patch:
    """Return the plane between the first four corners."""
    return Patch(walk.seeds[:4], side, side, walk.mode, rows=walk.rows[:4])


def _plane(patch: Patch, x: Tensor, prior: Prior) -> Plane:
    middles = [replace(patch, down=3, across=3, mode=mode) for mode in (patch.mode, "lerp")]
    ends = patch.corners(prior).norm(dim=1).mean()
    taken, straight = (float(one.latents(prior)[4].norm() / ends) for one in middles)
    return Plane(images.to_uint8(x), patch, taken, straight)


def _norms(z: Tensor) -> np.ndarray:
    return z.norm(dim=1).numpy()
