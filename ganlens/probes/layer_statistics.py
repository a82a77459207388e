"""Statistics of a network's layers, streamed over batches of samples."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.activations import Point, capture, points_of
from ganlens.errors import GanlensError
from ganlens.features import ImageSource, Rows
from ganlens.subject import Samples, Subject

RECTIFIERS = ("relu", "leaky_relu", "prelu", "rrelu", "relu6")
_LAYERS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ReLU6)


class LayerStatistics:
    """Streams the outputs of a network's leaf layers into per-channel sums."""

    def __init__(self, module: nn.Module) -> None:
        self.layers = leaves(module)
        self.names = list(self.layers)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.sums: dict[str, Tensor] = {}  # (5, C): count, sum, squares, not above 0, beyond 0.99
        self.highest: dict[str, Tensor] = {}

    def update(self, outputs: dict[str, Tensor]) -> None:
        """Add one batch of outputs: name -> (N, C, h, w) or (N, U)."""
        for name, output in outputs.items():
            maps = as_maps(output).double()
            self.shapes[name] = tuple(output.shape[1:])
            parts = (torch.ones_like(maps), maps, maps**2, maps <= 0, maps.abs() > 0.99)
            sums = torch.stack([part.double().sum(dim=(0, 2, 3)) for part in parts])
            highest = maps.amax(dim=(0, 2, 3))
            self.sums[name] = self.sums[name] + sums if name in self.sums else sums
            known = self.highest.get(name, highest)
            self.highest[name] = torch.maximum(known, highest)

    def most_varied(self, name: str, count: int) -> list[int]:
        """Return the channels of a layer or group that vary most, over samples and positions."""
        # A group such as "block1" puts out what its last layer does.
        inner = [leaf for leaf in self.names if leaf.startswith(f"{name}.")]
        n, total, squares, *_ = self.sums[name if name in self.sums else inner[-1]]
        variance = squares / n - (total / n) ** 2
        return variance.argsort(descending=True, stable=True)[:count].tolist()

    def rows(self, network: str) -> Iterator[dict[str, Any]]:
        """Yield one row of a table per layer, by column.

        "not above 0" is a share of the values and "dead units" are the channels that are never
        above 0 in any sample, both of rectifiers only; "saturated" is the share of a tanh's values
        beyond 0.99.
        """
        for name, sums in self.sums.items():
            n, total, squares, low, high = sums.sum(dim=1).tolist()
            point, mean = self.layers[name], total / n
            rectifier = is_rectifier(point)
            tanh = isinstance(point.part, nn.Tanh) or point.function == "tanh"
            yield {
                "network": network,
                "layer": name,
                "output": " x ".join(map(str, self.shapes[name])) or "1",
                "mean": mean,
                "std": max(squares / n - mean**2, 0.0) ** 0.5,
                "not above 0": low / n if rectifier else None,
                "dead units": int((self.highest[name] <= 0).sum()) if rectifier else None,
                "units": len(self.highest[name]),
                "saturated": high / n if tanh else None,
            }


def is_rectifier(point: Point) -> bool:
    """Whether a layer or a function is a (leaky) ReLU, whose units can be dead."""
    return isinstance(point.part, _LAYERS) or point.function in RECTIFIERS


def leaves(module: nn.Module) -> dict[str, Point]:
    """Return the leaf layers that do something, and named functions, in the order of a pass."""
    points = points_of(module)
    return {n: one for n, one in points.items() if not isinstance(one.part, nn.Identity)}


def outputs_of(
    subject: Subject, network: str, names: Sequence[str], x: Tensor
) -> dict[str, Tensor]:
    """Run latents or images through a network: name -> output, float32 on the CPU."""
    forward = subject.generate if network == "generator" else subject.discriminate
    with capture(getattr(subject, network), names) as outputs:
        forward(x, batch_size=max(len(x), 1))
    # A subject fills small batches up: what comes after the given samples is not about them.
    return {name: output[: len(x)].float().cpu() for name, output in outputs.items()}


def outputs_over(
    subject: Subject, network: str, names: Sequence[str], source: ImageSource, rows: Rows
) -> dict[str, Tensor]:
    """Return what layers put out for some images: name -> (n, ...) float32 on the CPU.

    A discriminator looks at the images. Of a generator it is what its layers put out while it draws
    them, so that the outputs are those behind these images, whatever its condition.

    Raises:
        GanlensError: a generator's layers, and images that it does not draw.
    """
    if network != "generator":
        return outputs_of(subject, network, names, source.tensors(rows))
    if not isinstance(source, Samples) or source.subject is not subject:
        raise GanlensError(
            f"{source.name} are not drawn by the generator of {subject.name}: look at its own"
            " samples"
        )
    with capture(subject.network(network), names) as outputs:
        count = len(source.tensors(rows))
    return {name: output[:count].float().cpu() for name, output in outputs.items()}


def as_maps(output: Tensor) -> Tensor:
    """Return (N, C, h, w), whatever a layer puts out: vectors become maps of one cell."""
    return output if output.ndim == 4 else output.reshape(len(output), -1, 1, 1)


def neighbour_correlation(patches: Tensor) -> float | None:
    """Correlate each value of (..., h, w) patches with its right and lower neighbours.

    About 0 for noise, up to 1 for what is smooth, below 0 for checkerboards. NaN does not count.

    Returns:
        None without neighbours, or where they do not vary.
    """
    beside = torch.stack([patches[..., :-1].flatten(), patches[..., 1:].flatten()])
    below = torch.stack([patches[..., :-1, :].flatten(), patches[..., 1:, :].flatten()])
    pairs = torch.cat([beside, below], dim=1).double()
    pairs = pairs[:, ~pairs.isnan().any(0)]
    if pairs.shape[1] < 2 or (pairs.std(dim=1) == 0).any():
        return None
    return float(torch.corrcoef(pairs)[0, 1])
