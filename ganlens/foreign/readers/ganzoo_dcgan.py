"""Reader of the DCGAN of facebookresearch/pytorch_GAN_zoo: ``{config, netG, netD, avgG}``.

The config is a pickled class, which is not imported. The project never leaves train mode, so it
draws with the batch norm of each batch, and the statistics in a file are those of the batches that
this network happened to see.
"""

from collections.abc import Sequence

from ganlens.foreign.recognition import Answers, Match, Notes, Weights, numbered, ranked, shape

FORMAT = "the DCGAN of pytorch_GAN_zoo"


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read ``formatLayer`` and ``main.outlayer``, or ``decisionLayer`` of rank 4."""
    inner = numbered(weights, r"main\.convTranspose(\d+)\.weight")
    if ranked(weights, "formatLayer.weight") == 4:
        return _generator(weights, Notes(answers), inner)
    if ranked(weights, "decisionLayer.weight") == 4 and inner:
        return _discriminator(weights, Notes(answers), inner)
    return None


def _generator(weights: Weights, notes: Notes, inner: Sequence[int]) -> Match:
    dim, first = shape(weights, "formatLayer.weight", 4)[:2]
    shapes = [shape(weights, f"main.convTranspose{i}.weight", 4) for i in inner]
    arguments = {
        "latent_dim": notes.latent_dim(dim),
        "widths": [first, *(s[1] for s in shapes)],
        "channels": shape(weights, "main.outlayer.weight", 4)[1],
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "output": notes.output("tanh"),
    }
    notes.assumed.append("batch norm's statistics as the file has them; the project draws in train"
                         " mode, with those of each batch")  # fmt: skip
    return notes.match(FORMAT, "generator", weights, arguments, 4 * 2 ** (len(inner) + 1))


def _discriminator(weights: Weights, notes: Notes, inner: Sequence[int]) -> Match:
    shapes = [shape(weights, f"main.convTranspose{i}.weight", 4) for i in reversed(inner)]
    arguments = {
        "channels": shapes[0][1],
        "widths": [s[0] for s in shapes],
        "decisions": shape(weights, "decisionLayer.weight", 4)[0],
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "slope": notes.setting("activation_slope", 0.2),
    }
    note_decisions(notes, arguments["decisions"])
    return notes.match(FORMAT, "discriminator", weights, arguments, 4 * 2 ** len(inner))


def note_decisions(notes: Notes, count: int) -> None:
    """Note what it means that a discriminator of this project decides more than one thing."""
    if count > 1:
        notes.assumed.append(
            f"the first of {count} decisions tells real from fake; the others are AC-GAN's classes,"
            " whose codes at the latents' end are drawn from the prior, too"
        )
