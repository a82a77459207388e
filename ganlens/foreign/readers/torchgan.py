"""Reader of torchgan's DCGAN: ``model.N.0.weight``, and ``disc.0`` in a discriminator."""

from ganlens.foreign.recognition import Answers, Match, Notes, Weights, numbered, ranked, shape

FORMAT = "torchgan's DCGAN"


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read ``model.N.0.weight``; ``disc.0`` beside it makes a discriminator."""
    blocks = numbered(weights, r"model\.(\d+)\.0\.weight")
    if len(blocks) < 2 or any(ranked(weights, f"model.{i}.0.weight") != 4 for i in blocks):
        return None
    if numbered(weights, r"model\.(\d+)\.weight"):  # of one sequence, nested only in part
        return None
    notes = Notes(answers)
    shapes = [shape(weights, f"model.{i}.0.weight", 4) for i in blocks]
    normed = "model.1.1.running_mean" in weights or "model.0.1.running_mean" in weights
    eps = notes.setting("bn_eps", 1e-5) if normed else None
    common = {"bn_eps": eps, "slope": notes.setting("activation_slope", 0.2)}
    if "disc.0.weight" in weights:
        found = {"channels": shapes[0][1], "widths": [s[0] for s in shapes], **common}
        return notes.match(FORMAT, "discriminator", weights, found, 4 * 2 ** len(blocks))
    found = {
        "latent_dim": notes.latent_dim(shapes[0][0]),
        "widths": [s[1] for s in shapes[:-1]],
        "channels": shapes[-1][1],
        "prior": notes.prior(),
        "output": notes.output("tanh"),
        **common,
    }
    return notes.match(FORMAT, "generator", weights, found, 4 * 2 ** (len(blocks) - 1))
