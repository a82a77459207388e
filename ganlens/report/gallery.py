"""What a model draws, whatever it is: samples, translations beside their sources, reconstructions.

Nothing is chosen: seeds and rows are consecutive.
"""

from typing import TYPE_CHECKING

import numpy as np

from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.panels import ImagePanel, enlargement
from ganlens.recipe import Recipe, render
from ganlens.report.translated import conditions_said, image_to_image, translated_panel
from ganlens.subject import is_conditional

if TYPE_CHECKING:
    from ganlens.subject import Subject

ACROSS, KINDS_SHOWN = 8, 10  # samples in a row; conditions that get one


def gallery(subject: "Subject") -> tuple[list[ImagePanel], list[str]]:
    """Draw what a model draws.

    Returns:
        Panels, and a sentence for each thing that cannot be shown, such as pictures to translate
        that are not there any more.
    """
    panels: list[ImagePanel] = []
    reasons: list[str] = []
    if subject.generator is not None:
        panels.append(samples_panel(subject))
        if is_conditional(subject.generator):
            panels.append(conditions_panel(subject))
    for name in image_to_image(subject):
        try:
            panels.append(translated_panel(subject, name))
        except GanlensError as error:
            reasons.append(f"{name}: {error}")
    return panels, list(dict.fromkeys(reasons))


def samples_panel(subject: "Subject", count: int = 64, seed: int = 0) -> ImagePanel:
    """Draw samples of consecutive seeds of a generator, as they come."""
    seeds = tuple(range(seed, seed + count))
    columns = int(np.ceil(np.sqrt(count)))
    recipe = Recipe.of_samples(subject, seeds, columns=columns)
    return ImagePanel(
        "Samples",
        f"Seeds {seed} to {seed + count - 1}, row by row: none left out and none chosen."
        f"{conditions_said(recipe)}",
        render(subject, recipe),
        alt=f"A grid of {count} generated images",
        scale=enlargement(columns * subject.image_shape[2]),
        recipe=recipe.to_json(),
    )


def conditions_panel(subject: "Subject") -> ImagePanel:
    """Draw the same seeds under each of the most frequent conditions, a row for each."""
    recipe, kinds = conditions_recipe(subject)
    return ImagePanel(
        "The same seeds under different conditions",
        f"Every column is one latent (seeds 0 to {ACROSS - 1}), every row one condition;"
        f" from above: {'; '.join(kinds)}. Rows should show their condition, columns have"
        " something in common.",
        render(subject, recipe),
        alt=f"{len(kinds)} rows of {ACROSS} generated images, a condition each",
        scale=enlargement(ACROSS * subject.image_shape[2]),
        recipe=recipe.to_json(),
    )


def conditions_recipe(subject: "Subject", enlargement: int = 1) -> tuple[Recipe, list[str]]:
    """Return the recipe of that sheet, and the condition of each row in words."""
    condition = subject.condition
    assert condition is not None
    entries = condition.table.entries[:KINDS_SHOWN]
    if condition.kind == "classes":
        entries = tuple(sorted(entries))  # in the order of the data's classes
    kinds = [condition.name(condition.row(entry)) for entry in entries]
    seeds = Seeds(tuple(range(ACROSS)) * len(kinds))
    words = [word for word in kinds for _ in range(ACROSS)]
    sheet = Recipe.of(subject, seeds, columns=ACROSS, condition=words, enlargement=enlargement)
    return sheet, kinds
