"""Where things are: what travels with ganlens, and where it may keep what it can make again."""

import os
from pathlib import Path
from typing import Literal

from ganlens.errors import GanlensError

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

    Raises:
        GanlensError: this user has no home, as an unknown user of a container.
    """
    if own := os.environ.get("GANLENS_CACHE"):
        return expanded(own)
    return expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "ganlens"


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder in the place of a leading ``~`` or ``~USER``.

    Raises:
        GanlensError: there is no such user, or this one has no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0].removeprefix("~")
        who = f"user {user!r}" if user else "this user, and HOME is not set"
        raise GanlensError(
            f"{str(path)!r} cannot be found: no home folder is known of {who}; write the path out,"
            " or set GANLENS_CACHE to the folder for what is kept"
        ) from error
