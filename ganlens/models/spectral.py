"""Spectral norm (Miyato 2018, arXiv 1802.05957): for training, and worked into what is kept."""

from operator import attrgetter

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganlens.initialisation import seeded

WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def normalise(network: nn.Module, seed: int) -> None:
    """Put every kernel and matrix of a network, which is to be trained, under spectral norm.

    Args:
        network: on the CPU, whose stream is seeded; changed in place, with other parameters.
        seed: of the vectors from which the power iterations start.
    """
    with seeded(seed):
        for module in list(network.modules()):
            if isinstance(module, WEIGHTED):
                spectral_norm(module)


def worked_in(network: nn.Module, plain: nn.Module) -> nn.Module:
    """Fill a network of the same kind, not under spectral norm, so that both compute the same.

    torch's own ``remove_parametrizations`` would do it in a copy and break the original: they
    share a class.

    Args:
        network: under spectral norm; it is left in eval mode, where its norms are constants.
        plain: may be on the meta device; it takes the divided weights, and the other tensors of
            the network itself.
    """
    network.eval()  # in training mode each look at a weight refines its norm
    weights = {name: attrgetter(name)(network).detach() for name in plain.state_dict()}
    plain.load_state_dict(weights, assign=True)
    return plain
