"""Priors: moments of each part, names, words, JSON, and the way back to where the mass is."""

import json
import math
from typing import Any

import pytest
import torch

from ganlens.errors import GanlensError
from ganlens.models.prior import MAX_SEED, Part, Prior

N = 20_000
PARTS = Prior.of("normal 6, categorical 5, uniform 2")


@pytest.mark.parametrize("kind", ["normal", "uniform", "categorical"])
def test_the_moments_of_a_part(kind: Any) -> None:
    """Mean and deviation of 20,000 draws lie within 5 standard errors of the closed form."""
    part = Part(kind, 4)
    z = part.draw(torch.Generator().manual_seed(0), N).double()
    mean = 0.25 if kind == "categorical" else 0.0
    assert z.shape == (N, 4)
    assert (z.mean(0) - mean).abs().max() < 5 * part.std / math.sqrt(N)
    spread = ((z - mean) ** 2).std(0) / (2 * part.std * math.sqrt(N))
    assert ((z.std(0) - part.std).abs() < 5 * spread).all()
    if kind == "categorical":
        assert (z.sum(1) == 1).all()
        assert set(z.unique().tolist()) == {0, 1}
    if kind == "uniform":
        assert z.abs().max() <= 1


def test_parts_stand_side_by_side() -> None:
    z = PARTS.sample(range(50))
    assert z.shape == (50, 13)
    normal, category, uniform = PARTS.split(z)
    assert torch.equal(z[:, PARTS.columns("normal")], normal)
    assert torch.equal(z[:, PARTS.columns("categorical")], category)
    assert torch.equal(z[:, PARTS.columns("uniform")], uniform)
    assert (category.sum(1) == 1).all()
    assert uniform.abs().max() <= 1


def test_a_seed_means_one_latent() -> None:
    z = PARTS.sample(range(9))
    assert torch.equal(PARTS.sample([5]), z[5:6])
    assert PARTS.sample([]).shape == (0, 13)
    plain = Prior("normal", 6).sample([3])
    assert torch.equal(PARTS.sample([3])[:, :6], plain), "the first part draws as it does alone"


def test_the_deviation_is_the_root_mean_square_of_the_parts() -> None:
    squares = [p.dim * p.std**2 for p in PARTS.parts]
    assert PARTS.std == pytest.approx(math.sqrt(sum(squares) / 13))
    assert Prior("uniform", 3).std == pytest.approx(1 / math.sqrt(3))
    assert Prior("normal", 3).std == 1


def test_names_tell_parts_of_one_kind_apart() -> None:
    prior = Prior.of("normal 2, categorical 3, categorical 4")
    assert [part.name for part in prior.parts] == ["normal", "categorical1", "categorical2"]
    assert prior.columns("categorical2") == slice(5, 9)
    own = Prior.of([Part("normal", 2), Part("categorical", 10, "digit")])
    assert own.columns("digit") == slice(2, 12)
    with pytest.raises(GanlensError, match=r"'digits' is not known.*digit"):
        own.columns("digits")
    with pytest.raises(GanlensError, match="names of their own"):
        Prior.of([Part("normal", 2, "a"), Part("uniform", 2, "a")])


@pytest.mark.parametrize("words", ["normal 100", "uniform 3", "normal 62, categorical 10",
                                   "normal 62, categorical 10, uniform 2"])  # fmt: skip
def test_words_and_json_give_an_equal_prior(words: str) -> None:
    prior = Prior.of(words)
    assert prior.words == words
    assert Prior.of(prior.words) == prior
    assert Prior(**json.loads(json.dumps(prior.to_json()))) == prior
    assert ("parts" in prior.to_json()) == ("," in words), "older releases read a plain prior"


def test_projected_latents_lie_where_the_prior_has_its_mass() -> None:
    z = PARTS.sample_batch(40, 0) * 3 + 0.1
    back = PARTS.project(z)
    normal, category, uniform = PARTS.split(back)
    assert torch.allclose(normal.norm(dim=1), torch.tensor(6.0).sqrt())
    assert (category.sum(1) == 1).all()
    assert torch.equal(category.argmax(1), PARTS.split(z)[1].argmax(1))
    assert uniform.abs().max() <= 1
    assert torch.allclose(PARTS.project(back), back, atol=1e-6)


def test_truncation_leaves_categories_alone() -> None:
    z = PARTS.sample_batch(500, 1)
    cut = PARTS.truncate(z, 0.5)
    normal, category, uniform = PARTS.split(cut)
    assert normal.abs().max() <= 0.5
    assert uniform.abs().max() <= 0.5
    assert torch.equal(category, PARTS.split(z)[1])
    assert torch.equal(cut[:, 0].argsort(), z[:, 0].argsort()), "the map is monotone"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("normal", "'normal' is no part"),
        ("normal 0", "too small"),
        ("gauss 3", "'gauss' is not known"),
        ("normal 3,", "is no part"),
        ("", "is no part"),
    ],
)
def test_words_that_name_no_parts(words: str, said: str) -> None:
    with pytest.raises(GanlensError, match=said):
        Prior.of(words)


def test_widths_must_add_up() -> None:
    with pytest.raises(GanlensError, match="their widths add up"):
        Prior("parts", 5, (Part("normal", 2), Part("uniform", 2)))
    with pytest.raises(GanlensError, match="their widths add up"):
        Prior("parts", 5)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 0.5, "3", True])
def test_a_seed_out_of_range(seed: Any) -> None:
    with pytest.raises(GanlensError, match="must be a whole number"):
        PARTS.sample([seed])
