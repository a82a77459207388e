"""The Fidelity probe: which images, which features, which numbers, and what it says of them."""

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject, hooks

from ganlens import features, stats
from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.images import from_uint8, to_uint8
from ganlens.panels import FigurePanel, ImagePanel, TablePanel
from ganlens.probes.fidelity import Fidelity
from ganlens.probes.fidelity.sources import choose_reference
from ganlens.probes.result import arrays
from ganlens.progress import finish
from ganlens.replay import PanelRecipe

SHARED = Path(__file__).parents[2].parent / "shared"


def image_set(n=90, train=50, declared=True, size=16, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8)
    bounds = {"train": (0, train), "test": (train, n)}
    return ImageSet(
        spec="noise", images=images, labels=None, class_names=(), attributes={},
        names=np.arange(n).astype(str), split="all", bounds=bounds,
        split_source="declared" if declared else "hash", fingerprint="all",
        fingerprints={"all": "all", "train": "tr", "test": "te"},
    )  # fmt: skip


def quick(**changes):
    return Fidelity(**{"extractor": "pixels", "n": 30, "batch_size": 8, **changes})


@pytest.fixture(autouse=True)
def no_inception(tmp_path, monkeypatch):
    """Whatever the machine's hub folder holds, and without any network."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("reached out"))


# Which images


def test_auto_takes_the_declared_test_split_and_all_otherwise():
    assert choose_reference(image_set(), "auto", 10, 0)[0].data.split == "test"
    assert choose_reference(image_set(declared=False), "auto", 10, 0)[0].data.split == "all"
    own = image_set(declared=False)
    trained_on = own.part("train").fingerprint
    assert choose_reference(own, "auto", 10, 0, trained_on)[0].data.split == "test"
    assert choose_reference(own, "auto", 10, 0, "another")[0].data.split == "all"
    assert choose_reference(image_set(train=90), "auto", 10, 0)[0].data.split == "all"
    assert choose_reference(image_set().part("train"), "auto", 10, 0)[0].data.split == "train"


def test_reference_and_others_are_disjoint_and_drawn_without_replacement():
    images, others = choose_reference(image_set(), "all", 40, 3)
    assert len(set(images.rows)) == 40 == len(set(others.rows))
    assert not set(images.rows) & set(others.rows)
    crossed = choose_reference(image_set(), "test", 30, 0)
    assert [one.data.split for one in crossed] == ["test", "train"]
    few, left = choose_reference(image_set(), "test", 15, 0)  # enough of the same split are left
    assert few.data.split == left.data.split == "test"
    assert left.count == 15
    assert not set(few.rows) & set(left.rows)
    again, _ = choose_reference(image_set(), "all", 40, 3)
    np.testing.assert_array_equal(again.rows, images.rows)
    assert set(choose_reference(image_set(), "all", 40, 4)[0].rows) != set(images.rows)


def test_n_is_capped_with_a_reason():
    images, others = choose_reference(image_set(), "test", 10_000, 0)
    assert len(images.rows) == 40 == len(others.rows)
    everything, others = choose_reference(image_set(), "all", 10_000, 0)
    assert (len(everything.rows), len(others.rows)) == (90, 0)
    result = quick(n=10_000, split="test").run(fake_subject(), image_set())
    assert "'test' has 40 images" in result.cap_reason
    assert f"Of 10,000 requested: {result.cap_reason}." in result.panels()[0].caption
    assert quick(n=40, split="all").run(fake_subject(), image_set()).cap_reason == ""


# The numbers


def by_hand(subject, data, rows, n, seed=0):
    extractor = features.PixelExtractor(16)
    real = extractor(data.batch(rows)).numpy()
    fakes = torch.from_numpy(to_uint8(subject.generate(subject.latents(range(seed, seed + n)))))
    fake = (fakes.permute(0, 3, 1, 2).float() / 127.5 - 1).flatten(1).numpy()
    return real, fake


def test_value_and_baseline_are_those_of_features_taken_by_hand():
    subject, data = fake_subject(), image_set()
    result = quick(seed=7).run(subject, data)
    images, others = choose_reference(data, "auto", 30, 7)
    real, fake = by_hand(subject, data.part("test"), images.rows, 30, 7)
    expected = stats.quality(real, fake)
    assert result.metric == "FD-pixels-16x16"
    assert result.value == pytest.approx(expected["fd"], rel=1e-6)
    for name in ("precision", "recall", "density", "coverage"):
        assert result.scores[name] == pytest.approx(expected[name])
    others = features.PixelExtractor(16)(data.part("train").batch(others.rows)).numpy()
    assert result.baseline.scores["fd"] == pytest.approx(
        stats.frechet_distance_from_features(real, others), rel=1e-6
    )
    assert (result.baseline.n, result.baseline.generated) == (30, result.scores)
    nearest = stats.nearest(fake, real, 1)[0][:, 0]
    np.testing.assert_allclose(result.shown.distances, nearest, rtol=1e-5)
    assert result.shown.titles[0] == str(7 + nearest.argmin())
    assert result.shown.titles[-1] == str(7 + nearest.argmax())


def test_baseline_of_two_halves_where_no_other_images_are_left():
    subject, data = fake_subject(), image_set(declared=False)
    result = quick(n=90).run(subject, data)
    assert result.baseline.n == 45
    assert "two disjoint halves" in result.baseline.kind
    real, fake = by_hand(subject, data, slice(None), 90)
    order = np.random.default_rng(0).permutation(90)
    left, right = real[order[:45]], real[order[45:]]
    value = stats.frechet_distance_from_features(left, right)
    assert result.baseline.scores["fd"] == pytest.approx(value, rel=1e-6)
    rng = np.random.default_rng(0)
    _, drawn = rng.permutation(90), rng.permutation(90)[:45]
    same_n = stats.frechet_distance_from_features(left, fake[drawn])
    assert result["value_at_floor_n"] == pytest.approx(same_n, rel=1e-6)
    table = result.panels()[0]
    rows = {row[0]: row for row in table.rows}
    for n, beside in ((90, False), (45, True)):  # real against real exists at the smaller N alone
        assert (rows[f"FD-pixels-16x16 (N = {n})"][2] is not None) == beside
        assert (rows[f"coverage (k = 5, N = {n})"][2] is not None) == beside
        assert rows[f"KD-pixels-16x16 (subsets of 1,000, N = {n})"][1] is None


def test_baseline_of_fewer_others_than_requested():
    data = image_set(n=90, train=25)  # 25 train images beside 40 of the 65 test images
    result = quick(n=40).run(fake_subject(), data)
    assert result.baseline.n == 25
    assert "25 train images against 25 test images" in result.baseline.kind
    assert result["value_at_floor_n"] != result.value


def test_samples_in_the_order_of_their_classes_are_drawn_for_the_smaller_n():
    def sorted_by_class(seed):
        data = image_set(n=120, train=120, declared=False, seed=seed)
        images = data.images // 2
        images[60:] += 127
        return replace(data, images=images, fingerprint=str(seed), fingerprints={"all": str(seed)})

    result = finish(quick(n=120).between(sorted_by_class(1), sorted_by_class(2)))
    assert result.baseline.n == 60
    # Both are real against real; the first 60 samples alone would be of one class.
    assert result["value_at_floor_n"] < 1.5 * result["floor"]


class Copies(torch.nn.Module):
    """A generator that returns real images by seed: the best and the worst that can be."""

    def __init__(self, images, prior):
        super().__init__()
        self.images, self.prior, self.image_shape = images, prior, tuple(images.shape[1:])

    def forward(self, z):
        return self.images[z[:, 0].long()]


class Seeded:
    """A prior whose latents are the seeds themselves."""

    kind, dim = "normal", 1

    def sample(self, seeds):
        return torch.tensor([[float(seed)] for seed in seeds])


def copier(images):
    subject = fake_subject()
    own = hashlib.sha256(images.numpy().tobytes()).hexdigest()  # features are kept by it
    return FakeSubject(Copies(images, Seeded()), subject.discriminator, hash=own)


def test_the_real_images_themselves_score_zero_and_one():
    data = image_set(declared=False)
    result = quick(n=90).run(copier(data.batch(slice(None))), data)
    assert result.value == pytest.approx(0, abs=1e-6)
    assert result.scores["precision"] == result.scores["recall"] == result.scores["coverage"] == 1
    assert result.shown.distances.max() == 0


def test_one_image_over_and_over_covers_nothing():
    data = image_set(declared=False)
    result = quick(n=90).run(copier(data.batch([0] * 90)), data)
    assert result.scores["precision"] == 1
    assert result.scores["coverage"] < 0.3
    assert result.value > result["value_at_floor_n"] / 2 > 0


def test_batch_size_changes_nothing_and_the_seed_does():
    subject, data = fake_subject(), image_set()
    one, seven = (quick(batch_size=b).run(subject, data) for b in (1, 7))
    assert one.value == pytest.approx(seven.value, rel=1e-4)
    assert one.shown.titles == seven.shown.titles
    assert quick(seed=5).run(subject, data).value != one.value


# Which features


def test_auto_says_why_and_falls_back(tmp_path):
    subject, data = fake_subject(), image_set()
    result = quick(extractor="auto").run(subject, data)
    assert result.metric == "FD-discriminator"
    assert "Inception's weights are not here" in result.extractor["chosen_because"]
    assert result.extractor["weights"] == features.module_hash(subject.discriminator)
    assert result.extractor["checkpoint"] == "fake"
    assert "may know the train images" in result.baseline.kind
    alone = quick(extractor="auto").run(FakeSubject(subject.generator, None), data)
    assert alone.metric == "FD-pixels-16x16"
    assert "no discriminator" in alone.extractor["chosen_because"]


def test_discriminator_features_are_those_of_its_extractor():
    subject, data = fake_subject(), image_set()
    result = quick(extractor="discriminator", split="all").run(subject, data)
    extractor = features.DiscriminatorExtractor(subject.discriminator)
    real = extractor(data.batch(choose_reference(data, "all", 30, 0)[0].rows)).numpy()
    fake = extractor(from_uint8(to_uint8(subject.generate(subject.latents(range(30)))))).numpy()
    assert result.value == pytest.approx(stats.frechet_distance_from_features(real, fake), rel=1e-5)
    assert hooks(subject.generator, subject.discriminator) == 0


def test_bfloat16_is_asked_for_said_and_near_to_float32():
    subject, data = fake_subject(), image_set()
    plain, exact, rounded = (
        quick(extractor="discriminator", **asked).run(subject, data)
        for asked in ({}, {"precision": "float32"}, {"precision": "bfloat16"})
    )
    said = [one.summary()["network_precision"] for one in (plain, exact, rounded)]
    assert said == ["32-true", "32-true", "bf16-mixed"]
    assert plain.value == exact.value
    assert rounded.value == pytest.approx(exact.value, rel=0.1)
    assert rounded.value != exact.value


@pytest.mark.parametrize(("old", "new"), [("32-true", "float32"), ("bf16-mixed", "bfloat16")])
def test_settings_of_the_first_version_are_read(old, new):
    settings = {**quick().settings(), "precision": old}
    recipe = PanelRecipe("faces", "", "ema", "fid", settings, "Samples")
    assert PanelRecipe.from_json(recipe.to_json()).build() == quick(precision=new)
    with pytest.raises(GanlensError, match="precision 'half' is not known: choose from float32"):
        quick(precision="half")


def test_edited_weights_are_not_mistaken_for_those_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    subject, data = fake_subject(), image_set()
    subject.provenance["hash"] = "that of the file"
    probe = quick(extractor="discriminator")
    before = probe.run(subject, data).value
    with torch.no_grad():
        for weight in subject.generator.parameters():
            weight.mul_(0.5)
    assert probe.run(subject, data).value != before


def test_a_checkpoint_folder_is_an_extractor(tiny_checkpoint, tmp_path):
    result = quick(extractor=str(tiny_checkpoint)).run(fake_subject(), image_set())
    assert (result.metric, result.extractor["checkpoint"]) == ("FD-discriminator", "tiny")
    from striped import striped

    from ganlens.classifier import (
        load_classifier,
        save_classifier,
        train_classifier,
    )

    trained = finish(train_classifier(striped(), epochs=1, width=8))
    folder = save_classifier(tmp_path / "stripes", trained)
    classified = quick(extractor=str(folder)).run(fake_subject(), striped())
    assert (classified.metric, classified.extractor["checkpoint"]) == ("FD-classifier", "stripes")
    assert classified.extractor["weights"] == load_classifier(folder)[2]
    assert classified.extractor["targets"] == ["class", "light"]
    assert classified.extractor["dimensions"] == 128


INCEPTION = "ganlens.features.inception.InceptionExtractor"


class StandIn:
    """An Inception that averages pixels, published or not."""

    name, hash, device = "inception", "0" * 64, torch.device("cpu")

    def __init__(self, published):
        self.published = published

    def describe(self):
        return {"name": self.name, "weights": self.hash}

    def __call__(self, batch):
        return batch.mean((2, 3))

    def logits(self, features):
        return features


@pytest.mark.parametrize(("published", "metric"), [(True, "FID"), (False, "FD-inception")])
def test_only_the_published_inception_gives_a_fid(monkeypatch, published, metric):
    monkeypatch.setattr(INCEPTION, lambda *_: StandIn(published))
    probe = quick(extractor="auto", inception_weights="given.pth")
    assert probe.run(fake_subject(), image_set()).metric == metric


def test_mifid_allows_for_copies_of_what_was_trained_on(monkeypatch):
    monkeypatch.setattr(INCEPTION, lambda *_: StandIn(True))
    subject, data = fake_subject(), image_set()
    probe = quick(extractor="auto", inception_weights="given.pth", split="train")
    result = probe.run(subject, data)
    real = StandIn(True)(data.part("train").batch(choose_reference(data, "train", 30, 0)[0].rows))
    fake = StandIn(True)(from_uint8(to_uint8(subject.generate(subject.latents(range(30))))))
    apart = stats.memorization_distance(fake, real)
    expected = result.value / (apart if apart < 0.1 else 1)
    assert result.informed == pytest.approx(expected, rel=1e-4)
    assert "MiFID" in [row[0] for row in result.panels()[0].rows]
    assert replace(probe, split="test").run(subject, data).informed is None  # nobody copies those
    for fingerprint, known in (("tr", True), ("other data", False)):
        about = {"data": {"fingerprint": fingerprint}}
        found = probe.run(FakeSubject(subject.generator, subject.discriminator, **about), data)
        assert (found.informed is not None) == known
    gans = replace(probe, split="auto").between(subject, subject)
    assert finish(gans).informed is None  # nor another GAN's
    pixels = quick(split="train").run(subject, data)  # the threshold is not theirs
    assert pixels.informed is None
    assert "Inception" in pixels.summary()["reasons"]["memorization_informed"]


def test_inception_without_weights_says_that_it_fetches(monkeypatch):
    extractors = "ganlens.probes.fidelity.extractors"
    monkeypatch.setattr(f"{extractors}.fetch_inception_weights", lambda: iter([(5, 10), (10, 10)]))
    monkeypatch.setattr(INCEPTION, lambda *_: StandIn(True))
    seen = [p.what for p in quick(extractor="inception").steps(fake_subject(), image_set())]
    assert seen[:2] == ["bytes of Inception's weights downloaded"] * 2


def test_inception_offline_is_one_line(monkeypatch):
    def offline(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(GanlensError, match=r"weights-inception-2015-12-05.*--inception-weights"):
        quick(extractor="inception").run(fake_subject(), image_set())


# What it says


@pytest.mark.parametrize(
    ("settings", "data", "message"),
    [
        ({}, None, "data SPEC"),
        ({}, image_set(size=32), "size=16, channels=3"),
        ({"split": "validation"}, image_set(), "auto, all, train, test"),
        (
            {"extractor": "vgg"},
            image_set(),
            "neither auto, inception, vgg16, discriminator, pixels",
        ),
        ({"split": "test"}, image_set(n=91, train=90), "at least 2"),
    ],
)
def test_bad_input_is_one_line(settings, data, message):
    with pytest.raises(GanlensError, match=message) as caught:
        quick(**settings).run(fake_subject(), data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [{"n": 1}, {"batch_size": 0}, {"k": 0}])
def test_bad_settings_are_refused_at_once(bad):
    with pytest.raises(GanlensError, match="too small"):
        Fidelity(**bad)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_that_cannot_be_are_refused_at_once(seed):
    with pytest.raises(GanlensError, match=f"seed {seed} .*0 to 9"):
        Fidelity(n=10, seed=seed)


def test_the_last_seed_must_be_one_too():
    with pytest.raises(GanlensError, match=f"seed {2**63 - 5} of 10 must be a whole number"):
        Fidelity(n=10, seed=2**63 - 5)


def test_discriminator_is_requested_but_missing():
    with pytest.raises(GanlensError, match="has no discriminator"):
        quick(extractor="discriminator").run(
            FakeSubject(fake_subject().generator, None), image_set()
        )


def test_summary_is_strict_json_and_complete():
    result = quick(n=1000).run(fake_subject(), image_set())
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    wanted = (
        "metric value floor floor_n floor_kind precision recall density coverage k k_density "
        "n_real n_fake n_reason split seed seeds extractor quantisation versions hash "
        "data_fingerprint"
    )
    assert set(wanted.split()) <= summary.keys()
    assert (summary["n_real"], summary["n_fake"], summary["n_requested"]) == (40, 40, 1000)
    assert "'test' has 40 images" in summary["n_reason"]
    assert summary["data_fingerprint"] == "te"
    assert summary["seeds"] == "0 to 39"
    assert {"torch", "numpy", "scipy", "faiss-cpu", "torch-fidelity"} <= summary["versions"].keys()
    assert json.loads(json.dumps(quick().settings())) == quick().settings()
    assert [f.name for f in fields(Fidelity)] == list(quick().settings())


def test_too_few_images_give_null_with_a_reason():
    result = quick(n=3).run(fake_subject(), image_set())
    summary = result.summary()
    assert summary["value"] is not None
    for name in ("precision", "recall", "density", "coverage", "floor_density"):
        assert summary[name] is None
        assert "needs more than" in summary["reasons"][name]
    tiny = quick(n=3).run(fake_subject(), image_set(n=3, train=3, declared=False)).summary()
    assert tiny["floor"] is None
    assert "too small" in tiny["reasons"]["floor"]
    assert "too small" in tiny["reasons"]["value_at_floor_n"]
    assert len(result.panels()) == 3


@pytest.mark.parametrize("size", [2, 12, 30])
def test_small_sets_have_a_kernel_distance_with_smaller_subsets_and_say_so(size):
    """1,000 images, the published subset size, are more than many people have."""
    subject, data = fake_subject(TINY), image_set()
    result = quick(kid_subset_size=size, split="test").run(subject, data)
    found = result.summary()
    assert found["kid_subset_size"] == size
    assert isinstance(found["kid"], float)
    assert found["kid_standard_error"] > 0
    table = next(panel for panel in result.panels() if isinstance(panel, TablePanel))
    assert any(f"subsets of {size:,}, " in str(row[0]) for row in table.rows)


def test_without_them_the_reason_names_the_way_out():
    found = quick(split="test").run(fake_subject(TINY), image_set()).summary()
    assert found["kid"] is None
    assert "kid_subset_size" in found["reasons"]["kid"]
    with pytest.raises(GanlensError, match="kid_subset_size 1 is too small: give at least 2"):
        quick(kid_subset_size=1)


def test_panels_are_the_numbers_the_features_and_the_pictures():
    subject, data = fake_subject(), image_set()
    result = quick(n=40).run(subject, data)
    table, scatter, extremes = result.panels()
    assert isinstance(table, TablePanel)
    assert isinstance(scatter, FigurePanel)
    assert isinstance(extremes, ImagePanel)
    summary, rows = result.summary(), {row[0]: row for row in table.rows}
    assert rows["FD-pixels-16x16 (N = 40)"][1:3] == (summary["value"], summary["floor"])
    recall = rows["recall (k = 3, N = 40)"]
    assert recall[1:3] == (summary["recall"], summary["floor_recall"])
    low, high = summary["interval"]
    assert rows["FD-pixels-16x16, 95% interval"][1] == f"{low:.4g} to {high:.4g}"
    assert "40 generated images of" in table.caption
    assert f"{result.shown.shares[0]:.0%} of the real variance" in str(scatter.figure.layout.xaxis)
    assert [trace.name for trace in scatter.figure.data] == ["real", "generated"]
    assert len(scatter.figure.data[0].x) == 40
    assert extremes.image.shape == (4 * 18 - 2, 8 * 18 - 2, 3)  # 2 x 16 pictures, 8 in a row
    seeds = extremes.recipe["latents"]["seeds"]
    first = to_uint8(subject.generate(subject.latents(seeds[:1])))[0]
    np.testing.assert_array_equal(extremes.image[:16, :16], first)
    kept = {"shown_distances", "shown_real_points", "shown_fake_points", "shown_picture"}
    assert kept <= arrays(result).keys()


def test_scatter_is_the_projection_on_the_real_axes():
    subject, data = fake_subject(), image_set(declared=False)
    result = quick(n=90).run(subject, data)
    real, fake = by_hand(subject, data, slice(None), 90)
    spread = np.linalg.svd(real - real.mean(0), full_matrices=False)
    drawn = np.random.default_rng(0).permutation(90)
    expected = np.abs((fake[drawn] - real.mean(0)) @ spread[2][:2].T)
    np.testing.assert_allclose(np.abs(result.shown.fake_points), expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        result.shown.shares, (spread[1] ** 2 / (spread[1] ** 2).sum())[:2], rtol=1e-4
    )
    np.testing.assert_allclose(result.shown.real_points.mean(0), 0, atol=1e-4)


def test_progress_counts_every_image_once():
    steps = list(quick().steps(fake_subject(), image_set()))
    assert [p.total for p in steps[:-1]] == [90] * (len(steps) - 1)
    done = [p.done for p in steps[:-1]]
    assert done == sorted(done)
    assert done[-1] == 90


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
def test_pixelfaces_end_to_end_through_a_checkpoint(tmp_path):
    from dataclasses import asdict

    from ganlens.checkpoints import Header, save_checkpoint
    from ganlens.subject import load

    config = replace(TINY, size=32)
    pair = fake_subject(config)
    header = Header("dcgan", asdict(config), {"kind": pair.prior.kind, "dim": pair.prior.dim})
    networks = {"generator": pair.generator, "discriminator": pair.discriminator}
    subject = load(save_checkpoint(tmp_path / "tiny", header, networks, {}), "cpu")
    data = open_data("pixelfaces")
    result = Fidelity(extractor="discriminator", n=300).run(subject, data)
    assert result["split"] == "test"
    assert result.baseline.n == 300
    # Untrained networks draw nothing like a face; faces are like faces.
    assert result.value > 5 * result.baseline.scores["fd"]
    assert result.scores["coverage"] < 0.1 < 0.8 < result.baseline.scores["coverage"]
    json.dumps(result.summary(), allow_nan=False)
