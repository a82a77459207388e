"""Result of the conditions probe: what was asked, what was read, and the controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.conditions.accuracy import Accuracies, Accuracy, confusion, row_names
from ganlens.probes.conditions.crossed import Crossed, Truncated
from ganlens.probes.conditions.distances import ClassDistance
from ganlens.probes.conditions.readable import Target
from ganlens.probes.conditions.shares import OneWay, Shares
from ganlens.probes.conditions.walks import ConditionWalk
from ganlens.probes.result import Number, Result

MOST_LISTED = 50  # rows of a confusion matrix that the summary spells out
NO_VARIANCE = "the pictures are all alike"
FEW_GROUPS = "fewer than 2 classes or combinations have 2 held-out images"


@dataclass(frozen=True)
class Confusion:
    """How often what was read, for each value that was asked for.

    Attributes:
        name: of the class or attribute.
        rows: (R) values that were asked for.
        columns: (C) values that were read.
        counts: (R, C) samples.
        real: (R, C) held-out images by their label.
    """

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: np.ndarray
    real: np.ndarray

    def worst(self, most: int) -> np.ndarray:
        """Return at most so many rows, in their order: those least often read as asked for."""
        right = np.diag(self.counts) / self.counts.sum(1).clip(1)
        return np.sort(np.argsort(right, kind="stable")[:most])

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, of many rows only those least often read as asked for."""
        kept = self.worst(MOST_LISTED)
        return {
            "asked": [self.rows[i] for i in kept],
            "read": self.columns,
            "counts": self.counts[kept],
            "counts_held_out": self.real[kept],
            **({"rows_of": len(self.rows)} if len(kept) < len(self.rows) else {}),
        }


def confusions(
    targets: Sequence[Target],
    samples: tuple[np.ndarray, np.ndarray],
    real: tuple[np.ndarray, np.ndarray],
) -> tuple[Confusion, ...]:
    """Return the confusion of each target.

    Args:
        targets: T of them.
        samples: (N, T) columns that were asked for, and that were read.
        real: (M, T) columns of held-out images by their labels, and as read.
    """
    return tuple(
        Confusion(
            one.name,
            row_names(one),
            one.columns,
            *(confusion(truth[:, t], read[:, t], one) for truth, read in (samples, real)),
        )
        for t, one in enumerate(targets)
    )


@dataclass(frozen=True)
class Shown:
    """Samples of some conditions.

    Attributes:
        pictures: (R * S, H, W, C) uint8: a row for each condition, the same S latents in each.
        rows: (R) conditions in words.
        recipe: what draws the pictures again.
    """

    pictures: np.ndarray
    rows: tuple[str, ...]
    recipe: dict[str, Any]


