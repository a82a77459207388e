"""How the numbers of a GAN's training are drawn, and what each of them means."""

from ganlens.models.family import Curve


def _measure(title: str, number: str, unit: str, meaning: str) -> Curve:
    """Draw what a loss measures; see ``ganlens.models.losses.Loss``."""
    return Curve(
        title,
        {number: "by the discriminator"},
        unit,
        f"{meaning} Of batches of training images: it is noisy, and rises when the discriminator "
        "learns them by heart.",
    )


_AT_MOST = "The best discriminator's loss gives it; this one's gives at most as much."
_MEASURES = (
    _measure(
        "Jensen-Shannon divergence, at least",
        "jensen_shannon",
        "nats",
        f"How far real and generated images are apart, from 0 to 0.69. {_AT_MOST}",
    ),
    _measure(
        "Triangular discrimination, at least",
        "triangular",
        "0 to 2",
        "A chi-squared distance of real and generated images, symmetric: the integral of "
        f"(p - q)^2 / (p + q). {_AT_MOST}",
    ),
    _measure(
        "Total variation, at least",
        "total_variation",
        "share",
        f"The largest difference of any event's probability, from 0 to 1. {_AT_MOST}",
    ),
    _measure(
        "Wasserstein distance, estimated",
        "wasserstein",
        "distance of images in [-1, 1]",
        "How far the mass of real images must be moved to become the generated ones, as far as "
        "this critic sees it. Its slope is held near 1 by a penalty alone, so this is an estimate "
        "and no bound.",
    ),
    _measure(
        "Divergence of pairs, at least",
        "relativistic",
        "nats",
        "How well the real image is told from the generated one beside it, from 0 to 0.69. "
        f"{_AT_MOST}",
    ),
)
CURVES: tuple[Curve, ...] = (
    Curve(
        "Losses",
        {"d_loss": "discriminator", "g_loss": "generator"},
        "loss",
        "The discriminator's and the generator's loss; cross-entropies are in nats. They measure a "
        "contest, not quality: neither has to fall for the pictures to improve.",
    ),
    *_MEASURES,
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
