"""Batch-norm statistics that a file lacks or never updated; and what ``check`` says of grey."""

import json
from pathlib import Path
from typing import Any

import other_projects as op
import pytest
import torch
from safetensors.torch import save_file

import ganlens
from ganlens.checking import check
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.foreign import open_foreign
from ganlens.subject import Subject

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
MAKERS = {
    "examples": lambda: op.examples_generator(6, 4, 3, 32),
    "grey examples": lambda: op.examples_generator(5, 8, 1, 16),
    "mimicry": op.mimicry_generator,
    "studiogan": op.studiogan_generator,
    "torchgan": op.torchgan_generator,
}


def never_updated(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return what an average of the parameters alone leaves of a state dict."""
    fresh = {"running_mean": 0.0, "running_var": 1.0, "num_batches_tracked": 0}
    return {
        name: torch.full_like(value, fresh[name.rpartition(".")[2]])
        if name.rpartition(".")[2] in fresh
        else value
        for name, value in state.items()
    }


def batch_statistics(network: torch.nn.Module, z: torch.Tensor) -> torch.Tensor:
    """Draw with the statistics of the batch itself: what training saw, and no stored value."""
    network.train()
    try:
        with torch.no_grad():
            return network(z)
    finally:
        network.eval()


@pytest.mark.parametrize("name", MAKERS)
def test_an_average_without_statistics_is_measured_and_said(name: str, tmp_path: Path) -> None:
    save_file(never_updated(MAKERS[name]()), tmp_path / "g_ema.safetensors")
    imported = open_foreign([tmp_path / "g_ema.safetensors"])
    said = [phrase for phrase in imported.assumed if "never updated" in phrase]
    assert len(said) == 1
    assert "1,024 latents" in said[0]
    subject = ganlens.load(tmp_path / "g_ema.safetensors", "cpu")
    assert subject.provenance["calibration"]["latents"] == 1024
    z = subject.latents(range(512))
    images = subject.generate(z)
    expected = batch_statistics(subject.generator, z)
    assert (images - expected).abs().mean() < 0.05 * expected.std()
    assert not [one.name for one in check(subject) if one.good is False]


def test_the_average_is_measured_and_what_was_trained_is_left(tmp_path: Path) -> None:
    state = op.examples_generator(6, 4, 3, 16)
    torch.save({"netG": state, "netG_ema": never_updated(state)}, tmp_path / "x.pth")  # noqa: TID251
    networks = open_foreign([tmp_path / "x.pth"]).checkpoint.networks
    raw, average = networks["generator"].state_dict(), networks["ema.generator"].state_dict()
    torch.testing.assert_close(raw["main.1.running_var"], state["main.1.running_var"])
    assert not torch.equal(average["main.1.running_var"], torch.ones(8))


def test_a_fresh_network_is_left_alone(tmp_path: Path) -> None:
    state = never_updated(op.examples_generator(6, 4, 3, 16))
    state |= {k: torch.zeros_like(v) for k, v in state.items() if k.endswith(".bias")}
    torch.save(state, tmp_path / "x.pth")  # noqa: TID251
    imported = open_foreign([tmp_path / "x.pth"])
    assert imported.checkpoint.header.calibration == {}
    assert not any("never updated" in phrase for phrase in imported.assumed)


def test_a_discriminator_is_measured_on_samples_or_refused(tmp_path: Path) -> None:
    judge = never_updated(op.examples_discriminator(4, 3, 16))
    torch.save(judge, tmp_path / "d.pth")  # noqa: TID251
    torch.save(op.examples_generator(6, 4, 3, 16), tmp_path / "g.pth")  # noqa: TID251
    with pytest.raises(
        GanlensError, match=r"discriminator whose batch norm was never updated.*give both"
    ):
        open_foreign([tmp_path / "d.pth"])
    header = open_foreign([tmp_path / "g.pth", tmp_path / "d.pth"]).checkpoint.header
    assert header.calibration == {"latents": 0, "images": 1024}


@pytest.mark.parametrize("shape", [(), (1,)])
def test_counters_may_be_averages(shape: tuple[int, ...], tmp_path: Path) -> None:
    state = op.examples_generator(6, 4, 3, 16)
    state |= {k: torch.full(shape, 80.6) for k in state if k.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "x.pth")  # noqa: TID251
    network: Any = open_foreign([tmp_path / "x.pth"]).checkpoint.networks["generator"]
    assert int(network.main[1].num_batches_tracked) == 81
    state["main.1.num_batches_tracked"] = torch.tensor(float("nan"))
    torch.save(state, tmp_path / "x.pth")  # noqa: TID251
    with pytest.raises(GanlensError, match="num_batches_tracked"):
        open_foreign([tmp_path / "x.pth"])


def test_the_case_of_an_averaged_counter_opens() -> None:
    if not (file := CASES / "ema-batch-norm" / "float_counter.pth").is_file():
        pytest.skip("the shared cases are not here")
    assert ganlens.load(file, "cpu").provenance["weights"] == "ema"


class Draws(torch.nn.Module):
    """A generator of pictures made by a function of the latent."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.function(z.flatten(1)).clamp(-1, 1)


PICTURE = torch.linspace(-1, 1, 192).view(1, 3, 8, 8)
DULL = {
    "uniform grey": (lambda z: 0.001 * z[:, :1, None, None] * PICTURE, "contrast of samples"),
    "one colour each": (lambda z: 0.3 * z[:, :1, None, None].expand(-1, 3, 8, 8),
                        "contrast of samples"),
    "one picture": (lambda z: PICTURE + 0.001 * z[:, :1, None, None], "samples differ"),
    "one faint picture": (lambda z: 0.1 * PICTURE + 0.01 * z[:, :1, None, None], "samples differ"),
}  # fmt: skip


@pytest.mark.parametrize("name", DULL)
def test_pictures_without_contrast_or_spread_fail_the_check(name: str) -> None:
    function, failing = DULL[name]
    found = {c.name: c.good for c in check(Subject.from_modules(Draws(function), latent_dim=5))}
    assert found[failing] is False


def test_pictures_that_vary_pass() -> None:
    mix = torch.randn(5, 192, generator=torch.Generator().manual_seed(0))
    subject = Subject.from_modules(Draws(lambda z: (z @ mix * 0.2).view(-1, 3, 8, 8)), latent_dim=5)
    found = {c.name: c.good for c in check(subject)}
    assert found["contrast of samples"]
    assert found["samples differ"]


def test_check_lists_what_was_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(never_updated(op.examples_generator(6, 4, 3, 16)), tmp_path / "x.pth")  # noqa: TID251
    assert main(["import", str(tmp_path / "x.pth"), "--out", str(tmp_path / "out")]) == 0
    assert "never updated" in (tmp_path / "out" / "card.md").read_text()
    capsys.readouterr()
    assert main(["check", str(tmp_path / "out"), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["checks"]
    said = [one["found"] for one in found if one["name"] == "assumed"]
    assert any("never updated" in phrase for phrase in said)
    assert any("--prior uniform" in phrase for phrase in said)
