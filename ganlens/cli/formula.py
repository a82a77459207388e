"""``A - B + C`` on the command line, as words: ``ganlens arithmetic ... "A" - "B" + "C"``."""

from collections.abc import Sequence

from ganlens.cli.probe import as_command
from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.probes.concepts import split_formula


def spelled_out(words: Sequence[str]) -> list[str]:
    """Turn a formula among the words into the options ``--a``, ``--b`` and ``--c``.

    The formula is five words (signs by themselves), or one word that holds it all.

    Raises:
        GanlensError: signs without an expression on either side.
    """
    words = list(words)
    if "-" in words and words[words.index("-") - 1] != "--json":
        return _of_five(words, words.index("-"))
    for i, word in enumerate(words):
        if not word.startswith("-") and " - " in word and " + " in word:
            return [*words[:i], *_options(split_formula(word)), *words[i + 1 :]]
    return words


def _of_five(words: list[str], minus: int) -> list[str]:
    formula = words[max(0, minus - 1) : minus + 4]
    if len(formula) < 5 or formula[1::2] != ["-", "+"] or any(w[:1] == "-" for w in formula[::2]):
        raise GanlensError(
            f"formula {' '.join(formula)!r} must be A - B + C, each an expression in quotes, for "
            'example "mouth=smile & hair=long" - "mouth=neutral & hair=long" + "mouth=neutral & '
            'hair=short"'
        )
    return [*words[: minus - 1], *_options(formula[::2]), *words[minus + 4 :]]


def _options(sides: Sequence[str]) -> list[str]:
    pairs = zip(("--a", "--b", "--c"), sides, strict=True)
    return [word for pair in pairs for word in pair]


arithmetic = as_command("arithmetic", PROBES["arithmetic"])
arithmetic.reword = spelled_out  # type: ignore[attr-defined]
