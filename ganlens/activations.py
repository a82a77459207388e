"""Look inside a torch module, and change what passes through it, by layer name.

Everything here works with forward hooks that live only as long as a ``with`` block, and that answer
only to the thread that opened it, so that two users of one module never see each other's tensors.
"""

import difflib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from ganlens.errors import GanlensError

# Layers that keep every position where it is: they pass the receptive field on unchanged.
_POINTWISE = (
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus,
    nn.Identity, nn.Dropout, nn.Dropout2d, nn.BatchNorm2d,
)  # fmt: skip
_WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


def layer_names(module: nn.Module) -> list[str]:
    """Return the names of the leaf modules, in the order in which they were defined."""
    return [name for name, layer in module.named_modules() if name and not any(layer.children())]


def find_layer(module: nn.Module, layer: str) -> nn.Module:
    """Return the submodule called ``layer``, a leaf ("block1.conv") or a group ("block1").

    Raises:
        GanlensError: no submodule has this name; the message lists the valid ones, nearest first.
    """
    named = dict(module.named_modules())
    if layer and layer in named:
        return named[layer]
    valid = layer_names(module)
    near = difflib.get_close_matches(layer, valid, n=3, cutoff=0.3)
    listed = near + [name for name in valid if name not in near]
    raise GanlensError(f"layer {layer!r} is not known: choose from {', '.join(listed)}")


@contextmanager
def capture(module: nn.Module, layers: str | Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Record what the named layers put out while the block runs.

    Args:
        module: any torch module.
        layers: one name or several, as ``layer_names`` gives them.

    Yields:
        A dict from name to the output of the latest forward pass, detached, on the module's device;
        empty until a forward pass of the same thread has run. An ``edit`` that was opened earlier
        on the same layer has already been applied to it.

    Raises:
        GanlensError: unknown layer, before any hook is set.
    """
    names = [layers] if isinstance(layers, str) else list(layers)
    # A later in-place activation would overwrite what an earlier layer put out.
    overwritten = any(getattr(part, "inplace", False) for part in module.modules())
    outputs: dict[str, Tensor] = {}

    def record(name: str) -> Callable[[Tensor], None]:
        def keep(output: Tensor) -> None:
            outputs[name] = output.detach().clone() if overwritten else output.detach()

        return keep

    found = [(find_layer(module, name), record(name)) for name in names]
    with ExitStack() as stack:
        for part, keep in found:
            stack.enter_context(_hooked(part, keep))
        yield outputs


@contextmanager
def edit(module: nn.Module, layer: str, function: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the output of one layer by ``function(output)`` while the block runs.

    Gradients flow through the function. Edits of one layer apply in the order in which they were
    opened.

    Raises:
        GanlensError: unknown layer; or, during the forward pass, a result of another shape.
    """

    def replace(output: Tensor) -> Tensor:
        edited = function(output)
        if edited.shape != output.shape:
            raise GanlensError(
                f"the edit of layer {layer!r} returned shape {tuple(edited.shape)}: "
                f"return the shape that came in, {tuple(output.shape)}"
            )
        return edited

    with _hooked(find_layer(module, layer), replace):
        yield


class _ReachedError(Exception):
    """Carries a layer's output out of a forward pass that need not go on."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def run_to(module: nn.Module, layer: str, x: Tensor) -> Tensor:
    """Run the forward pass of ``x`` up to a layer and return its output, with gradients if enabled.

    What comes after the layer is not computed (the hook stops the pass, as in stylegan3's
    ``viz/renderer.py``), so this works for any module.

    Raises:
        GanlensError: unknown layer, or a layer that the forward pass never reaches.
    """

    def stop(output: Tensor) -> None:
        raise _ReachedError(output)

    try:
        with _hooked(find_layer(module, layer), stop):
            module(x)
    except _ReachedError as reached:
        return reached.output
    raise GanlensError(f"layer {layer!r} is never reached by the forward pass: choose another one")


@contextmanager
def _hooked(part: nn.Module, function: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    owner = threading.get_ident()

    def hook(_part: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
        return function(output) if threading.get_ident() == owner else None

    handle = part.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@dataclass(frozen=True)
class ReceptiveField:
    """The square of input pixels that one position of a layer can see.

    Position i of the layer sees input rows ``start + i * stride`` up to but without
    ``start + i * stride + size``, as far as they lie inside the image; columns alike.

    Attributes:
        size: side of the square in pixels, or None where a position sees the whole input.
        stride: pixels from one position's square to the next one's.
        start: first row of position 0's square, negative where it reaches into the padding.
    """

    size: int | None
    stride: int = 1
    start: int = 0


def receptive_field(module: nn.Module, layer: str) -> ReceptiveField:
    """Compute a layer's receptive field in a chain of layers: r += (k - 1) j, then j *= s.

    The chain is the leaf modules in the order of their definition, which is the order of the
    forward pass in any sequential network such as a DCGAN discriminator.

    Args:
        module: a chain of square convolutions, pooling, pointwise, normalising and linear layers.
        layer: a leaf's name.

    Raises:
        GanlensError: unknown layer, or a layer on the way for which the formula is not known
            (transposed convolutions, attention ...).
    """
    names = layer_names(module)
    if layer not in names:
        find_layer(module, layer)  # an unknown name is reported; a group ends with its last leaf
        layer = [name for name in names if name.startswith(f"{layer}.")][-1]
    field = ReceptiveField(1)
    for name in names[: names.index(layer) + 1]:
        field = _through(find_layer(module, name), name, field)
    return field


def _through(part: nn.Module, name: str, field: ReceptiveField) -> ReceptiveField:
    if field.size is None or isinstance(part, nn.Linear):
        return ReceptiveField(None)
    if isinstance(part, _WINDOWED):
        kernel, stride, padding, dilation = (
            _side(getattr(part, key, 1), name)
            for key in ("kernel_size", "stride", "padding", "dilation")
        )
        return ReceptiveField(
            size=field.size + (kernel - 1) * dilation * field.stride,
            stride=field.stride * stride,
            start=field.start - padding * field.stride,
        )
    if isinstance(part, (*_POINTWISE, nn.Flatten)):
        return field
    raise GanlensError(
        f"the receptive field through layer {name!r} ({type(part).__name__}) is not known: "
        "choose a layer before it"
    )


def _side(value: object, name: str) -> int:
    sides = set(value) if isinstance(value, tuple) else {value}
    side = sides.pop()
    if sides or not isinstance(side, int):
        raise GanlensError(f"layer {name!r} is not square ({value}): choose a layer before it")
    return side
