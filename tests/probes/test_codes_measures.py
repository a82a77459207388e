"""What the codes probe measures with, against closed forms."""

import math

import numpy as np
import pytest
import torch

from ganlens.errors import GanlensError
from ganlens.models.prior import Part, Prior
from ganlens.probes.codes.disentanglement import (
    completeness,
    disentangled,
    disentanglement,
    mutual_information_gap,
)
from ganlens.probes.codes.effects import Effect, Effects, kept, slope
from ganlens.probes.codes.information import (
    categorical_bound,
    entropy,
    gaussian_bound,
    own_reading,
)
from ganlens.probes.codes.matching import matched, matching, table
from ganlens.probes.codes.moments import background, moments
from ganlens.probes.codes.parts import codes_of

RNG = np.random.default_rng


# --- parts ---


@pytest.mark.parametrize(
    ("words", "noise", "categorical", "continuous", "n_noise"),
    [
        ("normal 5, categorical 3, uniform 2", "auto", [3], ["uniform 1", "uniform 2"], 5),
        ("categorical 4, uniform 6, normal 1", "auto", [4], ["normal"], 6),
        ("categorical 4, uniform 2", "none", [4], ["uniform 1", "uniform 2"], 0),
        ("categorical 4, categorical 5", "auto", [4, 5], [], 0),
        ("normal 5, uniform 1", "uniform", [], [f"normal {i}" for i in range(1, 6)], 1),
        ("normal 5, categorical 1, uniform 1", "auto", [], ["uniform"], 5),
    ],
)
def test_codes_and_noise(
    words: str, noise: str, categorical: list[int], continuous: list[str], n_noise: int
) -> None:
    found = codes_of(Prior.of(words), noise)
    assert [part.dim for part in found.categorical] == categorical
    assert [one.name for one in found.continuous] == continuous
    assert len(found.noise) == n_noise
    assert found.decided


def test_a_part_called_noise_is_noise_wherever_it_stands() -> None:
    parts = (Part("uniform", 2, "style"), Part("categorical", 3), Part("normal", 4, "noise"))
    found = codes_of(Prior("parts", 9, parts))
    assert [one.name for one in found.continuous] == ["style 1", "style 2"]
    assert [one.column for one in found.noise] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("prior", "noise", "says"),
    [
        (Prior("normal", 9), "auto", "no parts"),
        (Prior.of("normal 4, categorical 1"), "auto", "nothing but noise"),
        (Prior.of("normal 4, categorical 2"), "style", "choose from auto, none, normal"),
    ],
)
def test_a_prior_without_codes_says_so_in_a_line(prior: Prior, noise: str, says: str) -> None:
    with pytest.raises(GanlensError, match=says) as error:
        codes_of(prior, noise)
    assert "\n" not in str(error.value)


def test_values_of_a_coordinate_span_its_part() -> None:
    uniform, normal = (codes_of(Prior.of(f"normal 2, {kind} 1")).continuous[0] for kind in
                       ("uniform", "normal"))  # fmt: skip
    torch.testing.assert_close(uniform.values(3), torch.tensor([-1.0, 0, 1]))
    torch.testing.assert_close(normal.values(3), torch.tensor([-(3**0.5), 0, 3**0.5]))


def test_a_category_is_set_and_all_else_stays() -> None:
    codes = codes_of(Prior.of("normal 2, categorical 3, uniform 1"))
    z = codes.prior.sample(range(5))
    made = codes.with_category(z, codes.categorical[0], 2)
    assert codes.index(made, codes.categorical[0]).tolist() == [2] * 5
    assert made[:, 2:5].sum() == 5
    assert torch.equal(made[:, [0, 1, 5]], z[:, [0, 1, 5]])


# --- matching ---


def test_a_permutation_of_the_values_is_undone() -> None:
    code = RNG(0).integers(0, 10, 2000)
    order = RNG(1).permutation(10)
    found = matched(code, order[code], [f"digit {i}" for i in range(10)], 10)
    assert found.match.tolist() == order.tolist()
    assert found.names[0] == f"digit {order[0]}"
    assert found.accuracy[0] == found.accuracy[2] == 1
    assert found.information == pytest.approx(1)
    assert found.n == 1000
    assert np.array_equal(found.counts.sum(1), np.bincount(code[1000:], minlength=10))


