"""What every probe promises, over every entry of PROBES."""

import json
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from draws import DrawsFromSeeds

from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.probes.base import Progress
from ganlens.probes.result import arrays
from ganlens.report import document
from ganlens.subject import Subject, load

SLOW = {  # settings of probes that take minutes at their defaults
    "useful": {"n": 40, "n_train": 80, "n_test": 40, "few": 2, "ratios": (1.0,),
               "few_ratios": (2.0,), "repeats": 2, "training_steps": 2, "batch_size": 8},
}  # fmt: skip


def probe_of(name: str) -> Any:
    """Return a probe at its defaults, or smaller where those take minutes."""
    return PROBES[name](**SLOW.get(name, {}))


@pytest.fixture(scope="module")
def subject(tiny_checkpoint: Path) -> Subject:
    return load(tiny_checkpoint, "cpu")


@pytest.fixture(scope="module")
def data(attribute_images: Path) -> ImageSet:
    return open_data(str(attribute_images))


@pytest.fixture(scope="module")
def subjects(places: dict[str, Path]) -> dict[str, Subject]:
    """Each probe's checkpoint, loaded once."""
    loaded = {place: load(place, "cpu") for place in set(places.values())}
    return {name: loaded[place] for name, place in places.items()}


def networks(subject: Subject) -> list[torch.nn.Module]:
    return [subject.generator, subject.discriminator]


def hooks(subject: Subject) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(m, k)) for n in networks(subject) for m in n.modules() for k in kinds)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_repeatable_json_and_leaves_the_networks_alone(
    name: str, subjects: dict[str, Subject], data: ImageSet
) -> None:
    probe, subject = probe_of(name), subjects[name]
    z = subject.latents(range(3))
    before = subject.generate(z), subject.discriminate(subject.generate(z))
    result = probe.run(subject, data)
    found = document(name, probe, subject, data, result)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    said = found["summary"]["network_precision"], found["summary"]["device"]
    assert said == ("32-true", "cpu")
    assert json.dumps(found["summary"]) == json.dumps(
        document(name, probe, subject, data, probe.run(subject, data))["summary"]
    )
    assert hooks(subject) == 0
    assert not any(m.training for n in networks(subject) for m in n.modules())
    after = subject.generate(z), subject.discriminate(subject.generate(z))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert result.panels()
    assert all(panel.title and panel.caption for panel in result.panels())


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_that_breaks_off_leaves_no_hooks(
    name: str, subjects: dict[str, Subject], data: ImageSet
) -> None:
    subject = subjects[name]
    steps = probe_of(name).steps(subject, data)
    assert isinstance(next(steps), Progress)
    steps.close()  # type: ignore[attr-defined]
    assert hooks(subject) == 0
    assert not any(m.training for n in networks(subject) for m in n.modules())


class Broken(RuntimeError):
    """What a network raises halfway."""


def count_calls(subject: Subject, last: float = float("inf")) -> list[int]:
    """Count forward passes in the one item of a list; raise in number ``last``."""
    count = [0]

    def counted(kind: type) -> type:
        def forward(self: torch.nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
            count[0] += 1
            if count[0] == last:
                raise Broken
            return kind.forward(self, *inputs)

        return type("Counted", (kind,), {"forward": forward})

    for network in networks(subject):  # by their class, which a copy of the network keeps
        network.__class__ = counted(type(network))
    return count


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_whose_network_raises_midway_leaves_it_as_it_was(
    name: str,
    places: dict[str, Path],
    data: ImageSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without what earlier runs have kept, so that both runs take the same way."""
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "whole"))
    whole = load(places[name], "cpu")
    calls = count_calls(whole)
    probe_of(name).run(whole, data)
    if not calls[0]:
        assert name == "filters"  # which looks at weights alone
        return
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "broken"))
    broken = load(places[name], "cpu")
    z = broken.latents(range(3))
    before = broken.generate(z), broken.discriminate(broken.generate(z))
    count_calls(broken, -(-calls[0] // 2))
    with pytest.raises(Broken):
        probe_of(name).run(broken, data)
    assert hooks(broken) == 0
    assert not any(m.training for n in networks(broken) for m in n.modules())
    after = broken.generate(z), broken.discriminate(broken.generate(z))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


SHARED = {
    "activations": {"layer": "all"},
    "top-images": {"images": 200},
    "guided-backprop": {"images": 200, "measured": 8},
    "invert": {},
}


@pytest.mark.parametrize("name", SHARED)
def test_two_sessions_that_share_a_model_do_not_mix(
    name: str, subject: Subject, data: ImageSet
) -> None:
    """One thread runs a probe, another two others meanwhile: each finds what it finds alone."""
    others = [
        PROBES["activations"](layer="block1.act", seed=7),
        PROBES["top-images"](network="generator", layer="block1.conv", images=40, batch_size=5),
    ]
    probe = PROBES[name](**SHARED[name])
    alone = arrays(probe.run(subject, data))
    others_alone = [arrays(other.run(subject, data)) for other in others]
    assert alone or name == "activations"

    def meanwhile(first: "Future[Any]") -> list[list[dict[str, np.ndarray]]]:
        rounds = []
        while not rounds or not first.done():
            rounds.append([arrays(other.run(subject, data)) for other in others])
        return rounds

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(lambda: probe.run(subject, data))
        second = threads.submit(meanwhile, first)
        assert_same(arrays(first.result()), alone)
        for round in second.result():
            for found, expected in zip(round, others_alone, strict=True):
                assert_same(found, expected)
    assert hooks(subject) == 0


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_without_a_discriminator_runs_or_says_so(
    name: str, subjects: dict[str, Subject], data: ImageSet
) -> None:
    subject = subjects[name]
    networks = {"generator": subject.generator}
    alone = Subject(networks, subject.provenance, condition=subject.condition)
    if "discriminator" in PROBES[name]().needs().networks:
        with pytest.raises(GanlensError, match="discriminator"):
            PROBES[name]().run(alone, data)
    else:
        assert probe_of(name).run(alone, data).panels()


def test_the_global_random_streams_are_left_alone(
    subjects: dict[str, Subject], data: ImageSet
) -> None:
    before: Any = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for name in PROBES:
        with DrawsFromSeeds():
            probe_of(name).run(subjects[name], data)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_the_fixture_s_folder_may_go(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """A loaded checkpoint holds no file open: its folder can be removed and it still draws."""
    copy = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    loaded = load(copy, "cpu")
    shutil.rmtree(copy)
    assert loaded.generate(loaded.latents([0])).shape[0] == 1
