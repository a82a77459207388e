"""A formula among the words of a command line."""

import pytest

from ganlens.cli.formula import spelled_out
from ganlens.errors import GanlensError

OPTIONS = ["--a", "x=1 & y=1", "--b", "x=0 & y=1", "--c", "y=0"]


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (["c", "x=1 & y=1", "-", "x=0 & y=1", "+", "y=0", "--out", "o"], ["--out", "o"]),
        (["c", "x=1 & y=1 - x=0 & y=1 + y=0"], []),
    ],
)
def test_a_formula_becomes_options(words, after):
    assert spelled_out(words) == ["c", *OPTIONS, *after]


@pytest.mark.parametrize(
    "words", [["c"], ["c", "--json", "-"], ["c", "--a", "x=1"], ["a - b", "--out", "x"], []]
)
def test_other_words_stay(words):
    assert spelled_out(words) == words


@pytest.mark.parametrize(
    "words",
    [
        ["c", "a=1", "-", "b=2"],
        ["c", "a=1", "-", "b=2", "-", "c=3"],
        ["-"],
        ["a", "-", "--b", "+", "c"],
    ],
)
def test_half_a_formula_is_an_error(words):
    with pytest.raises(GanlensError, match="must be A - B"):
        spelled_out(words)
