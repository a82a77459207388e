"""Panels of the filters probe: weights as pictures, trained beside untrained, and a table."""

from ganlens import images
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.filters.result import FiltersResult

TITLES = {
    "first": "What the discriminator looks for first",
    "last": "What the generator draws with last",
}
TILES = {
    "first": "is one filter, the patch of picture that it answers to most",
    "last": "is the patch that one feature map stamps on the picture wherever it is on",
}


def panels(result: FiltersResult) -> list[Panel]:
    """Return the filters of both ends and the table of layers."""
    ends = ["first", "last"] if len(result.last) else ["first"]
    table = TablePanel.of(
        "Weights, layer by layer",
        "Mean, standard deviation and norm of each layer's weights, beside the "
        "standard deviation at the start of training. The receptive field is the side of "
        "the square of input pixels that one position of a discriminator layer depends on.",
        result.layers,
    )
    return [*(_sheet(result, end) for end in ends), table]


def _sheet(result: FiltersResult, end: str) -> ImagePanel:
    trained, untrained = getattr(result, end), getattr(result, f"{end}_untrained")
    both = [trained, untrained] if len(untrained) else [trained]
    compared = result.note
    if len(untrained):
        compared = f"Left trained, right untrained. {_smooth(result, end)}"
    return ImagePanel(
        title=TITLES[end],
        caption=f"Weights of {result.names[end == 'last']}: each tile {TILES[end]}. "
        f"Every tile has its own scale (grey is 0). {compared}",
        image=images.beside([images.grid(one, padding=1) for one in both], gap=8),
        alt=f"{len(trained)} small weight patches"
        + (", trained and untrained" if len(untrained) else ""),
        scale=8,
    )


def _smooth(result: FiltersResult, end: str) -> str:
    trained, untrained = result.smoothness[end], result.smoothness[f"{end} untrained"]
    if trained is None or untrained is None:
        return ""
    return (
        f"Neighbouring weights correlate by {trained:.2f}, untrained by {untrained:.2f} "
        "(smooth edges and blobs come near 1, noise near 0, checkerboards below 0)."
    )
