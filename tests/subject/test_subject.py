"""Subject: latents by seed, images that do not depend on their batch, features, controls."""

import copy
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import ganlens
from ganlens.calibration import calibrate
from ganlens.checkpoints import Header, list_checkpoints, save_checkpoint
from ganlens.errors import GanlensError
from ganlens.models import build
from ganlens.models.dcgan import preset
from ganlens.models.prior import Prior
from ganlens.subject import Subject, load

ARGUMENTS = asdict(preset("torch", size=16, width=4, latent_dim=6))
SHIPPED = [folder for folder, _ in list_checkpoints()]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    networks = build("dcgan", ARGUMENTS, 0)
    generator, discriminator = networks.values()
    calibrate(generator, torch.randn(400, 6).split(100))
    calibrate(discriminator, generator(torch.randn(400, 6)).split(100))
    networks["ema.generator"] = generator
    header = Header("dcgan", ARGUMENTS, {"kind": "normal", "dim": 6})
    return load(save_checkpoint(tmp_path_factory.mktemp("c") / "tiny", header, networks, {}), "cpu")


def test_a_seed_means_one_latent_in_any_company(subject: Subject) -> None:
    z = subject.latents(range(20))
    assert torch.equal(subject.latents([17]), z[17:18])
    assert torch.equal(subject.latents([5, 3]), z[[5, 3]])


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_priors_have_their_moments(kind: str) -> None:
    prior = Prior(kind, 100)  # type: ignore[arg-type]
    z = prior.sample(range(500))
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert z.std().item() == pytest.approx(prior.std, rel=0.02)
    assert kind == "normal" or z.abs().max() <= 1
    outside = 3 * z
    assert torch.allclose(prior.project(prior.project(outside)), prior.project(outside), atol=1e-5)


def test_an_image_does_not_depend_on_its_batch(subject: Subject) -> None:
    z = subject.latents(range(9))
    together, apart = (
        subject.generate(z),
        torch.cat([subject.generate(z[i : i + 1]) for i in range(9)]),
    )
    assert together.shape == (9, 3, 16, 16)
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=0)
    torch.testing.assert_close(together, subject.generate(z, batch_size=7), atol=1e-5, rtol=0)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda p: p.name)
def test_images_of_shipped_checkpoints_do_not_depend_on_their_batch(folder: Path) -> None:
    subject = load(folder, "cpu")
    z = subject.latents(range(16))
    images = subject.generate(z)
    for i in range(16):
        torch.testing.assert_close(subject.generate(z[i : i + 1])[0], images[i], atol=1e-5, rtol=0)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda p: p.name)
def test_a_seed_draws_the_same_bits_at_any_batch_size_and_number_of_threads(folder: Path) -> None:
    subject, before = load(folder, "cpu"), torch.get_num_threads()
    z = subject.latents(range(13))
    drawn = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            drawn += [subject.generate(z, batch_size=batch_size) for batch_size in (1, 3, 64)]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(x, drawn[0]) for x in drawn)


def test_the_checkpoints_are_shipped() -> None:
    names = [folder.name for folder in SHIPPED]
    assert names == [
        "cifar10",
        "mnist10k-conditional",
        "mnist10k-mlp",
        "pixelfaces",
        "pixelfaces-collapsed",
        "upsampling-resize",
        "upsampling-transposed-4x4",
        "upsampling-transposed-5x5",
    ]
    assert all((f / "model.safetensors").stat().st_size < 25e6 for f in SHIPPED)


def test_features_are_the_pooled_maps_of_every_block(subject: Subject) -> None:
    x = subject.generate(subject.latents(range(3)))
    d = subject.discriminator
    first = d.block1(x)
    maps = [first, d.block2(first)]
    expected = torch.cat([F.adaptive_max_pool2d(m, 4).flatten(1) for m in maps], 1)
    found = subject.features(x, layers="all", pool=4)
    assert found.shape == (3, (4 + 8) * 16)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(subject.features(x, "block2.act", None), maps[1].flatten(1))


def test_scores_are_the_discriminators(subject: Subject) -> None:
    x = subject.generate(subject.latents(range(5)))
    torch.testing.assert_close(subject.discriminate(x, batch_size=2), subject.discriminator(x))


