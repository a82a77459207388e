"""Any torch module as a Subject: shapes found, labels taken, nothing of the user's touched."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_subject import TINY, fake_subject
from torch import Tensor, nn

import ganlens
from ganlens.checking import check, which_probes
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.foreign import open_foreign
from ganlens.models.imported.trust import Trust, trusting
from ganlens.report import missing, unusual_shape
from ganlens.subject import Subject


def convolutional(channels: int = 3, start: tuple[int, int] = (4, 6)) -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(5, 8, start), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.ConvTranspose2d(8, channels, 4, 2, 1),
    )  # fmt: skip


class Labelled(nn.Module):
    """Class-conditional; only whole-number labels fit its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.draw = nn.Embedding(3, 4), nn.Linear(9, 2 * 8 * 8)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.draw(torch.cat([z, self.embed(labels)], 1)).view(-1, 2, 8, 8).sigmoid()


class OneHot(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.Linear(8, 64)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.draw(torch.cat([z, labels], 1)).view(-1, 1, 8, 8).tanh()


def judge(channels: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3), nn.Sigmoid()
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_channels_any_shape_any_range(channels: int) -> None:
    network, d = convolutional(channels), judge(channels)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    subject = Subject.from_modules(network, d, output_range=(0, 1))
    assert subject.image_shape == (channels, 8, 12)
    images = subject.generate(subject.latents(range(4)))
    assert images.abs().max() <= 1
    assert subject.discriminate(images).shape == (4,)
    assert subject.features(images).shape == (4, 4 * 16)
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert unusual_shape(subject.image_shape)
    raw = network.eval()(subject.latents(range(4))[:, :, None, None])
    assert torch.allclose(images, (raw * 2 - 1).clamp(-1, 1), atol=1e-5)


def test_the_sigmoid_at_a_discriminator_s_end_is_taken_off() -> None:
    d = judge()
    subject = Subject.from_modules(None, d, image_shape=(3, 16, 16))
    x = torch.rand(3, 3, 16, 16) * 2 - 1
    expected = d[:3](x).flatten(1).mean(1)
    assert torch.allclose(subject.discriminate(x), expected, atol=1e-5)
    with pytest.raises(GanlensError, match="needs image_shape"):
        Subject.from_modules(None, d)


def test_labels_are_taken() -> None:
    network = Labelled().eval()
    subject = Subject.from_modules(network, latent_dim=5, output_range=(0, 1), classes=3, label=2)
    z = subject.latents(range(6))
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    found = subject.generate(z, labels)
    assert torch.allclose(found, network(z, labels) * 2 - 1, atol=1e-5)
    assert torch.allclose(subject.generate(z)[2], found[2], atol=1e-6)
    with pytest.raises(GanlensError, match="labels must be 0 to 2"):
        subject.generate(z, labels + 1)
    with pytest.raises(GanlensError, match="label 3 is not known: give 0 to 2"):
        Subject.from_modules(network, latent_dim=5, classes=3, label=3)
    hot = Subject.from_modules(OneHot(), latent_dim=5, classes=3)
    assert not torch.equal(hot.generate(z), hot.generate(z, labels))


def test_an_untrained_control_is_made_of_any_layers() -> None:
    subject = Subject.from_modules(convolutional(), judge())
    control = subject.untrained(seed=1)
    z = subject.latents(range(4))
    assert torch.equal(control.generate(z), subject.untrained(seed=1).generate(z))
    assert not torch.equal(control.generate(z), subject.generate(z))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(GanlensError, match=r"takes no \(N, 7\)"):
        Subject.from_modules(convolutional(), latent_dim=7)
    with pytest.raises(GanlensError, match="images have 1 to 4 channels"):
        Subject.from_modules(convolutional(5))
    with pytest.raises(GanlensError, match="does not take 3 x 8 x 12"):
        Subject.from_modules(convolutional(), judge(1))


def test_check_sees_collapse_noise_and_batch_mates() -> None:
    def good(network: nn.Module) -> dict[str, bool | None]:
        return {c.name: c.good for c in check(Subject.from_modules(network, latent_dim=5))}

    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Linear(5, 1)

        def forward(self, z: Tensor) -> Tensor:
            x = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(len(z), 1, 8, 8)
            return x + 0 * self.w(z).mean()

    class Mates(Constant):
        def forward(self, z: Tensor) -> Tensor:
            return (z[:, :1, None, None] - z.mean()).expand(len(z), 1, 8, 8).tanh()

    class Noise(Constant):
        def forward(self, z: Tensor) -> Tensor:
            return torch.rand(len(z), 1, 8, 8) + 0 * self.w(z)[:, :, None, None]

    assert not any(v is False for v in good(convolutional(start=(4, 4))).values())
    collapsed = good(Constant())
    assert collapsed["samples differ"] is False
    assert collapsed["dead outputs"] is False
    assert good(Mates())["image independent of its batch"] is False
    assert good(Noise())["same latent, same image"] is False


MODULE = """
import torch
from torch import nn

print("imported")

class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(7, 3 * 64)

    def forward(self, z):
        return self.lift(z).view(-1, 3, 8, 8).tanh()

def make():
    return G()
"""


def test_a_named_class_needs_trust_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "their_gan.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_gan", raising=False)
    state = {"lift.weight": torch.randn(192, 7) / 3, "lift.bias": torch.zeros(192)}
    source = tmp_path / "g.pt"
    torch.save(state, source)  # noqa: TID251 (what others do)
    out, named = str(tmp_path / "out"), ["--module", "their_gan:make"]
    assert main(["import", str(source), "--out", out, *named]) == 2
    assert "add --trust" in capsys.readouterr().err
    assert "their_gan" not in sys.modules
    assert main(["import", str(source), "--out", out, *named, "--trust"]) == 0
    assert "their_gan:make will run with all your rights" in capsys.readouterr().err
    assert main(["check", out]) == 2
    assert "add --module their_gan:make --trust" in capsys.readouterr().err
    assert main(["check", out, "--trust", *named]) == 0
    subject = ganlens.load(out, "cpu", module="their_gan:make", trust=True)
    z = subject.latents(range(3))
    expected = (z @ state["lift.weight"].T).view(3, 3, 8, 8).tanh()
    assert torch.allclose(subject.generate(z), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["script", "export"])
