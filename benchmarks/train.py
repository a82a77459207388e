"""Training speed beside a plain float32 loop as PyTorch's DCGAN tutorial writes it.

Both train the same networks on the same images. Rounds alternate, so that a busy machine
slows both; the ratio is the median over the rounds.

    python benchmarks/train.py [--rounds 7] [--steps 6] [--precision auto]
"""

import argparse
import platform
import statistics
import time
from dataclasses import asdict

import numpy as np
import torch
from torch import nn

from ganlens.models import build
from ganlens.models.dcgan import preset
from ganlens.precision import AUTO, NAMES
from ganlens.runs import machine
from ganlens.training import Trainer, configure, launched

BATCH = 128


class Tutorial:
    """The loop of PyTorch's DCGAN tutorial: float32, NCHW, BCELoss on a sigmoid, default Adam."""

    def __init__(self, arguments: dict, images: np.ndarray, device: torch.device) -> None:
        networks = build("dcgan", arguments, 0)
        self.generator, self.discriminator = (m.to(device) for m in networks.values())
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.device, self.criterion = device, nn.BCELoss()
        self.latent_dim = arguments["latent_dim"]
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), 2e-4, (0.5, 0.999))
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), 2e-4, (0.5, 0.999))

    def advance(self) -> None:
        """Do one step, in the tutorial's order."""
        rows = torch.randperm(len(self.images))[:BATCH]
        real = (self.images[rows].float() / 127.5 - 1).to(self.device)
        self.discriminator.zero_grad()
        label = torch.ones(BATCH, device=self.device)
        error_real = self.criterion(torch.sigmoid(self.discriminator(real)), label)
        error_real.backward()
        fake = self.generator(torch.randn(BATCH, self.latent_dim, device=self.device))
        label.fill_(0)
        error_fake = self.criterion(torch.sigmoid(self.discriminator(fake.detach())), label)
        error_fake.backward()
        self.d_optimizer.step()
        self.generator.zero_grad()
        label.fill_(1)
        error = self.criterion(torch.sigmoid(self.discriminator(fake)), label)
        error.backward()
        self.g_optimizer.step()
        error_real.item(), error_fake.item(), error.item()  # the tutorial prints them


def rate(advance, steps: int, device: torch.device) -> float:
    """Images per second of some steps."""
    began = time.perf_counter()
    for _ in range(steps):
        advance()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return steps * BATCH / (time.perf_counter() - began)


def main() -> None:
    """Print both rates and their ratio at 32 and 64 px."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--precision", default=AUTO, choices=[AUTO, *NAMES])
    asked = parser.parse_args()
    fabric = launched("auto", asked.precision)
    precision = fabric._precision.precision
    print(
        f"{machine()}; {torch.get_num_threads()} threads; Python {platform.python_version()},"
        f" torch {torch.__version__}; ganlens in {precision} on {fabric.device}"
    )
    print("| size | tutorial, images/s | ganlens, images/s | ratio (min - max) |")
    print("| ---: | ---: | ---: | ---: |")
    for size in (32, 64):
        images = np.random.default_rng(0).integers(0, 256, (1024, size, size, 3), dtype=np.uint8)
        arguments = asdict(preset("torch", size=size))
        ours = Trainer("dcgan", arguments, configure("dcgan", batch_size=BATCH), images, fabric)
        theirs = Tutorial(arguments, images, fabric.device)
        pairs = []
        for _ in range(asked.rounds + 1):
            pairs.append([rate(t.advance, asked.steps, fabric.device) for t in (theirs, ours)])
        pairs = pairs[1:]  # the first round warms up
        ratios = [b / a for a, b in pairs]
        medians = [statistics.median(p[i] for p in pairs) for i in (0, 1)]
        print(
            f"| {size} | {medians[0]:.0f} | {medians[1]:.0f} | {statistics.median(ratios):.2f}"
            f" ({min(ratios):.2f} - {max(ratios):.2f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
