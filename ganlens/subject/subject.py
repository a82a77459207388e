"""The Subject itself: what it draws, how it scores, which features it sees."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.activations import capture, layer_names
from ganlens.errors import GanlensError, one_of
from ganlens.models.prior import Prior
from ganlens.subject.modules import from_modules
from ganlens.subject.untrained import untrained


class Subject:
    """A generator, its discriminator, or both, in eval mode on one device.

    Attributes:
        name: what to call it.
        generator: (N, d) latents to (N, C, H, W) images in [-1, 1], or None.
        discriminator: (N, C, H, W) images to (N,) logits, or None.
        prior: distribution of the latents; asking for it without a generator is a GanlensError.
        image_shape: (C, H, W).
        device: where the networks are.
        provenance: JSON-able: checkpoint, hash, family, arguments, step, data, weights, versions.
    """

    def __init__(
        self,
        generator: Any | None,
        discriminator: Any | None,
        provenance: dict[str, Any],
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.generator: Any = self._placed(generator)
        self.discriminator = self._placed(discriminator)
        shown = generator if generator is not None else discriminator
        if shown is None:
            raise GanlensError("a subject needs a generator or a discriminator: give one")
        self.image_shape: tuple[int, int, int] = tuple(shown.image_shape)
        self.provenance = provenance
        self.name: str = provenance["checkpoint"]

    from_modules = classmethod(from_modules)
    untrained = untrained

    def _placed(self, network: Any | None) -> Any | None:
        if network is None:
            return None
        network = network.to(device=self.device, memory_format=torch.channels_last)
        return network.requires_grad_(False).eval()

    @property
    def prior(self) -> Prior:
        """The distribution of the latents."""
        found: Any = self.network("generator")
        return found.prior

    def latents(self, seeds: Iterable[int]) -> Tensor:
        """Draw one latent per seed: (N, d) float32 on the CPU, whatever the other seeds are."""
        return self.prior.sample(seeds)

    @property
    def samples_at_most(self) -> int | None:
        """How many samples there are; None where any seed gives one."""
        return None

    def sample(
        self, seeds: Iterable[int], condition: Tensor | None = None, *, batch_size: int = 64
    ) -> Tensor:
        """Draw one image per seed, whatever the model is: the same one in any company.

        Args:
            seeds: N of them, each below ``samples_at_most`` where that is a number.
            condition: (N, k) what the generator is told, where it takes a condition.
            batch_size: how many at a time; it does not change the images.

        Returns:
            (N, C, H, W) float32 on the CPU, in [-1, 1].

        Raises:
            GanlensError: see ``generate``; or a condition, which this model does not take.
        """
        if condition is not None:
            raise GanlensError(f"{self.name} takes no condition: leave it out")
        return self.generate(self.latents(seeds), batch_size=batch_size)

    def generate(
        self, z: Tensor, batch_size: int = 64, labels: Tensor | Sequence[int] | None = None
    ) -> Tensor:
        """Draw images.

        Args:
            z: (N, d) latents.
            batch_size: how many at a time; it does not change the images.
            labels: (N,) classes of a class-conditional generator; by default its own one.

        Returns:
            (N, C, H, W) float32 on the CPU, in [-1, 1].

        Raises:
            GanlensError: latents of another width than the prior's, NaN in them or in the images.
        """
        z = _numbers(z, "latents")
        if z.ndim != 2 or z.shape[1] != self.prior.dim:
            raise GanlensError(
                f"latents of shape {tuple(z.shape)} do not fit {self.name}:"
                f" give (N, {self.prior.dim})"
            )
        network = self.network("generator")
        if labels is not None:
            z = self._with_labels(z, torch.as_tensor(labels))

        def draw(rows: Tensor) -> Tensor:
            # CPU kernels split odd batches between threads so that sums round differently: filled
            # up to a multiple of 8, a latent gives the same bits in any company and at any number
            # of threads.
            filled = F.pad(rows, (0, 0, 0, -len(rows) % 8))
            inputs = (filled,) if labels is None else (filled[:, :-1], filled[:, -1].long())
            return network(*inputs)[: len(rows)]

        return self._batched(draw, z, batch_size, self.image_shape)

    def _with_labels(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return (N, d + 1): latents, and the label of each as its last coordinate."""
        classes = getattr(self.generator, "classes", None)
        if classes is None:
            raise GanlensError(f"{self.name} takes no labels: leave them out")
        if labels.shape != z.shape[:1] or labels.is_floating_point():
            raise GanlensError(
                f"labels of shape {tuple(labels.shape)} do not fit {len(z)} latents: give one whole"
                " number each"
            )
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise GanlensError(f"labels must be 0 to {classes - 1}: {labels.unique().tolist()}")
        return torch.cat([z, labels[:, None].to(z.dtype)], dim=1)  # exact up to 2^24 classes

    def discriminate(self, x: Tensor, batch_size: int = 64) -> Tensor:
        """Score images in [-1, 1]: (N,) float32 logits on the CPU, high for real.

        Raises:
            GanlensError: there is no discriminator, or the images have another shape than its own,
                or hold bytes or NaN.
        """
        x = _numbers(x, "images")
        return self._batched(self._judge(x), x, batch_size, ())

    def features(
        self,
        x: Tensor,
        layers: str | Sequence[str] = "all",
        pool: int | None = 4,
        batch_size: int = 64,
    ) -> Tensor:
        """Activations of the discriminator as feature vectors (Radford 2015, section 5.1).

        Args:
            x: (N, C, H, W) images in [-1, 1].
            layers: "all" (every convolution block, in order), one name or several.
            pool: each map is max-pooled to a pool x pool grid; None keeps it whole.
            batch_size: how many at a time.

        Returns:
            (N, D) float32 on the CPU: layers one after another, each flattened.

        Raises:
            GanlensError: no discriminator, images of another shape, a pool below 1, or an unknown
                layer.
        """
        if pool is not None and pool < 1:
            raise GanlensError(f"pool {pool} is too small: give at least 1, or None for whole maps")
        x = _numbers(x, "images")
        network = self._judge(x)
        wanted = [layers] if isinstance(layers, str) else layers
        names = list(network.feature_layers if layers == "all" else wanted)
        if not names:
            raise GanlensError(
                f"{self.name} has a discriminator without layers to look at: name some, or choose"
                " another checkpoint"
            )

        def pooled(batch: Tensor) -> Tensor:
            with capture(network, names) as found:
                network(batch)
            return torch.cat([pool_maps(found[name], pool) for name in names], dim=1)

        return self._batched(pooled, x, batch_size, None)

    def layers(self, network: str) -> list[str]:
        """List the layer names of "generator" or "discriminator", in order."""
        return layer_names(self.network(network))

    def network(self, name: str) -> nn.Module:
        """Return the "generator" or the "discriminator".

        Raises:
            GanlensError: another name, or no discriminator.
        """
        if name not in ("generator", "discriminator"):
            raise one_of("network", name, ("generator", "discriminator"))
        found = getattr(self, name)
        if found is None:
            raise GanlensError(f"{self.name} has no {name}: choose another checkpoint")
        return found

    def _judge(self, x: Tensor) -> Any:
        network = self.network("discriminator")
        if tuple(x.shape[1:]) != self.image_shape:
            raise GanlensError(
                f"images of shape {tuple(x.shape)} do not fit {self.name}: give"
                f" (N, {', '.join(map(str, self.image_shape))})"
            )
        return network

    @torch.inference_mode()
    def _batched(
        self,
        function: Callable[[Tensor], Tensor],
        inputs: Tensor,
        batch_size: int,
        empty: tuple[int, ...] | None,
    ) -> Tensor:
        if batch_size < 1:
            raise GanlensError(f"batch size {batch_size} is too small: give at least 1")
        if len(inputs) == 0 and empty is not None:
            return torch.empty(0, *empty)
        parts = [function(part.to(self.device)).float().cpu() for part in inputs.split(batch_size)]
        outputs = torch.cat(parts).contiguous()
        if not outputs.isfinite().all():
            raise GanlensError(
                f"{self.name} puts out NaN or infinity: its weights are damaged, take another"
                " checkpoint"
            )
        return outputs


def _numbers(values: Tensor, what: str) -> Tensor:
    """Return values as float32, those of a NumPy array too; refuse bytes, NaN and infinity."""
    found = torch.as_tensor(values)
    if not found.is_floating_point():
        raise GanlensError(f"{what} of type {found.dtype} are not usable: give float32")
    if not found.isfinite().all():
        raise GanlensError(f"{what} hold NaN or infinity: give finite numbers")
    return found.float()


def pool_maps(maps: Tensor, pool: int | None) -> Tensor:
    """Max-pool (N, C, H, W) maps to a pool x pool grid, if one is given, and flatten them."""
    if pool is not None and maps.ndim == 4:
        maps = F.adaptive_max_pool2d(maps, pool)
    return maps.flatten(1)
