"""The rotation task: what is turned, what is learned of it, and that without it nothing changes."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from test_training import IMAGES, SMALL, trainer, weights
from torch import nn

from ganlens.models import build
from ganlens.models.adversarial import some_turned
from ganlens.models.rotation import TURNS, RotationTask, quarter_turns
from ganlens.report import curve_panels
from ganlens.training import Trainer, TrainingData, configure, stream, train
from ganlens.training.batches import Batches


def turned(
    x: torch.Tensor, purpose: str, step: int, images: np.ndarray = IMAGES, **changes: Any
) -> torch.Tensor:
    """What D sees of some images at a step, turned."""
    config = configure("dcgan", **{"batch_size": 16, "epochs": 3, **changes})
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    batch = Batches(TrainingData(images), config, fabric).batch(step)
    return some_turned(x, (), purpose, batch, config.objective)[0]


def test_a_turned_image_keeps_its_own_condition() -> None:
    """Every image is one value, which is its row too."""
    values = torch.arange(16.0) / 16
    config = configure("dcgan", batch_size=16, epochs=3)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    batch = Batches(TrainingData(IMAGES), config, fabric).batch(0)
    x = values.view(16, 1, 1, 1).expand(16, 3, 16, 16)
    images, (rows,) = some_turned(x, (values[:, None],), "real", batch, config.objective)
    assert torch.equal(images[:, 0, 0, 0], rows[:, 0])


def test_quarter_turns_are_numpys_and_the_first_is_none() -> None:
    x = torch.rand(3, 2, 5, 5)
    turned = quarter_turns(x).unflatten(0, (TURNS, 3))
    for turns, block in enumerate(turned):
        expected = np.rot90(x.numpy(), turns, (2, 3)).copy()
        assert torch.equal(block, torch.from_numpy(expected))
    assert torch.equal(turned[0], x)


def test_turns_pass_gradients_to_where_they_came_from() -> None:
    x = torch.rand(2, 1, 3, 3, requires_grad=True)
    weight = torch.rand(8, 1, 3, 3)
    (quarter_turns(x) * weight).sum().backward()
    blocks = weight.unflatten(0, (TURNS, 2))
    expected = sum(block.rot90(-turns, (2, 3)) for turns, block in enumerate(blocks))
    torch.testing.assert_close(x.grad, expected)


def task_and_network() -> tuple[RotationTask, nn.Module]:
    discriminator: Any = build("dcgan", SMALL, 0)["discriminator"]
    return RotationTask(discriminator, 0), discriminator


def test_a_guess_costs_log_four_and_is_right_in_a_quarter() -> None:
    task, discriminator = task_and_network()
    nn.init.zeros_(task.head.weight), nn.init.zeros_(task.head.bias)
    loss, right = task(discriminator, quarter_turns(torch.rand(5, 3, 16, 16)))
    assert loss.item() == pytest.approx(math.log(4), rel=1e-6)
    assert right.item() == 0.25


@torch.no_grad()
def test_the_loss_is_the_cross_entropy_of_the_turn() -> None:
    task, discriminator = task_and_network()
    images = torch.rand(6, 3, 16, 16)
    loss, right = task(discriminator, quarter_turns(images))
    blocks: Any = nn.Sequential(*list(discriminator.children())[:-1])  # without the score
    costs, hits = [], []
    for image in images:
        for turns in range(TURNS):
            scores = task.head(blocks(image[None].rot90(turns, (2, 3))).flatten(1))[0]
            costs.append(-scores.log_softmax(0)[turns].item())
            hits.append(scores.argmax().item() == turns)
    assert loss.item() == pytest.approx(np.mean(costs), rel=1e-5)
    assert right.item() == pytest.approx(np.mean(hits))


def test_building_the_task_changes_neither_the_network_nor_the_global_stream() -> None:
    discriminator: Any = build("dcgan", SMALL, 0)["discriminator"]
    before = {k: v.clone() for k, v in discriminator.state_dict().items()}
    stream = torch.get_rng_state()
    RotationTask(discriminator, 3)
    assert all(torch.equal(v, before[k]) for k, v in discriminator.state_dict().items())
    assert torch.equal(stream, torch.get_rng_state())


def test_a_quarter_of_the_batch_is_turned_and_every_image_gets_its_turn() -> None:
    """Batches come in the order of the files: their first quarter would be a class."""
    numbered = torch.arange(16.0)[:, None, None, None].expand(16, 1, 4, 4).contiguous()
    seen: Counter[float] = Counter()
    for step in range(400):
        images = turned(numbered, "real", step % 12, seed=step)
        assert len(images) == 16
        drawn = images[:4, 0, 0, 0].tolist()
        assert len(set(drawn)) == 4
        seen.update(drawn)
    assert set(seen) == set(map(float, range(16)))
    deviation = math.sqrt(400 * 0.25 * 0.75)
    assert all(abs(count - 100) < 5 * deviation for count in seen.values())


def test_turned_images_are_the_same_for_the_same_step_alone() -> None:
    x, noisy = torch.rand(16, 3, 16, 16), {"instance_noise": 0.1}
    assert torch.equal(turned(x, "real", 3, **noisy), turned(x, "real", 3, **noisy))
    assert not torch.equal(turned(x, "real", 3, **noisy), turned(x, "real", 4, **noisy))
    assert not torch.equal(turned(x, "real", 3, **noisy), turned(x, "fake", 3, **noisy))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_small_batches_turn_one_image(count: int) -> None:
    assert len(turned(torch.rand(count, 3, 16, 16), "real", 0)) == TURNS


def test_the_first_losses_are_those_of_a_run_without_it() -> None:
    plain, turning = trainer().advance().numbers, trainer(rotation=1.0).advance().numbers
    for name in ("d_loss", "d_real", "d_fake"):
        assert turning[name] == plain[name]
    assert "d_turned" not in plain
    assert 0 <= turning["d_turned"] <= 1


@pytest.mark.parametrize("turn", ["discriminator", "generator"])
def test_its_gradient_is_the_weight_times_the_tasks(turn: str) -> None:
    """The gradient is linear in the weight: twice the distance from none, at twice the weight."""
    step = 1 if turn == "discriminator" else 0  # of the alternating schedule

    def gradient(rotation: float) -> torch.Tensor:
        run = trainer(rotation=rotation, schedule="alternate")
        run.step = step
        run.advance()
        return run.networks[turn].block1.conv.weight.grad.clone()  # type: ignore[union-attr,operator]

    none, once, twice = gradient(0), gradient(1), gradient(2)
    assert (once - none).norm() > 1e-3 * none.norm()
    torch.testing.assert_close(twice - none, 2 * (once - none), rtol=1e-3, atol=1e-6)


def test_the_generators_share_is_a_fifth() -> None:
    """SS-GAN: alpha 0.2 beside beta 1."""
    once, none = (trainer(rotation=w, schedule="alternate") for w in (1.0, 0.0))
    fresh = trainer(rotation=1.0)
    config = fresh.config
    generator, discriminator = (fresh.networks[n] for n in ("generator", "discriminator"))
    task = RotationTask(discriminator, stream(config.seed, "rotation", 0))
    generator.train(), discriminator.train()
    batch = fresh.batches.batch(0)
    fake = generator(batch.latents(generator.prior))  # type: ignore[arg-type]
    loss, _ = task(discriminator, some_turned(fake, (), "fake", batch, config.objective)[0])
    weights = list(generator.parameters())
    once.advance(), none.advance()
    pairs = zip(
        once.networks["generator"].parameters(),
        none.networks["generator"].parameters(),
        strict=True,
    )
    found = [a.grad - b.grad for a, b in pairs]  # type: ignore[operator]
    for difference, whole in zip(found, torch.autograd.grad(loss, weights), strict=True):
        torch.testing.assert_close(difference, 0.2 * whole, rtol=1e-3, atol=1e-5)


def test_spectral_norm_is_on_the_tasks_matrix_too() -> None:
    """As in the authors' code; a free matrix would undo the bound on what D says to G."""
    run = trainer(rotation=1.0, spectral_norm=True)
    run.advance()
    named = [name for name in run.state() if name.startswith("rotation.head")]
    assert "rotation.head.parametrizations.weight.original" in named
    assert "rotation.head.weight" not in named


