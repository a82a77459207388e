"""Data: a SPEC becomes an ImageSet of uint8 images, labels, attributes, a split and a fingerprint.

``opening`` resolves the SPEC to a source (``sources``, ``arrays``, ``vision``, ``embedded``;
``trees``, ``packed`` and ``layout`` read folders and zips), ``build`` decodes it once (``decode``)
into the ``cache``; ``preparation`` says what that did to them; and ``imageset``, ``select`` and
``counterfactuals`` are what the caller holds afterwards.
"""

from ganlens.data.counterfactuals import Counterfactuals, counterfactuals
from ganlens.data.embedded import EMBEDDED, Embedded, check_trainable
from ganlens.data.imageset import ImageSet, Skipped
from ganlens.data.opening import open_data, open_steps
from ganlens.data.overlap import overlap, shared_about, shared_in_words, split_overlap
from ganlens.data.preparation import Fit, Preparation, with_fit, with_upscale

__all__ = [
    "EMBEDDED",
    "Counterfactuals",
    "Embedded",
    "Fit",
    "ImageSet",
    "Preparation",
    "Skipped",
    "check_trainable",
    "counterfactuals",
    "open_data",
    "open_steps",
    "overlap",
    "shared_about",
    "shared_in_words",
    "split_overlap",
    "with_fit",
    "with_upscale",
]
