"""Small networks as people write them: what runs is not what the names of the modules say."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SharedActivation(nn.Module):
    """One activation object, used after every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.LeakyReLU(0.2)
        self.a, self.b = nn.Conv2d(3, 4, 4, 2, 1), nn.Conv2d(4, 5, 4, 2, 1)
        self.f = nn.Linear(5 * 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.f(self.act(self.b(self.act(self.a(x)))).flatten(1))


class SharedInSequential(nn.Module):
    """The same in-place object in several places of a Sequential."""

    def __init__(self) -> None:
        super().__init__()
        act = nn.ReLU(inplace=True)
        self.main = nn.Sequential(
            nn.Conv2d(3, 4, 3, 1, 1), act, nn.Conv2d(4, 5, 4, 2, 1), act, nn.Conv2d(5, 1, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


class Functional(nn.Module):
    """Functions instead of layers, in place, of every spelling."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 5, 4, 2, 1)
        self.c, self.d = nn.Conv2d(5, 6, 3, 1, 1), nn.Conv2d(6, 1, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.a(x), 0.1, inplace=True)
        x = torch.relu_(self.b(x))
        return self.d(self.c(x).clamp(min=0))


class Unordered(nn.Module):
    """Defined in the reverse order, by functions that forget their result."""

    def __init__(self) -> None:
        super().__init__()
        self.f = nn.Conv2d(5, 1, 4)
        self.act = nn.ReLU()
        self.b, self.spare = nn.Conv2d(4, 5, 4, 2, 1), nn.Conv2d(9, 9, 9)
        self.a = nn.Conv2d(3, 4, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        F.relu_(x)
        return self.f(self.act(self.b(x)))


class Twice(nn.Module):
    """A block with weights that runs twice, from a ModuleDict and a ModuleList."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({"same": nn.Conv2d(4, 4, 3, 1, 1)})
        self.ends = nn.ModuleList([nn.Conv2d(4, 1, 4, 2, 1), nn.Conv2d(3, 4, 3, 1, 1)])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.ends[1](x))
        for _ in range(2):
            x = self.parts["same"](x).relu()
        return self.ends[0](x)


class Residual(nn.Module):
    """Added shortcuts, one of them of what an in-place function has changed, and a joined one."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 5, 1, 2)
        self.c, self.norm = nn.Conv2d(8, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self.f = nn.Conv2d(4, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        y = self.b(F.relu(x, inplace=True))
        y += x
        y = torch.cat([y, x], 1)
        return self.f(F.leaky_relu(self.norm(self.c(y)), 0.2))


class Pyramid(nn.Module):
    """Pooled, enlarged and joined again, as in a U-Net, with a tuple at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.up, self.c = nn.Upsample(scale_factor=2), nn.Conv2d(8, 4, 3, 1, 1)
        self.f = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.a(x))
        low = F.relu(self.b(F.max_pool2d(x, 2)))
        y = self.c(torch.cat([self.up(low), x], dim=1))
        return self.f(F.interpolate(y, scale_factor=0.5, mode="bilinear", align_corners=False)), y


DISCRIMINATORS = {
    one.__name__: one
    for one in (
        SharedActivation, SharedInSequential, Functional, Unordered, Twice, Residual, Pyramid
    )
}  # fmt: skip


class ReshapedNorm(nn.Module):
    """A matrix, a reshape in forward, and a 2-d batch norm; resized by functions."""

    def __init__(self) -> None:
        super().__init__()
        self.out, self.conv = nn.Conv2d(4, 3, 3, 1, 1), nn.Conv2d(8, 4, 3, 1, 1)
        self.norm, self.fc = nn.BatchNorm2d(8), nn.Linear(6, 8 * 16)

    def forward(self, z: Tensor) -> Tensor:
        x = F.relu(self.norm(self.fc(z).view(-1, 8, 4, 4)), inplace=True)
        x = F.relu_(self.conv(F.interpolate(x, scale_factor=2)))
        return torch.tanh(self.out(x))


class FlatNorm(nn.Module):
    """A batch norm of the vector, folded afterwards, PixelShuffle, and a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.norm = nn.Linear(6, 8 * 16), nn.BatchNorm1d(8 * 16)
        self.conv, self.shuffle = nn.Conv2d(8, 12, 3, 1, 1), nn.PixelShuffle(2)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(self.fc(z)).relu().reshape(-1, 8, 4, 4)
        return self.shuffle(self.conv(x)).tanh(), z


class LateNorm(nn.Module):
    """Its batch norm stands behind the rectifier: it belongs to no linear map of the latent."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.out = nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 3, 4, 2, 1)
        self.fc = nn.ConvTranspose2d(6, 8, 4)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.out(self.norm(F.relu(self.fc(z.view(-1, 6, 1, 1))))))


GENERATORS = {one.__name__: one for one in (ReshapedNorm, FlatNorm, LateNorm)}


def drawn(network: nn.Module, seed: int = 0) -> nn.Module:
    """Return a network in eval mode with weights and statistics from a seed."""
    stream = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if "num_batches" in name:
            continue
        if "running_var" in name:
            value.copy_(torch.rand(value.shape, generator=stream) + 0.5)
        else:
            value.copy_(torch.randn(value.shape, generator=stream) * 0.3)
    return network.eval()
