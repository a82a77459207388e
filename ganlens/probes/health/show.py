"""The panels of a health check."""

from collections.abc import Mapping, Sequence

import numpy as np

from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.health.signs import COLLAPSED, HEALTHY, LEAST_RATIO, LEAST_SHARE, Verdict
from ganlens.probes.health.vitals import EXTREME, Vitals
from ganlens.probes.tiles import labelled

DASHES = ("solid", "dash", "dot")
SHAPES = ("", "/", ".")  # of bars, so that nothing is told by colour alone


def signs(
    verdicts: Sequence[Verdict], references: tuple[Vitals, Vitals] | None, itself: str | None
) -> TablePanel:
    """Tabulate the signs beside those of the references; ``itself`` says which of them it is."""
    names = ("healthy", "collapsed")
    if references is not None:
        names = tuple(f"{one.name} ({kind})" for one, kind in zip(references, names, strict=True))  # type: ignore[assignment]
    words = [one.words for one in verdicts]
    well, ill = words.count(HEALTHY), words.count(COLLAPSED)
    said = (
        f"Of {len(words)} signs {well} are {HEALTHY}, {ill} {COLLAPSED}, and "
        f"{len(words) - well - ill} do not settle it."
    )
    if itself is not None:
        said += f" This checkpoint is the {itself} reference itself, so its verdicts are given."
    if references is None:
        said = (
            "There is nothing beside it to say what is usual: --beside "
            "pixelfaces,pixelfaces-collapsed lays the shipped ones there."
        )
    return TablePanel(
        title="Signs of health",
        caption=f"{said} References are measured in the same run, each on images of its own kind; "
        "a threshold lies halfway between them, and there is none where they differ by less than "
        f"{LEAST_RATIO:g} times (or {LEAST_SHARE:g} of a share).",
        columns=("sign", "this checkpoint", *names, "verdict", "threshold", "as a rule it"),
        rows=[
            (v.sign.title, v.value, v.healthy, v.collapsed, v.words, v.threshold, v.sign.meaning)
            for v in verdicts
        ],
    )


def samples(everyone: Mapping[str, Vitals]) -> list[Panel]:
    """Show the first samples, a row for each checkpoint."""
    count = min(len(one.pictures) for one in everyone.values())
    rows = [(called(kind, one), one.pictures[:count]) for kind, one in everyone.items()]
    return [
        ImagePanel(
            title="Samples side by side",
            caption="One row per checkpoint, one column per seed, not chosen. A collapsed "
            "generator draws nearly the same picture for every seed, or nothing like the data.",
            image=labelled([f"seed +{i}" for i in range(count)], rows),
            alt=f"{len(rows)} rows of {count} samples: {', '.join(what for what, _ in rows)}",
            scale=1,
        )
    ]


def called(kind: str, one: Vitals) -> str:
    """Name a checkpoint in a legend."""
    return f"{one.name} ({kind})"


def spectrum(everyone: Mapping[str, Vitals]) -> FigurePanel:
    """Draw the singular values of dG/dz."""
    plot = figure(
        xaxis={"title": "singular value, largest first"},
        yaxis={
            "title": "change of the picture per sigma of z",
            "type": "log",
            "exponentformat": "power",
        },
        legend={"orientation": "h", "y": 1.14},
    )  # fmt: skip
    said = []
    for i, (kind, one) in enumerate(everyone.items()):
        values = one.spectra.mean(0)
        plot.add_scatter(
            x=np.arange(1, len(values) + 1), y=np.maximum(values, 1e-12), name=called(kind, one),
            mode="lines", line={"color": PALETTE[i], "dash": DASHES[i], "width": 2},
        )  # fmt: skip
        rank = "not defined" if one.rank is None else f"{one.rank:.1f} of {len(values)}"
        said.append(f"{kind} {rank}")
    return FigurePanel(
        title="Directions that change the picture",
        caption="Singular values of the generator's Jacobian dG/dz, mean over latents: how far "
        "the picture moves along each independent direction of the latent space. A steep fall "
        f"means that few directions do anything. Effective rank: {', '.join(said)}.",
        figure=plot,
    )


