"""The images that a translator translates where none are given."""

from collections.abc import Mapping
from typing import Any

from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.models.family import domain_of

Shape = tuple[int, int, int]


def training_spec(provenance: Mapping[str, Any], network: str) -> str | None:
    """Return the SPEC of the training data whose images a network reads; None where not known.

    Args:
        provenance: of the model.
        network: name of a translator or an encoder; its family says which of two sets it reads.
    """
    domain = domain_of(MODELS.get(provenance.get("family", "")), network)
    spec: str | None = (provenance.get(domain) or {}).get("spec")
    return spec


def held_out_sources(provenance: Mapping[str, Any], network: str, shape: Shape) -> ImageSet:
    """Open the held-out images of the training data that a network reads; all where none are.

    Args:
        provenance: of the model.
        network: name of a translator or an encoder.
        shape: (C, H, W) of what it takes.

    Raises:
        GanlensError: the model does not say what it was trained on, or that is not there.
    """
    spec = training_spec(provenance, network)
    if spec is None:
        raise GanlensError(
            f"{provenance['checkpoint']} does not say which images it translates: name some, with"
            " --sources SPEC"
        )
    channels, size, _ = shape
    data = open_data(spec, size=size, channels=channels)
    first, last = data.bounds.get("test", (0, 0))
    return data.part("test") if last > first else data


def check_sources(images: ImageSet, shape: Shape, name: str) -> None:
    """Refuse images of another shape than a translator takes.

    Raises:
        GanlensError: says how to open them.
    """
    if tuple(images.image_shape) != shape:
        channels, size, _ = shape
        raise GanlensError(
            f"images of shape {tuple(images.image_shape)} do not fit {name}: open them with"
            f" size={size}, channels={channels}"
        )


def described(images: ImageSet) -> dict[str, str]:
    """Return what finds images again, and knows them by: spec, split and fingerprint."""
    return {"spec": images.spec, "split": images.split, "fingerprint": images.fingerprint}


def opened_again(source: Mapping[str, Any], shape: Shape, spec: str | None = None) -> ImageSet:
    """Open the images that ``described`` names.

    Args:
        source: spec, split and fingerprint; an empty fingerprint takes what is there.
        shape: (C, H, W) of what the network takes.
        spec: where they are now, if not at the place that it names.

    Raises:
        GanlensError: they are not there, or have changed.
    """
    place, known = spec or source["spec"], source["fingerprint"]
    channels, size, _ = shape
    data = open_data(place, source["split"], size=size, channels=channels)
    if known and data.fingerprint != known:
        raise GanlensError(
            f"the recipe needs data with fingerprint {known[:12]}, and {place!r} now has"
            f" {data.fingerprint[:12]}: the images have changed"
        )
    return data
