"""``WrappedTranslator``: any module that maps images, with a condition or not, to images."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.imported.output import Pixels
from ganlens.models.imported.wrapped.base import Wrapped, first_form, tried
from ganlens.models.imported.wrapped.condition import check_label, condition_inputs


class WrappedTranslator(Wrapped):
    """(N, C, H, W) images in [-1, 1] to images in [-1, 1] by a module that was made elsewhere.

    Args:
        network: takes images in ``output_range``, and rows or labels if there are classes.
        source_shape: (C, H, W) of the images that it is given.
        output_range: what the lowest and highest pixel mean, going in and coming out; values
            beyond are clipped.
        classes: domains or attributes that it takes as (N, classes) rows, as StarGAN is, or as
            (N,) labels; None takes images alone.
        label: the class where none is named, 0 to classes - 1.

    Attributes:
        image_shape: (C, H, W) of what it puts out, mostly that of its source.
        rows: whether the module takes a condition as rows.

    Raises:
        GanlensError: it does not map such images to images of 1 to 4 channels.
    """

    def __init__(
        self,
        network: nn.Module,
        source_shape: Sequence[int],
        output_range: Sequence[float] = (-1.0, 1.0),
        classes: int | None = None,
        label: int = 0,
    ) -> None:
        super().__init__(network, output_range)
        self.pixels = Pixels("none", (self.low, self.high))
        self.classes, self.label = classes, check_label(label, classes)
        channels, height, width = source_shape
        self.source_shape = (channels, height, width)
        self.rows = True
        self.image_shape = self._find_shape()

    @property
    def condition_dim(self) -> int | None:
        """Width of a row of the condition: the number of classes, or None without any."""
        return self.classes

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map (N, C, H, W) images to images.

        Args:
            x: images in [-1, 1].
            condition: (N, classes) rows or (N,) labels where there are classes; by default the
                label of the arguments above.

        Raises:
            GanlensError: the condition does not fit.
        """
        rows = condition_inputs(condition, x, self.classes, self.label, self.rows)
        return self.pixels(self.network(self.own_range(x), *rows))

    def _find_shape(self) -> tuple[int, int, int]:
        """Run it on blank images; rows come first, since an embedding of labels refuses them."""
        blank = torch.zeros(2, *self.source_shape)

        def run(rows: bool) -> Any:
            self.rows = rows
            return tried(self, blank)

        try:
            return first_form((True, False) if self.classes else (True,), run, len(blank))[1]
        except GanlensError as error:
            shown = " x ".join(map(str, self.source_shape))
            classes = "" if self.classes is None else f" with one of {self.classes} classes"
            raise GanlensError(
                f"the translator does not map {shown} images{classes} to images ({error}): give the"
                " (C, H, W) of its source images as image_shape, and classes if it has some"
            ) from error
