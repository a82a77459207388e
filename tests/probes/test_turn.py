"""The turn vector: found, measured, and told apart from random vectors."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import linregress, spearmanr
from test_arithmetic import SMALL, data_set, two_things

from ganlens.errors import GanlensError
from ganlens.panels import ImagePanel
from ganlens.probes.turn import Turn
from ganlens.probes.turn.result import slopes, spearman
from ganlens.recipe import Recipe, render

QUICK = {**SMALL, "exemplars": 20, "samples": 12, "positions": 5}


@pytest.fixture(scope="module")
def result():
    return Turn(**QUICK).run(two_things(), data_set())


def test_the_vector_is_that_of_the_attribute(result):
    """The attribute is the first coordinate of the latent, so the vector points along it."""
    assert result.attribute == "amount"
    direction = result.vector / np.linalg.norm(result.vector)
    assert direction[0] > 0.9
    assert result.sigmas == pytest.approx(np.linalg.norm(result.vector))
    assert result.ends[0] < -0.5 < 0.5 < result.ends[1]


def test_every_sample_follows_and_random_vectors_lead_nowhere(result):
    summary = result.summary()
    assert summary["spearman_mean"] > 0.95
    assert abs(summary["spearman_random_vectors"]) < 0.5
    assert summary["slope_mean"] > 3 * abs(summary["slope_random_vectors"])
    assert result.measured.shape == (12, 5)
    assert (result.unchanged[2] == 1).all()  # the middle is the sample itself
    json.dumps(summary, allow_nan=False)


def test_the_middle_picture_is_the_sample_itself_and_the_strip_replays(result):
    subject = two_things()
    (panel,) = (one for one in result.panels() if isinstance(one, ImagePanel))
    assert np.array_equal(render(subject, Recipe.from_json(json.dumps(panel.recipe))), panel.image)
    _, curves, drift, table = result.panels()
    assert "the mean of 12" in curves.caption
    assert curves.figure.layout.xaxis.title.text == "t in z + t v"
    assert drift.figure.layout.yaxis.title.text == "samples predicted as before (%)"
    rows = dict(table.rows)
    assert rows["length of v (sigma of the prior)"] == result["vector_length_sigma"]
    assert rows["samples with a correlation above 0.9 (%)"] == pytest.approx(
        100 * result["spearman_share_above_0.9"]
    )


def test_correlations_and_slopes_are_those_of_scipy():
    rng = np.random.default_rng(0)
    amounts = np.linspace(-1, 1, 7)
    values = np.round(rng.normal(size=(5, 7)), 1)  # with ties
    values[4] = 3
    with pytest.warns(match="constant"):
        wanted = [spearmanr(amounts, row).statistic for row in values]
    np.testing.assert_allclose(spearman(amounts, values), np.nan_to_num(wanted), atol=1e-12)
    wanted = [linregress(amounts, row).slope for row in values]
    np.testing.assert_allclose(slopes(amounts, values), wanted, atol=1e-12)


def test_what_is_missing_is_named():
    data = data_set()
    with pytest.raises(GanlensError, match="'hat' is not known: choose from auto, amount"):
        Turn(attribute="hat", **QUICK).run(two_things(), data)
    bare = replace(data, attributes={k: v for k, v in data.attributes.items() if k != "amount"})
    with pytest.raises(GanlensError, match="no numeric attribute"):
        Turn(**QUICK).run(two_things(), bare)
    with pytest.raises(GanlensError, match="give --data"):
        Turn(**QUICK).run(two_things(), None)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"exemplars": 0}, "exemplars 0"),
        ({"samples": 1}, "samples 1"),
        ({"positions": 2}, "positions 2"),
        ({"pool": 10}, "at least 100"),
        ({"reach": 0}, "reach 0"),
        ({"reach": float("inf")}, "reach inf"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Turn(**settings)
