"""``WrappedDiscriminator``: any module that scores images."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganlens.activations import Point, trace
from ganlens.activations.functions import name_of, tensors_in
from ganlens.devices import place_of
from ganlens.errors import GanlensError
from ganlens.models.imported.wrapped.base import Wrapped, reason, tried

_SHAPES = ("view", "reshape", "flatten", "squeeze", "unsqueeze", "getitem")


class WrappedDiscriminator(Wrapped):
    """(N, C, H, W) images in [-1, 1] to (N,) logits by a module that was made elsewhere.

    Several logits an image (a PatchGAN) are averaged; a sigmoid at the end, a layer or a function,
    is left out. Of several outputs the first tensor counts.

    Args:
        network: takes images in ``output_range``.
        image_shape: (C, H, W).
        output_range: what -1 and 1 are for the module.

    Raises:
        GanlensError: it does not take such images, or gives no numbers.
    """

    def __init__(
        self,
        network: nn.Module,
        image_shape: Sequence[int],
        output_range: Sequence[float] = (-1.0, 1.0),
    ) -> None:
        super().__init__(network, output_range)
        channels, height, width = image_shape
        self.image_shape = (channels, height, width)
        black = torch.zeros(1, *self.image_shape, device=place_of(network))
        self._sigmoid = _last_sigmoid(network, self.own_range(black))
        self.feature_layers = self._find_layers()

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        with nullcontext() if self._sigmoid is None else _Without(self._sigmoid):
            found = self.network(self.own_range(x))
        first = next(iter(tensors_in(found)), found)
        return first.reshape(len(x), -1).mean(1)

    def _find_layers(self) -> tuple[str, ...]:
        """Run it once: activations that put out maps, or else convolutions, in order."""
        try:
            tried(self, torch.zeros(2, *self.image_shape))
            black = torch.zeros(1, *self.image_shape, device=place_of(self))
            leaves = trace(self, black).leaves.values()
        except Exception as error:  # a module of somebody else's can raise anything
            shown = " x ".join(map(str, self.image_shape))
            raise GanlensError(
                f"the discriminator does not take {shown} images ({reason(error):.200}): give the"
                " one that was trained beside this generator"
            ) from error
        maps = [one for one in leaves if len(one.shape) == 4]
        active = [one.name for one in maps if one.activates and not _is_gate(one)]
        return tuple(active or (one.name for one in maps if isinstance(one.part, nn.Conv2d)))


def _is_gate(point: Point) -> bool:
    """Whether it is a sigmoid: a gate, or a probability, and no activation of features."""
    return isinstance(point.part, nn.Sigmoid) or point.function == "sigmoid"


class _Without(TorchFunctionMode):
    """Leaves one call of sigmoid out, counted from the beginning of the block."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self.left = call

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call a function, or return its argument in its place."""
        if name_of(function) == "sigmoid":
            self.left -= 1
            if self.left == 0:
                return args[0] if args else (kwargs or {})["input"]
        return function(*args, **(kwargs or {}))


def _last_sigmoid(network: nn.Module, example: Tensor) -> int | None:
    """Return which of its calls of sigmoid makes a network's output, from 1; None if none does."""
    try:
        passed = trace(network, example)
    except GanlensError:
        return None  # its wrapper says why it does not run
    at = passed.output
    while at is not None and passed.steps[at].function in _SHAPES:
        at = passed.steps[at].inputs[0]
    if at is None or passed.steps[at].function != "sigmoid":
        return None
    return sum(step.function == "sigmoid" for step in passed.steps[: at + 1])
