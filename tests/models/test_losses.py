"""Losses against their closed forms on two points, penalties against gradients by hand."""

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.adversarial import interpolated
from ganlens.models.family import Adam, Batch
from ganlens.models.losses import LOSSES, gradient_penalty, r1_penalty, squared_slope
from ganlens.models.objective import Adversarial
from ganlens.training import Trainer, configure, trainable

# Two points a and b. Real images are a in 7 of 10 cases, generated ones in 4.
REAL = torch.tensor([0] * 7 + [1] * 3)
FAKE = torch.tensor([0] * 4 + [1] * 6)
P, Q = np.array([0.7, 0.3]), np.array([0.4, 0.6])
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)


def judged(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of every real image beside every generated one."""
    pairs = torch.cartesian_prod(REAL, FAKE)
    return scores[pairs[:, 0]], scores[pairs[:, 1]]


def jensen_shannon() -> float:
    m = (P + Q) / 2
    return float((P * np.log(P / m) + Q * np.log(Q / m)).sum() / 2)


def relativistic() -> float:
    apart, swapped = P[0] * Q[1], P[1] * Q[0]  # the two kinds of pair that are told apart
    right = apart / (apart + swapped)
    found = apart * math.log(right) + swapped * math.log(1 - right)
    return float((apart + swapped) * math.log(2) + found)


# The best D on the two points, and what its loss then measures.
BEST: dict[str, tuple[Any, Callable[[], float]]] = {
    "minimax": (np.log(P / Q), jensen_shannon),
    "non-saturating": (np.log(P / Q), jensen_shannon),
    "least-squares": (P / (P + Q), lambda: float(((P - Q) ** 2 / (P + Q)).sum())),
    "hinge": (np.sign(P - Q), lambda: float(np.abs(P - Q).sum() / 2)),
    # Of slope 1 between points that lie 1 apart: the mass that moves.
    "wasserstein": (np.array([0.5, -0.5]), lambda: 0.3),
    "relativistic": (
        np.array([math.log(P[0] * Q[1] / (P[1] * Q[0])), 0.0]), relativistic,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_the_best_discriminator_measures_the_divergence_in_closed_form(name: str) -> None:
    best, divergence = BEST[name]
    scores = torch.tensor(best, dtype=torch.float64, requires_grad=True)
    loss = LOSSES[name].discriminator(*judged(scores))
    measured = LOSSES[name].measure[1](loss)
    assert measured.item() == pytest.approx(divergence(), abs=1e-12)
    (slope,) = torch.autograd.grad(loss, scores)
    if name not in ("wasserstein", "hinge"):  # bounded by a slope, and kinked at its best
        assert slope.abs().max() < 1e-12, "another D would do better"


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "wasserstein"])
def test_no_discriminator_measures_more_than_the_divergence(name: str) -> None:
    _, divergence = BEST[name]
    for scores in torch.randn(200, 2, dtype=torch.float64) * 3:
        loss = LOSSES[name].discriminator(*judged(scores))
        assert LOSSES[name].measure[1](loss) <= divergence() + 1e-12


@pytest.mark.parametrize("name", LOSSES)
def test_equal_distributions_are_no_distance_apart(name: str) -> None:
    """The best D says the same of every image: its boundary, or anything."""
    said = torch.full((8,), LOSSES[name].boundary or 0.0)
    measured = LOSSES[name].measure[1](LOSSES[name].discriminator(said, said))
    assert measured.item() == pytest.approx(0, abs=1e-6)


X = torch.tensor([-1.5, 0.0, 2.0], dtype=torch.float64)
ON_REAL = torch.tensor([0.5, 1.0, -1.0], dtype=torch.float64)
GENERATORS: dict[str, Callable[[Tensor], Tensor]] = {
    "minimax": lambda x: torch.log(1 - x.sigmoid()).mean(),
    "non-saturating": lambda x: -torch.log(x.sigmoid()).mean(),
    "least-squares": lambda x: ((x - 1) ** 2).mean() / 2,
    "hinge": lambda x: -x.mean(),
    "wasserstein": lambda x: -x.mean(),
    "relativistic": lambda x: -torch.log((x - ON_REAL).sigmoid()).mean(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_generator_s_loss_is_the_paper_s_formula(name: str) -> None:
    found = LOSSES[name].generator(X, ON_REAL)
    assert found.item() == pytest.approx(GENERATORS[name](X).item(), rel=1e-12)
    x = X.clone().requires_grad_()
    (slope,) = torch.autograd.grad(LOSSES[name].generator(x, ON_REAL), x)
    assert (slope < 0).sum() >= 2, "a higher score is a lower loss"


def test_the_minimax_gradient_fades_where_the_discriminator_wins_and_the_other_does_not() -> None:
    rejected = torch.tensor([-20.0], requires_grad=True)
    slopes = {
        name: torch.autograd.grad(LOSSES[name].generator(rejected, rejected.detach()), rejected)[0]
        for name in ("minimax", "non-saturating")
    }
    assert slopes["minimax"].abs().item() < 1e-8
    assert slopes["non-saturating"].item() == pytest.approx(-1)


def planes(weight: Tensor, count: int = 5) -> tuple[Tensor, Tensor]:
    """Images, and a linear D's scores of them."""
    images = torch.randn(count, *weight.shape, dtype=torch.float64, requires_grad=True)
    return images, (images * weight).sum((1, 2, 3))


def test_penalties_of_a_linear_score_and_their_gradients_are_those_by_hand() -> None:
    weight = torch.randn(3, 4, 4, dtype=torch.float64, requires_grad=True)
    norm = weight.detach().norm()
    images, scores = planes(weight)
    for found, value, gradient in (
        (r1_penalty(scores, images, 3.0), 1.5 * norm**2, 3.0 * weight.detach()),
        (
            gradient_penalty(scores, images, 10.0),
            10 * (norm - 1) ** 2,
            20 * (norm - 1) / norm * weight.detach(),
        ),
    ):
        assert found.item() == pytest.approx(value.item(), rel=1e-9)
        (by_weight,) = torch.autograd.grad(found, weight, retain_graph=True)
        torch.testing.assert_close(by_weight, gradient, rtol=1e-9, atol=1e-12)


def test_penalties_of_a_quadratic_score_are_of_each_image_over_all_pixels() -> None:
    """D(x) = x'Ax / 2 has the gradient Ax: other images, other slopes."""
    a = torch.randn(12, 12, dtype=torch.float64)
    a = (a + a.T).requires_grad_()
    images = torch.randn(6, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    x = images.flatten(1)
    scores = (x @ a * x).sum(1) / 2
    slopes = x.detach() @ a.detach()
    torch.testing.assert_close(squared_slope(scores, images), slopes.square().sum(1))
    found = gradient_penalty(scores, images, 2.0)
    assert found.item() == pytest.approx(2 * (slopes.norm(dim=1) - 1).square().mean().item())
    r2 = r1_penalty(scores, images, 4.0)
    assert r2.item() == pytest.approx(2 * slopes.square().sum(1).mean().item())
    by_hand = 4 * (x.detach().T @ slopes) / len(x)
    (by_a,) = torch.autograd.grad(r2, a)
    torch.testing.assert_close(by_a + by_a.T, by_hand + by_hand.T)


def test_a_score_without_any_slope_has_a_finite_penalty_and_gradient() -> None:
    weight = torch.zeros(3, 4, 4, dtype=torch.float64, requires_grad=True)
    images, scores = planes(weight)
    found = gradient_penalty(scores, images, 10.0)
    assert found.item() == pytest.approx(10, rel=1e-5)
    assert torch.autograd.grad(found, weight)[0].isfinite().all()


def batch(step: int = 0) -> Batch:
    return Batch(
        images=torch.zeros(6, 3, 2, 2),
        labels=None,
        others=None,
        step=step,
        progress=0.0,
        stream=lambda name: torch.Generator().manual_seed(len(name) + step),
        latents=lambda prior: prior.sample_batch(6, step),
    )


def test_images_between_lie_on_the_line_of_their_own_pair() -> None:
    real, fake = torch.full((6, 3, 2, 2), 1.0), torch.full((6, 3, 2, 2), -1.0)
    between = interpolated(real, fake.bfloat16(), batch())
    assert between.requires_grad
    assert between.is_leaf
    assert between.dtype == torch.float32
    assert (between.flatten(1).std(1) == 0).all(), "one share for all pixels of an image"
    assert between[:, 0, 0, 0].unique().numel() == 6, "and another for each pair"
    assert (between.abs() < 1).all()


def run(loss: str, family: str = "dcgan", **changes: Any) -> Trainer:
    preset = trainable(family).preset(trainable(family).default_preset, loss=loss)
    arguments = asdict(preset.config) | {"size": 16, "channels": 3, "width": 8, "latent_dim": 8}
    settings = {"loss": loss, "batch_size": 16, "epochs": 3, **changes}
    return Trainer(family, arguments, configure(family, **settings), IMAGES)


@pytest.mark.parametrize("family", ["dcgan", "mlp"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_every_family_without_another_setting(loss: str, family: str) -> None:
    """A planted task: all real images are white, and what is generated gets brighter."""
    made = run(loss, family, epochs=40, lr=2e-3, lr_discriminator=2e-4)
    made.data.images[:] = 255
    z = made.trained.learning["generator"].prior.sample_batch(32, 0)

    def brightness() -> float:
        with torch.no_grad():
            return float(made.trained.learning["generator"].eval()(z).mean())

    before = brightness()
    for _ in range(60):
        step = made.advance()
    assert brightness() > before + 0.1
    measure, _ = LOSSES[loss].measure
    told = {"d_real", "d_fake"} if LOSSES[loss].boundary is not None else {"d_pairs"}
    assert {"d_loss", measure, *told} <= step.numbers.keys()
    drawn = {name for curve in trainable(family).curves for name in curve.numbers}
    assert {measure, *told} <= drawn, "every number is explained somewhere"


def test_a_loss_brings_its_settings_and_drops_those_of_the_preset_s_own() -> None:
    family = trainable("mlp")
    own, other = (family.preset("default", loss=x) for x in ("non-saturating", "wasserstein"))
    assert own == family.preset("default")
    assert (own.objective.label_smoothing, own.objective.r1) == (0.1, 0.2)
    found = other.objective
    assert (found.loss, found.gradient_penalty, found.critic_steps) == ("wasserstein", 10.0, 5)
    assert (found.label_smoothing, found.r1, found.lr) == (0.0, 0.0, 1e-4)
    assert trainable("dcgan").preset("torch", loss="hinge").config.discriminator_norm == "none"
    assert configure("dcgan", loss="wasserstein").objective.gradient_penalty == 10
    asked = configure("dcgan", loss="wasserstein", gradient_penalty=1.0).objective
    assert asked.gradient_penalty == 1, "what is asked for outweighs what a loss brings"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("family", ["dcgan", "conditional-dcgan", "infogan", "mlp"])
def test_every_preset_takes_every_loss(family: str, loss: str) -> None:
    """The paper's DCGAN goes by turns, and an InfoGAN has two step sizes of its own."""
    for name in trainable(family).presets:
        found = trainable(family).preset(name, loss=loss).objective
        assert found.loss == loss
        if loss == "wasserstein":
            assert (found.schedule, found.lr_discriminator, found.lr) == ("both", 0.0, 1e-4)


def test_the_setting_names_every_loss() -> None:
    assert set(get_args(get_type_hints(Adversarial)["loss"])) == set(LOSSES)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": "hing"}, "hing"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "label_smoothing 0.1 belongs to"),
        ({"critic_steps": 2, "schedule": "alternate"}, "contradict each other"),
        ({"gradient_penalty": -1.0}, "at least 0"),
        ({"decay_from": 1.5}, "0 to 1"),
        ({"critic_steps": 0}, "at least 1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: Any, words: str) -> None:
    with pytest.raises(GanlensError, match=words):
        configure("dcgan", **settings)


def test_the_gradient_penalty_refuses_batch_norm() -> None:
    with pytest.raises(GanlensError, match="discriminator-norm none"):
        Trainer(
            "dcgan",
            run("non-saturating").arguments | {"discriminator_norm": "batch"},
            configure("dcgan", loss="wasserstein", batch_size=16),
            IMAGES,
        )


def weight_of(made: Trainer, network: str) -> Tensor:
    return next(made.trained.learning[network].parameters()).detach().clone()


def test_the_discriminator_steps_as_often_as_critic_steps_say() -> None:
    made = run("wasserstein", critic_steps=3)
    moved = []
    for _ in range(7):
        before = [weight_of(made, name) for name in ("discriminator", "generator")]
        made.advance()
        after = [weight_of(made, name) for name in ("discriminator", "generator")]
        moved.append(tuple(not torch.equal(a, b) for a, b in zip(before, after, strict=True)))
    assert moved == [(True, False), (True, False), (True, True)] * 2 + [(True, False)]


@pytest.mark.parametrize("schedule", ["both", "alternate"])
def test_a_penalty_that_is_due_now_and_then_is_due_in_the_discriminator_s_own_turns(
    schedule: str,
) -> None:
    """By turns D steps at odd steps alone, of which none is a multiple of 4."""
    made = [run("non-saturating", schedule=schedule, r1=r1, r1_every=4) for r1 in (0.0, 1e3)]
    apart = []
    for _ in range(10):
        steps = [one.advance() for one in made]
        if "d_grad" in steps[0].numbers:
            apart.append(not np.isclose(*(s.numbers["d_grad"] for s in steps), rtol=1e-3))
    assert apart[0], "the first turn has the penalty"


def test_r2_is_of_generated_images_and_r1_of_real_ones() -> None:
    """A D that has a slope on one side alone: its penalty is that side's."""
    found = {}
    for name in ("r1", "r2"):
        plain, with_it = (
            run("non-saturating", r1_every=1, **{name: value}) for value in (0.0, 100.0)
        )
        found[name] = (plain.advance().numbers["d_grad"], with_it.advance().numbers["d_grad"])
    assert all(abs(a - b) > 1e-3 * a for a, b in found.values())
    assert found["r1"][1] != pytest.approx(found["r2"][1], rel=1e-6)


def test_step_sizes_fall_linearly_from_where_they_are_told() -> None:
    adam = Adam(lr=1e-3, decay_from=0.5)
    assert [adam.lr_at(p) for p in (0.0, 0.5, 0.75, 1.0)] == pytest.approx([1e-3, 1e-3, 5e-4, 0.0])
    assert replace(adam, decay_from=1.0).lr_at(1.0) == 1e-3
    made = run("non-saturating", decay_from=0.5, lr_discriminator=4e-4)
    rates = []
    for _ in range(made.total_steps):
        made.advance()
        rates.append([o.param_groups[0]["lr"] for o in made._optimizers.values()])
    shares = [1 if i <= 6 else (12 - i) / 6 for i in range(12)]
    expected = [[4e-4 * s, 2e-4 * s] for s in shares]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
