"""Inception features per second beside pytorch-fid's and torch-fidelity's, and whether FID moves.

All three run one file of random weights (published ones can be given) on the same images, each the
way its own package runs it: torch-fidelity's module on uint8, pytorch-fid's on floats with its own
resize, so its features differ. Rounds alternate, so that a busy machine slows all; the ratio is the
median over the rounds.

    python benchmarks/features.py [--data SPEC] [--batch 16] [--rounds 5] [--fid 256]
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from pytorch_fid import inception as pytorch_fid
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as torch_fidelity

from ganlens import open_data
from ganlens.features.inception import InceptionExtractor
from ganlens.images import from_uint8
from ganlens.precision import autocast, best_precision
from ganlens.runs import machine
from ganlens.stats import frechet_distance_from_features

Extract = Callable[[np.ndarray], torch.Tensor]


def random_weights(path: Path) -> None:
    """Write weights at which signals neither die nor explode, and every batch norm counts."""
    kind = torch_fidelity.FeatureExtractorInceptionV3
    with (
        mock.patch.object(torch_fidelity, "load_state_dict_from_url", return_value=None),
        mock.patch.object(kind, "load_state_dict", return_value=None),
    ):
        network = kind("random", ["2048"])
    generator = torch.Generator().manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, generator=generator)
        elif isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.2, generator=generator)
            part.bias.normal_(0, 0.2, generator=generator)
            part.running_var.uniform_(0.5, 1.5, generator=generator)
            part.weight.uniform_(0.5, 1.5, generator=generator)
    torch.save(network.state_dict(), path)  # noqa: TID251 the format that both peers load


def contestants(file: Path, device: torch.device) -> dict[str, Extract]:
    """Return name -> (n, H, W, 3) uint8 to (n, 2048) features, ganlens last."""
    tensors = torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251 runs no code
    with mock.patch.object(pytorch_fid, "load_state_dict_from_url", return_value=tensors):
        theirs = pytorch_fid.InceptionV3().eval().to(device)
    other = torch_fidelity.FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(file)
    ).to(device)
    ours = InceptionExtractor(file, device)

    def nchw(images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(device)

    def ganlens(precision: str) -> Extract:
        def extract(images: np.ndarray) -> torch.Tensor:
            with autocast(precision, device):
                return ours(from_uint8(images))

        return extract

    found: dict[str, Extract] = {
        "pytorch-fid": lambda x: theirs(nchw(x).float() / 255)[0].flatten(1).cpu(),
        "torch-fidelity": lambda x: other(nchw(x))[0].cpu(),
        "ganlens float32": ganlens("32-true"),
    }
    if best_precision(device) != "32-true":
        found["ganlens bfloat16"] = ganlens(best_precision(device))
    return found


@torch.inference_mode()
def rate(extract: Extract, images: np.ndarray) -> tuple[float, float]:
    """Images per second and per second of processor time, of one batch.

    The features are on the CPU when it is over. On a busy machine the second is the steadier one.
    """
    began, used = time.perf_counter(), time.process_time()
    extract(images)
    seconds = time.perf_counter() - began, time.process_time() - used
    return len(images) / seconds[0], len(images) / seconds[1]


@torch.inference_mode()
def features(extract: Extract, images: np.ndarray, batch: int) -> np.ndarray:
    """Return (N, 2048) features."""
    parts = [images[i : i + batch] for i in range(0, len(images), batch)]
    return torch.cat([extract(part) for part in parts]).numpy()


def distances(found: dict[str, Extract], images: np.ndarray, n: int, batch: int) -> None:
    """Print the Fréchet distance between images and noisy copies of others, in every one's eyes."""
    rng = np.random.default_rng(0)
    real = images[:n]
    noise = rng.normal(0, 20, images[n : 2 * n].shape)
    fake = (images[n : 2 * n] + noise).clip(0, 255).astype(np.uint8)
    print(f"\nFréchet distance of {n} images and {n} noisy others (pytorch-fid resizes otherwise):")
    expected = None
    for name in [name for name in found if name != "pytorch-fid"]:
        a, b = (features(found[name], x, batch) for x in (real, fake))
        distance = frechet_distance_from_features(a, b)
        expected = distance if expected is None else expected
        print(f"  {name:18} {distance:.6f}  relative {distance / expected - 1:+.2e}", flush=True)


def main() -> None:
    """Print the rates, their ratios and the distances."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="pixelfaces")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fid", type=int, default=0, help="images per side; 0 leaves it out")
    parser.add_argument("--weights", type=Path, help="the published file; random without it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    data = open_data(asked.data, channels=3)
    images = np.array(data.images[: max(asked.batch, 2 * asked.fid)])
    names = ("torch", "torch-fidelity", "pytorch-fid")
    print(
        f"{machine()}; {torch.get_num_threads()} threads, {device}; Python"
        f" {platform.python_version()}, {', '.join(f'{n} {version(n)}' for n in names)};"
        f" {asked.data} {data.image_shape}, batches of {asked.batch}"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = asked.weights or Path(folder) / "random.pth"
        if not asked.weights:
            random_weights(file)
        found = contestants(file, device)
    batch = images[: asked.batch]
    rounds = [{k: rate(f, batch) for k, f in found.items()} for _ in range(asked.rounds + 1)][1:]
    print("| extractor | images/s | against pytorch-fid | against torch-fidelity |")
    print("| --- | ---: | ---: | ---: |")
    for clock, unit in enumerate(("s", "CPU s") if device.type == "cpu" else ("s",)):
        for name in found:
            cells = [f"{statistics.median(r[name][clock] for r in rounds):.2f}/{unit}"]
            for peer in ("pytorch-fid", "torch-fidelity"):
                ratios = [r[name][clock] / r[peer][clock] for r in rounds]
                middle = statistics.median(ratios)
                cells.append(f"{middle:.2f} ({min(ratios):.2f} - {max(ratios):.2f})")
            print(f"| {name} | {' | '.join(cells)} |")
    if best_precision(device) == "32-true":
        print("bfloat16: not measured, this processor has no units for it (AMX, AVX512-BF16)")
    if asked.fid:
        distances(found, images, asked.fid, asked.batch)


if __name__ == "__main__":
    main()
