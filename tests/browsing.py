"""The explorer in a headless Chromium: how tests start it, visit it and read its pixels."""

import io
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import ganlens
from ganlens import images
from ganlens.cli.explore import streamlit
from ganlens.latents import Seeds
from ganlens.recipe import Recipe, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).parents[1]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on the PATH: install Debian's package"
)
MARKS = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
    NEEDS_CHROMIUM,
]


@contextmanager
def explorer(words: Sequence[str]) -> Iterator[str]:
    """Start the explorer on a free port with these options; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = streamlit(ROOT / "apps" / "explorer.py", port, browser=False)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path}
    process = subprocess.Popen(
        [*command, "--server.fileWatcherType=none", "--", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    base = f"http://localhost:{port}"
    try:
        _wait(f"{base}/_stcore/health")
        yield base
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer")


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Start a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def visit(browser: "Browser", server: str, path: str, checkpoint: Path, **address: Any) -> "Page":
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(120_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.asked = asked  # type: ignore[attr-defined]
    label = f"{checkpoint.parent.name}/{checkpoint.name}"
    query = "&".join(f"{k}={v}" for k, v in {"checkpoint": label, **address}.items())
    page.goto(f"{server}/{path}?{query}")
    settled(page)
    return page


def settled(page: "Page", quiet: int = 500) -> None:
    """Wait until the app has drawn its page and no script has run for so many milliseconds."""
    page.locator("h1").first.wait_for()
    page.evaluate("window.quietSince = null")
    page.wait_for_function(
        """([ready, quiet]) => {
            if (!document.querySelector(ready)) window.quietSince = null
            else window.quietSince ??= performance.now()
            return window.quietSince && performance.now() - window.quietSince > quiet
        }""",
        arg=[READY, quiet],
        polling=50,
    )


def shown(page: "Page", alt: str) -> np.ndarray:
    """Return the pixels of the picture with this text, as the browser fetches them."""
    picture = page.get_by_alt_text(alt).first
    picture.wait_for(timeout=120_000)
    url = picture.get_attribute("src")
    response = page.request.get(url if url.startswith("http") else page.url.split("/", 3)[0])
    assert response.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(response.body())))


def expected(checkpoint: Path, seed: int, count: int = 64, columns: int = 8) -> np.ndarray:
    subject = ganlens.load(checkpoint)
    seeds = Seeds(tuple(range(seed, seed + count)))
    return render(subject, Recipe.of(subject, seeds, columns=columns))


def assert_same_pixels(picture: np.ndarray, sheet: np.ndarray) -> None:
    """The picture is the sheet, each pixel repeated a whole number of times."""
    scale = picture.shape[1] // sheet.shape[1]
    np.testing.assert_array_equal(picture, images.enlarge(sheet, scale))
