"""Latent interpolation: is the way from one sample to another made of samples?"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.errors import GanlensError
from ganlens.interpolation import Mode, resolve_mode, walk
from ganlens.latents import Stack, Walk
from ganlens.models.prior import Prior
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.base import Probe, Progress
from ganlens.probes.identity import identity
from ganlens.recipe import Recipe

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


@dataclass(frozen=True)
class InterpolationResult:
    """A walk through the latent space, picture by picture.

    Attributes:
        seeds: (K,) int64, the corners.
        latents: (M, d) float32, M = legs * per_leg; inner corners stand twice.
        pictures: (M, H, W, C) uint8.
        positions: (M,) in legs: 0 at the first corner, 1 at the second, and so on.
        norms: (M,) length of each latent.
        other_norms: (M,) the same for the mode that was not taken.
        step_rmse: (M - legs,) root-mean-square pixel difference from one picture to the next, in
            parts of the full brightness range (0 to 1).
        step_positions: (M - legs,) the middle of each step, in legs.
        unrelated_rmse: mean of the same between the pictures of different corners.
        expected_norm: mean length of a latent of the prior.
        pair: (2 * per_leg, H, W, C) uint8: the first leg by lerp, then by slerp.
        pair_norms: (2, per_leg) lengths of their latents.
        mode: the mode that was taken, "auto" resolved; other_mode: the one that it is compared to.
        per_leg: pictures per leg.
        recipe: what draws the walk again; pair_recipe: what draws the pair again.
        about: which checkpoint this is.
    """

    seeds: np.ndarray
    latents: np.ndarray
    pictures: np.ndarray
    positions: np.ndarray
    norms: np.ndarray
    other_norms: np.ndarray
    step_rmse: np.ndarray
    step_positions: np.ndarray
    unrelated_rmse: float
    expected_norm: float
    pair: np.ndarray
    pair_norms: np.ndarray
    mode: str
    other_mode: str
    per_leg: int
    recipe: dict[str, Any]
    pair_recipe: dict[str, Any]
    about: dict[str, Any]

    @property
    def jump(self) -> float | None:
        """Longest step over mean step: 1 is perfectly even; None where nothing moves."""
        mean = float(self.step_rmse.mean())
        return float(self.step_rmse.max()) / mean if mean > 0 else None

    @property
    def norm_dip(self) -> float:
        """Shortest latent of the first leg by lerp, in parts of its corners' mean length."""
        straight = self.pair_norms[0]
        return float(straight.min()) / float(straight[[0, -1]].mean())

    def summary(self) -> dict[str, Any]:
        """Return the scalars of the walk."""
        unrelated = self.unrelated_rmse
        return {
            **self.about,
            "mode": self.mode,
            "seeds": self.seeds.tolist(),
            "per_leg": self.per_leg,
            "n_pictures": len(self.pictures),
            "mean_step_rmse": float(self.step_rmse.mean()),
            "max_step_rmse": float(self.step_rmse.max()),
            "max_over_mean_step": self.jump,
            "max_over_mean_step_reason": None if self.jump else "no picture differs from the next",
            "unrelated_rmse": unrelated,
            "longest_step_over_unrelated": (
                float(self.step_rmse.max()) / unrelated if unrelated > 0 else None
            ),
            "expected_norm": self.expected_norm,
            "shortest_norm": float(self.norms.min()),
            "shortest_norm_of_lerp_over_corners": self.norm_dip,
        }

    def panels(self) -> list[Panel]:
        """Return the strip, both modes for one pair, the norms, the steps and the numbers."""
        return [self._strip(), self._pair(), self._norms(), self._steps(), self._table()]

    def _strip(self) -> ImagePanel:
        corners = ", ".join(map(str, self.seeds))
        return ImagePanel(
            title="A walk through the latent space",
            caption=f"Each row goes by {self.mode} from one random latent to the next (seeds "
            f"{corners}); the next row starts where it ends. Every picture on the way should be "
            "a plausible sample and change a little at a time: sharp jumps between a few "
            "pictures would suggest memorization (Radford 2015, section 6.1).",
            image=images.grid(self.pictures, self.per_leg),
            alt=f"{len(self.seeds) - 1} rows of {self.per_leg} generated pictures, each row an "
            "interpolation",
            scale=picture_scale(self.pictures),
            recipe=self.recipe,
        )

    def _pair(self) -> ImagePanel:
        return ImagePanel(
            title="The same two seeds, by lerp and by slerp",
            caption="Above: the straight line (lerp). Halfway its latents shrink to "
            f"{self.norm_dip:.0%} of the length of the two seeds (the prior draws "
            f"{self.expected_norm:.2f}), where the generator was hardly ever trained; washed-out "
            "middles come from there. Below: slerp turns the direction and moves the length "
            "evenly, so it stays where the prior has its mass (White 2016).",
            image=images.grid(self.pair, self.per_leg),
            alt="two rows of pictures between the same two samples, lerp above and slerp below",
            scale=picture_scale(self.pair),
            recipe=self.pair_recipe,
        )

    def _norms(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "position on the walk (legs)"},
            yaxis={"title": "length of the latent", "rangemode": "tozero"},
            legend={"orientation": "h", "y": 1.12},
        )
        plot.add_scatter(x=self.positions, y=self.norms, name=f"{self.mode} (taken)")
        plot.add_scatter(
            x=self.positions, y=self.other_norms, name=self.other_mode, line={"dash": "dot"}
        )
        plot.add_hline(
            y=self.expected_norm,
            line={"dash": "dash", "color": "grey"},
            annotation_text="mean length of the prior's latents",
            annotation_position="bottom right",
        )
        return FigurePanel(
            title="Length of the latents on the way",
            caption="A latent of the prior is almost always about as long as the dashed line. "
            "Where the walk falls far below it, the generator draws from a region it hardly "
            "knows.",
            figure=plot,
        )

    def _steps(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "position on the walk (legs)"},
            yaxis={"title": "change per step (RMSE, % of range)", "rangemode": "tozero"},
        )
        plot.add_scatter(x=self.step_positions, y=100 * self.step_rmse, mode="lines+markers")
        plot.add_hline(
            y=100 * float(self.step_rmse.mean()),
            line={"dash": "dash", "color": "grey"},
            annotation_text="mean step",
            annotation_position="bottom right",
        )
        ratio = "not defined" if self.jump is None else f"{self.jump:.1f} times the mean"
        return FigurePanel(
            title="How evenly the picture changes",
            caption="Root-mean-square difference of the pixels from each picture to the next. A "
            f"smooth generator has no spikes; here the longest step is {ratio}. For scale: two "
            f"unrelated samples differ by {self.unrelated_rmse:.1%}.",
            figure=plot,
        )

    def _table(self) -> TablePanel:
        shown = ("mode", "n_pictures", "mean_step_rmse", "max_step_rmse", "max_over_mean_step",
                 "unrelated_rmse", "longest_step_over_unrelated", "expected_norm", "shortest_norm",
                 "shortest_norm_of_lerp_over_corners")  # fmt: skip
        values = self.summary()
        return TablePanel(
            title="Numbers of the walk",
            caption="RMSE is in parts of the full brightness range, from 0 to 1.",
            columns=("quantity", "value"),
            rows=[(name.replace("_", " "), values[name]) for name in shown],
        )


