"""What the conditions probe measures with: closed forms."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted_conditions import HUES, LEVELS, SHADES, hues_and_shades, levels

from ganlens.data import open_data
from ganlens.models.conditions import Attributes, Classes, Table
from ganlens.probes.conditions.accuracy import accuracy, confusion, correlation, row_names
from ganlens.probes.conditions.asked import (
    Trained,
    different_entries,
    never_trained,
    pairs,
    seen_entries,
    trained_on,
    unseen_entries,
)
from ganlens.probes.conditions.distances import distances_by_class
from ganlens.probes.conditions.readable import UNREAD, Readable, readable
from ganlens.probes.conditions.shares import gram, one_way, two_way
from ganlens.probes.conditions.walks import flips
from ganlens.stats import frechet_distance_from_features

RNG = np.random.default_rng
BOTH = {"hue": HUES, "shade": SHADES}


# --- shares of variance ---


def crossed(condition: np.ndarray, latent: np.ndarray) -> np.ndarray:
    """Return (L * K, P) sums of (K, P) and (L, P) effects."""
    found = latent[:, None] + condition[None]
    return found.reshape(-1, found.shape[-1])


def test_pictures_of_the_condition_alone() -> None:
    found = two_way(gram(crossed(RNG(0).normal(size=(5, 7)), np.zeros((20, 7)))), 20, 5)
    assert found is not None
    assert (found.condition, found.latent, found.both) == pytest.approx((1, 0, 0), abs=1e-9)
    assert found.interval == pytest.approx((1, 1))
    assert found.within == pytest.approx(0, abs=1e-9)


def test_pictures_of_the_latent_alone() -> None:
    x = RNG(0).normal(size=(20, 7))
    found = two_way(gram(crossed(np.zeros((5, 7)), x)), 20, 5)
    assert found is not None
    assert (found.condition, found.latent, found.both) == pytest.approx((0, 1, 0), abs=1e-9)
    assert found.within == pytest.approx(x.var(0, ddof=1).sum())


@pytest.mark.parametrize(("latents", "conditions", "size"), [(12, 3, 5), (40, 2, 5000), (9, 17, 1)])
def test_additive_pictures_have_the_shares_of_their_parts(
    latents: int, conditions: int, size: int
) -> None:
    rng = RNG(latents)
    c, z = 2 * rng.normal(size=(conditions, size)), rng.normal(size=(latents, size))
    of_c, of_z = c.var(0).sum(), z.var(0, ddof=1).sum()  # all conditions, but some of the latents
    found = two_way(gram(crossed(c, z) + 100), latents, conditions)
    assert found is not None
    assert found.condition == pytest.approx(of_c / (of_c + of_z))
    assert found.latent == pytest.approx(of_z / (of_c + of_z))
    assert found.both == pytest.approx(0, abs=1e-9)


def test_what_depends_on_both_is_not_counted_as_the_condition() -> None:
    """Noise that is new in every cell: few latents leave some of it in the conditions' means."""
    found = [two_way(gram(RNG(i).normal(size=(6 * 4, 3))), 6, 4) for i in range(300)]
    shares = np.array([(f.condition, f.latent + f.both) for f in found if f is not None])
    assert shares[:, 0].mean() < 0.06  # without the correction a sixth of it would be there: 0.12
    x = RNG(1).normal(size=(400, 4, 50))
    x -= x.mean(1, keepdims=True)  # an interaction and nothing else
    one = two_way(gram(x.reshape(-1, 50)), 400, 4)
    assert one is not None
    assert one.both == pytest.approx(1, abs=0.01)


def test_the_interval_of_the_share_holds_the_truth_mostly() -> None:
    """Condition of variance 1 and latents of variance 1: half of the pictures' variance."""
    c, held = np.array([[1.0], [-1.0]]), 0
    for seed in range(200):
        found = two_way(gram(crossed(c, RNG(seed).normal(size=(64, 1)))), 64, 2)
        assert found is not None
        held += found.interval[0] <= 0.5 <= found.interval[1]
    assert held >= 175


