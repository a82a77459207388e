"""``WrappedGenerator``: any module that maps latents, and labels if it takes some, to images."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Self

from torch import Tensor, nn

from ganlens.activations.functions import tensors_in
from ganlens.errors import GanlensError
from ganlens.models.imported.output import Pixels
from ganlens.models.imported.wrapped.base import Wrapped, first_form, tried
from ganlens.models.imported.wrapped.condition import check_label, condition_inputs
from ganlens.models.prior import Prior


class WrappedGenerator(Wrapped):
    """(N, d) latents to (N, C, H, W) images in [-1, 1] by a module that was made elsewhere.

    Args:
        network: takes (N, d) or (N, d, 1, 1) latents, and labels or rows if there are classes.
        prior: of the latents.
        output_range: what its lowest and highest pixel mean; values beyond are clipped.
        classes: of a class-conditional generator; None takes latents alone.
        label: the class that is drawn where none is named, 0 to classes - 1.

    Attributes:
        image_shape: (C, H, W).
        form: whether latents are flat, and whether classes are one-hot rows.

    Raises:
        GanlensError: no form of latents and labels gives images of 1 to 4 channels.
    """

    def __init__(
        self,
        network: nn.Module,
        prior: Prior,
        output_range: Sequence[float] = (-1.0, 1.0),
        classes: int | None = None,
        label: int = 0,
    ) -> None:
        super().__init__(network, output_range)
        self.pixels = Pixels("none", (self.low, self.high))
        self.prior = prior
        self.classes, self.label = classes, check_label(label, classes)
        self.form: tuple[bool, bool] = (False, False)
        self.image_shape = self._find_shape()

    @classmethod
    def of(cls, network: nn.Module, settings: Mapping[str, Any]) -> Self:
        """Wrap a module with the arguments above as a header holds them: the prior as a mapping."""
        given = dict(settings)
        return cls(network, Prior(**given.pop("prior")), **given)

    @property
    def condition_dim(self) -> int | None:
        """Width of a row of the condition: the number of classes, or None without any."""
        return self.classes

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (N, d) latents to images.

        Args:
            z: latents.
            condition: (N,) labels or (N, classes) rows where there are classes; by default the
                label of the arguments above.

        Raises:
            GanlensError: the condition does not fit.
        """
        return self.pixels(self.raw(z, condition))

    def raw(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents to what the module itself puts out, in its own range.

        Of several outputs it is the first tensor that has the shape of images.
        """
        flat, rows = self.form
        inputs = z.flatten(1) if flat else z.flatten(1)[:, :, None, None]
        found = self.network(
            inputs, *condition_inputs(condition, z, self.classes, self.label, rows)
        )
        return next((one for one in tensors_in(found) if one.ndim == 4), found)

    def _find_shape(self) -> tuple[int, int, int]:
        latents = self.prior.sample((0, 1))

        def run(form: tuple[bool, bool]) -> Any:
            self.form = form
            return tried(self, latents)

        try:
            forms = product((True, False), (False, True) if self.classes else (False,))
            return first_form(forms, run, len(latents))[1]
        except GanlensError as error:
            labelled = "" if self.classes is None else f" and labels below {self.classes}"
            raise GanlensError(
                f"the generator takes no (N, {self.prior.dim}) or (N, {self.prior.dim}, 1, 1)"
                f" latents{labelled} ({error}): give its latent_dim, and classes if it has some"
            ) from error
