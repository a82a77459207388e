"""Recipes as one line of text."""

import base64
import json
import zlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.edits import Move, Truncate
from ganlens.errors import GanlensError
from ganlens.latents import Rows, Seeds
from ganlens.packing import MOST_EDITS, MOST_JSON, MOST_TEXT, pack, unpack
from ganlens.recipe import Layout, Recipe


def packed(values: object) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(values).encode())).decode()


@given(
    seed=st.integers(0, 2**31 - 1),
    vector=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200),
    amount=st.floats(-10, 10),
    name=st.text(max_size=30),
)
@settings(max_examples=50, deadline=None)
def test_what_is_packed_comes_back(
    seed: int, vector: list[float], amount: float, name: str
) -> None:
    edits = (Truncate(0.7), Move(tuple(vector), (amount,), name))
    recipe = Recipe("here", "0" * 64, Seeds((seed,)), edits=edits, layout=Layout(1, 2, 4))
    text = pack(recipe)
    assert unpack(text) == recipe
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), (
        "it needs no escaping in an address"
    )


def test_a_found_latent_survives_to_the_bit() -> None:
    z = torch.randn(1, 100, generator=torch.Generator().manual_seed(0))
    again = unpack(pack(Recipe("here", "", Rows.of(z)))).latents
    assert torch.equal(torch.tensor(again.rows), z)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_nothing_but_a_recipe_is_read(content: bytes) -> None:
    for text in (content.decode("latin-1"), base64.urlsafe_b64encode(content).decode()):
        with pytest.raises(GanlensError, match="recipe") as caught:
            unpack(text)
        assert "\n" not in str(caught.value)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * (50 * MOST_JSON), 9)).decode()
    assert len(bomb) < MOST_TEXT, "it is small enough to be tried"
    with pytest.raises(GanlensError, match=f"more than {MOST_JSON:,} bytes"):
        unpack(bomb)
    with pytest.raises(GanlensError, match="characters and at most"):
        unpack("A" * (MOST_TEXT + 1))


def test_a_million_edits_are_refused() -> None:
    recipe = Recipe("here", "", Seeds((0,)), edits=(Truncate(1.0),) * (MOST_EDITS + 1))
    with pytest.raises(GanlensError, match=f"at most {MOST_EDITS}"):
        unpack(pack(recipe))
    many = recipe.to_json() | {"edits": [{"kind": "project"}] * 1_000_000}
    with pytest.raises(GanlensError, match="recipe"):
        unpack(packed(many))


def test_a_text_that_was_cut_short_says_so() -> None:
    text = pack(Recipe("here", "", Seeds((0,))))
    with pytest.raises(GanlensError, match="copy the whole text"):
        unpack(text[: len(text) // 2])
