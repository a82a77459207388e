"""What is known of a network's layers from its forward pass, in one sentence each."""

from torch import nn

from ganlens.activations.fields import field_of, fields_of
from ganlens.activations.guided import guided_rectifiers, plain_activations
from ganlens.activations.projection import rows_drawn
from ganlens.activations.tracing import trace
from ganlens.activations.windows import check_square
from ganlens.errors import GanlensError


def followed(network: nn.Module, *, draws: bool) -> dict[str, str]:
    """Say which fields of a network are known, and which gradients can be guided.

    Args:
        network: a discriminator, or a generator.
        draws: whether it is a generator, whose layers draw on pixels; otherwise they see them.

    Returns:
        Name of what was looked at -> the sentence.
    """
    what = "projective fields" if draws else "receptive fields"
    try:
        passed = trace(network)
    except GanlensError as error:
        return {what: f"not known: {error}"}
    seen, reasons = fields_of(passed), list[str]()
    maps = [point for point in passed.leaves.values() if len(point.shape) in (2, 4)]
    for point in maps:
        try:
            step = passed.step_of(point.name)
            shape = rows_drawn(passed, step)[0] if draws else seen[step].maps
            if not draws:
                field_of(seen, passed, point.name)
            check_square(shape)
        except GanlensError as error:
            reasons.append(str(error))
    known = len(maps) - len(reasons)
    words = f"for all {known} layers" if not reasons else f"for {known} of {len(maps)} layers"
    found = {what: "; ".join([f"known {words}", *dict.fromkeys(reasons[:1])])}
    return found if draws else {**found, "guided gradients": _guided(network)}


def _guided(network: nn.Module) -> str:
    count, plain = guided_rectifiers(network), plain_activations(network)
    if not count:
        return "none: no ReLU or LeakyReLU runs, as a layer or as a function"
    said = f"through {count} rectifier{'s' if count > 1 else ''}"
    return said + (f"; plain at {', '.join(plain)}" if plain else "")
