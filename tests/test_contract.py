"""What every probe promises, over every entry of PROBES."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.probes.base import Progress
from ganlens.report import document
from ganlens.subject import Subject, load


@pytest.fixture(scope="module")
def subject(tiny_checkpoint: Path) -> Subject:
    return load(tiny_checkpoint, "cpu")


@pytest.fixture(scope="module")
def data(attribute_images: Path) -> ImageSet:
    return open_data(str(attribute_images))


def networks(subject: Subject) -> list[torch.nn.Module]:
    return [subject.generator, subject.discriminator]


def hooks(subject: Subject) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    return sum(len(getattr(m, k)) for n in networks(subject) for m in n.modules() for k in kinds)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_repeatable_json_and_leaves_the_networks_alone(
    name: str, subject: Subject, data: ImageSet
) -> None:
    probe = PROBES[name]()
    z = subject.latents(range(3))
    before = subject.generate(z), subject.discriminate(subject.generate(z))
    result = probe.run(subject, data)
    found = document(name, probe, subject, data, result)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
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
    name: str, subject: Subject, data: ImageSet
) -> None:
    steps = PROBES[name]().steps(subject, data)
    assert isinstance(next(steps), Progress)
    steps.close()  # type: ignore[attr-defined]
    assert hooks(subject) == 0
    assert not any(m.training for n in networks(subject) for m in n.modules())


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_without_a_discriminator_runs_or_says_so(
    name: str, subject: Subject, data: ImageSet
) -> None:
    alone = Subject(subject.generator, None, subject.provenance)
    if "discriminator" in PROBES[name].needs:
        with pytest.raises(GanlensError, match="discriminator"):
            PROBES[name]().run(alone, data)
    else:
        assert PROBES[name]().run(alone, data).panels()


def test_the_global_random_streams_are_left_alone(subject: Subject, data: ImageSet) -> None:
    before: Any = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for probe in PROBES.values():
        probe().run(subject, data)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_the_fixture_s_folder_may_go(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """A loaded checkpoint holds no file open: its folder can be removed and it still draws."""
    copy = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    loaded = load(copy, "cpu")
    shutil.rmtree(copy)
    assert loaded.generate(loaded.latents([0])).shape[0] == 1