def test_a_share_that_is_obeyed_is_found_with_its_interval() -> None:
    code, rng = RNG(0).integers(0, 10, 4000), RNG(1)
    read = np.where(rng.random(4000) < 0.9, code, rng.integers(0, 10, 4000))
    share, low, high = matched(code, read, list("abcdefghij"), 10).accuracy
    assert low < 0.91 < high
    assert share == pytest.approx((code == read)[2000:].mean())


def test_a_code_that_does_nothing_is_at_chance_and_a_matching_finds_more_than_one_in_k() -> None:
    rng = RNG(0)
    code, read = rng.integers(0, 10, (2, 400))
    found = matched(code, read, list("abcdefghij"), 10)
    assert found.accuracy[0] <= found.shuffled_95 + 0.05
    assert found.shuffled == pytest.approx(0.1, abs=0.02)
    assert found.shuffled_same > 0.12, "scored on its own half a matching flatters itself"
    assert found.shuffled < found.shuffled_95 < 0.2


@pytest.mark.parametrize(("values", "classes"), [(4, 2), (2, 4)])
def test_more_values_than_classes_and_fewer(values: int, classes: int) -> None:
    code = RNG(0).integers(0, values, 400)
    found = matched(code, code % classes, [str(i) for i in range(classes)], values)
    left = max(values - classes, 0)
    assert found.names.count("none") == left
    assert found.accuracy[0] == pytest.approx(1 - left / values, abs=0.1)
    assert found.counts.shape == (values, classes)


def test_the_best_matching_is_not_the_greedy_one() -> None:
    assert matching(np.array([[10, 9], [9, 0]])).tolist() == [1, 0]
    assert table(np.array([0, 1, 1]), np.array([2, 0, 0]), 2, 3).tolist() == [[0, 0, 1], [2, 0, 0]]


# --- information ---


def test_entropies() -> None:
    assert entropy(Part("categorical", 10)) == pytest.approx(2.302585, abs=1e-6)
    assert entropy(Part("uniform", 3)) == pytest.approx(math.log(2))
    assert entropy(Part("normal", 3)) == pytest.approx(1.418939, abs=1e-6)


def test_a_categorical_bound_is_the_entropy_nothing_or_less() -> None:
    truth = np.arange(12) % 4
    sure = np.eye(4)[truth]
    assert categorical_bound(truth, sure) == pytest.approx(math.log(4))
    assert categorical_bound(truth, np.full((12, 4), 0.25)) == pytest.approx(0)
    half = 0.5 * sure + 0.5 * np.eye(4)[(truth + 1) % 4]
    assert categorical_bound(truth, half) == pytest.approx(math.log(2))
    wrong = np.eye(4)[(truth + 1) % 4]
    assert -100 < categorical_bound(truth, wrong) < -50, "not clipped, and not minus infinity"


@pytest.mark.parametrize("noise", [0.5, 0.1])
def test_a_gaussian_channel_has_its_capacity(noise: float) -> None:
    rng = RNG(0)
    truth = rng.normal(size=40_000)
    seen = truth + noise * rng.normal(size=40_000)
    best = seen / (1 + noise**2)  # the posterior mean: residual variance noise^2 / (1 + noise^2)
    expected = 0.5 * math.log(1 + noise**-2)
    assert gaussian_bound(truth, best, Part("normal", 1)) == pytest.approx(expected, abs=0.02)


def test_a_uniform_code_that_is_not_read_is_below_nothing() -> None:
    truth = RNG(0).uniform(-1, 1, 40_000)
    expected = math.log(2) - 0.5 * math.log(2 * math.pi * math.e / 3)
    found = gaussian_bound(truth, np.zeros_like(truth), Part("uniform", 1))
    assert found == pytest.approx(expected, abs=0.01)
    assert found < 0
    assert gaussian_bound(truth, truth, Part("uniform", 1)) is None


def test_the_variance_is_of_the_first_half_and_the_likelihood_of_the_second() -> None:
    truth = np.zeros(8)
    said = np.array([1.0] * 4 + [2.0] * 4)
    expected = math.log(2) - 0.5 * math.log(2 * math.pi) - 2
    assert gaussian_bound(truth, said, Part("uniform", 1)) == pytest.approx(expected)


