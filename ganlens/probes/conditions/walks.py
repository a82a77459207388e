"""Walks between two conditions at the same latent: pictures, and where the verdict flips."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.probes.base import Progress, Steps
from ganlens.probes.conditions.asked import Pair
from ganlens.probes.conditions.reading import Reader, rows_of
from ganlens.subject import Subject

SHOWN = 2  # latents of each pair that are shown


@dataclass(frozen=True)
class ConditionWalk:
    """What is read between two conditions, whose rows are mixed evenly.

    Attributes:
        name: "3 to 5", or "mouth: smile to frown".
        amounts: (P,) from 0, the first condition, to 1, the second.
        shares: (P, 3) of the latents read as the first, as the second, and as anything else.
        flip: median over the latents that start as the first and end as the second of where they
            are no longer read as the first; None where there is none.
        clean: share of these that change once, straight from the first to the second.
        n: latents.
        pictures: (S * P, H, W, C) uint8, the first of them, amount by amount.
    """

    name: str
    amounts: np.ndarray
    shares: np.ndarray
    flip: float | None
    clean: float | None
    n: int
    pictures: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values without the pictures."""
        middle = self.shares[len(self.amounts) // 2]
        none = "no latent is read as the first at the start and as the second at the end"
        return {
            "pair": self.name,
            "flip": self.flip,
            "one_change": self.clean,
            "neither_in_the_middle": middle[2],
            "read_as": self.shares,
            "amounts": self.amounts,
            "n": self.n,
            **({"reasons": {"flip": none, "one_change": none}} if self.flip is None else {}),
        }


def walk(
    subject: Subject, reader: Reader, pair: Pair, z: Tensor, positions: int
) -> Steps[ConditionWalk]:
    """Draw (N, d) latents at evenly spaced mixtures of two conditions, and read them."""
    amounts = np.linspace(0, 1, positions)
    start, end = rows_of(subject, pair.ends)
    t = list(reader.readable.targets).index(pair.target)
    goal = pair.target.truth[pair.ends[:, pair.target.place].astype(np.int64)]
    name = " to ".join(pair.names)
    if len(reader.readable.targets) > 1:
        name = f"{pair.target.name}: {name}"
    verdicts, pictures = list[np.ndarray](), list[np.ndarray]()
    for i, amount in enumerate(amounts.tolist()):
        yield Progress(i, positions, f"between conditions, {name}")
        drawn = subject.generate(z, torch.lerp(start, end, amount))
        read = reader.read(drawn).columns[:, t]
        verdicts.append(np.select([read == goal[0], read == goal[1]], [0, 1], 2))
        pictures.append(images.to_uint8(drawn[:SHOWN]))
    found = np.stack(verdicts, 1)
    flip, clean = flips(found, amounts)
    return ConditionWalk(
        name=name,
        amounts=amounts,
        shares=np.stack([(found == one).mean(0) for one in range(3)], 1),
        flip=flip,
        clean=clean,
        n=len(z),
        pictures=np.stack(pictures, 1).reshape(-1, *pictures[0].shape[1:]),
    )


def flips(verdicts: np.ndarray, amounts: np.ndarray) -> tuple[float | None, float | None]:
    """Return where verdicts leave the first condition, and how many go straight to the second.

    Args:
        verdicts: (N, P) 0 for the first condition, 1 for the second, 2 for anything else.
        amounts: (P,) places.

    Returns:
        Median, over the rows that start at 0 and end at 1, of the place halfway between the last
        0 before the first change and that change; and the share of these rows that are 0 up to
        there and 1 from there on. Both None without such a row.
    """
    rows = verdicts[(verdicts[:, 0] == 0) & (verdicts[:, -1] == 1)]
    if not len(rows):
        return None, None
    first = (rows != 0).argmax(1)
    places = (amounts[first] + amounts[first - 1]) / 2
    after = np.arange(rows.shape[1])[None] >= first[:, None]
    clean = (rows == after).all(1)
    return float(np.median(places)), float(clean.mean())
