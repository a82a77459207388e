"""From a SPEC to an ImageSet: sizes, splits, fingerprints, npz, joined sources, and refusals."""

import io
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ganlens.data import ImageSet, open_data
from ganlens.data.build import content_split
from ganlens.data.packed import PackedTree
from ganlens.data.sizes import native_size
from ganlens.errors import GanlensError

SHARED = Path(__file__).parents[2].parent / "shared"


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def images(root: Path, count: int, side: int = 16, first: int = 0) -> Path:
    for index in range(first, first + count):
        write(root / f"{index:04d}.png", noise(index, side, side, 3))
    return root


def refusal(spec: object, *args, **options) -> str:
    with pytest.raises(GanlensError) as refused:
        open_data(str(spec), *args, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# --- what is embedded ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces() -> ImageSet:
    return open_data("pixelfaces")


def test_pixelfaces(faces):
    assert faces.images.shape == (12000, 32, 32, 3)
    assert faces.image_shape == (3, 32, 32)
    assert faces.bounds == {"train": (0, 10000), "test": (10000, 12000)}
    assert faces.split_source == "declared"
    assert faces.skipped == ()
    numbers = ["tilt", "size", "dx", "dy"]
    assert list(faces.attributes) == [
        *("hair", "hair_color", "skin", "mouth", "glasses", "beard", "eyes", "shirt"),
        *("background", *numbers),
    ]
    numeric = {name for name, column in faces.attributes.items() if column.dtype.kind == "f"}
    assert numeric == set(numbers)


def test_pixelfaces_rows_belong_together(faces):
    """Pixels, names and attributes of a row are those of one line of attributes.csv."""
    tree = PackedTree(Path(__file__).parents[2] / "ganlens/assets/pixelfaces.zip")
    lines = tree.read("attributes.csv").decode().splitlines()
    header, table = lines[0].split(","), {line.split(",")[0]: line for line in lines[1:]}
    for row in (0, 1, 9999, 10000, 11999):
        name = str(faces.names[row])
        stated = dict(zip(header, table[name].split(","), strict=True))
        assert stated["split"] == ("train" if row < 10000 else "test")
        assert faces.attributes["hair"][row] == stated["hair"]
        assert faces.attributes["tilt"][row] == float(stated["tilt"])
        expected = np.asarray(Image.open(io.BytesIO(tree.read(name))))
        np.testing.assert_array_equal(faces.images[row], expected)


def test_pixelfaces_selections_count_like_the_table(faces):
    smiling = faces.select("mouth=smile & hair=long")
    expected = Counter(zip(faces.attributes["mouth"], faces.attributes["hair"], strict=True))
    assert len(smiling) == expected["smile", "long"] > 1000
    assert smiling.dtype == np.int64
    train = faces.part("train")
    assert (
        train.select("tilt>10").tolist() == np.flatnonzero(train.attributes["tilt"] > 10).tolist()
    )
    with pytest.raises(GanlensError, match="choose from frown, neutral, smile"):
        faces.select("mouth=grin")


def test_parts_are_views_and_read_only(faces):
    train, test = faces.part("train"), faces.part("test")
    assert np.shares_memory(train.images, faces.images)
    assert np.shares_memory(test.images, faces.images)
    assert not np.shares_memory(train.images, test.images)
    assert (len(train), len(test)) == (10000, 2000)
    assert (train.split, test.split, faces.split) == ("train", "test", "all")
    assert test.names[0] == faces.names[10000]
    assert test.attributes["skin"][5] == faces.attributes["skin"][10005]
    assert len({faces.fingerprint, train.fingerprint, test.fingerprint}) == 3
    with pytest.raises(ValueError, match="read-only"):
        test.images[0, 0, 0, 0] = 1


def test_a_part_has_only_itself(faces):
    train = faces.part("train")
    assert train.part("train") is train
    assert train.bounds == {"train": (0, 10000)}
    for split in ("test", "all"):
        with pytest.raises(GanlensError, match="open it with split 'all'"):
            train.part(split)
    with pytest.raises(
        GanlensError, match="split 'val' is not known: choose from all, train, test"
    ):
        faces.part("val")
    assert open_data("pixelfaces", "test").fingerprint == faces.part("test").fingerprint


def test_batches_are_float_nchw(faces):
    batch = faces.batch([3, 1])
    assert batch.shape == (2, 3, 32, 32)
    assert batch.dtype == torch.float32
    expected = faces.images[[3, 1]].astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(batch.numpy(), expected, atol=1e-6)
    assert faces.batch(slice(2, 5)).shape[0] == 3
    assert faces.batch(7).shape[0] == 1
    assert faces.batch([]).shape == (0, 3, 32, 32)
    batch.zero_()  # a copy: the cache is untouched
    assert faces.images[3].any()
    sizes = [len(b) for b in faces.part("test").batches(768)]
    assert sizes == [768, 768, 464]
    torch.testing.assert_close(next(iter(faces.batches(4))), faces.batch(range(4)))


def test_digits_are_enlarged_bicubically():
    from sklearn.datasets import load_digits

    data = open_data("digits")
    assert data.images.shape == (1797, 16, 16, 1)
    assert data.class_names == tuple("0123456789")
    assert data.split_source == "hash"
    stored = load_digits()
    for row in (0, 500, 1796):
        index = int(data.names[row])
        assert data.labels[row] == stored.target[index]
        small = Image.fromarray(np.rint(stored.images[index] * 255 / 16).astype(np.uint8))
        large = np.asarray(small.resize((16, 16), Image.Resampling.BICUBIC))
        np.testing.assert_array_equal(data.images[row, :, :, 0], large)
    assert open_data("digits", size=32, channels=3).images.shape == (1797, 32, 32, 3)
    assert open_data("digits", size=8).images.max() == 255


# --- real images --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data/cifar10-test.zip").exists(), reason="no CIFAR-10 zip here")
def test_cifar10_zip():
    path = SHARED / "data/cifar10-test.zip"
    data = open_data(str(path))
    assert data.images.shape == (10000, 32, 32, 3)
    assert data.class_names == (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    assert np.bincount(data.labels).tolist() == [1000] * 10
    assert len(data.select("class=dog | class=cat")) == 2000
    with zipfile.ZipFile(path) as archive:
        expected = np.asarray(Image.open(io.BytesIO(archive.read(str(data.names[77])))))
    np.testing.assert_array_equal(data.images[77], expected)


# --- sizes and channels -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ({32: 10}, 32),
        ({1000: 6, 20: 4}, 1000),
        ({48: 5, 40: 5}, 40),
        ({300: 1, 400: 1, 500: 1, 600: 1}, 256),
        ({70: 1, 80: 1, 90: 1, 300: 1}, 64),
        ({100: 3, 90: 3, 30: 3}, 16),
        ({5: 1, 7: 1, 9: 1}, 5),
        ({}, 16),
    ],
)
def test_native_size(sides, size):
    assert native_size(Counter(sides)) == size