def test_an_untrained_control_has_the_same_shape_and_other_weights(subject: Subject) -> None:
    control = subject.untrained(3)
    again = subject.untrained(3)
    z = subject.latents(range(4))
    assert torch.equal(control.generate(z), again.generate(z))
    assert not torch.allclose(control.generate(z), subject.untrained(4).generate(z))
    assert control.provenance["weights"] == "untrained"
    assert control.provenance["seed"] == 3
    assert control.provenance["calibration"] == {"latents": 1024, "images": 1024}


def test_an_uncalibrated_control_has_the_very_same_weights(subject: Subject) -> None:
    control, raw = subject.untrained(3), subject.untrained(3, calibrated=False)
    assert raw.provenance["calibration"] == {}
    for name in ("generator", "discriminator"):
        pairs = zip(control.network(name).parameters(), raw.network(name).parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_calibration_gives_the_moments_of_the_inputs() -> None:
    norm = torch.nn.BatchNorm2d(2)
    x = torch.randn(600, 2, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 1
    assert calibrate(norm, x.split(200)) == 600
    torch.testing.assert_close(norm.running_mean, x.mean(dim=(0, 2, 3)), atol=1e-4, rtol=0)
    torch.testing.assert_close(norm.running_var, x.var(dim=(0, 2, 3)), rtol=1e-3, atol=0)
    assert not norm.training
    assert norm.momentum == 0.1


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda s: s.generate(torch.zeros(2, 5)), r"\(2, 5\).*\(N, 6\)"),
        (lambda s: s.discriminate(torch.zeros(2, 3, 8, 8)), r"\(N, 3, 16, 16\)"),
        (lambda s: s.features(torch.zeros(2, 3, 16, 16), "block9.act"), "block9.act"),
        (lambda s: s.generate(torch.full((1, 6), torch.nan)), "latents hold NaN"),
        (lambda s: s.generate(torch.ones(1, 6, dtype=torch.int64)), "type torch.int64"),
        (lambda s: s.generate(torch.zeros(2, 6), batch_size=0), "batch size 0"),
        (lambda s: s.latents([-1]), "seed -1 must be"),
        (lambda s: s.latents([2**63]), "seed 9223372036854775808 must be"),
        (lambda s: s.latents([0.5]), "seed 0.5 must be"),
        (lambda s: s.discriminate(torch.full((1, 3, 16, 16), torch.inf)), "images hold NaN"),
        (lambda s: s.discriminate(torch.zeros(1, 3, 16, 16).byte()), "uint8.*give float32"),
        (lambda s: s.features(torch.zeros(2, 3, 16, 16), pool=0), "pool 0"),
        (lambda s: s.layers("critic"), "critic.*generator, discriminator"),
        (
            lambda s: Subject({"generator": s.generator}, s.provenance).layers("discriminator"),
            "has no",
        ),
        (lambda s: load(s.provenance["path"], "tpu"), "device 'tpu'"),
        (lambda s: load(s.provenance["path"], "meta"), "device 'meta'"),
        (lambda s: load(s.provenance["path"], weights="best"), "weights 'best'.*ema, raw"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(subject: Subject, ask: object, words: str) -> None:
    with pytest.raises(GanlensError, match=words):
        ask(subject)  # type: ignore[operator]


def test_numbers_of_any_precision_and_of_numpy_are_taken(subject: Subject) -> None:
    z = subject.latents(range(2))
    images = subject.generate(z)
    assert torch.equal(subject.generate(z.double()), images)
    assert torch.equal(subject.generate(z.numpy()), images)  # type: ignore[arg-type]
    scores = subject.discriminate(images.numpy())  # type: ignore[arg-type]
    assert torch.equal(scores, subject.discriminate(images))


def test_damaged_weights_give_no_images(subject: Subject) -> None:
    broken = copy.deepcopy(subject.generator)
    broken.out.conv.weight.fill_(torch.nan)
    with pytest.raises(GanlensError, match="puts out NaN or infinity"):
        Subject({"generator": broken}, subject.provenance).generate(subject.latents([0]))


def test_the_public_door(subject: Subject) -> None:
    assert ganlens.load(subject.provenance["path"]).name == "tiny"
