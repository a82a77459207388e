"""Fields computed by the formula are the support of real gradients, in every layer."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from ganlens.activations import (
    Windows,
    edit,
    layer_names,
    projective_windows,
    receptive_field,
    receptive_windows,
    run_to,
)
from ganlens.errors import GanlensError
from ganlens.models.dcgan import DCGANDiscriminator, DCGANGenerator, preset

SIZES = (28, 32, 33, 64)
CONFIGS = {
    f"{name}-{size}-{upsample}": preset(name, size=size, width=2, latent_dim=3, upsample=upsample)
    for name in ("paper", "torch")
    for size in SIZES
    for upsample in ("transposed", "resize")
}


def positive(network: nn.Module) -> nn.Module:
    """Make every weight positive: nothing cancels, no ReLU dies, and tanh stays below 1."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.constant_(part.weight, 1 / part.weight.numel())
    return network.double().eval()


@cache
def discriminator(name: str) -> nn.Module:
    return positive(DCGANDiscriminator(CONFIGS[name]))


@cache
def generator(name: str) -> nn.Module:
    return positive(DCGANGenerator(CONFIGS[name]))


def supports(maps: Tensor) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return ((first, stop) row, (first, stop) column) of what is not 0, which has no holes."""
    found = []
    for one in maps.abs().sum(1):
        sides = []
        for axis in (1, 0):
            hit = (one > 0).any(axis).nonzero().flatten().tolist()
            assert hit == list(range(hit[0], hit[-1] + 1))
            sides.append((hit[0], hit[-1] + 1))
        assert int((one > 0).sum()) == (sides[0][1] - sides[0][0]) * (sides[1][1] - sides[1][0])
        found.append((sides[0], sides[1]))
    return found


def places(windows: Windows) -> list[tuple[int, int]]:
    """Positions on the diagonal, at the borders and inside, and two corners beside it."""
    last = windows.shape[1] - 1
    inside = range(2, last - 1, 1 if last < 17 else 5)
    return [*((i, i) for i in sorted({0, min(1, last), *inside, max(0, last - 1), last})),
            (0, last), (last, 0)]  # fmt: skip


def inside(windows: Windows, row: int) -> tuple[int, int]:
    """Return first row and row after the last one, of what lies inside the picture."""
    return max(windows.first[row], 0), min(windows.stop[row], windows.side)


@pytest.mark.parametrize("name", [name for name in CONFIGS if "transposed" in name])
def test_what_a_position_sees_is_the_support_of_its_gradient(name: str) -> None:
    network, size = discriminator(name), CONFIGS[name].size
    for layer in [*layer_names(network), "block1", "block2"]:
        windows = receptive_windows(network, layer, torch.ones(1, 3, size, size).double())
        x = torch.ones(len(places(windows)), 3, size, size, dtype=torch.double, requires_grad=True)
        maps = windows.maps(run_to(network, layer, x))
        sum(maps[n, 0, i, j] for n, (i, j) in enumerate(places(windows))).backward()
        expected = [(inside(windows, i), inside(windows, j)) for i, j in places(windows)]
        assert x.grad is not None
        assert supports(x.grad) == expected, layer
        assert len(windows.first) == maps.shape[2] == maps.shape[3]


@pytest.mark.parametrize("name", CONFIGS)
def test_what_a_position_draws_on_is_the_support_of_its_derivative(name: str) -> None:
    network = generator(name)
    for layer in [*layer_names(network), "project", "block1"]:
        windows = projective_windows(network, layer, torch.ones(1, 3).double())
        direction = torch.zeros(len(places(windows)), *windows.shape, dtype=torch.double)
        for n, (i, j) in enumerate(places(windows)):
            direction[n, 0, i, j] = 1
        expected = [(inside(windows, i), inside(windows, j)) for i, j in places(windows)]
        assert supports(derivative(network, layer, direction)) == expected, layer


def derivative(network: nn.Module, layer: str, direction: Tensor) -> Tensor:
    """Return how the pictures change when a layer's maps move in a direction.

    The derivative, with respect to v, of the gradient that v gives: backward passes alone.
    """
    change = torch.zeros_like(direction, requires_grad=True)
    with edit(network, layer, lambda output: output + change.reshape(output.shape)):
        picture = network(torch.ones(len(direction), 3, dtype=torch.double))
    v = torch.zeros_like(picture, requires_grad=True)
    (gradient,) = torch.autograd.grad(picture, change, v, create_graph=True)
    return torch.autograd.grad(gradient, v, direction)[0]


def test_the_sizes_are_those_of_the_methods() -> None:
    """r += (k - 1) j: 4, 10, 22, 46 with 4x4 kernels, 5, 13, 29, 61 with 5x5."""
    for name, expected in (("torch", [4, 10, 22, 46]), ("paper", [5, 13, 29, 61])):
        network = discriminator(f"{name}-64-transposed")
        sizes = [receptive_field(network, f"block{i}.conv").size for i in range(1, 5)]
        assert sizes == expected


def test_a_resizing_generator_draws_windows_of_its_own() -> None:
    """7 rows onto 16: two or three each, never overlapping before the convolution."""
    network = nn.Sequential(nn.Identity(), nn.Upsample(size=(16, 16)))
    windows = projective_windows(network, "0", torch.zeros(1, 1, 7, 7))
    assert windows.first == (0, 3, 5, 7, 10, 12, 14)
    assert windows.stop == (*windows.first[1:], 16)
    assert windows.size == 3


def test_a_vector_folded_into_maps_is_seen_as_maps() -> None:
    windows = projective_windows(
        generator("paper-64-transposed"), "project.fc", torch.ones(1, 3).double()
    )
    assert windows.shape == (16, 4, 4)


def test_a_vector_before_a_matrix_draws_everywhere() -> None:
    network = nn.Sequential(
        nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 16), nn.Unflatten(1, (4, 2, 2)),
        nn.ConvTranspose2d(4, 3, 4, 2, 1),
    )  # fmt: skip
    windows = projective_windows(network, "1", torch.zeros(1, 3))
    assert (windows.shape, inside(windows, 0)) == ((8, 1, 1), (0, 4))


class Rolled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.roll(1, 2)


def test_what_is_not_known_is_an_error_that_says_so() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3, 2, 1), Rolled())
    x = torch.zeros(1, 3, 8, 8)
    with pytest.raises(GanlensError, match=r"through '1' \(Rolled\) is not known"):
        projective_windows(network, "0", x)
    with pytest.raises(GanlensError, match=r"'1' \(Rolled\) is not known"):
        receptive_windows(network, "1", x)
    with pytest.raises(GanlensError, match=r"layer '9' is not known: choose from 0, 1"):
        projective_windows(network, "9", x)
