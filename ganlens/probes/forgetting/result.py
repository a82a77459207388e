"""The result of forgetting: its sheets of pictures, and its panels."""

from dataclasses import dataclass, replace

from ganlens import images
from ganlens.edits import Blend
from ganlens.latents import Seeds
from ganlens.panels import Panel
from ganlens.probes.forgetting.numbers import ForgetNumbers, Sheet
from ganlens.probes.forgetting.panels import PAIRS, panels_of
from ganlens.probes.forgetting.trial import Trial
from ganlens.recipe import Recipe, draw

SHOWN = 3 * PAIRS  # samples that are shown: whole rows


@dataclass(frozen=True)
class ForgetResult(ForgetNumbers):
    """What forgetting did; see ``ForgetNumbers``."""

    def panels(self) -> list[Panel]:
        """Return pictures, the place, the curve, and the tables."""
        return panels_of(self)


def pictures_of(trial: Trial, own: Blend, paper: Blend, random: Blend) -> tuple[Sheet, ...]:
    """Draw the sheets: the chosen maps, random ones, and the paper's way."""
    kinds = (("Before and after", own), ("Random maps instead", random), ("The paper's way", paper))
    found = []
    for title, edit in kinds:
        both = replace(edit, amounts=(0.0, 1.0))
        seeds = Seeds(trial.seeds[:SHOWN])
        recipe = Recipe.of(trial.subject, seeds, columns=2 * PAIRS, edits=[both])
        pictures = images.to_uint8(draw(trial.subject, recipe))
        found.append(Sheet(title, pictures, recipe.to_json()))
    return tuple(found)
