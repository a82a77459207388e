"""The explorer in a real browser: pixels, the address, downloads, and no request elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browsing import MARKS, assert_same_pixels, expected, settled, shown, visit
from PIL import Image

import ganlens
from ganlens import images
from ganlens.recipe import Recipe, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAMPLES = "64 generated images"

pytestmark = MARKS


def test_overview_shows_the_samples(browser: "Browser", server: str, tiny_checkpoint: Path) -> None:
    page = visit(browser, server, "", tiny_checkpoint)
    assert_same_pixels(shown(page, SAMPLES), expected(tiny_checkpoint, 0))
    box = page.locator('[data-testid="stImage"] img').first.bounding_box()
    assert box is not None
    assert box["width"] % expected(tiny_checkpoint, 0).shape[1] == pytest.approx(0, abs=0.01)
    style = "e => getComputedStyle(e).imageRendering"
    assert page.locator('[data-testid="stImage"] img').first.evaluate(style) == "pixelated"
    outside = [
        url
        for url in page.asked  # type: ignore[attr-defined]
        if "//localhost" not in url and not url.startswith(("data:", "blob:"))
    ]
    assert outside == [], "the explorer works without a network"


def test_a_seed_travels_by_its_address(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "sample", tiny_checkpoint)
    field = page.get_by_role("spinbutton", name="First seed")
    field.fill("321")
    field.press("Enter")
    page.wait_for_function("location.search.includes('seed=321')")
    settled(page)
    alt = "seeds 321 to 384"
    assert_same_pixels(shown(page, alt), expected(tiny_checkpoint, 321))
    other = browser.new_context().new_page()
    other.goto(page.url)
    settled(other)
    np.testing.assert_array_equal(shown(other, alt), shown(page, alt))


def test_a_download_replays(
    browser: "Browser", server: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    page = visit(browser, server, "sample", tiny_checkpoint, seed=7)
    drawn = shown(page, "seeds 7 to 70")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the samples as PNG").click()
    path = tmp_path / "picture.png"
    download.value.save_as(path)
    pixels = np.asarray(Image.open(path))
    recipe = Recipe.from_json(images.read_recipe(path))
    np.testing.assert_array_equal(render(ganlens.load(tiny_checkpoint), recipe), pixels)
    np.testing.assert_array_equal(pixels, drawn)


def test_a_probe_runs_and_its_page_can_be_left(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "interpolate", tiny_checkpoint)
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator('[data-testid="stImage"] img').first.wait_for()
    settled(page)
    assert shown(page, "rows of").std() > 0
    page.get_by_role("link", name="Overview").click()
    page.wait_for_function("location.pathname === '/'")
    settled(page)
    assert_same_pixels(shown(page, SAMPLES), expected(tiny_checkpoint, 0))
    page.wait_for_function("location.search.includes('checkpoint=')")
    assert page.get_by_text("Traceback").count() == 0


def test_a_film_plays_holds_still_and_can_be_taken_away(
    browser: "Browser", server: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    page = visit(browser, server, "interpolate", tiny_checkpoint)
    page.get_by_role("button", name="Run", exact=True).click()
    film, switch = page.locator(".film"), page.locator(".film input")
    film.locator("img.moving").wait_for()
    settled(page)
    assert not film.locator("img.still").is_visible()
    assert film.locator("img.moving").evaluate("one => one.naturalWidth") == 16
    switch.check()
    assert film.locator("img.still").is_visible()
    assert not film.locator("img.moving").is_visible()
    page.emulate_media(reduced_motion="reduce")
    assert film.locator("img.moving").is_visible(), "the switch now says: play"
    switch.uncheck()
    assert film.locator("img.still").is_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download WebP").click()
    download.value.save_as(tmp_path / "film.webp")
    recipe = Recipe.from_json(images.read_recipe(tmp_path / "film.webp"))
    again = render(ganlens.load(tiny_checkpoint, "cpu"), recipe)
    assert_same_pixels(np.concatenate(images.read_frames(tmp_path / "film.webp")), again)


def test_a_link_to_settings_brings_them_back(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    from playwright.sync_api import expect

    page = visit(browser, server, "interpolate", tiny_checkpoint)
    field = page.get_by_role("spinbutton", name="per leg")
    field.fill("4")
    field.press("Enter")
    page.wait_for_function("location.search.includes('interpolate-per-leg=4')")
    other = browser.new_context().new_page()
    other.goto(page.url)
    settled(other)
    expect(other.get_by_role("spinbutton", name="per leg")).to_have_value("4", timeout=60_000)


@pytest.mark.parametrize("name", ["../../etc/passwd", "%2e%2e%2f%2e%2e"])
def test_a_hostile_address_is_one_line(
    browser: "Browser", server: str, tiny_checkpoint: Path, name: str
) -> None:
    page = visit(browser, server, "sample", tiny_checkpoint)  # a server that has run a page
    page.goto(f"{server}/sample?checkpoint={name}&data={name}&seed=-4")
    warning = page.get_by_text("There is no checkpoint of the name in the address")
    warning.wait_for()
    page.get_by_alt_text("seeds 0 to 63").wait_for()
    settled(page)
    assert warning.count() == 1
    assert page.get_by_text("Traceback").count() == 0
