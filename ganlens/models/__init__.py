"""The families of networks that ganlens builds: ``MODELS[family].generator(**arguments)``."""

from ganlens.models.base import Family
from ganlens.models.dcgan import DCGAN

MODELS: dict[str, Family] = {"dcgan": DCGAN()}
