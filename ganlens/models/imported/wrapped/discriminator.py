"""``WrappedDiscriminator``: any module that scores images."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.imported.wrapped.base import Wrapped, reason, tried

_ACTIVE = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.SELU, nn.Tanh, nn.Softplus)


class WrappedDiscriminator(Wrapped):
    """(N, C, H, W) images in [-1, 1] to (N,) logits by a module that was made elsewhere.

    Several logits an image (a PatchGAN) are averaged; a sigmoid at the end is taken off.

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
        _take_sigmoid_off(network)
        channels, height, width = image_shape
        self.image_shape = (channels, height, width)
        self.feature_layers = self._find_layers()

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        found = self.network(self.own_range(x))
        return (found[0] if isinstance(found, tuple) else found).reshape(len(x), -1).mean(1)

    def _find_layers(self) -> tuple[str, ...]:
        """Run it once: activations that put out maps, or else convolutions, in order."""
        seen: dict[str, tuple[bool, int]] = {}

        def note(name: str, part: nn.Module) -> Any:
            active = isinstance(part, _ACTIVE)
            return part.register_forward_hook(
                lambda _part, _in, out: (
                    seen.setdefault(name, (active, getattr(out, "ndim", 0))) and None
                )
            )

        kinds = (*_ACTIVE, nn.Conv2d)
        parts = [(n, p) for n, p in self.named_modules() if isinstance(p, kinds)]
        handles = [note(name, part) for name, part in parts]
        try:
            tried(self, torch.zeros(2, *self.image_shape))
        except Exception as error:  # a module of somebody else's can raise anything
            shown = " x ".join(map(str, self.image_shape))
            raise GanlensError(
                f"the discriminator does not take {shown} images ({reason(error):.200}): give the"
                " one that was trained beside this generator"
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        maps = {name: active for name, (active, rank) in seen.items() if rank == 4}
        return tuple(name for name in maps if maps[name] or not any(maps.values()))


def _take_sigmoid_off(network: nn.Module) -> None:
    leaves = [name for name, part in network.named_modules() if name and not any(part.children())]
    if leaves and type(network.get_submodule(leaves[-1])) is nn.Sigmoid:
        parent, _, last = leaves[-1].rpartition(".")
        setattr(network.get_submodule(parent), last, nn.Identity())
