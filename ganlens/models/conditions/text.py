"""A condition of a caption: words of the training captions, one token each."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.conditions.base import Condition
from ganlens.models.conditions.table import Entry, Table, named, nearest

MOST_WORDS, LONGEST = 5_000, 64  # of the vocabulary, of a caption
_WORD = re.compile(r"[^\W_]+|[^\w\s]")


@dataclass(frozen=True)
class Text(Condition):
    """Rows of token numbers: 0 fills up, and word i of the vocabulary is i + 1.

    A network turns them into vectors by an embedding: ``row.long()``.

    Attributes:
        words: the vocabulary, the most frequent first.
    """

    kind: ClassVar[str] = "text"
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", named(self.words, "the vocabulary's words"))
        tokens_ = {token for entry in self.table.entries for token in entry}
        if not tokens_ <= set(range(len(self.words) + 1)):
            raise GanlensError("a condition of text has a token without a word")

    @classmethod
    def of(cls, captions: Sequence[str]) -> "Text":
        """Make the vocabulary of (N,) captions and count them.

        Raises:
            GanlensError: no words, too many different ones, or a caption that is too long.
        """
        split = [tokens(caption) for caption in captions]
        counts = Counter(word for words in split for word in words)
        longest = max(map(len, split), default=0)
        if not counts or len(counts) > MOST_WORDS or longest > LONGEST:
            raise GanlensError(
                f"captions have {len(counts):,} different words and up to {longest} in one: give 1"
                f" to {MOST_WORDS:,} words, and at most {LONGEST} in a caption"
            )
        words = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(Table.count(_numbered(split, words, longest)), tuple(words))

    @property
    def names(self) -> tuple[str, ...]:
        """The vocabulary."""
        return self.words

    @property
    def dim(self) -> int:
        """Tokens of the longest caption."""
        return len(self.table.entries[0])

    def row(self, entry: Entry) -> Tensor:
        """Return the row of a caption's tokens."""
        return torch.tensor(entry, dtype=torch.float32)

    def encode(self, captions: Sequence[str]) -> Tensor:
        """Return (N, dim) rows of captions.

        Raises:
            GanlensError: as ``read``.
        """
        return torch.stack([self.read(caption) for caption in captions])

    def read(self, words: str) -> Tensor:
        """Return the row of a caption in the training captions' words; case does not matter.

        Raises:
            GanlensError: a word that no training caption has, too many words, or none.
        """
        split = tokens(words)
        if not 0 < len(split) <= self.dim:
            raise GanlensError(f"caption {words!r} has {len(split)} words: give 1 to {self.dim}")
        for word in split:
            if word not in self.words:
                raise GanlensError(
                    f"word {word!r} is in no training caption{nearest(word, self.words)}; frequent"
                    f" words are {', '.join(self.words[:20])}"
                )
        return torch.from_numpy(_numbered([split], self.words, self.dim)[0]).float()

    def name(self, row: Tensor) -> str:
        """Return the words of a row."""
        return " ".join(self.words[int(token) - 1] for token in row.tolist() if token > 0)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {"kind": self.kind, "table": self.table.to_json(), "words": list(self.words)}


def tokens(caption: str) -> list[str]:
    """Split a caption into words and signs, in lower case."""
    return _WORD.findall(str(caption).lower())


def _numbered(split: Sequence[list[str]], words: Sequence[str], length: int) -> np.ndarray:
    """Return (N, length) token numbers, filled up with 0."""
    places = {word: i + 1 for i, word in enumerate(words)}
    rows = np.zeros((len(split), length), np.int64)
    for row, found in zip(rows, split, strict=True):
        row[: len(found)] = [places[word] for word in found]
    return rows
