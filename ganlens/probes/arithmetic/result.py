"""What vector arithmetic found, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.latent import picture_scale

SIDES = ("A", "B", "C")


@dataclass(frozen=True)
class ArithmeticResult:
    """One calculation with concepts, its exemplars, its result and its controls.

    Attributes:
        concepts: what A, B and C were asked to show; empty where seeds were given.
        expected: what A - B + C should show, one expression per attribute.
        seeds: (3, k) int64 exemplars of A, B and C.
        exemplars: (3 * (k + 1), H, W, C) uint8: k exemplars and the picture of their mean, per row.
        grid: (9, H, W, C) uint8: the result in the centre (index 4), noisy neighbours around it.
        control: (4, H, W, C) uint8, sums of pixels: means of A, B and C, then A - B + C.
        latents: (9, d) of the grid.
        norms: lengths: mean of A, of B, of C, the result; and the prior's mean.
        hits: (9, E) bool: which of the grid's pictures are read as having each expected value.
        control_hits: (E,) bool for the pixel-space result.
        base_rate: share of random samples that are read as having all expected values, or None.
        supply: for A, B and C, how many of the pool's samples are read as showing the concept.
        readers: rows of who chooses the exemplars and who judges the result: role, attribute,
            values, held-out accuracy, accuracy of always guessing the commonest value, images
            fitted to, images held out.
        pool: how many samples were scored.
        recipes: what draws "exemplars", "grid" and "control" again.
        notes: what the user should know about this run.
        about: which checkpoint and data this is, and the settings of the judge.
    """

    concepts: tuple[str, ...]
    expected: tuple[str, ...]
    seeds: np.ndarray
    exemplars: np.ndarray
    grid: np.ndarray
    control: np.ndarray
    latents: np.ndarray
    norms: dict[str, float]
    hits: np.ndarray
    control_hits: np.ndarray
    base_rate: float | None
    supply: tuple[int, ...]
    readers: tuple[tuple[Any, ...], ...]
    pool: int
    recipes: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    about: dict[str, Any]

    @property
    def choosers(self) -> int:
        """How many of ``readers`` choose exemplars; they come first."""
        return sum(row[0] == "chooses" for row in self.readers)

    @property
    def success(self) -> float | None:
        """Share of the nine pictures that have every expected value; None if none is expected."""
        return float(self.hits.all(axis=1).mean()) if self.expected else None

    def summary(self) -> dict[str, Any]:
        """Return the scalars of the calculation."""
        why = (
            None if self.expected else "no expected value: seeds were given, or A, B, C all differ"
        )
        return {
            **self.about,
            **dict(zip(("a", "b", "c"), self.concepts, strict=False)),
            "expected": list(self.expected),
            "exemplar_seeds": self.seeds.tolist(),
            "success_rate_of_9": self.success,
            "success_rate_reason": why,
            "success_rate_per_value": dict(
                zip(self.expected, self.hits.mean(axis=0).tolist(), strict=True)
            ),
            "base_rate_of_random_samples": self.base_rate,
            "pixel_control_succeeds": bool(self.control_hits.all()) if self.expected else None,
            "pool": self.pool,
            "samples_showing_a_b_c": list(self.supply),
            "probe_accuracy_held_out": {row[1]: row[3] for row in self.readers[: self.choosers]},
            "norms": self.norms,
            "notes": list(self.notes),
        }

    def panels(self) -> list[Panel]:
        """Return the result, the exemplars, the pixel-space control and two tables."""
        tables = [self._table()]
        if self.readers:
            tables.append(self._readers())
        return [self._grid(), self._exemplars(), self._control(), *tables]

    def _formula(self) -> str:
        named = self.concepts or SIDES
        return f"({named[0]}) - ({named[1]}) + ({named[2]})" if self.concepts else "A - B + C"

    def _verdict(self) -> str:
        if self.success is None:
            return "No attribute values follow for the result, so nothing is counted here."
        base = "" if self.base_rate is None else f" Of random samples {self.base_rate:.1%} are."
        return (
            f"Expected: {' & '.join(self.expected)}. {round(9 * self.success)} of the 9 pictures "
            f"are read that way.{base} The judge is a network on pixels that had no part in "
            "finding the exemplars."
        )

    def _grid(self) -> ImagePanel:
        return ImagePanel(
            title="The result of the arithmetic",
            caption=f"{self._formula()}, each the mean of {self.seeds.shape[1]} latents. The "
            "result is in the centre; its 8 neighbours have uniform noise added. "
            f"{self._verdict()}",
            image=images.grid(self.grid, 3),
            alt=f"3 by 3 generated pictures of {self._formula()}",
            scale=2 * picture_scale(self.grid),
            recipe=self.recipes["grid"],
        )

    def _exemplars(self) -> ImagePanel:
        named = "; ".join(f"{s}: {c}" for s, c in zip(SIDES, self.concepts, strict=False))
        return ImagePanel(
            title="Exemplars and their means",
            caption=f"Rows A, B, C ({named or 'seeds given by the user'}): the exemplars, and "
            "last in each row what the generator draws from the mean of their latents. The mean "
            "of a concept should show the concept more plainly than one exemplar.",
            image=images.grid(self.exemplars, self.seeds.shape[1] + 1),
            alt="three rows of exemplars, each ending with the picture of the mean latent",
            scale=picture_scale(self.exemplars),
            recipe=self.recipes["exemplars"],
        )

    def _control(self) -> ImagePanel:
        return ImagePanel(
            title="Control: the same arithmetic on pixels",
            caption="Means of the exemplars' pixels (A, B, C), then A - B + C of these images. "
            "Overlaid ghosts here and clean pictures above show that the arithmetic works on "
            "what is drawn, not on brightness.",
            image=images.grid(self.control, 4),
            alt="four pictures: pixel means of A, B and C, and their arithmetic",
            scale=picture_scale(self.control),
            recipe=self.recipes["control"],
        )

    def _table(self) -> TablePanel:
        rows: list[tuple[Any, ...]] = [
            ("share of the 9 pictures with all expected values", self.success),
            *((f"  with {one}", rate) for one, rate in zip(self.expected, self.hits.mean(axis=0),
                                                           strict=True)),
            ("random samples with all expected values", self.base_rate),
            ("pixel-space result has all expected values",
             bool(self.control_hits.all()) if self.expected else None),
            *((f"samples of {self.pool:,} that show {side}", n)
              for side, n in zip(SIDES, self.supply, strict=False)),
            *((f"length of {name}", value) for name, value in self.norms.items()),
        ]  # fmt: skip
        return TablePanel(
            title="Numbers of the arithmetic",
            caption=" ".join(
                ("A result about as long as the prior's latents needs no rescaling.", *self.notes)
            ),
            columns=("quantity", "value"),
            rows=rows,
        )

    def _readers(self) -> TablePanel:
        return TablePanel(
            title="Who chooses, and who judges",
            caption="Exemplars are chosen by linear readers (ridge regression) on the "
            "discriminator's features. The result is judged by a small network on pixels that saw "
            "real images only and knows nothing of the discriminator. Accuracies are on held-out "
            "real images; on generated ones both may do worse.",
            columns=(
                "role",
                "attribute",
                "values",
                "accuracy",
                "always the commonest",
                "fitted to",
                "held out",
            ),
            rows=self.readers,
        )
