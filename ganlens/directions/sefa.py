"""SeFa: directions from the weights of a generator's first layer, no sampling at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.activations import Step, Trace, run_to, trace
from ganlens.activations.functions import ACTIVATION_FUNCTIONS
from ganlens.activations.geometry import is_constant
from ganlens.directions.direction import Direction, fixed_sign
from ganlens.errors import GanlensError

MATRICES = ("linear", "conv_transpose2d", "conv2d", "matmul", "mm", "addmm")
RESHAPING = ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as",
             "reshape_as", "to", "float", "contiguous", "clone")  # fmt: skip
JOINING = ("cat", "concat", "getitem", "chunk", "split", "dropout")


@dataclass(frozen=True)
class FirstLayer:
    """The affine map at the entrance of a generator.

    Attributes:
        weight: (units, d) float64: latents to pre-activations, batch norm folded in.
        layer: name of the last part that was folded: its output is ``weight @ z + constant``.
        before: functions that change the latent on its way there, such as those of a pixel norm;
            the matrix is then that of what they make of it.
    """

    weight: np.ndarray
    layer: str
    before: tuple[str, ...] = ()


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
    about = {**(provenance or {}), "layer": first.layer}
    if first.before:
        about["before"] = f"changed on its way to the first layer by {', '.join(first.before)}"
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
                provenance=about,
            )
        )
    return found


def first_layer(generator: nn.Module) -> FirstLayer:
    """Return the first layer that reads the latent as one matrix, the batch norm behind it folded.

    A forward pass is followed from the latent: what is defined first, and what a layer is called,
    says nothing. Between the matrix and the batch norm the numbers may change their shape.

    Raises:
        GanlensError: the latent enters by no Linear or ConvTranspose2d of one group, or by several
            layers, or only a part of it does.
    """
    prior: Any = getattr(generator, "prior", None)
    try:
        passed = trace(generator)
    except GanlensError:
        _check_width(generator, prior)
        raise
    number, before = _entrance(passed)
    step = passed.steps[number]
    weight = _rows(step)  # (channels, positions, d)
    dim = weight.shape[2] if prior is None else int(prior.dim)
    if weight.shape[2] > dim:
        weight = _of_latents(generator, passed, number, dim)
    if weight.shape[2] != dim:
        raise _narrow(step.layer, weight.shape[2], dim)
    rows, layer = weight.reshape(-1, dim), step.layer
    if (norm := _norm_after(passed, number)) is not None:
        gain = _gain(norm)
        rows = (rows.reshape(len(gain), -1, dim) * gain[:, None, None]).reshape(-1, dim)
        layer = norm.layer
    return FirstLayer(rows.numpy(), layer, before)


def sefa_reads(generator: nn.Module) -> str:
    """Say in one sentence what SeFa factorises here, or why it does not know the generator."""
    try:
        first = first_layer(generator)
    except GanlensError as error:
        return f"not known: {error}"
    if first.before:
        done = ", ".join(first.before)
        return f"reads {first.layer}, which takes in the latent after {done}: not the latent itself"
    return f"reads {first.layer}"


def _check_width(generator: nn.Module, prior: Any) -> None:
    """Say of a generator that does not run whether its first matrix is too narrow or too wide."""
    for name, part in generator.named_modules():
        if isinstance(part, nn.Linear) and prior is not None and part.in_features != prior.dim:
            raise _narrow(name, part.in_features, int(prior.dim))


def _narrow(layer: str, width: int, dim: int) -> GanlensError:
    return GanlensError(
        f"the first layer {layer!r} takes {width} numbers, the latent has {dim}: SeFa does not know"
        " this generator; use ganspace"
    )


def _entrance(passed: Trace) -> tuple[int, tuple[str, ...]]:
    """Return the step that multiplies the latent with weights, and what was done to it before.

    Raises:
        GanlensError: there are several, or none.
    """
    at, found, before = [0], list[int](), list[str]()
    for number, step in enumerate(passed.steps):
        if number in at or not set(step.inputs) & set(at) or is_constant(step):
            continue
        if step.function in MATRICES:
            found.append(number)
        elif passed.output == number or step.function in ACTIVATION_FUNCTIONS:
            raise GanlensError(_unfit(step))
        else:
            at.append(number)
            if step.function not in (*RESHAPING, *JOINING):
                before.append(step.function)
    if not found:
        raise GanlensError("the latent enters by no linear layer: SeFa does not know this"
                           " generator; use ganspace")  # fmt: skip
    if len(found) > 1:
        names = ", ".join(dict.fromkeys(passed.steps[one].layer for one in found))
        raise GanlensError(
            f"the latent enters by several layers ({names}): SeFa knows one; use ganspace"
        )
    return found[0], tuple(dict.fromkeys(before))


def _unfit(step: Step) -> str:
    return (
        f"the first layer {step.layer!r} ({step.kind}) is no linear projection: SeFa does not "
        "know this generator; use ganspace"
    )


def _rows(step: Step) -> Tensor:
    """Return (channels, positions, d) float64."""
    weight: Any = step.argument(1, "weight")
    if not isinstance(weight, Tensor) or step.function == "addmm":
        raise GanlensError(_unfit(step))
    weight = weight.detach().cpu().double()
    if step.function in ("matmul", "mm") and weight.ndim == 2:
        return weight.T[:, None, :]
    if step.function == "linear":
        return weight[:, None, :]
    padding = step.argument(4, "padding", 0)
    top, left = (padding, padding) if isinstance(padding, int) else padding
    alone = step.argument(6, "groups", 1) == 1 and step.argument(5, "output_padding", 0) in (
        0,
        (0, 0),
    )
    if step.function == "conv_transpose2d" and alone and len(step.shape) == 4:
        # On a 1x1 input every position of the kernel is one output position; padding cuts the rim.
        height, width = weight.shape[2:]
        if step.shape[2:] == (height - 2 * top, width - 2 * left):
            weight = weight[:, :, top : height - top, left : width - left]
            return weight.flatten(2).permute(1, 2, 0)
    if step.function == "conv2d" and weight.shape[2:] == (1, 1) and step.shape[2:] == (1, 1):
        return weight.flatten(1)[:, None, :]
    raise GanlensError(_unfit(step))


@torch.no_grad()
def _of_latents(generator: nn.Module, passed: Trace, number: int, dim: int) -> Tensor:
    """Return (channels, positions, d) float64 of a layer that takes a condition beside the latent.

    Where in its input the latent stands is found by moving one coordinate after the other.
    """
    layer = passed.steps[number].layer
    place = next(generator.parameters()).device
    moved = torch.cat([torch.zeros(1, dim), torch.eye(dim)]).to(place)
    outputs = run_to(generator, layer, moved).cpu().double()
    return (outputs[1:] - outputs[:1]).reshape(dim, outputs.shape[1], -1).permute(1, 2, 0)


def _norm_after(passed: Trace, number: int) -> Step | None:
    """Return the batch norm that alone reads what a step made, whatever its shape became."""
    while len(readers := passed.readers(number)) == 1:
        step = passed.steps[number := readers[0]]
        if step.function == "batch_norm":
            return step
        if step.function not in RESHAPING:
            return None
    return None


def _gain(norm: Step) -> Tensor:
    """Return (channels,) float64 factors of a batch norm."""
    running: Tensor | None = norm.argument(2, "running_var")
    if running is None or norm.argument(5, "training", False):
        raise GanlensError("the first batch norm has no statistics: calibrate the generator first")
    variance, weight = running.detach().cpu().double(), norm.argument(3, "weight")
    gain = torch.ones_like(variance) if weight is None else weight.detach().cpu().double()
    return gain / (variance + norm.argument(7, "eps", 1e-5)).sqrt()
