"""Panels of the directions probe: strips, what changes with what, report cards."""

from collections.abc import Sequence

import numpy as np

from ganlens import images
from ganlens.figures import bars, heatmap
from ganlens.panels import (
    PALETTE,
    FigurePanel,
    ImagePanel,
    Panel,
    TablePanel,
    percent,
    picture_scale,
)
from ganlens.probes.directions.result import FILE, DirectionsResult, Strip, title

HOW = {
    "boundary": "The normal of a linear SVM between the samples that show it most and least "
    "(InterFaceGAN, Shen 2020).",
    "conditional": "The same boundary's normal n without what it shares with the normals N of the "
    "other attributes, `n - N^T (N N^T)^-1 N n` (Shen 2020): their scores stay where they are.",
    "means": "The mean latent of the samples that show it most minus that of those that show it "
    "least: the turn vector (Radford 2015, 6.3.2).",
    "sefa": "An eigenvector of `A^T A`, A being the generator's first layer with its batch norm "
    "folded in (SeFa, Shen and Zhou 2021): no labels, no samples.",
    "ganspace": "A principal component of a layer's activations, carried to the latent by a "
    "regression (GANSpace, Härkönen 2020): no labels.",
    "random": "A random direction, the control: what a move of this length does to any sample.",
}
WRITTEN = {"sefa": "SeFa", "ganspace": "GANSpace"}


def panels(result: DirectionsResult) -> list[Panel]:
    """Return every panel of a result."""
    shown: list[Panel] = []
    if any(card.changes for card in result.cards):
        shown.append(_heat(result))
    shown += [_strip(result, strip) for strip in result.strips]
    if pairs := _pairs(result):
        shown += [_bars(result, pairs), _by_attribute(result, pairs)]
    return [*shown, _table(result)]


def _strip(result: DirectionsResult, strip: Strip) -> ImagePanel:
    one = result.directions[strip.index]
    steps = ", ".join(f"{amount:g}" for amount in result.amounts)
    if strip.edit == "offset":
        name, unit = f"{title(one)} as an offset of {one.layer}", ""
        how = (
            f"The component itself is added to what {one.layer} puts out, the latent stays: only "
            "what this layer and later ones decide can change. One sigma is one standard "
            "deviation of the component."
        )
    else:
        name, unit = title(one), " (standard deviations of the prior)"
        how = f"{HOW.get(one.method, '')} {_verdict(result, strip.index)}".strip()
    return ImagePanel(
        title=name.replace(one.method, WRITTEN.get(one.method, one.method.capitalize()), 1),
        caption=f"One sample per row, moved by {steps} sigma{unit} from left to right. {how}",
        image=images.grid(strip.tiles, len(result.amounts)),
        alt=f"samples moved along {name}",
        scale=picture_scale(strip.tiles),
        recipe=strip.recipe,
    )


def _verdict(result: DirectionsResult, index: int) -> str:
    card, one = result.cards[index], result.directions[index]
    if card.turned_on is None or card.auc is None:
        return ""
    start = "" if one.claim else f"It makes {card.makes_true} true most often. "
    return (
        f"{start}At +{result.distance:g} sigma, {card.turned_on:.0%} of the samples without "
        f"{card.makes_true} have it{_beside(result, index)}. How far a latent lies along the "
        f"direction tells samples with it from those without, AUC {card.auc:.2f} (0.5 is chance)."
    )


def _beside(result: DirectionsResult, index: int) -> str:
    """Say how often its attribute changes, beside what random directions do to the same one."""
    if not result.attributes(index):
        return ""
    changes = result.cards[index].changes
    name = max(result.attributes(index), key=lambda one: changes.get(one, 0))
    random = [result.cards[i].changes[name] for i in result.of("random") if i != index]
    control = f"; random directions: {np.mean(random):.0%}" if random else ""
    return f" (of all {result.measured}, {name} changes in {changes[name]:.0%}{control})"


