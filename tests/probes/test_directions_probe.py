"""The probe of directions, on a generator of which every attribute is known by heart.

It draws how bright the picture is (coordinate 0) and which half is brighter (coordinate 1).
"""

import json

import numpy as np
import pytest
import torch
from fake_subject import FakeSubject, fake_subject
from test_arithmetic import TwoThings, data_set, two_things
from torch import nn

from ganlens.cli import main
from ganlens.directions import load_directions
from ganlens.errors import GanlensError
from ganlens.images import to_uint8
from ganlens.models.dcgan import DCGANConfig
from ganlens.panels import FigurePanel, ImagePanel, TablePanel
from ganlens.probes.concepts import quoted
from ganlens.probes.directions import Directions
from ganlens.probes.directions.claims import claims_of
from ganlens.probes.directions.scores import ridge
from ganlens.recipe import Recipe, render
from ganlens.subject import load

SMALL = {
    "samples": 400, "measured": 40, "probe_images": 300, "feature_pool": 2, "count": 3, "random": 3,
    "layer": "0", "methods": ("boundary", "means"), "shown": 1,
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANLENS_CACHE", str(tmp_path_factory.mktemp("classifiers")))
        yield


@pytest.fixture(scope="module")
def result():
    names = ("light=bright", "side=left")
    return Directions(**SMALL, attributes=names).run(two_things(), data_set())


def by_name(result, name):
    return next(i for i, title in enumerate(result.summary()["directions"]) if title == name)


def test_boundaries_are_the_planted_coordinates(result):
    for name, coordinate in (("light=bright", 0), ("side=left", 1)):
        one = result.directions[by_name(result, f"boundary: {name}")]
        assert abs(one.unit[coordinate]) > 0.95, name
        assert one.metrics["accuracy"] > 0.9
        assert one.intercept == pytest.approx(0, abs=0.4)
        assert one.provenance["hash"] == "f" * 64


def test_the_card_says_what_a_move_changes_and_what_it_leaves(result):
    index = by_name(result, "boundary: light=bright")
    card = result.cards[index]
    assert card.auc > 0.9
    assert card.turned_on > 0.9
    assert card.turned_off > 0.9
    assert card.changes["light"] > 0.35 > 0.2 > card.changes["side"]
    assert card.own(("light",)) == card.changes["light"]
    assert card.length_change > 0
    assert card.pixel_rmse > 0.05
    random = result.summary()["means_per_method"]["random"]
    boundary = result.summary()["means_per_method"]["boundary"]
    assert random["turned_on"] < boundary["turned_on"] - 0.2


def test_means_repeat_the_boundaries_and_the_table_says_so(result):
    index = by_name(result, "means: light=bright")
    assert result.same_as[index] == "boundary: light=bright"
    assert result.summary()["duplicates"] >= 2


def test_conditional_boundaries_hold_the_other_attributes(result):
    one = result.directions[by_name(result, "conditional: light=bright")]
    assert not any("shop" in name or "amount" in name for name in one.provenance["held"])
    plain = result.directions[by_name(result, "boundary: side=left")]
    assert plain.name in one.provenance["held"]
    assert abs(float(one.unit @ plain.unit)) < 1e-5


def test_pictures_replay_and_the_summary_is_json(result):
    pictures = [panel for panel in result.panels() if isinstance(panel, ImagePanel)]
    kinds = [panel.title.split(":")[0] for panel in pictures]
    assert kinds == ["Boundary", "Conditional", "Random 1"]  # the means repeat the boundary
    assert "random directions: " in pictures[0].caption, "the control beside the claim"
    for panel in pictures:
        recipe = Recipe.from_json(json.dumps(panel.recipe))
        assert recipe.latents.kind == "seeds"
        assert [one.kind for one in recipe.edits] == ["move"]
        assert len(recipe.edits[0].amounts) == 7
        assert np.array_equal(render(two_things(), recipe), panel.image)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["classifier_hash"]
    assert len(summary["auc"]) == len(summary["directions"]) == len(summary["changed"]["light"])
    assert sum(isinstance(panel, FigurePanel) for panel in result.panels()) == 2
    assert sum(isinstance(panel, TablePanel) for panel in result.panels()) == 2
    table = result.panels()[-1]
    first = dict(zip(table.columns, table.rows[0], strict=True))
    assert first["direction"] == summary["directions"][0]
    assert first["AUC"] == summary["auc"][0]
    assert first["turned on (%)"] == 100 * summary["turned_on"][0]
    assert first["length (%)"] == 100 * summary["length_change"][0]
    assert "moves 40 fresh samples by 3 sigma" in table.caption
    assert [row[0] for row in table.rows][-3:] == [
        "3 random, mean",
        "3 random, lowest",
        "3 random, highest",
    ]


def test_the_file_holds_all_but_the_random_ones(result, tmp_path):
    ((name, content),) = result.files().items()
    (tmp_path / name).write_bytes(content)
    loaded = load_directions(tmp_path / name, two_things())
    assert len(loaded) == len(result.directions) - 3
    assert np.array_equal(loaded[0].unit, result.directions[0].unit)
    assert loaded[0].provenance["extreme_share"] == 0.25


class Layered(nn.Module):
    """The same pictures, by a linear first layer, so that no method has to be left out."""

    image_shape = (3, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        things = TwoThings()
        self.prior = things.prior
        self.first = nn.Linear(6, 2, bias=False)
        self.first.weight.data = torch.eye(6)[:2] * torch.tensor([[2.0], [1.0]])
        self.middle, self.last = nn.Identity(), nn.Tanh()
        self.register_buffer("halves", things.halves)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        found = self.middle(self.first(z)) * torch.tensor([0.2, 0.4])
        light, side = found[:, 0, None, None, None], found[:, 1, None, None, None]
        return self.last(light + side * self.halves)


UNSUPERVISED = {**SMALL, "methods": ("sefa", "ganspace"), "layer": "first", "count": 2}


def test_unsupervised_methods_need_nothing_but_a_generator():
    probe = Directions(**UNSUPERVISED)
    assert probe.needs().data == "optional"
    found = probe.run(FakeSubject(Layered(), None))
    assert [one.name for one in found.directions[:4]] == [
        "sefa 1", "sefa 2", "ganspace 1", "ganspace 2",
    ]  # fmt: skip
    assert found.directions[0].unit[0] > 0.999
    assert found.same_as[2] == "sefa 1"
    assert found.reason == ""
    assert found.cards[0].d_logit_change is None
    json.dumps(found.summary(), allow_nan=False)
    assert found.panels()


def test_what_they_move_most_is_read_by_the_judge():
    found = Directions(**UNSUPERVISED).run(FakeSubject(Layered(), None), data_set())
    assert found.cards[0].makes_true.startswith("amount>")
    assert found.cards[0].auc > 0.9
    assert found.attributes(1) == ("side",)


@pytest.mark.parametrize(
    ("subject", "data", "says"),
    [
        (FakeSubject(Layered(), fake_subject().discriminator), None, "no data were given"),
        (FakeSubject(Layered(), fake_subject().discriminator), data_set(attributes=False),
         "neither attributes nor classes"),
        (FakeSubject(Layered(), None), data_set(), "this checkpoint has none"),
    ],
)  # fmt: skip
def test_what_had_to_be_left_out_is_said_in_the_panel(subject, data, says):
    settings = {**UNSUPERVISED, "methods": ("boundary", "means", "sefa", "ganspace")}
    found = Directions(**settings).run(subject, data)
    assert {one.method for one in found.directions} == {"sefa", "ganspace", "random"}
    assert says in found.panels()[-1].caption
    assert says in found.summary()["left_out"]


def test_classes_alone_and_auto_work():
    found = Directions(**SMALL).run(two_things(), data_set(attributes=False, classes=3))
    assert {one.claim.split("=")[0] for one in found.directions if one.claim} == {"class"}
    assert len([one for one in found.directions if one.method == "boundary"]) == 1


def test_claims_are_made_of_values_medians_and_expressions():
    data = data_set()
    asked, texts = claims_of(data, ("auto",))
    assert asked == texts
    assert len(texts) == 4  # one value of two each, and a median
    assert 'shop name="A & B"' in texts or "shop name=C" in texts
    (median,) = (text for text in texts if text.startswith("amount>"))
    assert texts[median] == ("amount",)
    asked, every = claims_of(data, ("side", "light=bright & side=left"))
    assert list(asked.values()) == [("side",), ("light", "side")]
    assert len(every) == 5
    assert quoted("a=b") == '"a=b"'
    for bad, says in (("amount>99", "at least 20"), ("hat=red", "not known"), ("hat", "not ")):
        with pytest.raises(GanlensError, match=says):
            claims_of(data, (bad,))


@pytest.mark.parametrize("shape", [(60, 200), (200, 30)])
def test_ridge_is_scikit_learns(shape):
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, shape).astype(np.float32)
    x[:, 4] = 7  # constant
    y = rng.normal(size=(shape[0], 2)).astype(np.float32)
    std = x.std(0) + (x.std(0) == 0)
    peer = Ridge(0.1 * len(x)).fit((x - x.mean(0)) / std, y).coef_.T / std[:, None]
    found = ridge(x, y, 0.1)
    assert not found[4].any()
    keep = np.arange(shape[1]) != 4
    np.testing.assert_allclose(found[keep], peer[keep], atol=2e-5)


def test_the_same_at_batch_sizes_1_and_64():
    names = ("light=bright",)
    one, many = (
        Directions(**SMALL, attributes=names, batch_size=size).run(two_things(), data_set())
        for size in (1, 64)
    )
    np.testing.assert_allclose(one.units, many.units, atol=2e-3)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"methods": ("pca",)}, "choose from boundary, means, sefa, ganspace"),
        ({"methods": ()}, "methods has 0 values: give at least 1"),
        ({"extreme": 0.6}, "extreme 0.6"),
        ({"samples": 10}, "at least 100"),
        ({"distance": float("nan")}, "distance nan"),
        ({"amounts": (float("inf"),)}, "finite"),
        ({"seeds": (-1,)}, "seeds? -1"),
        ({"measured": 0}, "measured 0"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Directions(**settings)


def test_an_unknown_layer_fails_first():
    with pytest.raises(GanlensError, match="choose from auto, project"):
        next(Directions(layer="nowhere").steps(fake_subject(), data_set()))


def test_to_uint8_is_what_the_data_hold():
    assert data_set().images.shape == to_uint8(TwoThings()(torch.zeros(400, 6))).shape


def test_the_command_line_writes_the_file_and_runs_without_data(tiny_checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["directions", tiny_checkpoint, "--samples", 200, "--measured", 10, "--out", out]
    assert main([*map(str, words), "--json", str(tmp_path / "d.json")]) == 0
    assert "no data were given" in " ".join(capsys.readouterr().out.split())
    loaded = load_directions(out / "directions.safetensors", load(tiny_checkpoint, "cpu"))
    assert {one.method for one in loaded} == {"sefa", "ganspace"}
    summary = json.loads((tmp_path / "d.json").read_text())["summary"]
    assert len(summary["directions"]) == len(loaded) + 5
    assert main(["directions", str(tiny_checkpoint), "--methods", "boundary"]) == 2
    assert "needs images" in capsys.readouterr().err


def test_what_a_uniform_prior_never_draws_is_counted():
    config = DCGANConfig(size=16, width=4, latent_dim=8, prior="uniform")
    found = Directions(**{**UNSUPERVISED, "layer": "auto"}).run(fake_subject(config))
    assert 0 < found.cards[0].coordinates_outside_the_prior < 1
    assert found.about["ganspace_layer"] == "block1.act"
    assert "never draws" in found.panels()[-1].caption


def test_nothing_found_is_an_error():
    with pytest.raises(GanlensError, match="no direction was found: boundary left out"):
        Directions(**{**SMALL, "methods": ("boundary",)}).run(
            two_things(), data_set(attributes=False)
        )
