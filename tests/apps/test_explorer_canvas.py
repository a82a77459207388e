"""The canvas of the explorer: one recipe, taken apart into widgets and put together again."""

import io
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_explorer import opened, said, started, tiny  # noqa: F401

import ganlens
from ganlens.directions import sefa
from ganlens.edits import Move, Silence, Truncate
from ganlens.errors import GanlensError
from ganlens.latents import Rows, Seeds
from ganlens.packing import pack, unpack
from ganlens.recipe import Recipe

pytestmark = pytest.mark.filterwarnings("default")


def upload(content: bytes, name: str = "x.png") -> Any:
    return SimpleNamespace(name=name, size=len(content), getvalue=lambda: content)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def huge_png(side: int) -> bytes:
    """A PNG of a few kilobytes whose header promises side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_an_address_holds_the_whole_recipe(tiny: dict[str, str], started: Any) -> None:  # noqa: F811
    subject = ganlens.load(started[0], "cpu")
    direction = sefa(subject.generator, 1)[0]
    edits = (Truncate(0.5), direction.move(subject.prior, [1.75]), Silence("block1.conv", (0,)))
    recipe = Recipe.of(subject, Rows.of(subject.latents([3]) * 0.9), edits=edits, columns=1)
    app = opened("latent", recipe=pack(recipe), **tiny)
    assert not app.exception
    assert not app.error
    values = {slider.label: slider.value for slider in app.slider}
    assert values["Truncation"] == 0.5
    assert values["sefa 1"] == 1.75
    assert values["sefa 2"] == 0
    assert any("silence block1" in button.label.replace("\\", "") for button in app.button)
    again = unpack(app.query_params["recipe"])
    assert again.latents == recipe.latents
    assert again.edits == recipe.edits


def test_a_browser_that_forgets_what_was_set_shows_it_as_the_default(
    tiny: dict[str, str], started: Any,  # noqa: F811
) -> None:  # fmt: skip
    """A widget that the browser mounts twice starts from its default and sends that back."""
    subject = ganlens.load(started[0], "cpu")
    edits = (Truncate(0.5), sefa(subject.generator, 1)[0].move(subject.prior, [1.75]))
    recipe = Recipe.of(subject, Seeds((4,)), edits=edits, columns=1)
    latent = opened("latent", recipe=pack(recipe), **tiny)
    assert [s.proto.default for s in latent.slider] == [[s.value] for s in latent.slider]
    assert latent.number_input[0].proto.default == 4
    for page in ("sample", "compare"):
        app = opened(page, seed="7", **tiny)
        asked = app.number_input(key="seed")
        assert asked.proto.default == asked.value == 7
        assert [b.proto.default for b in app.sidebar.selectbox] == [
            b.options.index(b.value) for b in app.sidebar.selectbox
        ]


def test_what_a_slider_cannot_show_is_kept(tiny: dict[str, str], started: Any) -> None:  # noqa: F811
    subject = ganlens.load(started[0], "cpu")
    far = sefa(subject.generator, 1)[0].move(subject.prior, [9.0])
    foreign = Move.along(subject.latents([1])[0], name="sefa 1")
    recipe = Recipe.of(subject, Seeds((4,)), edits=(far, foreign), columns=1)
    app = opened("latent", recipe=pack(recipe), **tiny)
    assert unpack(app.query_params["recipe"]).edits == (far, foreign)
    remove = [button for button in app.button if button.label.startswith("Remove")]
    assert len(remove) == 2
    remove[0].click().run()
    assert unpack(app.query_params["recipe"]).edits == (foreign,)


def test_sliders_and_seed_make_the_recipe(tiny: dict[str, str]) -> None:  # noqa: F811
    app = opened("latent", **tiny)
    next(s for s in app.slider if s.label == "sefa 2").set_value(-1.5).run()
    app.number_input(key="canvas-seed").set_value(8).run()
    recipe = unpack(app.query_params["recipe"])
    assert recipe.latents == Seeds((8,))
    assert [(edit.name, edit.amounts) for edit in recipe.edits] == [("sefa 2", (-1.5,))]
    app.button(key="canvas-move-sefa 2-reset").click().run()
    assert unpack(app.query_params["recipe"]).edits == ()
    assert not app.exception


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hash": "0" * 64}, "needs checkpoint"),
        ({"latents": {"kind": "seeds", "seeds": [1, 2]}}, "the canvas shows one"),
        ({"latents": {"kind": "rows", "rows": [[1.0, 2.0]]}}, "coordinates"),
        ({"edits": [{"kind": "silence", "layer": "../x", "channels": [0]}]}, "layer '../x'"),
        ({"edits": [{"kind": "project"}] * 70}, "at most 64"),
    ],
)
def test_a_recipe_that_does_not_fit_is_one_line(
    change: dict[str, Any],
    words: str,
    tiny: dict[str, str],  # noqa: F811
    started: Any,  # noqa: F811
) -> None:
    subject = ganlens.load(started[0], "cpu")
    values = Recipe.of(subject, Seeds((1,))).to_json() | change
    app = opened("latent", recipe=pack(Recipe.from_json(values)), **tiny)
    assert words in said(app)


def test_a_board_keeps_the_clicks_that_the_server_has_not_heard_of(started: Any) -> None:  # noqa: F811
    from board import Tiles

    tiles = Tiles(np.zeros((2, 4, 4, 3), np.uint8), ("one", "two"))
    data = {marks: tiles.data("a", "mark", ("", "yes"), marks) for marks in (("", ""), ("", "yes"))}
    tokens = {content["token"] for content in data.values()}
    assert len(tokens) == 1, (
        "the script draws a board anew, with the server's marks, at a new token"
    )
    assert data[("", "yes")]["marks"] == ["", "yes"]
    assert tiles.data("b", "mark", ("", "yes"))["token"] not in tokens, "cleared: another board"


def test_a_board_takes_nothing_on_trust(started: Any) -> None:  # noqa: F811
    from board import _box

    assert _box({"tile": 1, "box": [0, 2, 5, 9]}, 4, 16, 16) == (1, (0, 2, 5, 9))
    for bad in (
        None, 7, {"tile": 4, "box": [0, 0, 5, 5]}, {"tile": 0}, {"tile": 0, "box": [0, 0, 5]},
        {"tile": 0, "box": [5, 0, 5, 5]}, {"tile": 0, "box": [0, 0, 17, 5]},
        {"tile": 0, "box": [0, 0, 1e9, 5]}, {"tile": True, "box": [0, 0, 5, 5]},
        {"tile": 0, "box": ["0", 0, 5, 5]}, {"tile": -1, "box": [0, 0, 5, 5]},
    ):  # fmt: skip
        assert _box(bad, 4, 16, 16) is None, bad


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\x80\x04\x95\x10\x00\x00\x00cos\nsystem\n", "cannot be used"),
        (huge_png(20_000), "pixels"),
        (huge_png(5_000), "25,000,000 pixels and at most 16,000,000"),
        (png(Image.new("RGB", (40, 40), "red"))[:-30], "cannot be used"),
        (b"PK\x03\x04" + b"\0" * 1000, "cannot be used"),
    ],
    ids=["empty", "pickle", "20000 px", "5000 px", "truncated", "zip"],
)
def test_a_hostile_upload_is_one_line(content: bytes, words: str, started: Any) -> None:  # noqa: F811
    from uploads import as_input

    with pytest.raises(GanlensError, match=words) as caught:
        as_input(upload(content, "../../x.png"), (3, 16, 16))
    assert "\n" not in str(caught.value)


def test_an_upload_is_too_large_before_it_is_opened(started: Any) -> None:  # noqa: F811
    from uploads import MOST_BYTES, checked

    def never() -> bytes:
        raise AssertionError("it was read")

    with pytest.raises(GanlensError, match="bytes and at most"):
        checked(SimpleNamespace(name="x.png", size=MOST_BYTES + 1, getvalue=never))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16", "CMYK"])
def test_an_upload_of_any_mode_becomes_an_input(mode: str, started: Any) -> None:  # noqa: F811
    from uploads import as_input

    image = Image.fromarray(np.arange(30 * 50, dtype=np.uint16).reshape(30, 50))
    given = image if mode == "I;16" else Image.new("RGB", (50, 30), "red").convert(mode)
    buffer = io.BytesIO()
    given.save(buffer, "TIFF")
    x, prepared = as_input(upload(buffer.getvalue(), "x.tiff"), (3, 16, 16))
    assert x.shape == (1, 3, 16, 16)
    assert x.abs().max() <= 1
    assert (prepared.n, prepared.not_square, prepared.reduced) == (1, 1, 1)


def test_a_pickle_renamed_is_not_offered_as_a_checkpoint(
    started: tuple[Path, Path],  # noqa: F811
    tiny: dict[str, str],  # noqa: F811
) -> None:
    evil = started[0].parent / "evil"
    evil.mkdir(exist_ok=True)
    marker = started[0].parent / "ran"
    (evil / "model.safetensors").write_bytes(
        b"cposix\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR."
    )
    try:
        app = opened("", **tiny)
        assert not app.exception
        assert not any("evil" in option for option in app.sidebar.selectbox[0].options)
        assert not marker.exists()
    finally:
        (evil / "model.safetensors").unlink()
        evil.rmdir()
