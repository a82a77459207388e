"""Where things are: what travels with ganlens, and where it may keep what it can make again."""

import os
from pathlib import Path
from typing import Literal

PACKAGE = Path(__file__).resolve().parent


def shipped_folder(kind: Literal["checkpoints", "apps", "assets"]) -> Path:
    """Return the folder of the trained checkpoints, the apps or the data that travel with ganlens.

    In a clone, checkpoints and apps lie beside the package; in a wheel they lie inside it, as
    ``_checkpoints`` and ``_apps``. The folder of a kind that was left out need not exist.
    """
    if kind == "assets":
        return PACKAGE / "assets"
    inside = PACKAGE / f"_{kind}"
    return inside if inside.is_dir() else PACKAGE.parent / kind


def cache_folder() -> Path:
    """Return the folder for decoded data and fetched weights; it need not exist yet.

    ``$GANLENS_CACHE`` if set, else ``$XDG_CACHE_HOME/ganlens``, else ``~/.cache/ganlens``.
    """
    if own := os.environ.get("GANLENS_CACHE"):
        return Path(own).expanduser()
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root).expanduser() if root else Path.home() / ".cache") / "ganlens"
