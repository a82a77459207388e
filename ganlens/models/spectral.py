"""Spectral norm (Miyato 2018, arXiv 1802.05957): for training, and worked into what is kept."""

from operator import attrgetter

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models.recognition import Weights, shape

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


def divided(weights: Weights) -> dict[str, Tensor]:
    """Divide every kernel and matrix under torch's ``spectral_norm`` by its norm.

    In eval mode the norm is a constant, u W v, so a network without it computes the same.

    Args:
        weights: with or without ``weight_orig``, ``weight_u`` and ``weight_v``.

    Returns:
        The same names, ``weight`` in place of these three.

    Raises:
        GanlensError: a vector is missing, or its length is not that of its kernel.
    """
    found = dict(weights)
    for name in weights:
        stem, _, last = name.rpartition("_")
        if last == "orig":
            kernel = found.pop(name)
            u, v = (_vector(found, f"{stem}_{axis}") for axis in "uv")
            rows = _rows(weights, name, u, v)
            found[stem] = kernel / (u @ rows @ v)
    return found


def _vector(found: dict[str, Tensor], name: str) -> Tensor:
    shape(found, name, 1)
    return found.pop(name).float()


def _rows(weights: Weights, name: str, u: Tensor, v: Tensor) -> Tensor:
    """Return a kernel as a matrix of one row for each output: axis 1 of transposed convolutions."""
    kernel = weights[name]
    rows = kernel.float().movedim(int("deconv" in name), 0).flatten(1)
    if rows.shape != (len(u), len(v)):
        raise GanlensError(
            f"weights have {name} of shape {tuple(kernel.shape)}, and vectors of {len(u)} and"
            f" {len(v)} values for its spectral norm: take another checkpoint"
        )
    return rows
