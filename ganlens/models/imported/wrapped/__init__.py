"""Any torch modules in the roles of a model: shapes found by running them, names kept."""

from ganlens.models.imported.wrapped.base import Wrapped
from ganlens.models.imported.wrapped.discriminator import WrappedDiscriminator
from ganlens.models.imported.wrapped.encoder import WrappedEncoder
from ganlens.models.imported.wrapped.generator import WrappedGenerator
from ganlens.models.imported.wrapped.resetting import reset
from ganlens.models.imported.wrapped.translator import WrappedTranslator
from ganlens.models.imported.wrapped.wrap import wrap

__all__ = [
    "Wrapped",
    "WrappedDiscriminator",
    "WrappedEncoder",
    "WrappedGenerator",
    "WrappedTranslator",
    "reset",
    "wrap",
]
