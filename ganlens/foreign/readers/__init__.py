"""Readers: what recognises each layout of another project's weights, ``READERS[family]``."""

from ganlens.foreign.readers import (
    ganzoo_dcgan,
    ganzoo_progressive,
    mimicry,
    sequential_dcgan,
    studiogan,
    theano_dcgan,
    torchgan,
)
from ganlens.foreign.recognition import Reader

# Asked in this order; a key is that of the family in MODELS that builds what the reader recognises.
READERS: dict[str, Reader] = {
    "dcgan": theano_dcgan.recognise,
    "mimicry": mimicry.recognise,
    "studiogan": studiogan.recognise,
    "torchgan": torchgan.recognise,
    "ganzoo-dcgan": ganzoo_dcgan.recognise,
    "ganzoo-progressive": ganzoo_progressive.recognise,
    "pytorch-dcgan": sequential_dcgan.recognise,  # takes any name, so it is asked last
}
