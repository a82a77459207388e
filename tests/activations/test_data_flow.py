"""What is said of a layer follows the data: each against the same computed by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from user_networks import (
    DISCRIMINATORS,
    GENERATORS,
    Functional,
    LateNorm,
    Pyramid,
    Residual,
    SharedActivation,
    SharedInSequential,
    Twice,
    Unordered,
    drawn,
)

from ganlens import Subject
from ganlens.activations import (
    capture,
    edit,
    guided_copy,
    layer_names,
    plain_activations,
    position_gradients,
    projective_windows,
    receptive_field,
    receptive_windows,
    run_to,
    trace,
)
from ganlens.directions.sefa import first_layer
from ganlens.errors import GanlensError

SIDE = 16


def pictures(count: int = 3) -> Tensor:
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


class Rule(torch.autograd.Function):
    """Guided backpropagation, written down once more."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        return torch.where(x > 0, x, slope * x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return torch.where((x > 0) & (gradient > 0), gradient, 0.0), None


def by_hand(n: nn.Module, x: Tensor, rectify=lambda x, s: F.leaky_relu(x, s)) -> dict[str, Tensor]:
    """Every named output of each network, computed without hooks."""
    o: dict[str, Tensor] = {}
    match n:
        case SharedActivation():
            o["a"] = n.a(x)
            o["act"] = rectify(o["a"], 0.2)
            o["b"] = n.b(o["act"])
            o["act@2"] = rectify(o["b"], 0.2)
            o["f"] = n.f(o["act@2"].flatten(1))
        case SharedInSequential():
            o["main.0"] = n.main[0](x)
            o["main.1"] = rectify(o["main.0"], 0.0)
            o["main.2"] = n.main[2](o["main.1"])
            o["main.1@2"] = rectify(o["main.2"], 0.0)
            o["main.4"] = n.main[4](o["main.1@2"])
        case Functional():
            o["a"] = n.a(x)
            o["F.leaky_relu"] = rectify(o["a"], 0.1)
            o["b"] = n.b(o["F.leaky_relu"])
            o["F.relu"] = rectify(o["b"], 0.0)
            o["c"] = n.c(o["F.relu"])
            o["d"] = n.d(rectify(o["c"], 0.0))
        case Unordered():
            o["a"] = n.a(x)
            o["F.relu"] = rectify(o["a"], 0.0)
            o["b"] = n.b(o["F.relu"])
            o["act"] = rectify(o["b"], 0.0)
            o["f"] = n.f(o["act"])
        case Twice():
            o["ends.1"] = n.ends[1](x)
            o["F.relu"] = rectify(o["ends.1"], 0.0)
            o["parts.same"] = n.parts["same"](o["F.relu"])
            o["F.relu@2"] = rectify(o["parts.same"], 0.0)
            o["parts.same@2"] = n.parts["same"](o["F.relu@2"])
            o["F.relu@3"] = rectify(o["parts.same@2"], 0.0)
            o["ends.0"] = n.ends[0](o["F.relu@3"])
        case Residual():
            o["a"] = n.a(x)
            o["F.relu"] = rectify(o["a"], 0.0)
            o["b"] = n.b(o["F.relu"])
            joined = torch.cat([o["b"] + o["F.relu"], o["F.relu"]], 1)
            o["c"] = n.c(joined)
            o["norm"] = n.norm(o["c"])
            o["F.leaky_relu"] = rectify(o["norm"], 0.2)
            o["f"] = n.f(o["F.leaky_relu"])
        case Pyramid():
            o["a"] = n.a(x)
            o["F.relu"] = rectify(o["a"], 0.0)
            o["b"] = n.b(F.max_pool2d(o["F.relu"], 2))
            o["F.relu@2"] = rectify(o["b"], 0.0)
            o["up"] = n.up(o["F.relu@2"])
            o["c"] = n.c(torch.cat([o["up"], o["F.relu"]], 1))
            o["F.interpolate"] = F.interpolate(o["c"], scale_factor=0.5, mode="bilinear")
            o["f"] = n.f(o["F.interpolate"])
    return o


