"""Networks of a Subject under a condition, run piece by piece."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.conditions import Condition
from ganlens.subject.inputs import ConditionLike, condition_rows, numbers
from ganlens.subject.networks import NetworksByRole
from ganlens.subject.running import Shape, batched, conditioned, filled, is_conditional


class ConditionedNetworks(NetworksByRole):
    """Networks with their provenance, run under a condition; ``Subject`` says what it takes."""

    def __init__(
        self,
        networks: Mapping[str, nn.Module | None],
        provenance: dict[str, Any],
        device: torch.device | str = "cpu",
        *,
        roles: Mapping[str, str] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(networks, provenance["checkpoint"], device, roles)
        self.condition = condition
        self.default_condition = None if condition is None else condition.usual
        self.provenance = provenance

    def unconditional(self, name: str) -> Any:
        """Return a network, by its name or role, that takes its one input alone.

        A conditional one runs under ``default_condition``; its layers are the network's own, for
        hooks and edits. Any other network is returned as it is.

        Raises:
            GanlensError: as ``network``.
        """
        network = self.network(name)
        if self.default_condition is None or not is_conditional(network):
            return network
        return conditioned(network, self.default_condition)

    def with_condition(self, condition: ConditionLike) -> Self:
        """Return the same networks under this condition where no other is given.

        Raises:
            GanlensError: as ``generate``.
        """
        row = condition_rows(condition, 1, self.condition, self.default_condition, self.name)
        assert row is not None
        assert self.condition is not None
        other = copy(self)
        other.default_condition = row[0]
        words = self.condition.name(row[0])
        other.provenance = {**self.provenance, "condition": words}
        return other

    @property
    def is_conditioned(self) -> bool:
        """Whether one condition holds where no other is given; see ``with_condition``."""
        return "condition" in self.provenance

    def _fitting(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        x = numbers(x, "images")
        if tuple(x.shape[1:]) != tuple(shape):
            raise GanlensError(
                f"images of shape {tuple(x.shape)} do not fit {self.name}: give"
                f" (N, {', '.join(map(str, shape))})"
            )
        return x

    def _condition(self, network: Any, given: ConditionLike | None, count: int) -> Tensor | None:
        """Return the rows of a conditional network; None for another."""
        usual = self.default_condition if is_conditional(network) else None
        return condition_rows(given, count, self.condition, usual, self.name)

    def _run(
        self,
        name: str,
        x: Tensor,
        given: ConditionLike | None,
        batch_size: int,
        empty: Shape | None,
    ) -> Tensor:
        network = self.network(name)
        rows = self._condition(network, given, len(x))
        whole = self.roles.get(name, name) != "discriminator"
        forward = partial(filled, network) if whole else network
        return batched(forward, x, rows, batch_size, self.device, empty, self.name)