def test_smaller_images_are_listed_or_enlarged(tmp_path):
    root = images(tmp_path / "d", 3, side=32)
    write(root / "small.png", noise(9, 20, 24, 3))
    write(root / "large.png", noise(9, 64, 48, 3))
    data = open_data(str(root))
    assert data.images.shape == (4, 32, 32, 3)
    assert [(s.name, s.reason) for s in data.skipped] == [
        ("small.png", "24x20 px is smaller than 32 px")
    ]
    assert len(open_data(str(root), size=20)) == 5
    enlarged = open_data(str(root), upscale=True)
    assert len(enlarged) == 5
    assert enlarged.skipped == ()


def test_a_size_that_the_data_cannot_give(tmp_path):
    root = images(tmp_path / "d", 2, side=32)
    expected = "size 64 cannot be given by '{}', whose images are 32 px: valid 16 to 32, or enlarge"
    assert expected.format(root) in refusal(root, size=64)
    assert expected.format(root) in refusal(root, size=64)  # the second time from the cache
    write(root / "larger.png", noise(0, 48, 48, 3))
    assert "whose images are 32 to 48 px: valid 16 to 48" in refusal(root, size=64)
    tiny = images(tmp_path / "t", 2, side=8)
    assert "valid 8 or less" in refusal(tiny, size=64)
    assert open_data(str(root), size=64, upscale=True).image_shape == (3, 64, 64)


def test_channels_are_three_unless_every_image_is_grey(tmp_path):
    root = tmp_path / "d"
    for index in range(3):
        write(root / f"{index}.png", noise(index, 16, 16))
    assert open_data(str(root)).image_shape == (1, 16, 16)
    assert open_data(str(root), channels=3).image_shape == (3, 16, 16)
    write(root / "3.png", noise(3, 16, 16, 3))
    assert open_data(str(root)).image_shape == (3, 16, 16)


