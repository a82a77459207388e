"""Reader of StudioGAN's ``deep_conv`` backbone, in the names of early and of later releases.

Spectral norm, which takes the place of the discriminator's batch norm, is worked into the weights.
"""

from collections.abc import Sequence

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import (
    Answers,
    Match,
    Notes,
    Weights,
    numbered,
    refuse,
    shape,
)
from ganlens.foreign.spectral import divided

FORMAT = "StudioGAN's deep_conv"
EPS = 1e-4
KERNEL = r"blocks\.(\d+)\.0\.{}\.weight(?:_orig)?"
VARIANTS = {
    r"blocks\.\d+\.0\.conv1x1_": "self-attention",
    r"blocks\.\d+\.0\.bn0\.(gain|bias|embed\d|bn)\.": "class-conditional batch norm",
    r"info_": "InfoGAN's codes",
    r"(embedding|linear2|linear3|linear4|linear_mi)": "a head for classes",
}


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read ``linear0`` and ``deconv0`` as a generator, ``linear1`` and ``conv0`` as a judge."""
    notes = Notes(answers)
    if up := numbered(weights, KERNEL.format("deconv0")):
        refuse(weights, VARIANTS)
        return _generator(divided(weights), notes, up)
    if down := numbered(weights, KERNEL.format("conv0")):
        refuse(weights, VARIANTS)
        return _discriminator(_renamed(divided(weights)), notes, down)
    return None


def _generator(weights: Weights, notes: Notes, blocks: Sequence[int]) -> Match:
    units, dim = shape(weights, "linear0.weight", 2)
    shapes = [shape(weights, f"blocks.{i}.0.deconv0.weight", 4) for i in blocks]
    widths = [shapes[0][0], *(s[1] for s in shapes)]
    bottom = round((units / widths[0]) ** 0.5)
    arguments = {
        "latent_dim": notes.latent_dim(dim),
        "widths": widths,
        "bottom": bottom,
        "channels": shape(weights, "conv4.weight", 4)[0],
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", EPS),
        "output": notes.output("tanh"),
    }
    return notes.match(FORMAT, "generator", weights, arguments, bottom * 2 ** len(blocks))


def _discriminator(weights: Weights, notes: Notes, blocks: Sequence[int]) -> Match:
    shapes = [shape(weights, f"blocks.{i}.0.conv0.weight", 4) for i in blocks]
    widths = [*(s[0] for s in shapes), shape(weights, "conv1.weight", 4)[0]]
    if (decisions := shape(weights, "linear1.weight", 2)[0]) != 1:
        raise GanlensError(
            f"linear1 gives {decisions} decisions, one for each class: only the unconditional"
            " discriminator is read; name the class that made it, with --module --trust"
        )
    size, normed = 4 * 2 ** len(blocks), "bn1.running_mean" in weights
    notes.assumed.append(f"discriminator for images of {size} px, as its generator's layout has it")
    arguments = {
        "channels": shapes[0][1],
        "size": size,
        "widths": widths,
        "bn_eps": notes.setting("bn_eps", EPS) if normed else None,
        "slope": notes.setting("activation_slope", 0.0),
    }
    notes.inferred.append(f"discriminator: widths {widths}{'' if normed else ', no batch norm'}")
    return notes.match(FORMAT, "discriminator", weights, arguments)


def _renamed(weights: Weights) -> dict[str, Tensor]:
    """Give the last layers of early releases the names that later ones have."""
    new = {"conv": "conv1", "bn": "bn1"}
    parts = {name: name.partition(".") for name in weights}
    return {f"{new.get(a, a)}{dot}{b}": weights[name] for name, (a, dot, b) in parts.items()}
