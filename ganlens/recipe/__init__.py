"""Recipe: everything that determines one picture, as plain values; and the drawing of it."""

from ganlens.recipe.drawing import draw, edited, latents_of, pictures, render
from ganlens.recipe.layout import MOST_PIXELS, Layout, arranged
from ganlens.recipe.pictures import Pictures, source_role
from ganlens.recipe.value import VERSION, Recipe, check_subject, condition_words

__all__ = [
    "MOST_PIXELS",
    "VERSION",
    "Layout",
    "Pictures",
    "Recipe",
    "arranged",
    "check_subject",
    "condition_words",
    "draw",
    "edited",
    "latents_of",
    "pictures",
    "render",
    "source_role",
]
