"""Tiles in labelled rows and columns: no wider than a page, every pixel a square."""

import numpy as np
import pytest

from ganlens.panels import ROOM
from ganlens.probes.tiles import GAP, labelled

SIDE = 96  # 32 pixels, each three wide


def pictures(count, side=32):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 3, 7, 8, 13, 24])
def test_a_sheet_is_no_wider_than_a_page_and_its_blocks_are_alike(count):
    rows = [("a made picture, untrained", pictures(count)), ("real", pictures(count))]
    sheet = labelled([f"layer.act:{i}" for i in range(count)], rows)
    assert sheet.shape[1] <= ROOM
    block = labelled(["one"], [(what, x[:1]) for what, x in rows]).shape[0]
    assert sheet.shape[0] % block == 0
    columns = (sheet.shape[1] + GAP) // (SIDE + GAP)
    wrapped = sheet.shape[0] // block
    assert (wrapped - 1) * columns < count <= wrapped * columns


@pytest.mark.parametrize("side", range(20, 49))
def test_what_is_said_of_the_rows_counts_as_width(side):
    sheet = labelled(["unit"] * 24, [("highest real image", pictures(24, side))])
    assert sheet.shape[1] <= ROOM


def test_seven_units_and_what_is_said_of_them_stand_in_one_block():
    rows = [(what, pictures(7)) for what in ("maximised", "highest real image", "untrained")]
    assert labelled(["hair_color=black"] * 7, rows).shape[0] < 2 * 3 * SIDE


def test_pictures_are_enlarged_by_repeating_their_pixels():
    x = pictures(1)
    sheet = labelled(["it"], [("what", x)])
    tile = sheet[-GAP - SIDE : -GAP, -SIDE:]
    np.testing.assert_array_equal(tile[1::3, 1::3], x[0])
    np.testing.assert_array_equal(tile, np.kron(x[0], np.ones((3, 3, 1), np.uint8)))
