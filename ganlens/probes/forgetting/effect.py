"""Choosing maps by what changing them does (Bau 2019, arXiv 1811.10597, section 3.2).

Each map has a strength a in [0, 1]; all are optimised together, by gradients through the generator
and the discriminator, so that by its classifiers the concept goes (or comes) and all else stays.
"""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from ganlens.activations import edit
from ganlens.edits import cells_in
from ganlens.probes.base import Progress, Steps
from ganlens.probes.forgetting.concept_source import ConceptSource
from ganlens.probes.forgetting.unit_selection import Material
from ganlens.subject import Subject

RATE = 0.15  # of Adam, on the logits of the strengths
START = -2.0  # logit of every strength at first: 0.12
BATCH = 16
LEAD = 1.0  # how far another value should lead; the classifiers' targets are 1 and -1


def optimise(
    subject: Subject, source: ConceptSource, z: Tensor, material: Material, *, steps: int,
    others_weight: float, sparse: float, seed: int,
) -> Steps[np.ndarray]:  # fmt: skip
    """Find the (C,) strengths with which maps are brought to their levels, by steps of Adam.

    Args:
        subject: the GAN.
        source: classifiers of the concept and of all else.
        z: (N, d) latents of samples that show the concept, or lack it where it is inserted.
        material: the layer, the box, the level of each map, and whether the concept should come.
        steps: how many.
        others_weight: weight of what else changes.
        sparse: price of a map's strength.
        seed: of the order of the samples.
    """
    generator = subject.unconditional("generator")
    device, rng = subject.device, np.random.default_rng(seed)
    level = torch.as_tensor(material.levels, dtype=torch.float32, device=device)[:, None, None]
    with torch.no_grad():
        parts = [source.scores(subject, generator(p.to(device))) for p in z.split(64)]
    before = torch.cat(parts)
    logits = torch.full((len(material.levels),), START, device=device, requires_grad=True)
    adam = torch.optim.Adam([logits], lr=RATE)
    for step in range(steps):
        yield Progress(step, steps, "steps of the search for maps")
        rows = torch.from_numpy(rng.permutation(len(z))[:BATCH])
        with torch.enable_grad():
            strength = torch.sigmoid(logits)
            blend = partial(_blend, amount=strength[:, None, None], level=level, box=material.box)
            with edit(generator, material.layer, blend):
                after = source.scores(subject, generator(z[rows].to(device)))
            lead = source.lead(after) * (-1 if material.insert else 1)
            moved = source.others_moved(before[rows.to(device)], after)
            loss = torch.relu(LEAD + lead).mean() + others_weight * moved
            (slope,) = torch.autograd.grad(loss + sparse * strength.sum(), logits)
        logits.grad = slope
        adam.step()
    return torch.sigmoid(logits).detach().cpu().numpy()


def _blend(output: Tensor, amount: Tensor, level: Tensor, box: tuple[float, ...]) -> Tensor:
    amount = amount * cells_in(box, *output.shape[2:]).to(output)
    return output * (1 - amount) + level * amount
