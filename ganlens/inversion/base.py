"""What is asked of an inversion, and what it gives back."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.limits import Amount, Count, Limits, Seed, check_limits


@dataclass(frozen=True)
class Settings:
    """How images are inverted.

    The loss of an image x at a latent z is ``pixel_weight * |G(z) - x|^2 / pixels +
    feature_weight * F(G(z), x) + prior_weight * (|z|^2 / d - 1)^2``. F is the mean over the
    discriminator's convolution layers of the squared difference of their outputs, each layer in
    units of its own variance over generated images. A uniform prior has no third term: there
    z = tanh(u), which cannot leave [-1, 1]. Of a prior of parts each has its own: a categorical one
    is z = softmax(u) with the term 1 - |z|^2, which is 0 for a one-hot, and the terms are weighted
    by the parts' shares of the coordinates.

    Attributes:
        steps: gradient evaluations per image, at least 1.
        restarts: places to start from: 1 is the encoder's guess, the others are the generated
            images of the pool that are nearest in pixels; at least 1, at most the pool.
        feature_weight: of the discriminator's features; 0 leaves them out, and so does a subject
            without a discriminator.
        pixel_weight: of the mean squared pixel difference in [-1, 1] units.
        prior_weight: of the normal prior's shell.
        pool: generated images that the encoder is fitted to, at least 16.
        batch_size: images at a time; it changes no result.
        seed: of the pool.

    Raises:
        GanlensError: a value out of range, or both data weights 0.
    """

    steps: Count = 40
    restarts: Count = 1
    feature_weight: Amount = 0.05
    pixel_weight: Amount = 1.0
    prior_weight: Amount = 0.05
    pool: Annotated[int, Limits(low=16)] = 2048
    batch_size: Count = 64
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_limits(self)
        if self.restarts > self.pool:
            raise GanlensError(f"restarts {self.restarts}: give at most the pool, {self.pool}")
        if not self.pixel_weight and not self.feature_weight:
            raise GanlensError("pixel_weight and feature_weight are both 0: nothing to match")


@dataclass(frozen=True)
class Inversion:
    """Latents whose pictures come near to given images.

    Attributes:
        latents: (N, d) float32 on the CPU; inside [-1, 1] for a uniform prior, shares that add up
            to 1 for a categorical part.
        losses: (N,) float64, what was minimised.
        pixel_mse: (N,) float64, mean squared difference of G(z) and x in [-1, 1] units (0 to 4).
        feature_distance: (N,) float64, F of ``Settings``: 0 for equal images, around 2 for two
            unrelated samples; None where features were left out.
        shell: (N,) float64, |z|^2 over its mean under the prior: near 1 for a draw of it.
        starts: (N,) int64, which start won: 0 the encoder's, k the k-th nearest of the pool.
        settings: what was asked for.
    """

    latents: Tensor
    losses: Tensor
    pixel_mse: Tensor
    feature_distance: Tensor | None
    shell: Tensor
    starts: Tensor
    settings: Settings

    def about(self) -> dict[str, Any]:
        """Return JSON-able values that make two inversions comparable."""
        used = self.feature_distance is not None
        weight = self.settings.feature_weight if used else 0.0
        return {
            **asdict(self.settings),
            "feature_weight": weight,
            "features": "every convolution layer of the discriminator" if used else "none",
            "optimiser": "L-BFGS in the generator's mean metric, from a ridge encoder",
        }
