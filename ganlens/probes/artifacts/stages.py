"""The layers of a generator that enlarge maps: where checkerboards can arise, and which do.

Odena, Dumoulin and Olah 2016, "Deconvolution and checkerboard artifacts": a transposed convolution
stamps its kernel once for every input position, and where the kernel size is no multiple of the
stride some output positions are stamped more often than others.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.activations import find_layer, trace
from ganlens.activations.names import split_name
from ganlens.subject import Subject

PICTURE = 16  # output positions a side in the picture of an overlap


@dataclass(frozen=True)
class Stage:
    """A layer that enlarges maps.

    Attributes:
        layer: its name in the generator.
        kind: such as "5x5 transposed, stride 2" or "resize, nearest".
        side: of the maps that it puts out.
        stride: how many times larger they are: in their pixels the period of a checkerboard that
            arises here.
        period: of that checkerboard in pixels of the image.
        coarsest: the longest period of any layer of this generator, in pixels of these maps.
        overlap: (PICTURE, PICTURE) stamps of an even kernel at each position, away from borders.
        unevenness: standard deviation over mean of ``overlap``: 0 is even.
        unevenness_weights: the same with the layer's own |weights|, mean over its output maps.
    """

    layer: str
    kind: str
    side: int
    stride: int
    period: int
    coarsest: int
    overlap: np.ndarray
    unevenness: float
    unevenness_weights: float


def find_stages(subject: Subject) -> tuple[Stage, ...]:
    """Return the enlarging layers of a generator in order; a projection of 1x1 maps is none."""
    sizes = _enlarging(subject)
    strides = [max(2, round(after / before)) for before, after in sizes.values()]
    stages = []
    for i, (name, (_, side)) in enumerate(sizes.items()):
        layer = find_layer(subject.generator, name)
        overlap = overlap_of(layer, even=True)
        stages.append(
            Stage(
                layer=name,
                kind=_kind(layer, name),
                side=side,
                stride=strides[i],
                period=math.prod(strides[i:]),
                coarsest=math.prod(strides[: i + 1]),
                overlap=overlap[0].numpy(),
                unevenness=unevenness(overlap),
                unevenness_weights=unevenness(overlap_of(layer, even=False)),
            )
        )
    return tuple(stages)


def overlap_of(layer: nn.Module, *, even: bool) -> Tensor:
    """Return what a layer makes of a map of ones, away from its borders.

    Args:
        layer: a transposed convolution, or an upsampling layer without weights.
        even: with a kernel of ones, else with the layer's own |weights|.

    Returns:
        (C, PICTURE, PICTURE): one map with ``even``, else one for each output.
    """
    if isinstance(layer, nn.ConvTranspose2d):
        kernel = layer.weight.detach().float().cpu().abs().sum(0, keepdim=True)
        kernel = torch.ones_like(kernel[:, :1]) if even else kernel
        ones = torch.ones(1, 1, 2 * PICTURE, 2 * PICTURE)
        stride = layer.stride[0]
        made = nn.functional.conv_transpose2d(ones, kernel, stride=layer.stride)[0]
        first = made.shape[-1] // 2 // stride * stride  # the same phase as at the map's corner
    else:
        made, first = torch.ones(1, 4 * PICTURE, 4 * PICTURE), PICTURE
    return made[:, first : first + PICTURE, first : first + PICTURE]


def unevenness(overlap: Tensor) -> float:
    """Return standard deviation over mean of (C, h, w) overlaps, averaged over C; 0 is even.

    For an even k x k kernel at stride 2: 0 for even k; for odd k a row is stamped (k + 1) / 2 and
    (k - 1) / 2 times by turns, so that it is sqrt((1 + 1 / k^2)^2 - 1): 0.286 for k = 5.
    """
    mean = overlap.mean((1, 2)).clamp_min(1e-12)
    return float((overlap.std((1, 2), correction=0) / mean).mean())


def evened(subject: Subject, layer: str) -> nn.Module:
    """Return a generator like the subject's whose layer answers a constant map evenly.

    The taps that fall on one phase of the output (one of stride x stride) get a constant added, so
    that the taps of every phase have the same sum: the kernel's response at its Nyquist points
    becomes 0, and a map that is constant around a position leaves no checkerboard there. Details
    of the maps pass as before. A layer without a kernel of its own is left as it is.
    """
    generator: nn.Module = copy.deepcopy(subject.unconditional("generator"))
    part = find_layer(generator, layer)
    if isinstance(part, nn.ConvTranspose2d):
        part.weight.data = even_taps(part.weight.data, part.stride[0])
    return generator


def even_taps(weight: Tensor, stride: int) -> Tensor:
    """Return (in, out, k, k) weights whose taps of every phase have the same sum, else unchanged.

    Phase (a, b) has the taps [a::stride, b::stride]; the mean of the sums is kept.
    """
    result = weight.clone()
    phases = [(a, b) for a in range(stride) for b in range(stride)]
    sums = torch.stack([weight[..., a::stride, b::stride].sum((-2, -1)) for a, b in phases])
    for (a, b), one in zip(phases, sums, strict=True):
        taps = result[..., a::stride, b::stride]
        count = max(taps.shape[-1] * taps.shape[-2], 1)
        taps += ((sums.mean(0) - one) / count)[..., None, None]
    return result


def _enlarging(subject: Subject) -> dict[str, tuple[int, int]]:
    """Return (side of its input, side of its output) of every enlarging leaf, in order.

    A function that enlarges (F.interpolate) is a leaf as well.
    """
    passed, sizes = trace(subject.unconditional("generator")), {}
    for name, point in passed.leaves.items():
        if point.step is None or isinstance(point.part, nn.Identity) or len(point.shape) != 4:
            continue
        step = passed.steps[point.step]
        sides = [s[-1] for one in step.inputs if len(s := passed.steps[one].shape) == 4]
        before = max(sides, default=1)
        if step.layer == name and 1 < before < point.shape[-1]:
            sizes[name] = (before, point.shape[-1])
    return sizes


def _kind(layer: nn.Module, name: str) -> str:
    if isinstance(layer, nn.ConvTranspose2d):
        k, s = layer.kernel_size[0], layer.stride[0]
        return f"{k}x{k} transposed, stride {s}"
    function = split_name(name)[1]
    return f"resize, {function or getattr(layer, 'mode', type(layer).__name__)}"
