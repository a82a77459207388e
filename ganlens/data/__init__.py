"""Data: a SPEC becomes an ImageSet of uint8 images, labels, attributes, a split and a fingerprint.

``opening`` resolves the SPEC to a source (``sources``, ``arrays``, ``vision``, ``embedded``).
``trees``, ``archives``, ``tars``, ``packed`` and ``kinds`` list the files of folders and archives;
``layout`` says what they tell (``folders``, ``splits``, ``tables``, ``columns``), ``members`` and
``ranges`` what arrays do. ``build`` decodes it all once (``decode``, within a ``budget``) into the
``cache``;
``preparation`` says what that did to the images, ``remarks`` what was concluded and left out,
``overlap`` which of them two sides share; and
``imageset``, ``select`` and ``counterfactuals`` are what the caller holds afterwards. What a
library raises about a file becomes one line in ``boundary``.
"""

from ganlens.data.counterfactuals import Counterfactuals, counterfactuals
from ganlens.data.embedded import EMBEDDED, Embedded, check_trainable
from ganlens.data.imageset import ImageSet, Skipped, prepared
from ganlens.data.opening import open_data, open_steps
from ganlens.data.overlap import overlap, shared_about, shared_in_words, split_overlap
from ganlens.data.preparation import Fit, Preparation, with_fit, with_upscale
from ganlens.data.remarks import remarks

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
    "prepared",
    "remarks",
    "shared_about",
    "shared_in_words",
    "split_overlap",
    "with_fit",
    "with_upscale",
]
