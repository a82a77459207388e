"""``reset``: a module of somebody else's as it was before any training."""

from copy import deepcopy

from torch import nn

from ganlens.errors import GanlensError


def reset(network: nn.Module) -> nn.Module:
    """Return a copy with the weights that its layers begin with.

    Draws from torch's global stream: wrap it in ``initialisation.seeded``.

    Raises:
        GanlensError: a layer with weights does not say how it begins.
    """
    fresh = deepcopy(network)
    for name, part in fresh.named_modules():
        if callable(begin := getattr(part, "reset_parameters", None)):
            begin()
        elif next(part.parameters(recurse=False), None) is not None:
            raise GanlensError(
                f"layer {name!r} ({type(part).__name__}) has no reset_parameters(), so there is no"
                " untrained network to compare with"
            )
    return fresh
