"""Which norm stands behind each numbered convolution, by its tensors and by places left free."""

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import Notes
from ganlens.foreign.sequence import ADVICE, Layer, Numbered

MOST_EXTRAS = 3  # norm without weights, activation, dropout


def norms_of(found: Numbered, notes: Notes) -> tuple[list[str], bool]:
    """Return a name of ``layers.NORM_NAMES`` for each convolution; and whether one is measured.

    Args:
        found: the network.
        notes: where what is assumed is said; asked only where tensors leave it open.

    Raises:
        GanlensError: more layers without weights stand between two than a family here has.
    """
    norms = [_by_tensors(layer) for layer in found.layers]
    open_ = [i for i, name in enumerate(norms) if name == "?"]
    if open_:
        answer = notes.answers.norm
        if answer is None:
            notes.assumed.append(
                f"batch norm in the {found.part}, measured anew: the file has its weights and no"
                " running statistics; instance norm has the same weights (--norm changes it)"
            )
        elif answer == "none":
            raise GanlensError("norm none does not fit: the weights have a norm, batch or instance")
        else:
            notes.inferred.append(f"norm {answer}, as you said")
        norms = [(answer or "batch") if name == "?" else name for name in norms]
    norms = _without_weights(found, norms, notes)
    return norms, any(norms[i] == "batch" for i in open_)


def _by_tensors(layer: Layer) -> str:
    if not layer.norm:
        return "none"
    affine = "weight" in layer.norm or "bias" in layer.norm
    if layer.has_statistics:
        return "batch" if affine else "plain batch"
    return "?"


def _without_weights(found: Numbered, norms: list[str], notes: Notes) -> list[str]:
    """Explain places that are free beside the activation: an instance norm, or dropout."""
    layers = found.layers
    more = {i: layer.extras - 1 for i, layer in enumerate(layers[:-1]) if layer.extras > 1}
    if not more:
        return norms
    if max(layer.extras for layer in layers[:-1]) > MOST_EXTRAS:
        i = max(more, key=more.__getitem__)
        raise GanlensError(
            f"network has {layers[i].extras} layers without weights after"
            f" {layers[i].conv['weight']}, which this family does not read: {ADVICE}"
        )
    bare = [i for i in more if norms[i] == "none"]
    normed = any(name != "none" for name in norms)
    everywhere = len(bare) == len(layers) - 1
    guess = "none" if normed or (found.part == "discriminator" and everywhere) else "instance"
    if not bare or normed:
        notes.assumed.append(
            f"dropout, which draws nothing, where the {found.part} has a layer without weights"
            " beside an activation"
        )
        return norms
    answer = notes.answers.norm or guess
    if answer == "batch":
        raise GanlensError(
            "norm batch does not fit: the file has neither its weights nor statistics"
        )
    other = "dropout or nothing" if answer == "instance" else "instance norm"
    what = "instance norm without weights" if answer == "instance" else "dropout, or no norm,"
    notes.assumed.append(
        f"{what} in the {found.part}, where a layer without weights stands beside each activation;"
        f" it may be {other} (--norm {'none' if answer == 'instance' else 'instance'} changes it)"
    )
    return ["plain instance" if i in bare and answer == "instance" else n
            for i, n in enumerate(norms)]  # fmt: skip