def network_of(name: str) -> nn.Module:
    network = drawn(DISCRIMINATORS[name]())
    network.image_shape = (3, SIDE, SIDE)
    return network


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_every_named_output_is_the_one_computed_by_hand(name: str) -> None:
    network, x = network_of(name), pictures()
    expected = by_hand(network, x)
    assert layer_names(network) == list(expected)
    with torch.no_grad(), capture(network, list(expected)) as found:
        network(x)
    for layer, output in expected.items():
        torch.testing.assert_close(found[layer], output, msg=layer)
        torch.testing.assert_close(run_to(network, layer, x), output, msg=layer)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_an_edit_changes_that_call_alone_and_what_comes_after_it(name: str) -> None:
    network, x = network_of(name), pictures()
    for layer in layer_names(network):
        with torch.no_grad(), edit(network, layer, torch.zeros_like), capture(network, layer) as at:
            network(x)
        assert not at[layer].any(), layer
    with torch.no_grad(), capture(network, layer_names(network)) as again:
        network(x)
    for layer, output in by_hand(network, x).items():
        torch.testing.assert_close(again[layer], output, msg=layer)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_guided_gradients_are_those_by_hand(name: str) -> None:
    network, x = network_of(name), pictures()
    guided = guided_copy(network)
    assert plain_activations(network) == []
    for layer in layer_names(network):
        given, same = x.clone().requires_grad_(), x.clone().requires_grad_()
        (found,) = torch.autograd.grad(run_to(guided, layer, given.clone()).sum(), given)
        output = by_hand(network, same, Rule.apply)[layer]
        (expected,) = torch.autograd.grad(output.sum(), same)
        torch.testing.assert_close(found, expected, msg=layer)
    (plain,) = torch.autograd.grad(by_hand(network, same)[layer].sum(), same)
    assert not torch.allclose(found, plain, atol=float(plain.abs().max()) / 100)


def positive(network: nn.Module) -> nn.Module:
    """Make every weight positive: nothing cancels and no rectifier is off."""
    stream = torch.Generator().manual_seed(2)
    for value in network.parameters():
        value.data = torch.rand(value.shape, generator=stream) / value.numel() + 1e-3
    return network.double().eval()


