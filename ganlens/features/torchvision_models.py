"""Any of torchvision's classification networks as a judge, with weights that the user has."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from ganlens.errors import GanlensError
from ganlens.features.base import rgb_pixels
from ganlens.features.weights import digest_prefix, file_hash, load_frozen, read_weights
from ganlens.files import check_regular
from ganlens.initialisation import seeded
from ganlens.places import expanded

RENORMALISING = ("googlenet", "inception_v3")  # with torchvision's own weights, by transform_input


class TorchvisionExtractor:
    """What goes into the last linear layer of a torchvision classification network.

    Images are prepared as torchvision prepares them for the very file (recognised by its hash), or
    for the network's default weights where the file is another: resized with antialiasing,
    centre-cropped, normalised.

    Args:
        model: a name of ``torchvision.models``, such as "resnet50".
        path: its weights, .pth or .safetensors; the number of classes is taken from them.
        device: where to run.

    Attributes:
        name: "torchvision-<model>".
        hash: sha256 of the weight file.
        published: the file is one of torchvision's.

    Raises:
        GanlensError: an unknown name, a network without a linear last layer, no file, or weights of
            another network.
    """

    def __init__(self, model: str, path: str | Path, device: torch.device | str = "cpu") -> None:
        known = models.list_models(module=models)
        if model not in known:
            near = ", ".join(get_close_matches(model, known, 3, 0) or known[:3])
            raise GanlensError(
                f"torchvision model {model!r} is not known: choose from {near} or another of"
                " torchvision.models.list_models()"
            )
        file = expanded(path)
        check_regular(file)
        if not file.is_file():
            raise GanlensError(f"the weights {str(path)!r} of {model} are not there: give a file")
        self.name, self.hash = f"torchvision-{model}", file_hash(file)
        self.device = torch.device(device)
        known_weights = models.get_model_weights(model)
        named = [w for w in known_weights if self.hash.startswith(digest_prefix(w.url))]
        self.published = bool(named)
        self.weights = (named or [known_weights.DEFAULT])[0]
        self.prepare = self.weights.transforms()
        self.network, self.layer, self.dimensions = _build(model, file, self.published)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings."""
        how = self.prepare
        return {
            "name": self.name,
            "weights": self.hash,
            "layer": f"input of {self.layer}",
            "pool": "the network's own",
            "resize": (
                f"{how.interpolation.value}, antialiased, short side to {how.resize_size[0]},"
                f" middle {how.crop_size[0]}x{how.crop_size[0]}"
            ),
            "quantisation": "uint8",
            "normalisation": {"mean": list(how.mean), "deviation": list(how.std)},
            "dimensions": self.dimensions,
            "published_weights": self.published,
            "prepared_as_for": str(self.weights),
        }

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, 1 or 3, H, W) images in [-1, 1] to (N, D) float32 on the CPU."""
        x = self.prepare(rgb_pixels(batch).to(self.device))
        return self.network(x.contiguous(memory_format=torch.channels_last)).float().cpu()


def _build(model: str, file: Path, published: bool) -> tuple[nn.Module, str, int]:
    """Return the network without its last linear layer, that layer's name and its input's width."""
    tensors = read_weights(file, f"torchvision's weights of {model}")
    extra: dict[str, Any] = {}
    if model in RENORMALISING:
        extra = {"transform_input": published, "init_weights": False}
    misfit = f"{file} does not hold the weights of torchvision's {model}: give its own"
    with seeded():  # it draws weights before it loads them
        network = models.get_model(model, weights=None, **extra)
        head = _head(network)
        if f"{head}.bias" not in tensors or tensors[f"{head}.bias"].ndim != 1:
            raise GanlensError(misfit)
        classes = len(tensors[f"{head}.bias"])
        if classes != network.get_submodule(head).out_features:
            network = models.get_model(model, weights=None, num_classes=classes, **extra)
    load_frozen(network, tensors, misfit)
    width = network.get_submodule(head).in_features
    network.set_submodule(head, nn.Identity())
    return network, head, int(width)


def _head(network: nn.Module) -> str:
    """Name the last linear layer, after which nothing with weights may come."""
    weighted = [(name, part) for name, part in network.named_modules() if _weighs(part)]
    name, part = weighted[-1]
    if not isinstance(part, nn.Linear):
        raise GanlensError(
            f"torchvision's {type(network).__name__} does not end in a linear layer: choose another"
            " model, for instance resnet50"
        )
    return name


def _weighs(part: nn.Module) -> bool:
    return next(part.parameters(recurse=False), None) is not None
