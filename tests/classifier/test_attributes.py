"""The attribute classifier: what it reads, where it comes from, and how it is kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from striped import striped

from ganlens.attributes import attribute_classifier
from ganlens.classifier import (
    ClassifierSettings,
    load_classifier,
    save_classifier,
    train_classifier,
)
from ganlens.errors import GanlensError
from ganlens.progress import Progress, finish

FAST = ClassifierSettings(epochs=4, batch_size=20, width=8)


def leaning(n=400, train=300, size=16, seed=0):
    """Images of a bright line whose height ("level", in pixels from the middle) is an attribute."""
    data = striped(n, train, size, seed)
    level = np.random.default_rng(seed).integers(-5, 6, n)
    images = np.zeros((n, size, size, 3), np.uint8)
    images[np.arange(n), size // 2 + level] = 200
    kept = {"up": np.where(level > 0, "yes", "no"), "level": level.astype(np.float64)}
    kept["level"][::7] = np.nan
    return replace(data, images=images, labels=None, class_names=(), attributes=kept)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    return tmp_path / "classifiers"


def test_categories_and_numbers_are_read_off_held_out_images():
    data = leaning()
    classifier = finish(attribute_classifier(data, replace(FAST, epochs=12)))
    test = data.part("test")
    predicted = classifier.predict(test.batch(slice(None)), batch_size=33)
    shown = predicted.shows("up", "yes")
    assert classifier.accuracies["up"] == (shown == (test.attributes["up"] == "yes")).mean() > 0.9
    known = np.isfinite(test.attributes["level"])
    found = np.corrcoef(predicted.number("level")[known], test.attributes["level"][known])[0, 1]
    assert found == pytest.approx(classifier.correlations["level"], abs=1e-5)
    assert found > 0.9
    assert np.abs(predicted.number("level")[known] - test.attributes["level"][known]).mean() < 2
    np.testing.assert_allclose(predicted.probabilities["up"].sum(1), 1, rtol=1e-5)


def test_a_trained_reader_is_kept_and_found_again(cache):
    data = striped()
    steps = list(attribute_classifier(data, FAST))
    assert steps == [Progress(i, 4, "epochs of the attribute classifier") for i in (1, 2, 3, 4)]
    first, second = (
        finish(attribute_classifier(data, FAST)),
        finish(attribute_classifier(data, FAST)),
    )
    assert list(attribute_classifier(data, FAST)) == []
    assert first.hash == second.hash
    assert first.about()["classifier_n_held_out"] == 40
    other = replace(data, fingerprints={"all": "x", "train": "other", "test": "y"})
    assert len(list(attribute_classifier(other, FAST))) == 4
    assert len(list(cache.iterdir())) == 2


def test_a_shipped_one_of_the_same_images_is_taken(tmp_path, monkeypatch):
    data = striped()
    made = save_classifier(tmp_path / "shipped", finish(train_classifier(data, FAST)))
    listed = [(made, load_classifier(made)[1])]
    monkeypatch.setattr("ganlens.attributes.list_checkpoints", lambda family: listed)
    assert list(attribute_classifier(data, FAST)) == []
    assert finish(attribute_classifier(data, FAST)).hash == load_classifier(made)[2]
    assert not (tmp_path / "classifiers").exists()


def test_what_held_out_images_do_not_tell_is_not_a_number():
    data = striped()
    light = data.attributes["light"].copy()
    light[120:] = ""
    some = replace(data, attributes={"light": light})
    classifier = finish(attribute_classifier(some, FAST))
    assert np.isnan([classifier.accuracies["light"], classifier.majority["light"]]).all()
    assert classifier.accuracies["class"] > 0.9


def test_what_cannot_be_read_is_named():
    classifier = finish(attribute_classifier(striped(), FAST))
    predicted = classifier.predict(torch.zeros(2, 3, 16, 16))
    with pytest.raises(GanlensError, match="'hat' cannot be predicted: choose from class, light"):
        predicted.shows("hat", "red")
    with pytest.raises(GanlensError, match="'red' cannot be predicted: choose from bright, dim"):
        predicted.probability("light", "red")
    with pytest.raises(GanlensError, match="'age' cannot be predicted: choose from tilt"):
        predicted.number("age")
    with pytest.raises(GanlensError, match=r"give \(N, 3, 16, 16\)"):
        classifier.predict(torch.zeros(2, 3, 32, 32))