def test_an_encoder_without_probabilities_is_not_taken_for_one() -> None:
    codes = codes_of(Prior.of("normal 1, categorical 2, uniform 1"))
    rows = np.array([[0, 0.3, 0.7, 0.5], [0, 1.0, 0.0, -0.5]])
    read, said = own_reading(codes, rows)
    assert (set(read.probabilities), set(read.means), said) == ({"categorical"}, {"uniform"}, "")
    read, said = own_reading(codes, rows - 1)
    assert not read.probabilities
    assert "no probabilities of categorical" in said


# --- moments ---


def bars(lean: float = 0.0, thick: int = 4, right: int = 0, down: int = 0) -> np.ndarray:
    """Return a (1, 1, 41, 41) image of an upright bar, in [-1, 1], white on black."""
    y, x = np.mgrid[:41, :41] - 20.0
    middle = x - right + np.tan(np.radians(lean)) * (y - down)
    inside = np.clip(thick / 2 + 0.5 - np.abs(middle - (0.5 if thick % 2 == 0 else 0)), 0, 1)
    return (inside * (np.abs(y - down) <= 12) * 2 - 1)[None, None]


@pytest.mark.parametrize("lean", [-30.0, -10.0, 0.0, 15.0, 35.0])
def test_slant_is_the_angle_of_a_stroke(lean: float) -> None:
    assert moments(bars(lean))["slant"][0] == pytest.approx(lean, abs=0.3)


@pytest.mark.parametrize("thick", [2, 3, 4, 6, 8])
def test_thickness_is_the_width_of_a_stroke(thick: int) -> None:
    ends = 0.25 * thick  # pixels at the ends of a stroke are near an edge of their own
    assert moments(bars(thick=thick))["thickness"][0] == pytest.approx(thick, abs=0.3 + ends / 2)


def test_places_sizes_and_amounts() -> None:
    found = {k: v[0] for k, v in moments(bars(thick=5, right=4, down=-3)).items()}
    assert (found["centre x"], found["centre y"]) == (pytest.approx(4), pytest.approx(-3))
    assert found["width"] == pytest.approx(math.sqrt(2))  # of -2 to 2
    assert found["height"] == pytest.approx(math.sqrt((25**2 - 1) / 12))
    assert found["ink"] == found["brightness"] == pytest.approx(5 * 25 / 41**2)


def test_black_on_white_is_measured_like_white_on_black() -> None:
    white, black = bars(20, right=2), -bars(20, right=2)
    assert (background(white), background(black)) == (0, 1)
    one, other = moments(white, 0), moments(black, 1)
    for name in one:
        same = other[name] if name != "brightness" else 1 - other[name]
        np.testing.assert_allclose(one[name], same, atol=1e-9)


def test_an_image_without_ink_has_no_place_and_leaves_the_others_alone() -> None:
    x = np.concatenate([bars(), -np.ones((1, 1, 41, 41)), np.ones((1, 1, 41, 41)), bars(10)])
    found = moments(x)
    assert np.isnan(found["slant"][1])
    assert np.isnan(found["thickness"][1:3]).all()
    assert found["ink"].tolist()[1:3] == [0, 1]
    np.testing.assert_allclose(found["thickness"][3], moments(bars(10))["thickness"][0])


def test_colours_count_by_their_mean() -> None:
    x = np.concatenate([bars(), -np.ones((1, 1, 41, 41)), bars()], 1)
    assert moments(x)["brightness"][0] == pytest.approx(2 / 3 * moments(bars())["brightness"][0])


# --- effects ---


def test_a_slope_is_the_change_over_the_range_in_deviations() -> None:
    t = np.linspace(-1, 1, 5)
    rising, falling = 3 * t, -1 * t
    mean, share = slope(np.stack([rising] * 3 + [falling]), 2.0)
    assert mean == pytest.approx((3 * 6 - 2) / 4 / 2)
    assert share == 0.75
    assert slope(np.stack([rising, np.full(5, np.nan)]), 1.0)[0] == pytest.approx(6)
    assert np.isnan(slope(np.stack([rising]), 0.0)[0])
    assert np.isnan(slope(np.full((2, 5), np.nan), 1.0)[1])


def test_what_is_kept_is_held_against_the_middle() -> None:
    assert kept(np.array([[1, 1, 1], [0, 1, 0], [2, 1, 1]])) == pytest.approx(3 / 6)


