"""Pairs of pictures before and after an edit: chosen maps, random ones, and the paper's way."""

from dataclasses import replace

from ganlens import images
from ganlens.edits import Blend
from ganlens.latents import Seeds
from ganlens.probes.forgetting.result import Pairs
from ganlens.probes.forgetting.trial import Trial
from ganlens.recipe import Recipe, draw

PAIRS = 5  # pictures before and after, on a row
SHOWN = 3 * PAIRS  # samples: whole rows


def pictures_of(trial: Trial, own: Blend, paper: Blend, random: Blend) -> tuple[Pairs, ...]:
    """Draw the pairs: the chosen maps, random ones, and the paper's way."""
    kinds = (("Before and after", own), ("Random maps instead", random), ("The paper's way", paper))
    found = []
    for title, edit in kinds:
        both = replace(edit, amounts=(0.0, 1.0))
        seeds = Seeds(trial.seeds[:SHOWN])
        recipe = Recipe.of(trial.subject, seeds, columns=2 * PAIRS, edits=[both])
        pictures = images.to_uint8(draw(trial.subject, recipe))
        found.append(Pairs(title, pictures, recipe.to_json()))
    return tuple(found)
