"""Devices: one decision for training and measuring, whatever the machine has."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from ganlens import precision
from ganlens.classifier import train_classifier
from ganlens.data import open_data
from ganlens.devices import Place, in_words, pick_device, pick_place, place_of
from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.training import launched

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with so many GPUs that multiply bfloat16, and a processor that does not."""

    def made(gpus: int) -> None:
        zeros = torch.zeros

        def checked(*size: int, device: Any = CPU, **more: Any) -> torch.Tensor:
            if torch.device(device).type == "cuda" and torch.device(device).index >= gpus:
                raise RuntimeError("invalid device ordinal")
            return zeros(*size, device=CPU, **more)

        monkeypatch.setattr(torch, "zeros", checked)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
        monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: False)
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
        monkeypatch.setattr(torch.backends.mps, "is_available", cache(lambda: gpus == 0))

    return made


def test_the_cpu_beside_a_gpu_has_a_precision_of_its_own(machine: Any) -> None:
    machine(1)
    assert pick_place("cpu", "auto") == Place(CPU, "32-true")
    assert pick_place("auto", "auto") == Place(torch.device("cuda:0"), "bf16-mixed")
    fabric = launched("cpu", "auto")
    assert fabric.device == CPU
    assert fabric._precision.precision == "32-true"


@pytest.mark.parametrize("word", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken_anywhere(machine: Any, word: str) -> None:
    machine(1)
    expected = precision.NAMES[word]
    assert pick_place("cpu", word).precision == pick_place("cuda", word).precision == expected


def test_mps_is_taken_by_neither_training_nor_measuring(machine: Any) -> None:
    machine(0)
    assert pick_device("auto") == CPU
    assert launched("auto", "auto").device == CPU
    for ask in (pick_device, lambda word: launched(word, "auto")):
        with pytest.raises(GanlensError, match=r"'mps' cannot be used.*choose auto or cpu"):
            ask("mps")


@pytest.mark.parametrize("word", ["cuda", "cuda:3", "gpu", "", "cuda:x", "meta"])
def test_a_device_that_is_not_there_is_one_line(machine: Any, word: str) -> None:
    machine(0)
    for ask in (pick_device, lambda word: launched(word, "auto")):
        with pytest.raises(GanlensError, match=f"device '{word}' .*choose auto or cpu"):
            ask(word)


@pytest.mark.parametrize(
    ("gpus", "word", "devices"),
    [
        (2, "auto", ["cuda:0", "cuda:1"]),
        (2, "cuda", ["cuda:0", "cuda:1"]),
        (1, "auto", ["cpu", "cpu"]),  # one on a GPU and one beside it could not share gradients
        (0, "auto", ["cpu", "cpu"]),
        (4, "cpu", ["cpu", "cpu"]),
    ],
)
def test_every_process_has_a_device_of_one_kind(
    machine: Any, monkeypatch: pytest.MonkeyPatch, gpus: int, word: str, devices: list[str]
) -> None:
    machine(gpus)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    for rank, expected in enumerate(devices):
        monkeypatch.setenv("LOCAL_RANK", str(rank))
        assert pick_device(word) == torch.device(expected)


def test_one_gpu_for_two_processes_is_refused(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(GanlensError, match="'cuda:1' is one for 2 processes: choose auto or cuda"):
        pick_device("cuda:1")


def test_float32_on_a_gpu_is_not_tf32(machine: Any) -> None:
    machine(1)
    pick_device("cpu")
    assert torch.backends.cudnn.allow_tf32
    pick_device("auto")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_device_in_words_names_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100")
    assert in_words(torch.device("cuda", 1)) == "cuda (NVIDIA H100)"
    assert in_words(CPU) == "cpu"
    assert place_of(torch.nn.ReLU()) == CPU
    assert place_of(torch.nn.Linear(1, 1, device="meta")).type == "meta"


def test_a_comparison_of_images_says_them_too(tiny_images: Any) -> None:
    data = open_data(str(tiny_images))
    fid = PROBES["fid"](n=20, extractor="pixels")
    *_, last = _all(fid.between(data, data.part("train")))
    summary = last.summary()
    assert (summary["network_precision"], summary["device"]) == ("32-true", "cpu")


def test_a_classifier_says_what_trained_it(tiny_images: Any) -> None:
    *_, trained = _all(train_classifier(open_data(str(tiny_images)), epochs=1, width=8))
    assert trained.device == "cpu"
    assert np.isfinite(trained.accuracies["class"])


def _all(steps: Any) -> list[Any]:
    """Return what a generator yields, and at last what it returns."""
    found = []
    while True:
        try:
            found.append(next(steps))
        except StopIteration as stop:
            return [*found, stop.value]