def test_the_generators_step_leaves_the_task_as_it_is() -> None:
    run = trainer(rotation=1.0, schedule="alternate")
    before = weights(run)
    assert "d_turned" not in run.advance().numbers
    after = run.state()
    assert torch.equal(before["rotation.head.weight"], after["rotation.head.weight"])
    run.advance()
    assert not torch.equal(before["rotation.head.weight"], run.state()["rotation.head.weight"])


def test_without_it_a_state_holds_nothing_of_it() -> None:
    run = trainer()
    run.advance()
    assert not [name for name in run.state() if "rotation" in name]


def test_it_learns_which_way_is_up() -> None:
    """Images that are bright above and dark below, each of another brightness."""
    images = np.zeros((64, 16, 16, 3), np.uint8)
    images[:, :8] = np.random.default_rng(0).integers(60, 256, (64, 1, 1, 1))
    config = configure("dcgan", batch_size=16, epochs=15, rotation=1.0)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    run = Trainer("dcgan", SMALL, config, images, fabric)
    told = [step.numbers["d_turned"] for step in train(run)]
    assert np.mean(told[:3]) < 0.7
    assert np.mean(told[-10:]) > 0.95


def test_its_curve_is_drawn_where_there_is_one() -> None:
    rows = [{"step": i, "d_real": 0.5, "d_fake": 0.5, "d_turned": None} for i in (1, 2, 3)]
    title = "How often the discriminator tells how far a real image was turned"
    assert title not in [panel.title for panel in curve_panels(rows, family="dcgan")]
    rows = [row | {"d_turned": 0.3 + row["step"] / 10} for row in rows]
    (panel,) = [panel for panel in curve_panels(rows, family="dcgan") if panel.title == title]
    assert list(panel.figure.data[0].y) == pytest.approx([0.4, 0.5, 0.6])
