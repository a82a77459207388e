"""Descriptions of latents: what they stand for, what they refuse, what older recipes still mean."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.errors import GanlensError
from ganlens.latents import Mix, Patch, Rows, Seeds, Stack, Walk
from ganlens.models.prior import Prior
from ganlens.recipe import Recipe

PRIOR = Prior("normal", 6)


def rows(*seeds):
    return Rows.of(PRIOR.sample(seeds)).rows


def test_seeds_and_their_rows_walk_the_same_way():
    by_seed, by_row = Walk((3, 1, 4), 5, loop=True), Walk(rows=rows(3, 1, 4), steps=5, loop=True)
    assert torch.equal(by_seed.latents(PRIOR), by_row.latents(PRIOR))
    assert torch.equal(
        Patch((1, 2, 3, 4)).latents(PRIOR), Patch(rows=rows(1, 2, 3, 4)).latents(PRIOR)
    )


@settings(max_examples=30, deadline=None)
@given(
    corners=st.integers(2, 6), steps=st.integers(2, 5), loop=st.booleans(), doubled=st.booleans()
)
def test_a_walk_is_as_long_as_its_legs_say(corners, steps, loop, doubled):
    walk = Walk(tuple(range(corners)), steps, loop=loop, doubled=doubled)
    z = walk.latents(PRIOR)
    assert walk.legs == corners - 1 + loop
    assert len(z) == (walk.legs * steps if doubled else walk.legs * (steps - 1) + (not loop))
    torch.testing.assert_close(z[0], PRIOR.sample([0])[0])
    if not doubled and (corners > 2 or not loop):  # there and back are the same way
        assert len(torch.unique(z, dim=0)) == len(z)


def test_a_loop_for_a_film_ends_one_step_before_its_start():
    film = Walk((1, 2, 3), 4, loop=True, doubled=False).latents(PRIOR)
    sheet = Walk((1, 2, 3), 4, loop=True).latents(PRIOR)
    assert torch.equal(film, sheet[[0, 1, 2, 4, 5, 6, 8, 9, 10]])
    torch.testing.assert_close(sheet[-1], film[0])


def test_a_patch_is_a_grid_between_its_corners():
    z = Patch((1, 2, 3, 4), down=3, across=5).latents(PRIOR).view(3, 5, 6)
    torch.testing.assert_close(
        z[[0, 0, -1, -1], [0, -1, 0, -1]], PRIOR.sample([1, 2, 3, 4]), atol=1e-5, rtol=0
    )


def test_a_patch_stands_beside_others_on_one_sheet():
    stack = Stack((Patch((1, 2, 3, 4), 2, 2), Seeds((5,)), Walk(rows=rows(1, 2), steps=2)))
    assert stack.latents(PRIOR).shape == (7, 6)


@pytest.mark.parametrize(
    "source",
    [
        Walk(rows=rows(1, 2), steps=3, doubled=False),
        Patch((1, 2, 3, 4), 2, 3, "lerp"),
        Patch(rows=rows(1, 2, 3, 4)),
        Stack((Patch((1, 2, 3, 4)), Walk(rows=rows(1, 2)))),
    ],
)
def test_recipes_hold_them_exactly(source):
    recipe = Recipe("x", "0", source)
    again = Recipe.from_json(json.dumps(recipe.to_json(), allow_nan=False))
    assert again == recipe
    assert torch.equal(again.latents.latents(PRIOR), source.latents(PRIOR))


def test_recipes_of_before_are_still_read():
    """Version 1 as it was written before walks took rows, alone and nested."""
    walk = {"kind": "walk", "seeds": [1, 2], "steps": 4, "mode": "lerp", "loop": True}
    mix = {"kind": "mix", "sums": [{"terms": [[1, 0.5], [2, -1.0]], "jitter": [3, 0.25]}]}
    for latents, means in [
        (walk, Walk((1, 2), 4, "lerp", True)),
        ({"kind": "stack", "parts": [walk, mix]}, None),
    ]:
        values = {"version": 1, "checkpoint": "x", "hash": "0", "latents": latents}
        read = Recipe.from_json(values).latents
        assert means is None or read == means
    assert isinstance(read, Stack)
    assert [type(part) for part in read.parts] == [Walk, Mix]


def test_rows_are_read_from_npy_files(tmp_path):
    z = PRIOR.sample([1, 2, 3])
    np.save(tmp_path / "z.npy", z.numpy())
    assert torch.equal(Rows.read(tmp_path / "z.npy").latents(PRIOR), z)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"text", "cannot be read"),
        (np.array([{"a": 1}]), "cannot be read"),
        (np.zeros(3), "matrix of numbers"),
        (np.array([["a"]]), "matrix of numbers"),
        (np.full((2, 3), np.nan), "finite"),
    ],
)
def test_files_that_hold_no_latents_are_refused(tmp_path, content, says):
    path = tmp_path / "z.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(GanlensError, match=says):
        Rows.read(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Walk(), "at least 2"),
        (lambda: Walk(rows=rows(1)), "a walk through 1 rows"),
        (lambda: Walk((1, 2), rows=rows(1, 2)), "leave out one"),
        (lambda: Walk((1, 2), doubled=1), "doubled 1"),
        (lambda: Patch((1, 2, 3)), "4 corners, not 3"),
        (lambda: Patch((1, 2, 3, 4), down=1), "down 1"),
        (lambda: Patch((1, 2, 3, 4), across=1.5), r"across 1\.5"),
        (lambda: Patch((1, 2, 3, 4), mode="x"), "mode 'x'"),
        (lambda: Patch((1, 2, 3, 4), 200, 200), "cannot be drawn"),
        (lambda: Patch(rows=((1.0,), (1.0, 2.0))), "equally long"),
        (lambda: Walk(rows=((1.0,), (2.0,))).latents(PRIOR), "takes 6"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(make, says):
    with pytest.raises(GanlensError, match=says):
        make()
