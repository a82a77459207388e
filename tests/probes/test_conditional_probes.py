"""Every probe on a conditional subject, and on an encoder with its decoder."""

import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_prior_parts import quick, settled
from three_families import FAMILIES, Shape

from ganlens.activations import capture, edit, run_to
from ganlens.data import ImageSet, open_data
from ganlens.directions import first_layer
from ganlens.errors import GanlensError
from ganlens.models.conditions import Classes
from ganlens.probes import PROBES
from ganlens.probes.health.jacobian import jacobian_spectrum
from ganlens.probes.identity import identity
from ganlens.subject import Subject

DIGITS = Classes.of(np.array([0, 1, 1, 2]), ["a", "b", "c"])
DRAWN = ("activations", "fid", "neighbors")
# Those ask for what their data call a class, and for a prior of parts.
OTHERS = [name for name in PROBES if not PROBES[name]().needs().conditions and name != "codes"]


def made(family: str, config: Shape, **more: Any) -> Subject:
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        networks = FAMILIES[family].networks(config)
    known = {
        "checkpoint": "toy", "hash": "0" * 64, "weights": "raw",
        "family": family, "arguments": asdict(config),
    }  # fmt: skip
    for network in networks.values():
        settled(network)
    return Subject(networks, known, roles=FAMILIES[family].roles, **more)


@pytest.fixture
def subject() -> Subject:
    return made("toy-conditional", Shape(condition_dim=3), condition=DIGITS)


@pytest.fixture(scope="module")
def data(attribute_images: Path) -> ImageSet:
    return open_data(str(attribute_images))


@pytest.mark.parametrize("name", OTHERS)
def test_every_probe_runs_and_says_what_was_told(
    name: str, subject: Subject, data: ImageSet
) -> None:
    x = subject.generate(subject.latents(range(4)))
    result = quick(name).run(subject, data)
    drawn = "as often as the training data had each"
    assert result.summary()["condition"] == (drawn if name in DRAWN else "b (the default)")
    assert result.panels()
    assert torch.equal(subject.generate(subject.latents(range(4))), x)


@pytest.mark.parametrize("name", ["interpolate", "invert", "health", "forget"])
def test_another_condition_gives_another_result(
    name: str, subject: Subject, data: ImageSet
) -> None:
    results = [
        quick(name).run(one, data).summary() for one in (subject, subject.with_condition("c"))
    ]
    assert [one.pop("condition") for one in results] == ["b (the default)", "c"]
    assert results[0] != results[1]


def test_bound_networks_take_one_input_and_share_their_layers(subject: Subject) -> None:
    z, device = subject.latents(range(5)), subject.device
    row = DIGITS.read("b").expand(5, -1)
    for name, x in {"generator": z, "discriminator": subject.generate(z)}.items():
        bound, network = subject.unconditional(name), subject.network(name)
        assert torch.equal(bound(x.to(device)), network(x, row))
        assert torch.equal(bound(x, DIGITS.read("c").expand(5, -1)), network(x, row[:, [0, 2, 1]]))
        assert list(dict(bound.named_modules())) == list(dict(network.named_modules()))
        assert torch.equal(copy.deepcopy(bound)(x), bound(x))
    bound = subject.unconditional("generator")
    with capture(subject.generator, "conv") as outputs:
        bound(z)
    assert outputs["conv"].shape[0] == 5
    with edit(bound, "act", torch.zeros_like):
        blank = subject.generator(z, row)
    assert torch.equal(blank[0], blank[1])
    assert run_to(bound, "first", z).shape == (5, 256)


def test_a_deep_copy_of_a_bound_network_is_its_own(subject: Subject) -> None:
    other = copy.deepcopy(subject.unconditional("generator"))
    before = subject.generator(subject.latents([0]), DIGITS.read("b")[None])
    other.first.weight.data.zero_()
    other.conv = torch.nn.Identity()  # as a guided copy replaces layers
    assert other(subject.latents([0])).shape == (1, 16, 4, 4)
    assert torch.equal(subject.generator(subject.latents([0]), DIGITS.read("b")[None]), before)


def test_networks_that_are_told_nothing_are_bound_as_they_are() -> None:
    plain = made("toy-conditional", Shape())
    assert plain.unconditional("generator") is plain.generator
    assert "condition" not in identity(plain)


def test_the_control_keeps_what_is_told(subject: Subject) -> None:
    control = subject.with_condition("c").untrained(1)
    z = control.latents(range(3))
    assert torch.equal(control.generate(z), control.generate(z, "c"))
    assert identity(subject.with_condition("c"))["condition"] == "c"


def test_sefa_takes_the_latent_and_leaves_the_condition_out(subject: Subject) -> None:
    found = first_layer(subject.unconditional("generator"))
    norm, weight = subject.generator.norm, subject.generator.first.weight[:, :8]
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    expected = (weight * gain[:, None]).double().numpy()
    np.testing.assert_allclose(found.weight, expected, atol=1e-5)


def test_the_jacobian_is_of_the_condition_that_is_told(subject: Subject) -> None:
    z = subject.latents([0])[0]
    row = DIGITS.read("b")[None]
    plain = jacobian_spectrum(lambda x: subject.generator(x, row.expand(len(x), -1)), z)
    assert torch.equal(jacobian_spectrum(subject.unconditional("generator"), z), plain)


WITHOUT = {  # what an encoder and a decoder cannot answer
    "conditions": "takes no condition",
    "useful": "takes no condition",
    "codes": "no parts",
    "arithmetic": "discriminator",
    "arithmetic-score": "discriminator",
    "turn": "discriminator",
    "filters": "discriminator",
    "top-images": "discriminator",
    "guided-backprop": "discriminator",
    "forget": "discriminator",
    "linear-probe": "discriminator",
}


@pytest.mark.parametrize("name", PROBES)
def test_a_decoder_is_a_generator_by_its_role(name: str, data: ImageSet) -> None:
    subject = made("toy-autoencoder", Shape())
    if name in WITHOUT:
        with pytest.raises(GanlensError, match=WITHOUT[name]):
            quick(name).run(subject, data)
    else:
        assert quick(name).run(subject, data).panels()


def test_units_of_a_decoder_are_found(data: ImageSet) -> None:
    subject = made("toy-autoencoder", Shape())
    probe = quick("top-images", network="generator", layer="conv")
    assert probe.run(subject, data).panels()
