"""The probes by the names that the command line, the report and the explorer know them by."""

from ganlens.probes.arithmetic import Arithmetic, ArithmeticScore
from ganlens.probes.artifacts import Artifacts
from ganlens.probes.base import Probe
from ganlens.probes.directions import Directions
from ganlens.probes.dissection import Dissect
from ganlens.probes.feature_maps import Activations
from ganlens.probes.fidelity import Fidelity
from ganlens.probes.filters import Filters
from ganlens.probes.forgetting import Forget
from ganlens.probes.health import Health
from ganlens.probes.inversion import Inversion
from ganlens.probes.latent import Interpolation
from ganlens.probes.linear import LinearProbe
from ganlens.probes.maximize import Maximize
from ganlens.probes.memorization import Neighbors
from ganlens.probes.turn import Turn
from ganlens.probes.units import GuidedBackprop, TopImages

PROBES: dict[str, type[Probe]] = {
    "interpolate": Interpolation,
    "arithmetic": Arithmetic,
    "arithmetic-score": ArithmeticScore,
    "turn": Turn,
    "directions": Directions,
    "filters": Filters,
    "activations": Activations,
    "top-images": TopImages,
    "guided-backprop": GuidedBackprop,
    "maximize": Maximize,
    "health": Health,
    "artifacts": Artifacts,
    "forget": Forget,
    "dissect": Dissect,
    "fid": Fidelity,
    "neighbors": Neighbors,
    "linear-probe": LinearProbe,
    "invert": Inversion,
}
