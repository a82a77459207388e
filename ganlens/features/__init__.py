"""Images to feature vectors; every extractor has a name, a weights hash and a description."""

from ganlens.features.base import (
    Extractor,
    extract,
    extract_steps,
    module_hash,
    quantised,
)
from ganlens.features.inception import (
    INCEPTION_FILE,
    InceptionExtractor,
    fetch_inception_weights,
    find_inception_weights,
)
from ganlens.features.networks import ClassifierExtractor, DiscriminatorExtractor
from ganlens.features.pixels import PixelExtractor

__all__ = [
    "INCEPTION_FILE",
    "ClassifierExtractor",
    "DiscriminatorExtractor",
    "Extractor",
    "InceptionExtractor",
    "PixelExtractor",
    "extract",
    "extract_steps",
    "fetch_inception_weights",
    "find_inception_weights",
    "module_hash",
    "quantised",
]
