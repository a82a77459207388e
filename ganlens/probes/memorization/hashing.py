"""Semantic hashing: an autoencoder's code, one bit per unit (Radford et al. 2015, section 4.1).

The paper removed near-duplicates with a 3072-128-3072 de-noising, dropout-regularised ReLU
autoencoder on 32x32 centre-crops: codes are binarised by thresholding the ReLU, and images with
equal codes are duplicates.
"""

import hashlib
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ganlens.files import replace
from ganlens.places import cache_folder

BITS = 128
SIDE = 32  # larger images are averaged down to it
ROWS = 5000  # train images that the autoencoder learns from
EPOCHS, BATCH, RATE = 3, 128, 2e-3
DROPOUT, NOISE = 0.5, 0.2  # of the code; of the input, in parts of the brightness range
FORMAT = "1"  # raise it when the training changes: older files are then not found


@dataclass(frozen=True)
class Hasher:
    """Turns images into 128 bits.

    Attributes:
        weight: (128, D) of the encoder.
        bias: (128,).
        mean: (D,) mean train image, which is taken off first.
    """

    weight: Tensor
    bias: Tensor
    mean: Tensor

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Hash (N, H, W, C) uint8 images: (N, 16) uint8, eight bits in each."""
        parts = [
            F.linear(_flat(images[i : i + 4096]) - self.mean, self.weight, self.bias) > 0
            for i in range(0, len(images), 4096)
        ]
        return np.packbits(torch.cat(parts).numpy(), axis=1)


def hasher(images: np.ndarray, fingerprint: str, seed: int) -> Hasher:
    """Find or train the hasher of (N, H, W, C) uint8 images, cached by fingerprint and seed."""
    settings = struct.pack("<qqdddd", EPOCHS, BATCH, RATE, DROPOUT, NOISE, ROWS) + FORMAT.encode()
    key = hashlib.sha256(fingerprint.encode() + settings + str(seed).encode()).hexdigest()[:32]
    path = cache_folder() / "hashes" / f"{key}.safetensors"
    found = _read(path)
    if found is None:
        found = train_hasher(images, seed)
        with suppress(OSError):  # where nothing can be written it is trained anew each time
            replace(path, save({k: v.contiguous() for k, v in vars(found).items()}))
    return found


def _read(path: Path) -> Hasher | None:
    try:
        return Hasher(**load(path.read_bytes())) if path.is_file() else None
    except (SafetensorError, OSError, TypeError):
        return None  # damaged: it is made anew


def train_hasher(images: np.ndarray, seed: int) -> Hasher:
    """Train the autoencoder on at most 5,000 of (N, H, W, C) uint8 images; seconds on one core."""
    g = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(images), generator=g)[:ROWS].sort().values
    x = _flat(images[rows.numpy()])
    mean = x.mean(0)
    x -= mean
    width = x.shape[1]
    encoder = torch.empty(BITS, width).uniform_(-1, 1, generator=g) / width**0.5
    decoder = torch.empty(width, BITS).uniform_(-1, 1, generator=g) / BITS**0.5
    weights = [encoder, torch.zeros(BITS), decoder, torch.zeros(width)]
    with torch.inference_mode(False), torch.enable_grad():
        weights = [w.clone().requires_grad_() for w in weights]
        adam = torch.optim.Adam(weights, RATE)
        for _ in range(EPOCHS):
            for part in torch.randperm(len(x), generator=g).split(BATCH):
                clean = x[part]
                noisy = clean + NOISE * torch.randn(clean.shape, generator=g)
                code = F.linear(noisy, weights[0], weights[1]).relu()
                active = torch.rand(code.shape, generator=g) > DROPOUT
                drawn = F.linear(code * active / (1 - DROPOUT), weights[2], weights[3])
                adam.zero_grad()
                F.mse_loss(drawn, clean).backward()
                adam.step()
    return Hasher(weights[0].detach(), weights[1].detach(), mean)


def _flat(images: np.ndarray) -> Tensor:
    """(N, D) float32 in [0, 1], averaged down to 32x32 where they are larger."""
    x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
    if max(x.shape[2:]) > SIDE:
        x = F.adaptive_avg_pool2d(x, SIDE)
    return x.flatten(1)
