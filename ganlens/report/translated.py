"""What a model makes of pictures: translations, or reconstructions, beside their sources."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganlens.errors import GanlensError
from ganlens.models.base import source_shape
from ganlens.panels import ImagePanel, enlargement
from ganlens.recipe import Pictures, Recipe, draw, render
from ganlens.subject import is_conditional
from ganlens.subject.sources import held_out_sources
from ganlens.training.data import labels_of

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

PAIRS, PICTURES = 4, 16  # source pictures in a row, and in all


def image_to_image(subject: "Subject") -> list[str]:
    """Return the names of networks that make images of images.

    These are the translators, and the first encoder where a generator draws its latents again.
    """
    encoders = subject.names("encoder") if subject.generator is not None else []
    return [*subject.names("translator"), *encoders[:1]]


def sources_of(subject: "Subject", name: str) -> "ImageSet":
    """Open the held-out pictures that a translator or an encoder reads where none are given.

    Of the translator that ``sample`` uses they are the model's ``sources``.

    Raises:
        GanlensError: the model does not say what it was trained on, or that is not there.
    """
    network = subject.network(name)
    if network is subject.translator:
        return subject.sources
    return held_out_sources(subject.provenance, name, source_shape(network))


def translated_recipe(
    subject: "Subject",
    name: str,
    images: "ImageSet",
    rows: Sequence[int],
    words: str | None = None,
    columns: int = PAIRS,
    enlargement: int = 1,
) -> Recipe:
    """Describe what a translator makes of pictures, or an encoder and the generator after it.

    Args:
        subject: the model.
        name: of a translator or an encoder.
        images: where the pictures are from.
        rows: which.
        words: the condition of all. Without, a translator has what ``sample`` takes of
            these rows, and a generator what the data say of the pictures, where they do.
        columns: pictures in a row, each with what is made of it.
        enlargement: of every pixel.
    """
    translator = subject.roles[name] == "translator"
    pictures = Pictures.of(images, tuple(rows), name if translator else "")
    network = subject.network(name if translator else "generator")
    conditions: list[str] | None = None
    if words is not None and is_conditional(network):
        conditions = [words]
    elif subject.condition is not None and is_conditional(network) and not subject.is_conditioned:
        conditions = _own_words(subject, images, rows, translator)
    return Recipe.of(
        subject,
        pictures,
        columns=columns,
        sources=True,
        condition=conditions,
        enlargement=enlargement,
    )


def _own_words(
    subject: "Subject", images: "ImageSet", rows: Sequence[int], translator: bool
) -> list[str] | None:
    condition = subject.condition
    assert condition is not None
    if translator:
        return [condition.name(row) for row in condition.sample(rows)]
    try:
        known = labels_of(images, condition)
    except GanlensError:  # data without labels: the most frequent condition
        return None
    return [condition.name(known[row]) for row in rows]


def translated_panel(subject: "Subject", name: str) -> ImagePanel:
    """Draw source pictures, each beside what a model makes of it.

    Raises:
        GanlensError: the pictures are not there.
    """
    images = sources_of(subject, name)
    rows = range(min(PICTURES, len(images)))
    recipe = translated_recipe(subject, name, images, rows)
    title = f"Translated by {name}" if subject.roles[name] == "translator" else "Reconstructions"
    return ImagePanel(
        title,
        translated_words(subject, name, images, recipe),
        render(subject, recipe),
        alt=f"{len(rows)} pictures, each beside what {name} makes of it",
        scale=enlargement(2 * PAIRS * subject.image_shape[2]),
        recipe=recipe.to_json(),
    )


def translated_words(subject: "Subject", name: str, images: "ImageSet", recipe: Recipe) -> str:
    """Say what such a sheet shows: which pictures, what became of them, the condition."""
    source = recipe.latents
    assert isinstance(source, Pictures)
    which = "held-out images" if images.split == "test" else "images"
    pictures = (
        f"Pictures {source.rows[0]} to {source.rows[-1]} of the {len(images):,} {which} of"
        f" {images.spec}, none left out and none chosen"
    )
    if subject.roles[name] == "translator":
        return (
            f"{pictures}; right of each is what {name} makes of it. Look for what changed and what"
            f" stayed.{conditions_said(recipe)}"
        )
    made, given = draw(subject, recipe), images.batch(source.rows)
    error = float((made - given).square().mean()) ** 0.5 / 2
    return (
        f"{pictures}; right of each is what the generator draws of the latents that {name} reads"
        f" off it. Pixels differ by {error:.1%} of the range (root mean square); what is missing is"
        f" what the latents do not keep.{conditions_said(recipe)}"
    )


def conditions_said(recipe: Recipe) -> str:
    """Say the conditions of a sheet's pictures; empty without."""
    words = recipe.condition
    if not words:
        return ""
    if len(set(words)) == 1:
        return f" {'Under' if recipe.latents.count == 1 else 'All under'} {words[0]!r}."
    shown = words[: recipe.layout.columns or len(words)]
    row = "the first row" if len(shown) < len(words) else "from left to right"
    return f" Each is under a condition of its own; {row}: {'; '.join(shown)}."
