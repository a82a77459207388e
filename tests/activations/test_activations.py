"""Hooks that see, change and stop, that never stay behind, and that keep threads apart."""

import threading

import pytest
import torch
from torch import nn

from ganlens.activations import (
    capture,
    edit,
    find_layer,
    layer_names,
    receptive_field,
    run_to,
)
from ganlens.errors import GanlensError


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def net() -> nn.Sequential:
    """Named like a DCGAN discriminator: two blocks and a score."""
    network = nn.Sequential()
    for index, (inside, out) in enumerate([(3, 4), (4, 5)], start=1):
        block = nn.Sequential()
        block.add_module("conv", nn.Conv2d(inside, out, 4, 2, 1))
        block.add_module("act", nn.LeakyReLU(0.2, inplace=True))
        network.add_module(f"block{index}", block)
    network.add_module("flat", nn.Flatten())
    network.add_module("score", nn.Linear(5 * 16, 1))
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        nn.init.normal_(weight, 0, 0.2, generator)
    return network.eval()


@pytest.fixture
def network() -> nn.Sequential:
    return net()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_layer_names_are_leaves_in_order(network):
    expected = ["block1.conv", "block1.act", "block2.conv", "block2.act", "flat", "score"]
    assert layer_names(network) == expected


def test_capture_gives_each_layers_own_output_even_before_an_inplace_activation(network, x):
    with capture(network, ["block1.conv", "block1.act", "block2"]) as outputs:
        assert outputs == {}
        network(x)
    before = network.block1.conv(x)
    torch.testing.assert_close(outputs["block1.conv"], before)
    assert (outputs["block1.conv"] < 0).any()
    torch.testing.assert_close(outputs["block1.act"], nn.functional.leaky_relu(before, 0.2))
    assert outputs["block2"].shape == (2, 5, 4, 4)
    assert not outputs["block2"].requires_grad


def test_capture_takes_one_name_and_keeps_the_latest_pass(network, x):
    with capture(network, "score") as outputs:
        network(x)
        last = network(-x)
    torch.testing.assert_close(outputs["score"], last)


def test_edit_changes_what_follows_and_only_inside_the_block(network, x):
    plain = network(x)
    with edit(network, "block2.act", torch.zeros_like):
        edited = network(x)
    torch.testing.assert_close(edited, network.score.bias.expand(2, 1))
    assert torch.equal(network(x), plain)


def test_edits_apply_in_the_order_in_which_they_are_opened(network, x):
    with edit(network, "score", lambda y: y + 1), edit(network, "score", lambda y: y * 2):
        edited = network(x)
    torch.testing.assert_close(edited, (network(x) + 1) * 2)


