"""How well a classifier reads images that it was not trained on."""

import torch
from torch import Tensor

from ganlens.classifier.targets import UNKNOWN, Truth
from ganlens.data import ImageSet
from ganlens.devices import place_of
from ganlens.models.classifier import Classifier

MOST_CONFUSIONS = 10  # that are listed of a target


@torch.inference_mode()
def read(model: Classifier, data: ImageSet) -> dict[str, Tensor]:
    """Read all rows: target -> (N, classes) logits, and number -> (N,) standardised values.

    They are on the CPU, wherever the model is.
    """
    device = place_of(model)
    found = [model(batch.to(device)) for batch in data.batches(256)]
    return {name: torch.cat([one[name] for one in found]).cpu() for name in found[0]}


def hits(logits: list[Tensor], answers: Tensor) -> Tensor:
    """Which answers are right: (N, targets) of 0 and 1, NaN where the class is not known."""
    guesses = torch.stack([scores.argmax(1) for scores in logits], 1)
    return (guesses == answers).double().masked_fill(answers == UNKNOWN, torch.nan)


def accuracies(found: dict[str, Tensor], truth: Truth) -> dict[str, float]:
    """Return target -> share of right answers where the class is known; NaN if it never is."""
    right = hits([found[name] for name in truth.targets], truth.answers).nanmean(0)
    return dict(zip(truth.targets, right.tolist(), strict=True))


def majorities(train: Truth, test: Truth) -> dict[str, float]:
    """Return target -> share of known test answers that are the commonest training answer."""
    shares = {}
    pairs = zip(train.answers.unbind(1), test.answers.unbind(1), strict=True)
    for name, (learned, asked) in zip(train.targets, pairs, strict=True):
        commonest = learned[learned != UNKNOWN].bincount(minlength=1).argmax()
        shares[name] = float((asked[asked != UNKNOWN] == commonest).double().mean())
    return shares


def correlations(found: dict[str, Tensor], truth: Truth) -> dict[str, float]:
    """Return number -> Pearson correlation of what is read with the truth; NaN below 2 images."""
    pairs = zip(truth.scales, truth.numbers.unbind(1), strict=True)
    return {name: _correlation(found[name], true) for name, true in pairs}


def confusions(found: dict[str, Tensor], truth: Truth) -> dict[str, list[tuple[str, str, float]]]:
    """Return target -> its commonest mistakes, at most 10, the commonest first.

    A mistake is (the true class, what it was read as, share of the true class's images).
    """
    columns = zip(truth.targets.items(), truth.answers.unbind(1), strict=True)
    return {
        name: _mistakes(found[name].argmax(1), true, classes) for (name, classes), true in columns
    }


def _mistakes(guess: Tensor, true: Tensor, names: tuple[str, ...]) -> list[tuple[str, str, float]]:
    known, k = true != UNKNOWN, len(names)
    counts = (true[known] * k + guess[known]).bincount(minlength=k * k).reshape(k, k).double()
    shares = (counts / counts.sum(1, keepdim=True).clamp(min=1)).fill_diagonal_(0).flatten()
    best = shares.topk(min(MOST_CONFUSIONS, k * k))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [(names[i // k], names[i % k], share) for i, share in pairs if share > 0]


def _correlation(read: Tensor, true: Tensor) -> float:
    known = torch.isfinite(true)
    if known.sum() < 2:
        return float("nan")
    return float(torch.corrcoef(torch.stack([read[known], true[known]]).double())[0, 1])
