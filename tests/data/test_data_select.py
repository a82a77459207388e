"""Selections: the grammar against Python's own evaluation, and every refusal."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.data.select import select
from ganlens.errors import GanlensError

COLUMNS = {
    "mouth": np.array(["smile", "frown", "smile", "neutral", "frown", "smile"]),
    "hair": np.array(["long", "long", "short", "short", "long", "very long"]),
    "tilt": np.array([-20.0, 10, 10.5, 0, 30, -1]),
}
VALUES = {
    "mouth": ("frown", "neutral", "smile", "never seen"),
    "hair": ("long", "short", "very long"),
}


def rows(expression: str) -> list[int]:
    return np.flatnonzero(select(expression, COLUMNS, VALUES)).tolist()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mouth=smile", [0, 2, 5]),
        ("mouth == smile & hair=long", [0]),
        ("mouth!=smile", [1, 3, 4]),
        ("!mouth=smile", [1, 3, 4]),
        ("!(mouth=smile|mouth=frown)", [3]),
        ("!!mouth=smile", [0, 2, 5]),
        ("tilt>10", [2, 4]),
        ("tilt >= 10 & tilt<=10.5", [1, 2]),
        ("tilt=10", [1]),
        ("tilt<-1", [0]),
        ("hair = very long", [5]),
        ("hair='very long' | tilt=0", [3, 5]),
        ('  hair="very long"  ', [5]),
        ("mouth=never seen", []),
        ("mouth=smile | mouth=frown & hair=short", [0, 2, 5]),  # & binds closer
        ("(mouth=smile | mouth=frown) & hair=short", [2]),
    ],
)
def test_selects(expression, expected):
    assert rows(expression) == expected


def test_values_of_any_shape_can_be_quoted():
    columns = {"class": np.array(["a&b", "(x)", "wow!", "it's"])}
    for row, value in enumerate(columns["class"]):
        mask = select(f'class="{value}"', columns, {})
        assert np.flatnonzero(mask).tolist() == [row]


comparisons = st.one_of(
    st.builds(
        lambda name, sign, value: (f"{name}{sign}{value}", f"({name} {sign} {value!r})"),
        st.just("mouth"),
        st.sampled_from(["==", "!="]),
        st.sampled_from(["smile", "frown", "neutral"]),
    ),
    st.builds(
        lambda sign, value: (f"tilt {sign} {value}", f"(tilt {sign} {value})"),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.integers(-25, 35),
    ),
)
expressions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(
            lambda p: (f"{p[0][0]} & {p[1][0]}", f"({p[0][1]} & {p[1][1]})")
        ),
        st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]}|{p[1][0]})", f"({p[0][1]} | {p[1][1]})")
        ),
        inner.map(lambda p: (f"!({p[0]})", f"(~{p[1]})")),
    ),
    max_leaves=8,
)


@given(expressions)
@settings(max_examples=200, deadline=None)
def test_agrees_with_python(pair):
    ours, python = pair
    expected = eval(python, {}, dict(COLUMNS))
    np.testing.assert_array_equal(select(ours, COLUMNS, VALUES), expected)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("colour=red", "attribute 'colour' is not known: choose from mouth, hair, tilt"),
        ("mouth=grin", "mouth 'grin' is not known: choose from frown, neutral, smile, never seen"),
        ("mouth>smile", "not numeric"),
        ("tilt=steep", "tilt is numeric, from -20 to 30"),
        ("mouth", "needs a comparison"),
        ("mouth=", "ends where a value"),
        ("", "ends where an attribute"),
        ("=smile", "'=' stands where an attribute"),
        ("(mouth=smile", "parenthesis is not closed"),
        ("mouth=smile)", "')' is one too many"),
        ("mouth=smile hair=long", "mouth 'smile hair' is not known"),
        ("mouth=smile & & hair=long", "'&' stands where"),
        ("mouth='smile", "unclosed quote"),
        ("(" * 5000 + "mouth=smile" + ")" * 5000, "nested"),
        ("!" * 5000 + "mouth=smile", "nested"),
    ],
)
def test_refuses_in_one_line(expression, said):
    with pytest.raises(GanlensError) as refused:
        rows(expression)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(alphabet="mouth=sile&|!() 'tl<>1\"", max_size=30))
@settings(max_examples=300, deadline=None)
def test_nonsense_is_a_ganlens_error(text):
    with suppress(GanlensError):  # anything else is a defect
        assert select(text, COLUMNS, VALUES).dtype == bool


def test_data_without_attributes_says_so():
    with pytest.raises(GanlensError, match="neither attributes nor classes"):
        select("class=dog", {}, {})
