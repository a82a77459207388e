"""Networks of published extractors with random weights, as the files that hold them."""

from pathlib import Path

import pytest
import torch
from torch import nn


def random_inception(path: Path) -> Path:
    """Write random weights of torch-fidelity's Inception in the format that it loads."""
    from torch_fidelity import feature_extractor_inceptionv3 as module

    kind = module.FeatureExtractorInceptionV3
    # Its constructor insists on weights: it is given none, and keeps its random ones.
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(module, "load_state_dict_from_url", lambda *_, **__: None)
        patch.setattr(kind, "load_state_dict", lambda *_: None)
        torch.random.default_generator.manual_seed(0)
        network = kind("random", ["2048"])
        for part in network.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)  # signals neither die nor explode on the way
            elif isinstance(part, nn.BatchNorm2d):  # all of it counts when it is folded
                part.running_mean.normal_(0, 0.2)
                part.running_var.uniform_(0.5, 1.5)
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(0, 0.2)
    torch.save(network.state_dict(), path)  # noqa: TID251 the format under test
    return path


def narrow_vgg16() -> nn.Module:
    """A VGG16 with 30 times fewer weights in its linear layers: 553 MB are slow to write."""
    from torchvision.models.vgg import VGG, cfgs, make_layers

    with torch.device("meta"):
        network = VGG(make_layers(cfgs["D"]))
        for index, (before, after) in {0: (25088, 96), 3: (96, 96), 6: (96, 10)}.items():
            network.classifier[index] = nn.Linear(before, after)
    return network.to_empty(device="cpu")


def random_vgg16(path: Path) -> Path:
    """Write random weights of the narrow VGG16."""
    network, generator = narrow_vgg16().requires_grad_(False), torch.Generator().manual_seed(0)
    for value in network.parameters():
        bound = (6 / value[0].numel()) ** 0.5 if value.ndim > 1 else 0.1
        value.uniform_(-bound, bound, generator=generator)
    torch.save(network.state_dict(), path)  # noqa: TID251 the format under test
    return path
