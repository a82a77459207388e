"""What the Fidelity probe found, in numbers and in panels."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ganlens.checkpoints import versions
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure

LIBRARIES = ("scipy", "faiss-cpu", "torch-fidelity")
QUANTISED = "both sides hold 8-bit images: generated ones are rounded to uint8 first, as in a PNG"
SCORES = ("precision", "recall", "density", "coverage")
MEANINGS = {
    "fd": "distance between the two clouds of features; lower is better",
    "precision": "share of generated images that lie among the real ones (looks real)",
    "recall": "share of real images that lie among the generated ones (variety)",
    "density": "how deep generated images lie among the real ones; may exceed 1",
    "coverage": "share of real images that have a generated one in their neighbourhood",
}


@dataclass(frozen=True)
class Floor:
    """What real images score against other real images: no generator can be expected to beat it.

    Attributes:
        scores: as ``stats.quality`` returns them, or None if there are too few images.
        n: images on either side.
        kind: which images, or why there is none.
        generated: scores of generated images against the same real ones at the same n.
    """

    scores: dict[str, Any] | None
    n: int
    kind: str
    generated: dict[str, Any] | None

    def get(self, name: str) -> float | None:
        """Return one score, None where undefined."""
        return None if self.scores is None else self.scores[name]

    def get_generated(self, name: str) -> float | None:
        """Return one score of the generated images at the floor's n, None where undefined."""
        return None if self.generated is None else self.generated[name]