@dataclass(frozen=True)
class Interpolation(Probe):
    """Walk through random latents and look at every picture on the way (Radford 2015, section 6.1).

    Attributes:
        seeds: corners of the walk, at least 2; the paper walks through 9.
        per_leg: pictures per leg, both corners included, at least 2.
        mode: "lerp" (straight line), "slerp" (arc, lengths moved evenly), "gaussian" (uniform
            prior: through its CDF to a normal one, slerp there, back), or "auto": what suits it.
        batch_size: how many pictures are drawn at a time.
    """

    title: ClassVar[str] = "Latent interpolation"
    needs: ClassVar[frozenset[str]] = frozenset({"generator"})

    seeds: tuple[int, ...] = tuple(range(9))
    per_leg: int = 10
    mode: Mode = "auto"
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        if self.batch_size < 1:
            raise GanlensError(f"batch size {self.batch_size} is too small: give at least 1")
        object.__setattr__(self, "seeds", Walk(self.seeds, self.per_leg, self.mode).seeds)

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, InterpolationResult]:
        """Draw the walk; the data are not used."""
        prior = subject.prior
        mode = resolve_mode(self.mode, prior.kind)
        z = walk(prior.sample(self.seeds), self.per_leg, mode)
        drawn: list[Tensor] = []
        for part in z.split(self.batch_size):
            yield Progress(len(drawn) * self.batch_size, len(z), "pictures")
            drawn.append(subject.generate(part, self.batch_size))
        return self._result(subject, mode, z, torch.cat(drawn))

    def _result(self, subject: "Subject", mode: str, z: Tensor, x: Tensor) -> InterpolationResult:
        prior, n = subject.prior, self.per_leg
        other = "lerp" if mode != "lerp" else "slerp"
        legs = len(self.seeds) - 1
        t = np.linspace(0, 1, n)
        both = Stack(tuple(Walk(self.seeds[:2], n, kind) for kind in ("lerp", "slerp")))
        pair = both.latents(prior)
        taken = Walk(self.seeds, n, mode)  # type: ignore[arg-type]
        return InterpolationResult(
            seeds=np.array(self.seeds),
            latents=z.numpy(),
            pictures=images.to_uint8(x),
            positions=(np.arange(legs)[:, None] + t).ravel(),
            norms=z.norm(dim=1).numpy(),
            other_norms=walk(prior.sample(self.seeds), n, other).norm(dim=1).numpy(),
            step_rmse=np.concatenate([rmse(leg[1:], leg[:-1]) for leg in x.split(n)]),
            step_positions=(np.arange(legs)[:, None] + (t[1:] + t[:-1]) / 2).ravel(),
            unrelated_rmse=_unrelated(torch.cat([x[::n], x[-1:]])),
            expected_norm=expected_norm(prior),
            pair=images.to_uint8(subject.generate(pair, self.batch_size)),
            pair_norms=pair.norm(dim=1).view(2, n).numpy(),
            mode=mode,
            other_mode=other,
            per_leg=n,
            recipe=Recipe.of(subject, taken, columns=n).to_json(),
            pair_recipe=Recipe.of(subject, both, columns=n).to_json(),
            about=identity(subject),
        )


def rmse(a: Tensor, b: Tensor) -> np.ndarray:
    """Root-mean-square difference of (N, C, H, W) images in [-1, 1]: (N,) from 0 to 1."""
    return ((a - b) / 2).square().flatten(1).mean(1).sqrt().numpy()


def expected_norm(prior: Prior) -> float:
    """Mean length of a latent: exact for a normal prior, to 1/d^2 for a uniform one."""
    d = prior.dim
    if prior.kind == "normal":
        return math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
    return math.sqrt(d / 3) * (1 - 1 / (10 * d))


def picture_scale(pictures: np.ndarray) -> int:
    """Enlargement that shows (N, H, W, C) pictures at about 64 pixels a side."""
    return max(1, round(64 / pictures.shape[1]))


def _unrelated(corners: Tensor) -> float:
    pairs = [rmse(a[None], b[None])[0] for i, a in enumerate(corners) for b in corners[:i]]
    return float(np.mean(pairs))
