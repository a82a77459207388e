"""The base of GANs: D tells real from generated images, and G's are to be taken for real."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from statistics import fmean, median
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganlens.augment import augment
from ganlens.errors import GanlensError, one_of
from ganlens.models.adversarial_curves import CURVES
from ganlens.models.family import (
    Adam,
    Batch,
    Curve,
    Family,
    History,
    Networks,
    Numbers,
    Phase,
    Preset,
)
from ganlens.models.losses import LOSSES, discriminator_loss, gradient_penalty, r1_penalty
from ganlens.models.objective import Adversarial
from ganlens.models.rotation import FOR_GENERATOR, TURNS, RotationTask, quarter_turns
from ganlens.models.spectral import normalise

PINNED = 0.98  # accuracy of D on both kinds of images above which it has nothing left to learn
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
# What a preset has for its own loss alone, and another loss does not take over.
WITHOUT_OTHERS = {"label_smoothing": 0.0, "r1": 0.0, "r2": 0.0, "gradient_penalty": 0.0}
VANISHED = 0.02  # share of its early norm below which G's gradient carries no news


class GAN(Family):
    """Two phases, "d" and "g", over a generator and a discriminator.

    A family adds its networks; a conditional one takes labels in both. Others override what is
    made (``forward``), who learns (``critics``, ``drawers``) or what is minimised.
    """

    Training: ClassVar[type[Any]] = Adversarial
    decisive: ClassVar[tuple[str, ...]] = ("loss",)
    roles: Mapping[str, str] = {"generator": "generator", "discriminator": "discriminator"}
    curves: ClassVar[tuple[Curve, ...]] = CURVES

    def preset(self, name: str, **chosen: Any) -> Preset:
        """Return a preset by its name, with what a loss other than its own needs.

        Args:
            name: of the preset.
            **chosen: "loss", a key of LOSSES: its settings and networks replace the preset's.

        Raises:
            GanlensError: an unknown preset or loss.
        """
        usual = super().preset(name)
        loss = chosen.get("loss", usual.objective.loss)
        if loss not in LOSSES:
            raise one_of("loss", loss, LOSSES)
        if loss == usual.objective.loss:
            return usual
        known = {field.name for field in fields(usual.config)}
        needs = {k: v for k, v in LOSSES[loss].networks.items() if k in known}
        return replace(
            usual,
            config=replace(usual.config, **needs),
            objective=replace(
                usual.objective, **{**WITHOUT_OTHERS, **LOSSES[loss].settings, "loss": loss}
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
        how, every = objective, d_every(objective)
        if how.gradient_penalty and any(
            isinstance(m, _BATCH_NORMS) for m in nets["discriminator"].modules()
        ):
            raise GanlensError(
                "the gradient penalty is of each image by itself, and batch norm in the"
                " discriminator mixes them: give --discriminator-norm none"
            )
        betas, decay, of = (how.beta1, how.beta2), how.weight_decay, how.decay_from
        d_adam = Adam(how.lr_discriminator or how.lr, betas, decay, of)
        g_adam = Adam(how.lr, betas, decay, of)
        d_loss, g_loss = partial(self.d_loss, nets, how), partial(self.g_loss, nets, how)
        g_every = max(every, how.critic_steps)
        return [
            Phase("d", self.critics(nets), d_loss, d_adam, every, every - 1),
            Phase("g", self.drawers(nets), g_loss, g_adam, g_every, how.critic_steps - 1),
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
        labels, d, loss_of = self.condition(batch), nets["discriminator"], LOSSES[how.loss]
        due = batch.step // d_every(how) % how.r1_every == 0
        real = augmented(batch.images, "real", batch, how).requires_grad_(due and how.r1 > 0)
        fake = augmented(fake.detach(), "fake", batch, how).requires_grad_(due and how.r2 > 0)
        on_real, on_fake = d(real, *labels).float(), d(fake, *labels).float()
        plain = loss = d_loss = loss_of.discriminator(on_real, on_fake)
        if how.label_smoothing:
            loss = d_loss = discriminator_loss(on_real, on_fake, how.label_smoothing)
        for images, scores, gamma in ((real, on_real, how.r1), (fake, on_fake, how.r2)):
            if images.requires_grad:
                loss = loss + how.r1_every * r1_penalty(scores, images, gamma)
        if how.gradient_penalty:
            between = interpolated(real, fake, batch)
            scores = d(between, *labels).float()
            loss = loss + gradient_penalty(scores, between, how.gradient_penalty)
        # Detached: R1 needs gradients of the images in the first task alone.
        turned, right = self.turned(nets, how, batch, batch.images.detach(), "real")
        measure, of = loss_of.measure
        told = right_about(on_real, on_fake, loss_of.boundary)
        return loss + turned, {"d_loss": d_loss, measure: of(plain), **told, **right}

    def g_loss(
        self, nets: Networks, how: Any, batch: Batch, fake: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return G's loss on its images of this step."""
        labels, d, loss_of = self.condition(batch), nets["discriminator"], LOSSES[how.loss]
        on_fake = d(augmented(fake, "fake", batch, how), *labels).float()
        on_real = on_fake.detach()
        if loss_of.paired:
            with torch.no_grad():
                on_real = d(augmented(batch.images, "real", batch, how), *labels).float()
        loss = loss_of.generator(on_fake, on_real)
        turned, _ = self.turned(nets, how, batch, fake, "fake")
        return loss + FOR_GENERATOR * turned, {"g_loss": loss}

    def turned(
        self, nets: Networks, how: Any, batch: Batch, x: Tensor, purpose: str
    ) -> tuple[Tensor | float, Numbers]:
        """Return the rotation task's weighted loss and its accuracy; without it 0 and none."""
        if not how.rotation:
            return 0.0, {}
        images, rows = some_turned(x, self.condition(batch), purpose, batch, how)
        # Weights are cast to bfloat16 anew: the two tasks' gradients then add up in float32.
        torch.clear_autocast_cache()
        loss, right = nets["rotation"](nets["discriminator"], images, *rows)
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


