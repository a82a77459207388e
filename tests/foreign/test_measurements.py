"""Measurements of running statistics are kept: the same answer, without being made again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from test_numbered import blocks, flat, keep, prefixed, trained
from torch import nn

import ganlens.foreign.measurements as kept
from ganlens.foreign import fitting, open_foreign
from ganlens.foreign.fitting import ACTIVATIONS, Stage
from ganlens.foreign.recognition import Answers


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / kept.KEPT


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the measurements that are made, in order."""
    calls: list[str] = []
    names = ("readings", "geometries")
    counting = {name: counted(name, getattr(fitting, name), calls) for name in names}
    monkeypatch.setattr(kept, "fitting", SimpleNamespace(**counting))
    return calls


def counted(name: str, function: Any, calls: list[str]) -> Any:
    def called(*arguments: Any) -> Any:
        calls.append(name)
        return function(*arguments)

    return called


def generator(path: Path, act: Any = nn.ReLU, seed: int = 0, **how: Any) -> Path:
    return keep(path, prefixed(trained(flat(blocks(act, **how)), seed)))


def conclusions(path: Path, **answers: Any) -> tuple[Any, ...]:
    found = open_foreign([path], Answers(**answers))
    header = found.checkpoint.header
    others = [(one.caption, one.arguments) for one in found.alternatives]
    return header.arguments, header.prior, found.inferred, found.assumed, others


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"act": lambda: nn.LeakyReLU(0.2)},
        {"geometry": ((3, 1, 1), (4, 2, 1))},
        {"act": nn.Tanh, "bias": True},
    ],
)
def test_the_second_answer_is_the_first_and_is_not_measured(
    how: dict[str, Any], tmp_path: Path, made: list[str]
) -> None:
    path = generator(tmp_path / "g.pth", **how)
    first = conclusions(path)
    assert "readings" in made
    made.clear()
    assert conclusions(path) == first
    assert made == []
    renamed = path.rename(tmp_path / "other.pth")
    assert conclusions(renamed)[0] == first[0]
    assert made == [], "what decides is the content"


def test_an_empty_cache_gives_what_a_kept_measurement_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = generator(tmp_path / "g.pth")
    found = [conclusions(path), conclusions(path)]
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "another"))
    assert conclusions(path) == found[0] == found[1]


def stages(change: float = 0.0) -> list[Stage]:
    network = trained(flat(blocks()))
    convolutions = [one for one in network if isinstance(one, nn.ConvTranspose2d)]
    norms = [one for one in network if isinstance(one, nn.BatchNorm2d)]
    found = []
    for conv, norm in zip(convolutions, norms, strict=False):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        tensors = (norm.running_mean, norm.running_var, norm.weight.detach(), norm.bias.detach())
        found.append(Stage(conv.weight.detach(), None, *tensors))
    found[-1].kernel[0, 0, 0, 0] += change
    return found


def test_whatever_is_asked_otherwise_is_measured_anew(made: list[str]) -> None:
    usual = ((2, 1, 0), (2, 1, 0))
    asked: list[tuple[Any, ...]] = [
        (stages(), "normal", 1e-5, ACTIVATIONS, usual, True),
        (stages(), "uniform", 1e-5, ACTIVATIONS, usual, True),
        (stages(), "normal", 1e-3, ACTIVATIONS, usual, True),
        (stages(), "normal", 1e-5, ACTIVATIONS[:2], usual, True),
        (stages(), "normal", 1e-5, ACTIVATIONS, ((2, 1, 0), (1, 1, 0)), True),
        (stages(), "normal", 1e-5, ACTIVATIONS, usual, False),
        (stages(1e-6), "normal", 1e-5, ACTIVATIONS, usual, True),
    ]
    for count, one in enumerate(asked, 1):
        found = kept.readings(*one)
        assert made.count("readings") == count
        assert kept.readings(*one) == found
        assert made.count("readings") == count
        assert found == fitting.readings(*one)


def test_shapes_and_missing_biases_are_part_of_what_is_asked() -> None:
    flat_, one = torch.arange(4.0), torch.ones(2)
    keys = {
        kept._key("readings", [Stage(kernel, bias, one, one, one, one)], ())
        for kernel in (flat_.reshape(1, 4, 1, 1), flat_.reshape(4, 1, 1, 1))
        for bias in (None, one, torch.zeros(2))
    }
    assert len(keys) == 6


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"check": 1, "body": {}}'])
def test_a_damaged_file_is_measured_anew(
    content: bytes, tmp_path: Path, cache: Path, made: list[str]
) -> None:
    path = generator(tmp_path / "g.pth")
    first = conclusions(path)
    for file in cache.iterdir():
        file.write_bytes(content)
    made.clear()
    assert conclusions(path) == first
    assert made
    made.clear()
    assert conclusions(path) == first
    assert made == []


def test_where_nothing_can_be_kept_it_is_measured_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    path = generator(tmp_path / "g.pth")
    first = conclusions(path)
    (tmp_path / "file").write_text("no folder")
    for place in (str(tmp_path / "file"), "~nobody-of-this-name/cache"):
        monkeypatch.setenv("GANLENS_CACHE", place)
        made.clear()
        assert conclusions(path) == first
        assert made
