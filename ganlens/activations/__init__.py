"""Look inside a torch module, and change what passes through it, by layer name."""

from ganlens.activations.fields import ReceptiveField, receptive_field
from ganlens.activations.followed import followed
from ganlens.activations.functions import ACTIVATIONS
from ganlens.activations.guided import guided_copy, plain_activations, position_gradients
from ganlens.activations.hooks import capture, edit, run_to
from ganlens.activations.names import find_layer, leaves_of, unknown_layer
from ganlens.activations.top import TopPositions, highest_positions
from ganlens.activations.trace import Point, Step, Trace
from ganlens.activations.tracing import layer_names, points_of, trace
from ganlens.activations.windows import Windows, projective_windows, receptive_windows

__all__ = [
    "ACTIVATIONS",
    "Point",
    "ReceptiveField",
    "Step",
    "TopPositions",
    "Trace",
    "Windows",
    "capture",
    "edit",
    "find_layer",
    "followed",
    "guided_copy",
    "highest_positions",
    "layer_names",
    "leaves_of",
    "plain_activations",
    "points_of",
    "position_gradients",
    "projective_windows",
    "receptive_field",
    "receptive_windows",
    "run_to",
    "trace",
    "unknown_layer",
]
