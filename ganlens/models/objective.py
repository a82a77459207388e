"""The settings of how D and G are trained against each other, whatever their networks are."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganlens.augment import names
from ganlens.errors import GanlensError
from ganlens.limits import Amount, Count, Decay, Limits, Share, check_limits

SMOOTHED = ("non-saturating", "minimax")  # losses with targets that can be smoothed


@dataclass(frozen=True)
class Adversarial:
    """How D and G are trained against each other.

    Attributes:
        loss: what both minimise: the cross-entropies "non-saturating" and "minimax" (Goodfellow
            2014), "least-squares" (Mao 2017), "hinge" (Miyato 2018), "wasserstein" (Gulrajani 2017)
            or "relativistic" (R3GAN, Huang 2024). Each brings defaults of its own for other
            settings, which --loss NAME --help shows.
        lr: Adam's step size for the generator.
        lr_discriminator: Adam's step size for the discriminator; 0 takes lr (TTUR, Heusel 2017).
        beta1: Adam's decay of the gradient's mean.
        beta2: Adam's decay of the gradient's square.
        decay_from: share of the run after which the step sizes fall linearly to 0; 1 is off.
        weight_decay: L2 term added to the gradient (not decoupled).
        schedule: "both" updates both networks on each batch, "alternate" one network per batch.
        critic_steps: steps of the discriminator to one of the generator (Arjovsky 2017).
        label_smoothing: how far below 1 the target of real images lies, of the cross-entropies
            (one-sided; Salimans 2016).
        instance_noise: initial standard deviation of noise on what the discriminator sees, decaying
            linearly to 0 over the run (Sonderby 2016).
        r1: weight gamma of the R1 penalty gamma/2 |grad D(real)|^2 (Mescheder 2018); 0 is off.
        r2: the same at generated images (Mescheder 2018).
        r1_every: steps between two such penalties, each weighted by this number (lazy, Karras
            2020).
        gradient_penalty: weight of (|grad D| - 1)^2 between real and generated images (Gulrajani
            2017); 0 is off.
        spectral_norm: divide each kernel of the discriminator by its largest singular value, which
            bounds its slope (Miyato 2018); usually with --discriminator-norm none.
        rotation: weight of a second task of the discriminator's, without labels: how far was a real
            image turned? A fifth of it for the generator's images (SS-GAN, Chen 2019); 0 is off.
        augment: DiffAugment policy out of color, translation, cutout, separated by commas.
    """

    loss: Literal[
        "non-saturating", "minimax", "least-squares", "hinge", "wasserstein", "relativistic"
    ] = "non-saturating"
    lr: Annotated[float, Limits(above=0)] = 2e-4
    lr_discriminator: Amount = 0.0
    beta1: Decay = 0.5
    beta2: Decay = 0.999
    decay_from: Share = 1.0
    weight_decay: Amount = 0.0
    schedule: Literal["both", "alternate"] = "both"
    critic_steps: Count = 1
    label_smoothing: Decay = 0.0
    instance_noise: Amount = 0.0
    r1: Amount = 0.0
    r2: Amount = 0.0
    r1_every: Count = 16
    gradient_penalty: Amount = 0.0
    spectral_norm: bool = False
    rotation: Amount = 0.0
    augment: str = ""

    def __post_init__(self) -> None:
        check_limits(self)
        names(self.augment)
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise GanlensError(
                f"label_smoothing {self.label_smoothing:g} belongs to the losses"
                f" {' and '.join(SMOOTHED)}: give 0 for {self.loss}"
            )
        if self.critic_steps > 1 and self.schedule == "alternate":
            raise GanlensError(
                f"critic_steps {self.critic_steps} and schedule 'alternate' contradict each other:"
                " give schedule 'both'"
            )
