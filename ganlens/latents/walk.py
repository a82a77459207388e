"""A walk through several latents, leg by leg."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.interpolation import Mode, resolve_mode, walk
from ganlens.latents.checks import check_at_least, check_count
from ganlens.latents.corners import Corners, check_mode
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Walk(Corners):
    """A walk through several latents, leg by leg, as in the paper's section 6.1.

    Attributes:
        seeds: at least 2 corners.
        rows: or at least 2 corners spelled out, (K, d) numbers.
        steps: latents per leg, both of its corners included, at least 2.
        mode: "lerp", "slerp", "gaussian" (uniform prior), or "auto": what suits the prior,
            of one of several parts each part by itself.
        loop: walk back from the last corner to the first.
        doubled: a corner between two legs stands twice, as the end of one row of the picture and
            the start of the next. Otherwise every corner stands once, and a loop ends one step
            before its start, so that a film runs through without a stop.
    """

    kind: ClassVar[str] = "walk"
    steps: int = 10
    mode: Mode = "auto"
    loop: bool = False
    doubled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self) < 2:
            what = "rows" if self.rows else "seeds"
            raise GanlensError(
                f"a walk through {len(self)} {what} goes nowhere: give at least 2 seeds or rows"
            )
        check_at_least(self.steps, 2, "steps")
        check_mode(self.mode)
        for name in ("loop", "doubled"):
            if not isinstance(getattr(self, name), bool):
                raise GanlensError(f"{name} {getattr(self, name)!r} must be true or false")
        check_count(len(self) * self.steps)

    @property
    def legs(self) -> int:
        """Ways from one corner to the next."""
        return len(self) - 1 + int(self.loop)

    @property
    def count(self) -> int:
        """Number of latents."""
        if self.doubled:
            return self.legs * self.steps
        return self.legs * (self.steps - 1) + (not self.loop)

    def latents(self, prior: Prior) -> Tensor:
        """Return (M, d) latents.

        M is legs * steps; where corners are not doubled, legs * (steps - 1), and the last corner
        of a walk that is no loop.
        """
        corners = self.corners(prior)
        corners = torch.cat([corners, corners[: int(self.loop)]])
        mode = resolve_mode(self.mode, prior.kind)
        path = walk(corners, self.steps, mode, doubled=self.doubled, parts=prior.parts)
        return path if self.doubled or not self.loop else path[:-1]
