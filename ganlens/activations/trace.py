"""What happened in one forward pass: functions, what they ran on, and outputs that have names."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from ganlens.activations.functions import ACTIVATION_FUNCTIONS, ACTIVATIONS
from ganlens.errors import GanlensError

UNSEEN = "unseen"  # a step inside compiled code, or in an autograd function of somebody's own


@dataclass(frozen=True)
class Step:
    """One function that ran.

    Attributes:
        function: its plain name, "conv2d", "relu", "add"; "input" of an input; "unseen".
        called: the function itself.
        args: as it was called.
        kwargs: as it was called.
        inputs: numbers of the steps that its tensors come from; weights and constants have none.
        shape: of the tensor that came out.
        layer: name of the leaf that it ran in, or its own where no leaf was running.
        kind: type of that leaf, or the function's name.
    """

    function: str
    called: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    layer: str
    kind: str

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument by its place or its name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)


@dataclass(frozen=True)
class Point:
    """One output that has a name.

    Attributes:
        name: "block1.act", "block1.act@2", "F.relu".
        part: the layer; None of a function.
        function: name of the function; "" of a layer.
        step: number of the step that made it, or None if no tensor came out.
        shape: of its first tensor.
    """

    name: str
    part: nn.Module | None
    function: str
    step: int | None
    shape: tuple[int, ...]

    @property
    def activates(self) -> bool:
        """Whether it is an activation, as a layer or as a function."""
        return isinstance(self.part, ACTIVATIONS) or self.function in ACTIVATION_FUNCTIONS


@dataclass
class Trace:
    """What happened in one forward pass.

    Attributes:
        steps: every function that depends on the input, in order; the inputs come first.
        leaves: outputs of leaf layers and of functions that have names, in order.
        groups: outputs of groups of layers, in order.
        output: number of the step whose tensor the network put out first, or None.
    """

    steps: list[Step] = field(default_factory=list)
    leaves: dict[str, Point] = field(default_factory=dict)
    groups: dict[str, Point] = field(default_factory=dict)
    output: int | None = None

    def point(self, layer: str) -> Point:
        """Return an output by its name.

        Raises:
            GanlensError: the pass does not reach it.
        """
        found = self.leaves.get(layer.removesuffix("@1"), self.groups.get(layer.removesuffix("@1")))
        if found is None:
            raise GanlensError(
                f"layer {layer!r} is never reached by the forward pass: choose from"
                f" {', '.join(self.leaves)}"
            )
        return found

    def step_of(self, layer: str) -> int:
        """Return the number of the step that made an output.

        Raises:
            GanlensError: the pass does not reach it, or no tensor came out that depends on the
                input.
        """
        if (step := self.point(layer).step) is None:
            raise GanlensError(
                f"what layer {layer!r} puts out does not depend on the input: choose another one"
            )
        return step

    def made_by(self, step: int) -> Point | None:
        """Return the leaf whose output a step made: its activation if one is, else the last."""
        found = [point for point in self.leaves.values() if point.step == step]
        active = [point for point in found if point.activates]
        return next(reversed(active or found), None)

    def readers(self, step: int) -> list[int]:
        """Return the steps that take what a step made, in order."""
        return [i for i, one in enumerate(self.steps) if step in one.inputs]
