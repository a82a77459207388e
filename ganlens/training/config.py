"""How to train a GAN: every setting that changes its weights, and the presets."""

import math
from dataclasses import dataclass
from typing import Literal

from ganlens.augment import names
from ganlens.errors import GanlensError, one_of
from ganlens.models.prior import check_seed


@dataclass(frozen=True)
class TrainConfig:
    """How to train: by default as the ``torch`` preset; ``TRAIN_PRESETS["paper"]`` is the authors'.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step, over all ranks together.
        lr: Adam's step size for the generator.
        lr_discriminator: Adam's step size for the discriminator; 0 takes lr (TTUR, Heusel 2017).
        beta1: Adam's decay of the gradient's mean.
        beta2: Adam's decay of the gradient's square.
        weight_decay: L2 term added to the gradient (not decoupled).
        schedule: "both" updates both networks on each batch, "alternate" one network per batch.
        ema_decay: decay per step of the generator's moving average, batch-norm buffers included.
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
        flip: mirror half of the real images.
        seed: of everything random in the run.
    """

    epochs: int = 50
    batch_size: int = 128
    lr: float = 2e-4
    lr_discriminator: float = 0.0
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 0.0
    schedule: Literal["both", "alternate"] = "both"
    ema_decay: float = 0.999
    label_smoothing: float = 0.0
    instance_noise: float = 0.0
    r1: float = 0.0
    r1_every: int = 16
    spectral_norm: bool = False
    rotation: float = 0.0
    augment: str = ""
    flip: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        names(self.augment)
        if self.schedule not in ("both", "alternate"):
            raise one_of("schedule", self.schedule, ("both", "alternate"))
        positive = ("epochs", "batch_size", "lr", "r1_every")
        for name in positive:
            if not getattr(self, name) > 0:
                raise GanlensError(f"{name} {getattr(self, name)} must be above 0")
        for name in ("beta1", "beta2", "ema_decay", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise GanlensError(f"{name} {getattr(self, name)} must be at least 0 and below 1")
        for name in ("lr_discriminator", "weight_decay", "instance_noise", "r1", "rotation"):
            if not getattr(self, name) >= 0:
                raise GanlensError(f"{name} {getattr(self, name)} must be at least 0")
        for name in ("lr", "lr_discriminator", "weight_decay", "instance_noise", "r1", "rotation"):
            if not math.isfinite(getattr(self, name)):
                raise GanlensError(f"{name} {getattr(self, name)} must be a finite number")
        check_seed(self.seed)  # found late, a bad one would cost the first epochs


TRAIN_PRESETS: dict[str, TrainConfig] = {
    # The authors' code: L2 1e-5 on the gradient, G and D take turns, 25 epochs.
    "paper": TrainConfig(epochs=25, weight_decay=1e-5, schedule="alternate"),
    "torch": TrainConfig(),
}
