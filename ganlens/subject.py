"""Subject: a loaded GAN, ready to be probed."""

import os
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.activations import capture, layer_names
from ganlens.calibration import calibrate
from ganlens.checkpoints import Checkpoint, find_checkpoint, load_checkpoint
from ganlens.errors import GanlensError, one_of
from ganlens.foreign import open_foreign
from ganlens.initialisation import seeded
from ganlens.models import build
from ganlens.models.named import Trust, trusted, trusting
from ganlens.models.prior import Prior
from ganlens.models.recognition import Answers
from ganlens.models.wrapped import WrappedDiscriminator, WrappedGenerator, reset

# Latents, and images, behind the batch-norm statistics of an untrained control. Against 8,192 they
# were measured to move its features by 0.4 % of their norm; twice as many gain 0.2 % for twice the
# time.
CALIBRATION = 1024


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

    @classmethod
    def from_modules(
        cls,
        generator: nn.Module | None,
        discriminator: nn.Module | None = None,
        prior: Prior | str = "normal",
        output_range: Sequence[float] = (-1.0, 1.0),
        *,
        latent_dim: int | None = None,
        image_shape: Sequence[int] | None = None,
        classes: int | None = None,
        label: int = 0,
        name: str = "modules",
        device: torch.device | str = "cpu",
    ) -> "Subject":
        """Probe any torch modules, as they are; they are copied, so that training may go on.

        Args:
            generator: maps (N, d) or (N, d, 1, 1) latents, and (N,) labels (or one-hot rows) if
                there are classes, to (N, C, H, W) images of 1 to 4 channels. Or None.
            discriminator: maps such images, in ``output_range``, to one or several logits each.
            prior: "normal", "uniform", or a Prior, which knows the latents' width too.
            output_range: what black and white are for these modules: (-1, 1), or (0, 1).
            latent_dim: coordinates of a latent; by default what the first layer takes.
            image_shape: (C, H, W), needed only by a discriminator without a generator.
            classes: number of labels of a class-conditional generator.
            label: the class that is drawn where none is named.
            name: what to call them.
            device: where to compute.

        Raises:
            GanlensError: the modules do not fit this, with what was tried.
        """
        wrapped: Any = None
        if generator is not None:
            if not isinstance(prior, Prior):
                dim = latent_dim if latent_dim is not None else first_width(generator)
                prior = Prior(prior, dim)  # type: ignore[arg-type]
            wrapped = WrappedGenerator(deepcopy(generator), prior, output_range, classes, label)
            image_shape = wrapped.image_shape
        judge: Any = None
        if discriminator is not None:
            if image_shape is None:
                raise GanlensError("a discriminator alone needs image_shape: give (C, H, W)")
            judge = WrappedDiscriminator(deepcopy(discriminator), image_shape, output_range)
        return cls(wrapped, judge, {"checkpoint": name, "hash": None}, device)

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
        if labels is not None:
            return self._of_classes(z, torch.as_tensor(labels), batch_size)
        return self._batched(self._generator, z, batch_size, self.image_shape)

    def _of_classes(self, z: Tensor, labels: Tensor, batch_size: int) -> Tensor:
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
        both = torch.cat([z, labels[:, None].to(z.dtype)], dim=1)  # exact up to 2^24 classes

        def draw(part: Tensor) -> Tensor:
            filled = F.pad(part, (0, 0, 0, -len(part) % 8))
            return self.network("generator")(filled[:, :-1], filled[:, -1].long())[: len(part)]

        return self._batched(draw, both, batch_size, self.image_shape)

    def _generator(self, z: Tensor) -> Tensor:
        # CPU kernels split odd batches between threads so that sums round differently: filled up to
        # a multiple of 8, a latent gives the same bits in any company and at any number of threads.
        filled = F.pad(z, (0, 0, 0, -len(z) % 8))
        return self.network("generator")(filled)[: len(z)]

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
        pair = self._fresh(seed)
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

    def _fresh(self, seed: int) -> tuple[Any, Any]:
        """Build the networks that there are anew, from a seed."""
        pair = {"generator": self.generator, "discriminator": self.discriminator}
        there = {part: network for part, network in pair.items() if network is not None}
        if all(isinstance(n, WrappedGenerator | WrappedDiscriminator) for n in there.values()):
            with seeded(seed):
                fresh = {part: reset(network) for part, network in there.items()}
            return fresh.get("generator"), fresh.get("discriminator")
        if "arguments" not in self.provenance:
            raise GanlensError(f"{self.name} does not say how to build it untrained")
        return build(self.provenance["family"], self.provenance["arguments"], seed, list(there))

    def _calibrate(self, seed: int, images: Tensor | None) -> None:
        drawn = used = 0
        if self.generator is not None:
            latents = self.prior.sample_batch(CALIBRATION, seed).to(self.device)
            drawn = calibrate(self.generator, latents.split(256))
            images = self.generate(latents) if images is None else images
        if self.discriminator is not None and images is not None:
            batches = (b.to(self.device) for b in images.split(256) if len(b) > 1)
            used = calibrate(self.discriminator, batches)
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


def first_width(network: nn.Module) -> int:
    """Return the inputs of the first layer with a matrix or kernel: the width of a latent.

    Raises:
        GanlensError: there is no such layer.
    """
    for part in network.modules():
        for name in ("in_features", "in_channels"):
            if isinstance(width := getattr(part, name, None), int):
                return width
    raise GanlensError(
        "the generator has no layer that tells the width of a latent: give latent_dim"
    )


def load(
    path_or_name: str | Path,
    device: str = "auto",
    *,
    weights: str = "ema",
    answers: Answers | None = None,
    module: str | None = None,
    trust: bool = False,
) -> Subject:
    """Open a checkpoint for probing, ganlens's own or a foreign one. No code from it is run.

    Args:
        path_or_name: a checkpoint folder, a run's folder (its best checkpoint), a shipped name, or
            weights that another project saved (see ``ganlens import``).
        device: "auto" takes a GPU where there is one; or any torch device.
        weights: "ema" takes the averaged generator, "raw" the one that was trained.
        answers: what a foreign file cannot tell.
        module: "package.module:callable" that returns the networks, or a Family; needs ``trust``.
        trust: lets ``module``, and the programs in TorchScript and torch.export archives, run.

    Raises:
        GanlensError: see ``load_checkpoint`` and ``open_foreign``; or a device that is not there.
    """
    if weights not in ("ema", "raw"):
        raise one_of("weights", weights, ("ema", "raw"))
    wanted = Trust(trust, module) if trust or module else trusted()
    with trusting(wanted):
        return from_checkpoint(
            _open(path_or_name, answers or Answers()), pick_device(device), weights
        )


def _open(path_or_name: str | Path, answers: Answers) -> Checkpoint:
    """Open ganlens's own checkpoint where there is one, else whatever lies there."""
    path = Path(path_or_name)
    try:
        find_checkpoint(path)
    except GanlensError:
        if not path.exists():
            raise
        return open_foreign([path], answers).checkpoint
    return load_checkpoint(path)


def from_checkpoint(checkpoint: Checkpoint, device: torch.device, weights: str = "ema") -> Subject:
    """Make a Subject of a loaded checkpoint."""
    header, networks = checkpoint.header, checkpoint.networks
    averaged = weights == "ema" and "ema" in networks
    if not averaged and "generator" not in networks and set(networks) != {"discriminator"}:
        held = ", ".join(networks) or "no network"
        raise GanlensError(
            f"{checkpoint.path} lacks the {weights} generator, it holds {held}: take another"
            " checkpoint or other weights"
        )
    generator = networks.get("ema" if averaged else "generator")
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
