"""Recipes packed into a line of text: what an address bar holds, and a command takes.

The text is the recipe's JSON, deflated (RFC 1951 in a zlib wrapper) and written in the URL-safe
alphabet of base64 (RFC 4648, section 5) without padding. It may come from anybody, so it is bounded
before and while it is unpacked.
"""

import base64
import binascii
import json
import zlib

from ganlens.errors import GanlensError
from ganlens.recipe import Recipe

MOST_TEXT = 1 << 17  # characters
MOST_JSON = 1 << 20  # bytes: nothing that an address could mean needs more
MOST_EDITS = 64


def pack(recipe: Recipe) -> str:
    """Return a recipe as one line of letters, digits, ``-`` and ``_``."""
    text = json.dumps(recipe.to_json(), separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(text: str) -> Recipe:
    """Read what ``pack`` wrote.

    Raises:
        GanlensError: too long, damaged, or no recipe; see ``Recipe.from_json``. Nothing beyond
            ``MOST_JSON`` bytes is unpacked, however well they were compressed.
    """
    if len(text) > MOST_TEXT:
        raise GanlensError(
            f"the packed recipe has {len(text):,} characters and at most {MOST_TEXT:,} are read: "
            "give the picture itself to `ganlens replay`"
        )
    try:
        packed = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True
        )
        opener = zlib.decompressobj()
        values = opener.decompress(packed, MOST_JSON)
        whole = opener.eof
    except (binascii.Error, UnicodeEncodeError, zlib.error) as error:
        raise GanlensError(
            f"the packed recipe is damaged ({error}): copy the whole text"
        ) from error
    if not whole:
        raise GanlensError(
            f"the packed recipe is cut short or holds more than {MOST_JSON:,} bytes: copy the "
            "whole text"
        )
    recipe = Recipe.from_json(values.decode("utf-8", errors="replace"))
    if len(recipe.edits) > MOST_EDITS:
        raise GanlensError(
            f"the packed recipe has {len(recipe.edits):,} edits: at most {MOST_EDITS} are applied"
        )
    return recipe
