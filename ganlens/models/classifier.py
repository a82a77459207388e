"""A small convolutional classifier; its features are a yardstick for one kind of image."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from torch import Tensor, nn

from ganlens.errors import GanlensError, one_of
from ganlens.limits import Count, Limits, check_limits
from ganlens.models.base import Pixels

FAMILY = "classifier"  # what its checkpoints call it; not in MODELS, since it is no GAN
BLOCKS = 4
MOST_WIDTH, MOST_DEPTH = 256, 8


@dataclass(frozen=True)
class ClassifierConfig:
    """Everything that determines the shape of a classifier.

    Attributes:
        size: height and width of the images in pixels, 16 to 256.
        channels: 1 (grey) or 3 (colour).
        targets: name -> the classes that it chooses from, at least 2; one linear head each.
        numbers: name -> (mean, standard deviation) of a numeric attribute; one linear gauge each.
        width: feature maps of the first block; every block doubles them.
        features: length of the feature vector.
        depth: convolutions in each block; those after the first are residual.
    """

    size: Pixels
    channels: Annotated[int, Limits(1, 3)]
    targets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    width: Annotated[int, Limits(1, MOST_WIDTH)] = 16
    features: Count = 128
    numbers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    depth: Annotated[int, Limits(1, MOST_DEPTH)] = 1

    def __post_init__(self) -> None:
        check_limits(self)
        if self.channels not in (1, 3):
            raise one_of("channels", self.channels, (1, 3))
        for name, classes in self.targets.items():
            if len(classes) < 2:
                raise GanlensError(
                    f"target {name!r} has {len(classes)} class: at least 2 are needed"
                )
        for name, scale in self.numbers.items():
            if len(scale) != 2 or not scale[1] > 0:
                raise GanlensError(f"number {name!r} needs a mean and a deviation above 0")


class Residual(nn.Module):
    """Convolution 3x3, batch norm, ReLU, added to what went in (He 2016, arXiv 1512.03385)."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(maps, maps, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(maps)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to the same shape."""
        return x + self.act(self.norm(self.conv(x)))


class Block(nn.Module):
    """Convolution 3x3, max pooling by 2 while the map is large enough, batch norm, ReLU.

    Pooling comes first, since it leaves a quarter of the work to what follows: 1.2 times as many
    images a second on a CPU. Where the gains of the norm are positive, as after any training seen,
    the order changes nothing once it is trained.
    """

    def __init__(self, in_: int, out: int, *, stride: int, pool: bool, depth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_, out, 3, stride, 1, bias=False)
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.norm = nn.BatchNorm2d(out)
        self.act = nn.ReLU()
        self.more = nn.Sequential(*(Residual(out) for _ in range(depth - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', s', s')."""
        return self.more(self.act(self.norm(self.pool(self.conv(x)))))


class Classifier(nn.Module):
    """(N, C, size, size) images in [-1, 1] to logits per target and a value per number.

    Layers are ``block1`` to ``block4``, each with ``conv``, ``pool``, ``norm``, ``act`` and its
    residual convolutions ``more``; then the mean over positions, ``embed`` and ``embed_act``,
    whose output is the feature vector; ``heads`` choose from it. ``gauge`` reads the numbers, which
    a mean over positions would lose (an angle, a place), off the last block's whole maps.

    Attributes:
        config: the shape.
        image_shape: (C, H, W) of the images that it takes.
        feature_dim: length of a feature vector.
    """

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.image_shape = (config.channels, config.size, config.size)
        self.feature_dim = config.features
        side, in_ = config.size, config.channels
        for i in range(BLOCKS):
            stride = 2 if i == 0 and config.size >= 48 else 1
            side = -(-side // stride)
            out, pool = config.width * 2**i, side >= 8
            block = Block(in_, out, stride=stride, pool=pool, depth=config.depth)
            self.add_module(f"block{i + 1}", block)
            side, in_ = side // 2 if pool else side, out
        self.embed = nn.Linear(in_, config.features)
        self.embed_act = nn.ReLU()
        # Numbered, since a module's name may hold no dot and an attribute's may.
        self.heads = nn.ModuleList(
            nn.Linear(config.features, len(classes)) for classes in config.targets.values()
        )
        if config.numbers:
            self.gauge = nn.Linear(in_ * side * side, len(config.numbers))

    def maps(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) images to the last block's (N, C', h, w) maps."""
        for i in range(BLOCKS):
            x = self.get_submodule(f"block{i + 1}")(x)
        return x

    def features(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) images to (N, feature_dim) features, at least 0."""
        return self._embedded(self.maps(x))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Map images to logits, target -> (N, classes), and number -> (N,) standardised values."""
        maps = self.maps(x)
        features = self._embedded(maps)
        heads = zip(self.config.targets, self.heads, strict=True)
        found = {name: head(features) for name, head in heads}
        if self.config.numbers:
            values = self.gauge(maps.flatten(1)).unbind(1)
            found |= dict(zip(self.config.numbers, values, strict=True))
        return found

    def _embedded(self, maps: Tensor) -> Tensor:
        return self.embed_act(self.embed(maps.mean(dim=(2, 3))))


def classifier_arguments(config: ClassifierConfig) -> dict[str, Any]:
    """Return the config as plain values; ``ClassifierConfig(**values)`` makes it again."""
    targets = {name: list(classes) for name, classes in config.targets.items()}
    numbers = {name: list(scale) for name, scale in config.numbers.items()}
    return {**asdict(config), "targets": targets, "numbers": numbers}
