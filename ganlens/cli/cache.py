"""``ganlens cache``: what decoded images and features take on the disk, and room when wanted."""

from typing import Annotated, Any

from tyro.conf import arg

from ganlens.cache import Cached, cached, remove
from ganlens.cli.flags import Json
from ganlens.cli.terminal import check_free, console, rows_table, write_json
from ganlens.errors import GanlensError
from ganlens.places import cache_folder

Days = Annotated[float, arg(metavar="DAYS")]
COLUMNS = ("what", "kind", "images", "px", "MB", "days idle")


def cache(
    clear: bool = False, older_than: Days = 0, downloads: bool = False, json: Json = None
) -> None:
    """List what the cache holds ($GANLENS_CACHE), or make room in it.

    Decoded images, features and the classifiers that read attributes are made again when they are
    next asked for, and whoever has them open keeps them; downloads have to be fetched again, and
    are only removed on request. What is just being made is left alone.

    Args:
        clear: remove decoded images, features and classifiers.
        older_than: only what was not opened for so many days.
        downloads: with --clear, remove torchvision's downloads too.
    """
    check_free(json, force=False)
    if not older_than >= 0:  # NaN too
        raise GanlensError(f"--older-than {older_than} is not valid: give 0 days or more")
    if downloads and not clear:
        raise GanlensError("--downloads says what to remove: add --clear")
    root = cache_folder()
    found = [item for item in cached(root) if item.idle >= older_than]
    if clear:
        found = [item for item in found if downloads or not item.download]
        for item in found:
            remove(item)
    entries = [_entry(item) for item in found]
    write_json(json, {"folder": str(root), "removed": clear, "kept": entries})
    screen = console(json)
    if found:
        rows = [(e["what"], e["kind"], e["images"], e["size"], e["megabytes"], e["days_idle"])
                for e in entries]  # fmt: skip
        screen.print(rows_table("", COLUMNS, rows))
    total = sum(item.bytes for item in found) / 1e6
    verb = "removed from" if clear else "in"
    screen.print(f"{len(found)} entries, {total:,.1f} MB {verb} {root}", soft_wrap=True)


def _entry(item: Cached) -> dict[str, Any]:
    return {
        "what": item.what or None,
        "kind": item.kind,
        "images": item.images,
        "size": item.size,
        "megabytes": round(item.bytes / 1e6, 1),
        "days_idle": round(item.idle, 1) if item.idle < float("inf") else None,
        "folder": str(item.path),
    }
