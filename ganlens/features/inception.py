"""The Inception network behind every published FID, run by torch-fidelity.

The 2015-12-05 TensorFlow graph (Szegedy et al. 2015, arXiv 1512.00567; FID: Heusel et al. 2017,
arXiv 1706.08500): uint8 input, TensorFlow 1's bilinear resize to 299 px, ``(x - 128) / 128``, 2,048
features of the last pooling layer.
"""

import hashlib
import io
import os
import pickle  # noqa: TID251 its exception alone is used
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import (
    URL_INCEPTION_V3,
    FeatureExtractorInceptionV3,
)

from ganlens.errors import GanlensError
from ganlens.images import as_rgb, to_uint8

INCEPTION_FILE = URL_INCEPTION_V3.rsplit("/", 1)[1]
DIGEST_PREFIX = INCEPTION_FILE.removesuffix(".pth").rsplit("-", 1)[1]  # of the file's sha256
LAYER = "2048"
TIMEOUT = 10  # seconds without an answer before a fetch is given up


def find_inception_weights(path: str | Path | None = None) -> Path:
    """Find the weights: the given file, or torch-fidelity's in torch's hub folder.

    Raises:
        GanlensError: not there; the message names the file and ``--inception-weights``.
    """
    place = Path(path).expanduser() if path else _hub_file()
    if place.is_file():
        return place
    if path:
        raise GanlensError(
            f"Inception weights {str(path)!r} are not there: give the path of {INCEPTION_FILE} "
            "with --inception-weights, or choose --extractor discriminator"
        )
    raise GanlensError(
        f"Inception's weights, {INCEPTION_FILE}, are not in {place.parent}: fetch the file, give "
        "its path with --inception-weights, or choose --extractor discriminator"
    )


def fetch_inception_weights() -> Iterator[tuple[int, int]]:
    """Download torch-fidelity's file into torch's hub folder; yield (bytes done, bytes in all).

    It does not announce itself: the caller must say that 91 MiB are fetched.

    Raises:
        GanlensError: no network, or a file with another hash; nothing is left behind.
    """
    place = _hub_file()
    temporary = place.with_name(f".{place.name}.{uuid4().hex}.tmp")
    digest = hashlib.sha256()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(URL_INCEPTION_V3, timeout=TIMEOUT) as source:
            total = int(source.headers.get("Content-Length") or 0)
            with open(temporary, "wb") as file:
                while part := source.read(1 << 20):
                    digest.update(part)
                    yield file.write(part) and file.tell(), total
        if not digest.hexdigest().startswith(DIGEST_PREFIX):
            raise GanlensError(f"the fetched {INCEPTION_FILE} is damaged: try again")
        os.replace(temporary, place)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise GanlensError(
            f"Inception's weights, {INCEPTION_FILE}, could not be fetched ({reason}): give the "
            "path of the file with --inception-weights, or choose --extractor discriminator"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _hub_file() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION_FILE


class InceptionExtractor:
    """Inception's 2,048 pooled features, equal to torch-fidelity's.

    Args:
        path: the weights; None takes them from torch's hub folder. Never downloads.
        device: where to run.

    Attributes:
        name: "inception".
        hash: sha256 of the weight file.
        published: the file is the one that published FIDs use; otherwise no number is called FID.

    Raises:
        GanlensError: no weights, or a file that holds something else.
    """

    name = "inception"

    def __init__(self, path: str | Path | None = None, device: torch.device | str = "cpu") -> None:
        file = find_inception_weights(path)
        with open(file, "rb") as opened:
            self.hash = hashlib.file_digest(opened, "sha256").hexdigest()
        self.published = self.hash.startswith(DIGEST_PREFIX)
        self.device = torch.device(device)
        self.network = _build(file).to(self.device)

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings."""
        return {
            "name": self.name,
            "weights": self.hash,
            "layer": LAYER,
            "pool": "mean over positions",
            "resize": "TensorFlow 1 bilinear to 299x299",
            "quantisation": "uint8",
            "dimensions": int(LAYER),
            "published_weights": self.published,
        }

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, 1 or 3, H, W) images in [-1, 1] to (N, 2048) float32 on the CPU."""
        colour = np.ascontiguousarray(as_rgb(to_uint8(batch)).transpose(0, 3, 1, 2))
        return self.network(torch.from_numpy(colour).to(self.device))[0].float().cpu()


def _build(file: Path) -> FeatureExtractorInceptionV3:
    """Build torch-fidelity's network without letting it unpickle a file of unknown origin.

    torch-fidelity passes its weights path to an unrestricted load. It is given a buffer instead,
    which was written here, from tensors that were read without running code.
    """
    buffer = io.BytesIO()
    torch.save(_tensors(file), buffer)  # noqa: TID251 written for the one reader below
    buffer.seek(0)
    try:
        return FeatureExtractorInceptionV3(
            "inception-v3-compat", [LAYER], feature_extractor_weights_path=buffer
        )
    except RuntimeError as error:
        raise GanlensError(
            f"{file} does not hold the Inception network of torch-fidelity: give {INCEPTION_FILE}"
        ) from error


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        tensors = torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251 runs no code
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise GanlensError(
            f"{file} is not a readable weight file: give {INCEPTION_FILE} with --inception-weights"
        ) from error
    if not isinstance(tensors, dict) or not all(isinstance(v, Tensor) for v in tensors.values()):
        raise GanlensError(f"{file} holds no plain table of weights: give {INCEPTION_FILE}")
    return tensors
