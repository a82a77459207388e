"""The loop of phases is the DCGAN's own: a plain loop of two optimizers, bit for bit."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from test_training import IMAGES, SMALL, on_cpu

from ganlens.images import from_uint8
from ganlens.models import build
from ganlens.training import Trainer, configure, stream

STEPS, SIZE = 20, 16
HERE = (Path(__file__).resolve().parent, *Path(__file__).resolve().parents[1:3])


def noisy(x: torch.Tensor, purpose: str, step: int, share: float, rank: int) -> torch.Tensor:
    if not share:
        return x
    drawn = torch.Generator().manual_seed(stream(0, f"noise-{purpose}-{rank}", step))
    return x + torch.randn(x.shape, generator=drawn) * share


class Replica:
    """The networks and optimizers of one process."""

    def __init__(self, rank: int, how: Any) -> None:
        nets: Any = build("dcgan", SMALL, stream(0, "init", 0))
        self.rank, self.how = rank, how
        self.g, self.d = nets["generator"], nets["discriminator"]
        self.average = copy.deepcopy(self.g).requires_grad_(False)
        for net in (self.g, self.d, self.average):
            net.to(memory_format=torch.channels_last)
        betas, decay = (how.beta1, how.beta2), how.weight_decay
        self.adams = {
            name: torch.optim.Adam(net.parameters(), how.lr, betas, weight_decay=decay, fused=True)
            for name, net in (("d", self.d), ("g", self.g))
        }

    def d_backward(self, real: torch.Tensor, fake: torch.Tensor, step: int, share: float) -> None:
        how = self.how
        seen = noisy(real, "real", step, share, self.rank).requires_grad_(how.r1 > 0)
        on_real = self.d(seen)
        on_fake = self.d(noisy(fake.detach(), "fake", step, share, self.rank))
        target = torch.full_like(on_real, 1 - how.label_smoothing)
        loss = F.binary_cross_entropy_with_logits(on_real, target) + F.softplus(on_fake).mean()
        if how.r1 and step % how.r1_every == 0:
            (slope,) = torch.autograd.grad(on_real.sum(), seen, create_graph=True)
            steep = slope.square().sum(dim=(1, 2, 3)).mean()
            loss = loss + how.r1_every * (how.r1 / 2 * steep)
        self.adams["d"].zero_grad()
        loss.backward()

    def g_backward(self, fake: torch.Tensor, step: int, share: float) -> None:
        self.d.requires_grad_(False)
        loss = F.softplus(-self.d(noisy(fake, "fake", step, share, self.rank))).mean()
        self.adams["g"].zero_grad()
        loss.backward()
        self.d.requires_grad_(True)

    @torch.no_grad()
    def move_average(self, step: int) -> None:
        weight = 1 - min(0.999, (1 + step) / (10 + step))
        slow = [*self.average.parameters(), *self.average.buffers()]
        fast = [*self.g.parameters(), *self.g.buffers()]
        pairs = [(a, b) for a, b in zip(slow, fast, strict=True) if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], weight)

    def state(self) -> dict[str, torch.Tensor]:
        found = {"generator": self.g, "discriminator": self.d, "ema.generator": self.average}
        weights = {f"{n}.{k}": v for n, net in found.items() for k, v in net.state_dict().items()}
        for name, adam in self.adams.items():
            for index, entry in adam.state_dict()["state"].items():
                weights |= {f"{name}_adam.{index}.{k}": v for k, v in entry.items()}
        return weights


def step_on_the_mean(replicas: list[Replica], name: str) -> None:
    """Step the optimizer of every replica on the mean of their gradients."""
    every = zip(*(getattr(one, name).parameters() for one in replicas), strict=True)
    for weights in every:
        mean = torch.stack([w.grad for w in weights]).sum(0) / len(weights)
        for weight in weights:
            weight.grad.copy_(mean)
    for one in replicas:
        one.adams[name].step()


def plain(how: Any, epochs: int, ranks: int = 1, steps: int = STEPS) -> list[Replica]:
    """Train as PyTorch's tutorial writes it, with the draws of ganlens's streams."""
    replicas = [Replica(rank, how) for rank in range(ranks)]
    per_epoch = len(IMAGES) // SIZE
    for step in range(steps):
        epoch, place = divmod(step, per_epoch)
        order = np.random.default_rng(stream(0, "order", epoch)).permutation(len(IMAGES))
        rows = order[place * SIZE : (place + 1) * SIZE]
        z = replicas[0].g.prior.sample_batch(SIZE, stream(0, "latents", step))
        share = how.instance_noise * (1 - step / (per_epoch * epochs))
        turns = {"d", "g"} if how.schedule == "both" else {"d" if step % 2 else "g"}
        fakes = [one.g.train()(z[one.rank :: ranks]) for one in replicas]
        if "d" in turns:
            for one, fake in zip(replicas, fakes, strict=True):
                real = from_uint8(IMAGES[np.sort(rows[one.rank :: ranks])])
                one.d_backward(real, fake, step, share)
            step_on_the_mean(replicas, "d")
        if "g" in turns:
            for one, fake in zip(replicas, fakes, strict=True):
                one.g_backward(fake, step, share)
            step_on_the_mean(replicas, "g")
            for one in replicas:
                one.move_average(step)
    return replicas


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
    (alone,) = plain(config.objective, 6)
    expected, found = alone.state(), run.state()
    assert expected.keys() == found.keys() - {"step"}
    assert [k for k in expected if not torch.equal(expected[k], found[k])] == []


RANK = """
import sys
from pathlib import Path
from safetensors.torch import save_file
from test_training import IMAGES, SMALL
from test_training_loop import SHARED, SIZE
from ganlens.training import Trainer, configure, launch, quiet_fabric

fabric = quiet_fabric(accelerator="cpu", devices=2, strategy="ddp", precision="32-true")
launch(fabric)
for index, changes in enumerate(SHARED):
    config = configure("dcgan", batch_size=SIZE, epochs=6, **changes)
    run = Trainer("dcgan", SMALL, config, IMAGES, fabric)
    for _ in range(6):
        run.advance()
    tensors = {k: v.contiguous() for k, v in run.state().items()}
    save_file(tensors, Path(sys.argv[1], f"{index}-{fabric.global_rank}.safetensors"))
"""
SHARED: tuple[dict[str, Any], ...] = (
    {},
    {"schedule": "alternate", "r1": 1.0, "r1_every": 1, "instance_noise": 0.2},
)


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the state of each of two processes after 6 steps, in every setting."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "rank.py").write_text(RANK)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    places = os.pathsep.join([*map(str, HERE), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*torchrun, str(folder / "rank.py"), str(folder)], capture_output=True, text=True,
        check=False, timeout=280, env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(SHARED)))
def test_two_ranks_step_on_the_mean_of_their_gradients(of_ranks: Path, index: int) -> None:
    """Each has statistics of its own batches; weights and moments are the same, to the bit."""
    config = configure("dcgan", batch_size=SIZE, epochs=6, **SHARED[index])
    replicas = plain(config.objective, 6, ranks=2, steps=6)
    found = [load_file(of_ranks / f"{index}-{rank}.safetensors") for rank in (0, 1)]
    for one, state in zip(replicas, found, strict=True):
        expected = one.state()
        assert expected.keys() == state.keys() - {"step"}
        assert [k for k in expected if not torch.equal(expected[k], state[k])] == []
    own = [k for k in found[0] if not torch.equal(found[0][k], found[1][k])]
    assert own
    assert all(name.endswith(("running_mean", "running_var")) for name in own)