def test_archives_open_only_when_trusted(kind: str, tmp_path: Path) -> None:
    generator = fake_subject(TINY).generator.to(memory_format=torch.contiguous_format)
    path = tmp_path / ("g.pt2" if kind == "export" else "g.pt")
    z = generator.prior.sample(range(4))
    if kind == "script":
        torch.jit.trace(generator, z).save(str(path))
    else:
        batch = {0: torch.export.Dim("batch", min=1, max=512)}
        torch.export.save(torch.export.export(generator, (z,), dynamic_shapes=(batch,)), path)
    with pytest.raises(GanlensError, match="add --trust"):
        open_foreign([path])
    with trusting(Trust(archives=True)):
        imported = open_foreign([path])
    assert not imported.saveable
    subject = ganlens.load(path, "cpu", trust=True)
    assert torch.allclose(subject.generate(z), generator(z), atol=1e-5)
    assert subject.prior.dim == TINY.latent_dim


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_known_family_in_an_archive_is_imported_as_such(tmp_path: Path) -> None:
    import other_projects as op

    from ganlens.models import MODELS

    state = op.examples_generator(5, 4, 3, 16)
    path = tmp_path / "plain.pth"
    torch.save(state, path)  # noqa: TID251 (what others do)
    network: Any = open_foreign([path]).checkpoint.networks["generator"]
    torch.jit.trace(network, torch.randn(2, 5)).save(str(tmp_path / "g.pt"))
    with trusting(Trust(archives=True)):
        imported = open_foreign([tmp_path / "g.pt"])
    assert imported.saveable
    assert imported.checkpoint.header.family in MODELS


def test_each_probe_says_what_half_a_gan_lacks() -> None:
    from ganlens.probes import PROBES

    for half in ("generator", "discriminator"):
        networks = {"generator": convolutional(start=(4, 4)), "discriminator": judge()}
        networks[half] = None  # type: ignore[assignment]
        subject = Subject.from_modules(**networks, image_shape=(3, 8, 8))
        for name, probe in PROBES.items():
            wanted = probe().needs().networks
            lacks = half in wanted or (half == "generator" and "sample" in wanted)
            assert (f"needs a {half}" in missing(probe(), subject, None)) == lacks, name


