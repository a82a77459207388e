"""Numbered generators and discriminators of many kinds, against the modules that made them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganlens
from ganlens import images
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.foreign import open_foreign
from ganlens.foreign.recognition import Answers

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
NZ, WIDTHS = 12, (24, 16, 12)
Act = Callable[[], nn.Module]


def blocks(
    act: Act = nn.ReLU,
    geometry: tuple[tuple[int, ...], ...] = ((4, 2, 1), (4, 2, 1)),
    last: tuple[int, ...] = (4, 2, 1),
    bias: bool = False,
    norm: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
    extra: Act | None = None,
) -> list[list[nn.Module]]:
    """Return the layers of a generator, grouped by block; geometry is kernel, stride, padding."""
    found, in_ = [], NZ
    for width, one in zip(WIDTHS, ((4, 1, 0), *geometry), strict=True):
        layers: list[nn.Module] = [nn.ConvTranspose2d(in_, width, *one, bias=bias)]
        layers += [norm(width)] if norm else []
        layers += [extra()] if extra else []
        found.append([*layers, act()])
        in_ = width
    return [*found, [nn.ConvTranspose2d(in_, 3, *last, bias=bias)]]


def trained(layers: list[nn.Module], seed: int = 0) -> nn.Sequential:
    """Give layers weights, and batch norm the statistics that forward passes leave."""
    network = nn.Sequential(*layers)
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.named_parameters():
            noise = torch.randn(value.shape, generator=stream)
            value.copy_(noise * 0.15 if value.ndim > 1 else 0.3 * noise + name.endswith("weight"))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # type: ignore[assignment]  # a plain average
        for _ in range(12):
            network(torch.randn(64, NZ, 1, 1, generator=stream))
    return network.eval()


def flat(groups: list[list[nn.Module]]) -> list[nn.Module]:
    return [layer for group in groups for layer in group] + [nn.Tanh()]


def keep(path: Path, state: Any) -> Path:
    torch.save(state, path)  # noqa: TID251 (what others do)
    return path


def prefixed(network: nn.Module, prefix: str = "main") -> dict[str, torch.Tensor]:
    return {f"{prefix}.{key}": value for key, value in network.state_dict().items()}


@torch.no_grad()
def same(path: Path, network: nn.Module, answers: Answers | None = None) -> Any:
    """Compare what an import draws with what the network does; return the import."""
    subject = ganlens.load(path, "cpu", answers=answers)
    z = subject.latents(range(6))
    expected = network(z[:, :, None, None])
    drawn = subject.generate(z)
    assert drawn.shape == expected.shape
    assert expected.std() > 0.05
    assert (drawn - expected).abs().max() < 1e-4
    return open_foreign([path], answers or Answers())


TOLD = {
    "relu": {},
    "leaky 0.2": {"act": lambda: nn.LeakyReLU(0.2)},
    "leaky 0.1": {"act": lambda: nn.LeakyReLU(0.1)},
    "elu": {"act": nn.ELU},
    "selu": {"act": nn.SELU},
    "gelu": {"act": nn.GELU},
    "silu": {"act": nn.SiLU},
    "tanh": {"act": nn.Tanh},
    "biases": {"bias": True},
    "stride 1": {"geometry": ((4, 1, 0), (4, 2, 1))},
    "stride 1, later, leaky": {"geometry": ((4, 2, 1), (4, 1, 1)),
                               "act": lambda: nn.LeakyReLU(0.2)},
    "kernels of 3, then 2": {"geometry": ((3, 2, 1), (2, 2, 0))},
    "kernel of 5": {"geometry": ((5, 1, 2), (4, 2, 1))},
    "padding 0": {"geometry": ((4, 2, 0), (4, 2, 1))},
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_statistics_tell_how_a_generator_is_run(name: str, tmp_path: Path) -> None:
    network = trained(flat(blocks(**TOLD[name])))
    imported = same(keep(tmp_path / "g.pth", prefixed(network)), network)
    assert any(phrase.startswith("prior normal: statistics") for phrase in imported.inferred)
    assert any(phrase.startswith("stride/padding ") for phrase in imported.inferred)
    assert any("activation" in phrase and " apart)" in phrase for phrase in imported.inferred)
    assert not any("activation relu of the generator" in phrase for phrase in imported.assumed)


@pytest.mark.parametrize("batches", [25, 60])
def test_statistics_of_few_batches_tell_too(batches: int, tmp_path: Path) -> None:
    network = trained(flat(blocks(act=lambda: nn.LeakyReLU(0.2))))
    stream = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = 0.1  # with which the first values fade slowly
    with torch.no_grad():
        for _ in range(batches):
            network.train()(torch.randn(256, NZ, 1, 1, generator=stream))
    imported = same(keep(tmp_path / "g.pth", prefixed(network.eval())), network)
    assert any("activation leaky-relu 0.2" in phrase for phrase in imported.inferred)


def test_dropout_leaves_statistics_that_tell_the_prior_alone(tmp_path: Path) -> None:
    network = trained(flat(blocks(extra=lambda: nn.Dropout(0.3))))
    imported = same(keep(tmp_path / "g.pth", prefixed(network)), network)
    assert any(phrase.startswith("prior normal: statistics") for phrase in imported.inferred)
    assert any("dropout, which draws nothing" in phrase for phrase in imported.assumed)
    assert any("activation relu of the generator" in phrase for phrase in imported.assumed)


def test_a_uniform_prior_is_told(tmp_path: Path) -> None:
    network = trained(flat(blocks()))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    network.train()
    with torch.no_grad():
        for seed in range(8):
            stream = torch.Generator().manual_seed(seed)
            network(torch.rand(64, NZ, 1, 1, generator=stream) * 2 - 1)
    imported = same(keep(tmp_path / "g.pth", prefixed(network.eval())), network)
    assert imported.checkpoint.header.prior["kind"] == "uniform"


def test_statistics_that_lag_tell_nothing_and_that_is_said(tmp_path: Path) -> None:
    state = prefixed(trained(flat(blocks(act=lambda: nn.LeakyReLU(0.2)))))
    stream = torch.Generator().manual_seed(1)
    for value in state.values():
        if value.ndim == 4:  # the weights have moved since
            value += 0.1 * torch.randn(value.shape, generator=stream)
    imported = open_foreign([keep(tmp_path / "g.pth", state)])
    said = [phrase for phrase in imported.assumed if "activation relu of the generator" in phrase]
    assert len(said) == 1
    assert "running statistics do not fit the weights" in said[0]
    assert "--activation" in said[0]


def test_answers_go_before_statistics(tmp_path: Path) -> None:
    path = keep(tmp_path / "g.pth", prefixed(trained(flat(blocks()))))
    answers = Answers(activation="leaky-relu", activation_slope=0.3)
    header = open_foreign([path], answers).checkpoint.header
    assert header.arguments["generator"]["activation"] == "leaky-relu"
    assert header.arguments["generator"]["slope"] == 0.3


@pytest.mark.parametrize(
    ("answers", "what"),
    [
        (Answers(activation_slope=0.2), "--activation-slope 0.2 changes nothing.*leaky-relu"),
        (Answers(classes=10), "--classes 10 changes nothing"),
        (Answers(norm="instance"), "--norm instance changes nothing"),
    ],
)
def test_answers_that_nothing_reads_are_refused(
    answers: Answers, what: str, tmp_path: Path
) -> None:
    path = keep(tmp_path / "g.pth", prefixed(trained(flat(blocks()))))
    with pytest.raises(GanlensError, match=what):
        open_foreign([path], answers)


@pytest.mark.parametrize("last", [(4, 2, 3), (4, 1, 0), (3, 1, 1), (5, 1, 2), (4, 2, 2)])
def test_the_size_of_the_images_tells_the_last_stride(last: Any, tmp_path: Path) -> None:
    network = trained(flat(blocks(last=last)))
    path = keep(tmp_path / "g.pth", prefixed(network))
    with torch.no_grad():
        side = network(torch.zeros(1, NZ, 1, 1)).shape[-1]
    same(path, network, Answers(image_shape=(3, side, side)))
    if last[0] != 4:
        with pytest.raises(GanlensError, match=r"do not tell their stride; say .*--image-shape"):
            open_foreign([path])
    else:
        assumed = open_foreign([path]).assumed
        assert any("the last layer" in one and "--image-shape" in one for one in assumed)
    with pytest.raises(GanlensError, match="image shape 99 x 99 does not fit"):
        open_foreign([path], Answers(image_shape=(3, 99, 99)))
    with pytest.raises(GanlensError, match="the weights give 3 channels"):
        open_foreign([path], Answers(image_shape=(1, side, side)))


@pytest.mark.parametrize("prefix", ["net", "model", "layers", "gen", "G", "network.net", "x1"])
def test_any_name_of_the_sequence_is_read(prefix: str, tmp_path: Path) -> None:
    network = trained(flat(blocks()))
    same(keep(tmp_path / "g.pth", prefixed(network, prefix)), network)


def test_nested_sequences_are_read(tmp_path: Path) -> None:
    groups = blocks()
    inner = [nn.Sequential(*group) if len(group) > 1 else group[0] for group in groups]
    network = trained([*inner, nn.Tanh()])
    for prefix in ("net", "model", ""):
        state = prefixed(network, prefix) if prefix else network.state_dict()
        same(keep(tmp_path / "g.pth", state), network)


def test_a_list_of_modules_is_read(tmp_path: Path) -> None:
    """With activations that are called as functions, numbers leave no place for them."""
    network = trained(flat(blocks(act=nn.ELU)))
    held = [m for m in network if not isinstance(m, nn.ELU | nn.Tanh)]
    same(keep(tmp_path / "g.pth", prefixed(nn.ModuleList(held), "layers")), network)


def test_norms_without_statistics_are_measured_or_as_answered(tmp_path: Path) -> None:
    groups = blocks(norm=lambda n: nn.InstanceNorm2d(n, affine=True))
    network = trained(flat(groups))
    path = keep(tmp_path / "g.pth", prefixed(network))
    imported = open_foreign([path])
    assert any("instance norm has the same weights" in one for one in imported.assumed)
    assert imported.checkpoint.header.calibration["latents"] == 1024
    same(path, network, Answers(norm="instance"))
    untracked = trained(flat(blocks(norm=lambda n: nn.BatchNorm2d(n, track_running_stats=False))))
    path = keep(tmp_path / "u.pth", prefixed(untracked))
    subject = ganlens.load(path, "cpu")
    z = subject.latents(range(1024))
    with torch.no_grad():
        expected = untracked(z[:, :, None, None])  # its statistics are always those of the batch
    assert (subject.generate(z[:8]) - expected[:8]).abs().mean() < 0.02


def test_norms_without_weights_are_assumed_and_may_be_answered(tmp_path: Path) -> None:
    network = trained(flat(blocks(norm=nn.InstanceNorm2d)))
    path = keep(tmp_path / "g.pth", prefixed(network))
    imported = same(path, network)
    assert any("instance norm without weights" in one for one in imported.assumed)
    bare = trained(flat(blocks(norm=None, extra=lambda: nn.Dropout(0.2))))
    path = keep(tmp_path / "b.pth", prefixed(bare))
    same(path, bare, Answers(norm="none"))
    plain = trained(flat(blocks(norm=lambda n: nn.BatchNorm2d(n, affine=False))))
    same(keep(tmp_path / "p.pth", prefixed(plain)), plain)


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    def said(groups: list[list[nn.Module]], prefix: str = "main") -> str:
        path = keep(tmp_path / "g.pth", prefixed(trained(flat(groups)), prefix))
        with pytest.raises(GanlensError) as caught:
            open_foreign([path])
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "PReLU" in said(blocks(act=nn.PReLU))
    groups = blocks(norm=None)
    for group in groups[:-1]:
        group += [nn.Identity(), nn.Identity(), nn.Identity()]
    assert "4 layers without weights after main.0.weight" in said(groups)
    assert "whose names no family knows" in said(blocks(act=nn.PReLU), "net")


def judge(normed_first: bool = False, bias: bool = False, **how: Any) -> nn.Sequential:
    """Return a discriminator of 32 px images."""
    wrap, drop, norm = (how.get(k) for k in ("wrap", "drop", "norm"))
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(((3, 6), (6, 10), (10, 16))):
        conv = nn.Conv2d(a, b, 4, 2, 1, bias=bias)
        layers.append(wrap(conv) if wrap else conv)
        if i or normed_first:
            layers += [(norm or nn.BatchNorm2d)(b)] if norm is not False else []
        layers.append(nn.LeakyReLU(0.2))
        layers += [nn.Dropout(0.3)] if drop else []
    last = nn.Conv2d(16, 1, 4, 1, 0, bias=bias)
    network = nn.Sequential(*layers, wrap(last) if wrap else last, nn.Sigmoid())
    stream = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.ndim == 1 and "weight_" not in name:
                value.copy_(0.3 * torch.randn(value.shape, generator=stream)
                            + name.endswith("weight"))  # fmt: skip
        for _ in range(30):
            network(torch.randn(32, 3, 32, 32, generator=stream))
    return network.eval()


JUDGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "biases": {"bias": True},
    "norm after the first": {"normed_first": True},
    "dropout": {"drop": True},
    "dropout and no norm": {"drop": True, "norm": False},
    "no norm": {"norm": False, "bias": True},
    "spectral": {"wrap": nn.utils.spectral_norm},
    "spectral, newer": {"wrap": nn.utils.parametrizations.spectral_norm},
    "spectral alone, with biases": {
        "wrap": nn.utils.parametrizations.spectral_norm, "norm": False, "bias": True,
    },
    "weight norm, newer": {"wrap": nn.utils.parametrizations.weight_norm},
    "instance": {"norm": nn.InstanceNorm2d},
}  # fmt: skip


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("prefix", ["main", "disc", ""])
def test_discriminators_score_as_their_modules_do(name: str, prefix: str, tmp_path: Path) -> None:
    network = judge(**JUDGES[name])
    state = prefixed(network, prefix) if prefix else network.state_dict()
    subject = ganlens.load(keep(tmp_path / "d.pth", state), "cpu")
    x = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = network(x).flatten()
    assert expected.std() > 1e-4
    torch.testing.assert_close(subject.discriminate(x).sigmoid(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 10])  # 10: statistics that lag behind, near another stride
def test_a_generator_under_spectral_norm_is_read(seed: int, tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(seed)  # of the first vectors of the power iteration
        for wrap in (nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm):
            groups = blocks()
            for group in groups:
                group[0] = wrap(group[0])
            network = trained(flat(groups))
            same(keep(tmp_path / "g.pth", prefixed(network)), network)


def test_an_average_is_read_as_what_was_trained(tmp_path: Path) -> None:
    network = trained(flat(blocks(act=lambda: nn.LeakyReLU(0.2))))
    state = prefixed(network)
    average = {
        key: torch.zeros_like(value) if key.endswith(("mean", "tracked"))
        else torch.ones_like(value) if key.endswith("var") else value
        for key, value in state.items()
    }  # fmt: skip
    imported = open_foreign([keep(tmp_path / "x.pth", {"G": state, "G_ema": average})])
    networks: Any = imported.checkpoint.networks
    z = imported.checkpoint.networks["generator"].prior.sample(range(6))  # type: ignore[operator, union-attr]
    assert (networks["generator"](z) - networks["ema.generator"](z)).abs().mean() < 0.05
    assert imported.checkpoint.header.arguments["generator"]["activation"] == "leaky-relu"


def test_a_discriminator_follows_its_generator_s_size(tmp_path: Path) -> None:
    network = trained(flat(blocks(geometry=((4, 1, 0), (4, 2, 1)))))  # 4, 7, 14, 28 px
    layers = [nn.Conv2d(3, 6, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 8, 4, 2, 1),
              nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 7)]  # fmt: skip
    content = {"netG": prefixed(network), "netD": prefixed(nn.Sequential(*layers))}
    subject = ganlens.load(keep(tmp_path / "x.pth", content), "cpu")
    assert subject.image_shape == (3, 28, 28)
    assert subject.discriminate(subject.sample([0, 1])).shape == (2,)


@pytest.mark.parametrize(
    ("scale", "what"), [(3.0, "something brings them back"), (0.02, "tells no activation")]
)
def test_values_before_the_output_are_told(scale: float, what: str, tmp_path: Path) -> None:
    network = trained(flat(blocks()))
    state = prefixed(network)
    state["main.9.weight"] *= scale
    assumed = open_foreign([keep(tmp_path / "g.pth", state)]).assumed
    assert any(what in one for one in assumed)
    answers = Answers(output_activation="none")
    header = open_foreign([tmp_path / "g.pth"], answers).checkpoint.header
    assert header.arguments["generator"]["output"]["activation"] == "none"


def test_alternatives_are_drawn_row_by_row(tmp_path: Path) -> None:
    network = trained(flat(blocks(act=lambda: nn.LeakyReLU(0.2))))
    path = keep(tmp_path / "g.pth", prefixed(network))
    out = tmp_path / "readings.png"
    assert main(["import", str(path), "--dry-run", "--alternatives", str(out)]) == 0
    picture = images.read_frames(out)[0]
    readings = len(open_foreign([path]).alternatives) + 1
    assert readings >= 6
    assert picture.shape[0] > readings * 32
    rows = np.abs(np.diff(picture[:, :200].astype(int), axis=0)).sum((1, 2))
    assert (rows > 0).mean() > 0.5
    assert main(["import", str(path), "--dry-run", "--alternatives", str(out)]) == 2  # exists


TRUTHS = {
    "generator-activation/leaky": None,
    "generator-strides/stride1_56px": None,
    "generator-strides/padding3_60px": Answers(image_shape=(1, 60, 60)),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_cases_draw_what_they_drew(name: str) -> None:
    if not (file := CASES / f"{name}.pth").is_file():
        pytest.skip("the shared cases are not here")
    truth = np.load(CASES / f"{name}.truth.npy").astype(np.float32)
    subject = ganlens.load(file, "cpu", answers=TRUTHS[name])
    drawn = subject.generate(subject.latents(range(8))).numpy()
    assert drawn.shape == truth.shape
    assert np.abs(drawn - truth).max() < 1e-3  # the truth has half precision
