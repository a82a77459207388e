"""The explorer: time to the first picture, and from a slider's release to a new canvas.

The server runs as visitors meet it, on a free port, and a headless Chromium visits it. Server time
is what Streamlit's script runner takes for one rerun of the canvas, from the message of the browser
to the last element sent: it is read inside the server, so a slow browser does not count. Pictures
are compared with those that the library draws, so that a mix-up between sessions would be seen.

    python benchmarks/explorer.py [--changes 50] [--sessions 8]
"""

import argparse
import io
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

import ganlens
from ganlens.checkpoints import Header, save_checkpoint
from ganlens.cli.explore import streamlit
from ganlens.images import enlarge
from ganlens.models import build
from ganlens.models.dcgan import preset
from ganlens.packing import unpack
from ganlens.recipe import render

ROOT = Path(__file__).parents[1]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Runs `ganlens explore`'s server with one change: each rerun's duration is written down.
TIMED = """
import json, sys, time
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

log, run = open(sys.argv.pop(1), "a", buffering=1), ScriptRunner._run_script

def timed(self, data):
    start = time.perf_counter()
    try:
        return run(self, data)
    finally:
        kind = "fragment" if data.fragment_id_queue or data.fragment_id else "page"
        print(json.dumps([kind, time.perf_counter() - start]), file=log)

ScriptRunner._run_script = timed
"""


class Server:
    """The explorer on a free port, with a log of its reruns."""

    def __init__(self, folder: Path, root: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "reruns.jsonl"
        self.log.touch()
        python, flag, start, *words = streamlit(ROOT / "apps/explorer.py", self.port, browser=False)
        command = [python, flag, TIMED + start, str(self.log), *words]
        command += ["--server.fileWatcherType=none"]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [*command, "--", "--root", str(root)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the explorer did not start")

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://localhost:{self.port}"

    def reruns(self, skip: int = 0) -> list[float]:
        """Return the seconds of each rerun of a fragment, after the first ``skip``."""
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [seconds for kind, seconds in rows if kind == "fragment"][skip:]

    def memory(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(60)


def first_picture(browser: Any, server: Server) -> float:
    """Return the seconds from opening the explorer's address to samples of the shipped GAN."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page, start = context.new_page(), time.perf_counter()
    page.set_default_timeout(120_000)
    page.goto(server.address)
    page.locator('[data-testid="stImage"] img').first.wait_for()
    seconds = time.perf_counter() - start
    page.locator(READY).wait_for()
    context.close()
    return seconds


class Visitor:
    """One browser session on the canvas page."""

    def __init__(self, browser: Any, server: Server, label: str, seed: int) -> None:
        self.page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        self.page.set_default_timeout(120_000)
        start = time.perf_counter()
        self.page.goto(f"{server.address}/latent?checkpoint={label}&seed={seed}")
        self.page.get_by_alt_text("the canvas").first.wait_for()
        self.first_canvas = time.perf_counter() - start
        self.page.locator(READY).wait_for()
        self.page.wait_for_timeout(500)

    def change(self, step: int) -> None:
        """Move the first direction's slider by one step: up, up, down, up, up, down ..."""
        key = "ArrowLeft" if step % 3 == 2 else "ArrowRight"
        self.page.get_by_role("slider", name="sefa 1").press(key)

    def settled(self) -> None:
        """Wait until the server has answered."""
        self.page.wait_for_timeout(250)
        self.page.locator(READY).wait_for()

    def right(self, subject: ganlens.Subject) -> bool:
        """Tell whether the canvas shows what its own address says."""
        self.page.wait_for_timeout(500)
        recipe = unpack(parse_qs(urlsplit(self.page.url).query)["recipe"][0])
        url = self.page.get_by_alt_text("the canvas").first.get_attribute("src")
        shown = np.asarray(Image.open(io.BytesIO(self.page.request.get(url).body())))
        sheet = render(subject, recipe)
        return np.array_equal(shown, enlarge(sheet, shown.shape[1] // sheet.shape[1]))


def checkpoint(root: Path, size: int) -> Path:
    """Save an untrained DCGAN: its pictures cost as much as those of a trained one."""
    config = preset("torch", size=size)
    generator, discriminator = build("dcgan", asdict(config), 0).values()
    prior = {"kind": generator.prior.kind, "dim": generator.prior.dim}
    networks = {"generator": generator, "discriminator": discriminator}
    folder = root / f"dcgan{size}"
    return save_checkpoint(folder, Header("dcgan", asdict(config), prior), networks, {})


def spread(seconds: list[float]) -> str:
    """Describe times in milliseconds."""
    ordered = sorted(1000 * one for one in seconds)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    middle = statistics.median(ordered)
    return f"median {middle:.0f} ms, 95th percentile {high:.0f} ms (n {len(ordered)})"


def measure(browser: Any, folder: Path, root: Path, size: int, changes: int, sessions: int) -> None:
    """Time one size: first picture, one session, and several at once."""
    saved = checkpoint(root, size)
    subject, label = ganlens.load(saved, "cpu"), f"{root.name}/{saved.name}"
    server = Server(folder, root)
    try:
        just_started, warm = (first_picture(browser, server) for _ in range(2))
        print(f"first picture: {just_started:.1f} s, server just started; {warm:.1f} s, warm")
        one = Visitor(browser, server, label, seed=1)
        print(f"{size} px: first canvas {one.first_canvas:.1f} s")
        for step in range(changes):
            one.change(step)
            one.settled()
        print(f"{size} px, one session: {spread(server.reruns())}")
        print(f"{size} px: canvas as the library draws it: {one.right(subject)}")
        before, seen = server.memory(), len(server.reruns())
        crowd = [Visitor(browser, server, label, seed) for seed in range(10, 10 + sessions)]
        for step in range(changes):
            for visitor in crowd:
                visitor.change(step)
            crowd[step % sessions].settled()
        for visitor in crowd:
            visitor.settled()
        print(f"{size} px, {sessions} sessions at once: {spread(server.reruns(seen))}")
        right = sum(visitor.right(subject) for visitor in crowd)
        print(
            f"{size} px: {right} of {sessions} canvases as the library draws them; server memory "
            f"{before:.0f} -> {server.memory():.0f} MiB"
        )
    finally:
        server.stop()


def main() -> None:
    """Measure both sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--sessions", type=int, default=8)
    options = parser.parse_args()
    if (chromium := shutil.which("chromium")) is None:
        raise SystemExit("no chromium on the PATH: install Debian's package")
    from importlib.metadata import version

    from playwright.sync_api import sync_playwright

    print(f"streamlit {version('streamlit')}, {platform.machine()}, {os.cpu_count()} cores")
    with sync_playwright() as api, tempfile.TemporaryDirectory() as folder:
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for size in (32, 64):
            root = Path(folder) / f"roots{size}"
            root.mkdir()
            measure(browser, Path(folder), root, size, options.changes, options.sessions)
            (Path(folder) / "reruns.jsonl").unlink()
        browser.close()


if __name__ == "__main__":
    main()