def test_pictures_all_alike_have_no_shares() -> None:
    assert two_way(gram(np.full((12, 4), 3.0)), 4, 3) is None
    assert one_way(np.full((12, 4), 3.0), np.arange(12) % 3) is None


def test_what_labels_explain() -> None:
    rng = RNG(0)
    group = np.arange(3000) % 3
    x = rng.normal(size=(3000, 2)) + 3**0.5 * np.array([-1, 0, 1])[group][:, None]  # variance 2
    found = one_way(x, group)
    assert found is not None
    assert found.between == pytest.approx(2 / 3, abs=0.03)
    assert found.within == pytest.approx(2, abs=0.1)
    assert (found.n, found.groups) == (3000, 3)
    chance = one_way(x, rng.permutation(group))
    assert chance is not None
    assert chance.between < 0.01
    assert one_way(x[:4], np.array([0, 0, 1, 2])) is None
    wide = np.tile(x[:60], 3000)  # more values than are looked at together
    again, few = one_way(wide, group[:60]), one_way(x[:60], group[:60])
    assert again is not None
    assert few is not None
    assert again.between == pytest.approx(few.between)
    assert again.within == pytest.approx(3000 * few.within)


# --- walks ---


def test_where_verdicts_flip() -> None:
    amounts = np.linspace(0, 1, 5)
    verdicts = np.array([
        [0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [0, 2, 2, 1, 1], [0, 1, 0, 1, 1],
        [1, 1, 1, 1, 1], [0, 0, 0, 0, 0],
    ])  # fmt: skip
    places = [0.375, 0.875, 0.125, 0.125]
    assert flips(verdicts, amounts) == (np.median(places), 0.5)
    assert flips(verdicts[4:], amounts) == (None, None)


# --- accuracy ---


def targets(classes: tuple[str, ...] = LEVELS, known: tuple[str, ...] = LEVELS) -> Readable:
    class Data:
        spec, labels, attributes = "data", np.arange(len(known)), {}
        classes = np.array(known)

    return readable(levels(classes), {"class": known}, (), Data())  # type: ignore[arg-type]


def test_accuracy_leaves_out_what_is_not_known() -> None:
    both = readable_of_attributes()
    truth = np.array([[0, 0], [0, 1], [1, UNREAD], [UNREAD, UNREAD]])
    read = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    found = accuracy(truth, read, both.targets)
    assert (found.n, found.counts) == (2, {"hue": 3, "shade": 2})
    assert found.every is not None
    assert found.every[0] == 0.5
    assert {k: v and v[0] for k, v in found.targets.items()} == {"hue": 1, "shade": 0.5}
    none = accuracy(truth[3:], read[3:], both.targets)
    assert none.every is None
    assert none.to_json()["targets"]["hue"] == {"accuracy": None, "interval": None, "n": 0}


def test_a_class_that_the_classifier_does_not_know_is_left_out() -> None:
    found = targets(("two", "zebra", "one"))
    (target,) = found.targets
    assert found.unread == ("zebra",)
    assert target.columns == ("two", "one", "three", "four")
    assert target.truth.tolist() == [0, UNREAD, 1]
    assert row_names(target) == ("two", "one")
    counts = confusion(np.array([0, 0, 1, UNREAD]), np.array([0, 2, 1, 3]), target)
    assert counts.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]


def test_classes_are_found_under_another_name_of_the_target() -> None:
    class Data:
        spec, labels = "data", None
        attributes = {"mood": np.array(["a", "b"]), "digit": np.array(["1", "2"])}  # noqa: RUF012

    known = {"mood": ("a", "b"), "digit": ("1", "2")}
    found = readable(Classes.of(np.array([0, 1]), ("2", "1")), known, (), Data())  # type: ignore[arg-type]
    assert found.targets[0].head == "digit"
    assert found.targets[0].columns == ("2", "1")