def _heat(result: DirectionsResult) -> FigurePanel:
    rows = [(title(o), c.changes) for o, c in zip(result.directions, result.cards, strict=True)
            if o.method != "random"]  # fmt: skip
    last = ""
    if random := [result.cards[i].changes for i in result.of("random")]:
        mean = {name: float(np.mean([one[name] for one in random])) for name in random[0]}
        rows.append(("random, mean", mean))
        last = f" The last row, the mean of {len(random)} random ones, is what any does."
    names = list(rows[0][1])
    cells = np.array([[changes[name] for name in names] for _, changes in rows])
    return heatmap(
        "What each direction changes",
        f"Each cell: of {result.measured} fresh samples, the percentage of which the column's "
        f"attribute changes when they are moved by +{result.distance:g} sigma (standard deviations "
        "of the prior) along the row's direction. A clean direction is dark in one column only; a "
        f"direction that is dark in many is entangled.{last} A numeric attribute "
        "counts as changed beyond one standard deviation of what the samples had. "
        f"{_classifier(result)}",
        cells,
        x=names,
        y=[name for name, _ in rows],
        xaxis={"tickangle": -60, "dtick": 1},
        span=(0, 1),
        text=np.round(100 * cells).astype(int),
        hover="%{y}<br>%{x}: %{z:.0%} changed<extra></extra>",
        height=130 + 22 * len(rows),
        margin={"l": 190, "r": 20, "t": 30, "b": 80},
    )


def _classifier(result: DirectionsResult) -> str:
    about = result.about
    if about["classifier"] is None:
        return ""
    known = [v for v in about["classifier_accuracy_held_out"].values() if np.isfinite(v)]
    least = f", right on at least {min(known):.1%} of held-out images" if known else ""
    return f"The classifier had no part in finding them: {about['classifier']}{least}."


def _pairs(result: DirectionsResult) -> list[tuple[int, int]]:
    """Return the indices of the plain and the conditional boundary of each claim."""
    plain = {result.directions[i].claim: i for i in result.of("boundary")}
    held = {result.directions[i].claim: i for i in result.of("conditional")}
    return [(plain[claim], i) for claim, i in held.items() if claim in plain]


BARS = (
    ("turned on, plain", 0, True, PALETTE[0]),
    ("turned on, conditional", 1, True, PALETTE[5]),
    ("other attributes changed, plain", 0, False, PALETTE[3]),
    ("other attributes changed, conditional", 1, False, PALETTE[1]),
)


def _bars(result: DirectionsResult, pairs: Sequence[tuple[int, int]]) -> FigurePanel:
    def height(index: int, own: bool) -> float | None:
        card = result.cards[index]
        return percent(card.turned_on if own else card.others(result.attributes(index)))

    shown = bars(
        "Does conditioning disentangle?",
        "Boundaries as they are, and (hatched) with all other attributes held still, at "
        f"+{result.distance:g} sigma, on {result.measured} samples. Blue: of the samples without "
        "it, the share that has it then. Orange: the share of all samples that changes, on average "
        "over the other attributes. Where attributes go together, the plain normal n leans towards "
        "other boundaries; `n - N^T (N N^T)^-1 N n` takes that out (Shen 2020). It worked where "
        "the blue bars stay high and the orange ones fall; what still changes is not linear in the "
        "latent.",
        [result.directions[i].claim for i, _ in pairs],
        {name: [height(pair[side], own) for pair in pairs] for name, side, own, _ in BARS},
        yaxis={"title": "share of samples (%)", "range": [0, 100]},
        barmode="group",
        height=380,
        legend={"orientation": "h", "y": -0.25},
    )
    for bar, (_, side, _, colour) in zip(shown.figure.data, BARS, strict=True):
        bar.update(marker={"color": colour, "pattern": {"shape": "/" if side else ""}})
    return shown


