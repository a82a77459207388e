"""Supervised control: the discriminator's architecture, trained with the labels instead."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.activations import run_to
from ganlens.calibration import calibrate
from ganlens.data import ImageSet
from ganlens.files import write_bytes
from ganlens.initialisation import seeded
from ganlens.places import cache_folder
from ganlens.probes.base import Steps
from ganlens.probes.linear.fitting import accuracy
from ganlens.probes.linear.targets import Target
from ganlens.progress import Progress
from ganlens.subject import CALIBRATION, Subject

FORMAT = 1  # raise it when the training changes: older ones are then not found
BATCH, LR, DECAY = 128, 1e-3, 0.01


def train_supervised(
    subject: Subject, train: ImageSet, test: ImageSet, targets: Sequence[Target], epochs: int,
    seed: int,
) -> Steps[tuple[Subject, dict[str, Any]]]:  # fmt: skip
    """Train the same layers to name every target, one linear head each on the last layer's maps.

    AdamW with a one-cycle learning rate (peak 0.001), batches of 128, no augmentation. It learns
    from as many of the first train images as the targets have train labels; unknown ones are left
    out. The weights are cached under the images, the architecture and the settings.

    Returns:
        The trained network, as the discriminator of a subject; and how it was trained, with the
        share of test images that its own linear heads name right, by target.

    Raises:
        GanlensError: the architecture is not known.
    """
    images = train.batch(slice(0, CALIBRATION))
    control = subject.untrained(seed, images, calibrated=False)
    network: Any = control.unconditional("discriminator")
    module = _Headed(network, images[:1], [len(target.classes) for target in targets], seed)
    order = getattr(network, "memory_format", torch.channels_last)
    module.to(control.device, memory_format=order)  # type: ignore[call-overload]
    settings = {"n_train": len(targets[0].train), "epochs": epochs, "batch_size": BATCH, "lr": LR,
                "weight_decay": DECAY, "optimiser": "AdamW, one-cycle", "augment": False,
                "seed": seed}  # fmt: skip
    known = subject.provenance
    architecture = [known.get("family"), known.get("arguments")]
    shapes = {name: list(value.shape) for name, value in module.state_dict().items()}
    classes = [[target.name, target.classes] for target in targets]
    rows = hashlib.sha256(b"".join(t.train.tobytes() for t in targets)).hexdigest()
    # The draw's rows follow from the fingerprint, and their number and the seed in the settings.
    content = [FORMAT, train.fingerprint, rows, architecture, shapes, classes, settings]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
    file = cache_folder() / "supervised" / f"{key}.safetensors"
    if file.is_file():
        module.load_state_dict(safetensors.torch.load(file.read_bytes()))
    else:
        yield from _fit(module, train, targets, epochs, seed)
        calibrate(module, (b.to(control.device) for b in images.split(256) if len(b) > 1))
        state = {name: value.cpu().contiguous() for name, value in module.state_dict().items()}
        write_bytes(file, safetensors.torch.save(state))
    module.requires_grad_(False).eval()
    with torch.inference_mode():
        parts = [torch.stack([head.argmax(1) for head in module(batch.to(control.device))])
                 for batch in test.batches(256)]  # fmt: skip
    guesses = torch.cat(parts, dim=1).cpu().numpy()
    heads = {t.name: accuracy(t.test, guess) for t, guess in zip(targets, guesses, strict=True)}
    return control, {**settings, "accuracy_of_its_own_head": heads}


class _Headed(nn.Module):
    """A discriminator up to its last feature layer, with a linear head per target."""

    def __init__(self, network: Any, image: Tensor, classes: Sequence[int], seed: int) -> None:
        super().__init__()
        self.network, self.heads = network, nn.ModuleList()
        with torch.no_grad():
            width = self._maps(image.to(next(network.parameters()).device)).shape[1]
        with seeded(seed):
            self.heads.extend(nn.Linear(width, count) for count in classes)

    def _maps(self, x: Tensor) -> Tensor:
        return run_to(self.network, self.network.feature_layers[-1], x).flatten(1)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = self._maps(x)
        return [head(maps) for head in self.heads]


def _fit(
    module: nn.Module, train: ImageSet, targets: Sequence[Target], epochs: int, seed: int
) -> Steps[None]:
    module.requires_grad_(True).train()
    place = next(module.parameters()).device
    answers = [torch.from_numpy(t.train) for t in targets]
    stream, count = torch.Generator().manual_seed(seed), len(targets[0].train)
    size = min(BATCH, count)
    steps = count // size
    optimizer = torch.optim.AdamW(module.parameters(), LR, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, epochs * steps + 1)
    for epoch in range(epochs):
        yield Progress(epoch, epochs, "epochs of the supervised control")
        order = torch.randperm(count, generator=stream)[: steps * size]
        for chosen in order.split(size):
            found = module(train.batch(chosen.numpy()).to(place))
            losses = [  # mean over the images whose answer is known; 0 where none is
                F.cross_entropy(logits, truth, ignore_index=-1, reduction="sum")
                / (truth >= 0).sum().clamp_min(1)
                for logits, truth in zip(found, (a[chosen].to(place) for a in answers), strict=True)
            ]
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            optimizer.step()
            schedule.step()