@pytest.mark.parametrize("known", [("1", "2", "3"), ("cat", "dog", "hen")])
def test_a_model_that_counts_its_classes_is_matched_by_order(known: tuple[str, ...]) -> None:
    found = targets(("0", "1", "2"), known)
    assert found.targets[0].columns == known
    assert found.targets[0].truth.tolist() == [0, 1, 2]
    assert found.targets[0].values == tuple(f"{i} ({name})" for i, name in enumerate(known))
    assert f"the data's first, {known[0]!r}" in found.notes[0]


def test_numbers_that_the_data_has_too_are_matched_by_name() -> None:
    found = targets(("0", "1", "2"), ("2", "0", "1"))
    assert found.targets[0].columns == ("0", "1", "2")
    assert not found.notes


def test_correlation_of_what_does_not_vary_is_undefined() -> None:
    x = np.arange(5.0)
    assert correlation(x, 3 - 2 * x) == pytest.approx(-1)
    assert correlation(np.ones(5), x) is None
    assert correlation(x[:2], x[:2]) is None


# --- what is asked for ---


def readable_of_attributes() -> Readable:
    class Data:
        spec, labels = "data", None
        attributes = {"hue": np.array(HUES), "shade": np.array(SHADES)}  # noqa: RUF012

    return readable(hues_and_shades(), BOTH, (), Data())  # type: ignore[arg-type]


