"""Panels of the health probe: indicators, samples, ranks, dead units, logits, layers."""

from collections.abc import Mapping

import numpy as np

from ganlens.figures import DASHES, Line, bars, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.health.indicators import (
    COLLAPSED,
    HEALTHY,
    INDICATORS,
    LEAST_RATIO,
    LEAST_SHARE,
)
from ganlens.probes.health.measurements import EXTREME, Measurements
from ganlens.probes.health.result import HealthResult
from ganlens.probes.tiles import labelled


def panels(result: HealthResult) -> list[Panel]:
    """Return the indicators, the samples, the figures, and the tables of the layers."""
    every, own = result.checkpoints, result.measured
    found: list[Panel] = [_indicators(result), samples(every), spectrum(every), dead(every)]
    if len(own.on_real):
        found.append(outputs(every))
    found.append(layers(own))
    return [*found, norms(own)] if own.norms else found


def _indicators(result: HealthResult) -> TablePanel:
    names, verdicts = ["healthy", "collapsed"], list(result.verdicts.values())
    well, ill, total = result.count(HEALTHY), result.count(COLLAPSED), len(verdicts)
    said = (
        f"Of {total} indicators {well} are {HEALTHY}, {ill} {COLLAPSED}, and "
        f"{total - well - ill} do not settle it."
    )
    if result.itself:
        said += (
            f" This checkpoint is the {result.itself} reference itself, so its verdicts are given."
        )
    if result.references is None:
        said = (
            "There is nothing beside it to say what is usual: --beside "
            "pixelfaces,pixelfaces-collapsed lays the shipped ones there."
        )
    else:
        names = [called(kind, one) for kind, one in zip(names, result.references, strict=True)]
    return TablePanel.of(
        "Indicators of health",
        f"{said} References are measured in the same run, each on images of its own kind; "
        "a threshold lies halfway between them, and there is none where they differ by less than "
        f"{LEAST_RATIO:g} times (or {LEAST_SHARE:g} of a share).",
        {
            "indicator": [one.title for one in INDICATORS],
            "this checkpoint": [one.value for one in verdicts],
            names[0]: [one.healthy for one in verdicts],
            names[1]: [one.collapsed for one in verdicts],
            "verdict": [one.verdict for one in verdicts],
            "threshold": [one.threshold for one in verdicts],
            "as a rule it": [one.meaning for one in INDICATORS],
        },
    )


def samples(checkpoints: Mapping[str, Measurements]) -> ImagePanel:
    """Show the first samples, a row for each checkpoint."""
    count = min(len(one.pictures) for one in checkpoints.values())
    rows = [(called(kind, one), one.pictures[:count]) for kind, one in checkpoints.items()]
    return ImagePanel(
        title="Samples side by side",
        caption="One row per checkpoint, one column per seed, not chosen. A collapsed "
        "generator draws nearly the same picture for every seed, or nothing like the data.",
        image=labelled([f"seed +{i}" for i in range(count)], rows),
        alt=f"{len(rows)} rows of {count} samples: {', '.join(what for what, _ in rows)}",
        scale=1,
    )


def called(kind: str, one: Measurements) -> str:
    """Name a checkpoint in a legend."""
    return f"{one.name} ({kind})"


def spectrum(checkpoints: Mapping[str, Measurements]) -> FigurePanel:
    """Draw the singular values of dG/dz."""
    series, ranks = [], []
    for i, (kind, one) in enumerate(checkpoints.items()):
        values = np.maximum(one.spectra.mean(0), 1e-12)
        series.append(
            Line(called(kind, one), values, np.arange(1, len(values) + 1), dash=DASHES[i])
        )
        rank = "not defined" if one.rank is None else f"{one.rank:.1f} of {len(values)}"
        ranks.append(f"{kind} {rank}")
    return lines(
        "Directions that change the picture",
        "Singular values of the generator's Jacobian dG/dz, mean over latents: how far the picture "
        "moves along each independent direction of the latent space. A steep fall means that few "
        f"directions do anything. Effective rank: {', '.join(ranks)}.",
        None,
        series,
        xaxis="singular value, largest first",
        yaxis={"title": "change of the picture per sigma of z", "type": "log",
               "exponentformat": "power"},
    )  # fmt: skip