def test_a_guess_from_few_headers_is_corrected(tmp_path):
    """Colour, and the size of most, where the evenly spread headers miss them."""
    root = tmp_path / "d"
    for index in range(200):
        write(root / f"{index:04d}.png", noise(index, 16, 16))
    looked_at = set(np.linspace(0, 199, 64).astype(int).tolist())
    hidden = [index for index in range(200) if index not in looked_at]
    for index in hidden[:110]:
        write(root / f"{index:04d}.png", noise(index, 20, 20))
    write(root / f"{hidden[0]:04d}.png", noise(0, 20, 20, 3))
    data = open_data(str(root))
    assert data.image_shape == (3, 20, 20)
    assert (len(data), len(data.skipped)) == (110, 90)


# --- what is skipped ----------------------------------------------------------------------------


def test_three_broken_files_among_good_ones_are_listed(tmp_path):
    root = images(tmp_path / "d", 10)
    (root / "empty.png").write_bytes(b"")
    (root / "text.jpg").write_text("this is no image")
    whole = (root / "0000.png").read_bytes()
    (root / "cut.png").write_bytes(whole[: len(whole) // 2])
    data = open_data(str(root))
    assert len(data) == 10
    assert [skip.name for skip in data.skipped] == ["cut.png", "empty.png", "text.jpg"]
    assert all(skip.reason for skip in data.skipped)
    assert open_data(str(root)).skipped == data.skipped  # also from the cache
    said = refusal(root, strict=True)
    assert "3 images cannot be used (cut.png:" in said
    assert "empty.png: empty file" in said


def test_nothing_but_broken_files(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    assert "none of 1 image files can be used (a.png: empty file)" in refusal(tmp_path)


# --- splits and fingerprints --------------------------------------------------------------------


def test_a_split_by_content_ignores_names_sizes_and_formats(tmp_path):
    root = images(tmp_path / "d", 120)
    data = open_data(str(root))
    assert data.split_source == "hash"
    held_out = set(data.part("test").names.tolist())
    assert 3 <= len(held_out) <= 25
    assert list(data.bounds) == ["train", "test"]
    names = data.names.tolist()
    assert names == sorted(names[: data.bounds["test"][0]]) + sorted(held_out)
    assert set(open_data(str(root), "test", size=8).names.tolist()) == held_out
    # Copies under other names, one of them in another format, land where their originals are.
    for name in names:
        shutil.copy(root / name, root / f"z copy of {name}")
        Image.open(root / name).save(root / f"{name}.bmp")
    copies = open_data(str(root)).part("test").names
    assert {name.removeprefix("z copy of ").removesuffix(".bmp") for name in copies} == held_out
    assert len(copies) == 3 * len(held_out)


@given(st.binary(min_size=32, max_size=32))
def test_one_image_in_ten_is_held_out(digest):
    assert (content_split(digest) == "test") == (int.from_bytes(digest[:8], "big") / 2**64 < 0.1)


def test_fingerprints_follow_content_and_settings_only(tmp_path):
    root = images(tmp_path / "d", 12)
    first = open_data(str(root))
    moved = root.rename(tmp_path / "elsewhere")
    again = open_data(str(moved), cache=tmp_path / "another cache")
    assert again.fingerprint == first.fingerprint
    assert open_data(str(moved), size=16, channels=3).fingerprint == first.fingerprint
    prints = {first.fingerprint}
    prints.add(open_data(str(moved), size=8).fingerprint)
    prints.add(open_data(str(moved), channels=1).fingerprint)
    (moved / "attributes.csv").write_text(
        "filename,a\n" + "".join(f"{index:04d}.png,{index}\n" for index in range(12))
    )
    prints.add(open_data(str(moved)).fingerprint)
    (moved / "attributes.csv").unlink()
    assert open_data(str(moved)).fingerprint == first.fingerprint
    assert len(prints) == 4
    write(moved / "more.png", noise(99, 16, 16, 3))
    assert open_data(str(moved)).fingerprint not in prints


@given(st.integers(0, 11), st.integers(0, 63), st.integers(0, 63), st.integers(0, 2))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changed_pixel_changes_the_fingerprint(tmp_path, index, x, y, channel):
    """Even one level of one pixel that cropping or reducing to 16 px hides."""
    root = tmp_path / "pixels"
    for seed in range(12):
        write(root / f"{seed}.png", noise(seed, 64, 70, 3))
    before = open_data(str(root), size=16)
    pixels = noise(index, 64, 70, 3)
    pixels[y, x, channel] ^= 1
    write(root / f"{index}.png", pixels)
    after = open_data(str(root), size=16)
    assert before.fingerprint != after.fingerprint
    changed = [s for s in ("train", "test") if before.fingerprints[s] != after.fingerprints[s]]
    assert changed  # the split that holds it, or both if its new content moved it


def test_folder_and_zip_of_the_same_images_are_the_same_data(tmp_path):
    root = images(tmp_path / "d", 5)
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for path in sorted(root.iterdir()):
            archive.write(path, path.name)
    zipped, plain = open_data(str(tmp_path / "d.zip")), open_data(str(root))
    assert zipped.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(zipped.images, plain.images)


def test_an_empty_split_is_refused_only_when_asked_for(tmp_path):
    pixels = noise(0, 16, 16, 3)
    for name in "abc":  # one content, hence one side
        write(tmp_path / f"{name}.png", pixels)
    data = open_data(str(tmp_path))
    empty = "test" if data.bounds["test"] == (3, 3) else "train"
    with pytest.raises(GanlensError, match=f"has no {empty} images"):
        data.part(empty)


# --- npz ----------------------------------------------------------------------------------------


def npz(path: Path, **arrays) -> str:
    np.savez(path, **arrays)
    return str(path)


PIXELS = noise(5, 7, 16, 16, 3)


def by_name(data: ImageSet) -> np.ndarray:
    return data.images[np.argsort(data.names)]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS.transpose(0, 3, 1, 2), PIXELS),
        (PIXELS[..., 0], PIXELS[..., :1]),
        (PIXELS[..., :1], PIXELS[..., :1]),
        (PIXELS[:, None, :, :, 0], PIXELS[..., :1]),
        (PIXELS / 255, PIXELS),
        ((PIXELS / 127.5 - 1).astype(np.float32), PIXELS),
        ((PIXELS / 255).astype(np.float16), None),
        (PIXELS[..., 0] > 100, (PIXELS[..., :1] > 100) * np.uint8(255)),
        (PIXELS.astype(np.int64), PIXELS),
        (PIXELS.astype(np.uint16) * 257, PIXELS),
        (np.dstack([PIXELS[0], np.full((16, 16), 255, np.uint8)])[None], PIXELS[:1]),
    ],
)
def test_npz_layouts_and_types(tmp_path, stored, expected):
    data = open_data(npz(tmp_path / "a.npz", images=stored))
    if expected is None:  # half precision rounds
        assert np.abs(by_name(data).astype(int) - PIXELS).max() <= 1
    else:
        np.testing.assert_array_equal(by_name(data), expected)
    assert data.labels is None


