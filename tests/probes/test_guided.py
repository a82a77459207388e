"""Guided backpropagation: the rule on networks worked out by hand, and what it leaves alone."""

import pytest
import torch
from fake_subject import fake_subject, hooks
from torch import nn

from ganlens.activations import capture, guided_copy, position_gradients
from ganlens.errors import GanlensError


def by_hand(activation: nn.Module) -> nn.Sequential:
    """Two inputs, two hidden rectified values, two more, one sum.

    Hidden: (x0 - x1, 2 x1); then (h0 - 3 h1, h0 + h1).
    """
    network = nn.Sequential(
        nn.Conv2d(2, 2, 1, bias=False), activation,
        nn.Conv2d(2, 2, 1, bias=False), type(activation)(),
        nn.Conv2d(2, 1, 1, bias=False),
    )  # fmt: skip
    weights = ([[1, -1], [0, 2]], [[1, -3], [1, 1]], [[1, 1]])
    for layer, weight in zip(network[::2], weights, strict=True):
        layer.weight = nn.Parameter(torch.tensor(weight).float()[:, :, None, None])
    return network.eval().requires_grad_(False)


def gradient(network: nn.Module, x: list[float], layer: str = "4") -> list[float]:
    images = torch.tensor(x)[None, :, None, None]
    place = torch.zeros(1, dtype=torch.int64)
    return position_gradients(network, layer, images, place, place, place).flatten().tolist()


@pytest.mark.parametrize(("activation", "slope"), [(nn.ReLU(), 0.0), (nn.LeakyReLU(0.2), 0.2)])
def test_the_rule_holds_on_networks_computed_by_hand(activation, slope):
    network = by_hand(activation)
    if slope:
        network[3].negative_slope = slope
    guided = guided_copy(network)
    # x = (3, 1): hidden (2, 2), then (-4, 4): the first is off. Backwards 1 to both; guided keeps
    # the second alone: (1, 1) to hidden, both on: x gets (1, -1 + 2).
    assert gradient(guided, [3.0, 1.0]) == [1, 1]
    # Plain: the first passes its slope: hidden gets (1 + s, 1 - 3 s).
    plain = [1 + slope, -(1 + slope) + 2 * (1 - 3 * slope)]
    assert gradient(network, [3.0, 1.0]) == pytest.approx(plain)
    # x = (3, .2): hidden (2.8, .4), then (1.6, 3.2), all on. Hidden gets (2, -2) in either, but
    # guided drops the negative one: x gets (2, -2), plain (2, -2 - 4).
    assert gradient(guided, [3.0, 0.2]) == pytest.approx([2, -2])
    assert gradient(network, [3.0, 0.2]) == pytest.approx([2, -6])
    # x = (1, 2): hidden (-1, 4): the first is off, with a positive gradient from above.
    assert gradient(guided, [1.0, 2.0], "2")[0] == 0
    assert gradient(network, [1.0, 2.0], "2")[0] == pytest.approx(slope)


def test_at_zero_nothing_passes():
    assert gradient(guided_copy(by_hand(nn.LeakyReLU())), [0.0, 0.0]) == [0, 0]


@pytest.fixture(scope="module")
def discriminator():
    return fake_subject().discriminator


def test_the_forward_pass_is_the_same_and_the_original_is_not_touched(discriminator):
    x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    before = discriminator(x)
    weights = {name: value.clone() for name, value in discriminator.state_dict().items()}
    copy = guided_copy(discriminator)
    assert torch.equal(copy(x), before)
    assert not any(isinstance(part, nn.LeakyReLU) for part in copy.modules())
    assert sum(isinstance(part, nn.LeakyReLU) for part in discriminator.modules()) == 2
    assert torch.equal(discriminator(x), before)
    assert all(torch.equal(weights[n], v) for n, v in discriminator.state_dict().items())


def test_hooks_of_another_session_are_not_copied(discriminator):
    with capture(discriminator, ["block1.act", "score"]):
        copy = guided_copy(discriminator)
    assert hooks(copy, discriminator) == 0


def test_guided_and_plain_gradients_of_a_dcgan_differ(discriminator):
    x = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    units, place = torch.arange(4) % 2, torch.full((4,), 2)
    asked = ("block2.act", x, units, place, place)
    plain = position_gradients(discriminator, *asked)
    guided = position_gradients(guided_copy(discriminator), *asked)
    assert plain.shape == guided.shape == x.shape
    assert not torch.allclose(plain, guided, atol=plain.abs().max().item() / 100)
    one = position_gradients(discriminator, "block2.act", x[2:3], units[2:3], place[:1], place[:1])
    torch.testing.assert_close(plain[2:3], one)
    assert hooks(discriminator) == 0


def test_inside_inference_mode_and_of_vectors(discriminator):
    """The places that a scan found were made in inference mode."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU())
    with torch.inference_mode():
        x, zero = torch.ones(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64)
        found = position_gradients(network, "1", x, zero + 2, zero, zero)
    torch.testing.assert_close(found.flatten(), network[1].weight[2].detach())


def test_a_network_without_rectifiers_is_refused():
    with pytest.raises(GanlensError, match="no ReLU or LeakyReLU layer"):
        guided_copy(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Tanh()))
