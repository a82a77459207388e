"""Packed images read as the files that they stand for."""

from pathlib import Path

import numpy as np
import pytest
from pack_data import pack
from PIL import Image

from ganlens.data import ImageSet, open_data
from ganlens.data.cache import Store
from ganlens.data.embedded import embedded_source
from ganlens.data.encoded import open_bytes
from ganlens.data.packed import PackedTree
from ganlens.errors import GanlensError


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the one of the embedded data."""
    monkeypatch.setattr("ganlens.data.embedded.shipped_folder", lambda _: tmp_path)
    return tmp_path


def opened(assets: Path) -> ImageSet:
    return open_data("pixelfaces", cache=assets / "cache")


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_each_image_reads_as_a_file(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = {f"{name}.png": pixel for name, pixel in zip("badc", pixels(4, *shape), strict=True)}
    pack(tmp_path / "x.zip", images)
    tree = PackedTree(tmp_path / "x.zip")
    assert list(tree.sizes) == ["a.png", "b.png", "c.png", "d.png"]
    for name, pixel in images.items():
        np.testing.assert_array_equal(np.asarray(open_bytes(tree.read(name))), pixel)


def test_it_opens_as_the_folder_of_the_same_files_does(assets: Path) -> None:
    images = {f"{s}/{i // 4}/{i}.png": x for i, (s, x) in enumerate(_split(pixels(12, 16, 16)))}
    pack(assets / "pixelfaces.zip", images)
    for name, pixel in images.items():
        (assets / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixel).save(assets / "files" / name)
    packed, files = opened(assets), open_data(str(assets / "files"), cache=assets / "cache")
    assert packed.fingerprints == files.fingerprints
    assert packed.bounds == files.bounds == {"train": (0, 8), "test": (8, 12)}
    assert packed.names.tolist() == files.names.tolist()
    assert packed.class_names == files.class_names == ("0", "1", "2")


def test_its_table_is_read(assets: Path) -> None:
    images = {f"{i}.png": pixel for i, pixel in enumerate(pixels(3, 16, 16, 3))}
    table = [{"filename": name, "split": "test", "hair": "a, b"} for name in images]
    pack(assets / "pixelfaces.zip", images, table)
    assert opened(assets).attributes["hair"].tolist() == ["a, b"] * 3


def test_new_content_is_decoded_anew(assets: Path) -> None:
    images = {f"{i}.png": pixel for i, pixel in enumerate(pixels(3, 16, 16, 3))}
    pack(assets / "pixelfaces.zip", images)
    before = opened(assets)
    pack(assets / "pixelfaces.zip", {name: 255 - pixel for name, pixel in images.items()})
    assert opened(assets).fingerprint != before.fingerprint


def test_an_open_data_set_is_not_unpacked_again(
    assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(assets / "pixelfaces.zip", {f"{i}.png": x for i, x in enumerate(pixels(3, 16, 16, 3))})
    opened(assets)
    monkeypatch.delattr(PackedTree, "sizes")
    assert len(opened(assets)) == 3


def test_a_missing_file_is_an_installation_to_mend(assets: Path) -> None:
    with pytest.raises(GanlensError, match=r"pixelfaces\.zip is missing: install ganlens anew"):
        embedded_source("pixelfaces")
    assert embedded_source("digits").content(Store(assets).remember) == "digits"


def _split(images: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [("test" if i % 3 == 2 else "train", image) for i, image in enumerate(images)]