BYTES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(5), st.just(5), st.just(3)))


@given(BYTES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_npz_round_trip(tmp_path, stored):
    data = open_data(npz(tmp_path / "a.npz", images=stored, range=np.array([0, 255])))
    np.testing.assert_array_equal(by_name(data), stored)


@pytest.mark.parametrize("labels", [np.array([4, 9, 4, 2, 2, 9, 4]), np.array(list("edeccde"))])
def test_npz_labels(tmp_path, labels):
    data = open_data(npz(tmp_path / "a.npz", images=PIXELS, labels=labels))
    names = [data.class_names[k] for k in data.labels[np.argsort(data.names)]]
    assert names == [str(label) for label in labels.tolist()]


def test_npz_values_that_are_not_finite_are_listed(tmp_path):
    stored = PIXELS / 255
    stored[2, 0, 0, 0] = np.nan
    data = open_data(npz(tmp_path / "a.npz", images=stored))
    assert len(data) == 6
    assert [(s.name, s.reason) for s in data.skipped] == [("000002", "a value is not finite")]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"one": PIXELS, "two": PIXELS}, "no array 'images' in it, only one, two"),
        ({"images": PIXELS, "labels": np.zeros(3, int)}, "one per image"),
        ({"images": PIXELS, "labels": np.zeros((7, 2))}, "one per image"),
        ({"images": PIXELS / 100}, "floats in [0, 1] or [-1, 1]"),
        ({"images": PIXELS.astype(int) * 2}, "give uint8"),
        ({"images": PIXELS[0, 0]}, "images of shape (16, 3)"),
        ({"images": np.zeros((2, 5, 5, 5), np.uint8)}, "images of shape (2, 5, 5, 5)"),
        ({"images": PIXELS[:0]}, "found 0 images"),
        ({"images": np.array([{"code": 1}], dtype=object)}, "not a usable .npz file"),
        ({"images": PIXELS, "labels": np.array([{}] * 7, dtype=object)}, "not a usable .npz"),
        ({"images": np.array(["a"])}, "images of shape (1,)"),
    ],
)
def test_bad_npz_is_refused(tmp_path, arrays, said):
    assert said in refusal(npz(tmp_path / "a.npz", **arrays))


