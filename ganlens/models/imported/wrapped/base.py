"""``Wrapped``: what every wrapped module has in common, and running one to learn what it takes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Self, TypeVar

import torch
from torch import Tensor, nn

from ganlens.activations.names import is_leaf
from ganlens.errors import GanlensError
from ganlens.models.imported.output import check_range, stretched

CHANNELS = (1, 4)  # fewest and most that an image may have
T = TypeVar("T")


class Wrapped(nn.Module):
    """A module that was made elsewhere, whose layers keep their names after ``network.``.

    Args:
        network: the module.
        output_range: what its lowest and highest pixel mean.

    Attributes:
        memory_format: rows of numbers, as its forward method may take for granted.

    Raises:
        GanlensError: the range is none.
    """

    memory_format = torch.contiguous_format

    def __init__(self, network: nn.Module, output_range: Sequence[float]) -> None:
        super().__init__()
        self.network = untied(network)
        self.low, self.high = check_range(output_range)

    @classmethod
    def of(cls, network: nn.Module, settings: Mapping[str, Any]) -> Self:
        """Wrap a module with the other arguments as a header holds them."""
        return cls(network, **settings)

    def own_range(self, x: Tensor) -> Tensor:
        """Map images in [-1, 1] to the module's own range."""
        return stretched(x.contiguous(), self.low, self.high)


def untied(network: nn.Module) -> nn.Module:
    """Give each place of an activation that stands in several places an object of its own.

    So that the places keep the names that they have in the network, as main.1 and main.3 of a
    Sequential. Layers with weights stay shared: their calls are named in order (conv, conv@2).

    Returns:
        The network itself, changed.
    """
    seen = set[int]()
    for parent in list(network.modules()):
        if isinstance(parent, torch.jit.ScriptModule):
            continue
        for name, child in list(parent._modules.items()):
            if child is not None and id(child) in seen and _is_plain(child):
                parent._modules[name] = deepcopy(child)
            seen.add(id(child))
    return network


def _is_plain(part: nn.Module) -> bool:
    """Whether a layer is one of torch's own, without weights."""
    return type(part).__module__.startswith("torch.nn.") and is_leaf(part) and not part.state_dict()


@torch.no_grad()
def tried(network: nn.Module, *inputs: Tensor) -> Any:
    """Run a network once in eval mode, and leave it in eval mode."""
    place = next(network.parameters(), torch.empty(0)).device
    return network.eval()(*(one.to(place) for one in inputs))


def reason(error: Exception) -> str:
    """Return the first line of an error, or its kind where it says nothing."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def first_form(
    forms: Iterable[T], run: Callable[[T], Any], count: int
) -> tuple[T, tuple[int, int, int]]:
    """Return the first form of inputs for which a network puts out images, and their (C, H, W).

    Args:
        forms: what ``run`` is tried with, in order.
        run: runs the network.
        count: images that it should put out.

    Raises:
        GanlensError: there is none; the message says why, an output that is no image first.
    """
    failed, unfit = "there is nothing to try", ""
    for form in forms:
        try:
            output = run(form)
        except Exception as error:  # a module of somebody else's can raise anything
            failed = reason(error)
            continue
        try:
            return form, image_shape(output, count)
        except GanlensError as error:
            unfit = unfit or str(error)
    raise GanlensError((unfit or failed)[:200])


def image_shape(output: Any, count: int) -> tuple[int, int, int]:
    """Return (C, H, W) of what a network put out.

    Raises:
        GanlensError: it is no batch of ``count`` images of 1 to 4 channels.
    """
    if not (isinstance(output, Tensor) and output.ndim == 4 and len(output) == count):
        shown = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise GanlensError(f"its output is no batch of images but {shown}")
    channels, height, width = output.shape[1:]
    if not (CHANNELS[0] <= channels <= CHANNELS[1] and min(height, width) > 1):
        raise GanlensError(
            f"it puts out {channels} x {height} x {width}, images have 1 to 4 channels and 2 pixels"
        )
    return channels, height, width
