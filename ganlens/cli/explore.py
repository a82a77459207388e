"""``ganlens explore``: start the Streamlit explorer that travels with ganlens."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg

from ganlens.errors import GanlensError
from ganlens.places import shipped_folder

Roots = Annotated[UseAppendAction[tuple[Path, ...]], arg(metavar="DIR")]
Specs = Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="SPEC")]
# What every page needs takes seconds to import. That begins while Streamlit starts and the browser
# opens its window; without it the first visitor would wait for it. Ctrl-C while Streamlit itself is
# imported ends all at once, the other thread included.
START = """
import os, sys, threading
try:
    threading.Thread(target=__import__, args=("ganlens.report",), daemon=True).start()
    from streamlit.web.cli import main
except KeyboardInterrupt:
    os._exit(130)
sys.argv[0] = "streamlit"
sys.exit(main())
"""
Port = Annotated[int, arg(metavar="PORT")]


def explore(root: Roots = (), data: Specs = (), port: Port = 8501, browser: bool = True) -> int:
    """Open the explorer in a browser; Ctrl-C stops it.

    Args:
        root: folder with checkpoints to offer besides the shipped ones; may be given again.
        data: images to offer besides the embedded ones; may be given again.
        port: where it listens, on this machine only.
        browser: open a browser window.
    """
    app = shipped_folder("apps") / "explorer.py"
    if not app.is_file():
        raise GanlensError(f"the explorer is not at {app}: install ganlens again")
    if not 1 <= port <= 65_535:
        raise GanlensError(f"--port {port} is out of range: give 1024 to 65535")
    for folder in root:
        if not folder.is_dir():
            raise GanlensError(f"--root {folder} is not a folder: name one that holds checkpoints")
    words = [word for folder in root for word in ("--root", str(folder))]
    words += [word for spec in data for word in ("--data", spec)]
    words += _trust_words()
    return become([*streamlit(app, port, browser), "--", *words])


def _trust_words() -> list[str]:
    """Return the ``--module`` and ``--trust`` of this command; without them nothing is imported."""
    declared = sys.modules.get("ganlens.models.imported.trust")  # the import takes seconds
    found: list[str] = [] if declared is None else declared.trust_words()
    return found


def streamlit(app: Path, port: int, browser: bool) -> list[str]:
    """Return the command that starts a Streamlit app on this machine only."""
    options = {
        "server.port": port,
        "server.address": "localhost",
        "server.headless": str(not browser).lower(),
        "server.showEmailPrompt": "false",  # it would wait for an answer on the first start
        "browser.gatherUsageStats": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-c", START, "run", str(app), *flags]


def become(command: list[str]) -> int:
    """Run a command in the place of this process, so that whoever ends this one ends that one."""
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.call(command)