def test_edit_lets_gradients_through(network, x):
    x.requires_grad_()
    with edit(network, "block1.conv", lambda y: 3 * y):
        network(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_an_edit_of_another_shape_is_refused(network, x):
    with (
        pytest.raises(GanlensError, match=r"block1\.conv.*return the shape"),
        edit(network, "block1.conv", lambda y: y[:, :1]),
    ):
        network(x)
    assert hooks(network) == 0


def test_run_to_stops_there_and_keeps_gradients(network, x):
    def never(*_: object) -> None:
        raise AssertionError("a layer after the stop has run")

    handle = network.block2.conv.register_forward_hook(never)
    x.requires_grad_()
    reached = run_to(network, "block1.act", x)
    handle.remove()
    torch.testing.assert_close(reached, network.block1(x))
    reached.sum().backward()
    assert x.grad is not None
    assert hooks(network) == 0


def test_run_to_a_layer_that_is_never_reached(network, x):
    network.add_module("spare", nn.Identity())
    network.forward = lambda x: network.block1(x)
    with pytest.raises(GanlensError, match="'score' is never reached"):
        run_to(network, "score", x)


@pytest.mark.parametrize("bad", ["block2.cnv", "", "nonsense"])
def test_unknown_layers_are_named_with_the_valid_ones_nearest_first(network, x, bad):
    for use in (
        lambda: capture(network, ["block1.conv", bad]).__enter__(),
        lambda: edit(network, bad, torch.zeros_like).__enter__(),
        lambda: run_to(network, bad, x),
        lambda: receptive_field(network, bad),
    ):
        with pytest.raises(GanlensError, match=r"choose from .*score") as caught:
            use()
        assert "\n" not in str(caught.value)
        assert hooks(network) == 0
    if bad == "block2.cnv":
        assert "choose from block2.conv, " in str(caught.value)


def test_hooks_are_gone_after_success_and_after_failure(network, x):
    with capture(network, layer_names(network)), edit(network, "score", torch.zeros_like):
        assert hooks(network) == len(layer_names(network)) + 1
    assert hooks(network) == 0
    with (
        pytest.raises(RuntimeError),
        capture(network, layer_names(network)),
        edit(network, "block1.conv", torch.zeros_like),
    ):
        network(x[:, :2])
    assert hooks(network) == 0


def test_two_threads_on_one_module_never_mix(network):
    """Each thread sees its own passes only, and its edit touches nobody else."""
    rounds, failures = 60, []
    start = threading.Barrier(2)

    def work(value: float, scale: float) -> None:
        x = torch.full((1, 3, 16, 16), value)
        with torch.no_grad():
            expected = net().block1.conv(x) * scale
            start.wait()
            for _ in range(rounds):
                with (
                    edit(network, "block1.conv", lambda y: y * scale),
                    capture(network, "block1.conv") as outputs,
                ):
                    network(x)
                if not torch.allclose(outputs["block1.conv"], expected, atol=1e-6):
                    failures.append(value)

    threads = [threading.Thread(target=work, args=pair) for pair in [(0.5, 2.0), (-1.0, 5.0)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert hooks(network) == 0


def test_a_capture_ignores_passes_of_other_threads(network, x):
    with capture(network, "score") as outputs:
        other = threading.Thread(target=network, args=(x,))
        other.start()
        other.join()
        assert outputs == {}


def test_receptive_fields_of_the_dcgan_discriminator():
    """METHODS.md, section 3: 4x4 stride 2 gives 4, 10, 22, 46, then 94."""
    chain = nn.Sequential(*[nn.Conv2d(1, 1, 4, 2, 1) for _ in range(5)])
    assert [receptive_field(chain, str(i)).size for i in range(5)] == [4, 10, 22, 46, 94]
    assert [receptive_field(chain, str(i)).stride for i in range(5)] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 1, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(1, 1, 4, 2, 1)],
        [nn.Conv2d(1, 1, 5, 2, 2), nn.BatchNorm2d(1), nn.ReLU(), nn.Conv2d(1, 1, 5, 2, 2)],
        [nn.Conv2d(1, 1, 3, 1, 1), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3, 1, 0, dilation=2)],
    ],
)
def test_receptive_field_equals_the_support_of_the_gradient(layers):
    chain = nn.Sequential(*layers).eval()
    for part in chain.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.constant_(part.weight, 1.0)  # nothing cancels, no ReLU dies
    x = torch.ones(1, 1, 40, 40, requires_grad=True)
    y = chain(x)
    field, row = receptive_field(chain, str(len(layers) - 1)), y.shape[2] // 2
    y[0, 0, row, row].backward()
    support = x.grad[0, 0].nonzero()[:, 0]
    first = field.start + row * field.stride
    assert (support.min(), support.max()) == (first, first + field.size - 1)


def test_receptive_field_of_groups_linear_layers_and_the_unknown(network):
    assert receptive_field(network, "block1") == receptive_field(network, "block1.act")
    assert receptive_field(network, "block2.conv").size == 10
    assert receptive_field(network, "score").size is None
    with pytest.raises(GanlensError, match=r"through layer '0' \(Unfold\) is not known"):
        receptive_field(
            nn.Sequential(nn.Unfold(2), nn.Conv1d(12, 1, 1)), "0", torch.ones(1, 3, 4, 4)
        )
    with pytest.raises(GanlensError, match="not square"):
        receptive_field(nn.Sequential(nn.Conv2d(1, 1, (3, 5))), "0")


def test_find_layer_returns_groups_too(network):
    assert find_layer(network, "block1") is network.block1