def span(support: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first and stop row, first and stop column of what is not 0."""
    rows, columns = support.any(1).nonzero().flatten(), support.any(0).nonzero().flatten()
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_receptive_fields_are_the_support_of_real_gradients(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = positive(DISCRIMINATORS[name]())
    x = torch.ones(1, 3, SIDE, SIDE, dtype=torch.double)
    for layer in layer_names(network):
        windows = receptive_windows(network, layer, x)
        with monkeypatch.context() as patched:
            patched.setattr(F, "max_pool2d", F.avg_pool2d)  # of a maximum one position has it all
            given = x.clone().requires_grad_()
            maps = windows.maps(run_to(network, layer, given.clone()))
            last = maps.shape[2] - 1
            for i, j in {(0, 0), (last, last), (last // 2, 0), (last // 3, last)}:
                (found,) = torch.autograd.grad(maps[0, 0, i, j], given, retain_graph=True)
                expected = tuple(
                    (max(windows.first[k], 0), min(windows.stop[k], SIDE)) for k in (i, j)
                )
                assert span(found[0].sum(0) != 0) == expected, (layer, i, j)


@pytest.mark.parametrize("name", GENERATORS)
def test_projective_fields_are_the_support_of_real_derivatives(name: str) -> None:
    network, z = positive(GENERATORS[name]()), torch.ones(1, 6, dtype=torch.double)
    for layer in layer_names(network):
        windows = projective_windows(network, layer, z)
        last = windows.shape[1] - 1
        for i, j in {(0, 0), (last, last), (last // 2, 0)}:

            def moved(output: Tensor, i: int = i, j: int = j, windows=windows) -> Tensor:
                step = torch.zeros(1, *windows.shape, dtype=torch.double)
                step[0, :, i, j] = 1e-4
                return output + step.reshape(output.shape)

            with torch.no_grad(), edit(network, layer, moved):
                one = network(z)
            with torch.no_grad():
                two = network(z)
            one, two = (y[0] if isinstance(y, tuple) else y for y in (one, two))
            side = windows.side
            expected = tuple((max(windows.first[k], 0), min(windows.stop[k], side)) for k in (i, j))
            assert span((one - two)[0].abs().sum(0) > 0) == expected, (layer, i, j)


@pytest.mark.parametrize("name", GENERATORS)
def test_sefa_factorises_the_layer_that_reads_the_latent(name: str) -> None:
    """Its matrix is the Jacobian of what the named layer puts out."""
    subject = Subject.from_modules(drawn(GENERATORS[name]()), latent_dim=6)
    generator = subject.generator
    found = first_layer(generator)
    wanted = {"ReshapedNorm": "norm", "FlatNorm": "norm", "LateNorm": "fc"}[name]
    assert (found.layer, found.before) == (f"network.{wanted}", ())
    z = torch.cat([torch.zeros(1, 6), torch.eye(6)])
    outputs = run_to(generator, found.layer, z).flatten(1)
    jacobian = (outputs[1:] - outputs[:1]).T.double().numpy()
    assert abs(jacobian - found.weight).max() < 1e-5


@pytest.mark.parametrize(
    "name", ["SharedActivation", "SharedInSequential", "Functional", "Residual"]
)
def test_features_of_a_wrapped_network_are_all_its_activations(name: str) -> None:
    network, x = network_of(name), pictures().clamp(-1, 1)
    subject = Subject.from_modules(None, network, image_shape=(3, SIDE, SIDE))
    outputs = by_hand(network, x)
    active = [k for k, v in outputs.items() if v.ndim == 4 and ("act" in k or "relu" in k)]
    if name == "SharedInSequential":
        active = ["main.1", "main.1@2"]
    expected = torch.cat([F.adaptive_max_pool2d(outputs[k], 4).flatten(1) for k in active], 1)
    assert len(subject.discriminator.feature_layers) == len(active)
    torch.testing.assert_close(subject.features(x), expected, atol=1e-5, rtol=1e-5)


def test_places_of_one_object_keep_their_names_when_wrapped() -> None:
    subject = Subject.from_modules(None, network_of("SharedInSequential"), image_shape=(3, 16, 16))
    assert subject.discriminator.feature_layers == ("network.main.1", "network.main.3")


def test_a_place_that_is_another_name_of_one_object_is_said() -> None:
    with pytest.raises(GanlensError, match=r"'main\.3' is the same object as 'main\.1'.*main\.1@2"):
        run_to(network_of("SharedInSequential"), "main.3", pictures())


@pytest.mark.parametrize("layer", ["act@3", "F.gelu", "F.leaky_relu@2"])
def test_a_call_that_never_comes_is_said(layer: str) -> None:
    network, x = network_of("SharedActivation"), pictures()
    with pytest.raises(GanlensError, match="never reached"):
        run_to(network, layer, x)
    with capture(network, layer) as found:
        network(x)
    with pytest.raises(GanlensError, match="never reached"):
        _ = found[layer]


def test_activations_that_keep_their_plain_gradient_are_named() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ELU(), nn.PReLU(), nn.Conv2d(4, 1, 3), nn.ReLU())
    assert plain_activations(network) == ["1 (ELU)"]


class Detour(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(x.numpy() * 2)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class Unseen(nn.Module):
    """Goes through a function of its own that nothing can see into."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(Detour.apply(self.a(x)))


def test_what_cannot_be_seen_is_said_and_not_guessed() -> None:
    network, x = Unseen(), pictures(1)
    assert receptive_windows(network, "a", x).size == 3
    with pytest.raises(GanlensError, match=r"receptive field through .* is not known"):
        receptive_windows(network, "b", x)


def test_a_trace_changes_nothing() -> None:
    network = network_of("Residual").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    trace(network)
    assert network.training
    assert network.norm.training
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[n], v) for n, v in network.state_dict().items())
    assert not any(p._forward_hooks or p._forward_pre_hooks for p in network.modules())


def test_a_sigmoid_at_the_end_is_left_out_whether_layer_or_function() -> None:
    class Ends(nn.Module):
        def __init__(self, how: str) -> None:
            super().__init__()
            self.sig, self.conv, self.how = nn.Sigmoid(), nn.Conv2d(3, 1, SIDE), how

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            y = {"layer": self.sig, "torch": torch.sigmoid, "method": Tensor.sigmoid}[self.how](y)
            return y.view(-1)

    x = pictures().clamp(-1, 1)
    for how in ("layer", "torch", "method"):
        network = drawn(Ends(how))
        subject = Subject.from_modules(None, network, image_shape=(3, SIDE, SIDE))
        expected = network.conv(x).flatten()
        torch.testing.assert_close(subject.discriminate(x), expected, atol=1e-5, rtol=1e-5)


def test_late_norm_is_no_part_of_the_linear_map() -> None:
    assert first_layer(drawn(LateNorm())).layer == "fc"


