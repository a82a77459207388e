"""Edits of single maps: the intervention of GAN Dissection, in a box, in a recipe."""

import json

import numpy as np
import pytest
import torch
from fake_subject import fake_subject
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.edits import Blend, Silence, cells_in, columns
from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.recipe import Recipe, draw, render

LAYER = "block1.act"


def maps(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


@given(a=st.floats(0, 1), r=st.floats(-5, 5), amount=st.floats(0, 2))
@settings(max_examples=25)
def test_it_is_x_times_1_minus_a_plus_r_a(a, r, amount):
    x = maps()
    edited = Blend(LAYER, (1, 3), (a,), (r,), amounts=(amount,)).activations(x, 0)
    strength = a * amount
    torch.testing.assert_close(edited[:, [1, 3]], x[:, [1, 3]] * (1 - strength) + r * strength)
    assert torch.equal(edited[:, [0, 2]], x[:, [0, 2]])


def test_every_map_has_its_own_strength_and_level():
    x = maps()
    edited = Blend(LAYER, (0, 2), (1.0, 0.5), (3.0, 1.0)).activations(x, 0)
    assert (edited[:, 0] == 3).all()
    torch.testing.assert_close(edited[:, 2], 0.5 * x[:, 2] + 0.5)


def test_only_cells_whose_centre_lies_in_the_box_are_changed():
    x = maps()
    edited = Blend(LAYER, (0,), box=(0.25, 0.5, 0.75, 1.0)).activations(x, 0)
    assert (edited[:, 0, 4:, 2:6] == 0).all()
    outside = torch.ones(8, 8, dtype=torch.bool)
    outside[4:, 2:6] = False
    assert torch.equal(edited[:, 0, outside], x[:, 0, outside])
    assert int(cells_in((0, 0, 1, 1), 3, 5).sum()) == 15


def test_in_full_and_everywhere_it_silences():
    x = maps()
    silent = Silence(LAYER, (1, 2)).activations(x, 0)
    assert torch.equal(Blend(LAYER, (1, 2)).activations(x, 0), silent)
    assert torch.equal(Blend(LAYER, ()).activations(x, 0), x)


def test_a_recipe_with_it_survives_json_and_draws_before_beside_after():
    subject = fake_subject()
    edit = Blend(LAYER, (0, 1), (0.5, 1.0), (0.1, 0.0), (0.0, 0.0, 1.0, 0.5), (0.0, 1.0))
    recipe = Recipe.of(subject, Seeds((3, 4)), columns=2, edits=[edit])
    again = Recipe.from_json(json.dumps(recipe.to_json(), allow_nan=False))
    assert again == recipe
    assert np.array_equal(render(subject, again), render(subject, recipe))
    assert columns([edit]) == 2
    drawn = draw(subject, recipe)
    assert torch.equal(drawn[::2], subject.generate(subject.latents([3, 4])))
    assert not torch.equal(drawn[1::2], drawn[::2])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"channels": (True,)}, "channel True must be"),
        ({"channels": (0, 1), "levels": (1.0, 2.0, 3.0)}, "3 levels do not fit 2 channels"),
        ({"channels": (0,), "strengths": (float("nan"),)}, "only finite"),
        ({"channels": (0,), "strengths": ()}, "at least one number"),
        ({"channels": (0,), "box": (0.0, 0.0, 1.0)}, "must be left, top"),
        ({"channels": (0,), "box": (0.5, 0.0, 0.5, 1.0)}, "must be left, top"),
        ({"channels": (0,), "box": (0.0, 0.0, 1.0, 1.5)}, "must be left, top"),
    ],
)
def test_what_does_not_fit_is_one_line(values, says):
    with pytest.raises(GanlensError, match=says):
        Blend(LAYER, **values)


def test_a_map_or_a_layer_that_is_not_there_is_named():
    with pytest.raises(GanlensError, match="no map 4: choose from 0 to 3"):
        Blend(LAYER, (4,)).activations(maps(), 0)
    with pytest.raises(GanlensError, match="no maps: choose another"):
        Blend(LAYER, (0,)).activations(torch.zeros(2, 5), 0)