def test_an_npz_without_an_array_file_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images", b"no .npy")
    assert "no array 'images' in it, only nothing" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("size", [0, 16.5, "16"])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(GanlensError, match=f"size {size!r} is not valid"):
        open_data("digits", size=size)


def test_broken_npz_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"no zip")
    assert "not a usable .npz file" in refusal(path)
    npz(path, images=PIXELS)
    path.write_bytes(path.read_bytes()[:900])
    assert "not a usable .npz file" in refusal(path)


def test_an_npz_leaves_no_unpacked_copy(tmp_path):
    open_data(npz(tmp_path / "a.npz", images=PIXELS), cache=tmp_path / "cache")
    assert list((tmp_path / "cache/data").glob(".*")) == []


# --- joined sources -----------------------------------------------------------------------------


def test_joined_sources_become_declared_splits(tmp_path):
    for name, first in (("a", 0), ("b", 50)):
        for kind in ("cat", "dog") if name == "a" else ("dog", "owl"):
            images(tmp_path / name / kind, 3, first=first)
            first += 10
    data = open_data(f"train={tmp_path / 'a'},test={tmp_path / 'b'}")
    assert data.split_source == "declared"
    assert data.bounds == {"train": (0, 6), "test": (6, 12)}
    assert data.class_names == ("cat", "dog", "owl")
    assert [data.class_names[k] for k in data.part("test").labels] == ["dog"] * 3 + ["owl"] * 3
    assert data.names[0] == "train/cat/0000.png"
    alone = open_data(str(tmp_path / "b"))
    row = alone.names.tolist().index("owl/0060.png")
    np.testing.assert_array_equal(data.images[9], alone.images[row])


def test_joined_sources_give_their_declared_split(tmp_path):
    images(tmp_path / "a/train", 2)
    images(tmp_path / "a/test", 3, first=10)
    images(tmp_path / "b", 4, first=20)
    data = open_data(f"train={tmp_path / 'a'},test={tmp_path / 'b'}")
    assert [len(data.part(split)) for split in ("train", "test")] == [2, 4]
    data = open_data(f"train={tmp_path / 'b'},test={tmp_path / 'a'}")
    assert [len(data.part(split)) for split in ("train", "test")] == [4, 3]


def test_joined_sources_merge_attributes(tmp_path):
    tables = {"a": "filename,hair,age\n0000.png,long,3\n", "b": "filename,hair\n0001.png,short\n"}
    for index, (name, table) in enumerate(tables.items()):
        images(tmp_path / name, 1, first=index)
        (tmp_path / name / "attributes.csv").write_text(table)
    data = open_data(f"train={tmp_path / 'a'},test={tmp_path / 'b'}")
    assert data.attributes["hair"].tolist() == ["long", "short"]
    np.testing.assert_array_equal(data.attributes["age"], [3, np.nan])


@pytest.mark.parametrize("spec", ["train=digits", "test=digits", "train=,test=digits", "train=a"])
def test_half_a_join_is_refused(spec):
    assert "write train=SPEC,test=SPEC" in refusal(spec)


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("pixelface", "did you mean 'pixelfaces'?"),
        ("Digits", "did you mean 'digits'?"),
        ("torchvison:CIFAR10", "did you mean 'torchvision:CIFAR10'?"),
        ("/no/such/folder", "torchvision:NAME, or the path of a folder"),
        ("", "data '' is not there"),
    ],
)
def test_what_is_not_there(spec, said):
    assert said in refusal(spec)


def test_a_misspelt_path_is_answered_with_the_nearest(tmp_path):
    images(tmp_path / "photographs", 1)
    assert f"did you mean '{tmp_path / 'photographs'}'?" in refusal(tmp_path / "photograhps")


def test_a_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    said = refusal(tmp_path)
    assert f"found 0 images in '{tmp_path}'" in said
    assert ".png .jpg" in said


def test_other_files(tmp_path):
    path = write(tmp_path / "one.png", PIXELS[0])
    assert "is a .png file: give a folder, .zip, .tar or .npz of images" in refusal(path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "held-out"}, "split 'held-out' is not known: choose from all, train, test, val"),
        ({"size": 0}, "size 0 is not valid: give 1 to 4096"),
        ({"size": 10**6}, "size 1000000 is not valid"),
        ({"channels": 4}, "channels 4 is not known: choose from 1, 3"),
    ],
)
def test_bad_settings(options, said):
    assert said in refusal("digits", **options)
