"""Look inside a torch module, and change what passes through it, by layer name."""

from ganlens.activations.fields import ReceptiveField, receptive_field
from ganlens.activations.guided import guided_copy, position_gradients
from ganlens.activations.hooks import capture, edit, run_to
from ganlens.activations.names import (
    find_layer,
    last_leaf,
    layer_names,
    leaves_of,
    unknown_layer,
)
from ganlens.activations.top import TopPositions, highest_positions
from ganlens.activations.windows import Windows, projective_windows, receptive_windows

__all__ = [
    "ReceptiveField",
    "TopPositions",
    "Windows",
    "capture",
    "edit",
    "find_layer",
    "guided_copy",
    "highest_positions",
    "last_leaf",
    "layer_names",
    "leaves_of",
    "position_gradients",
    "projective_windows",
    "receptive_field",
    "receptive_windows",
    "run_to",
    "unknown_layer",
]
