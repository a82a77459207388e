"""A recipe survives JSON, draws the same pixels each time, and refuses what it does not know."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_subject import fake_subject, hooks
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from scipy.stats import kstest, truncnorm, uniform

from ganlens import images
from ganlens.activations import capture, edit
from ganlens.edits import Move, Offset, Project, Silence, Truncate, columns
from ganlens.errors import GanlensError
from ganlens.latents import Mix, Patch, Rows, Seeds, Stack, Sum, Walk
from ganlens.models.prior import Prior
from ganlens.recipe import MOST_PIXELS, Layout, Recipe, draw, render
from ganlens.subject import load

A_PLUS = Sum.mean([1, 2, 3]) + Sum.mean([4, 5], -1) + Sum.mean([6])
SOURCES = [
    Seeds((3, 1, 4)),
    Rows.of(Prior("normal", 8).sample([7, 8])),
    Walk((1, 2, 3), steps=3),
    Walk((1, 2), steps=4, mode="lerp", loop=True),
    Mix((A_PLUS, A_PLUS + Sum(((1, 0.0),), jitter=(9, 0.43)))),
    Mix((A_PLUS,), space="pixels"),
    Stack((Seeds((1, 2)), Walk((1, 2), 3, "lerp"), Mix((A_PLUS,)))),
]


# For the shipped generator; four amounts of the last fill two batches of 64 and begin a third.
BATCHED = [
    *(one for one in SOURCES if not isinstance(one, Rows)),
    Rows.of(Prior("normal", 100).sample([7, 8])),
    Patch((1, 2, 3, 4), down=3, across=2),
    Seeds(tuple(range(37))),
]


@pytest.fixture(scope="module")
def subject():
    return fake_subject()


@pytest.fixture(scope="module")
def faces():
    return load("pixelfaces", "cpu")


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.kind)
@pytest.mark.parametrize("edits", [(), (Project(), Silence("block1.act", (0, 2)))])
def test_json_and_back_draws_the_same_pixels(subject, source, edits):
    recipe = Recipe.of(subject, source, columns=2, padding=1, enlargement=2, edits=edits)
    text = json.dumps(recipe.to_json(), allow_nan=False)
    again = Recipe.from_json(text)
    assert again == recipe
    assert again == Recipe.from_json(json.loads(text))
    sheet = render(subject, recipe)
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    assert np.array_equal(sheet, render(subject, again))
    assert hooks(subject.generator, subject.discriminator) == 0


def test_a_png_carries_what_draws_it_again(subject, tmp_path):
    recipe = Recipe.of(subject, Seeds((1, 2, 3, 4)), columns=2)
    path = images.write_png(tmp_path / "a.png", render(subject, recipe), recipe.to_json())
    replayed = render(subject, Recipe.from_json(images.read_recipe(path)))
    assert np.array_equal(np.asarray(Image.open(path)), replayed)


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, '{"version": ' + "9" * 5000 + "}"])
def test_a_damaged_recipe_in_a_png_is_one_line(tmp_path, text):
    info = PngImagePlugin.PngInfo()
    info.add_itxt(images.RECIPE_KEY, text)
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(GanlensError, match="its recipe is damaged"):
        images.read_recipe(tmp_path / "a.png")


def test_a_png_that_claims_too_many_pixels_is_not_opened(tmp_path, monkeypatch):
    path = images.write_png(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8), {})
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    with pytest.raises(GanlensError, match=r"not a readable picture.*decompression bomb"):
        images.read_recipe(path)


def test_the_largest_sheet_can_still_be_opened_again():
    assert MOST_PIXELS <= Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.kind)
def test_latents_are_counted_without_being_drawn(subject, source):
    assert source.count == len(draw(subject, Recipe.of(subject, source)))


def test_the_sheet_is_the_grid_of_what_the_generator_draws(subject):
    sheet = render(subject, Recipe.of(subject, Seeds((5, 6)), columns=1, padding=3, enlargement=2))
    tiles = images.to_uint8(subject.generate(subject.latents([5, 6])))
    expected = images.enlarge(images.grid(tiles, 1, padding=3), 2)
    assert np.array_equal(sheet, expected)


def test_sums_in_latent_space_and_in_pixel_space(subject):
    z = subject.latents(range(1, 7))
    y = z[:3].mean(0) - z[3:5].mean(0) + z[5]
    latents = Mix((A_PLUS,)).latents(subject.prior)
    torch.testing.assert_close(latents, y[None], atol=1e-6, rtol=1e-6)
    x = subject.generate(z)
    pixels = (x[:3].mean(0) - x[3:5].mean(0) + x[5]).clamp(-1, 1)
    drawn = draw(subject, Recipe.of(subject, Mix((A_PLUS,), space="pixels")))
    torch.testing.assert_close(drawn, pixels[None], atol=1e-5, rtol=0)


def test_jitter_is_uniform_and_named_by_its_seed():
    prior = Prior("normal", 2000)
    still, moved, again = Mix(
        (Sum(((1, 1.0),)), Sum(((1, 1.0),), (5, 0.25)), Sum(((1, 1.0),), (5, 0.25)))
    ).latents(prior)
    noise = moved - still
    assert torch.equal(moved, again)
    assert 0.24 < noise.abs().max() <= 0.25
    assert noise.std() == pytest.approx(0.25 / 3**0.5, rel=0.05)


def test_a_looping_walk_returns_to_its_start(subject):
    path = Walk((1, 2, 3), steps=2, loop=True).latents(subject.prior)
    torch.testing.assert_close(path[-1], path[0])
    assert len(path) == 6


def test_project_restores_the_norm_and_silence_changes_the_picture(subject):
    mean = Mix((Sum.mean(range(20)),))
    plain = draw(subject, Recipe.of(subject, mean))
    for one in (Project(), Silence("block1.act", (0, 1))):
        edited = draw(subject, Recipe.of(subject, mean, edits=[one]))
        assert not torch.allclose(edited, plain)
    z = subject.prior.project(mean.latents(subject.prior))
    expected = subject.generate(z)
    assert torch.equal(draw(subject, Recipe.of(subject, mean, edits=[Project()])), expected)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3), min_size=1, max_size=4
    )
)
def test_rows_survive_json_exactly(rows):
    z = torch.tensor(rows)
    recipe = Recipe("x", "0", Rows.of(z))
    back = Recipe.from_json(json.dumps(recipe.to_json()))
    assert torch.equal(back.latents.latents(Prior("normal", 3)), z)


def spoil(**changes):
    values = Recipe("x", "0", Walk((1, 2))).to_json()
    return {**copy.deepcopy(values), **changes}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "named values"),
        (spoil(version=99), "version 99"),
        (spoil(colour=1), "key 'colour' is not known: choose from checkpoint"),
        ({k: v for k, v in spoil().items() if k != "hash"}, "lacks 'hash'"),
        (spoil(hash=5), "hash 5 must be text"),
        (spoil(latents={"kind": "dream"}), "'dream' is not known: choose from seeds, rows"),
        (spoil(latents={"kind": ["seeds"], "seeds": [1]}), r"kind \['seeds'\] is not known"),
        ("[" * 100_000, "not JSON"),
        (spoil(latents={"kind": "rows", "rows": [[10**400]]}), "lists of numbers"),
        (spoil(latents={"kind": "mix", "sums": [{"terms": [[1, 10**400]]}]}), "pairs"),
        (spoil(latents={"kind": "mix", "sums": [{"terms": [[1, 1]], "jitter": {}}]}), "pairs"),
        (
            spoil(
                latents={"kind": "mix", "sums": [{"terms": [[1, 1]], "jitter": [0, float("nan")]}]}
            ),
            "noise of width nan must be finite",
        ),
        (
            spoil(
                latents={
                    "kind": "stack",
                    "parts": [{"kind": "walk", "seeds": [1, 2], "steps": 999}] * 11,
                }
            ),
            "10989 samples cannot be drawn",
        ),
        (spoil(latents={"kind": "seeds"}), "lacks 'seeds'"),
        (spoil(latents={"kind": "seeds", "seeds": [1, -2]}), "seed -2"),
        (spoil(latents={"kind": "seeds", "seeds": [True]}), "seed True"),
        (spoil(latents={"kind": "seeds", "seeds": [1.5]}), r"seed 1\.5"),
        (spoil(latents={"kind": "seeds", "seeds": 3}), "wrong kind"),
        (spoil(latents={"kind": "seeds", "seeds": []}), "0 samples"),
        (spoil(latents={"kind": "seeds", "seeds": [1], "n": 2}), "key 'n'"),
        (spoil(latents={"kind": "walk", "seeds": [1, 2], "steps": 1}), "steps 1"),
        (spoil(latents={"kind": "walk", "seeds": [1, 2], "steps": 10**9}), "cannot be drawn"),
        (spoil(latents={"kind": "walk", "seeds": [1]}), "at least 2"),
        (spoil(latents={"kind": "walk", "seeds": [1, 2], "mode": "x"}), "mode 'x'"),
        (spoil(latents={"kind": "rows", "rows": [[1], [1, 2]]}), "equally long"),
        (spoil(latents={"kind": "rows", "rows": [[float("nan")]]}), "finite"),
        (spoil(latents={"kind": "rows", "rows": ["ab"]}), "lists of numbers"),
        (spoil(latents={"kind": "rows", "rows": [[]]}), "not empty"),
        (spoil(latents={"kind": "mix", "sums": [{"terms": []}]}), "at least one"),
        (spoil(latents={"kind": "mix", "sums": [{"terms": [[1]]}]}), "pairs"),
        (spoil(latents={"kind": "mix", "sums": [{"terms": [[1, 1]], "x": 1}]}), "key 'x'"),
        (spoil(latents={"kind": "mix", "sums": 3}), "wrong kind"),
        (spoil(latents={"kind": "stack", "parts": []}), "0 samples"),
        (spoil(latents={"kind": "stack", "parts": 5}), "wrong kind"),
        (spoil(latents={"kind": "stack", "parts": [{"kind": "stack", "parts": []}]}), "'stack'"),
        (
            spoil(
                latents={
                    "kind": "stack",
                    "parts": [{"kind": "mix", "sums": [{"terms": [[1, 1]]}], "space": "pixels"}],
                }
            ),
            "cannot be stacked",
        ),
        (spoil(edits={}), "must be a list"),
        (spoil(edits=[{"kind": "explode"}]), "'explode' is not known: choose from project"),
        (spoil(edits=[{"kind": "silence", "layer": 1, "channels": [0]}]), "layer 1"),
        (spoil(edits=[{"kind": "silence", "layer": "a", "channels": [-1]}]), "channel -1"),
        (spoil(layout={"columns": 0}), "columns 0"),
        (spoil(layout={"enlargement": 1000}), "from 1 to 32"),
        (spoil(layout={"padding": "2"}), "padding '2'"),
        (spoil(layout=[2]), "named values"),
    ],
)
def test_recipes_that_are_refused_in_one_line(values, says):
    with pytest.raises(GanlensError, match=says) as caught:
        Recipe.from_json(values)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_another_checkpoint_is_refused(subject):
    recipe = Recipe.of(subject, Seeds((1,)))
    other = fake_subject()
    other.provenance = {**other.provenance, "hash": "0" * 64}
    with pytest.raises(GanlensError, match="needs checkpoint 'fake' with hash ffffffffffff"):
        render(other, recipe)
    other.provenance = {**subject.provenance, "weights": "raw"}
    with pytest.raises(GanlensError, match="'ema' weights"):
        render(other, recipe)


def test_what_does_not_fit_the_generator_is_refused(subject):
    with pytest.raises(GanlensError, match="3 coordinates: this generator takes 8"):
        render(subject, Recipe.of(subject, Rows(((1.0, 2.0, 3.0),))))
    with pytest.raises(GanlensError, match="no map 99"):
        render(subject, Recipe.of(subject, Seeds((1,)), edits=[Silence("block1.act", (99,))]))
    with pytest.raises(GanlensError, match="'nowhere' is not known"):
        render(subject, Recipe.of(subject, Seeds((1,)), edits=[Silence("nowhere", (0,))]))
    assert hooks(subject.generator) == 0


def test_the_default_layout_is_as_square_as_it_can_be(subject):
    assert render(subject, Recipe("fake", "f" * 64, Seeds(range(9)))).shape == (52, 52, 3)
    assert Layout() == Layout(None, 2, 1)


def test_a_move_draws_each_latent_once_per_amount(subject):
    vector = torch.linspace(-1, 1, subject.prior.dim)
    move = Move.along(vector, (-1.0, 0.0, 2.0), "a line")
    recipe = Recipe.of(subject, Seeds((3, 4)), edits=[move])
    z = subject.latents((3, 4))
    rows = [one + amount * vector for one in z for amount in move.amounts]
    assert torch.equal(draw(subject, recipe), subject.generate(torch.stack(rows)))
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_amounts_drawn_in_one_batch_are_the_bits_of_each_drawn_alone(faces, data):
    """Whatever the latents, the edits, and how full the batches of 64 are."""
    source = data.draw(st.sampled_from(BATCHED))
    count = data.draw(st.integers(1, 4))
    amounts = st.lists(st.floats(-4, 4, width=32), min_size=count, max_size=count)
    vectors = st.integers(0, 99).map(lambda seed: faces.latents([seed])[0])
    moves = st.builds(Move.along, vectors, amounts)
    others = st.one_of(st.just(Project()), st.builds(Truncate, st.floats(0.1, 1)), moves)
    edits = [data.draw(moves), *data.draw(st.lists(others, max_size=2))]
    edits = data.draw(st.permutations(edits))
    drawn = draw(faces, Recipe.of(faces, source, edits=edits))
    assert len(drawn) == source.count * count
    for column in range(count):
        alone = [
            replace(one, amounts=(one.amounts[column],)) if isinstance(one, Move) else one
            for one in edits
        ]
        expected = draw(faces, Recipe.of(faces, source, edits=alone))
        assert torch.equal(drawn[column::count], expected)


def test_an_offset_is_added_to_the_layers_output(subject):
    z = subject.latents(range(3))
    with capture(subject.generator, "block1.norm") as found:
        subject.generator(z)
    away = found["block1.norm"].mean(0)
    plain = draw(subject, Recipe.of(subject, Seeds((0, 1, 2))))
    offset = Offset.of("block1.norm", away, (0.0, 0.5))
    drawn = draw(subject, Recipe.of(subject, Seeds((0, 1, 2)), edits=[offset]))
    torch.testing.assert_close(drawn[0::2], plain)
    with edit(subject.generator, "block1.norm", lambda output: output + 0.5 * away):
        torch.testing.assert_close(drawn[1::2], subject.generate(z))


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_truncation_draws_from_the_truncated_prior(kind):
    prior = Prior(kind, 50)
    cut = prior.truncate(prior.sample_batch(2000, 0), 0.7)
    values = cut.flatten().double().numpy()
    law = truncnorm(-0.7, 0.7) if kind == "normal" else uniform(-0.7, 1.4)
    assert abs(values).max() <= 0.7 + 1e-6
    assert kstest(values, law.cdf).statistic < 0.01
    z = prior.sample_batch(9, 1)
    assert torch.equal(prior.truncate(z, 0.7).argsort(1), z.argsort(1))
    torch.testing.assert_close(prior.truncate(z, 40.0), z, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Move((1.0, float("nan"))), "finite"),
        (lambda: Move(()), "at least one number"),
        (lambda: Move((1.0,), ()), "at least one number"),
        (lambda: Truncate(0), "above 0"),
        (lambda: Offset("block1.act", "%%%"), "base64"),
        (lambda: Offset("block1.act", ""), "at least one"),
        (lambda: columns([Move((1.0,), (1, 2)), Move((1.0,), (1, 2, 3))]), "2 and 3 amounts"),
    ],
)
def test_a_wrong_edit_is_one_line(make, message):
    with pytest.raises(GanlensError, match=message):
        make()


def test_an_edit_that_does_not_fit_says_what_would(subject):
    with pytest.raises(GanlensError, match="2 coordinates: this generator takes"):
        draw(subject, Recipe.of(subject, Seeds((1,)), edits=[Move((1.0, 2.0))]))
    offset = Offset.of("block1.act", torch.ones(2))
    with pytest.raises(GanlensError, match="2 values: layer 'block1"):
        draw(subject, Recipe.of(subject, Seeds((1,)), edits=[offset]))
