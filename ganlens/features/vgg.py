"""VGG16's second fully connected layer, in which precision and recall were published.

Kynkäänniemi et al. 2019 (arXiv 1904.06991), prepared as torch-fidelity does: uint8 input,
TensorFlow 1's bilinear resize to 224 px, torchvision's ImageNet weights (Simonyan and Zisserman
2014, arXiv 1409.1556) and normalisation, 4,096 numbers after the ReLU.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import VGG16_Weights, vgg16

from ganlens.errors import GanlensError
from ganlens.features.base import rgb_pixels
from ganlens.features.resize import tf1_resize
from ganlens.features.weights import digest_prefix, file_hash, hub_file, load_frozen, read_weights
from ganlens.files import check_regular
from ganlens.places import expanded

VGG16_FILE = VGG16_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[1]
SIDE, DIMENSIONS = 224, 4096
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, pixels in [0, 1]
FC2 = 4  # parts of the classifier up to fc2: without its ReLU, dropout and the classes


class VGG16Extractor:
    """VGG16's fc2 features after their ReLU, equal to torch-fidelity's ``fc2_relu``.

    Args:
        path: torchvision's weights; None takes them from torch's hub folder. Never downloads.
        device: where to run.

    Attributes:
        name: "vgg16".
        hash: sha256 of the weight file.
        published: the file is torchvision's, in which published precision and recall are measured.

    Raises:
        GanlensError: no weights, or a file that holds something else.
    """

    name = "vgg16"

    def __init__(self, path: str | Path | None = None, device: torch.device | str = "cpu") -> None:
        file = expanded(path) if path else hub_file(VGG16_FILE)
        check_regular(file)
        if not file.is_file():
            raise GanlensError(
                f"VGG16's weights, {VGG16_FILE}, are not there ({file}): give the path of the file"
            )
        self.hash = file_hash(file)
        self.published = self.hash.startswith(digest_prefix(VGG16_FILE))
        self.device = torch.device(device)
        self.network = _build(file).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings."""
        return {
            "name": self.name,
            "weights": self.hash,
            "layer": "fc2_relu",
            "pool": "none",
            "resize": f"TensorFlow 1 bilinear to {SIDE}x{SIDE}",
            "quantisation": "uint8",
            "dimensions": DIMENSIONS,
            "published_weights": self.published,
        }

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, 1 or 3, H, W) images in [-1, 1] to (N, 4096) float32 on the CPU."""
        x = tf1_resize(rgb_pixels(batch).to(self.device), SIDE)
        mean, deviation = (255 * x.new_tensor(v).view(3, 1, 1) for v in (MEAN, DEVIATION))
        x = ((x - mean) / deviation).contiguous(memory_format=torch.channels_last)
        return self.network(x).float().relu_().cpu()


def _build(file: Path) -> nn.Module:
    tensors = read_weights(file, VGG16_FILE)
    with torch.device("meta"):  # no weights are drawn only to be replaced
        network = vgg16()
    network.to_empty(device="cpu")
    misfit = f"{file} does not hold torchvision's VGG16: give {VGG16_FILE}"
    load_frozen(network, tensors, misfit)
    network.classifier = network.classifier[:FC2]
    return network
