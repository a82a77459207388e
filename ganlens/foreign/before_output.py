"""What the values before a generator's last activation tell of it."""

from typing import Any

import torch
from torch import Tensor, nn

from ganlens.models.imported.output import Pixels

SAMPLES, FEWEST, SEED = 64, 4, 0
PIXELS = 64 * 64  # of larger images fewer samples are drawn
BEYOND = 0.05  # a larger share of values outside the range needs an activation
EDGE = 0.02  # by so much of the range may values without an activation miss it
FILLED = 0.9  # values that reach so far into the range, and never past it, are in it already


@torch.no_grad()
def said_of_output(generator: nn.Module) -> str:
    """Say how far values before the output activation reach, and what follows from it.

    Args:
        generator: in eval mode, on the CPU, with its prior; one whose last layer is ``Pixels``.

    Returns:
        One phrase, empty where the generator ends otherwise.
    """
    last: Any = next((m for m in generator.modules() if isinstance(m, Pixels)), None)
    prior: Any = getattr(generator, "prior", None)
    if last is None or prior is None:
        return ""
    kept: list[Tensor] = []
    handle = last.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    try:
        _, height, width = generator.image_shape  # type: ignore[misc]
        count = max(FEWEST, min(SAMPLES, SAMPLES * PIXELS // max(1, height * width)))
        generator(prior.sample_batch(count, SEED))
    finally:
        handle.remove()
    return _phrase(kept[0], last) if kept else ""


def _phrase(values: Tensor, last: Pixels) -> str:
    low, high = float(values.min()), float(values.max())
    reach = f"values before the output reach from {low:.2f} to {high:.2f}"
    for floor, ceiling in ((0.0, 1.0), (-1.0, 1.0)):
        room = EDGE * (ceiling - floor)
        filled = high - low >= FILLED * (ceiling - floor)
        if floor - room <= low and high <= ceiling + room and filled:
            if last.activation == "none":
                return f"{reach}, in the range"
            return (
                f"{reach}: they fill {floor:g} to {ceiling:g} and stay in it, as images without an"
                f" output activation do; {last.activation} is taken all the same"
                f" (--output-activation none --output-range {floor:g} {ceiling:g} changes it)"
            )
    beyond = float(((values < last.low) | (values > last.high)).float().mean())
    share = f"{beyond:.1%} beyond {last.low:g} and {last.high:g}"
    if last.activation == "none" and beyond > BEYOND:
        return f"{reach}, {share}, which are cut off: an activation may be missing"
    if last.activation != "none" and beyond > BEYOND:
        return f"{reach}, {share}: something brings them back, tanh or a sigmoid"
    return f"{reach}, {share}, which tells no activation"