def dead(checkpoints: Mapping[str, Measurements]) -> FigurePanel:
    """Draw the share of dead units of every rectified layer."""
    shares = {
        called(kind, one): {
            f"{row['network'][0].upper()} {row['layer']}": 100 * row["dead units"] / row["units"]
            for row in one.layers
            if row["dead units"] is not None
        }
        for kind, one in checkpoints.items()
    }
    places = list(dict.fromkeys(place for share in shares.values() for place in share))
    own = checkpoints["this checkpoint"]
    parts = [
        f"{count} of {units} in the {network}"
        for network in ("generator", "discriminator")
        for count, units in [own.dead(network)]
        if units
    ]
    return bars(
        "Dead units, layer by layer",
        "Channels that a rectifier never lets through, anywhere in any of "
        f"{own.n:,} samples (G) or these and as many real images (D); a leaky rectifier still lets "
        f"a little through. This checkpoint has {' and '.join(parts) or 'no rectified layer'}; no "
        "bar means none.",
        places,
        {name: [share.get(place) for place in places] for name, share in shares.items()},
        xaxis="rectified layer",
        yaxis={"title": "units never above 0 (%)", "rangemode": "tozero"},
        barmode="group",
    )


def outputs(checkpoints: Mapping[str, Measurements]) -> FigurePanel:
    """Draw the discriminator's logits of real images and of samples."""
    edge = float(np.log(EXTREME / (1 - EXTREME)))
    plot = figure(
        boxmode="group",
        yaxis={"title": "logit of the discriminator"},
        legend={"orientation": "h", "y": 1.14},
    )
    for i, what in enumerate(("real images", "samples")):
        values = [(one.on_real, one.on_fake)[i] for one in checkpoints.values()]
        plot.add_box(
            x=np.repeat([called(*item) for item in checkpoints.items()], [*map(len, values)]),
            y=np.concatenate(values), name=what, boxpoints=False, marker={"color": PALETTE[i]},
            fillcolor="rgba(255,255,255,0)" if i else None,
        )  # fmt: skip
    for y in (edge, -edge):
        plot.add_hline(y=y, line={"color": "#000000", "dash": "dash", "width": 1})
    return FigurePanel(
        title="What the discriminator says",
        caption="Logits of training images (filled boxes) and of samples (open boxes): half of "
        "them lie in the box. Beyond the dashed lines the discriminator is 99 % sure; where both "
        "boxes lie beyond them, on either side, it has won and its gradients fade.",
        figure=plot,
    )


def layers(one: Measurements) -> TablePanel:
    """Tabulate the layers: shapes, weights, gradients, dead and saturated units."""
    columns = ("network", "layer", "type", "output", "parameters", "weight norm", "gradient norm",
               "mean", "std", "dead", "of", "saturated")  # fmt: skip
    known = [
        {
            **row,
            "dead": row["dead units"],
            "of": None if row["dead units"] is None else row["units"],
        }
        for row in one.layers
    ]
    return TablePanel.of(
        "Layers",
        "Output sizes follow (W - F + 2P) / S + 1 for a convolution of size F, padding P "
        "and stride S over W pixels. The gradient is that of the plain GAN loss (cross-entropy, "
        "without smoothing, noise or penalties) here, as a norm over the layer's weights; mean "
        "and std are of its outputs. Dead: never above 0; saturated: share of values beyond 0.99 "
        "of tanh.",
        {name: [row[name] for row in known] for name in columns},
    )


def norms(one: Measurements) -> TablePanel:
    """Tabulate the batch norms."""
    return TablePanel.of(
        "Batch norm",
        "Gains start near 1; a gain near 0 switches its channel off. The drift is how far "
        "what comes in lies from the running mean, in running standard deviations: near 0 the "
        "statistics in the file are those of its samples, and large values draw other pictures "
        "than training did.",
        one.norms,
    )
