"""Pictures of every page of the explorer, in light and dark, and the page that shows them.

``GANLENS_SCREENSHOTS=1 pytest tests/apps/test_screenshots.py`` (``make screenshots``) takes them
anew; it presses Run on every probe's page, so it takes a while. Otherwise the tests see to it
that no page lacks its pictures, and that one page still looks as its picture says.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browsing import MARKS, READY, ROOT, explorer, settled
from PIL import Image

from ganlens.probes import PROBES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = MARKS
FOLDER = ROOT / "apps" / "screenshots"
TEXT = ROOT / "apps" / "README.md"
OWN = ("latent", "sample", "concepts", "training", "compare", "replay", "overview")
# The overview, among the last, then has findings. No shipped checkpoint has codes yet.
NAMES = (*(name for name in PROBES if name != "codes"), *OWN)
CONDITIONAL = "checkpoint=mnist10k-conditional&data=mnist10k"
SHOWN = {"conditions": CONDITIONAL, "useful": CONDITIONAL}
THEMES = ("light", "dark")
WIDTH, HEIGHT = 1280, 1400
TAKE = bool(os.environ.get("GANLENS_SCREENSHOTS"))


@pytest.fixture(scope="module")
def shipped() -> Iterator[str]:
    """The address of an explorer that offers the shipped checkpoints."""
    with explorer([]) as address:
        yield address


def opened(browser: "Browser", address: str, name: str, theme: str) -> "Page":
    page = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme=theme,  # type: ignore[arg-type]
    ).new_page()
    page.set_default_timeout(1_500_000)  # one trains many classifiers
    path = "" if name == "overview" else name
    page.goto(f"{address}/{path}?{SHOWN.get(name, 'checkpoint=pixelfaces')}")
    settled(page)
    if name in PROBES:
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_text("Took").first.wait_for()
        settled(page)
    page.locator(READY).wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")  # loads its code
    page.wait_for_timeout(1500)
    return page


def take(page: "Page", file: Path) -> None:
    """Save what is seen; a palette of 128 colours keeps the file small."""
    page.screenshot(path=file)
    with Image.open(file) as image:
        small = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(file, optimize=True)


@pytest.mark.skipif(not TAKE, reason="set GANLENS_SCREENSHOTS=1 to take the pictures anew")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_taken(browser: "Browser", shipped: str, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    for theme in THEMES:  # the second finds the result of the first on the shelf
        take(opened(browser, shipped, name, theme), FOLDER / f"{name}-{theme}.png")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", NAMES)
def test_every_page_has_its_picture(name: str, theme: str) -> None:
    file = FOLDER / f"{name}-{theme}.png"
    assert f"screenshots/{file.name}" in TEXT.read_text("utf-8")
    with Image.open(file) as image:
        assert image.size == (WIDTH, HEIGHT)
        grey = np.asarray(image.convert("L"))
    assert (grey.mean() > 128) == (theme == "light")
    assert grey.std() > 5, "it is not blank"


def test_the_canvas_looks_as_its_picture_says(browser: "Browser", shipped: str) -> None:
    page = opened(browser, shipped, "latent", "light")
    now = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))
    kept = np.asarray(Image.open(FOLDER / "latent-light.png").convert("L"))
    assert now.shape == kept.shape
    alike = np.abs(now.astype(int) - kept) < 40
    assert alike.mean() > 0.9, "take the pictures anew: make screenshots"
