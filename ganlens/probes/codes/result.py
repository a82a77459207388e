"""Result of the codes probe: each number once, with its control beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.codes.information import entropy
from ganlens.probes.codes.matching import Matched
from ganlens.probes.codes.measure import Match, Measured
from ganlens.probes.codes.parts import Codes
from ganlens.probes.result import Number, Result

NO_CATEGORICAL = "the prior has no categorical code"
NO_CONTINUOUS = "the prior has no continuous code"
IN_WORDS = 3  # continuous codes that the headline names
NO_NOISE = "the prior has no continuous noise"
ALONE = "no further checkpoints were given"


@dataclass(frozen=True)
class Shown:
    """Pictures of one code.

    Attributes:
        name: of the code or its coordinate.
        pictures: (N, H, W, C) uint8, row by row.
        columns: pictures in a row.
        recipe: what draws them again.
    """

    name: str
    pictures: np.ndarray
    columns: int
    recipe: dict[str, Any]


@dataclass(frozen=True)
class CodesResult(Result):
    """What the codes of a prior of parts decide.

    Attributes:
        codes: which parts are codes.
        measured: of the checkpoint itself.
        beside: of the further checkpoints.
        no_classifier: why nothing reads the samples; empty where something does.
        no_twin: why there is no untrained network beside it.
        grids: one for each categorical code: a row for each value, a column for each sample.
        strips: one for each coordinate: a row for each sample, a column for each position.
    """

    codes: Codes
    measured: Measured
    beside: tuple[Measured, ...]
    no_classifier: str
    no_twin: str
    grids: tuple[Shown, ...]
    strips: tuple[Shown, ...]

    @property
    def every(self) -> tuple[Measured, ...]:
        """The checkpoint and those beside it."""
        return (self.measured, *self.beside)

    @property
    def first(self) -> Match | None:
        """The first categorical code's match; None where there is none."""
        return next(iter(self.measured.matches.values()), None)

    @property
    def unmatched(self) -> str:
        """Why there is no match; empty where there is one."""
        return "" if self.first else (NO_CATEGORICAL if not self.codes.categorical
                                      else self.no_classifier)  # fmt: skip

    @property
    def kept_attribute(self) -> str:
        """The attribute that sweeps are to keep: the matched one, else the first that is read."""
        codes = self.measured.effects.codes
        return (
            self.first.attribute if self.first else next(iter(codes[0].kept if codes else ()), "")
        )

    def numbers(self) -> Sequence[Number]:
        """Return matches, bounds, effects, scores and the other checkpoints, with controls."""
        return (
            Number("categorical_codes", {p.name: p.dim for p in self.codes.categorical}),
            Number("continuous_codes", [one.name for one in self.codes.continuous]),
            *self._matching(),
            *self._information(),
            *self._effects(),
            *self._scores(),
            *self._checkpoints(),
        )

    def _matching(self) -> list[Number]:
        match, why = self.first, self.unmatched
        found = None if match is None else match.found
        twin = None if match is None else match.untrained
        accuracy = (None, None, None) if found is None else found.accuracy

        def of(label: str, key: str) -> Number:
            value = None if found is None else getattr(found, label)
            return Number(f"matched_accuracy_{key}", value, SHUFFLED[key], "%", why)

        return [
            Number("matched_code", next(iter(self.measured.matches), None), reason=why),
            Number("matched_attribute", match and match.attribute, "read by the classifier",
                   reason=why),
            Number("matched_values", found and list(found.names), reason=why),
            Number("matched_accuracy", accuracy[0],
                   "samples that show the class matched to their code", "%", why),
            Number("matched_accuracy_low", accuracy[1], "  95 % interval, from", "%", why),
            Number("matched_accuracy_high", accuracy[2], "  to", "%", why),
            of("shuffled", "shuffled"), of("shuffled_95", "shuffled_95"),
            of("shuffled_same", "shuffled_same_half"),
            Number("matched_accuracy_untrained", twin and twin.accuracy[0],
                   "  untrained network", "%", why or self.no_twin),
            Number("normalised_mutual_information", found and found.information,
                   "normalised mutual information of code and class", "0 to 1", why),
            Number("matches", {name: _plain(one) for name, one in self.measured.matches.items()}),
        ]  # fmt: skip

    def _information(self) -> list[Number]:
        own, fresh = self.measured.own, self.measured.fresh
        label = "information of {}, at least, by "
        return [
            Number("entropy", entropies(self.codes)),
            Number("information_own", dict(own) or None, f"{label}its own reader", "nats",
                   self.measured.own_reason),
            Number("information_own_left_out", self.measured.own_reason or None,
                   reason="nothing was left out"),
            Number("information_fresh", dict(fresh) or None, f"{label}a fresh reader", "nats",
                   self.measured.fresh_reason),
            Number("information_of_entropy", self._of_entropy(), reason=NO_CATEGORICAL),
        ]  # fmt: skip

    def _of_entropy(self) -> str | None:
        for part in self.codes.categorical:
            found = self.measured.fresh.get(part.name, self.measured.own.get(part.name))
            if found is not None:
                return f"at least {max(found, 0):.2f} of {entropy(part):.2f} nats in the image"
        return None

    def _effects(self) -> list[Number]:
        found, codes = self.measured.effects, self.measured.effects.codes
        named = {one.name: found.named(one) for one in codes}
        words = "; ".join(f"{name} {what}" for name, what in list(named.items())[:IN_WORDS])
        words += f"; {len(named) - IN_WORDS} more" if len(named) > IN_WORDS else ""
        why = found.reason if codes else NO_CONTINUOUS
        main = self.kept_attribute
        kept = {one.name: one.kept[main] for one in codes if main in one.kept}
        return [
            Number("named", named, "{} moves"),
            Number("moved", {one.name: found.beyond(one) for one in codes}),
            Number("continuous_in_words", words or None, reason=NO_CONTINUOUS),
            Number("effect_levels", None if why else found.levels(), reason=why),
            Number("effect_noise_95", found.noise_levels() if codes else None, reason=why),
            Number("noise_sweeps", len(found.noise)),
            Number("effects", {one.name: dict(one.slopes) for one in codes}),
            Number("effects_consistent", {one.name: dict(one.consistent) for one in codes}),
            Number("class_kept", kept, "pictures that keep the class along {}", "%"),
            Number("class_kept_along_noise", found.kept_by_noise().get(main),
                   "  along noise", "%", why or self.no_classifier or NO_NOISE),
            Number("real_spread", dict(found.spread)),
        ]  # fmt: skip

    def _scores(self) -> list[Number]:
        scores, why = self.measured.scores, self.no_classifier
        few = why or "it takes two codes, and a factor that varies"
        return [
            Number("factors", scores and list(scores.factors), reason=why),
            Number("mutual_information_gap", scores and scores.gap, "MIG (Chen 2018)", "0 to 1",
                   few),
            Number("dci_disentanglement", scores and scores.disentanglement,
                   "DCI disentanglement (Eastwood 2018)", "0 to 1",
                   why or "it takes two factors, and one that a code tells"),
            Number("dci_completeness", scores and scores.completeness, "DCI completeness", "0 to 1",
                   few),
            Number("dci_informativeness", scores and scores.informativeness, reason=why),
        ]  # fmt: skip

    def _checkpoints(self) -> list[Number]:
        known = [one.accuracy for one in self.every if one.accuracy is not None]
        several = known if self.beside else []
        why = self.unmatched if self.beside else ALONE

        def over(key: str, function: Any, label: str) -> Number:
            value = float(function(several)) if several else None
            return Number(f"matched_accuracy_{key}", value, label, "%", why)

        return [
            Number("checkpoints", [_one(one, self.codes) for one in self.every]),
            Number("checkpoints_n", len(self.every) if self.beside else None, "checkpoints",
                   reason=ALONE),
            over("median", np.median, "  matched accuracy, median of all"),
            over("best", max, "  best"),
            over("worst", min, "  worst"),
        ]  # fmt: skip


