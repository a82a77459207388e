"""Images that two sets share: exact copies, near ones, and none where there are none."""

import io

import numpy as np
import pytest
from PIL import Image

from ganlens import open_data
from ganlens.data import overlap
from ganlens.errors import GanlensError
from ganlens.stats import Shared, shared_images, thumbnails


def shared(a: np.ndarray, b: np.ndarray) -> Shared:
    return shared_images(
        thumbnails(lambda rows: a[rows], len(a)), thumbnails(lambda rows: b[rows], len(b))
    )


def jpeg(image: np.ndarray, quality: int = 90) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=0)
    return np.asarray(Image.open(file))


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.array(open_data("pixelfaces", "train").images[:1500])


def test_equal_copies_are_counted_with_their_places(faces: np.ndarray) -> None:
    base, others = faces[:1000], faces[1000:].copy()
    others[[3, 50, 499]] = base[[700, 0, 999]]
    found = shared(others, base)
    assert (found.n, found.equal, found.near) == (500, 3, 0)
    assert found.rows.tolist() == [[3, 700], [50, 0], [499, 999]]


@pytest.mark.parametrize("kind", ["noise", "jpeg", "half the size and back"])
def test_near_copies_are_found_and_others_are_not(faces: np.ndarray, kind: str) -> None:
    base, copies = faces[:1000], faces[:100].copy()
    rng = np.random.default_rng(0)
    if kind == "noise":
        copies = np.clip(copies + rng.normal(0, 5, copies.shape), 0, 255).astype(np.uint8)
    elif kind == "jpeg":
        copies = np.stack([jpeg(one) for one in copies])
    else:
        copies = np.stack([
            np.asarray(Image.fromarray(one).resize((64, 64), Image.Resampling.BICUBIC).resize(
                (32, 32), Image.Resampling.LANCZOS)) for one in copies
        ])  # fmt: skip
    found = shared(np.concatenate([copies, faces[1000:]]), base)
    assert (found.equal, found.near) == (0, 100)
    assert found.rows.tolist() == [[row, row] for row in range(100)]


def test_a_set_holds_itself_and_order_does_not_matter(faces: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(300)
    found = shared(faces[:300][order], faces[:300])
    assert found.equal == 300
    assert np.array_equal(found.rows[:, 1], order)


def test_sides_of_honest_data_share_nothing() -> None:
    data = open_data("pixelfaces")
    found = overlap(data.part("test"), data.part("train"))
    assert found.count == 0
    assert 5 < found.radius < 8  # a fifth of how far its images are from each other


def test_one_image_and_flat_images() -> None:
    flat = np.full((4, 8, 8, 1), 7, np.uint8)
    assert shared(flat, flat[:1]).equal == 4
    assert shared(flat, flat[:1] + np.uint8(1)).count == 0
    with pytest.raises(GanlensError, match="1 and 3 channels"):
        shared(flat, np.repeat(flat, 3, axis=-1))


def test_a_set_in_which_all_stand_twice_hides_no_near_copies(faces: np.ndarray) -> None:
    base = faces[:300]
    rng = np.random.default_rng(0)
    copies = np.clip(base[:50] + rng.normal(0, 3, base[:50].shape), 0, 255).astype(np.uint8)
    for times in (2, 3):
        found = shared(copies, np.concatenate([base] * times))
        assert (found.equal, found.near, found.radius) == (0, 50, shared(copies, base).radius)


def test_no_images_are_one_line() -> None:
    with pytest.raises(GanlensError, match="at least 1"):
        thumbnails(lambda rows: np.zeros((0, 8, 8, 3), np.uint8)[rows], 0)
