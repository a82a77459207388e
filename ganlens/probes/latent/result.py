"""The result of a walk through the latent space, and its panels."""

from dataclasses import dataclass

from ganlens.panels import Panel, TablePanel
from ganlens.probes.latent import curves, pictures
from ganlens.probes.latent.numbers import InterpolationNumbers


@dataclass(frozen=True)
class InterpolationResult(InterpolationNumbers):
    """A walk through the latent space; see ``InterpolationNumbers``."""

    def panels(self) -> list[Panel]:
        """Return the strip, the film, lerp beside another mode, the curves, the plane, numbers."""
        found: list[Panel | None] = [
            pictures.strip(self),
            pictures.film(self),
            pictures.pair(self),
            curves.norms(self),
            curves.steps(self),
            pictures.plane(self),
            self._table(),
        ]
        return [one for one in found if one is not None]

    def _table(self) -> TablePanel:
        left_out = {*self.about, "seeds", "loop", "per_leg"}
        values = self.summary()
        return TablePanel(
            title="Numbers of the walk",
            caption="RMSE is in parts of the full brightness range, from 0 to 1. The path length "
            "is the mean squared perceptual distance per squared step, between random pairs of "
            "samples (Karras 2019), without the outermost percent at either end. Its size depends "
            "on the distance: compare it only between generators judged by the same one.",
            columns=("quantity", "value"),
            rows=[
                (name.replace("_", " "), value)
                for name, value in values.items()
                if name not in left_out and not name.endswith("reason") and value is not None
            ],
        )