SHUFFLED = {
    "shuffled": "  shuffled codes, mean",
    "shuffled_95": "  shuffled codes, 95th percentile",
    "shuffled_same_half": "  shuffled codes on the half that they were matched on",
}


def entropies(codes: Codes) -> dict[str, float]:
    """Return the entropy of each code in nats, by its name."""
    found = {part.name: entropy(part) for part in codes.categorical}
    return found | {one.name: entropy(one.part) for one in codes.continuous}


def _plain(match: Match) -> dict[str, Any]:
    found: Matched = match.found
    return {
        "attribute": match.attribute,
        "classes": list(found.classes),
        "matched": list(found.names),
        "confusion": found.counts.tolist(),
        "accuracy": found.accuracy[0],
        "interval": list(found.accuracy[1:]),
        "n": found.n,
        "shuffled": found.shuffled,
        "shuffled_95": found.shuffled_95,
        "normalised_mutual_information": found.information,
        "untrained": match.untrained.accuracy[0] if match.untrained else None,
    }


def _one(found: Measured, codes: Codes) -> dict[str, Any]:
    """Return what is told of each of several checkpoints."""
    return {
        "checkpoint": found.name,
        "hash": found.hash,
        "matched_accuracy": {name: m.found.accuracy[0] for name, m in found.matches.items()},
        "information_own": dict(found.own),
        "information_fresh": dict(found.fresh),
        "named": {one.name: found.effects.named(one) for one in found.effects.codes},
        "mutual_information_gap": found.scores and found.scores.gap,
    }