def dead(everyone: Mapping[str, Vitals]) -> FigurePanel:
    """Draw the share of dead units of every rectified layer."""
    plot = figure(
        barmode="group",
        xaxis={"title": "rectified layer"},
        yaxis={"title": "units never above 0 (%)", "rangemode": "tozero"},
        legend={"orientation": "h", "y": 1.14},
    )
    for i, (kind, one) in enumerate(everyone.items()):
        rows = [row for row in one.layers if row[6] is not None]
        plot.add_bar(
            x=[f"{row[0][0].upper()} {row[1]}" for row in rows],
            y=[100 * row[6] / row[7] for row in rows],
            name=called(kind, one),
            marker={"color": PALETTE[i], "pattern": {"shape": SHAPES[i]}},
        )
    own = everyone["this checkpoint"]
    parts = [
        f"{count} of {units} in the {network}"
        for network in ("generator", "discriminator")
        for count, units in [own.dead(network)]
        if units
    ]
    return FigurePanel(
        title="Dead units, layer by layer",
        caption="Channels that a rectifier never lets through, anywhere in any of "
        f"{own.n:,} samples (G) or these and as many real images (D); a leaky "
        "rectifier still lets a little through. This checkpoint has "
        f"{' and '.join(parts) or 'no rectified layer'}; no bar means none.",
        figure=plot,
    )


def outputs(everyone: Mapping[str, Vitals]) -> FigurePanel:
    """Draw the discriminator's logits of real images and of samples."""
    edge = float(np.log(EXTREME / (1 - EXTREME)))
    plot = figure(
        boxmode="group",
        yaxis={"title": "logit of the discriminator"},
        legend={"orientation": "h", "y": 1.14},
    )
    for i, what in enumerate(("real images", "samples")):
        rows = [
            (called(kind, one), (one.on_real, one.on_fake)[i]) for kind, one in everyone.items()
        ]
        plot.add_box(
            x=np.repeat([name for name, _ in rows], [len(values) for _, values in rows]),
            y=np.concatenate([values for _, values in rows]),
            name=what,
            boxpoints=False,
            marker={"color": PALETTE[i]},
            fillcolor="rgba(255,255,255,0)" if i else None,
        )
    for y in (edge, -edge):
        plot.add_hline(y=y, line={"color": "#000000", "dash": "dash", "width": 1})
    return FigurePanel(
        title="What the discriminator says",
        caption="Logits of training images (filled boxes) and of samples (open boxes): half of "
        "them lie in the box. Beyond the dashed lines the discriminator is 99 % sure; where both "
        "boxes lie beyond them, on either side, it has won and its gradients fade.",
        figure=plot,
    )


def layers(one: Vitals) -> TablePanel:
    """Tabulate the layers: shapes, weights, gradients, dead and saturated units."""
    rows = []
    for network, name, shape, mean, std, _low, dead_units, units, saturated in one.layers:
        kind, parameters, norm = one.kinds[f"{network}.{name}"]
        known = {} if one.gradients is None else one.gradients.layers
        gradient = known.get(f"{network}.{name}")
        rows.append(
            (network, name, kind, shape, parameters, norm, gradient, mean, std, dead_units,
             None if dead_units is None else units, saturated)
        )  # fmt: skip
    return TablePanel(
        title="Layers",
        caption="Output sizes follow (W - F + 2P) / S + 1 for a convolution of size F, padding P "
        "and stride S over W pixels. The gradient is that of the plain GAN loss (cross-entropy, "
        "without smoothing, noise or penalties) here, as a norm over the layer's weights; mean "
        "and std are of its outputs. Dead: never above 0; saturated: share of values beyond 0.99 "
        "of tanh.",
        columns=(
            "network", "layer", "type", "output", "parameters", "weight norm", "gradient norm",
            "mean", "std", "dead", "of", "saturated",
        ),
        rows=rows,
    )  # fmt: skip


def norms(one: Vitals) -> TablePanel:
    """Tabulate the batch norms."""
    rows = [
        (n.network, n.layer, *(n.gains or (None,) * 3), n.shift, n.running_mean, *n.running_var,
         n.drift)
        for n in one.norms
    ]  # fmt: skip
    return TablePanel(
        title="Batch norm",
        caption="Gains start near 1; a gain near 0 switches its channel off. The drift is how far "
        "what comes in lies from the running mean, in running standard deviations: near 0 the "
        "statistics in the file are those of its samples, and large values draw other pictures "
        "than training did.",
        columns=(
            "network", "layer", "lowest gain", "median gain", "highest gain", "largest shift",
            "largest running mean", "lowest running variance", "highest running variance", "drift",
        ),
        rows=rows,
    )  # fmt: skip
