"""Animations: lossless, looping, and carrying what draws them again."""

import io
import json

import numpy as np
import pytest
from fake_subject import fake_subject
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlens import images
from ganlens.errors import GanlensError
from ganlens.latents import Walk
from ganlens.recipe import Recipe, render


def noise(count=5, height=6, width=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def flat(levels):
    return np.stack([np.full((4, 4, 3), level, np.uint8) for level in levels])


@settings(max_examples=15, deadline=None)
@given(
    count=st.integers(1, 6),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    scale=st.integers(1, 3),
)
def test_a_webp_keeps_every_pixel_of_every_frame(tmp_path_factory, count, height, width, scale):
    frames = noise(count, height, width)
    path = tmp_path_factory.mktemp("film") / "a.webp"
    images.write_animation(path, frames, enlargement=scale)
    expected = np.stack([images.enlarge(frame, scale) for frame in frames])
    assert np.array_equal(images.read_frames(path), expected)


@pytest.mark.parametrize("format", images.ANIMATIONS)
def test_it_runs_for_ever_at_the_pace_that_was_asked_for(format):
    content = images.animation_bytes(noise(), format, 120)
    with Image.open(io.BytesIO(content)) as film:
        assert film.info["loop"] == 0
        assert film.n_frames == 5
        film.seek(1)
        film.load()
        assert film.info["duration"] == 120


def test_a_gif_of_few_colours_is_exact(tmp_path):
    frames = flat([0, 80, 160, 255])
    path = images.write_animation(tmp_path / "a.gif", frames, enlargement=2)
    assert np.array_equal(images.read_frames(path)[:, ::2, ::2], frames)


@pytest.mark.parametrize("format", images.ANIMATIONS)
def test_equal_frames_are_read_as_they_were_written(tmp_path, format):
    frames = flat([0, 0, 0, 200, 200, 90])
    path = images.write_animation(tmp_path / f"a.{format}", frames, milliseconds=44)
    assert np.array_equal(images.read_frames(path), frames)


def test_a_grey_channel_is_shown_as_grey(tmp_path):
    grey = noise()[..., :1]
    path = images.write_animation(tmp_path / "a.webp", grey)
    assert np.array_equal(images.read_frames(path), images.as_rgb(grey))


@pytest.mark.parametrize("format", images.ANIMATIONS)
def test_an_animation_carries_its_recipe(tmp_path, format):
    source = Walk(rows=((0.1,) * 300, (0.2,) * 300))
    recipe = json.loads(json.dumps(Recipe.of(fake_subject(), source, columns=1).to_json()))
    assert len(json.dumps(recipe)) > 2000, "more than one block of a GIF's comment"
    path = images.write_animation(tmp_path / f"a.{format}", noise(), recipe=recipe)
    assert images.read_recipe(path) == recipe
    assert Recipe.from_json(images.read_recipe(path)).latents == source


def test_the_recipe_of_a_film_draws_its_frames_one_below_another(tmp_path):
    subject = fake_subject()
    walk = Walk((1, 2), 4, loop=True, doubled=False)
    recipe = Recipe.of(subject, walk, columns=1, padding=0, enlargement=2)
    frames = images.to_uint8(subject.generate(walk.latents(subject.prior)))
    path = tmp_path / "a.webp"
    images.write_animation(path, frames, enlargement=2, recipe=recipe.to_json())
    again = render(subject, Recipe.from_json(images.read_recipe(path)))
    assert np.array_equal(np.concatenate(images.read_frames(path)), again)


def test_a_picture_is_one_frame(tmp_path):
    path = images.write_png(tmp_path / "a.png", noise()[0], {"x": 1})
    assert np.array_equal(images.read_frames(path), noise(1))
    assert images.read_recipe(path) == {"x": 1}


@pytest.mark.parametrize("comment", [b"made by hand", b"[1]", b"3"])
def test_the_comment_of_somebody_else_is_no_recipe(tmp_path, comment):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.gif", comment=comment)
    with pytest.raises(GanlensError, match="carries no recipe"):
        images.read_recipe(tmp_path / "a.gif")
    assert len(images.read_frames(tmp_path / "a.gif")) == 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda path: images.animation_bytes(noise(), "mp4"),
            "'mp4' is not known: choose",
        ),
        (lambda path: images.animation_bytes(noise(0)), "at least 1 frame"),
        (lambda path: images.animation_bytes(noise(), milliseconds=5), "20 to 10,000 ms"),
        (lambda path: images.write_animation(path / "a.mov", noise()), "'mov' is not known"),
        (lambda path: images.read_frames(path / "none.webp"), "not a readable picture"),
        (lambda path: images.read_recipe(path / "none.webp"), "not a readable picture"),
        (
            lambda path: images.read_recipe(images.write_animation(path / "a.webp", noise())),
            "no rec",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, make, says):
    with pytest.raises(GanlensError, match=says):
        make(tmp_path)
    assert not list(tmp_path.glob("*.mov"))


def test_frames_of_an_unknown_pace_are_taken_as_they_are(tmp_path):
    first, second = (Image.fromarray(frame) for frame in noise(2))
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second], duration=[100, 300])
    assert len(images.read_frames(tmp_path / "a.webp")) == 2
