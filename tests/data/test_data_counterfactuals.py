"""Counterfactuals: each differs from its original where it says, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from ganlens.data import Counterfactuals, ImageSet, counterfactuals, open_data
from ganlens.errors import GanlensError

COLOURS = {"sky": "b6e3f4", "lilac": "c0aede", "rose": "ffd5dc", "sand": "ffdfbf"}


@pytest.fixture(scope="module")
def faces() -> ImageSet:
    return open_data("pixelfaces", "test")


@pytest.fixture(scope="module")
def changed() -> ImageSet:
    return open_data("pixelfaces-pairs")


@pytest.fixture(scope="module")
def pairs(changed: ImageSet, faces: ImageSet) -> Counterfactuals:
    return counterfactuals(changed, faces)


def test_they_are_of_the_first_400_test_faces(
    pairs: Counterfactuals, changed: ImageSet, faces: ImageSet
) -> None:
    assert np.unique(pairs.originals).tolist() == list(range(400))
    assert faces.names[pairs.originals].tolist() == changed.attributes["of"].tolist()


def test_every_other_value_of_an_attribute_is_there_once(
    pairs: Counterfactuals, faces: ImageSet
) -> None:
    made = set(zip(pairs.originals.tolist(), pairs.attribute, pairs.after, strict=True))
    expected = {
        (row, name, value)
        for name in ("background", "glasses", "hair_color", "mouth")
        for row in range(400)
        for value in faces.values[name]
        if value != faces.attributes[name][row]
    }
    assert len(pairs.originals) == len(expected) == 4000
    assert made == expected


def test_the_tables_differ_in_the_changed_attribute_alone(
    pairs: Counterfactuals, changed: ImageSet, faces: ImageSet
) -> None:
    for name, column in faces.attributes.items():
        now, before, meant = (
            changed.attributes[name],
            column[pairs.originals],
            pairs.attribute == name,
        )
        np.testing.assert_array_equal(now[~meant], before[~meant])
        np.testing.assert_array_equal(now[meant], pairs.after[meant])
        np.testing.assert_array_equal(before[meant], pairs.before[meant])
    assert (pairs.before != pairs.after).all()


def test_the_images_differ(pairs: Counterfactuals, changed: ImageSet, faces: ImageSet) -> None:
    assert (changed.images != faces.images[pairs.originals]).any((1, 2, 3)).all()


def test_another_background_shows_only_where_the_background_did(
    pairs: Counterfactuals, changed: ImageSet, faces: ImageSet
) -> None:
    """A pixel moves from one colour towards the other by the share of it that is background."""
    rows = np.flatnonzero(pairs.attribute == "background")
    colours = {name: np.array(list(bytes.fromhex(code))) for name, code in COLOURS.items()}
    after, before = (np.stack([colours[v] for v in c[rows]]) for c in (pairs.after, pairs.before))
    line = (after - before)[:, None, None].astype(float)
    moved = changed.images[rows].astype(float) - faces.images[pairs.originals[rows]]
    share = (moved * line).sum(-1, keepdims=True) / (line**2).sum(-1, keepdims=True)
    assert share.min() >= 0
    assert share.max() <= 1
    assert np.abs(moved - share * line).max() < 2  # grey levels: both images are rounded


@pytest.mark.parametrize(("attribute", "low", "high"), [("mouth", 15, 24), ("glasses", 5, 21)])
def test_parts_of_the_face_change_in_their_place(
    attribute: str, low: int, high: int, pairs: Counterfactuals, changed: ImageSet, faces: ImageSet
) -> None:
    rows = np.flatnonzero(pairs.attribute == attribute)
    touched = (changed.images[rows] != faces.images[pairs.originals[rows]]).any((0, 2, 3))
    assert (np.flatnonzero(touched)[[0, -1]] == [low, high]).all()  # lines from the top


def test_a_selection_is_paired_like_the_whole(changed: ImageSet, faces: ImageSet) -> None:
    assert len(changed.select("attribute=glasses & value=dark & mouth=smile")) > 50
    found = counterfactuals(changed, open_data("pixelfaces"))
    names = open_data("pixelfaces").names[found.originals]
    assert names.tolist() == changed.attributes["of"].tolist()


def test_joined_with_the_faces_they_are_the_test_images() -> None:
    data = open_data("train=pixelfaces,test=pixelfaces-pairs")
    assert data.bounds == {"train": (0, 10_000), "test": (10_000, 14_000)}
    assert set(data.part("train").attributes["of"].tolist()) == {""}


def test_what_cannot_be_paired_is_refused(changed: ImageSet, faces: ImageSet) -> None:
    with pytest.raises(GanlensError, match=r"400 originals .* are not in the train split"):
        counterfactuals(changed, open_data("pixelfaces", "train"))
    with pytest.raises(GanlensError, match="'pixelfaces' has no attribute 'of', 'attribute', 'val"):
        counterfactuals(faces, changed)
    bare = replace(faces, attributes={})
    with pytest.raises(GanlensError, match=r"'background', 'glasses', .*: give pixelf"):
        counterfactuals(changed, bare)
