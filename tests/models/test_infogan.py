"""InfoGAN: the prior's parts, the reader on D's body, the bound, and codes that are found."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganlens
from ganlens.checkpoints import Header, save_checkpoint
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.models import build
from ganlens.models.family import Batch
from ganlens.models.infogan import InfoGANConfig, unread_codes
from ganlens.models.prior import Prior
from ganlens.training import Trainer, configure

SMALL = {
    "size": 16, "channels": 1, "width": 8, "latent_dim": 4, "codes": "categorical 3, uniform 2",
}  # fmt: skip
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 1), dtype=np.uint8)


def trainer(images: np.ndarray = IMAGES, **changes: Any) -> Trainer:
    codes = {"codes": changes.pop("codes")} if "codes" in changes else {}
    settings = {"batch_size": 16, "epochs": 3, **changes}
    return Trainer("infogan", SMALL | codes, configure("infogan", **settings), images)


def test_the_default_is_the_paper_s_for_digits() -> None:
    prior = InfoGANConfig().latents()
    assert prior.words == "normal 62, categorical 10, uniform 2"
    assert prior.columns("categorical") == slice(62, 72)
    how = configure("infogan").objective
    assert (how.lr, how.lr_discriminator, how.information) == (1e-3, 2e-4, 1.0)


@pytest.mark.parametrize("size", [16, 28, 33])
def test_shapes(size: int) -> None:
    nets: Any = build("infogan", SMALL | {"size": size}, 0)
    z = nets["generator"].prior.sample(range(5))
    assert z.shape == (5, 9)
    images = nets["generator"](z)
    assert images.shape == (5, 1, size, size)
    read = nets["reader"](images)
    assert read.shape == z.shape
    noise, categorical, uniform = nets["generator"].prior.split(read)
    assert (noise == 0).all()
    torch.testing.assert_close(categorical.sum(1), torch.ones(5))
    assert (uniform.abs() <= 1).all()


@pytest.mark.parametrize("width", [1, 3])
def test_a_normal_code_is_read_as_its_mean(width: int) -> None:
    nets: Any = build("infogan", SMALL | {"codes": f"categorical 3, normal {width}"}, 0)
    reader = nets["reader"].eval()
    images = torch.rand(6, 1, 16, 16) * 2 - 1
    _, means = reader.read(images)
    torch.testing.assert_close(reader(images)[:, -width:], means)


@pytest.mark.parametrize("codes", ["categorial 3", "categorical", "uniform 0", ""])
def test_codes_that_are_none_are_refused(codes: str) -> None:
    with pytest.raises(GanlensError):
        InfoGANConfig(codes=codes)


def test_the_reader_shares_the_body_of_the_discriminator_and_nothing_else() -> None:
    made = trainer()
    nets = made.trained.learning
    shared = {id(p) for p in nets["reader"].parameters()} & {
        id(p) for p in nets["discriminator"].parameters()
    }
    body = {id(p) for p in nets["reader"].body.parameters()}
    assert shared == body
    made.advance()
    for name, weight in nets["discriminator"].named_parameters():
        if name != "score.weight":
            assert nets["reader"].body.get_parameter(name) is weight


class Fixed(torch.nn.Module):
    """A reader that says what it is told to."""

    def __init__(self, prior: Prior, said: list[torch.Tensor]) -> None:
        super().__init__()
        self.latents, self.said = prior, said

    def read(self, x: torch.Tensor) -> list[torch.Tensor]:
        return self.said


def bound(certainty: float, error: float) -> tuple[float, dict[str, float]]:
    prior = InfoGANConfig(**SMALL).latents()
    z = prior.sample_batch(64, 0)
    _, categorical, uniform = prior.split(z)
    reader = Fixed(prior, [categorical * certainty, uniform + error])
    made = Batch(
        torch.zeros(64, 1, 16, 16), None, None, 0, 0.0, lambda name: torch.Generator(), lambda p: z
    )
    generator = torch.nn.Module()
    generator.prior = prior  # type: ignore[assignment]
    total, numbers = unread_codes({"generator": generator, "reader": reader}, made, made.images)
    return float(total), {k: float(v) for k, v in numbers.items()}


def test_the_bound_is_the_entropy_where_all_is_read_and_nothing_where_nothing_is() -> None:
    total, numbers = bound(50.0, 0.0)
    assert total == pytest.approx(0, abs=1e-6)
    assert numbers == pytest.approx({"information": math.log(3), "code_error": 0}, abs=1e-6)
    total, numbers = bound(0.0, 0.5)
    assert numbers == pytest.approx({"information": 0, "code_error": 0.25}, abs=1e-6)
    assert total == pytest.approx(math.log(3) + 2 * 0.25 / 2, abs=1e-6)


def two_kinds(count: int = 256) -> np.ndarray:
    """Discs on black and black discs on white, each with noise of its own."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16] - 7.5
    disc = (x**2 + y**2 < 25)[None, :, :, None]
    white = rng.random((count, 1, 1, 1)) < 0.5
    return (np.where(disc ^ white, 220, 30) + rng.integers(-20, 20, (count, 1, 1, 1))).astype(
        np.uint8
    )


