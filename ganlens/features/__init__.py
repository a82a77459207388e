"""Images to feature vectors; every extractor has a name, a weights hash and a description."""

from ganlens.features.base import Extractor, module_hash
from ganlens.features.compare import check_comparable, difference
from ganlens.features.inception import (
    INCEPTION_FILE,
    InceptionExtractor,
    fetch_inception_weights,
    find_inception_weights,
)
from ganlens.features.networks import ClassifierExtractor, DiscriminatorExtractor
from ganlens.features.passes import features_of, resolved
from ganlens.features.pixels import PixelExtractor
from ganlens.features.shards import (
    World,
    gather,
    shard,
    shared_features_of,
    together,
    world,
)
from ganlens.features.source import ArraySource, ImageSource, array_source, data_source
from ganlens.features.store import FeatureStore
from ganlens.features.torchvision_models import TorchvisionExtractor
from ganlens.features.vgg import VGG16_FILE, VGG16Extractor

__all__ = [
    "INCEPTION_FILE",
    "VGG16_FILE",
    "ArraySource",
    "ClassifierExtractor",
    "DiscriminatorExtractor",
    "Extractor",
    "FeatureStore",
    "ImageSource",
    "InceptionExtractor",
    "PixelExtractor",
    "TorchvisionExtractor",
    "VGG16Extractor",
    "World",
    "array_source",
    "check_comparable",
    "data_source",
    "difference",
    "features_of",
    "fetch_inception_weights",
    "find_inception_weights",
    "gather",
    "module_hash",
    "resolved",
    "shard",
    "shared_features_of",
    "together",
    "world",
]
