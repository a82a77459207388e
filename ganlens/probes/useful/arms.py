"""Arms of the comparison: what each classifier learns from, and which one it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

REAL, ALL, FEW = "real", "all", "few"
GAN_TRAIN, GAN_TEST = "gan_train", "gan_test"
SHUFFLED, UNTRAINED = "shuffled", "untrained"


@dataclass(frozen=True)
class Arm:
    """One way to train a classifier.

    Attributes:
        key: its name in the summary.
        words: what it is, for tables and figures.
        against: key of the arm that it is compared with, repeat by repeat; "" for a reference.
        real: which real images it learns from: as many as GAN-train has samples, all, few, or none.
        source: which samples it learns from: those of the trained generator, the same with shuffled
            labels, those of the untrained generator, or none.
        ratio: samples to a real image.
        flips: flip half of the images, and shift all.
        tested: on real held-out images or on samples.
    """

    key: str
    words: str
    against: str = ""
    real: Literal["", "some", "all", "few"] = ""
    source: Literal["", "samples", "shuffled", "untrained"] = ""
    ratio: float = 0.0
    flips: bool = False
    tested: Literal["real", "samples"] = "real"

    @property
    def verdict_words(self) -> tuple[str, str]:
        """What a difference above 0 is called, and one below."""
        if self.tested == "samples":
            return "samples are read better than real images", "samples are read worse"
        return "helps", "hurts"


def arms(
    *,
    whole: bool,
    few: bool,
    ratios: Sequence[float],
    few_ratios: Sequence[float],
    flips: bool,
    controls: Sequence[str],
) -> list[Arm]:
    """Return all arms, each after the one that it is compared with.

    Args:
        whole: GAN-train has as many samples as there are real images: both references are one.
        few: train on few real images too.
        ratios: samples to each of all real images.
        few_ratios: samples to each of few real images.
        flips: train on flipped and shifted images too.
        controls: of SHUFFLED and UNTRAINED.
    """
    base = ALL if whole else REAL
    found = [Arm(ALL, "all real images", real="all")]
    if not whole:
        found.insert(0, Arm(REAL, "as many real images", real="some"))
    found.append(Arm(GAN_TRAIN, "GAN-train: samples only", base, source="samples"))
    found.append(Arm(GAN_TEST, "GAN-test: all real images, tested on samples", ALL, real="all",
                     tested="samples"))  # fmt: skip
    found += _augmented(ALL, "all", "all real images", ratios, flips)
    if few:
        found.append(Arm(FEW, "few real images", real="few"))
        found += _augmented(FEW, "few", "few real images", few_ratios, flips)
    known = {
        SHUFFLED: Arm(SHUFFLED, "control: samples with shuffled labels", base, source="shuffled"),
        UNTRAINED: Arm(UNTRAINED, "control: untrained generator", base, source="untrained"),
    }
    return found + [known[name] for name in controls]


def _augmented(
    base: str, real: Literal["all", "few"], words: str, ratios: Sequence[float], flips: bool
) -> list[Arm]:
    found = []
    for ratio in ratios:
        added = f"{ratio:g} sample{'s' * (ratio != 1)} to each"
        key = f"{base}_samples_{ratio:g}"
        found.append(Arm(key, f"{words} + {added}", base, real, "samples", ratio))
    if flips:
        found.append(Arm(f"{base}_flips", f"{words}, flipped and shifted", base, real, flips=True))
    return found


def usual(ratios: Sequence[float]) -> float | None:
    """Return the ratio that the headline is about, whatever was found: the one nearest to 1."""
    return min(ratios, key=lambda ratio: (abs(ratio - 1), ratio), default=None)
