"""Copies of an image over which the linear probe averages features."""

import numpy as np
import pytest
import torch
from fake_subject import fake_subject
from test_linear_controls import image_set

from ganlens.errors import GanlensError
from ganlens.probes.linear import LinearProbe
from ganlens.probes.linear.extract import extract, views

BATCH = torch.rand(3, 2, 7, 9, generator=torch.Generator().manual_seed(0))


def test_without_anything_there_is_the_batch_alone() -> None:
    (only,) = views(BATCH)
    assert torch.equal(only, BATCH)


@pytest.mark.parametrize(("mirror", "shift", "count"), [(True, 0, 2), (False, 2, 9), (True, 2, 18)])
def test_as_many_copies_as_ways_and_the_batch_first(mirror: bool, shift: int, count: int) -> None:
    found = list(views(BATCH, mirror, shift))
    assert len(found) == count
    assert torch.equal(found[0], BATCH)
    assert all(copy.shape == BATCH.shape for copy in found)
    assert len({copy.numpy().tobytes() for copy in found}) == count


def test_copies_are_moved_by_so_many_pixels_all_ways() -> None:
    dot = torch.zeros(1, 1, 9, 9)
    dot[0, 0, 4, 4] = 1
    places = {tuple(copy[0, 0].nonzero()[0].tolist()) for copy in views(dot, shift=2)}
    assert places == {(row, column) for row in (2, 4, 6) for column in (2, 4, 6)}


def test_the_edge_is_filled_with_the_mirror_image() -> None:
    padded = np.pad(BATCH.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)), mode="reflect")
    expected = {
        padded[:, :, top : top + 7, left : left + 9].tobytes()
        for top in (0, 3, 6) for left in (0, 3, 6)
    }  # fmt: skip
    assert {copy.contiguous().numpy().tobytes() for copy in views(BATCH, shift=3)} == expected


@pytest.mark.parametrize("shift", [0, 1, 6])
def test_an_image_and_its_mirror_image_have_the_same_copies(shift: int) -> None:
    ours, theirs = (
        sorted(copy.contiguous().numpy().tobytes() for copy in views(batch, True, shift))
        for batch in (BATCH, BATCH.flip(3))
    )
    assert ours == theirs


def test_features_are_means_over_the_copies() -> None:
    part = image_set().part("test")

    def function(batch: torch.Tensor) -> torch.Tensor:
        return batch.amax((2, 3))  # not linear, and of a place: copies differ

    batch = part.batch(slice(0, len(part)))
    expected = torch.stack([function(copy) for copy in views(batch, True, 2)]).mean(0)
    found = extract(function, part, mirror=True, shift=2)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)
    assert not np.allclose(found, function(batch).numpy())


def test_every_set_of_features_is_averaged_and_the_result_says_so() -> None:
    settings = {"c_grid": (1.0,), "kmeans_k": 4}
    plain, moved = (
        LinearProbe(shift=shift, **settings).run(fake_subject(), image_set()) for shift in (0, 2)
    )
    assert moved.features == plain.features
    assert moved.summary()["shift"] == 2
    captions = [" ".join(panel.caption for panel in one.panels()) for one in (plain, moved)]
    assert "nine copies of each image, moved by 2 px or not at all" in captions[1]
    assert "copies" not in captions[0]


@pytest.mark.parametrize("shift", [-1, 16, 400])
def test_a_shift_out_of_range_is_one_line(shift: int) -> None:
    with pytest.raises(GanlensError, match=f"shift {shift} is (out of range|too small): give"):
        LinearProbe(shift=shift).run(fake_subject(), image_set())
