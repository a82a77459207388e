"""The loop of phases is the DCGAN's own: a plain loop of two optimizers, bit for bit."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_training import IMAGES, SMALL, on_cpu

from ganlens.images import from_uint8
from ganlens.models import build
from ganlens.training import Trainer, configure, stream

STEPS, SIZE = 20, 16


def noisy(x: torch.Tensor, purpose: str, step: int, share: float) -> torch.Tensor:
    if not share:
        return x
    drawn = torch.Generator().manual_seed(stream(0, f"noise-{purpose}-0", step))
    return x + torch.randn(x.shape, generator=drawn) * share


def plain(how: Any, epochs: int) -> dict[str, torch.Tensor]:
    """Train as PyTorch's tutorial writes it, with the draws of ganlens's streams."""
    nets: Any = build("dcgan", SMALL, stream(0, "init", 0))
    g, d = nets["generator"], nets["discriminator"]
    average = copy.deepcopy(g).requires_grad_(False)
    for net in (g, d, average):
        net.to(memory_format=torch.channels_last)
    betas, decay = (how.beta1, how.beta2), how.weight_decay
    adams = {
        name: torch.optim.Adam(net.parameters(), how.lr, betas, weight_decay=decay, fused=True)
        for name, net in (("d", d), ("g", g))
    }
    per_epoch = len(IMAGES) // SIZE
    for step in range(STEPS):
        epoch, place = divmod(step, per_epoch)
        order = np.random.default_rng(stream(0, "order", epoch)).permutation(len(IMAGES))
        real = from_uint8(IMAGES[np.sort(order[place * SIZE : (place + 1) * SIZE])])
        z = g.prior.sample_batch(SIZE, stream(0, "latents", step))
        share = how.instance_noise * (1 - step / (per_epoch * epochs))
        turns = {"d", "g"} if how.schedule == "both" else {"d" if step % 2 else "g"}
        g.train(), d.train()
        fake = g(z)
        if "d" in turns:
            seen = noisy(real, "real", step, share).requires_grad_(how.r1 > 0)
            on_real, on_fake = d(seen), d(noisy(fake.detach(), "fake", step, share))
            target = torch.full_like(on_real, 1 - how.label_smoothing)
            loss = F.binary_cross_entropy_with_logits(on_real, target) + F.softplus(on_fake).mean()
            if how.r1 and step % how.r1_every == 0:
                (slope,) = torch.autograd.grad(on_real.sum(), seen, create_graph=True)
                steep = slope.square().sum(dim=(1, 2, 3)).mean()
                loss = loss + how.r1_every * (how.r1 / 2 * steep)
            adams["d"].zero_grad()
            loss.backward()
            adams["d"].step()
        if "g" in turns:
            d.requires_grad_(False)
            loss = F.softplus(-d(noisy(fake, "fake", step, share))).mean()
            adams["g"].zero_grad()
            loss.backward()
            adams["g"].step()
            d.requires_grad_(True)
            weight = 1 - min(0.999, (1 + step) / (10 + step))
            slow = [*average.parameters(), *average.buffers()]
            fast = [*g.parameters(), *g.buffers()]
            pairs = [(a, b) for a, b in zip(slow, fast, strict=True) if a.is_floating_point()]
            with torch.no_grad():
                torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], weight)
    found = {"generator": g, "discriminator": d, "ema.generator": average}
    weights = {f"{n}.{k}": v for n, net in found.items() for k, v in net.state_dict().items()}
    for name, adam in adams.items():
        for index, entry in adam.state_dict()["state"].items():
            weights |= {f"{name}_adam.{index}.{k}": v for k, v in entry.items()}
    return weights


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"schedule": "alternate", "weight_decay": 1e-5},
        {"instance_noise": 0.1, "label_smoothing": 0.1},
        {"r1": 1.0, "r1_every": 2},
        {"schedule": "alternate", "r1": 1.0, "r1_every": 1, "instance_noise": 0.2},
    ],
)
def test_the_trainer_is_the_plain_loop_bit_for_bit(changes: dict[str, Any]) -> None:
    config = configure("dcgan", batch_size=SIZE, epochs=6, **changes)
    run = Trainer("dcgan", SMALL, config, IMAGES, on_cpu())
    for _ in range(STEPS):
        run.advance()
    expected, found = plain(config.objective, 6), run.state()
    assert expected.keys() == found.keys() - {"step"}
    assert [k for k in expected if not torch.equal(expected[k], found[k])] == []
