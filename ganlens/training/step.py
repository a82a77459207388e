"""What one step of training showed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainStep:
    """What one step showed. Values of a network that was not updated stay None.

    Attributes:
        step: steps done, 1 after the first.
        epoch: the epoch that the step belongs to, from 0.
        images_per_second: real images over the time of this step.
        d_loss: discriminator loss (nats), without the R1 term and the rotation task.
        g_loss: generator loss (nats), without the rotation task.
        d_real: share of real images that D calls real.
        d_fake: share of generated images that D calls generated.
        d_turned: share of turned real images of which D names how far; a guess is right in 0.25.
            None without the rotation task.
        d_grad: norm of D's gradient, the rotation task's included.
        g_grad: norm of G's gradient.
    """

    step: int
    epoch: int
    images_per_second: float
    d_loss: float | None = None
    g_loss: float | None = None
    d_real: float | None = None
    d_fake: float | None = None
    d_turned: float | None = None
    d_grad: float | None = None
    g_grad: float | None = None