def test_a_categorical_code_finds_the_two_kinds_of_images() -> None:
    made = trainer(two_kinds(), codes="categorical 2", epochs=40, batch_size=32)
    for _ in range(200):
        step = made.advance()
    assert step.numbers["information"] > 0.6 * math.log(2)
    generator = made.trained.learning["generator"].eval()
    z = generator.prior.sample_batch(128, 0)
    with torch.no_grad():
        centre = generator(z)[:, 0, 6:10, 6:10].mean((1, 2))
    code = z[:, generator.prior.columns("categorical")].argmax(1)
    kinds = [float((centre[code == c] > 0).float().mean()) for c in (0, 1)]
    assert abs(kinds[0] - kinds[1]) > 0.8, "each value of the code is one kind"


def test_without_weight_nothing_is_read() -> None:
    made = trainer(information=0.0)
    before = made.trained.learning["reader"].codes.weight.detach().clone()
    made.advance()
    assert torch.equal(before, made.trained.learning["reader"].codes.weight)


@pytest.mark.parametrize("changes", [{}, {"spectral_norm": True}, {"loss": "hinge"}])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(changes: dict[str, Any]) -> None:
    whole, first, second = (trainer(**changes) for _ in range(3))
    for _ in range(8):
        whole.advance()
    for _ in range(3):
        first.advance()
    second.restore({k: v.clone() for k, v in first.state().items()})
    for _ in range(5):
        second.advance()
    a, b = whole.state(), second.state()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_checkpoint_reads_the_codes_of_its_own_images(tmp_path: Path) -> None:
    nets: Any = build("infogan", SMALL, 0)
    prior = nets["generator"].prior.to_json()
    header = Header(family="infogan", arguments=SMALL, prior=prior)
    folder = save_checkpoint(tmp_path / "it", header, nets, {})
    subject = ganlens.load(folder, "cpu")
    z = subject.latents(range(4))
    images = subject.generate(z)
    expected = nets["reader"].eval()(images.clone()).detach()
    torch.testing.assert_close(subject.encode(images), expected)
    assert subject.untrained().encode(images).shape == z.shape


def test_a_run_is_kept_and_goes_on_by_the_same_command(
    tmp_path: Path, tiny_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reader shares the discriminator's body: a file of the state holds both."""
    run = ["--data", str(tiny_images), "--out", str(tmp_path / "run"), "--extractor", "pixels"]
    small = ["--width", "4", "--latent-dim", "4", "--codes", "categorical 3", "--batch-size", "16"]
    steps = []
    for epochs in ("1", "2"):
        words = ["train", "--family", "infogan", *run, *small, "--epochs", epochs]
        assert main(words) == 0, capsys.readouterr().err
        steps.append(ganlens.load(tmp_path / "run" / "last", "cpu").provenance["step"])
    assert steps[1] == 2 * steps[0] > 0
    subject = ganlens.load(tmp_path / "run", "cpu")
    images = subject.sample(range(4))
    found = subject.encode(images)[:, subject.prior.columns("categorical")]
    torch.testing.assert_close(found.sum(1), torch.ones(4))
