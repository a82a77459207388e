"""Inversion: closed forms, company that does not matter, latents that stay where they belong."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from fake_subject import hooks
from torch import nn

from ganlens.errors import GanlensError
from ganlens.images import from_uint8, to_uint8
from ganlens.inversion import Inversion, Settings, invert
from ganlens.inversion.lbfgs import minimise
from ganlens.inversion.objective import Coordinates, Residuals
from ganlens.inversion.start import Encoder, inverse_hessian, mean_metric
from ganlens.models.dcgan import DCGAN, DCGANConfig
from ganlens.models.prior import Prior
from ganlens.progress import Progress, finish
from ganlens.subject import Subject

KNOWN: dict[str, Any] = {"checkpoint": "tiny", "hash": "a" * 64, "weights": "raw"}
QUICK = Settings(steps=20, pool=64)


class Linear(nn.Module):
    """A generator whose pictures are a matrix times the latent, times a gain."""

    image_shape = (3, 4, 4)

    def __init__(self, kind: Any = "normal", gain: float = 0.02) -> None:
        super().__init__()
        self.prior = Prior(kind, 6)
        matrix = torch.randn(6, 48, generator=torch.Generator().manual_seed(1)) * gain
        self.matrix = nn.Parameter(matrix)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (z @ self.matrix).view(-1, 3, 4, 4)


def linear(kind: Any = "normal", gain: float = 0.02) -> Subject:
    return Subject({"generator": Linear(kind, gain)}, KNOWN)


def dcgan(**changes: Any) -> Subject:
    config = DCGANConfig(size=16, width=4, latent_dim=8, **changes)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        pair = DCGAN().networks(config)
    for module in [part for net in pair.values() for part in net.modules()]:
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(0.001)  # strong signals: pictures that differ
    return Subject(pair, KNOWN)


def noise(count: int, shape: tuple[int, ...], seed: int = 5) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed)) - 0.5


def run(subject: Subject, images: torch.Tensor, **settings: Any) -> Inversion:
    return finish(invert(subject, images, Settings(**{"steps": 20, "pool": 64, **settings})))


def test_a_linear_generator_is_inverted_by_least_squares() -> None:
    subject, images = linear(), noise(5, (3, 4, 4))
    found = run(subject, images, prior_weight=0.0, steps=30)
    matrix = subject.generator.matrix.detach().T.double()
    exact = torch.linalg.lstsq(matrix, images.flatten(1).T.double()).solution.T
    torch.testing.assert_close(found.latents.double(), exact, rtol=1e-3, atol=1e-3)
    rest = (exact @ matrix.T - images.flatten(1)).square().mean(1)
    torch.testing.assert_close(found.pixel_mse, rest, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(found.losses, found.pixel_mse, rtol=1e-4, atol=1e-7)


def test_the_prior_term_keeps_latents_on_the_shell() -> None:
    subject, images = linear(), noise(4, (3, 4, 4))
    free = run(subject, images, prior_weight=0.0)
    held = run(subject, images, prior_weight=1.0, steps=60)
    assert (free.shell > 3).all()  # least squares would leave the prior far behind
    torch.testing.assert_close(held.shell, torch.ones(4).double(), atol=0.05, rtol=0)
    assert (held.pixel_mse > free.pixel_mse).all()


def test_latents_of_a_uniform_prior_stay_inside() -> None:
    found = run(linear("uniform"), noise(4, (3, 4, 4)), steps=40)
    assert found.latents.abs().max() <= 1
    assert found.latents.abs().max() > 0.9  # the images pull beyond
    truth = Prior("uniform", 6).sample(range(4)) * 0.9
    again = run(linear("uniform", 0.2), linear("uniform", 0.2).generate(truth), steps=40)
    torch.testing.assert_close(again.latents, truth, atol=1e-2, rtol=0)


def test_generated_images_are_found_again() -> None:
    subject = dcgan()
    z = subject.latents(range(8))
    images = from_uint8(to_uint8(subject.generate(z)))
    spread = subject.generate(z).var(0).mean()
    found = run(subject, images, steps=80, pool=256, restarts=4, prior_weight=0.0)
    assert found.pixel_mse.median() < 0.01 * spread
    assert found.feature_distance is not None
    assert found.feature_distance.median() < 0.05


def test_an_image_does_not_depend_on_its_company() -> None:
    subject, images = dcgan(), noise(11, (3, 16, 16))
    whole = run(subject, images, restarts=3)
    again = run(subject, images, restarts=3)
    alone = run(subject, images[4:5], restarts=3)
    small = run(subject, images, restarts=3, batch_size=3)
    assert torch.equal(whole.latents, again.latents)
    for other, rows in ((alone, slice(4, 5)), (small, slice(None))):
        torch.testing.assert_close(other.latents, whole.latents[rows], atol=1e-4, rtol=1e-4)
        assert torch.equal(other.starts, whole.starts[rows])


def test_more_starts_compete_and_the_best_one_wins() -> None:
    subject, images = dcgan(), noise(6, (3, 16, 16))
    one, many = run(subject, images), run(subject, images, restarts=6)
    assert (one.starts == 0).all()
    assert many.starts.max() < 6
    assert many.losses.mean() <= one.losses.mean() + 1e-3


def test_the_networks_are_left_alone() -> None:
    subject = dcgan()
    state = {k: v.clone() for k, v in subject.generator.state_dict().items()}
    steps = invert(subject, noise(3, (3, 16, 16)), QUICK)
    assert isinstance(next(steps), Progress)
    steps.close()
    run(subject, noise(3, (3, 16, 16)))
    assert hooks(subject.generator, subject.discriminator) == 0
    networks = (subject.generator, subject.discriminator)
    assert all(p.grad is None and not p.requires_grad for n in networks for p in n.parameters())
    assert not any(m.training for n in networks for m in n.modules())
    assert all(torch.equal(v, state[k]) for k, v in subject.generator.state_dict().items())


def test_it_runs_where_gradients_are_off() -> None:
    subject, images = dcgan(), noise(2, (3, 16, 16))
    with torch.no_grad():
        off = run(subject, images)
    assert torch.equal(off.latents, run(subject, images).latents)


def test_without_a_discriminator_only_pixels_count() -> None:
    subject = dcgan()
    images = noise(3, (3, 16, 16))
    alone = Subject({"generator": subject.generator}, KNOWN)
    found = run(alone, images)
    assert found.feature_distance is None
    assert found.about()["feature_weight"] == 0
    pixels = run(subject, images, feature_weight=0.0)
    assert torch.equal(found.latents, pixels.latents)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"steps": 0}, "steps 0"),
        ({"restarts": 0}, "restarts 0"),
        ({"restarts": 65, "pool": 64}, "at most the pool, 64"),
        ({"pool": 4}, "pool 4"),
        ({"feature_weight": -1.0}, "feature_weight -1"),
        ({"prior_weight": float("nan")}, "prior_weight nan"),
        ({"pixel_weight": 0.0, "feature_weight": 0.0}, "nothing to match"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(GanlensError, match=says):
        Settings(**settings)


def test_images_that_do_not_fit_are_refused() -> None:
    for images, says in (
        (torch.zeros(2, 3, 8, 8), r"give \(N, 3, 4, 4\)"),
        (torch.zeros(0, 3, 4, 4), "at least one"),
        (torch.full((1, 3, 4, 4), float("nan")), "finite"),
        (torch.full((1, 3, 4, 4), 255.0), r"\[-1, 1\]"),
    ):
        with pytest.raises(GanlensError, match=says):
            run(linear(), images)


def test_lbfgs_solves_each_row_by_itself() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(4, 5, 5, generator=generator, dtype=torch.float64)
    hessians = root @ root.transpose(1, 2) + 0.1 * torch.eye(5)
    targets = torch.randn(4, 5, generator=generator, dtype=torch.float64)

    def bowls(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gap = (x - targets)[:, :, None]
        push = (hessians @ gap)[:, :, 0]
        return 0.5 * (gap[:, :, 0] * push).sum(1), push

    start, eye = torch.zeros(4, 5, dtype=torch.float64), torch.eye(5, dtype=torch.float64)
    seen = [value for _, value in minimise(bowls, start, 60, 0.1 * eye)]
    *_, (x, value) = minimise(bowls, start, 60, 0.1 * eye)
    torch.testing.assert_close(x, targets, atol=1e-4, rtol=0)
    assert value.max() < 1e-8
    assert all((b <= a).all() for a, b in pairwise(seen))
    *_, (newton, _) = minimise(bowls, start, 2, torch.linalg.inv(hessians[0]))
    torch.testing.assert_close(newton[0], targets[0])  # the true inverse needs one step


def test_a_function_that_breaks_down_keeps_the_best_point() -> None:
    def cliff(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value = x.square().sum(1)
        return torch.where(x[:, 0] < 0.5, torch.nan, value), 2 * x

    start = torch.ones(1, 2, dtype=torch.float64)
    *_, (_, value) = minimise(cliff, start, 10, torch.eye(2, dtype=torch.float64))
    assert value.isfinite().all()
    assert value <= 2


def test_the_encoder_of_a_linear_generator_is_nearly_exact() -> None:
    subject = linear(gain=0.2)
    z = subject.latents(range(200))
    images = subject.generate(z).clone()
    fresh = subject.latents(range(500, 510))
    guess = Encoder(images, z)(subject.generate(fresh).clone())
    assert torch.nn.functional.cosine_similarity(guess, fresh).min() > 0.99


def test_the_metric_of_a_linear_generator_is_its_gram_matrix() -> None:
    subject = linear(gain=0.2)
    pool = subject.generate(subject.latents(range(64))).clone()
    residuals = Residuals(subject, Settings(), pool)
    coordinates = Coordinates(subject.prior)
    metric = mean_metric(subject.generator, residuals, coordinates, subject.latents(range(3)))
    matrix = subject.generator.matrix.double()
    torch.testing.assert_close(metric, matrix @ matrix.T / 48, rtol=1e-3, atol=1e-5)


def test_the_damped_inverse_is_an_inverse() -> None:
    metric = torch.diag(torch.tensor([1.0, 2.0, 0.0])).double()
    inverse = inverse_hessian(metric, 0.1)
    expected = 1 / (2 * (torch.tensor([1.0, 2.0, 0.0]).double() + 0.1))
    torch.testing.assert_close(inverse.diagonal(), expected)
