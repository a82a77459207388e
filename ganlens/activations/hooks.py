"""Hooks: capture a layer, edit it, or stop there.

Everything here works with forward hooks that live only as long as a ``with`` block, and that answer
only to the thread that opened it, so that two users of one module never see each other's tensors.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

from ganlens.activations.names import find_layer
from ganlens.errors import GanlensError


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
