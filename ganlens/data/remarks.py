"""Remarks on data: what whoever reads numbers about them is to know, for terminal and page."""

from ganlens.data.embedded import EMBEDDED
from ganlens.data.imageset import ImageSet
from ganlens.data.preparation import split_options

SKIPPED_SHOWN = 5


def remarks(data: ImageSet, *, prepared: bool = True) -> list[str]:
    """Return what was concluded about data, done to images and left out, a line each.

    Args:
        data: any images; the embedded ones are documented, and nothing is concluded about them.
        prepared: whether to say what was done to the images; where nothing was, nothing is said.
    """
    said = [] if split_options(data.spec)[0] in EMBEDDED else list(data.notes)
    preparation = data.preparation
    if prepared and preparation is not None and preparation.changed:
        said.append(str(preparation))
    if data.skipped:
        count, shown = len(data.skipped), data.skipped[:SKIPPED_SHOWN]
        names = ", ".join(f"{skip.name} ({skip.reason})" for skip in shown)
        more = f" and {count - len(shown)} more" if count > len(shown) else ""
        # What is left out is known of the whole; a part of it does not know how many it was of.
        whole = f" of {len(data) + count}" if data.split == "all" else ""
        said.append(f"left out {count}{whole} files: {names}{more}")
    return said
