"""Data: a SPEC becomes an ImageSet of uint8 images, labels, attributes, a split and a fingerprint.

``opening`` resolves the SPEC to a source (``sources``, ``arrays``, ``vision``; ``trees`` and
``layout`` read folders and zips), ``build`` decodes it once (``decode``) into the ``cache``, and
``imageset`` and ``select`` are what the caller holds afterwards.
"""

from ganlens.data.imageset import ImageSet, Skipped
from ganlens.data.opening import EMBEDDED, open_data, open_steps

__all__ = ["EMBEDDED", "ImageSet", "Skipped", "open_data", "open_steps"]
