"""Subject: a loaded GAN, ready to be probed."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.activations import capture, layer_names
from ganlens.calibration import calibrate
from ganlens.checkpoints import Checkpoint, load_checkpoint
from ganlens.errors import GanlensError, one_of
from ganlens.models import build
from ganlens.models.prior import Prior

# Latents, and images, behind the batch-norm statistics of an untrained control. Against 8,192 they
# were measured to move its features by 0.4 % of their norm; twice as many gain 0.2 % for twice the
# time.
CALIBRATION = 1024


class Subject:
    """A generator and, where there is one, its discriminator, in eval mode on one device.

    Attributes:
        name: what to call it.
        generator: (N, d) latents to (N, C, H, W) images in [-1, 1].
        discriminator: (N, C, H, W) images to (N,) logits, or None.
        prior: distribution of the latents.
        image_shape: (C, H, W).
        device: where the networks are.
        provenance: JSON-able: checkpoint, hash, family, arguments, step, data, weights, versions.
    """

    def __init__(
        self,
        generator: Any,
        discriminator: Any | None,
        provenance: dict[str, Any],
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        place = {"device": self.device, "memory_format": torch.channels_last}
        self.generator = generator.to(**place).requires_grad_(False).eval()
        self.discriminator = discriminator
        if discriminator is not None:
            self.discriminator = discriminator.to(**place).requires_grad_(False).eval()
        self.prior: Prior = generator.prior
        self.image_shape: tuple[int, int, int] = tuple(generator.image_shape)
        self.provenance = provenance
        self.name: str = provenance["checkpoint"]

    def latents(self, seeds: Iterable[int]) -> Tensor:
        """Draw one latent per seed: (N, d) float32 on the CPU, whatever the other seeds are."""
        return self.prior.sample(seeds)

    def generate(self, z: Tensor, batch_size: int = 64) -> Tensor:
        """Draw images.

        Args:
            z: (N, d) latents.
            batch_size: how many at a time; it does not change the images.

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
        return self._batched(self._generator, z, batch_size, self.image_shape)

    def _generator(self, z: Tensor) -> Tensor:
        # CPU kernels split odd batches between threads so that sums round differently: filled up to
        # a multiple of 8, a latent gives the same bits in any company and at any number of threads.
        filled = F.pad(z, (0, 0, 0, -len(z) % 8))
        return self.generator(filled)[: len(z)]

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
        names = list(network.feature_layers if layers == "all" else _as_list(layers))

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

    def untrained(
        self, seed: int = 0, images: Tensor | None = None, *, calibrated: bool = True
    ) -> "Subject":
        """Return the same networks as they were before any training: the control of every claim.

        Args:
            seed: of the initialisation.
            images: (N, C, H, W) real images on which the discriminator's batch norm is calibrated;
                by default 1,024 of the untrained generator's own. The generator's comes from 1,024
                latents.
            calibrated: False leaves batch norm as built, for who looks at the weights alone: most
                of the time goes into the calibration.

        Raises:
            GanlensError: the family or the arguments are not known, so nothing can be built.
        """
        if "arguments" not in self.provenance:
            raise GanlensError(f"{self.name} does not say how to build it untrained")
        pair = build(self.provenance["family"], self.provenance["arguments"], seed)
        provenance = {
            **self.provenance,
            "checkpoint": f"{self.name} (untrained)",
            "weights": "untrained",
            "hash": None,
            "step": 0,
            "seed": seed,
            "calibration": {},
        }
        control = Subject(*pair, provenance, self.device)
        if calibrated:
            control._calibrate(seed, images)
        return control

    def _calibrate(self, seed: int, images: Tensor | None) -> None:
        latents = self.prior.sample_batch(CALIBRATION, seed).to(self.device)
        drawn = calibrate(self.generator, latents.split(256))
        batches = (self.generate(latents) if images is None else images).split(256)
        judge = self.network("discriminator")
        used = calibrate(judge, (b.to(self.device) for b in batches if len(b) > 1))
        self.provenance["calibration"] = {"latents": drawn, "images": used}

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
    numbers = torch.as_tensor(values)
    if not numbers.is_floating_point():
        raise GanlensError(f"{what} of type {numbers.dtype} are not usable: give float32")
    if not numbers.isfinite().all():
        raise GanlensError(f"{what} hold NaN or infinity: give finite numbers")
    return numbers.float()


def _as_list(layers: str | Sequence[str]) -> Sequence[str]:
    return [layers] if isinstance(layers, str) else layers


def pool_maps(maps: Tensor, pool: int | None) -> Tensor:
    """Max-pool (N, C, H, W) maps to a pool x pool grid, if one is given, and flatten them."""
    if pool is not None and maps.ndim == 4:
        maps = F.adaptive_max_pool2d(maps, pool)
    return maps.flatten(1)


def load(path_or_name: str | Path, device: str = "auto", *, weights: str = "ema") -> Subject:
    """Open a checkpoint for probing. No code from the file is run.

    Args:
        path_or_name: a checkpoint folder, a run's folder (its best checkpoint), or a shipped name.
        device: "auto" takes a GPU where there is one; or any torch device.
        weights: "ema" takes the averaged generator, "raw" the one that was trained.

    Raises:
        GanlensError: see ``load_checkpoint``; or a device that is not there.
    """
    if weights not in ("ema", "raw"):
        raise one_of("weights", weights, ("ema", "raw"))
    return from_checkpoint(load_checkpoint(path_or_name), pick_device(device), weights)


def from_checkpoint(checkpoint: Checkpoint, device: torch.device, weights: str = "ema") -> Subject:
    """Make a Subject of a loaded checkpoint."""
    header, networks = checkpoint.header, checkpoint.networks
    averaged = weights == "ema" and "ema" in networks
    if not averaged and "generator" not in networks:
        held = ", ".join(networks) or "no network"
        raise GanlensError(
            f"{checkpoint.path} lacks the {weights} generator, it holds {held}: take another"
            " checkpoint or other weights"
        )
    generator = networks["ema" if averaged else "generator"]
    provenance = {
        "checkpoint": _name(checkpoint.path),
        "path": str(checkpoint.path),
        "hash": checkpoint.hash,
        "family": header.family,
        "arguments": header.arguments,
        "prior": header.prior,
        "step": header.step,
        "weights": "ema" if averaged else "raw",
        "data": header.data,
        "training": header.training,
        "metrics": header.metrics,
        "calibration": header.calibration,
        "made": header.made,
        "versions": header.versions,
    }
    return Subject(generator, networks.get("discriminator"), provenance, device)


def pick_device(device: str) -> torch.device:
    """Turn "auto" into the best device that is there, or check the one that was asked for.

    Under ``torchrun`` every process of a machine takes a GPU of its own.

    Raises:
        GanlensError: that one is not there.
    """
    if device == "auto":
        own = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", own) if torch.cuda.device_count() > own else torch.device("cpu")
    try:
        there = torch.zeros(1, device=device)
        there.cpu()  # no number comes back from "meta"
    except (RuntimeError, AssertionError) as error:
        raise GanlensError(f"device {device!r} is not available: choose auto or cpu") from error
    return there.device


def _name(path: Path) -> str:
    return path.parent.name if path.name in ("best", "last") else path.resolve().name
