"""Questions to a generator: what it is asked for, what is read, and what the controls give."""

from dataclasses import dataclass

import numpy as np

from ganlens.models.conditions import Condition
from ganlens.probes.base import Steps
from ganlens.probes.conditions.accuracy import Accuracies, Accuracy, accuracy
from ganlens.probes.conditions.asked import Trained, never_trained
from ganlens.probes.conditions.reading import HeldOut, Reader, Readings, rows_of
from ganlens.probes.identity import untrained
from ganlens.subject import Subject

MOST_UNTRAINED = 500  # samples of the untrained generator


@dataclass(frozen=True)
class Questions:
    """What a generator is asked for.

    Attributes:
        trained: which combinations training had.
        asked: (N, A) entries that it had.
        never: (M, A) entries whose combination it never had; M may be 0.
        seed: the first seed of the latents, which go on from ``asked`` to ``never``.
        control: ask the untrained generator too.
    """

    trained: Trained
    asked: np.ndarray
    never: np.ndarray
    seed: int
    control: bool

    def put(
        self, subject: Subject, reader: Reader, real: HeldOut
    ) -> Steps[tuple[Readings, Accuracies]]:
        """Return what is read of ``asked``, and every accuracy."""
        known, targets = reader.readable, reader.readable.targets
        truth = known.truth(self.asked)
        found = yield from _read(subject, reader, self.asked, self.seed, "samples")
        unseen, unseen_real = yield from self._unseen(subject, reader, real)
        blank, note = yield from self._untrained(subject, reader)
        shuffled = np.random.default_rng(self.seed).permutation(truth)
        assert subject.condition is not None
        return found, Accuracies(
            samples=accuracy(truth, found.columns, targets),
            real=accuracy(real.labels, real.readings.columns, targets),
            shuffled=accuracy(shuffled, found.columns, targets),
            unseen=unseen,
            unseen_reason="" if unseen else _why(subject.condition, self.trained),
            unseen_real=unseen_real,
            untrained=blank,
            untrained_reason=note,
        )

    def _unseen(
        self, subject: Subject, reader: Reader, real: HeldOut
    ) -> Steps[tuple[Accuracy | None, Accuracy | None]]:
        if not len(self.never):
            return None, None
        assert subject.condition is not None
        known, targets = reader.readable, reader.readable.targets
        first = self.seed + len(self.asked)
        read = yield from _read(subject, reader, self.never, first, "never trained on")
        fresh = never_trained(subject.condition, self.trained, known, real.labels)
        there = None
        if fresh.any():
            there = accuracy(real.labels[fresh], real.readings.columns[fresh], targets)
        return accuracy(known.truth(self.never), read.columns, targets), there

    def _untrained(self, subject: Subject, reader: Reader) -> Steps[tuple[Accuracy | None, str]]:
        if not self.control:
            return None, "the control is switched off"
        blank, note = untrained(subject, self.seed)
        if blank is None:
            return None, note
        some, known = self.asked[:MOST_UNTRAINED], reader.readable
        read = yield from _read(blank, reader, some, self.seed, "untrained samples")
        return accuracy(known.truth(some), read.columns, known.targets), ""


def _read(
    subject: Subject, reader: Reader, entries: np.ndarray, first: int, what: str
) -> Steps[Readings]:
    z = subject.latents(range(first, first + len(entries)))
    return (yield from reader.samples(subject, z, rows_of(subject, entries), what))


def _why(condition: Condition, trained: Trained) -> str:
    what = "class" if condition.kind == "classes" else "combination"
    return trained.reason or f"training had every {what} that the classifier can read"