def d_every(how: Adversarial) -> int:
    """Return the steps from one turn of the discriminator's to its next."""
    return 1 if how.schedule == "both" else 2


def right_about(real: Tensor, fake: Tensor, boundary: float | None) -> dict[str, Tensor]:
    """Return how often D is right: about each kind of image, or where scores only compare, pairs.

    Args:
        real: (n,) scores of real images.
        fake: (n,) scores of generated ones.
        boundary: see ``ganlens.models.losses.Loss``.
    """
    if boundary is None:
        return {"d_pairs": (real > fake).float().mean()}
    return {
        "d_real": (real > boundary).float().mean(),
        "d_fake": (fake < boundary).float().mean(),
    }


def interpolated(real: Tensor, fake: Tensor, batch: Batch) -> Tensor:
    """Return an image at a random place between each pair, as a leaf that needs gradients."""
    share = torch.rand(len(real), 1, 1, 1, generator=batch.stream("between")).to(real)
    return torch.lerp(fake.detach().to(real), real.detach(), share).requires_grad_()


def some_turned(
    x: Tensor, rows: tuple[Tensor, ...], purpose: str, batch: Batch, how: Any
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return ``quarter_turns`` of a random quarter of some images, as D sees them, and their rows.

    Args:
        x: (n, C, S, S) images in [-1, 1], before ``augmented``.
        rows: (n, k) of a conditional discriminator; else empty.
        purpose: "real" or "fake".
        batch: the step.
        how: an Adversarial.
    """
    drawn = torch.randperm(len(x), generator=batch.stream(f"turned-{purpose}"))
    some = drawn[: max(1, len(x) // TURNS)].to(x.device)
    images = augmented(quarter_turns(x[some]), f"turned-{purpose}", batch, how)
    return images, tuple(row[some].repeat(TURNS, 1) for row in rows)


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
