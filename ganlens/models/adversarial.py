"""The base of GANs: D tells real from generated images, and G's are to be taken for real."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ganlens.augment import augment, names
from ganlens.limits import Amount, Count, Decay, Limits, check_limits
from ganlens.models.family import Adam, Batch, Curve, Family, History, Networks, Numbers, Phase
from ganlens.models.losses import discriminator_loss, generator_loss, r1_penalty
from ganlens.models.rotation import FOR_GENERATOR, TURNS, RotationTask, quarter_turns
from ganlens.models.spectral import normalise

PINNED = 0.98  # accuracy of D on both kinds of images above which it has nothing left to learn
VANISHED = 0.02  # share of its early norm below which G's gradient carries no news


@dataclass(frozen=True)
class Adversarial:
    """How D and G are trained against each other.

    Attributes:
        lr: Adam's step size for the generator.
        lr_discriminator: Adam's step size for the discriminator; 0 takes lr (TTUR, Heusel 2017).
        beta1: Adam's decay of the gradient's mean.
        beta2: Adam's decay of the gradient's square.
        weight_decay: L2 term added to the gradient (not decoupled).
        schedule: "both" updates both networks on each batch, "alternate" one network per batch.
        label_smoothing: how far below 1 the target of real images lies (one-sided; Salimans 2016).
        instance_noise: initial standard deviation of noise on what the discriminator sees, decaying
            linearly to 0 over the run (Sonderby 2016).
        r1: weight gamma of the R1 penalty gamma/2 |grad D(real)|^2 (Mescheder 2018); 0 is off.
        r1_every: steps between two penalties, each weighted by this number (lazy, Karras 2020).
        spectral_norm: divide each kernel of the discriminator by its largest singular value, which
            bounds its slope (Miyato 2018); usually with --discriminator-norm none.
        rotation: weight of a second task of the discriminator's, without labels: how far was a real
            image turned? A fifth of it for the generator's images (SS-GAN, Chen 2019); 0 is off.
        augment: DiffAugment policy out of color, translation, cutout, separated by commas.
    """

    lr: Annotated[float, Limits(above=0)] = 2e-4
    lr_discriminator: Amount = 0.0
    beta1: Decay = 0.5
    beta2: Decay = 0.999
    weight_decay: Amount = 0.0
    schedule: Literal["both", "alternate"] = "both"
    label_smoothing: Decay = 0.0
    instance_noise: Amount = 0.0
    r1: Amount = 0.0
    r1_every: Count = 16
    spectral_norm: bool = False
    rotation: Amount = 0.0
    augment: str = ""

    def __post_init__(self) -> None:
        check_limits(self)
        names(self.augment)


class GAN(Family):
    """Two phases, "d" and "g", over a generator and a discriminator.

    A family adds its networks; a conditional one takes labels in both. Others override what is
    made (``forward``), who learns (``critics``, ``drawers``) or what is minimised.
    """

    Training: ClassVar[type[Any]] = Adversarial
    roles: Mapping[str, str] = {"generator": "generator", "discriminator": "discriminator"}
    curves: ClassVar[tuple[Curve, ...]] = (
        Curve(
            "Losses",
            {"d_loss": "discriminator", "g_loss": "generator"},
            "loss (nats)",
            "The discriminator's and the generator's loss. They measure a contest, not quality: "
            "neither has to fall for the pictures to improve.",
        ),
        Curve(
            "How often the discriminator is right",
            {"d_real": "on real", "d_fake": "on generated"},
            "share",
            "The share of real images it calls real and of generated ones it calls generated. Both "
            "pinned at 1 while the generator's gradient vanishes is a failed run.",
        ),
        Curve(
            "How often the discriminator tells how far a real image was turned",
            {"d_turned": "right"},
            "share",
            "The task without labels that holds its features of what is in the images. A guess is "
            "right in a quarter of the cases.",
        ),
    )

    def condition(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return what both networks take besides: the labels of a conditional family."""
        if not self.conditions:
            return ()
        assert batch.labels is not None, "the trainer refuses data without labels"
        return (batch.labels,)

    def critics(self, nets: Networks) -> tuple[str, ...]:
        """Return the names of the networks that learn in phase "d"."""
        return tuple(name for name in ("discriminator", "rotation") if name in nets)

    def drawers(self, nets: Networks) -> tuple[str, ...]:
        """Return the names of the networks that learn in phase "g"."""
        return ("generator",)

    def forward(self, nets: Networks, batch: Batch) -> Tensor:
        """Generate (n, C, H, W) images from this step's latents."""
        z = batch.latents(nets["generator"].prior)
        return nets["generator"](z, *self.condition(batch))

    def phases(self, nets: Networks, objective: Any) -> list[Phase]:
        """Return D's phase and G's, in this order; by turns, the authors' loop begins with G."""
        how, both = objective, objective.schedule == "both"
        every, betas = 1 if both else 2, (how.beta1, how.beta2)
        d_adam = Adam(how.lr_discriminator or how.lr, betas, how.weight_decay)
        g_adam = Adam(how.lr, betas, how.weight_decay)
        d_loss, g_loss = partial(self.d_loss, nets, how), partial(self.g_loss, nets, how)
        return [
            Phase("d", self.critics(nets), d_loss, d_adam, every, 0 if both else 1),
            Phase("g", self.drawers(nets), g_loss, g_adam, every),
        ]

    def equip(
        self, nets: Networks, objective: Any, seed: Callable[[str], int]
    ) -> dict[str, nn.Module]:
        """Put D under spectral norm and give it the rotation task, where they are asked for."""
        if objective.spectral_norm:
            normalise(nets["discriminator"], seed("spectral norm"))
        if not objective.rotation:
            return {}
        task = RotationTask(nets["discriminator"], seed("rotation"))
        if objective.spectral_norm:  # as the authors' code has it
            normalise(task, seed("rotation's spectral norm"))
        return {"rotation": task}

    def d_loss(
        self, nets: Networks, how: Any, batch: Batch, fake: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return D's loss on a batch and as many generated images; numbers without penalties."""
        labels, d = self.condition(batch), nets["discriminator"]
        penalise = how.r1 > 0 and batch.step % how.r1_every == 0
        real = augmented(batch.images, "real", batch, how).requires_grad_(penalise)
        on_real = d(real, *labels).float()
        on_fake = d(augmented(fake.detach(), "fake", batch, how), *labels).float()
        loss = d_loss = discriminator_loss(on_real, on_fake, how.label_smoothing)
        if penalise:
            loss = d_loss + how.r1_every * r1_penalty(on_real, real, how.r1)
        # Detached: R1 needs gradients of the images in the first task alone.
        turned, right = self.turned(nets, how, batch, batch.images.detach(), "real")
        right_on = {"d_real": (on_real > 0).float().mean(), "d_fake": (on_fake < 0).float().mean()}
        return loss + turned, {"d_loss": d_loss, **right_on, **right}

    def g_loss(
        self, nets: Networks, how: Any, batch: Batch, fake: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return G's loss on its images of this step."""
        images = augmented(fake, "fake", batch, how)
        loss = generator_loss(nets["discriminator"](images, *self.condition(batch)).float())
        turned, _ = self.turned(nets, how, batch, fake, "fake")
        return loss + FOR_GENERATOR * turned, {"g_loss": loss}

    def turned(
        self, nets: Networks, how: Any, batch: Batch, x: Tensor, purpose: str
    ) -> tuple[Tensor | float, Numbers]:
        """Return the rotation task's weighted loss and its accuracy; without it 0 and none."""
        if not how.rotation:
            return 0.0, {}
        images = some_turned(x, purpose, batch, how)
        # Weights are cast to bfloat16 anew: the two tasks' gradients then add up in float32.
        torch.clear_autocast_cache()
        loss, right = nets["rotation"](nets["discriminator"], images)
        return how.rotation * loss, {"d_turned": right}

    def warnings(self, history: History) -> list[str]:
        """Name a discriminator that has won; high accuracy alone would be a false alarm."""
        scored = [s for s in history.recent if "d_real" in s]
        gradients = [s["g_grad"] for s in history.recent if "g_grad" in s]
        early = history.early.get("g_grad")
        if len(history.recent) < history.window or not (scored and gradients and early):
            return []
        right = fmean(min(s["d_real"], s["d_fake"]) for s in scored)
        if right <= PINNED or median(gradients) >= VANISHED * median(early):
            return []
        return [
            "discriminator too strong: it is right on nearly every image and the generator's"
            " gradient has vanished; try --instance-noise 0.5 --label-smoothing 0.1"
        ]


def some_turned(x: Tensor, purpose: str, batch: Batch, how: Any) -> Tensor:
    """Return ``quarter_turns`` of a random quarter of some images, as D sees them.

    Args:
        x: (n, C, S, S) images in [-1, 1], before ``augmented``.
        purpose: "real" or "fake".
        batch: the step.
        how: an Adversarial.
    """
    drawn = torch.randperm(len(x), generator=batch.stream(f"turned-{purpose}"))
    rows = drawn[: max(1, len(x) // TURNS)].to(x.device)
    return augmented(quarter_turns(x[rows]), f"turned-{purpose}", batch, how)


def augmented(x: Tensor, purpose: str, batch: Batch, how: Any) -> Tensor:
    """Return what D sees of some images: with instance noise and DiffAugment.

    Args:
        x: (n, C, H, W) images in [-1, 1].
        purpose: "real", "fake" or what else is seen in a step: each has noise of its own.
        batch: the step; the noise decays over the run.
        how: an Adversarial.
    """
    if how.instance_noise > 0:
        noise = torch.randn(x.shape, generator=batch.stream(f"noise-{purpose}"))
        x = x + noise.to(x.device) * (how.instance_noise * (1 - batch.progress))
    if how.augment:
        x = augment(x, how.augment, batch.stream(f"augment-{purpose}"))
    return x
