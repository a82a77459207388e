"""The networks of a Subject as they were before any training: the control of every claim."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models import build
from ganlens.models.imported.wrapped import Wrapped, reset

# Latents, and images, behind the batch-norm statistics of an untrained control. Against 8,192 they
# were measured to move its features by 0.4 % of their norm; twice as many gain 0.2 % for twice the
# time.
CALIBRATION = 1024


def fresh(
    networks: Mapping[str, nn.Module], provenance: Mapping[str, Any], seed: int
) -> dict[str, nn.Module]:
    """Build networks anew, from a seed.

    Args:
        networks: trained ones, by name.
        provenance: their family and arguments; modules that were made elsewhere are reset.
        seed: of the weights.

    Raises:
        GanlensError: the family or the arguments are not known, so nothing can be built.
    """
    if all(isinstance(n, Wrapped) for n in networks.values()):
        with seeded(seed):
            return {name: reset(network) for name, network in networks.items()}
    if "arguments" not in provenance:
        raise GanlensError(f"{provenance['checkpoint']} does not say how to build it untrained")
    return build(provenance["family"], provenance["arguments"], seed, list(networks))
