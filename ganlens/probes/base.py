"""What every probe and every result have in common."""

from collections.abc import Generator
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from ganlens.errors import GanlensError
from ganlens.panels import Panel
from ganlens.progress import Progress, finish

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

__all__ = ["ROLES", "Needs", "Probe", "Progress", "Result", "arrays", "images_for"]

Role = Literal["generator", "discriminator", "encoder", "translator", "sample"]
ROLES: tuple[Role, ...] = ("generator", "translator", "encoder", "discriminator")


@dataclass(frozen=True)
class Needs:
    """What a probe cannot do without.

    Attributes:
        networks: roles that the model must have; "sample" is any model that gives one image per
            seed: a generator or a translator.
        data: whether images are looked at: "no", "optional" (where there are any), or "required".
        labels: the data must have labels or attributes.
    """

    networks: frozenset[Role] = frozenset()
    data: Literal["no", "optional", "required"] = "no"
    labels: bool = False


class Result(Protocol):
    """What a probe found: a frozen dataclass of CPU arrays and plain scalars."""

    def summary(self) -> dict[str, Any]:
        """Return JSON-able scalars beside what makes them comparable (N, extractor, seed ...)."""
        ...

    def panels(self) -> list[Panel]:
        """Return the captioned panels that the report and the explorer draw."""
        ...


class Probe:
    """Base of the probes: frozen dataclasses whose fields are their settings.

    A probe implements ``steps``, a generator that yields Progress and returns its Result; ``run``
    drives it to the end. The fields become command-line flags and the explorer's widgets; their
    lines under "Attributes" in the docstring are the help texts. A setting that means nothing
    without another one names it in its field's metadata, as "of".

    Attributes:
        title: what the report calls it.
    """

    title: ClassVar[str] = ""

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, Any]:
        """Run piecewise: yield Progress, return the Result."""
        raise NotImplementedError

    def run(self, subject: "Subject", data: "ImageSet | None" = None) -> Any:
        """Run to the end and return the Result."""
        return finish(self.steps(subject, data))

    def needs(self) -> Needs:
        """Return what it cannot do without under these settings."""
        return Needs()

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON-able values."""
        return asdict(self)  # type: ignore[call-overload]


def images_for(subject: "Subject", data: "ImageSet | None", who: str) -> "ImageSet":
    """Return the data that a probe was given, checked before the long work.

    Raises:
        GanlensError: none was given, or images of another shape than the subject's.
    """
    if data is None:
        raise GanlensError(f"{who} needs data: give --data SPEC")
    channels, size, _ = subject.image_shape
    if tuple(data.image_shape) != tuple(subject.image_shape):
        raise GanlensError(
            f"images of shape {tuple(data.image_shape)} do not fit {subject.name}'s "
            f"{tuple(subject.image_shape)}: open the data with size={size}, channels={channels}"
        )
    return data


def arrays(result: Any) -> dict[str, np.ndarray]:
    """Return the array fields of a result by name, for the NPZ beside a report.

    A field that is a dataclass itself contributes its arrays as "field_name".
    """
    found: dict[str, np.ndarray] = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, np.ndarray) and value.dtype != object:
            found[field.name] = value
        elif is_dataclass(value):
            found |= {f"{field.name}_{name}": part for name, part in arrays(value).items()}
    return found
