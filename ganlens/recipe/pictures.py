"""Source pictures of a recipe: rows of a data set that a model translates or encodes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.latents.checks import check_count, check_seeds, put
from ganlens.models.base import source_shape
from ganlens.subject.sources import described, opened_again

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


@dataclass(frozen=True)
class Pictures:
    """Rows of a data set, as the model takes them: cropped to the square centre and resized.

    Attributes:
        spec: SPEC of the data.
        rows: which images, from 0.
        split: of the data: "all", "train" or "test".
        fingerprint: of that split at the model's size, to know it by; empty takes what is there.
        network: name of the translator, where a model has several; empty takes the first.
    """

    kind: ClassVar[str] = "pictures"
    spec: str
    rows: tuple[int, ...]
    split: str = "all"
    fingerprint: str = ""
    network: str = ""

    def __post_init__(self) -> None:
        put(self, "rows", check_seeds(self.rows))
        for name in ("spec", "split", "fingerprint", "network"):
            if not isinstance(getattr(self, name), str):
                raise GanlensError(f"the pictures' {name} {getattr(self, name)!r} must be text")
        check_count(len(self.rows))

    @classmethod
    def of(cls, data: "ImageSet", rows: tuple[int, ...], network: str = "") -> "Pictures":
        """Describe rows of a data set that is open."""
        return cls(rows=rows, network=network, **described(data))

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.rows)

    def images(self, subject: "Subject") -> Tensor:
        """Return the (N, C, H, W) source pictures in [-1, 1], as a model takes them.

        Raises:
            GanlensError: the data are not there or have changed, or there are fewer images.
        """
        network = subject.network(self.network or source_role(subject))
        known = {"spec": self.spec, "split": self.split, "fingerprint": self.fingerprint}
        data = opened_again(known, source_shape(network))
        if max(self.rows) >= len(data):
            raise GanlensError(
                f"picture {max(self.rows)} is not in {self.spec}: it has 0 to {len(data) - 1}"
            )
        return data.batch(self.rows)


def source_role(subject: "Subject", network: str = "") -> str:
    """Return the role of the network that takes source pictures: a translator, or an encoder.

    Args:
        subject: the model.
        network: name of the translator, where it has several.

    Raises:
        GanlensError: neither, an encoder without a generator, or a network that is no translator.
    """
    if network:
        known = subject.names("translator")
        if network not in (*known, "translator"):
            raise one_of("translator", network, known or ("none",))
        subject.network(network)
        return "translator"
    if subject.translator is not None:
        return "translator"
    if subject.encoder is not None and subject.generator is not None:
        return "encoder"
    raise GanlensError(
        f"{subject.name} takes no pictures: it has {', '.join(subject.networks)}; choose a model"
        " with a translator, or with an encoder and a generator"
    )