@dataclass(frozen=True)
class ConditionsResult(Result):
    """What a conditional generator was asked for, and what a classifier reads.

    Attributes:
        accuracies: of the samples and of the controls.
        numbers_read: numeric attribute -> correlation of what was asked with what is read, or None.
        confusions: one for each target.
        distances: one for each class or value.
        crossed: the same latents under several conditions; None with fewer than 2 conditions.
        real_pixels: how much of real pixels' variance the label explains.
        real_features: the same of features.
        truncated: by threshold, without truncation last.
        walks: between pairs of conditions.
        combinations: how many training had, could have had, and were asked for unseen.
        unread: what is asked for and the classifier does not read.
        notes: sentences on what is assumed.
        shown: samples of some conditions.
    """

    accuracies: Accuracies
    numbers_read: Mapping[str, float | None]
    confusions: tuple[Confusion, ...]
    distances: tuple[ClassDistance, ...]
    crossed: Crossed | None
    real_pixels: OneWay | None
    real_features: OneWay | None
    truncated: tuple[Truncated, ...]
    walks: tuple[ConditionWalk, ...]
    combinations: Mapping[str, int | None]
    unread: tuple[str, ...]
    notes: tuple[str, ...]
    shown: Shown

    def numbers(self) -> Sequence[Number]:
        """Return accuracies with their controls, distances, shares of variance, and the rest."""
        found = self.accuracies
        return (
            *_accuracy("accuracy", found.samples, "samples that show all that was asked for"),
            *_accuracy("accuracy_real", found.real, "  held-out images, by their labels"),
            *_accuracy("accuracy_shuffled", found.shuffled, "  what other samples were asked for"),
            *_accuracy("accuracy_untrained", found.untrained, "  the untrained generator",
                       found.untrained_reason),
            *_accuracy("accuracy_unseen", found.unseen,
                       "  combinations that training never had", found.unseen_reason),
            *_accuracy("accuracy_unseen_real", found.unseen_real,
                       "    held-out images of such combinations",
                       found.unseen_reason or "no held-out image is of such a combination"),
            Number("by_target", {name: found.by_target(name) for name in found.samples.targets}),
            *(Number(f"correlation_{name}", value, f"correlation of {name}, asked and read",
                     reason="what was asked for, or what is read, is always the same")
              for name, value in self.numbers_read.items()),
            Number("combinations", dict(self.combinations)),
            Number("confusion", {one.name: one.to_json() for one in self.confusions}),
            *self._distance_numbers(),
            *self._share_numbers(),
            Number("conditions_crossed", 0 if self.crossed is None else self.crossed.conditions),
            Number("truncation", [_truncation(one) for one in self.truncated]),
            Number("between_conditions", [one.to_json() for one in self.walks]),
            Number("not_read", list(self.unread)),
            Number("notes", list(self.notes)),
        )  # fmt: skip

    def _distance_numbers(self) -> list[Number]:
        known = [one for one in self.distances if one.floor is not None]
        pairs = [(one.value_at_floor_n, one.floor) for one in known]
        means = np.array(pairs, np.float64).mean(0) if pairs else (None, None)
        few = "no class has enough images of either kind"
        return [
            Number("distance_mean", means[0],
                   "Fréchet distance of a class, mean over classes", reason=few),
            Number("distance_floor_mean", means[1],
                   "  real images of a class against others of it", reason=few),
            Number("distance_by_class", [one.to_json() for one in self.distances]),
        ]  # fmt: skip

    def _share_numbers(self) -> list[Number]:
        crossed, found = self.crossed, list[Number]()
        sides = {"pixels": self.real_pixels, "features": self.real_features}
        for what, real in sides.items():
            one: Shares | None = getattr(crossed, what) if crossed else None
            why = "it takes at least 2 conditions" if crossed is None else NO_VARIANCE
            found += [
                Number(f"condition_share_{what}", one and one.condition,
                       f"variance of {what} that the condition decides", "%", why),
                Number(f"condition_share_{what}_interval", one and one.interval, reason=why),
                Number(f"latent_share_{what}", one and one.latent,
                       "  that the latent decides", "%", why),
                Number(f"both_share_{what}", one and one.both,
                       "  that depends on both together", "%", why),
                Number(f"label_share_{what}_real", real and real.between,
                       "  of real images, that the label explains", "%", FEW_GROUPS),
            ]  # fmt: skip
        return found


def _accuracy(key: str, one: Accuracy | None, label: str, reason: str = "") -> list[Number]:
    found = one.every if one else None
    reason = reason or "there is no image of which all is known"
    return [
        Number(key, found and found[0], label, "%", reason),
        Number(f"{key}_interval", found and found[1:], reason=reason),
        Number(f"{key}_n", one.n if one else 0),
    ]


def _truncation(one: Truncated) -> dict[str, Any]:
    found, crossed = one.crossed.accuracy.every, one.crossed
    return {
        "threshold": one.threshold,
        "accuracy": found and found[0],
        "interval": found and found[1:],
        "n": crossed.accuracy.n,
        "diversity": one.diversity,
        "condition_share_pixels": crossed.pixels and crossed.pixels.condition,
        "condition_share_features": crossed.features and crossed.features.condition,
        "reasons": {
            **({} if one.threshold is not None else {"threshold": "the whole prior"}),
            **({} if one.diversity is not None else {"diversity": FEW_GROUPS}),
        },
    }
