"""Conditions: words and rows, how often the data had what, JSON, one-line refusals."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from ganlens.errors import GanlensError
from ganlens.models.conditions import Attributes, Classes, Condition, Table, Text, from_json

RNG = np.random.default_rng(0)
COLUMNS = {
    "mouth": RNG.choice(["smile", "neutral"], 400, p=[0.7, 0.3]),
    "glasses": RNG.choice(["none", "dark", "clear"], 400, p=[0.6, 0.3, 0.1]),
    "tilt": RNG.normal(3, 12, 400),
}
VALUES = {"mouth": ("neutral", "smile"), "glasses": ("none", "dark", "clear", "round")}
CAPTIONS = ["a smiling face"] * 5 + ["a face with dark glasses"] * 3 + ["A bear, alone!"]
LABELS = np.repeat([2, 0, 1], [60, 30, 10])

CONDITIONS: dict[str, Condition] = {
    "classes": Classes.of(LABELS, ("cat", "dog", "mouse")),
    "attributes": Attributes.of(COLUMNS, VALUES),
    "text": Text.of(CAPTIONS),
}
each = pytest.mark.parametrize("kind", CONDITIONS)


@each
def test_words_of_a_row_give_the_row_again(kind: str) -> None:
    known = CONDITIONS[kind]
    rows = known.sample(range(200))
    assert rows.shape == (200, known.dim)
    assert rows.dtype == torch.float32
    for row in rows:
        assert torch.equal(known.read(known.name(row)), row)


@each
def test_json_gives_an_equal_one(kind: str) -> None:
    known = CONDITIONS[kind]
    again = from_json(json.loads(json.dumps(known.to_json(), allow_nan=False)))
    assert again == known
    assert torch.equal(again.sample(range(50)), known.sample(range(50)))


@each
def test_a_seed_means_the_same_row_in_any_company(kind: str) -> None:
    known = CONDITIONS[kind]
    assert torch.equal(known.sample([7]), known.sample(range(10))[7:8])
    assert known.sample([]).shape == (0, known.dim)
    for seed in (-1, 1.5, True):
        with pytest.raises(GanlensError, match="must be a whole number"):
            known.sample([seed])  # type: ignore[list-item]


@pytest.mark.parametrize("kind", ["classes", "text"])
def test_rows_come_as_often_as_the_data_had_them(kind: str) -> None:
    """Pearson's chi-square of 5,000 draws: seeds are fixed, so the p-value is a constant."""
    known = CONDITIONS[kind]
    names = [known.name(known.row(entry)) for entry in known.table.entries]
    drawn = [known.name(row) for row in known.sample(range(5000))]
    expected = np.array(known.table.counts) / sum(known.table.counts) * len(drawn)
    assert set(drawn) <= set(names)
    assert chisquare([drawn.count(name) for name in names], expected).pvalue > 1e-4


def test_attributes_are_drawn_together_as_the_data_had_them() -> None:
    mouth = np.array(["smile", "smile", "neutral"])
    known = Attributes.of({"mouth": mouth, "tilt": np.array([1.0, 1.0, -2.0])}, {})
    told = {known.name(row) for row in known.sample(range(100))}
    assert told == {"mouth=smile & tilt=1", "mouth=neutral & tilt=-2"}


@each
def test_the_usual_row_is_the_most_frequent_one(kind: str) -> None:
    known = CONDITIONS[kind]
    assert torch.equal(known.usual, known.row(known.table.entries[0]))
    assert known.table.counts[0] == max(known.table.counts)


def test_a_class_by_its_name() -> None:
    known = CONDITIONS["classes"]
    assert known.names == ("cat", "dog", "mouse")
    assert known.read("dog").tolist() == known.read("class=dog").tolist() == [0, 1, 0]
    assert known.name(known.usual) == "mouse"


def test_classes_known_by_number_alone() -> None:
    known = Classes.numbered(10, usual=4)
    assert known.read("3").argmax() == 3
    assert known.name(known.usual) == "4"
    rows = known.labels(np.array([9, 0]))
    assert rows.argmax(1).tolist() == [9, 0]
    drawn = known.sample(range(5000)).sum(0)
    assert chisquare(drawn.numpy()).pvalue > 1e-4