def test_classes_come_equally_often() -> None:
    entries = seen_entries(levels(), 10, 0)
    assert entries[:, 0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert different_entries(levels(), 3, 0)[:, 0].tolist() == [0, 1, 2]


def test_a_class_that_training_lacked_is_unseen() -> None:
    condition = Classes(Table(((0,), (2,)), (5, 5)), LEVELS[:3])
    trained = trained_on(condition, {}, None)  # type: ignore[arg-type]
    assert set(seen_entries(condition, 6, 0)[:, 0]) == {0, 2}
    found = unseen_entries(condition, trained, targets(LEVELS[:3]), 5, 0)
    assert found[:, 0].tolist() == [1] * 5


def test_unseen_combinations_come_equally_often_and_only_they() -> None:
    columns = {"hue": np.array(["red", "blue"]), "shade": np.array(["dark", "light"])}
    condition = Attributes.of(columns, {"hue": HUES, "shade": SHADES})
    trained = trained_on(condition, {}, None)  # type: ignore[arg-type]
    found = unseen_entries(condition, trained, readable_of_attributes(), 10, 3)
    combinations, counts = np.unique(found, axis=0, return_counts=True)
    assert combinations.tolist() == [[0, 0], [1, 1]]  # blue and dark, red and light
    assert counts.tolist() == [5, 5]
    labels = np.array([[0, 0], [0, 1], [1, 1], [UNREAD, 1]])
    never = never_trained(condition, trained, readable_of_attributes(), labels)
    assert never.tolist() == [True, False, True, False]


def test_numbers_beside_unseen_combinations_are_those_of_training() -> None:
    columns = {
        "hue": np.array(["red", "blue"]), "tilt": np.array([3.0, 7.0]),
        "shade": np.array(["dark", "light"]),
    }  # fmt: skip
    condition = Attributes.of(columns, {"hue": HUES, "shade": SHADES})
    trained = trained_on(condition, {}, None)  # type: ignore[arg-type]

    class Data:
        spec, labels, attributes = "data", None, columns

    known = readable(condition, BOTH, (), Data())  # type: ignore[arg-type]
    assert known.unread == ("tilt",)
    found = unseen_entries(condition, trained, known, 40, 0)
    assert set(found[:, 1]) == {3.0, 7.0}
    assert {tuple(row) for row in found[:, [0, 2]]} == {(0, 0), (1, 1)}


def test_what_training_had_is_unknown_of_a_table_of_drawn_rows(tmp_path: Path) -> None:
    full = hues_and_shades(without=("blue", "light"))
    some = Attributes(Table(full.table.entries, full.table.counts, of=5000), full.attributes)
    (tmp_path / "images").mkdir()
    rows = ["filename,split,hue,shade"]
    for i in range(8):
        Image.new("RGB", (16, 16), (i, 0, 0)).save(tmp_path / "images" / f"{i}.png")
        rows.append(f"{i}.png,{'train' if i < 6 else 'test'},{HUES[i % 2]},{SHADES[i % 3 == 0]}")
    (tmp_path / "images" / "attributes.csv").write_text("\n".join(rows))
    data = open_data(str(tmp_path / "images"))
    unknown = trained_on(some, {}, data)
    assert unknown.combinations is None
    assert "not what it was trained on" in unknown.reason
    assert len(unseen_entries(some, unknown, readable_of_attributes(), 5, 0)) == 0
    mine = {"data": {"fingerprint": data.part("train").fingerprint}}
    assert trained_on(some, mine, data).combinations == {(0, 1), (1, 0), (0, 0), (1, 1)}


def test_of_too_many_combinations_some_are_drawn() -> None:
    names = [f"a{i}" for i in range(40)]
    columns = {name: np.array(["no", "yes"]) for name in names}
    condition = Attributes.of(columns, dict.fromkeys(names, ("no", "yes")))
    trained = trained_on(condition, {}, None)  # type: ignore[arg-type]
    assert trained.possible == 2**40

    class Every:
        truth = staticmethod(lambda rows: rows.astype(np.int64))

    found = unseen_entries(condition, trained, Every(), 50, 0)  # type: ignore[arg-type]
    assert len(np.unique(found, axis=0)) == 50


def test_pairs_to_walk_between() -> None:
    found = pairs(levels(), targets(), 4)
    assert [one.names for one in found] == [("one", "two"), ("three", "four")]
    assert [one.names for one in pairs(levels(), targets(), 1)] == [("one", "two")]
    both = pairs(hues_and_shades(), readable_of_attributes(), 4)
    assert [(one.target.name, *one.names) for one in both] == [
        ("hue", "blue", "red"), ("shade", "dark", "light"),
    ]  # fmt: skip
    for one in both:  # they differ in that attribute alone
        assert (one.ends[0] != one.ends[1]).sum() == 1


# --- distances ---


def test_the_distance_of_a_class_is_that_of_its_own_images() -> None:
    rng, known = RNG(0), targets()
    labels = np.repeat(np.arange(4), 60)[:, None]
    real = rng.normal(size=(240, 3)) + 10 * labels
    fake = rng.normal(size=(240, 3)) + 10 * labels + 5 * (labels == 2)
    found = distances_by_class(known.targets, (labels, real), (labels, fake), 0)
    assert [one.name for one in found] == list(LEVELS)
    values = [one.value for one in found]
    assert values[2] == pytest.approx(75, rel=0.2)  # the squared distance of the means: 3 x 25
    assert max(values[:2] + values[3:]) < 1  # type: ignore[type-var]
    own = frechet_distance_from_features(real[120:180], fake[120:180])
    assert values[2] == pytest.approx(own)
    assert [one.n for one in found] == [60] * 4
    assert [one.floor_n for one in found] == [30] * 4
    assert not any(one.small or one.reason for one in found)


def test_too_few_images_leave_a_distance_undefined_with_its_reason() -> None:
    labels = np.array([0] * 9 + [1] * 15 + [2] * 30)[:, None]
    x = RNG(0).normal(size=(54, 40))
    found = distances_by_class(targets().targets, (labels, x), (labels, x), 0)
    assert found[0].value is None
    assert found[0].reason == "9 real images and 9 samples: it takes 10 of either"
    assert found[1].value is not None
    assert found[1].floor is None
    assert "cannot be halved" in found[1].reason
    assert found[2].floor is not None
    assert found[2].small  # 30 images of 40 features
    assert found[3].reason.startswith("0 real images")


def test_trained_says_how_many() -> None:
    assert Trained(frozenset({(0,)}), 3).to_json() == {"possible": 3, "in_training": 1}
    assert Trained(None, 3, "why").to_json() == {"possible": 3, "in_training": None}