def effect(name: str = "it", **slopes: float) -> Effect:
    return Effect(name, slopes, dict.fromkeys(slopes, 1.0), {})


def of(codes: list[Effect], noise: list[Effect]) -> Effects:
    return Effects(tuple(codes), tuple(noise), dict.fromkeys(codes[0].slopes, 2.0))


def test_a_code_is_named_by_its_largest_change_beyond_noise_only() -> None:
    rng = RNG(0)
    noise = [effect(ink=1.0 * a, slant=0.1 * b) for a, b in rng.normal(size=(100, 2))]
    both = effect(ink=1.5, slant=-0.9)  # much ink for a change, but noise moves as much
    found = of([both, effect(ink=0.4, slant=0.04), effect(ink=9.0, slant=0.9)], noise)
    assert [found.beyond(one) for one in found.codes] == [["slant"], [], ["ink", "slant"]]
    assert [found.named(one) for one in found.codes] == [
        "slant: -0.9 sd over the range (-1.8 degrees)", "none measured",
        "ink: +9.0 sd over the range (+18)",
    ]  # fmt: skip


def test_of_what_does_nothing_one_in_twenty_is_named_however_many_measures_there_are() -> None:
    rng, names = RNG(0), [f"m{i}" for i in range(30)]
    drawn = [effect(**dict(zip(names, row, strict=True))) for row in rng.normal(size=(1200, 30))]
    found = of(drawn[:400], drawn[400:])
    named = np.mean([found.named(one) != "none measured" for one in found.codes])
    assert named == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize("count", [0, 19])
def test_without_enough_noise_nothing_is_named(count: int) -> None:
    found = of([effect(ink=9.0)], [effect(ink=0.1)] * count)
    assert found.named(found.codes[0]) == "none measured"
    assert "noise" in found.reason


# --- disentanglement ---


def test_factorised_codes_score_1() -> None:
    rng = RNG(0)
    a, b = rng.integers(0, 4, 4000), rng.uniform(-1, 1, 4000)
    found = disentangled({"a": a, "b": b}, {"kind": (a + 1) % 4, "side": (b > 0).astype(int)})
    assert found.gap == pytest.approx(1, abs=0.01)
    assert found.disentanglement == pytest.approx(1, abs=0.02)
    assert found.completeness == pytest.approx(1, abs=0.02)
    assert min(found.informativeness.values()) > 0.99


def test_entangled_codes_score_near_0() -> None:
    rng = RNG(0)
    a, b = rng.normal(size=(2, 8000))
    factors = {"sum": (a + b > 0).astype(int), "difference": (a - b > 0).astype(int)}
    found = disentangled({"a": a, "b": b}, factors)
    for score in (found.gap, found.disentanglement, found.completeness):
        assert score == pytest.approx(0, abs=0.05)


def test_a_number_is_a_factor_too() -> None:
    rng = RNG(0)
    a, b = rng.uniform(-1, 1, (2, 4000))
    found = disentangled({"a": a, "b": b}, {"angle": 30 * a, "size": b**3})
    assert found.gap > 0.95
    assert found.disentanglement > 0.95
    assert found.informativeness["angle"] > 0.95


def test_the_scores_by_hand() -> None:
    information = np.array([[1.0, 0.2], [0.5, 0.6]])
    assert mutual_information_gap(information, np.array([1.0, 0.8])) == pytest.approx(0.5)
    assert disentanglement(np.eye(3)) == completeness(np.eye(3)) == pytest.approx(1)
    assert disentanglement(np.ones((3, 2))) == pytest.approx(0)
    assert completeness(np.ones((3, 2))) == pytest.approx(0)
    one = np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.5]])  # two codes share a factor
    assert disentanglement(one) == pytest.approx(1)
    assert completeness(one) == pytest.approx((1 + 1 - math.log(2) / math.log(3)) / 2)


def test_too_few_of_either_are_undefined() -> None:
    code = np.arange(100) % 2
    alone = disentangled({"a": code}, {"kind": code})
    assert alone.gap is alone.completeness is alone.disentanglement is None
    still = disentangled({"a": code, "b": code}, {"kind": np.zeros(100, int)})
    assert (still.factors, still.gap, still.completeness) == ((), None, None)
