"""The classifier: shapes, learning, determinism, saving and opening."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image
from striped import striped

from ganlens.checkpoints import Header, save_checkpoint
from ganlens.classifier import (
    ClassifierEpoch,
    ClassifierSettings,
    load_classifier,
    save_classifier,
    targets_of,
    train_classifier,
)
from ganlens.classifier.judging import accuracies, confusions
from ganlens.classifier.targets import Truth
from ganlens.errors import GanlensError
from ganlens.images import from_uint8
from ganlens.models.classifier import Block, Classifier, ClassifierConfig, classifier_arguments
from ganlens.progress import finish
from ganlens.subject import load

SHARED = Path(__file__).parents[2].parent / "shared"


def trained(**changes):
    return finish(train_classifier(striped(), epochs=4, batch_size=20, width=8, **changes))


@pytest.fixture(scope="module")
def stripes():
    return trained()


@pytest.mark.parametrize("size", [16, 17, 32, 48, 64, 100, 256])
@pytest.mark.parametrize("depth", [1, 2])
def test_every_size_gives_features_and_logits(size, depth):
    config = ClassifierConfig(size, 1, {"a": "xy", "b.c": "xyz"}, 8, 8, depth=depth)
    with torch.random.fork_rng():
        model = Classifier(config).eval()
    assert len([name for name, _ in model.named_modules() if name.endswith("conv")]) == 4 * depth
    x = torch.zeros(2, 1, size, size)
    assert model.features(x).shape == (2, 8)
    assert {name: tuple(v.shape) for name, v in model(x).items()} == {"a": (2, 2), "b.c": (2, 3)}


def test_targets_are_labels_and_categories_only():
    found = targets_of(striped())
    assert list(found) == ["class", "light"]
    assert found["light"][0] == ("bright", "dim")
    names = np.array(found["light"][0])[found["light"][1]]
    np.testing.assert_array_equal(names, striped().attributes["light"])
    bare = replace(striped(), labels=None, class_names=(), attributes={"tilt": np.zeros(160)})
    with pytest.raises(GanlensError, match="nothing to classify"):
        targets_of(bare)


def test_what_is_not_given_is_neither_learned_nor_counted(tmp_path):
    data = striped()
    labels, light = data.labels.copy(), data.attributes["light"].copy()
    labels[::3], light[1::3] = -1, ""
    light[120:] = ""  # nothing to be judged on
    some = replace(data, labels=labels, attributes={"light": light})
    found = targets_of(some)
    assert found["light"][0] == ("bright", "dim")
    np.testing.assert_array_equal(found["light"][1] == -1, light == "")
    learned = finish(train_classifier(some, epochs=4, batch_size=20, width=8))
    assert learned.accuracies["class"] > 0.9
    assert np.isnan([learned.accuracies["light"], learned.majority["light"]]).all()
    header = load_classifier(save_classifier(tmp_path / "some", learned))[1]
    assert header.metrics["accuracies"]["light"] is header.metrics["majority"]["light"] is None
    assert "| light | unknown | unknown |" in (tmp_path / "some" / "card.md").read_text()
    known = labels[120:][labels[120:] >= 0]
    commonest = np.bincount(labels[:120][labels[:120] >= 0]).argmax()
    assert learned.majority["class"] == pytest.approx((known == commonest).mean())


def test_learns_what_held_out_images_show(stripes):
    assert stripes.accuracies["class"] > 0.95
    assert stripes.accuracies["light"] > 0.95
    assert abs(stripes.correlations["tilt"]) < 0.5  # noise: nothing to see
    assert (stripes.n_train, stripes.n_test) == (120, 40)
    assert max(stripes.majority.values()) < 0.75
    assert not stripes.model.training


def test_accuracy_is_that_of_held_out_images_counted_by_hand(stripes):
    data = striped()
    guess = stripes.model(data.part("test").batch(slice(None)))["class"].argmax(1).numpy()
    assert stripes.accuracies["class"] == (guess == data.labels[120:]).mean()
    commonest = np.bincount(data.labels[:120]).argmax()
    assert stripes.majority["class"] == pytest.approx((data.labels[120:] == commonest).mean())


def test_mistakes_are_counted_by_hand():
    targets = {"kind": ("a", "b", "c"), "odd": ("no", "yes")}
    answers = torch.tensor([[0, 1], [0, 1], [0, 1], [0, 1], [1, -1], [1, 0], [2, -1], [-1, 0]])
    guesses = torch.tensor([[0, 1], [1, 1], [1, 1], [2, 1], [0, 0], [1, 0], [2, 1], [0, 0]])
    truth = Truth(targets, {}, answers, torch.zeros(8, 0))
    k = {name: len(classes) for name, classes in targets.items()}
    found = {n: torch.eye(k[n])[g] for n, g in zip(targets, guesses.unbind(1), strict=True)}
    assert accuracies(found, truth) == {"kind": 3 / 7, "odd": 1}
    wrong = confusions(found, truth)
    assert wrong["odd"] == []
    assert wrong["kind"][0][2] == wrong["kind"][1][2] == 0.5
    assert set(wrong["kind"]) == {("a", "b", 0.5), ("b", "a", 0.5), ("a", "c", 0.25)}


def test_pooling_before_a_norm_of_positive_gains_changes_nothing():
    """Files from when it came after read as they did."""
    stream = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        block = Block(3, 8, stride=1, pool=True, depth=1).eval()
    for values in (block.norm.weight, block.norm.running_var):
        values.data = torch.rand(8, generator=stream) + 0.1
    block.norm.bias.data = torch.randn(8, generator=stream)
    x = torch.randn(2, 3, 16, 16, generator=stream)
    after = block.pool(block.act(block.norm(block.conv(x))))
    assert torch.equal(block(x), after)
    assert after.min() == 0 < after.max()


def test_held_out_images_do_not_touch_the_weights(stripes):
    data = striped()
    spoiled = data.images.copy()
    spoiled[120:] = 0
    other = finish(
        train_classifier(replace(data, images=spoiled), epochs=4, batch_size=20, width=8)
    )
    pairs = zip(stripes.model.parameters(), other.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_same_seed_same_weights_and_global_stream_untouched(stripes):
    before = torch.random.get_rng_state()
    again, other = trained(), trained(seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    key = "block1.conv.weight"
    assert torch.equal(again.model.state_dict()[key], stripes.model.state_dict()[key])
    assert not torch.equal(other.model.state_dict()[key], stripes.model.state_dict()[key])


def test_epochs_are_reported_and_augmentation_runs():
    steps = list(train_classifier(striped(), epochs=2, width=8, depth=2, augment=True))
    assert [(s.epoch, s.epochs) for s in steps] == [(1, 2), (2, 2)]
    assert all(np.isfinite(s.loss) and 0 <= s.accuracy <= 1 for s in steps)


def test_flip_and_shift_moves_whole_images():
    from ganlens.classifier.train import _flip_and_shift

    x = torch.arange(256.0).reshape(1, 1, 16, 16).repeat(40, 1, 1, 1)
    moved = _flip_and_shift(x, torch.Generator().manual_seed(0))
    seen = set()
    for image in moved[:, 0]:
        core = image[2:-2, 2:-2]  # shifts reach 2 pixels
        across, down = float(core[0, 1] - core[0, 0]), float(core[1, 0] - core[0, 0])
        assert (abs(across), down) == (1, 16)
        seen.add((across, float(core.mean())))
    assert len(seen) > 20


def test_save_and_load_give_the_same_features(stripes, tmp_path):
    folder = save_classifier(tmp_path / "stripes", stripes)
    model, header, digest = load_classifier(folder)
    x = striped().batch(slice(0, 5))
    assert torch.equal(model.features(x), stripes.model.features(x))
    assert classifier_arguments(model.config) == classifier_arguments(stripes.model.config)
    assert header.metrics["accuracies"] == stripes.accuracies
    assert header.step == 24  # 6 batches of 20 in each of 4 epochs
    assert len(digest) == 64
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [ClassifierEpoch(**row) for row in rows] == list(stripes.epochs)
    assert len(rows) == 4
    assert not model.training


def test_a_classifier_is_no_gan_and_says_where_it_belongs(stripes, tmp_path):
    folder = save_classifier(tmp_path / "stripes", stripes)
    with pytest.raises(
        GanlensError, match=r"a classifier.*--extractor to ganlens fid, or to ganlens train"
    ):
        load(folder)


def test_another_family_or_broken_arguments_are_named(stripes, tmp_path):
    save_checkpoint(tmp_path / "gan", Header("dcgan", {}, {}), {"classifier": stripes.model}, {})
    with pytest.raises(GanlensError, match="'dcgan' model where a classifier"):
        load_classifier(tmp_path / "gan")
    for broken in ({"width": 3}, {"targets": 0.5}, {"numbers": 7}, {"targets": {"a": None}}):
        arguments = {**classifier_arguments(stripes.model.config), **broken}
        header = Header("classifier", arguments, {})
        save_checkpoint(tmp_path / "odd", header, {"classifier": stripes.model}, {})
        with pytest.raises(GanlensError, match="cannot be built"):
            load_classifier(tmp_path / "odd")


def test_a_loss_that_diverges_is_named():
    with pytest.raises(GanlensError, match=r"not finite in epoch 1.*lr 1e\+30"):
        trained(lr=1e30)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the CIFAR-10 images do not travel with ganlens")
def test_the_shipped_classifier_reads_cifar10_as_its_card_says():
    model, header, _ = load_classifier("cifar10-classifier")
    classes = header.arguments["targets"]["class"]
    with ZipFile(SHARED / "data" / "cifar10-test.zip") as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".jpg"))[::10]
        pixels = [np.asarray(Image.open(BytesIO(archive.read(name)))) for name in names]
    truth = [classes.index(PurePosixPath(name).parent.name) for name in names]
    with torch.inference_mode():
        guess = model(from_uint8(np.stack(pixels)))["class"].argmax(1).numpy()
    assert len(names) == 1000
    claimed = header.metrics["accuracies"]["class"]
    error = np.sqrt(claimed * (1 - claimed) / 1000)  # binomial; of one sample, chosen beforehand
    assert abs((guess == truth).mean() - claimed) < 3 * error


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"lr": 0},
        {"weight_decay": -1},
        {"width": -1},
        {"width": 257},
        {"depth": 9},
        {"batch_size": 0},
    ],
)
def test_unusable_settings_are_named(bad):
    with pytest.raises(GanlensError, match=next(iter(bad))):
        ClassifierSettings(**bad)
    with pytest.raises(GanlensError, match="size 8"):
        ClassifierConfig(8, 3, {"a": ("x", "y")})
    with pytest.raises(GanlensError, match="at least 2"):
        ClassifierConfig(16, 3, {"a": ("x",)})
