"""How the numbers of a GAN's training are drawn, and what each of them means."""

from ganlens.models.family import Curve

_BOUND = (
    "What the discriminator's loss says of the distance between the two distributions: the best "
    "discriminator would give it, this one gives at most as much. Of batches, so it is noisy; of "
    "training images, so it rises when they are learned by heart."
)
CURVES: tuple[Curve, ...] = (
    Curve(
        "Losses",
        {"d_loss": "discriminator", "g_loss": "generator"},
        "loss",
        "The discriminator's and the generator's loss, cross-entropies in nats. They measure a "
        "contest, not quality: neither has to fall for the pictures to improve.",
    ),
    Curve(
        "How often the discriminator is right",
        {"d_real": "on real", "d_fake": "on generated"},
        "share",
        "The share of real images it calls real and of generated ones it calls generated. Both "
        "pinned at 1 while the generator's gradient vanishes is a failed run.",
    ),
    Curve(
        "How often the discriminator is right about a pair",
        {"d_pairs": "right"},
        "share",
        "The share of pairs of a real and a generated image in which it scores the real one "
        "higher. Half is a guess. Its scores mean nothing by themselves.",
    ),
    Curve(
        "How often the discriminator tells how far a real image was turned",
        {"d_turned": "right"},
        "share",
        "The task without labels that holds its features of what is in the images. A guess is "
        "right in a quarter of the cases.",
    ),
)
