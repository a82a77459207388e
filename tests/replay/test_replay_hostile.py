"""Recipes and pictures that somebody has tampered with: drawn, or refused in one line."""

import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganlens
from ganlens import images
from ganlens.edits import Blend, Move, Project, Silence, Truncate
from ganlens.errors import GanlensError
from ganlens.images import animation_bytes, png_bytes, read_frames, read_recipe
from ganlens.latents import Mix, Patch, Rows, Seeds, Stack, Sum, Walk
from ganlens.plain import loads
from ganlens.probes import PROBES
from ganlens.recipe import Recipe
from ganlens.replay import PanelRecipe, read, redraw

HOSTILE: list[Any] = [
    None,
    True,
    -1,
    0,
    3,
    10**30,
    10**400,
    0.5,
    -1e300,
    "",
    "x",
    "\x00",
    "\ud800",
    [],
    [[]],
    [None],
    [0.5],
    ["a"],
    [10**400],
    {},
    {"a": 1},
    {"kind": "seeds"},
    [{"kind": []}],
]
SHEETS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "seeds": (Seeds((1, 2)), (Move((0.1,) * 8, (0.0, 1.0), "x"), Truncate(1.0))),
    "rows": (Rows(((0.5,) * 8,)), (Silence("block1.conv", (0, 1)), Project())),
    "walk": (Walk((1, 2), steps=3), (Blend("block1.conv", (0,)),)),
    "patch": (Patch((1, 2, 3, 4), down=2, across=2), ()),
    "mix": (Mix((Sum(((1, 1.0), (2, -1.0)), (3, 0.5)),)), ()),
    "stack": (Stack((Seeds((1,)), Rows(((0.0,) * 8,)))), ()),
}


