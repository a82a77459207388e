"""Models by their roles: sheets of samples or of pictures they change, and what a page lacks."""

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import show
import streamlit as st
from choices import NO_DATA, data_specs, read_options
from store import images_of

from ganlens.errors import GanlensError
from ganlens.models.base import source_shape
from ganlens.packing import pack
from ganlens.probes.base import Probe
from ganlens.recipe import Recipe
from ganlens.report import (
    conditions_said,
    image_to_image,
    missing_networks,
    translated_recipe,
    translated_words,
)
from ganlens.subject.sources import training_spec

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


@dataclass(frozen=True)
class Sheet:
    """Pictures of a model that are shown together.

    Attributes:
        recipe: what draws them.
        caption: what they show.
        alt: the same in a few words, for screen readers.
        command: words of the command line that draw the same pictures.
    """

    recipe: Recipe
    caption: str
    alt: str
    command: tuple[str, ...]


def needs(subject: "Subject", roles: Set[str]) -> bool:
    """Say in one sentence what a page needs and the model lacks; tell whether it lacks anything."""
    if reason := missing_networks(roles, subject):
        st.info(show.escape(f"This page {reason}."))
    return bool(reason)


def sample_sheet(
    subject: "Subject", source: str, spec: str, first: int, count: int, scale: int, columns: int = 8
) -> Sheet:
    """Describe a sheet of consecutive samples, whatever the model is.

    Args:
        subject: the model.
        source: what the commands call it.
        spec: the real images that are chosen; a translator takes them where its own are not there.
        first: seed of the first sample, or number of the first picture.
        count: how many; of a translator at most as many as there are pictures.
        scale: enlargement of a pixel.
        columns: pictures in a row; those of a translator stand beside their sources.

    Raises:
        GanlensError: neither a generator nor a translator, or no pictures to translate.
    """
    if subject.generator is None:
        (name, *_) = image_to_image(subject) or [""]
        if not name:
            raise GanlensError(f"{subject.name} {missing_networks({'sample'}, subject)}")
        images = pictures_of(subject, name, spec)
        return changed_sheet(
            subject, source, name, images, first, count, scale, max(1, columns // 2)
        )
    seeds = range(first, first + count)
    recipe = Recipe.of_samples(subject, seeds, columns=columns, enlargement=scale)
    caption = f"Seeds {seeds[0]} to {seeds[-1]}, row by row: none left out and none chosen."
    caption += conditions_said(recipe)
    asked = ("--condition", str(subject.provenance["condition"])) if subject.is_conditioned else ()
    command = ("ganlens", "sample", source, "--n", str(count), "--seed", str(first), *asked,
               "--columns", str(columns), "--enlarge", str(scale))  # fmt: skip
    return Sheet(recipe, caption, f"seeds {seeds[0]} to {seeds[-1]}", command)


def changed_sheet(
    subject: "Subject", source: str, name: str, images: "ImageSet", first: int, count: int,
    scale: int, columns: int = 4,
) -> Sheet:  # fmt: skip
    """Describe a sheet of pictures, each beside what a translator or an encoder makes of it.

    Raises:
        GanlensError: the first is beyond the last picture.
    """
    if first >= len(images):
        raise GanlensError(f"picture {first} is not there: choose 0 to {len(images) - 1}")
    rows = range(first, min(first + count, len(images)))
    recipe = translated_recipe(subject, name, images, rows, columns=columns, enlargement=scale)
    caption = translated_words(subject, name, images, recipe)
    command = ("ganlens", "draw", pack(recipe), "--checkpoint", source, "--out", "pictures.png")
    alt = f"pictures {rows[0]} to {rows[-1]} beside what {name} makes of them"
    return Sheet(recipe, caption, alt, command)


def pictures_of(subject: "Subject", name: str, spec: str) -> "ImageSet":
    """Open the pictures that a network reads: its own held-out ones, or else of the chosen data.

    Raises:
        GanlensError: its own are not offered, and no data are chosen.
    """
    own = training_spec(subject.provenance, name)
    chosen = own if own in sources() else spec
    if chosen == NO_DATA:
        raise GanlensError(
            f"{name} reads pictures, and {own or 'the data it was trained on'} is not offered here:"
            " choose real images on the left, or start the explorer with --data SPEC"
        )
    return held_out(str(chosen), subject, name)


def check_pictures(probe: Probe, subject: "Subject") -> None:
    """Refuse a probe that would have a translator open pictures which are not on offer.

    Raises:
        GanlensError: names the data that the translator was trained on.
    """
    if "sample" in probe.needs().networks and subject.generator is None:
        (name, *_) = subject.names("translator") or [""]
        own = training_spec(subject.provenance, name)
        if name and own not in sources():
            raise GanlensError(
                f"{name} reads pictures, and {own or 'the data it was trained on'} is not offered"
                " here: start the explorer with --data SPEC"
            )


def sources() -> list[str]:
    """List the data that pictures may come from: those of the start, and embedded ones.

    Whatever a checkpoint's header says, nothing else is opened.
    """
    return [spec for spec in data_specs(read_options()) if spec != NO_DATA]


def held_out(spec: str, subject: "Subject", name: str) -> "ImageSet":
    """Open the held-out pictures of some data as a network reads them; all, where none are."""
    channels, size, _ = source_shape(subject.network(name))
    data = images_of(spec, size, channels)
    first, last = data.bounds.get("test", (0, 0))
    return data.part("test") if last > first else data
