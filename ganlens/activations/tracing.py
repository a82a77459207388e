"""``trace``: one forward pass, followed: which layers and functions ran, and on what.

The names and the order of a network's modules say nothing of what its forward method does with
them: one activation may serve several layers, others are functions, layers are left out. Here the
pass itself is watched, function by function.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn

from ganlens.activations.example import at_rest, examples_of
from ganlens.activations.functions import (
    NAMED_FUNCTIONS,
    Seeing,
    name_of,
    tensors_in,
    works_in_place,
)
from ganlens.activations.hooks import scopes_of
from ganlens.activations.names import call_name, is_compiled, is_leaf, leaves_of, modules_of
from ganlens.activations.trace import UNSEEN, Point, Step, Trace
from ganlens.errors import GanlensError

# What torch and Python raise about an input that does not fit; other kinds, memory that ran out
# among them, are no matter of the input.
MISFITS = (RuntimeError, TypeError, ValueError, IndexError, KeyError, ZeroDivisionError,
           AssertionError, AttributeError, NotImplementedError, GanlensError)  # fmt: skip


def trace(module: nn.Module, *inputs: Tensor) -> Trace:
    """Follow one forward pass in eval mode; nothing of the network is changed.

    Args:
        module: any torch module.
        inputs: of one row; by default such as the network says it takes, see ``examples_of``.

    Raises:
        GanlensError: it does not run, with the reason, or no inputs are known that it takes.
    """
    ways = [inputs] if inputs else examples_of(module)
    failed = "no input is known that it takes"
    for way in ways:
        try:
            return _Tracer(module).run(way)
        except Exception as error:
            if type(error) not in MISFITS:
                raise
            failed = (str(error).splitlines() or [type(error).__name__])[0][:200]
    raise GanlensError(
        f"the forward pass of {type(module).__name__} cannot be followed ({failed}): give the"
        " network an image_shape or a prior"
    )


class _Tracer:
    """Follows one pass. Every tensor is kept until its end, so that its id stays its own."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.found, self.owner = module, Trace(), threading.get_ident()
        self.scopes: list[str | None] = []
        self.running: list[tuple[str, nn.Module]] = []
        self.made: dict[int, int] = {}  # id of a tensor -> the step that made it
        self.kept: dict[int, Tensor] = {}
        self.calls: dict[str, int] = {}
        # Weights, and what was made of them and of constants alone: id -> whether it needs
        # gradients. What needs them later only came out of a function of somebody's own.
        owned = (*module.parameters(), *module.buffers())
        self.constant = {id(one): one.requires_grad for one in owned}

    def run(self, inputs: Sequence[Tensor]) -> Trace:
        """Run the network on one row."""
        with at_rest(self.module), ExitStack() as stack:
            given = [self._given(one) for one in inputs]
            self.scopes = stack.enter_context(scopes_of(self.module))
            for name, part in modules_of(self.module).items():
                if is_compiled(part):
                    continue
                stack.callback(part.register_forward_pre_hook(self._entering(name)).remove)
                stack.callback(part.register_forward_hook(self._leaving).remove)
            stack.enter_context(Seeing(self._see))
            output = self.module(*given)
        tensors = tensors_in(output)
        self.found.output = self._step_of(tensors[0]) if tensors else None
        return self.found

    def _given(self, one: Tensor) -> Tensor:
        # No leaf of autograd: those cannot be changed in place.
        x = one[:1].detach().clone().requires_grad_(one.is_floating_point()).clone()
        self._make(x, "input", None, (), {}, ())
        return x

    def _make(
        self,
        result: Tensor,
        function: str,
        called: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: tuple[int, ...],
        own: str = "",
    ) -> int:
        layer, kind = self._where(function, own)
        step = Step(function, called, args, kwargs, inputs, tuple(result.shape), layer, kind)
        self.found.steps.append(step)
        self.kept[id(result)] = result
        self.made[id(result)] = len(self.found.steps) - 1
        return self.made[id(result)]

    def _see(self, called: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        given, function = tensors_in((args, kwargs)), name_of(called)
        in_place = works_in_place(called, kwargs)
        results = given[:1] if in_place else tensors_in(output)
        own = ""
        if isinstance(output, Tensor) and function in NAMED_FUNCTIONS and self._in_forward():
            own = self._numbered(f"{self._scope()}F.{function}")
        steps = [self._step_of(one) for one in given] if results else []
        inputs = tuple(dict.fromkeys(step for step in steps if step is not None))
        for result in results:
            if not inputs:
                self.constant[id(result)] = result.requires_grad
                self.kept[id(result)] = result
                continue
            self.kept.update({id(one): one for one in given})
            if in_place or not any(result is one for one in given):
                step = self._make(result, function, called, args, kwargs, inputs, own)
                if in_place:
                    self._spread(result, step)
                if own:
                    self.found.leaves[own] = Point(own, None, function, step, tuple(result.shape))
        return output

    def _spread(self, result: Tensor, step: int) -> None:
        """Note that what shares memory with a tensor that was changed in place changed as well."""
        place = result.untyped_storage().data_ptr()
        for key, one in list(self.kept.items()):
            if one is result or key not in self.made or one.untyped_storage().data_ptr() != place:
                continue
            if one.shape == result.shape:
                self.made[key] = step
            else:
                self._make(one, UNSEEN, None, (), {}, (step,))

    def _step_of(self, one: Tensor) -> int | None:
        """Return the step that made a tensor; None of weights and constants."""
        if (known := self.made.get(id(one))) is not None:
            return known
        if one.is_leaf or not one.requires_grad or self.constant.get(id(one)):
            return None
        # It depends on the input, or on weights that learn, by a way that was not seen.
        every = (i for i, step in enumerate(self.found.steps) if step.function == "input")
        return self._make(one, UNSEEN, None, (), {}, tuple(every))

    def _in_forward(self) -> bool:
        """Whether a forward method runs that is not a leaf's."""
        return bool(self.scopes) and self.scopes[-1] is not None

    def _scope(self) -> str:
        scope = self.scopes[-1] if self.scopes else None
        return f"{scope}." if scope else ""

    def _where(self, function: str, own: str) -> tuple[str, str]:
        """Return the leaf that runs, and its type; outside of leaves the function's own name."""
        if self.running and is_leaf(self.running[-1][1]):
            name, part = self.running[-1]
            return name, type(part).__name__
        return own or f"{self._scope()}F.{function}", function

    def _numbered(self, name: str) -> str:
        self.calls[name] = self.calls.get(name, 0) + 1
        return call_name(name, self.calls[name])

    def _entering(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, _inputs: Any) -> None:
            if threading.get_ident() == self.owner:
                self.running.append((self._numbered(name), part))

        return hook

    def _leaving(self, part: nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() != self.owner:
            return
        if tensors := tensors_in(output):
            name, step = self.running[-1][0], self._step_of(tensors[0])
            self.kept[id(tensors[0])] = tensors[0]
            point = Point(name, part, "", step, tuple(tensors[0].shape))
            (self.found.leaves if is_leaf(part) else self.found.groups)[name] = point
        self.running.pop()


def layer_names(module: nn.Module) -> list[str]:
    """Return the names of the leaf layers, in the order in which a forward pass runs them.

    A layer that runs several times is named by its calls (act, act@2), and activations that are
    called as functions are named too (F.relu). Of a network that cannot be run (no input is known
    that it takes) they are the leaf modules in the order of their definition.
    """
    return list(points_of(module))


def points_of(module: nn.Module) -> dict[str, Point]:
    """Return what has a name in a forward pass, see ``layer_names``."""
    try:
        return trace(module).leaves
    except GanlensError:
        leaves = leaves_of(module).items()
        return {name: Point(name, part, "", None, ()) for name, part in leaves}
