"""Directions: closed forms, the SeFa oracle, planted boundaries, and the file they are kept in."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_subject import FakeSubject, fake_subject, hooks
from safetensors.numpy import save_file
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC
from torch import nn

import ganlens
from ganlens.directions import (
    Direction,
    boundaries,
    conditional,
    cosines,
    difference_of_means,
    duplicates,
    extremes,
    first_layer,
    ganspace,
    load_directions,
    random_directions,
    save_directions,
    sefa,
)
from ganlens.edits import Move
from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.models.dcgan import DCGANConfig
from ganlens.models.prior import Prior
from ganlens.progress import finish
from ganlens.recipe import Recipe, draw
from ganlens.stats.auc import auc


def axis(i: int, dim: int = 8, name: str = "", **more) -> Direction:
    return Direction(name or f"axis {i}", "test", np.eye(dim, dtype=np.float32)[i], **more)


# --- one scale ---


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_an_amount_is_counted_in_sigmas_of_the_prior(kind):
    prior = Prior(kind, 8)
    move = axis(2).move(prior, (-1, 2))
    assert isinstance(move, Move)
    z = torch.zeros(1, 8)
    assert move.latents(z, prior, 1)[0, 2].item() == pytest.approx(2 * prior.std)
    with pytest.raises(GanlensError, match="8 coordinates: this generator takes 5"):
        axis(2).move(Prior(kind, 5), (1,))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": np.ones(8)}, "length 2.828"),
        ({"unit": np.full(8, np.nan)}, "finite"),
        ({"unit": np.zeros((2, 4))}, "list of finite numbers"),
        ({"offset": np.ones(3)}, "no layer"),
    ],
)
def test_what_is_no_direction_is_refused(changes, says):
    with pytest.raises(GanlensError, match=says):
        replace(axis(0), **changes)


def test_cosines_and_duplicates():
    tilted = Direction("tilted", "test", np.array([0.95, (1 - 0.95**2) ** 0.5, 0, 0]))
    flipped = replace(axis(2, 4), unit=-axis(2, 4).unit)
    found = [axis(0, 4), tilted, axis(2, 4), axis(3, 4), flipped]
    assert cosines(found)[0, 1] == pytest.approx(0.95)
    assert duplicates(found) == [None, 0, None, None, 2]
    assert duplicates(found, 0.99) == [None, None, None, None, 2]
    assert cosines([]).shape == (0, 0)


def test_random_directions_are_the_same_for_a_seed_and_nearly_orthogonal():
    prior = Prior("normal", 100)
    first, again, other = (random_directions(prior, 5, seed) for seed in (0, 0, 1))
    assert np.array_equal(first[4].unit, again[4].unit)
    assert not np.array_equal(first[4].unit, other[4].unit)
    assert np.abs(cosines(first) - np.eye(5)).max() < 0.5


# --- SeFa and GANSpace ---


class Planted(nn.Module):
    """Pixels are a matrix times the latent: every method knows the right answer."""

    def __init__(self, kind="normal"):
        super().__init__()
        self.prior, self.image_shape = Prior(kind, 6), (1, 16, 16)
        basis = np.linalg.qr(np.random.default_rng(0).normal(size=(256, 6)))[0]
        turned = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
        self.answers, self.scales = turned, np.array([3, 2.2, 1.6, 1.1, 0.7, 0.3])
        self.fc = nn.Linear(6, 256, bias=False)
        self.fc.weight.data = torch.tensor(basis * self.scales @ turned.T).float()

    def forward(self, z):
        return self.fc(z).view(-1, 1, 16, 16)


def test_sefa_finds_what_was_planted():
    generator = Planted()
    found = sefa(generator, 6)
    np.testing.assert_allclose(
        np.abs(np.stack([one.unit for one in found]) @ generator.answers), np.eye(6), atol=1e-5
    )
    shares = generator.scales**2 / (generator.scales**2).sum()
    np.testing.assert_allclose([one.strength for one in found], shares, rtol=1e-5)
    assert [one.unit[np.abs(one.unit).argmax()] > 0 for one in found] == [True] * 6
    for count in (0, 7):
        with pytest.raises(GanlensError, match="from 1 to 6"):
            sefa(generator, count)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_ganspace_finds_what_was_planted(kind):
    subject = FakeSubject(Planted(kind), None)
    found = finish(ganspace(subject, "fc", 3, range(4000), range(4000, 6000)))
    cos = np.abs(np.stack([one.unit for one in found]) @ subject.generator.answers)
    assert (np.diag(cos[:, :3]) > 0.99).all()
    for one, scale in zip(found, subject.generator.scales, strict=False):
        assert one.metrics["std"] == pytest.approx(scale * subject.prior.std, rel=0.05)
        assert one.metrics["r2"] == pytest.approx(1, abs=1e-4)
        # Moving by one sigma and adding the offset once are the same where the layer is linear.
        z = subject.latents([1, 2])
        moved = subject.generate(one.move(subject.prior, (1.0,)).latents(z, subject.prior, 0))
        offset = one.offset_edit((1.0,)).activations(subject.generate(z).flatten(1), 0)
        assert (
            torch.nn.functional.cosine_similarity(
                moved.flatten(1) - subject.generate(z).flatten(1),
                offset - subject.generate(z).flatten(1),
            ).min()
            > 0.99
        )


def test_a_direction_is_the_same_at_any_batch_size():
    subject = fake_subject()
    found = [
        finish(ganspace(subject, "block1.act", 3, range(90), range(90, 180), kept=10, batch_size=n))
        for n in (1, 64)
    ]
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one.unit, other.unit)
        assert np.array_equal(one.offset, other.offset)
    assert hooks(subject.generator) == 0


def test_an_offset_edits_its_layer_and_draws():
    subject = fake_subject()
    one = finish(ganspace(subject, "block1.norm", 2, range(80), range(80, 160), kept=8))[0]
    recipe = Recipe.of(subject, Seeds((0, 1)), edits=[one.offset_edit((0, 3))])
    drawn = draw(subject, recipe)
    assert drawn.shape[0] == 4
    assert torch.equal(drawn[0], subject.generate(subject.latents([0]))[0])
    assert not torch.allclose(drawn[0], drawn[1])
    with pytest.raises(GanlensError, match="no offset"):
        axis(0).offset_edit((1,))


def test_ganspace_says_what_it_needs():
    subject = fake_subject()
    with pytest.raises(GanlensError, match="choose from"):
        finish(ganspace(subject, "block9", 2, range(80), range(80, 160)))
    with pytest.raises(GanlensError, match="more than 32 samples"):
        finish(ganspace(subject, "block1", 2, range(80), range(80, 90)))


def oracle(subject, samples: int, fresh: int, alone_expected: bool = True) -> None:
    """PCA of the post-BN, pre-ReLU first layer plus regression is SeFa, where eigenvalues differ.

    An eigenvector of N samples is off by about sqrt(ratio / N) / (ratio - 1) towards each neighbour
    and by sqrt(d / M) after a regression on M: single directions are compared where both ratios are
    above 1.25, and the span of the first k wherever the ratio behind them is.
    """
    count = min(16, subject.prior.dim)
    closed = sefa(subject.generator, min(count + 1, subject.prior.dim))
    layer = closed[0].provenance["layer"]
    seeds = range(samples), range(samples, samples + fresh)
    sampled = finish(ganspace(subject, layer, count, *seeds, kept=count))
    values = np.array([one.metrics["eigenvalue"] for one in closed] + [0.0])
    large = np.concatenate([[True], values[:count] > 1.25 * values[1 : count + 1]])
    alone = np.flatnonzero(large[:-1] & large[1:])
    cos = np.array([abs(float(closed[i].unit @ sampled[i].unit)) for i in alone])
    assert large[1:].any(), "no eigenvalue is well separated: nothing would be compared"
    assert len(cos) or not alone_expected
    assert (cos > 0.99).all(), dict(zip(alone.tolist(), cos.round(4).tolist(), strict=True))
    for k in np.flatnonzero(large[1:]) + 1:
        spans = [
            np.linalg.qr(np.stack([one.unit for one in d[:k]]).T)[0] for d in (closed, sampled)
        ]
        assert np.linalg.svd(spans[0].T @ spans[1])[1].min() > 0.98, k
    stds = [sampled[i].metrics["std"] ** 2 / subject.prior.std**2 for i in alone]
    np.testing.assert_allclose(stds, values[alone], rtol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pixelfaces", "cifar10"])
def test_sefa_is_the_limit_of_pca_on_a_shipped_checkpoint(name):
    # Of cifar10's eigenvalues none stands alone; the first two do as a pair.
    oracle(ganlens.load(name, "cpu"), 6000, 20_000, alone_expected=name == "pixelfaces")


@pytest.mark.parametrize("projection", ["linear", "conv"])
def test_sefa_is_the_limit_of_pca_for_either_projection(projection):
    config = DCGANConfig(size=16, width=4, latent_dim=8, projection=projection, prior="uniform")
    subject = fake_subject(config)
    norm = subject.generator.project.norm
    rng = np.random.default_rng(0)
    stretch = torch.tensor(1.5 ** np.arange(8)[::-1].copy()).float()
    if projection == "linear":
        subject.generator.project.fc.weight.data *= stretch
        norm.running_var.data = torch.tensor(rng.uniform(0.001, 1, len(norm.running_var))).float()
    else:
        subject.generator.project.conv.weight.data *= stretch[:, None, None, None]
        norm.running_var.data = torch.tensor(rng.uniform(0.001, 1, len(norm.running_var))).float()
    norm.weight.data = torch.tensor(rng.uniform(0.1, 2, len(norm.weight))).float()
    oracle(subject, 6000, 10_000)


def test_sefa_knows_only_linear_first_layers():
    with pytest.raises(GanlensError, match="no linear projection"):
        sefa(nn.Sequential(nn.Conv2d(3, 4, 3)), 1)
    wrong = Planted()
    wrong.fc = nn.Linear(5, 256)
    with pytest.raises(GanlensError, match="takes 5 numbers, the latent has 6"):
        sefa(wrong, 1)


def test_padding_of_the_first_layer_is_cut():
    layer = nn.ConvTranspose2d(8, 3, 5, padding=1, bias=False)
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    out = layer(z[:, :, None, None]).detach().flatten(1).numpy()
    weight = first_layer(nn.Sequential(layer)).weight
    np.testing.assert_allclose(z.numpy() @ weight.T, out, atol=1e-6)


# --- boundaries and means ---


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_a_planted_boundary_is_found(kind):
    prior = Prior(kind, 10)
    z = prior.sample_batch(6000, 0).numpy()
    truth = np.linalg.qr(np.random.default_rng(3).normal(size=(10, 2)))[0].T
    scores = (z @ truth.T).T / prior.std
    rng = np.random.default_rng(0)
    noisy = scores + rng.normal(scale=0.3, size=scores.shape)
    found = boundaries(z, noisy, ("a", "b"), prior)
    for one, answer in zip(found, truth, strict=True):
        assert one.unit @ answer > 0.98
        assert one.metrics["accuracy"] > 0.97
        assert one.metrics["auc"] > 0.97
        assert abs(one.intercept) < 0.15
        assert one.claim == one.name
    assert (found[0].metrics["n_fit"], found[0].metrics["n_held_out"]) == (168, 72)
    again = boundaries(z[:, ::-1], noisy[:1], ("a",), prior)
    np.testing.assert_allclose(again[0].unit[::-1], found[0].unit, atol=1e-3)


def test_the_intercept_is_where_the_boundary_lies():
    prior = Prior("uniform", 6)
    z = prior.sample_batch(4000, 0).numpy() + 0.5  # all latents shifted, the boundary with them
    found = boundaries(z, z[:, :1].T, ("a",), prior, share=0.5, c=100)[0]
    assert found.unit[0] > 0.999
    assert found.intercept == pytest.approx(-np.median(z[:, 0]) / prior.std, abs=0.01)


def test_a_boundary_is_the_one_of_scikit_learn():
    prior = Prior("normal", 8)
    z = prior.sample_batch(500, 0).numpy()
    scores = z[:, 0] + np.random.default_rng(0).normal(size=500)
    one = boundaries(z, scores[None], ("a",), prior, least=60, c=0.1)[0]
    split = extremes(scores, least=60)
    peer = LinearSVC(C=0.1, tol=1e-8, max_iter=100_000)
    peer.fit(z[split.fit], split.positive[split.fit])
    expected = peer.coef_[0] / np.linalg.norm(peer.coef_)
    assert one.unit @ expected > 0.9999
    assert one.intercept == pytest.approx(peer.intercept_[0] / np.linalg.norm(peer.coef_), abs=0.01)


def test_extremes_are_the_ends_split_70_to_30():
    scores = np.random.default_rng(0).normal(size=1000)
    found = extremes(scores, share=0.02)
    assert (len(found.fit), len(found.held_out)) == (28, 12)
    taken = np.concatenate([found.fit, found.held_out])
    assert len(np.unique(taken)) == 40
    order = np.argsort(scores)
    assert set(taken) == {*order[:20], *order[-20:]}
    assert set(np.flatnonzero(found.positive)) == set(order[-20:])
    assert len(extremes(scores, share=0.02, least=300).fit) == 420
    assert len(extremes(scores, share=0.02, least=9000).fit) == 700
    for bad, says in ((np.ones(30), "differ"), (scores[:5], "at least 20")):
        with pytest.raises(GanlensError, match=says):
            extremes(bad)
    with pytest.raises(GanlensError, match="is out of range"):
        extremes(scores, share=0.7)


def test_a_conditional_normal_is_orthogonal_to_the_others():
    rng = np.random.default_rng(0)
    mixed = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    first = Direction("a", "boundary", mixed[0], "a", 0.3)
    slanted = mixed[1] * 0.8 + mixed[0] * 0.6
    others = [
        Direction("b", "boundary", slanted),
        Direction("c", "boundary", mixed[2]),
        Direction("minus b", "boundary", -slanted),  # depends on b
    ]
    found = conditional(first, others)
    assert max(abs(float(found.unit @ one.unit)) for one in others) < 1e-6
    assert found.unit @ first.unit == pytest.approx(0.8, abs=1e-5)
    assert found.metrics["kept"] == pytest.approx(0.8, abs=1e-5)
    assert found.intercept is None
    n = np.stack([one.unit for one in others[:2]]).astype(np.float64)
    formula = first.unit - n.T @ np.linalg.inv(n @ n.T) @ n @ first.unit
    np.testing.assert_allclose(found.unit, formula / np.linalg.norm(formula), atol=1e-6)
    assert conditional(first, []).unit @ first.unit == pytest.approx(1)
    with pytest.raises(GanlensError, match="nothing is left"):
        conditional(first, [first])


def test_the_difference_of_means_is_the_turn_vector():
    prior = Prior("uniform", 3)
    positive = np.array([[1.0, 0.5, 0], [1, -0.5, 0]])
    found = difference_of_means(positive, -positive, "turn", prior)
    np.testing.assert_allclose(found.unit, [1, 0, 0], atol=1e-7)
    assert found.strength == pytest.approx(2 / prior.std)
    assert found.intercept == pytest.approx(0)
    with pytest.raises(GanlensError, match="without samples"):
        difference_of_means(positive, positive[:0], "turn", prior)
    with pytest.raises(GanlensError, match="no direction"):
        difference_of_means(positive, positive, "turn", prior)


def test_auc_is_scikit_learns():
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.3
    scores = np.round(rng.normal(size=200) + truth, 1)  # with ties
    assert auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert np.isnan(auc(scores, np.zeros(200, dtype=bool)))


# --- the file ---

ABOUT = {"hash": "f" * 64, "weights": "ema", "checkpoint": "fake"}


def kept() -> list[Direction]:
    boundary = axis(
        1, name="light=bright", claim="light=bright", intercept=0.25, strength=0.9,
        metrics={"auc": 0.9, "n_fit": 140}, provenance={**ABOUT, "seed": 3},
    )  # fmt: skip
    offset = np.linspace(-1, 1, 12, dtype=np.float32)
    return [boundary, axis(2, layer="block1.act", offset=offset, provenance=ABOUT)]


def test_directions_survive_their_file(tmp_path):
    path = save_directions(tmp_path / "new" / "d.safetensors", kept())
    loaded = load_directions(path, fake_subject())
    for before, after in zip(kept(), loaded, strict=True):
        assert np.array_equal(before.unit, after.unit)
        assert (before.offset is None) == (after.offset is None)
        for name in ("name", "method", "claim", "intercept", "strength", "layer"):
            assert getattr(before, name) == getattr(after, name), name
        assert dict(before.metrics) == dict(after.metrics)
        assert dict(before.provenance) == dict(after.provenance)
    assert np.array_equal(loaded[1].offset, kept()[1].offset)
    assert b"pickle" not in path.read_bytes()


def test_directions_of_another_checkpoint_are_refused_by_both_hashes(tmp_path):
    path = save_directions(tmp_path / "d.safetensors", kept())
    subject = fake_subject()
    subject.provenance = {**subject.provenance, "hash": "a" * 64}
    with pytest.raises(GanlensError, match=f"checkpoint {'f' * 64} .* with {'a' * 64}"):
        load_directions(path, subject)
    assert len(load_directions(path)) == 2


@pytest.mark.parametrize(
    ("directions", "says"),
    [
        ([], "no directions to save"),
        ([axis(0, provenance={"hash": "a"}), axis(0, provenance={"hash": "b"})], "several"),
        ([axis(0), axis(0, 4)], "do not fit into one file"),
        ([axis(0, strength=float("nan"))], "cannot be written as JSON"),
    ],
)
def test_what_cannot_be_saved_is_said_and_leaves_no_file(directions, says, tmp_path):
    path = tmp_path / "d.safetensors"
    path.write_bytes(b"older")
    with pytest.raises(GanlensError, match=says):
        save_directions(path, directions)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def rewritten(tmp_path, units=None, **changes):
    """A direction file with another header."""
    header = {"format": 1, "hash": "f", "versions": {}, "directions": []}
    text = json.dumps({**header, **changes})
    path = tmp_path / "d.safetensors"
    save_file({"units": np.eye(2, 8, dtype=np.float32) if units is None else units}, path,
              {"ganlens-directions": text})  # fmt: skip
    return path


PLAIN = {
    "name": "a", "method": "b", "claim": "", "intercept": None, "strength": None, "layer": None,
    "metrics": {}, "provenance": {},
}  # fmt: skip


def test_every_unusable_file_gives_one_line(tmp_path):
    good = save_directions(tmp_path / "good.safetensors", kept()).read_bytes()
    bad = tmp_path / "bad.safetensors"

    def says(pattern, path=bad):
        with pytest.raises(GanlensError, match=pattern) as caught:
            load_directions(path)
        assert "\n" not in str(caught.value)

    says("does not exist")
    bad.write_bytes(good[:-20])
    says("damaged, cut short")
    bad.write_bytes(b"")
    says("damaged, cut short")
    bad.write_bytes(b"\x80\x04pickle")
    says("damaged, cut short")
    save_file({"x": np.ones(3, np.float32)}, bad)
    says("holds no directions")
    says("format version 2; this ganlens reads up to 1", rewritten(tmp_path, format=2))
    says("damaged header", rewritten(tmp_path, format="new"))
    says("damaged header", rewritten(tmp_path, format=float("inf")))
    deep = {"ganlens-directions": "[" * 100_000}
    save_file({"units": np.eye(2, 8, dtype=np.float32)}, bad, deep)
    says("damaged header")
    says("damaged header", rewritten(tmp_path, directions=[{"name": "a"}]))
    says("damaged header", rewritten(tmp_path, directions=[{**PLAIN, "metrics": 3}]))
    says("damaged header", rewritten(tmp_path, directions=[PLAIN] * 3))
    says("finite numbers", rewritten(tmp_path, np.full((1, 8), np.nan), directions=[PLAIN]))
    says("length 0", rewritten(tmp_path, np.zeros((1, 8), np.float32), directions=[PLAIN]))
    nan = {**PLAIN, "intercept": float("nan")}
    says("NaN is no number of JSON", rewritten(tmp_path, directions=[nan]))
