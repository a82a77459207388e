"""Classifiers of a calculation: those that choose exemplars, and those that measure the result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ganlens.attributes import AttributeClassifier
from ganlens.panels import TablePanel
from ganlens.probes.concepts import Concept
from ganlens.probes.exemplars import Pool


@dataclass(frozen=True)
class Classifier:
    """How well an attribute is told, on real images.

    Attributes:
        linear: on the discriminator's features, to choose exemplars; else the network on pixels
            that measures the result.
        name: the attribute.
        values: what it may be.
        accuracy: on held-out images, 0 to 1.
        majority: accuracy of always guessing the commonest value.
        n_fit: images fitted to; None for the network, whose card has it.
        n_held_out: images held out.
    """

    linear: bool
    name: str
    values: Sequence[str]
    accuracy: float
    majority: float
    n_fit: int | None
    n_held_out: int


def classifiers(
    pool: Pool | None, network: AttributeClassifier | None, concepts: Iterable[Concept]
) -> tuple[Classifier, ...]:
    """Return the linear classifiers of the concepts' attributes, then the network's heads."""
    names = list(dict.fromkeys(one.name for concept in concepts for one in concept))
    linear = [pool.models.classifiers[name] for name in names] if pool else []
    found = [
        Classifier(True, c.name, c.classes, c.accuracy, c.majority, c.n_fit, c.n_held_out)
        for c in linear
    ]
    if network is not None:
        found += [
            Classifier(False, name, network.classes[name], network.accuracies[name],
                       network.majority[name], None, network.n_held_out)
            for name in names if name in network.classes
        ]  # fmt: skip
    return tuple(found)


def classifier_table(found: Sequence[Classifier]) -> TablePanel:
    """Return the table of what the classifiers can be trusted with."""
    return TablePanel.of(
        "What chooses the exemplars, and what measures the result",
        "Exemplars are chosen by linear classifiers (ridge regression) on the "
        "discriminator's features. The result is measured by a small network on pixels that was "
        "trained on real images only and shares nothing with the discriminator. Accuracies are on "
        "held-out real images; on generated ones both may do worse.",
        [
            {
                "role": "chooses" if one.linear else "measures",
                "attribute": one.name,
                "values": ", ".join(one.values),
                "accuracy (%)": 100 * one.accuracy,
                "always the commonest (%)": 100 * one.majority,
                "fitted to (images)": one.n_fit,
                "held out (images)": one.n_held_out,
            }
            for one in found
        ],
    )
