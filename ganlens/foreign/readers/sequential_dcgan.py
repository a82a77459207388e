"""Reader of the DCGAN of pytorch/examples and of the PyTorch tutorial: ``main.N.weight``."""

from collections.abc import Mapping, Sequence

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import (
    Answers,
    Match,
    Notes,
    Weights,
    numbered,
    ranked,
    shape,
)

FORMAT = "DCGAN of pytorch/examples or the PyTorch tutorial"


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read ``main.N.weight``: batch norm at 1 is a generator's, a convolution at 2 is not."""
    layers = numbered(weights, r"main\.(\d+)\.weight")
    convolutions = [i for i in layers if ranked(weights, f"main.{i}.weight") == 4]
    if 0 not in convolutions or len(convolutions) < 2:
        return None
    notes = Notes(answers)
    if ranked(weights, "main.1.weight") == 1:
        return _generator(weights, notes, convolutions)
    return _discriminator(weights, notes, convolutions)


def _generator(weights: Weights, notes: Notes, convolutions: Sequence[int]) -> Match:
    shapes = [shape(weights, f"main.{i}.weight", 4) for i in convolutions]
    _check_kernels(dict(zip(convolutions[1:], shapes[1:], strict=True)))
    start, widths = shapes[0][2:], [s[1] for s in shapes[:-1]]
    arguments = {
        "latent_dim": notes.latent_dim(shapes[0][0]),
        "widths": widths,
        "channels": shapes[-1][1],
        "start": list(start),
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "output": notes.output("tanh"),
    }
    height, width = (side * 2 ** len(widths) for side in start)
    return notes.match(FORMAT, "generator", weights, arguments, height, width)


def _discriminator(weights: Weights, notes: Notes, convolutions: Sequence[int]) -> Match:
    shapes = [shape(weights, f"main.{i}.weight", 4) for i in convolutions]
    _check_kernels(dict(zip(convolutions[:-1], shapes[:-1], strict=True)))
    start, widths = shapes[-1][2:], [s[0] for s in shapes[:-1]]
    arguments = {
        "widths": widths,
        "channels": shapes[0][1],
        "start": list(start),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "slope": notes.setting("activation_slope", 0.2),
    }
    height, width = (side * 2 ** len(widths) for side in start)
    return notes.match(FORMAT, "discriminator", weights, arguments, height, width)


def _check_kernels(shapes: Mapping[int, tuple[int, ...]]) -> None:
    for i, found in shapes.items():
        if found[2:] != (4, 4):
            raise GanlensError(
                f"weights have main.{i}.weight of shape {found}: 4x4 kernels were expected, others"
                " do not tell their stride; name the class that made them with --module"
            )
