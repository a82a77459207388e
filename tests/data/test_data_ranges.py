"""What stored values mean: concluded from all of them, said, or refused."""

from pathlib import Path

import numpy as np
import pytest

from ganlens.data import open_data
from ganlens.data.ranges import Range, concluded, to_bytes
from ganlens.errors import GanlensError

BYTES = np.random.default_rng(3).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


def opened(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return open_data(str(tmp_path / "a.npz"), cache=tmp_path / "cache")


def refusal(tmp_path, **arrays) -> str:
    with pytest.raises(GanlensError) as refused:
        opened(tmp_path, **arrays)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def in_order(data):
    return np.asarray(data.images)[np.argsort(data.names)]


def with_one(values: np.ndarray, value: float) -> np.ndarray:
    changed = values.copy()
    changed[7, 3, 4, 1] = value
    return changed


UNIT = (BYTES / 255).astype(np.float32)
SIGNED = (BYTES / 127.5 - 1).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (UNIT, BYTES),
        (with_one(UNIT, -1e-6), with_one(BYTES, 0)),
        (with_one(UNIT, 1.0000002), with_one(BYTES, 255)),
        (with_one(UNIT, -0.3), with_one(BYTES, 0)),
        (with_one(UNIT, 4.0), with_one(BYTES, 255)),
        (with_one(UNIT, 200.0), with_one(BYTES, 255)),
        (with_one(SIGNED, -1.0000001), with_one(BYTES, 0)),
        (with_one(SIGNED, 1.7), with_one(BYTES, 255)),
        (BYTES.astype(np.float32), BYTES),
        (with_one(BYTES.astype(np.float64), 255.4), with_one(BYTES, 255)),
        (with_one(BYTES.astype(np.float64), -7.5), with_one(BYTES, 0)),
    ],
)
def test_one_value_decides_nothing(tmp_path, values, expected):
    np.testing.assert_array_equal(in_order(opened(tmp_path, images=values)), expected)


def test_what_was_concluded_and_clipped_is_said(tmp_path):
    (note,) = opened(tmp_path, images=with_one(UNIT, -0.3)).notes
    assert "taken as [0, 1]" in note
    assert "-0.3" in note
    assert "clipped" in note
    assert opened(tmp_path, images=BYTES).notes == ()


def test_ringing_of_resampling_is_clipped():
    rng = np.random.default_rng(0)
    edge = rng.random((30, 16, 16, 1)) < 0.02
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        values = low + (high - low) * (BYTES[:30, ..., :1] / 255)
        values[edge] = low - 0.1 * (high - low)
        found = concluded([values])
        assert (found.black, found.white) == (low, high)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_bits_in_sixteen(tmp_path, bits):
    top = 2**bits - 1
    values = np.random.default_rng(1).integers(0, top + 1, (10, 16, 16)).astype(np.uint16)
    values[0, 0, 0] = top
    data = opened(tmp_path, images=values)
    np.testing.assert_array_equal(
        in_order(data)[..., 0], np.floor(values / top * 255 + 0.5).astype(np.uint8)
    )
    assert f"taken as {bits} bits" in data.notes[-1]


def test_a_hot_pixel_does_not_make_twelve_bits_sixteen(tmp_path):
    values = np.random.default_rng(1).integers(0, 4096, (40, 16, 16)).astype(np.uint16)
    values[5, 5, 5] = 65535
    data = opened(tmp_path, images=values)
    assert "taken as 12 bits" in data.notes[-1]
    assert "clipped" in data.notes[-1]
    assert in_order(data).mean() == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16, np.int8])
def test_zeros_and_ones_are_black_and_white(tmp_path, dtype):
    bits = (BYTES[..., 0] > 100).astype(dtype)
    data = opened(tmp_path, images=bits)
    np.testing.assert_array_equal(in_order(data)[..., 0], bits.astype(np.uint8) * 255)
    assert "black and white" in data.notes[-1]


def test_bytes_in_wider_integers(tmp_path):
    data = opened(tmp_path, images=BYTES.astype(np.uint16))
    np.testing.assert_array_equal(in_order(data), BYTES)
    assert "taken as bytes" in data.notes[-1]


