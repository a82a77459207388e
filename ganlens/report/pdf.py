"""A report as PDF, printed by a Chromium where there is one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ganlens.errors import GanlensError
from ganlens.files import write_bytes

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 180  # seconds; a report with many figures takes some
DRAWING = 20_000  # milliseconds of the page's own time, in which its figures are drawn


def find_browser() -> Path:
    """Return the Chromium on the PATH.

    Raises:
        GanlensError: there is none.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    raise GanlensError(
        f"no browser that prints is on the PATH ({', '.join(BROWSERS)}): install Debian's "
        "`chromium`, or print report.html from a browser of your own"
    )


def write_pdf(page: Path, browser: Path) -> Path:
    """Print an HTML page; the PDF lies beside it under the same name.

    Raises:
        GanlensError: the browser fails, or takes longer than ``PATIENCE`` seconds.
    """
    out = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / out.name
        command = [
            str(browser),
            "--headless",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--virtual-time-budget={DRAWING}",
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={made}",
            page.resolve().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium's sandbox refuses to run as root
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
            content = made.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise GanlensError(
                f"{browser} could not print {page} ({type(error).__name__}): print it from a "
                "browser of your own"
            ) from error
    write_bytes(out, content)
    return out