@dataclass(frozen=True)
class FidelityResult:
    """Distances between the generated and the real images, and what they depend on.

    Attributes:
        metric: "FID" or "FD-<extractor>".
        scores: as ``stats.quality`` returns them, generated against real.
        floor: the same, real against real.
        extractor: description of the extractor.
        extractor_reason: why this one; caveat: what its numbers must not be taken for.
        split: real images compared with; split_source: where the split comes from.
        n_asked: N asked for; cap_reason: why it is less, "" if it is not.
        seed: first latent seed.
        distances: (N,) from each generated image, by seed, to the nearest real one in feature
            space.
        shown_seeds: (2 S,) the S nearest, then the S farthest, both by ascending distance.
        picture: (H, W, 3) uint8 of these; recipe: what draws it again.
        real_points: (P, 2) real features along the first two principal axes of the real ones;
            fake_points: the same for generated ones.
        shares: (2,) of the real features' variance along these axes.
        about: which checkpoint and data.
        versions: of the libraries.
    """

    metric: str
    scores: dict[str, Any]
    floor: Floor
    extractor: dict[str, Any]
    extractor_reason: str
    caveat: str
    split: str
    split_source: str
    n_asked: int
    cap_reason: str
    seed: int
    distances: np.ndarray
    shown_seeds: np.ndarray
    picture: np.ndarray
    recipe: dict[str, Any]
    real_points: np.ndarray
    fake_points: np.ndarray
    shares: np.ndarray
    about: dict[str, Any]
    versions: dict[str, str]

    @property
    def value(self) -> float:
        """The Fréchet distance between generated and real images."""
        return self.scores["fd"]

    def summary(self) -> dict[str, Any]:
        """Return JSON-able scalars; what is undefined is None, with a reason."""
        scores = {name: self.scores[name] for name in SCORES}
        n = self.scores["n_fake"]
        return {
            "metric": self.metric,
            "value": self.value,
            "floor": self.floor.get("fd"),
            "floor_n": self.floor.n,
            "floor_kind": self.floor.kind,
            "value_at_floor_n": self.floor.get_generated("fd"),
            **scores,
            **{f"floor_{name}": self.floor.get(name) for name in SCORES},
            **{f"{name}_at_floor_n": self.floor.get_generated(name) for name in SCORES},
            "k": self.scores["k"],
            "k_density": self.scores["k_density"],
            "reasons": {**self.scores["reasons"], **self._floor_reasons()},
            "n_real": self.scores["n_real"],
            "n_fake": n,
            "n_asked": self.n_asked,
            "n_reason": self.cap_reason or None,
            "split": self.split,
            "split_source": self.split_source,
            "seed": self.seed,
            "seeds": f"{self.seed} to {self.seed + n - 1}",
            "dimensions": self.scores["dimensions"],
            "extractor": {**self.extractor, "chosen_because": self.extractor_reason},
            "quantisation": QUANTISED,
            "caveat": self.caveat,
            "median_distance_to_real": float(np.median(self.distances)),
            **self.about,
            "versions": self.versions,
        }

    def _floor_reasons(self) -> dict[str, str]:
        if self.floor.scores is None:
            return {f"floor_{name}": self.floor.kind for name in ("fd", *SCORES)}
        return {f"floor_{k}": reason for k, reason in self.floor.scores["reasons"].items()}

    def panels(self) -> list[Panel]:
        """Return the table of numbers, the scatter of features, and extreme samples."""
        return [self._table(), self._scatter(), self._extremes()]

    def _table(self) -> TablePanel:
        n, at = self.scores["n_fake"], self.floor.n
        rows = self._rows(n, self.scores, self.floor.scores if at == n else None)
        if at != n and self.floor.generated is not None:  # real against real exists at another N
            rows += self._rows(at, self.floor.generated, self.floor.scores)
        cap = f" Of {self.n_asked:,} asked for: {self.cap_reason}." if self.cap_reason else ""
        return TablePanel(
            f"{self.metric} and its relatives",
            f"{n:,} generated images against as many real ones (split: {self.split}), "
            f"described by {self.scores['dimensions']:,} features ({self.extractor['name']}, "
            f"{self.extractor_reason}). 'Real against real' is what real images score "
            f"({self.floor.kind}): the best that can be hoped for. Compare numbers only at the "
            f"same N, with the same features.{cap} {self.caveat}",
            ("", "generated", "real against real", "how to read it"),
            rows,
        )

    def _rows(
        self, n: int, generated: dict[str, Any], floor: dict[str, Any] | None
    ) -> list[tuple[Any, ...]]:
        """Rows of the table for one N: a score beside what real images get, or a dash."""
        k = dict.fromkeys(("precision", "recall"), f"k = {generated['k']}, ")
        k |= dict.fromkeys(("density", "coverage"), f"k = {generated['k_density']}, ")
        return [
            (
                f"{self.metric if name == 'fd' else name} ({k.get(name, '')}N = {n:,})",
                generated[name],
                None if floor is None else floor[name],
                meaning,
            )
            for name, meaning in MEANINGS.items()
        ]

    def _scatter(self) -> FigurePanel:
        plot = figure(
            height=420,
            xaxis={"title": f"first axis ({self.shares[0]:.0%} of the real variance)"},
            yaxis={"title": f"second axis ({self.shares[1]:.0%})"},
            legend={"orientation": "h", "y": 1.08},
        )
        for name, points, colour, symbol in (
            ("real", self.real_points, PALETTE[0], "circle-open"),
            ("generated", self.fake_points, PALETTE[3], "x-thin-open"),
        ):
            plot.add_scatter(
                x=points[:, 0], y=points[:, 1], mode="markers", name=name, hoverinfo="skip",
                marker={"color": colour, "symbol": symbol, "size": 5, "opacity": 0.6},
            )  # fmt: skip
        count = len(self.fake_points)
        return FigurePanel(
            "Real and generated images in feature space",
            f"{count:,} images of either kind, drawn along the two directions in which the real "
            "ones differ most (principal axes of the real features). Where crosses have no "
            "circles, the generator draws what does not exist; where circles have no crosses, it "
            "misses something. Two directions cannot show all: clouds that overlap here may differ "
            "elsewhere.",
            plot,
        )

    def _extremes(self) -> ImagePanel:
        half = len(self.shown_seeds) // 2
        return ImagePanel(
            "Samples nearest to and farthest from the real images",
            f"Upper half: the {half} of {len(self.distances):,} samples whose features lie nearest "
            f"to those of a real image; lower half: the {half} that lie farthest, the farthest "
            "last: what the generator gets wrong, or does that the data does not. A sample "
            "very near to a real image may be a copy: the nearest-neighbour probe tells.",
            self.picture,
            alt=f"two groups of {half} generated images, the most and the least typical",
            scale=max(1, min(8, 640 // self.picture.shape[1])),
            recipe=self.recipe,
        )


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that the numbers depend on."""
    found = versions()
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # another distribution of the same module
            found[name] = "not installed"
    return found
