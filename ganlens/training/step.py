"""What one step of training showed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainStep:
    """What one step showed.

    Attributes:
        step: steps done, 1 after the first.
        epoch: the epoch that the step belongs to, from 0.
        images_per_second: real images over the time of this step.
        numbers: what the phases whose turn it was showed, by name; and the norm of each one's
            gradient, as "d_grad" of phase "d".
    """

    step: int
    epoch: int
    images_per_second: float
    numbers: Mapping[str, float] = field(default_factory=dict)
