"""Every mode of Pillow, to the exact pixels that the table in decode.py promises."""

import io
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlens.data.decode import Target, canonical, decode, fit
from ganlens.data.encoded import open_bytes

SIDE = 20
rng = np.random.default_rng(0)
RGB = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
GREY = rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
ALPHA = rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def encode(image: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def decoded(content: bytes, size: int = SIDE, channels: int = 3, upscale: bool = False):
    return decode(partial(open_bytes, content), Target(size, channels, upscale))


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The closed form, in float64."""
    exact = (colour.astype(float) * alpha + 255.0 * (255 - alpha)) / 255
    return np.floor(exact + 0.5).astype(np.uint8)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_rgb_is_taken_as_it_is(form):
    found = decoded(encode(Image.fromarray(RGB), form))
    np.testing.assert_array_equal(found.pixels, RGB)
    assert not found.grey


def test_lossless_webp_is_taken_as_it_is():
    found = decoded(encode(Image.fromarray(RGB), "WEBP", lossless=True))
    np.testing.assert_array_equal(found.pixels, RGB)


def test_jpeg_is_what_pillow_decodes():
    content = encode(Image.fromarray(RGB), "JPEG", quality=90)
    expected = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(decoded(content).pixels, expected)


def test_grey_gives_one_channel_or_three_equal_ones():
    content = encode(Image.fromarray(GREY))
    np.testing.assert_array_equal(decoded(content, channels=1).pixels[..., 0], GREY)
    np.testing.assert_array_equal(decoded(content).pixels, np.repeat(GREY[..., None], 3, 2))
    assert decoded(content).grey


def test_one_channel_of_colour_is_luma():
    weights = np.array([299, 587, 114]) / 1000
    found = decoded(encode(Image.fromarray(RGB)), channels=1).pixels[..., 0]
    assert np.abs(found - RGB @ weights).max() <= 0.51


def test_one_bit_is_black_and_white():
    bits = GREY > 128
    found = decoded(encode(Image.fromarray(bits)), channels=1)
    np.testing.assert_array_equal(found.pixels[..., 0], bits * np.uint8(255))
    assert found.grey


def test_alpha_is_laid_over_white():
    content = encode(Image.fromarray(np.dstack([RGB, ALPHA])))
    np.testing.assert_array_equal(decoded(content).pixels, over_white(RGB, ALPHA[..., None]))


def test_grey_alpha_stays_grey_over_white():
    found = decoded(encode(Image.fromarray(np.dstack([GREY, ALPHA]), mode=None)), channels=1)
    np.testing.assert_array_equal(found.pixels[..., 0], over_white(GREY, ALPHA))
    assert found.grey


@given(st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_alpha_rounds_exactly(colour, alpha):
    image = Image.fromarray(np.full((1, 1, 4), [colour, colour, colour, alpha], np.uint8))
    expected = over_white(np.array(colour), np.array(alpha))
    assert np.asarray(canonical(image))[0, 0].tolist() == [int(expected)] * 3


def test_palette_gives_its_colours():
    image = Image.fromarray(RGB).quantize(16)
    expected = np.asarray(image.convert("RGB"))
    for form in ("PNG", "GIF"):
        np.testing.assert_array_equal(decoded(encode(image, form)).pixels, expected)


def test_transparent_palette_entry_is_white():
    image = Image.fromarray((GREY % 3).astype(np.uint8), "L").convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    expected = np.array([[10, 20, 30], [255, 255, 255], [70, 80, 90]], np.uint8)[GREY % 3]
    np.testing.assert_array_equal(decoded(encode(image, transparency=1)).pixels, expected)


def test_transparent_colour_of_rgb_and_grey_is_white():
    colour = RGB.copy()
    colour[3, 4] = 1, 2, 3
    found = decoded(encode(Image.fromarray(colour), transparency=(1, 2, 3)))
    colour[3, 4] = 255
    np.testing.assert_array_equal(found.pixels, colour)
    grey = GREY // 2
    grey[3, 4] = 200
    found = decoded(encode(Image.fromarray(grey), transparency=200), channels=1)
    grey[3, 4] = 255
    np.testing.assert_array_equal(found.pixels[..., 0], grey)
    assert found.grey


def test_cmyk_is_ink_subtracted():
    ink = np.dstack([RGB, ALPHA // 4])
    content = encode(Image.fromarray(ink, "CMYK"), "TIFF")
    # Pillow's formula: what each ink leaves, times what black leaves.
    light = 255 - ink[..., :3].astype(float)
    expected = light * (255 - ink[..., 3:].astype(float)) / 255
    assert np.abs(decoded(content).pixels - expected).max() <= 1


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(form):
    values = np.linspace(0, 65535, SIDE * SIDE).astype(np.uint16).reshape(SIDE, SIDE)
    found = decoded(encode(Image.fromarray(values), form), channels=1)
    expected = np.round(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(found.pixels[..., 0], expected)
    assert found.pixels.max() == 255
    assert found.grey


def test_float_grey_in_unit_range_is_scaled_and_other_floats_are_refused():
    unit = (GREY / 255).astype(np.float32)
    found = decoded(encode(Image.fromarray(unit), "TIFF"), channels=1)
    np.testing.assert_array_equal(found.pixels[..., 0], GREY)
    found = decoded(encode(Image.fromarray(unit * 2), "TIFF"), channels=1)
    assert found.pixels is None
    assert "outside [0, 1]" in found.reason


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.transpose(1, 0, 2)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: np.rot90(x, 2).transpose(1, 0, 2)),
        (8, np.rot90),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_exif_rotation(orientation, upright, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    content = encode(Image.fromarray(RGB), form, exif=exif, **options)
    np.testing.assert_array_equal(decoded(content).pixels, upright(RGB))


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animated_gives_its_first_frame(form):
    first = np.zeros((SIDE, SIDE, 3), np.uint8)
    frames = [Image.fromarray(first + shade) for shade in (40, 90, 200)]
    options = {"lossless": True} if form == "WEBP" else {}
    content = encode(frames[0], form, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decoded(content).pixels, first + 40)


@pytest.mark.parametrize(("width", "height"), [(20, 31), (31, 20), (20, 20), (21, 20)])
def test_the_centre_square_is_cut_out(width, height):
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    left, top = (width - 20) // 2, (height - 20) // 2
    found = fit(Image.fromarray(pixels), Target(20, 3, True))
    np.testing.assert_array_equal(found, pixels[top : top + 20, left : left + 20])


def test_nothing_outside_of_the_square_leaks_into_it():
    pixels = np.full((32, 96, 3), 255, np.uint8)
    pixels[:, 32:64] = 0
    assert fit(Image.fromarray(pixels), Target(16, 3, True)).max() == 0


def test_reducing_does_not_alias():
    """A fine checkerboard becomes its mean; dropping pixels would leave black or white."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    inner = fit(Image.fromarray(board), Target(16, 1, True))[2:-2, 2:-2]
    assert np.abs(inner.astype(float) - 127.5).max() < 2


def test_too_small_is_left_out_unless_enlarged():
    content = encode(Image.fromarray(RGB))
    found = decoded(content, size=32)
    assert found.pixels is None
    assert found.reason == "20x20 px is smaller than 32 px"
    assert min(found.source) == 20
    expected = np.asarray(Image.fromarray(RGB).resize((32, 32), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(decoded(content, size=32, upscale=True).pixels, expected)


def test_digest_is_of_pixels_not_of_files():
    same = [encode(Image.fromarray(RGB), form) for form in ("PNG", "BMP", "TIFF")]
    digests = {decoded(content, size).digest for content in same for size in (8, SIDE)}
    assert len(digests) == 1
    changed = RGB.copy()
    changed[0, 0, 0] ^= 1
    assert decoded(encode(Image.fromarray(changed))).digest not in digests
    as_rgb = Image.fromarray(GREY).convert("RGB")
    assert decoded(encode(Image.fromarray(GREY))).digest == decoded(encode(as_rgb)).digest


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"not an image at all", "not an image that pillow can read"),
        (encode(Image.fromarray(RGB))[:200], "trunc"),
        (encode(Image.fromarray(RGB), "JPEG")[:300], "trunc"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image that pillow can read"),
    ],
)
def test_what_cannot_be_decoded_has_a_one_line_reason(content, reason):
    found = decoded(content)
    assert found.pixels is None
    assert reason in found.reason.lower()
    assert "0x" not in found.reason


@given(st.integers(0, 2000), st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_damage_never_raises(place, noise):
    for form in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"):
        content = encode(Image.fromarray(RGB), form)
        place %= len(content)
        found = decoded(content[:place] + noise + content[place + len(noise) :])
        assert (found.pixels is None) == bool(found.reason)


def test_a_decompression_bomb_is_a_reason(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (11, 40):  # a warning in Pillow, then an error
        found = decoded(encode(Image.fromarray(RGB).resize((side, side))), size=8)
        assert found.reason == "more than 100 pixels (PIL.Image.MAX_IMAGE_PIXELS)"
