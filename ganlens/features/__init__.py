"""Image sources and their features; every extractor has a name, a weights hash, a description.

The published networks (``inception``, ``vgg``, ``torchvision_models``) are imported from their
files, when they are used: torchvision takes seconds.
"""

from ganlens.features.base import Extractor, module_hash
from ganlens.features.compare import check_comparable, difference
from ganlens.features.data_images import ArrayImages, DataImages, array_source
from ganlens.features.inception_weights import (
    INCEPTION_FILE,
    fetch_inception_weights,
    find_inception_weights,
)
from ganlens.features.networks import ClassifierExtractor, DiscriminatorExtractor
from ganlens.features.passes import features_of
from ganlens.features.pixels import PixelExtractor
from ganlens.features.shards import (
    World,
    gather,
    shard,
    shared_features_of,
    together,
    world,
)
from ganlens.features.source import ImageSource, Rows, all_images, indices
from ganlens.features.store import FeatureStore

__all__ = [
    "INCEPTION_FILE",
    "ArrayImages",
    "ClassifierExtractor",
    "DataImages",
    "DiscriminatorExtractor",
    "Extractor",
    "FeatureStore",
    "ImageSource",
    "PixelExtractor",
    "Rows",
    "World",
    "all_images",
    "array_source",
    "check_comparable",
    "difference",
    "features_of",
    "fetch_inception_weights",
    "find_inception_weights",
    "gather",
    "indices",
    "module_hash",
    "shard",
    "shared_features_of",
    "together",
    "world",
]
