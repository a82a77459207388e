"""Reader of facebookresearch/pytorch_GAN_zoo's Progressive GAN (Karras 2018, arXiv 1710.10196)."""

from collections.abc import Sequence

from ganlens.foreign.readers.ganzoo_dcgan import note_decisions
from ganlens.foreign.recognition import Answers, Match, Notes, Weights, numbered, ranked, shape

FORMAT = "the progressive GAN of pytorch_GAN_zoo"


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read ``formatLayer.module`` and ``toRGBLayers``, or ``fromRGBLayers``."""
    notes = Notes(answers)
    if (scales := numbered(weights, r"toRGBLayers\.(\d+)\.module\.weight")) and ranked(
        weights, "formatLayer.module.weight"
    ):
        return _generator(weights, notes, scales)
    if scales := numbered(weights, r"fromRGBLayers\.(\d+)\.module\.weight"):
        return _discriminator(weights, notes, scales)
    return None


def _generator(weights: Weights, notes: Notes, scales: Sequence[int]) -> Match:
    shapes = [shape(weights, f"toRGBLayers.{i}.module.weight", 4) for i in scales]
    arguments = {
        "latent_dim": notes.latent_dim(shape(weights, "formatLayer.module.weight", 2)[1]),
        "widths": [s[1] for s in shapes],
        "channels": shapes[-1][0],
        "prior": notes.prior(),
        "slope": notes.setting("activation_slope", 0.2),
        "output": notes.output("none"),
    }
    notes.assumed.append("growth finished: the last toRGB layer alone draws")
    return notes.match(FORMAT, "generator", weights, arguments, 4 * 2 ** (len(scales) - 1))


def _discriminator(weights: Weights, notes: Notes, scales: Sequence[int]) -> Match:
    shapes = [shape(weights, f"fromRGBLayers.{i}.module.weight", 4) for i in scales]
    out, in_ = shape(weights, "groupScaleZero.0.module.weight", 4)[:2]
    arguments = {
        "channels": shapes[-1][1],
        "widths": [s[0] for s in shapes],
        "decisions": shape(weights, "decisionLayer.module.weight", 2)[0],
        "minibatch": in_ == out + 1,
        "slope": notes.setting("activation_slope", 0.2),
    }
    note_decisions(notes, arguments["decisions"])
    if arguments["minibatch"]:
        notes.assumed.append("standard deviation over the minibatch 0, as for one image alone")
    return notes.match(FORMAT, "discriminator", weights, arguments, 4 * 2 ** (len(scales) - 1))
