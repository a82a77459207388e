"""Any torch module as a Generator or Discriminator: shapes found by running it, names kept."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.output import Pixels
from ganlens.models.prior import Prior
from ganlens.models.recognition import check_range

_ACTIVE = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.SELU, nn.Tanh, nn.Softplus)
_CHANNELS = (1, 4)  # fewest and most that an image may have


class WrappedGenerator(nn.Module):
    """(N, d) latents to (N, C, H, W) images in [-1, 1] by a module that was made elsewhere.

    Its layers keep their names, after ``network.``.

    Args:
        network: takes (N, d) or (N, d, 1, 1) latents, and labels if there are classes.
        prior: of the latents.
        output_range: what its lowest and highest pixel mean; values beyond are clipped.
        classes: of a class-conditional generator; None takes latents alone.
        label: the class that is drawn where none is named, 0 to classes - 1.

    Raises:
        GanlensError: no form of latents and labels gives images of 1 to 4 channels.
    """

    def __init__(
        self,
        network: nn.Module,
        prior: Prior,
        output_range: Sequence[float] = (-1.0, 1.0),
        classes: int | None = None,
        label: int = 0,
    ) -> None:
        super().__init__()
        self.network, self.prior = network, prior
        self.classes, self.label = classes, check_label(label, classes)
        self.pixels = Pixels("none", check_range(output_range))
        self.form: tuple[bool, bool] = (False, False)
        self.image_shape = self._find_shape()

    @classmethod
    def of(cls, network: nn.Module, settings: Mapping[str, Any]) -> "WrappedGenerator":
        """Wrap a module with the arguments above as a header holds them: the prior as a mapping."""
        given = dict(settings)
        return cls(network, Prior(**given.pop("prior")), **given)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map (N, d) latents, and (N,) labels where there are classes, to images."""
        return self.pixels(self.raw(z, labels))

    def raw(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map latents to what the module itself puts out, in its own range."""
        flat, one_hot = self.form
        inputs = z.flatten(1) if flat else z.flatten(1)[:, :, None, None]
        if self.classes is None:
            return self.network(inputs)
        if labels is None:
            labels = torch.full((len(z),), self.label, device=z.device)
        if one_hot:
            return self.network(inputs, nn.functional.one_hot(labels, self.classes).to(z.dtype))
        return self.network(inputs, labels)

    def _find_shape(self) -> tuple[int, int, int]:
        latents, why = self.prior.sample((0, 1)), "its output is no batch of images"
        for form in product((True, False), (False, True) if self.classes else (False,)):
            self.form = form
            try:
                images = _tried(self, latents)
            except Exception as error:  # a module of somebody else's can raise anything
                why = str(error).splitlines()[0] if str(error) else type(error).__name__
                continue
            if isinstance(images, Tensor) and images.ndim == 4 and len(images) == 2:
                channels, height, width = images.shape[1:]
                if _CHANNELS[0] <= channels <= _CHANNELS[1] and min(height, width) > 1:
                    return channels, height, width
                why = f"it puts out {channels} x {height} x {width}, images have 1 to 4 channels"
        labelled = "" if self.classes is None else f" and labels below {self.classes}"
        raise GanlensError(
            f"the generator takes no (N, {self.prior.dim}) or (N, {self.prior.dim}, 1, 1)"
            f" latents{labelled} ({why:.200}): give its latent_dim, and classes if it has some"
        )


class WrappedDiscriminator(nn.Module):
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
        super().__init__()
        self.network = network
        self.low, self.high = check_range(output_range)
        leaves = [
            name for name, part in network.named_modules() if name and not any(part.children())
        ]
        if leaves and type(network.get_submodule(leaves[-1])) is nn.Sigmoid:
            parent, _, last = leaves[-1].rpartition(".")
            setattr(network.get_submodule(parent), last, nn.Identity())
        channels, height, width = image_shape
        self.image_shape = (channels, height, width)
        self.feature_layers = self._find_layers()

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        values = (x + 1) * ((self.high - self.low) / 2) + self.low
        found = self.network(values)
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
            _tried(self, torch.zeros(2, *self.image_shape))
        except Exception as error:  # a module of somebody else's can raise anything
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            shown = " x ".join(map(str, self.image_shape))
            raise GanlensError(
                f"the discriminator does not take {shown} images ({why:.200}): give the one that"
                " was trained beside this generator"
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        maps = {name: active for name, (active, rank) in seen.items() if rank == 4}
        return tuple(name for name in maps if maps[name] or not any(maps.values()))


def check_label(label: int, classes: int | None) -> int:
    """Return a label.

    Raises:
        GanlensError: it is not below the number of classes, or there are none.
    """
    if not 0 <= label < (classes or 1):
        valid = f"give 0 to {classes - 1}" if classes else "this generator takes no labels"
        raise GanlensError(f"label {label} is not known: {valid}")
    return label


def reset(network: nn.Module) -> nn.Module:
    """Return a copy with the weights that its layers begin with.

    Draws from torch's global stream: wrap it in ``initialisation.seeded``.

    Raises:
        GanlensError: a layer with weights does not say how it begins.
    """
    fresh = deepcopy(network)
    for name, part in fresh.named_modules():
        if callable(begin := getattr(part, "reset_parameters", None)):
            begin()
        elif next(part.parameters(recurse=False), None) is not None:
            raise GanlensError(
                f"layer {name!r} ({type(part).__name__}) has no reset_parameters(), so there is no"
                " untrained network to compare with"
            )
    return fresh


@torch.no_grad()
def _tried(network: nn.Module, inputs: Tensor) -> Any:
    """Run a network once in eval mode, and leave it in eval mode."""
    place = next(network.parameters(), torch.empty(0)).device
    return network.eval()(inputs.to(place))
