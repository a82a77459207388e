"""Families whose networks other projects train: built to take their weights, never trained here."""

from ganlens.models.family import Buildable
from ganlens.models.imported.ganzoo_dcgan import GanZooDCGAN
from ganlens.models.imported.ganzoo_progressive import GanZooProgressive
from ganlens.models.imported.mimicry import Mimicry
from ganlens.models.imported.named import FAMILY as MODULE
from ganlens.models.imported.named import NamedModules
from ganlens.models.imported.sequential_dcgan import SequentialDCGAN
from ganlens.models.imported.studiogan import StudioGAN
from ganlens.models.imported.torchgan import Torchgan

IMPORTED: dict[str, Buildable] = {
    "pytorch-dcgan": SequentialDCGAN(),
    "mimicry": Mimicry(),
    "studiogan": StudioGAN(),
    "torchgan": Torchgan(),
    "ganzoo-dcgan": GanZooDCGAN(),
    "ganzoo-progressive": GanZooProgressive(),
    MODULE: NamedModules(),
}