def places(values: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every value of nested lists and objects is."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in items:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places(value, (*at, key))


def spoiled(values: Any, at: tuple[Any, ...], value: Any) -> Any:
    """Return a copy with another value at a place."""
    copy = json.loads(json.dumps(values))
    inner = copy
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return copy


@pytest.fixture(scope="module")
def subject(tiny_checkpoint: Path) -> Any:
    return ganlens.load(tiny_checkpoint, "cpu")


def tried(job: Callable[[], object], *about: object) -> bool:
    """Tell whether a job was done; else it was refused in one line, and nothing else happened."""
    said = "done"
    try:
        job()
    except GanlensError as error:
        said = str(error)
    except Exception as error:
        error.add_note(f"{about!r:.200}")
        raise
    assert said
    assert "\n" not in said
    return said == "done"


@pytest.mark.parametrize("name", SHEETS)
def test_a_recipe_with_any_value_spoiled_is_drawn_or_refused_in_a_line(
    name: str, subject: Any
) -> None:
    latents, edits = SHEETS[name]
    whole = Recipe.of(subject, latents, edits=edits, columns=2).to_json()
    redraw(subject, read(whole), ganlens.open_data)
    read_, tries = [], 0
    for at in places(whole):
        for value in HOSTILE:
            values, tries = spoiled(whole, at, value), tries + 1
            if tried(lambda v=values: read(v), at, value):  # type: ignore[misc]
                read_.append((read(values), at, value))
    assert 0 < len(read_) < tries / 2
    for recipe, at, value in random.Random(0).sample(read_, min(25, len(read_))):
        assert isinstance(recipe, Recipe)
        if recipe.latents.count < 100:
            tried(partial(redraw, subject, recipe, ganlens.open_data), at, value)


@pytest.mark.parametrize("name", PROBES)
def test_settings_of_any_kind_build_a_probe_or_are_refused_in_a_line(name: str) -> None:
    usual = PROBES[name]().settings()
    for setting in usual:
        for value in HOSTILE:
            recipe = PanelRecipe("c", "h", "ema", name, {**usual, setting: value}, "title")
            tried(PanelRecipe.from_json(recipe.to_json()).build, setting, value)


@pytest.mark.parametrize("key", [*PanelRecipe.__dataclass_fields__, "version", "kind"])
def test_a_panel_recipe_with_any_value_spoiled_is_refused_in_a_line(key: str, subject: Any) -> None:
    known = subject.provenance
    whole = PanelRecipe("tiny", known["hash"], "raw", "filters", {"seed": 0}, "x").to_json()
    for value in HOSTILE:
        values = {**whole, key: value}
        done = tried(lambda v=values: redraw(subject, read(v), ganlens.open_data), key, value)  # type: ignore[misc]
        assert not done


@pytest.mark.parametrize("values", HOSTILE)
def test_what_is_no_recipe_at_all(values: Any) -> None:
    with pytest.raises(GanlensError):
        read(values)


RECIPE = {"version": 1, "words": "x" * 200}
TILES = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
CONTENT = {
    "png": png_bytes(TILES[0], RECIPE),
    "webp": animation_bytes(TILES, "webp", recipe=RECIPE),
    "gif": animation_bytes(TILES, "gif", recipe=RECIPE),
}


@pytest.mark.parametrize("format", CONTENT)
@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged metadata
def test_damaged_pictures_are_read_or_refused_in_a_line(format: str) -> None:
    rng, content = random.Random(0), CONTENT[format]
    refused = 0
    for _ in range(400):
        spoiled = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            # Most of it is pixels: every other damage is where the metadata are.
            at = rng.randrange(len(content) if rng.random() < 0.5 else 400)
            spoiled[at] = rng.randrange(256)
        cut = rng.randrange(20, len(content)) if rng.random() < 0.3 else len(content)
        for reading in (read_recipe, read_frames):
            refused += not tried(partial(reading, BytesIO(bytes(spoiled[:cut]))))
    assert refused


def chunk(kind: bytes, body: bytes, damage: int = 0) -> bytes:
    crc = (zlib.crc32(kind + body) + damage) & 0xFFFFFFFF
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


KEY = images.RECIPE_KEY.encode()
TEXTS = {
    "crc": chunk(b"iTXt", KEY + b"\0\0\0\0\0{}", damage=1),
    "no zlib": chunk(b"iTXt", KEY + b"\0\1\0\0\0damaged"),
    "cut zlib": chunk(b"iTXt", KEY + b"\0\1\0\0\0" + zlib.compress(b"{}" * 500)[:-8]),
    "another method": chunk(b"iTXt", KEY + b"\0\1\7\0\0{}"),
    "no utf-8": chunk(b"iTXt", KEY + b"\0\0\0\0\0\xff\xfe"),
    "cut": chunk(b"iTXt", KEY),
    "empty": chunk(b"iTXt", b""),
    "zTXt": chunk(b"zTXt", KEY + b"\0\0damaged"),
    "zTXt cut": chunk(b"zTXt", KEY),
    "no JSON": chunk(b"tEXt", KEY + b"\0{"),
    "NaN": chunk(b"tEXt", KEY + b'\0{"a": NaN}'),
    "infinite": chunk(b"tEXt", KEY + b'\0{"a": 1e999}'),
    "deep": chunk(b"tEXt", KEY + b"\0" + b"[" * 50_000),
    "digits": chunk(b"tEXt", KEY + b"\0" + b"9" * 5000),
    "null": chunk(b"tEXt", KEY + b"\0null"),
    "length": b"\xff\xff\xff\xf0iTXt",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("place", ["before the pixels", "after them"])
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_text_chunk_is_said_in_a_line(name: str, place: str) -> None:
    plain = png_bytes(TILES[0])
    at = 33 if place == "before the pixels" else len(plain) - 12
    with pytest.raises(GanlensError) as caught:
        read(read_recipe(BytesIO(plain[:at] + TEXTS[name] + plain[at:])))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pace", [0, 1e-9, -20, "20", None, True, [20], 10**30, 0.5])
def test_a_false_pace_of_a_film_is_not_believed(pace: Any) -> None:
    frames = [Image.fromarray(one) for one in TILES]
    note = json.dumps({images.RECIPE_KEY: {}, "milliseconds": pace}).encode()
    buffer = BytesIO()
    frames[0].save(
        buffer, "gif", save_all=True, append_images=frames[1:], duration=60_000, comment=note
    )
    buffer.seek(0)
    assert len(read_frames(buffer)) == 3


def test_a_film_of_too_many_pixels_is_refused_before_they_are_there() -> None:
    still = np.repeat(TILES[:1], 500, axis=0)
    content = animation_bytes(still, "gif", 20, recipe={})
    assert len(content) < 10_000
    assert len(read_frames(BytesIO(content))) == 500
    with pytest.raises(GanlensError, match="more than 100,000 pixels together"):
        read_frames(BytesIO(content), 100_000)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[" * 10**5, "9" * 5000, "", "{"]
)
def test_json_that_is_not_strict_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 any text: who reads the file says which
        loads(text)
    with pytest.raises(GanlensError):
        Recipe.from_json(text)


def test_strict_json_is_read_as_json_reads_it() -> None:
    for values in ({"a": [1, -2.5, 1e308, 1e-320, True, None, "é😀"]}, 3, []):
        assert loads(json.dumps(values)) == values
        assert loads(json.dumps(values).encode()) == values
