"""SeFa: directions from the weights of a generator's first layer, no sampling at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.activations import layer_names, run_to
from ganlens.directions.direction import Direction, fixed_sign
from ganlens.errors import GanlensError


@dataclass(frozen=True)
class FirstLayer:
    """The affine map at the entrance of a generator.

    Attributes:
        weight: (units, d) float64: latents to pre-activations, batch norm folded in.
        layer: name of the last part that was folded: its output is ``weight @ z + constant``.
    """

    weight: np.ndarray
    layer: str


def sefa(
    generator: nn.Module, count: int, *, provenance: dict[str, Any] | None = None
) -> list[Direction]:
    """Factorise the first layer in closed form (Shen and Zhou 2021, arXiv 2007.06600).

    With A the layer's weights, the directions that change its output most are the eigenvectors of
    A^T A with the largest eigenvalues. A projection by transposed convolution of a 1x1 input and
    one by a matrix are the same thing here. Batch norm after it is part of the linear map: each
    channel (or unit) is scaled by gamma / sqrt(var + eps), without which a channel with a large
    weight and a small gain would count as important. So what is factorised is exactly the
    covariance of the pre-activations, and PCA of them converges to the same directions.

    Args:
        generator: maps latents by a ConvTranspose2d or Linear layer first; a conditional one must
            take latents alone, as ``Subject.bound`` gives it.
        count: how many, at most d.
        provenance: is put into each Direction.

    Returns:
        Directions by falling eigenvalue; the sign is such that the largest coordinate is positive;
        strength is the eigenvalue's share of their sum, metrics["eigenvalue"] the value itself.

    Raises:
        GanlensError: a generator whose first layer is not known to be linear, or a bad count.
    """
    first = first_layer(generator)
    size = first.weight.shape[1]
    if not 1 <= count <= size:
        raise GanlensError(f"{count} SeFa directions cannot be had: choose from 1 to {size}")
    values, vectors = np.linalg.eigh(first.weight.T @ first.weight)
    values = np.maximum(values, 0)
    found = []
    for rank in range(1, count + 1):
        vector, value = vectors[:, -rank], float(values[-rank])
        found.append(
            Direction(
                name=f"sefa {rank}",
                method="sefa",
                unit=(vector * fixed_sign(vector)).astype(np.float32),
                strength=value / float(values.sum() or 1),
                metrics={"eigenvalue": value},
                provenance={**(provenance or {}), "layer": first.layer},
            )
        )
    return found


def first_layer(generator: nn.Module) -> FirstLayer:
    """Return the first layer of a generator as one matrix, the batch norm behind it folded in.

    Raises:
        GanlensError: the first leaf with weights is neither Linear nor ConvTranspose2d of one
            group, or does not take the latent.
    """
    modules = dict(generator.named_modules())
    leaves = [name for name in layer_names(generator) if not isinstance(modules[name], nn.Identity)]
    name = leaves[0] if leaves else ""
    weight = _rows(modules.get(name), name)  # (channels, positions, d)
    dim = getattr(getattr(generator, "prior", None), "dim", weight.shape[2])
    if weight.shape[2] > dim and hasattr(generator, "condition_dim"):
        weight = _of_latents(generator, name, dim)
    if weight.shape[2] != dim:
        raise GanlensError(
            f"the first layer {name!r} takes {weight.shape[2]} numbers, the latent has {dim}: SeFa "
            "does not know this generator; use ganspace"
        )
    norm = modules[leaves[1]] if len(leaves) > 1 else None
    if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
        name, weight = leaves[1], weight * _gain(norm)[:, None, None]
    return FirstLayer(weight.reshape(-1, weight.shape[2]).numpy(), name)


def _rows(layer: nn.Module | None, name: str) -> Tensor:
    """Return (channels, positions, d) float64."""
    if isinstance(layer, nn.Linear):
        return layer.weight.detach().cpu().double()[:, None, :]
    if isinstance(layer, nn.ConvTranspose2d) and layer.groups == 1:
        # On a 1x1 input every position of the kernel is one output position; padding cuts the rim.
        assert isinstance(layer.padding, tuple)
        (top, left), weight = layer.padding, layer.weight.detach().cpu().double()
        height, width = weight.shape[2:]
        weight = weight[:, :, top : height - top, left : width - left]
        return weight.flatten(2).permute(1, 2, 0)
    raise GanlensError(
        f"the first layer {name!r} ({type(layer).__name__}) is no linear projection: SeFa does not "
        "know this generator; use ganspace"
    )


@torch.no_grad()
def _of_latents(generator: nn.Module, layer: str, dim: int) -> Tensor:
    """Return (channels, positions, d) float64 of a layer that takes a condition beside the latent.

    Where in its input the latent stands is found by moving one coordinate after the other.
    """
    place = next(generator.parameters()).device
    moved = torch.cat([torch.zeros(1, dim), torch.eye(dim)]).to(place)
    outputs = run_to(generator, layer, moved).cpu().double()
    return (outputs[1:] - outputs[:1]).reshape(dim, outputs.shape[1], -1).permute(1, 2, 0)


def _gain(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> Tensor:
    if norm.running_var is None:
        raise GanlensError("the first batch norm has no statistics: calibrate the generator first")
    variance = norm.running_var.detach().cpu().double()
    gain = torch.ones_like(variance) if norm.weight is None else norm.weight.detach().cpu().double()
    return gain / (variance + norm.eps).sqrt()