def test_attributes_that_are_left_out_take_what_is_usual() -> None:
    known = CONDITIONS["attributes"]
    assert isinstance(known, Attributes)
    said = known.name(known.read("glasses=dark"))
    assert said.startswith("mouth=smile & glasses=dark & tilt=")
    assert known.read(" glasses = dark ").equal(known.read("glasses=dark"))
    assert known.dim == 2 + 4 + 1
    assert known.names[-1] == "tilt"
    assert known.names[:2] == ("mouth=neutral", "mouth=smile")


@given(st.floats(-90, 90))
def test_a_number_is_standardised_and_said_again(value: float) -> None:
    known = CONDITIONS["attributes"]
    assert isinstance(known, Attributes)
    tilt = known.attributes[-1]
    row = known.read(f"tilt={value}")
    assert float(row[-1]) == pytest.approx((value - tilt.mean) / tilt.std, abs=1e-4)
    assert float(known.name(row).rpartition("=")[2]) == pytest.approx(value, abs=1e-3)


def test_columns_become_rows() -> None:
    known = CONDITIONS["attributes"]
    assert isinstance(known, Attributes)
    rows = known.encode(COLUMNS)
    assert rows.shape == (400, 7)
    assert float(rows[:, -1].mean()) == pytest.approx(0, abs=1e-4)
    assert float(rows[:, -1].std(correction=0)) == pytest.approx(1, abs=1e-4)
    said = known.name(rows[0])
    assert said.startswith(f"mouth={COLUMNS['mouth'][0]} & glasses={COLUMNS['glasses'][0]}")
    with pytest.raises(GanlensError, match="lacks the attribute 'tilt'"):
        known.encode({name: COLUMNS[name] for name in ("mouth", "glasses")})


def test_a_caption_in_any_case_and_its_tokens() -> None:
    known = CONDITIONS["text"]
    assert isinstance(known, Text)
    assert torch.equal(known.read("A FACE"), known.read("a face"))
    assert known.name(known.read("A bear, alone!")) == "a bear , alone !"
    assert known.read("a").tolist() == [1, 0, 0, 0, 0]
    assert known.dim == 5


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        ("classes", "mose", "class 'mose' is not known .did you mean 'mouse'.*cat, dog, mouse"),
        ("classes", "7", "class '7' is not known: choose from cat, dog, mouse$"),
        ("classes", "pet=cat", "class 'pet=cat' is not known.*; write cat alone"),
        ("classes", "dog,cat", "class 'dog,cat' is not known.*; write dog, one class at a time"),
        ("attributes", "moth=smile", "did you mean 'mouth'.*mouth, glasses, tilt"),
        ("attributes", "mouth=smil", "mouth 'smil' is not known .did you mean 'smile'"),
        ("attributes", "smile", "NAME=VALUE & NAME=VALUE"),
        ("attributes", "mouth=smile & mouth=neutral", "gives mouth twice"),
        ("attributes", "tilt=much", "tilt 'much' is no number"),
        ("attributes", "tilt=nan", "tilt 'nan' is no number"),
        ("text", "a smilling face", "word 'smilling' is in no.*did you mean 'smiling'"),
        ("text", "", "has 0 words: give 1 to 5"),
        ("text", "a a a a a a", "has 6 words: give 1 to 5"),
    ],
)
def test_unknown_words_are_refused_with_the_nearest(kind: str, words: str, said: str) -> None:
    with pytest.raises(GanlensError, match=said) as caught:
        CONDITIONS[kind].read(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "sound"}, "condition 'sound' is not known: choose from classes, attributes"),
        ({"classes": []}, "a class without a name"),
        ({"classes": ["cat"]}, "a class without a name"),
        ({"table": {"entries": [[0]], "counts": [0]}}, "a count of 1 or more"),
        ({"table": {"entries": [[0], [0, 1]], "counts": [1, 1]}}, "unequal length"),
        ({"table": 3}, "is damaged"),
        ({"colour": "red"}, "is damaged"),
    ],
)
def test_a_damaged_header_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(GanlensError, match=said):
        from_json({**CONDITIONS["classes"].to_json(), **change})


def test_of_very_many_distinct_rows_some_are_drawn() -> None:
    table = Table.count(np.arange(9000)[:, None])
    assert len(table.entries) == 2000
    assert table.of == 9000
    assert Table(**json.loads(json.dumps(table.to_json()))) == table


def test_captions_of_too_many_words_are_refused() -> None:
    with pytest.raises(GanlensError, match="at most 64 in a caption"):
        Text.of(["word " * 65])
    with pytest.raises(GanlensError, match="give 1 to 5,000 words"):
        Text.of([""])