@pytest.mark.parametrize(
    "values",
    [
        BYTES // 16,  # four bits in eight
        (BYTES // 16).astype(np.float64),  # scikit-learn's digits
        UNIT * 100,
        (UNIT - 0.45) / 0.225,  # standardised
        SIGNED * 3,
        SIGNED / 2,  # centred, or of low contrast
        UNIT / 255,  # divided twice
        BYTES.astype(np.int16) - 128,
        BYTES.astype(np.int32) * 16,
        0.5 - (np.arange(4800).reshape(1, 40, 40, 3) == 7) * 1.4,  # one picture, one dark value
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_the_choice(tmp_path, values):
    said = refusal(tmp_path, images=values)
    assert "save an array 'range' of two numbers" in said
    low, high = float(values.min()), float(values.max())
    data = opened(tmp_path, images=values, range=np.array([low, high]))
    expected = np.clip(np.rint((values.astype(float) - low) * 255 / (high - low)), 0, 255)
    assert np.abs(in_order(data).astype(int) - expected).max() <= 1
    assert "declares" in data.notes[-1]


@pytest.mark.parametrize("span", [[1, 0], [0, np.nan], [0, 1, 2], ["a", "b"], [3, 3]])
def test_a_range_that_is_none_is_refused(tmp_path, span):
    assert "range" in refusal(tmp_path, images=UNIT, range=np.array(span))


def test_blocks_do_not_change_the_conclusion(monkeypatch):
    whole = concluded([with_one(UNIT, -0.3)])
    for size in (1, 100, 5000):
        monkeypatch.setattr("ganlens.data.scan.BLOCK", size)
        assert concluded([with_one(UNIT, -0.3)]) == whole
        assert concluded([with_one(UNIT, -0.3)[:9], UNIT[9:]]) == whole


def test_values_that_are_not_finite_are_no_values():
    values = with_one(UNIT, np.nan)
    values[3, 0, 0, 0] = -np.inf
    found = concluded([values])
    assert (found.black, found.white) == (0, 1)


def test_rounding_is_to_the_nearest_level():
    levels = np.arange(65536, dtype=np.uint16)[:, None, None]
    np.testing.assert_array_equal(
        to_bytes(levels, Range(0, 65535))[:, 0, 0], (np.arange(65536) + 128) // 257
    )


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_picture_is_one_picture(tmp_path, channels):
    pixels = np.full((32, 24, channels), 255, np.uint8)
    pixels[..., 0] = np.arange(24) * 10
    data = opened(tmp_path, images=pixels)
    assert len(data) == 1
    assert "taken as one picture" in data.notes[0]


def test_labels_tell_many_thin_pictures_from_one(tmp_path):
    data = opened(tmp_path, images=BYTES[0], labels=np.arange(16))
    assert len(data) == 16


def test_a_shape_that_can_be_read_in_two_ways_is_refused(tmp_path):
    assert "3 channels or 3 grey" in refusal(tmp_path, images=np.zeros((3, 32, 32), np.uint8))
    assert "can be read as" in refusal(tmp_path, images=np.zeros((9, 4, 4, 4), np.uint8))
    both = refusal(tmp_path, images=BYTES, train_images=BYTES)
    assert "could all be the images" in both


@pytest.mark.parametrize(
    ("arrays", "splits"),
    [
        ({"x_train": 30, "y_train": 0, "x_test": 10, "y_test": 0}, {"train": 30, "test": 10}),
        ({"train_images": 20, "val_images": 6, "test_images": 4, "train_labels": 0,
          "val_labels": 0, "test_labels": 0}, {"train": 20, "val": 6, "test": 4}),
        ({"X_Training": 25, "X_valid": 5}, {"train": 25, "test": 5}),
    ],
)  # fmt: skip
def test_splits_by_the_names_of_arrays(tmp_path, arrays, splits):
    counts = [n for n in arrays.values() if n]
    starts = np.cumsum([0, *counts])
    stored, part = {}, 0
    for name, count in arrays.items():
        if count:
            stored[name] = BYTES[starts[part] : starts[part] + count]
            part += 1
    for index, name in enumerate(n for n, count in arrays.items() if not count):
        stored[name] = np.arange(counts[index])[:, None] % 3
    data = opened(tmp_path, **stored)
    assert {s: last - first for s, (first, last) in data.bounds.items()} == splits
    assert data.split_source == "declared"
    assert "read the arrays" in data.notes[0]
    if any(not count for count in arrays.values()):
        assert data.class_names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.arange(40)[:, None] % 4, ("0", "1", "2", "3")),
        (np.eye(3, dtype=np.float32)[np.arange(40) % 3], ("0", "1", "2")),
        (np.arange(40) % 2 == 0, ("0", "1")),
        (np.arange(40) % 3 * 1.0, ("0", "1", "2")),
        (np.array([b"cat", b"dog"] * 20), ("cat", "dog")),
        (np.arange(40) % 11, tuple(map(str, range(11)))),
    ],
)
def test_labels_as_people_have_them(tmp_path, labels, names):
    data = opened(tmp_path, images=BYTES, labels=labels)
    assert data.class_names == names
    rows = np.argsort(data.names)
    flat = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1)
    if flat.dtype.kind != "S":
        np.testing.assert_array_equal(data.labels[rows], flat.astype(int))


def test_flags_become_attributes(tmp_path):
    flags = np.random.default_rng(0).integers(0, 2, (40, 5))
    flags[0] = 1
    data = opened(tmp_path, images=BYTES, labels=flags)
    column = data.attributes["label3"][np.argsort(data.names)]
    assert column.tolist() == [str(flag) for flag in flags[:, 3]]


@pytest.mark.parametrize("name", ["arr_0", "data", "X", "samples", "pixels"])
def test_the_one_array_is_the_images(tmp_path, name):
    data = opened(tmp_path, **{name: BYTES})
    np.testing.assert_array_equal(in_order(data), BYTES)
    assert name in data.notes[0]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases from practice are not here")
def test_the_cases_from_practice(tmp_path):
    opened = {path.stem: open_data(str(path), cache=tmp_path) for path in CASES.glob("npz/*.npz")}
    plain = in_order(opened["b16_f01"]).astype(int)
    for name in ("b16_f01_tinyneg", "b16_f01_over"):
        assert (in_order(opened[name]) != plain).sum() <= 1
    assert opened["b16_medmnist"].split_source == "declared"
    assert opened["b16_lab_n1"].class_names == ("0", "1", "2", "3")
    assert len(opened["b16_arr0"]) == 40
