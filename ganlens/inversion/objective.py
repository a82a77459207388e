"""What an inversion minimises: residuals of pixels and features, and the prior's term."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganlens.activations import edit
from ganlens.inversion.base import Settings
from ganlens.models.prior import Prior

if TYPE_CHECKING:
    from ganlens.subject import Subject

EDGE = 0.999  # latents of a uniform prior are brought inside this before they are turned into u
LARGEST = 2.0  # of a first guess of u: beyond it tanh is flat, and a search stands still
SHARED = 0.1  # of a one-hot part: what all categories share before its logarithm is taken
CALIBRATION = 64  # images of the pool that give a layer's variance


class Coordinates:
    """The free coordinates u in which latents are searched, part by part of the prior.

    z = u of a normal part, z = tanh(u) of a uniform one, z = softmax(u) of a categorical one, which
    is relaxed to shares of the categories.
    """

    def __init__(self, prior: Prior) -> None:
        self.prior = prior

    def latents(self, u: Tensor) -> Tensor:
        """Map (N, d) coordinates to latents."""
        return self._each(u, {"uniform": Tensor.tanh, "categorical": lambda one: one.softmax(1)})

    def of(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to coordinates; those at an edge are brought inside first."""
        return self._each(
            z,
            {
                "uniform": lambda one: one.clamp(-EDGE, EDGE).atanh(),
                "categorical": lambda one: one.lerp(one.mean(1, keepdim=True), SHARED).log(),
            },
        )

    def inside(self, u: Tensor) -> Tensor:
        """Bring guesses from beyond a normal prior's shell back onto it, others off flat ground."""
        return self._each(
            u,
            {
                "normal": _on_shell,
                "uniform": lambda one: one.clamp(-LARGEST, LARGEST),
                "categorical": lambda one: (one - one.mean(1, keepdim=True)).clamp(
                    -LARGEST, LARGEST
                ),
            },
        )

    def penalty(self, z: Tensor) -> Tensor:
        """Return (N,): how far latents are from where the prior has its mass, 0 if uniform."""
        found = z.new_zeros(len(z))
        for part, one in zip(self.prior.parts, self.prior.split(z), strict=True):
            share = part.dim / self.prior.dim
            if part.kind == "normal":
                found = found + share * (one.square().mean(1) - 1).square()
            elif part.kind == "categorical":
                found = found + share * (1 - one.square().sum(1))
        return found

    def _each(self, rows: Tensor, maps: Mapping[str, Callable[[Tensor], Tensor]]) -> Tensor:
        """Map each part of (N, d) rows by what its kind has, if anything."""
        parts = zip(self.prior.parts, self.prior.split(rows), strict=True)
        return torch.cat([maps[p.kind](one) if p.kind in maps else one for p, one in parts], dim=1)


def _on_shell(u: Tensor) -> Tensor:
    return u * (u.shape[1] ** 0.5 / u.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)


class Residuals:
    """Maps images to vectors whose squared differences, summed, are the loss's first two terms.

    Args:
        subject: gives the discriminator.
        settings: give the weights; features need a discriminator and a weight above 0.
        pool: (M, C, H, W) generated images in [-1, 1] that set each layer's unit.
    """

    def __init__(self, subject: "Subject", settings: Settings, pool: Tensor) -> None:
        self.network: Any = subject.discriminator and subject.unconditional("discriminator")
        self.layers: tuple[str, ...] = ()
        self.pixel_weight, self.feature_weight = settings.pixel_weight, settings.feature_weight
        self.scales: list[float] = []
        if self.network is not None and settings.feature_weight > 0:
            self.layers = tuple(self.network.feature_layers)
            with torch.no_grad():
                found = self._maps(pool[:CALIBRATION])
            spread = [maps.var(0, correction=0).sum().item() for maps in found]
            self.scales = [(1 / max(s, 1e-12) / len(found)) ** 0.5 for s in spread]

    def features(self, images: Tensor) -> Tensor | None:
        """Map (N, C, H, W) to (N, D) features of which F is the squared distance, or None."""
        if not self.layers:
            return None
        found = zip(self._maps(images), self.scales, strict=True)
        return torch.cat([maps.flatten(1) * scale for maps, scale in found], dim=1)

    def parts(self, images: Tensor) -> list[Tensor]:
        """Map (N, C, H, W) to weighted (N, P) pixels and, if used, (N, D) features."""
        pixels = images.flatten(1)
        found = [pixels * (self.pixel_weight / pixels.shape[1]) ** 0.5]
        features = self.features(images)
        return found if features is None else [*found, features * self.feature_weight**0.5]

    def _maps(self, images: Tensor) -> list[Tensor]:
        kept: dict[str, Tensor] = {}
        with ExitStack() as stack:
            for layer in self.layers:
                stack.enter_context(edit(self.network, layer, _keep(kept, layer)))
            self.network(images)
        return [kept[layer] for layer in self.layers]


def _keep(kept: dict[str, Tensor], layer: str) -> Callable[[Tensor], Tensor]:
    """Return an edit that changes nothing and keeps the output, gradients and all."""

    def note(output: Tensor) -> Tensor:
        kept[layer] = output
        return output.clone()  # what an in-place layer after this one overwrites

    return note


class Loss:
    """The loss of a batch of latents against a batch of images.

    Args:
        generator: (N, d) float32 to images.
        residuals: see ``Residuals``.
        coordinates: see ``Coordinates``.
        prior_weight: of the prior's term.
        images: (N, C, H, W), on the generator's device.
    """

    def __init__(
        self,
        generator: Any,
        residuals: Residuals,
        coordinates: Coordinates,
        prior_weight: float,
        images: Tensor,
    ) -> None:
        self.generator, self.residuals, self.coordinates = generator, residuals, coordinates
        self.prior_weight = prior_weight
        with torch.no_grad():
            self.targets: Sequence[Tensor] = residuals.parts(images)

    def __call__(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N,) values and (N, d) gradients in the coordinates, both float64."""
        with torch.enable_grad():
            u = u.detach().requires_grad_(True)
            z = self.coordinates.latents(u)
            drawn = self.residuals.parts(self.generator(z.float()))
            pairs = zip(drawn, self.targets, strict=True)
            # Double: near the end a step's gain is lost in the rounding of a float32 sum.
            terms = [(a - b).square().sum(1, dtype=torch.float64) for a, b in pairs]
            value = sum(terms, self.prior_weight * self.coordinates.penalty(z))
            (gradient,) = torch.autograd.grad(value.sum(), u)
        return value.detach(), gradient