class Viewing(nn.Module):
    """Takes the order of its numbers for granted, as most discriminators do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.f = nn.Conv2d(3, 4, 4, 2, 1), nn.Linear(4 * 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = torch.relu(self.conv(x))
        return self.f(maps.view(maps.shape[0], -1))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_a_forward_method_may_view_its_maps(order: torch.memory_format) -> None:
    network, x = drawn(Viewing()), pictures().clamp(-1, 1)
    subject = Subject.from_modules(None, network, image_shape=(3, SIDE, SIDE))
    found = subject.discriminate(x.contiguous(memory_format=order))
    torch.testing.assert_close(found, network(x).flatten(), atol=1e-5, rtol=1e-5)
    maps = torch.relu(network.conv(x)).flatten(1)
    torch.testing.assert_close(subject.features(x, pool=None), maps, atol=1e-5, rtol=1e-5)


def test_a_vector_made_of_maps_keeps_their_windows_and_gradients() -> None:
    network, x = nn.Sequential(nn.Conv2d(3, 2, 4, 4), nn.ReLU(), nn.Flatten()), pictures(1)
    windows = receptive_windows(network, "2", x)
    assert (windows.shape, windows.first) == ((2, 4, 4), (0, 4, 8, 12))
    one, three = torch.tensor([1]), torch.tensor([3])
    with torch.no_grad():
        network[0].bias.fill_(9)  # no unit is off
    found = position_gradients(network, "2", x, one, three, one, windows.shape)
    expected = torch.zeros(1, 3, SIDE, SIDE)
    expected[..., 12:16, 4:8] = network[0].weight[1].detach()
    torch.testing.assert_close(found, expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_the_older_weight_norm_computed_is_copied() -> None:
    network = nn.Sequential(nn.utils.weight_norm(nn.Conv2d(3, 2, 4)), nn.ReLU(), nn.Conv2d(2, 1, 3))
    x = pictures().clamp(-1, 1)
    expected = network(x).flatten(1).mean(1)  # leaves a weight with a history behind
    subject = Subject.from_modules(None, network, image_shape=(3, SIDE, SIDE))
    torch.testing.assert_close(subject.discriminate(x), expected, atol=1e-5, rtol=1e-5)
    assert layer_names(subject.discriminator) == ["network.0", "network.1", "network.2"]
    guided_copy(network)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_compiled_part_is_said_and_the_rest_is_known() -> None:
    inner = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU()).requires_grad_(False)
    network = nn.Sequential(nn.Conv2d(3, 3, 3), torch.jit.script(inner), nn.Conv2d(3, 1, 3))
    x = pictures(1)
    assert receptive_windows(network, "0", x).size == 3
    with pytest.raises(GanlensError, match="is not known"):
        receptive_windows(network, "2", x)
    with pytest.raises(GanlensError, match=r"'1' is compiled \(TorchScript\)"):
        run_to(network, "1", x)


def test_spectral_norm_of_either_kind_is_no_layer_of_its_own() -> None:
    new = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 2, 3))
    network = nn.Sequential(new, nn.ReLU(), nn.Conv2d(2, 1, 3)).eval()
    assert layer_names(network) == ["0", "1", "2"]
    x = pictures(1)
    torch.testing.assert_close(run_to(network, "0", x), network[0](x))
    assert receptive_windows(network, "2", x).size == 5


class Gate(nn.Module):
    """Squeeze and excitation: every position depends on all."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.f = nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.f(self.pool(x)))


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        ([nn.Conv2d(3, 3, 3), Gate(), nn.Conv2d(3, 1, 3)], {"0": 3, "1.f": None, "2": None}),
        ([nn.Conv2d(3, 3, 3), nn.InstanceNorm2d(3)], {"0": 3, "1": None}),
        ([nn.PixelUnshuffle(2), nn.Conv2d(12, 1, 3)], {"0": 2, "1": 6}),
        ([nn.ReflectionPad2d(1), nn.Conv2d(3, 1, 3)], {"1": 3}),
        ([nn.Conv2d(3, 3, 3, 1, "same", dilation=2), nn.AvgPool2d(2)], {"0": 5, "1": 6}),
        ([nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3, track_running_stats=False)], {"1": None}),
    ],
)
def test_sizes_of_fields(parts: list[nn.Module], sizes: dict[str, int | None]) -> None:
    network, x = nn.Sequential(*parts), pictures(1)
    for layer, size in sizes.items():
        assert receptive_field(network, layer, x).size == size, layer
