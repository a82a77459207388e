"""Result of the Useful probe: the accuracy of every arm in every repeat."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganlens.probes.result import Number, Result
from ganlens.probes.useful.arms import (
    ALL,
    FEW,
    GAN_TEST,
    GAN_TRAIN,
    REAL,
    SHUFFLED,
    UNTRAINED,
    Arm,
    usual,
)
from ganlens.probes.useful.intervals import Interval, interval, share_interval, verdict
from ganlens.probes.useful.shown import Shown

MAIN = {
    REAL: "trained on as many real images as GAN-train has samples",
    ALL: "trained on all real images",
    GAN_TRAIN: "GAN-train: trained on samples only",
    GAN_TEST: "GAN-test: trained on all real images, tested on samples",
    FEW: "trained on few real images",
    SHUFFLED: "control: samples with shuffled labels",
    UNTRAINED: "control: samples of the untrained generator",
}


@dataclass(frozen=True)
class UsefulResult(Result):
    """Accuracies of classifiers that learned from real images, from samples, or from both.

    Attributes:
        arms: A ways to train a classifier.
        classes: K classes that are told apart, of several targets as "target=class".
        accuracy: (A, R) share of right answers in each repeat, the mean over targets, 0 to 1.
        by_target: (A, R, T) the same for each target.
        by_class: (A, R, K) share of each class's images that are right; NaN where there are none.
        sizes: (A, 2) real images and samples that an arm learned from, the mean over repeats.
        tested: (K,) held-out images of each class.
        majority: accuracy of always naming the commonest train class, the mean over targets.
        targets: T names of what is classified.
        missing: key of an arm that was left out -> why.
        notes: what is assumed, a sentence each.
        shown: samples that were trained on.
    """

    arms: tuple[Arm, ...]
    classes: tuple[str, ...]
    accuracy: np.ndarray
    by_target: np.ndarray
    by_class: np.ndarray
    sizes: np.ndarray
    tested: np.ndarray
    majority: float
    targets: tuple[str, ...]
    missing: dict[str, str]
    notes: tuple[str, ...]
    shown: Shown | None = field(repr=False, compare=False, default=None)

    @property
    def repeats(self) -> int:
        """R."""
        return self.accuracy.shape[1]

    def place(self, key: str) -> int | None:
        """Return where an arm stands; of REAL, where it is ALL itself, that one; None: nowhere."""
        keys = [one.key for one in self.arms]
        if key == REAL and REAL not in keys:
            key = ALL
        return keys.index(key) if key in keys else None

    def accuracy_of(self, key: str) -> Interval | None:
        """Return an arm's accuracy over repeats."""
        place = self.place(key)
        return None if place is None else share_interval(self.accuracy[place])

    def difference_of(self, key: str) -> Interval | None:
        """Return an arm's accuracy minus its reference's, paired by repeat; None of a reference."""
        place = self.place(key)
        if place is None or not self.arms[place].against:
            return None
        other = self.place(self.arms[place].against)
        return interval(self.accuracy[place] - self.accuracy[other])

    def verdict_of(self, key: str) -> str | None:
        """Return what the interval of that difference shows; None where there is none."""
        difference, place = self.difference_of(key), self.place(key)
        if difference is None or place is None:
            return None
        return verdict(difference, self.repeats, self.arms[place].verdict_words) or None

    def numbers(self) -> list[Number]:
        """Return the accuracies, the differences with their verdicts, and every repeat."""
        why = {key: self.missing.get(key, "it was left out") for key in MAIN}
        found = []
        for key, words in MAIN.items():
            own = self.accuracy_of(key)
            mean, ends = (None, None) if own is None else (own.mean, own.ends)
            found.append(Number(key, mean, words, "%", why[key]))
            found.append(Number(f"{key}_interval", ends, reason=why[key]))
            if key in (GAN_TRAIN, GAN_TEST, SHUFFLED, UNTRAINED):
                found += self._compared(key, key, why[key])
        for base in (ALL, FEW):
            ratio = self._usual(base)
            reason = "no samples were added to these"
            found.append(Number(f"{base}_ratio", ratio, reason=reason))
            found += self._compared(f"{base}_samples", f"{base}_samples_{ratio or 0:g}", reason)
            found += self._compared(f"{base}_flips", f"{base}_flips", "flips were left out")
        found.append(Number("majority", self.majority, "always the commonest class", "%"))
        found.append(Number("arms", {one.key: self._arm(i) for i, one in enumerate(self.arms)}))
        shares = {one.key: self.by_class[i].mean(0) for i, one in enumerate(self.arms)}
        found.append(Number("classes", list(self.classes)))
        found.append(Number("held_out_by_class", self.tested))
        found.append(Number("by_class", shares))
        found.append(Number("missing", self.missing))
        found.append(Number("notes", list(self.notes)))
        return found

    def _usual(self, base: str) -> float | None:
        return usual([a.ratio for a in self.arms if a.against == base and a.ratio])

    def _compared(self, name: str, key: str, reason: str) -> list[Number]:
        difference = self.difference_of(key)
        values = (None, None) if difference is None else (difference.mean, difference.ends)
        return [
            Number(f"{name}_difference", values[0], reason=reason),
            Number(f"{name}_difference_interval", values[1], reason=reason),
            Number(f"{name}_verdict", self.verdict_of(key), reason=reason),
        ]

    def _arm(self, i: int) -> dict[str, Any]:
        one = self.arms[i]
        own, difference = share_interval(self.accuracy[i]), self.difference_of(one.key)
        return {
            "words": one.words,
            "real_images": self.sizes[i, 0],
            "samples": self.sizes[i, 1],
            "tested_on": one.tested,
            "accuracy": own.mean,
            "interval": own.ends,
            "repeats": self.accuracy[i],
            **self._each_target(i),
            "against": one.against or None,
            "difference": None if difference is None else difference.mean,
            "difference_interval": None if difference is None else difference.ends,
            "verdict": self.verdict_of(one.key),
        }

    def _each_target(self, i: int) -> dict[str, Any]:
        if len(self.targets) < 2:
            return {}
        return {"targets": dict(zip(self.targets, self.by_target[i].mean(0), strict=True))}
