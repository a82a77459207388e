"""Hooks: capture a layer, edit it, or stop there.

Everything here works with forward hooks that live only as long as a ``with`` block, and that answer
only to the thread that opened it, so that two users of one module never see each other's tensors.
What a layer that runs several times puts out is told apart by the number of the call, see
``names``; activations that are called as functions are layers too.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from ganlens.activations.functions import Seeing, name_of, tensors_in
from ganlens.activations.names import find_layer, is_compiled, is_leaf, split_name
from ganlens.errors import GanlensError

Function = Callable[[Tensor], Tensor | None]


class _Outputs(dict[str, Tensor]):
    """Outputs by name; one that never came is an error that says so."""

    def __missing__(self, layer: str) -> Tensor:
        raise _not_reached(layer)


@contextmanager
def capture(module: nn.Module, layers: str | Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Record what the named layers put out while the block runs.

    Args:
        module: any torch module.
        layers: one name or several, as ``layer_names`` gives them.

    Yields:
        A dict from name to the output of the latest forward pass, detached, on the module's device;
        empty until a forward pass of the same thread has run. An ``edit`` that was opened earlier
        on the same layer has already been applied to it. Of several tensors it is the first. What
        later layers change in place stays as it was. A layer that the pass did not reach is a
        GanlensError when it is looked up.

    Raises:
        GanlensError: unknown layer, before any hook is set.
    """
    names = [layers] if isinstance(layers, str) else list(layers)
    outputs = _Outputs()

    def record(name: str) -> Function:
        def keep(output: Tensor) -> None:
            outputs[name] = output.detach().clone()

        return keep

    for name in names:
        find_layer(module, name)
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(hooked(module, name, record(name)))
        yield outputs


@contextmanager
def edit(module: nn.Module, layer: str, function: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Replace the output of one layer by ``function(output)`` while the block runs.

    Gradients flow through the function. Edits of one layer apply in the order in which they were
    opened. Of a layer that runs several times it is the call that the name says, the first one by
    default.

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

    with hooked(module, layer, replace):
        yield


class _ReachedError(Exception):
    """Carries a layer's output out of a forward pass that need not go on."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def run_to(module: nn.Module, layer: str, *inputs: Tensor) -> Tensor:
    """Run the forward pass up to a layer and return its output, with gradients if enabled.

    What comes after the layer is not computed (the hook stops the pass, as in stylegan3's
    ``viz/renderer.py``), so this works for any module.

    Raises:
        GanlensError: unknown layer, or a layer that the forward pass never reaches.
    """

    def stop(output: Tensor) -> None:
        raise _ReachedError(output)

    try:
        with hooked(module, layer, stop):
            module(*inputs)
    except _ReachedError as reached:
        return reached.output
    raise _not_reached(layer)


def _not_reached(layer: str) -> GanlensError:
    return GanlensError(f"layer {layer!r} is never reached by the forward pass: choose another one")


@contextmanager
def hooked(module: nn.Module, layer: str, function: Function) -> Iterator[None]:
    """Call a function with what a layer puts out while the block runs; it may return another.

    Raises:
        GanlensError: unknown layer.
    """
    part, (path, name, call) = find_layer(module, layer), split_name(layer)
    if is_compiled(part) or is_compiled(module):
        raise GanlensError(
            f"layer {layer!r} is compiled (TorchScript), so that what it puts out cannot be seen:"
            " give the network's own module"
        )
    counter = _Counter(call)
    with ExitStack() as stack:
        before = module.register_forward_pre_hook(counter.begin)
        stack.callback(before.remove)
        if name:
            scopes = stack.enter_context(scopes_of(module))
            stack.enter_context(_seeing(path, name, counter, scopes, function))
        else:
            after = part.register_forward_hook(counter.only(function))
            stack.callback(after.remove)
        yield


class _Counter:
    """Counts calls of one layer from the beginning of each pass, in the thread that made it."""

    def __init__(self, call: int) -> None:
        self.owner, self.call, self.count, self.whole = threading.get_ident(), call, 0, False

    def begin(self, *_: object) -> None:
        """A forward pass of the whole network begins."""
        if threading.get_ident() == self.owner:
            self.count, self.whole = 0, True

    def hit(self) -> bool:
        """Whether this call of the layer is the one; without the whole network each is a first."""
        if threading.get_ident() != self.owner:
            return False
        self.count = self.count + 1 if self.whole else 1
        return self.count == self.call

    def only(self, function: Function) -> Callable[[nn.Module, Any, Any], Any]:
        """Return a forward hook that calls the function at the right call alone."""

        def hook(_part: nn.Module, _inputs: object, output: Any) -> Any:
            found = tensors_in(output)
            if not found or not self.hit():
                return None
            return _exchanged(output, found[0], function(found[0]))

        return hook


def _exchanged(output: Any, old: Tensor, new: Tensor | None) -> Any:
    """Return an output with its first tensor replaced; None where nothing is to be."""
    if new is None or output is old:
        return new
    if isinstance(output, dict):
        return {key: new if value is old else value for key, value in output.items()}
    parts = [new if value is old else value for value in output]
    return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)


@contextmanager
def scopes_of(module: nn.Module) -> Iterator[list[str | None]]:
    """Yield a list whose last entry is the name of the module that runs; None inside a leaf."""
    owner, scopes = threading.get_ident(), list[str | None]()

    def enter(name: str | None) -> Callable[..., None]:
        def hook(*_: object) -> None:
            if threading.get_ident() == owner:
                if name == "":
                    scopes.clear()  # an earlier pass may have been broken off
                scopes.append(name)

        return hook

    def leave(*_: object) -> None:
        if threading.get_ident() == owner and scopes:
            scopes.pop()

    with ExitStack() as stack:
        for name, part in module.named_modules():
            if is_compiled(part):
                continue
            inside = name and (is_leaf(part) or "parametrizations" in name.split("."))
            scope = None if inside else name
            stack.callback(part.register_forward_pre_hook(enter(scope)).remove)
            stack.callback(part.register_forward_hook(leave).remove)
        yield scopes


def _seeing(
    path: str, name: str, counter: _Counter, scopes: list[str | None], function: Function
) -> Seeing:
    def see(called: Any, args: tuple[Any, ...], _kwargs: dict[str, Any], output: Any) -> Any:
        if not scopes or scopes[-1] != path or name_of(called) != name:
            return output
        if not isinstance(output, Tensor) or not counter.hit():
            return output
        new = function(output)
        if new is None:
            return output
        # What worked in place is replaced in place: its result may not be looked at.
        return output.copy_(new) if any(one is output for one in tensors_in(args)) else new

    return Seeing(see)