@pytest.mark.parametrize("shape", [(4, 24, 40), (2, 16, 16), (1, 8, 8)])
def test_what_a_generator_alone_can_do_takes_any_images(shape: tuple[int, int, int]) -> None:
    from ganlens.probes import PROBES

    start = (shape[1] // 2, shape[2] // 2)
    subject = Subject.from_modules(convolutional(shape[0], start))
    panels = PROBES["activations"](samples=4).run(subject).panels()
    assert panels[0].image.shape[0] >= 4 * shape[1]  # a row for each of the four pictures
    reasons = which_probes(subject, {name: probe() for name, probe in PROBES.items()})
    assert not reasons["interpolate"]
    assert "needs a discriminator" in reasons["top-images"]
    assert not missing(PROBES["top-images"](network="generator", source="generated"), subject, None)
    assert ("data sets are opened as squares" in reasons["health"]) == bool(unusual_shape(shape))


def test_what_a_discriminator_alone_can_do(tiny_images: Path) -> None:
    from ganlens.data import open_data
    from ganlens.probes import PROBES

    subject = Subject.from_modules(None, judge(), image_shape=(3, 8, 8))
    data = open_data(str(tiny_images), size=8)
    for name in ("filters", "guided-backprop", "top-images"):
        assert PROBES[name]().run(subject, data).summary()["prior"] is None, name


TRANSLATOR = """
from torch import nn

class Paint(nn.Module):
    def __init__(self):
        super().__init__()
        self.paint = nn.Conv2d(3, 3, 3, 1, 1)

    def forward(self, x):
        return self.paint(x).sigmoid()

class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.judge = nn.Conv2d(3, 1, 4, 2, 1)

    def forward(self, x):
        return self.judge(x)

def make():
    return Paint(), Judge()
"""


def test_a_named_class_may_map_images_to_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganlens.foreign.recognition import Answers
    from ganlens.models import MODELS

    (tmp_path / "their_translator.py").write_text(TRANSLATOR)
    monkeypatch.syspath_prepend(tmp_path)
    paint, judge_ = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 1, 4, 2, 1)
    states = {
        "g": {f"paint.{name}": value for name, value in paint.state_dict().items()},
        "d": {f"judge.{name}": value for name, value in judge_.state_dict().items()},
    }
    torch.save(states, tmp_path / "both.pt")  # noqa: TID251 (what others do)
    torch.save(states["d"], tmp_path / "d.pt")  # noqa: TID251
    answers = Answers(output_range=(0, 1), image_shape=(3, 8, 8))
    x = torch.rand(2, 3, 8, 8)
    with trusting(Trust(True, "their_translator:make")):
        with pytest.raises(GanlensError, match="image_shape"):
            open_foreign([tmp_path / "both.pt"])
        imported = open_foreign([tmp_path / "both.pt"], answers)
        alone = open_foreign([tmp_path / "d.pt"], answers).checkpoint.networks
        header = imported.checkpoint.header
        again = MODELS["module"].build(header.arguments, ("discriminator", "translator"))
        with pytest.raises(GanlensError, match="arguments of the generator are missing"):
            MODELS["module"].build(header.arguments, ("generator",))
        with pytest.raises(GanlensError, match="network 'painter' is not known"):
            MODELS["module"].build(header.arguments, ("painter",))
    assert header.prior == {}
    assert header.image_shape == (3, 8, 8)
    assert list(again) == ["translator", "discriminator"]
    networks: Any = imported.checkpoint.networks
    assert torch.allclose(networks["translator"](x * 2 - 1), paint(x).sigmoid() * 2 - 1, atol=1e-5)
    expected = judge_(x).flatten(1).mean(1)
    for one in (networks, alone):
        assert torch.allclose(one["discriminator"](x * 2 - 1), expected, atol=1e-5)


class Rolls(nn.Module):
    """A discriminator that moves its maps by a function whose rows nobody wrote down."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.score = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 1, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.elu(self.a(x)).roll(1, 2)
        return self.score(torch.tanh(self.b(x)))


class Bypassed(nn.Module):
    """A generator whose latent enters by two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(5, 192), nn.Linear(5, 192)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.a(z) + torch.relu(self.b(z))).view(-1, 3, 8, 8)


class Normed(nn.Module):
    """A generator that normalises its latents first."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(5, 192)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.fc(z / z.norm(dim=1, keepdim=True))).view(-1, 3, 8, 8)


def test_check_says_what_is_not_known_of_the_layers_and_promises_no_probe_that_needs_it() -> None:
    from ganlens.probes import PROBES

    probes = {name: probe() for name, probe in PROBES.items()}
    subject = Subject.from_modules(Bypassed(), Rolls(), image_shape=(3, 8, 8))
    found = {one.name: one.found for one in check(subject)}
    assert "known for 2 of 5 layers; " in found["receptive fields"]
    assert "through layer 'network.F.roll' (roll) is not known" in found["receptive fields"]
    assert found["guided gradients"].startswith("none: no ReLU or LeakyReLU runs")
    assert "by several layers (network.a, network.b)" in found["SeFa"]
    reasons = which_probes(subject, probes)
    assert "network.F.roll" in reasons["top-images"]
    assert "is not known" in reasons["guided-backprop"]
    assert not reasons["filters"]
    normed = {one.name: one.found for one in check(Subject.from_modules(Normed()))}
    assert "the latent after norm, " in normed["SeFa"]
    good = Subject.from_modules(convolutional(), judge())
    found = {one.name: one.found for one in check(good)}
    assert found["guided gradients"] == "through 1 rectifier"
    assert found["SeFa"] == "reads network.1"
    square = Subject.from_modules(None, judge(), image_shape=(3, 8, 8))
    assert not which_probes(square, probes)["guided-backprop"]


def test_directions_leave_sefa_out_with_a_sentence_and_go_on() -> None:
    from ganlens.probes import PROBES

    subject = Subject.from_modules(Bypassed())
    settings = {"samples": 100, "measured": 8, "count": 1, "random": 1, "shown": 1, "seeds": (0,)}
    found = PROBES["directions"](methods=("sefa", "ganspace"), **settings).run(subject)
    assert {one.method for one in found.directions} == {"ganspace", "random"}
    assert "sefa left out: the latent enters by several layers" in found.summary()["left_out"]
    with pytest.raises(GanlensError, match="no direction was found: sefa left out"):
        PROBES["directions"](methods=("sefa",), **settings).run(subject)
