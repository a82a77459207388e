"""Number formats: what words stand for, what the hardware multiplies, and how to hide it."""

import os
import subprocess
import sys

import pytest
import torch

from ganlens.errors import GanlensError
from ganlens.precision import NAMES, PRECISIONS, autocast, best_precision, named_precision, resolved

SAY = "from ganlens.precision import best_precision; print(best_precision('cpu'))"


def best_with(**variables: str) -> str:
    command, env = [sys.executable, "-c", SAY], {**os.environ, **variables}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip()


def test_units_that_onednn_is_told_not_to_use_are_not_counted_on() -> None:
    assert best_with(ONEDNN_MAX_CPU_ISA="AVX2") == "32-true"


@pytest.mark.parametrize(("kernels", "best"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_processor_with_units_needs_kernels_that_reach_them(
    monkeypatch: pytest.MonkeyPatch, kernels: bool, best: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: kernels)
    monkeypatch.setattr(
        torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: kernels, raising=False
    )
    assert best_precision("cpu") == resolved("auto", "cpu") == best
    assert best_precision("meta") == "32-true"


@pytest.mark.parametrize(("word", "known"), NAMES.items())
def test_a_word_and_fabric_s_own_name_mean_the_same(word: str, known: str) -> None:
    assert resolved(word, "cpu") == resolved(known, "cpu") == known
    assert named_precision(word) == named_precision(known) == word


def test_another_word_is_one_line() -> None:
    with pytest.raises(GanlensError, match="'float16' is not known: choose from float32, bfloat16"):
        resolved("float16", "cpu")
    with pytest.raises(GanlensError, match="choose from 32-true, bf16-mixed"):
        autocast("float16", "cpu")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_product_inside_has_the_format(precision: str) -> None:
    with autocast(precision, "cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    expected = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    assert product.dtype == expected