def _by_attribute(result: DirectionsResult, pairs: Sequence[tuple[int, int]]) -> TablePanel:
    rows = [
        {
            "claim": result.directions[i].claim,
            "direction": name,
            "turned on (%)": percent(result.cards[i].turned_on),
            "left of n": result.directions[i].metrics.get("kept", 1.0),
            **{f"{key} (%)": 100 * share for key, share in result.cards[i].changes.items()},
        }
        for pair in pairs
        for i, name in zip(pair, ("plain", "conditional"), strict=True)
    ]
    return TablePanel.of(
        "Plain and conditional boundaries, attribute by attribute",
        f"Share of {result.measured} samples of which an attribute, one to a column, "
        "changes. `turned on`: of the samples of which the claim was false, the share of which it "
        "becomes true. `left of n`: length of what remains of the unit normal once the others are "
        "taken out; it is scaled up to length 1 again, so both are moved equally far.",
        rows,
    )


# Title, key of the summary, and unit: "%" of shares, "1" of other numbers; "" of texts.
COLUMNS = (
    ("makes true", "makes_true", ""), ("AUC", "auc", "1"),
    ("turned on (%)", "turned_on", "%"), ("turned off (%)", "turned_off", "%"),
    ("own changed (%)", "own_attribute_changed", "%"),
    ("others changed (%)", "other_attributes_changed", "%"),
    ("D logit", "d_logit_change", "1"), ("length (%)", "length_change", "%"),
    ("pixel RMSE (% of the range)", "pixel_rmse", "%"),
    ("held-out accuracy (%)", "held_out_accuracy_of_extremes", "%"),
    ("strength", "strength", "1"), ("same as", "same_as", ""),
)  # fmt: skip


def _table(result: DirectionsResult) -> TablePanel:
    cards = result.rows()
    rows = [(title(one), card) for one, card in zip(result.directions, cards, strict=True)
            if one.method != "random"]  # fmt: skip
    if random := [cards[i] for i in result.of("random")]:
        for name, number in (("mean", np.mean), ("lowest", np.min), ("highest", np.max)):
            known = {key: [card[key] for card in random if card[key] is not None]
                     for _, key, unit in COLUMNS if unit}  # fmt: skip
            found = {key: float(number(values)) for key, values in known.items() if values}
            rows.append((f"{len(random)} random, {name}", found))
    outside = max((card["coordinates_outside_the_prior"] for card in cards), default=0)
    draws = f" Up to {outside:.0%} of the coordinates then lie where the prior never draws."
    why = f" Not everything could be done: {result.reason}." if result.reason else ""
    return TablePanel(
        title="Report cards",
        caption=f"Each direction moves {result.measured} fresh samples by {result.distance:g} "
        "sigma, z + amount x std x unit vector. AUC: how well `z @ unit` alone tells fresh "
        "samples of which the claim is true (0.5 is chance); for a direction that claims nothing "
        "it is about what it makes true most often. Turned on, at +: share of the samples of "
        "which it was false; turned off, at -: of those of which it was true. D logit: mean "
        "change of the discriminator's score, below 0 where samples get less convincing. Length: "
        f"change of |z|.{draws if outside else ''} Own changed: share whose prediction "
        "changes at + for the attribute claimed or, without a claim, moved most; others changed: "
        "the mean over the rest. Held-out accuracy: of the boundary, on the extremes that it was "
        "not fitted to. Strength: share of explained variance (SeFa, GANSpace), AUC of the "
        "extremes (boundaries), distance of the means in sigmas, or what is left of a conditional "
        "normal. Same as: the first earlier direction with |cos| above 0.9. Random directions show "
        "what any move of this "
        f"length does. `--out DIR` keeps all of them as `{FILE}`.{why}",
        columns=["direction", *(name for name, _, _ in COLUMNS)],
        rows=[
            [name, *(percent(card.get(key)) if unit == "%" else card.get(key)
                     for _, key, unit in COLUMNS)]
            for name, card in rows
        ],
    )  # fmt: skip
