"""What people do in the explorer, from the first click to the picture, with pixels checked."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browsing import MARKS, READY, assert_same_pixels, settled, shown, visit
from PIL import Image

import ganlens
from ganlens import images
from ganlens.cli import main
from ganlens.latents import Mix, Seeds, Sum
from ganlens.packing import unpack
from ganlens.recipe import Recipe, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = MARKS
SCALE = 4  # CSS pixels of a picture's pixel on the boards
CANVAS, ORIGINAL = "the canvas", "the picture without edits"


def recipe_of(page: "Page") -> Recipe:
    from urllib.parse import parse_qs, urlsplit

    return unpack(parse_qs(urlsplit(page.url).query)["recipe"][0])


def drawn(checkpoint: Path, recipe: Recipe) -> np.ndarray:
    return render(ganlens.load(checkpoint, "cpu"), recipe)


def set_slider(page: "Page", label: str, steps: int) -> None:
    handle = page.get_by_role("slider", name=label)
    handle.focus()
    for _ in range(abs(steps)):
        handle.press("ArrowRight" if steps > 0 else "ArrowLeft")
    settled(page)


def click_tile(page: "Page", seed: int, mark: str, cycle: tuple[str, ...]) -> None:
    """Click a tile until it has a mark."""
    for before in ("", *cycle[: cycle.index(mark)]):
        name = f"seed {seed}, marked {before}" if before else f"seed {seed}"
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name=f"seed {seed}, marked {mark}", exact=True).wait_for()


def test_a_slider_moves_the_picture_and_its_address_shares_it(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "latent", tiny_checkpoint, seed=5)
    before = shown(page, CANVAS)
    np.testing.assert_array_equal(before, shown(page, ORIGINAL))
    set_slider(page, "sefa 1", 8)
    page.wait_for_function("document.body.innerText.includes('with 1 edit.')")
    recipe = recipe_of(page)
    assert recipe.latents == Seeds((5,))
    assert [edit.amounts for edit in recipe.edits] == [(2.0,)]
    moved = shown(page, CANVAS)
    assert (moved != before).any()
    assert_same_pixels(moved, drawn(tiny_checkpoint, recipe))
    other = browser.new_context().new_page()
    other.goto(page.url)
    settled(other)
    assert shown(other, CANVAS).tobytes() == moved.tobytes()
    assert float(other.get_by_role("slider", name="sefa 1").input_value()) == 2
    page.get_by_role("button", name="Reset all").click()
    page.wait_for_function("document.body.innerText.includes('From seed 0, with 0 edits')")
    page.get_by_role("button", name="2 steps ago", exact=False).click()
    page.wait_for_function("document.body.innerText.includes('with 1 edit.')")
    np.testing.assert_array_equal(shown(page, CANVAS), moved)


def test_exemplars_that_are_clicked_are_calculated_with(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "latent", tiny_checkpoint, tool="Calculate with samples")
    cycle = ("A", "B", "C")
    for seed, mark in ((3, "A"), (4, "A"), (9, "B"), (12, "C")):
        click_tile(page, seed, mark, cycle)
    page.get_by_role("button", name="Put A - B + C on the canvas").click()
    page.wait_for_function("document.body.innerText.includes('From a sum of samples')")
    total = Sum.mean([3, 4]) + Sum.mean([9], -1) + Sum.mean([12])
    assert recipe_of(page).latents == Mix((total,))
    assert_same_pixels(shown(page, CANVAS), drawn(tiny_checkpoint, recipe_of(page)))


def test_labels_by_clicking_give_a_boundary_with_a_slider(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "concepts", tiny_checkpoint)
    subject = ganlens.load(tiny_checkpoint, "cpu")
    bright = subject.generate(subject.latents(range(24))).mean((1, 2, 3)).numpy().argsort()
    for seed in bright[-6:].tolist():
        click_tile(page, seed, "yes", ("yes", "no"))
    for seed in bright[:6].tolist():
        click_tile(page, seed, "no", ("yes", "no"))
    page.get_by_text("6 yes, 6 no").wait_for()
    page.get_by_role("button", name="Learn it").click()
    page.get_by_text("Scorer, held-out AUC").wait_for()
    settled(page)
    page.get_by_role("button", name="Give it a slider").click()
    settled(page)
    page.get_by_role("link", name="Move a picture").click()
    page.get_by_role("slider", name="my concept").wait_for()
    settled(page)
    set_slider(page, "my concept", 4)
    page.wait_for_function("document.body.innerText.includes('with 1 edit.')")
    assert recipe_of(page).edits[0].name == "my concept"
    assert_same_pixels(shown(page, CANVAS), drawn(tiny_checkpoint, recipe_of(page)))


def test_a_dropped_picture_comes_back_as_a_latent(
    browser: "Browser", server: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    subject = ganlens.load(tiny_checkpoint, "cpu")
    target = render(subject, Recipe.of(subject, Seeds((77,))))
    images.write_png(tmp_path / "mine.png", target)
    page = visit(browser, server, "latent", tiny_checkpoint, tool="Your own picture")
    page.locator('input[type="file"]').set_input_files(tmp_path / "mine.png")
    page.get_by_role("button", name="Put it on the canvas").click()
    page.wait_for_function("document.body.innerText.includes('From a latent that was found')")
    found = shown(page, CANVAS)
    assert_same_pixels(found, drawn(tiny_checkpoint, recipe_of(page)))
    gap = np.abs(drawn(tiny_checkpoint, recipe_of(page)).astype(int) - target).mean()
    assert gap < 3, "its own picture is found again, to a few grey levels of 255"


def test_a_download_of_the_canvas_replays_and_its_command_draws_it(
    browser: "Browser", server: str, tiny_checkpoint: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    page = visit(browser, server, "latent", tiny_checkpoint, seed=11)
    set_slider(page, "sefa 2", -6)
    page.wait_for_function("document.body.innerText.includes('with 1 edit.')")
    pixels = shown(page, CANVAS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    download.value.save_as(tmp_path / "canvas.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "canvas.png")), pixels)
    where = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    assert main(["replay", str(tmp_path / "canvas.png"), *where]) == 0
    assert "identical" in capsys.readouterr().out
    assert main(["draw", page.url, *where, "--out", str(tmp_path / "again.png")]) == 0
    assert_same_pixels(pixels, np.asarray(Image.open(tmp_path / "again.png")))


def test_two_checkpoints_stand_beside_each_other(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "compare", tiny_checkpoint, other="pixelfaces", seed=3)
    seeds = Seeds(tuple(range(3, 39)))
    for checkpoint, label in ((tiny_checkpoint, "/tiny"), ("pixelfaces", "pixelfaces")):
        subject = ganlens.load(checkpoint, "cpu")
        sheet = render(subject, Recipe.of(subject, seeds, columns=6))
        picture = page.get_by_alt_text(f"36 samples of {page_label(checkpoint, label)}")
        assert_same_pixels(shown(page, picture_text(picture)), sheet)


def page_label(checkpoint: Any, label: str) -> str:
    return label if label == "pixelfaces" else f"{checkpoint.parent.name}{label}"


def picture_text(picture: Any) -> str:
    return str(picture.first.get_attribute("alt"))


def test_the_worst_case_of_memorization_opens(
    browser: "Browser", server: str, tiny_checkpoint: Path
) -> None:
    page = visit(browser, server, "neighbors", tiny_checkpoint)
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator('[data-testid="stImage"] img').first.wait_for()
    page.locator(READY).wait_for()
    settled(page)
    assert page.locator('[data-testid="stImage"] img').count() >= 1
    assert page.get_by_text("Traceback").count() == 0


def test_boxes_that_are_drawn_are_forgotten(
    browser: "Browser", server: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    way = "Boxes drawn on samples"
    page = visit(browser, server, "forget", tiny_checkpoint, **{"forget-way": way})
    for seed in range(12):
        tile = page.get_by_role("button", name=f"seed {seed}", exact=True)
        tile.hover(position={"x": 4.5 * SCALE, "y": 5.5 * SCALE})
        page.mouse.down()
        tile.hover(position={"x": 9.5 * SCALE, "y": 8.5 * SCALE})
        page.mouse.up()
    page.get_by_text("12 boxes on 12 of 150 samples", exact=False).wait_for()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the boxes").click()
    download.value.save_as(tmp_path / "boxes.json")
    drawn = json.loads((tmp_path / "boxes.json").read_text("utf-8"))
    assert drawn["boxes"] == [{"seed": s, "box": [4, 5, 10, 9]} for s in range(12)]
    page.get_by_role("button", name="Forget it").click()
    page.get_by_text("Before and after").first.wait_for()
    settled(page)
    assert page.locator('[data-testid="stImage"] img').count() >= 1
    assert page.get_by_text("Traceback").count() == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 50, "damaged"),
        ("eJwDAAAAAAE", "not JSON"),
        ("../../etc/passwd", "damaged"),
    ],
)
def test_a_bad_recipe_in_the_address_is_one_line(
    browser: "Browser", server: str, tiny_checkpoint: Path, text: str, words: str
) -> None:
    page = visit(browser, server, "latent", tiny_checkpoint, recipe=text)
    page.get_by_text("recipe", exact=False).first.wait_for()
    assert page.get_by_text(words, exact=False).count() >= 1
    assert page.get_by_text("Traceback").count() == 0
