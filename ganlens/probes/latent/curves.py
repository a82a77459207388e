"""The curves of a walk: lengths of the latents, and how evenly the pictures change."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ganlens.panels import PALETTE, FigurePanel, figure

if TYPE_CHECKING:
    from ganlens.probes.latent.numbers import InterpolationNumbers

# Lines are named above the plot: a name inside it runs into the curves.
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def _plot(y_title: str, y: dict[str, Any]) -> go.Figure:
    return figure(
        xaxis={"title": "position on the walk (legs)"},
        yaxis={"title": y_title, "rangemode": "tozero", **y},
        legend=LEGEND,
        margin={"l": 50, "r": 20, "t": 50, "b": 45},
    )


def norms(result: "InterpolationNumbers") -> FigurePanel:
    """Length of the latents on the way, beside the other mode's and the prior's mean."""
    plot = _plot("length of the latent", {})
    ends = result.positions[[0, -1]]
    prior = [result.expected_norm] * 2
    level: dict[str, Any] = {"dash": "dash", "color": "grey", "width": 1.5}
    plot.add_scatter(x=ends, y=prior, name="mean of the prior", mode="lines", line=level)
    for mode, values, line in (
        (f"{result.route} (taken)", result.norms, {"color": PALETTE[0]}),
        (result.other_route, result.other_norms, {"color": PALETTE[1], "dash": "dot"}),
    ):
        plot.add_scatter(x=result.positions, y=values, name=mode, mode="lines", line=line)
    return FigurePanel(
        title="Length of the latents on the way",
        caption="A latent of the prior is almost always about as long as the dashed line. "
        "Where the walk falls far below it, the generator draws from a region it hardly "
        "knows.",
        figure=plot,
    )


def steps(result: "InterpolationNumbers") -> FigurePanel:
    """How far each picture is from the next, in pixels and as the discriminator sees it."""
    plot = _plot("change per step (% of unrelated)", {})
    looks = [("pixels", result.step_rmse, result.unrelated_rmse, "circle")]
    judged = not result.distance.startswith("pixels")
    if judged:
        look = (result.step_perceptual, result.unrelated_perceptual, "diamond")
        looks.append(("as the discriminator sees it", *look))
    for name, values, unrelated, symbol in looks:
        share = 100 * values / unrelated if unrelated > 0 else np.zeros_like(values)
        plot.add_scatter(
            x=result.step_positions,
            y=share,
            name=name,
            mode="lines+markers",
            marker={"symbol": symbol, "size": 5},
        )
    seen = (
        f" and {_times(result.perceptual_jump)} as the discriminator sees it: a distance in the "
        "features of all its layers, each scaled to unit length (LPIPS without learned weights, "
        "Zhang 2018), which also notices what changes few pixels."
        if judged
        else "; there is no discriminator to look with."
    )
    return FigurePanel(
        title="How evenly the picture changes",
        caption="Distance from each picture to the next, in percent of the mean distance between "
        f"unrelated samples ({result.unrelated_rmse:.1%} of the brightness range in pixels, "
        f"RMSE). A smooth generator has no spikes; here the longest step is "
        f"{_times(result.jump)} in pixels{seen}",
        figure=plot,
    )


def _times(jump: float | None) -> str:
    return "not defined" if jump is None else f"{jump:.1f} times the mean"
