"""Other projects' generators and discriminators, written anew with plain functions.

Nothing here imports ganlens: each class holds a dict of tensors under its project's names and a
forward pass of its own, so that an import is compared with something independent of it.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = dict[str, Tensor]


def rand(seed: int, equalised: bool = False) -> Callable[..., Tensor]:
    """Draw numbers, those of kernels and matrices small enough that no tanh is full."""
    stream = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        scale = math.prod(shape[1:]) ** -0.5 if len(shape) > 1 and not equalised else 0.2
        scale = 1.0 if len(shape) > 1 and equalised else scale
        return torch.randn(shape, generator=stream) * scale

    return draw


def norm(state: State, name: str, maps: int, draw: Callable[..., Tensor]) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = 1 + draw(maps), draw(maps)
    state[f"{name}.running_mean"], state[f"{name}.running_var"] = draw(maps), draw(maps).exp() * 0.2
    state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def bn(state: State, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
    mean, var, gain, shift = (
        state[f"{name}.{k}"][:, None, None]
        for k in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + eps) * gain + shift


def conv(state: State, name: str, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), stride, padding)


def up(state: State, name: str, x: Tensor, stride: int = 2, padding: int = 1) -> Tensor:
    weight, bias = state[f"{name}.weight"], state.get(f"{name}.bias")
    return F.conv_transpose2d(x, weight, bias, stride, padding)


def leak(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def biased(
    state: State, name: str, shape: Sequence[int], out: int, draw: Callable[..., Tensor]
) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = draw(*shape), draw(out)


# --- pytorch/examples -----------------------------------------------------------------------------


def examples_generator(nz: int, ngf: int, nc: int, size: int, seed: int = 0) -> State:
    draw, state = rand(seed), {}
    doublings = (size // 4).bit_length() - 1
    widths = [ngf * 2**i for i in reversed(range(doublings))]
    for i, (a, b) in enumerate(zip([nz, *widths], [*widths, nc], strict=True)):
        state[f"main.{3 * i}.weight"] = draw(a, b, 4, 4)
        if i < doublings:
            norm(state, f"main.{3 * i + 1}", b, draw)
    return state


def examples_draw(state: State, z: Tensor) -> Tensor:
    x, last = z[:, :, None, None], max(int(k.split(".")[1]) for k in state)
    for i in range(0, last + 1, 3):
        x = up(state, f"main.{i}", x, *((2, 1) if i else (1, 0)))
        x = torch.tanh(x) if i == last else bn(state, f"main.{i + 1}", x).relu()
    return x


def examples_discriminator(ndf: int, nc: int, size: int, seed: int = 1) -> State:
    draw = rand(seed)
    halvings = (size // 4).bit_length() - 1
    state = {"main.0.weight": draw(ndf, nc, 4, 4)}
    for i in range(1, halvings):
        state[f"main.{3 * i - 1}.weight"] = draw(ndf * 2**i, ndf * 2 ** (i - 1), 4, 4)
        norm(state, f"main.{3 * i}", ndf * 2**i, draw)
    state[f"main.{3 * halvings - 1}.weight"] = draw(1, ndf * 2 ** (halvings - 1), 4, 4)
    return state


def examples_score(state: State, x: Tensor) -> Tensor:
    convs = sorted(int(k.split(".")[1]) for k, v in state.items() if v.ndim == 4)
    for i in convs[:-1]:
        x = conv(state, f"main.{i}", x, 2, 1)
        x = leak(bn(state, f"main.{i + 1}", x) if i else x)
    return conv(state, f"main.{convs[-1]}", x).flatten()


# --- mimicry --------------------------------------------------------------------------------------

MIMICRY = {  # px -> side of the first map, widths of G's maps, widths and halvings of D's blocks
    32: (4, (16, 16, 16, 16), (16, 16, 16, 16), (1, 1, 0, 0), "l5"),
    48: (6, (16, 8, 4, 2), (2, 4, 8, 16, 32), (1, 1, 1, 1, 0), "l5"),
    64: (4, (16, 8, 4, 2, 1), (2, 4, 8, 16, 32), (1, 1, 1, 1, 1), "l6"),
    128: (4, (16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), (1, 1, 1, 1, 1, 0), "l7"),
}


def mimicry_generator(size: int = 32, nz: int = 6, seed: int = 0) -> State:
    draw, state = rand(seed), {}
    bottom, widths = MIMICRY[size][:2]
    biased(state, "l1", (bottom**2 * widths[0], nz), bottom**2 * widths[0], draw)
    for i, (a, b) in enumerate(pairwise(widths), 2):
        for c, into, k in (("c1", a, 3), ("c2", b, 3), ("c_sc", a, 1)):
            biased(state, f"block{i}.{c}", (b, into, k, k), b, draw)
        norm(state, f"block{i}.b1", a, draw)
        norm(state, f"block{i}.b2", b, draw)
    last = len(widths) + 1
    norm(state, f"b{last}", widths[-1], draw)
    biased(state, f"c{last}", (3, widths[-1], 3, 3), 3, draw)
    state[f"c{last}.weight"] *= 0.03  # the blocks' sums are large, and no tanh is to be full
    return state


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, size=2 * x.shape[-1], mode="bilinear", align_corners=False)


def mimicry_draw(state: State, z: Tensor) -> Tensor:
    bottom = round((len(state["l1.weight"]) / state["block2.c1.weight"].shape[1]) ** 0.5)
    x = (z @ state["l1.weight"].T + state["l1.bias"]).view(len(z), -1, bottom, bottom)
    i = 2
    while f"block{i}.c1.weight" in state:
        b = f"block{i}"
        h = conv(state, f"{b}.c1", double(bn(state, f"{b}.b1", x).relu()), 1, 1)
        h = conv(state, f"{b}.c2", bn(state, f"{b}.b2", h).relu(), 1, 1)
        x, i = h + conv(state, f"{b}.c_sc", double(x)), i + 1
    return torch.tanh(conv(state, f"c{i}", bn(state, f"b{i}", x).relu(), 1, 1))


def mimicry_discriminator(size: int = 32, seed: int = 1) -> State:
    draw, state = rand(seed), {}
    _, _, widths, halves, last = MIMICRY[size]
    for i, (a, b, halve) in enumerate(zip((3, *widths), widths, halves, strict=False), 1):
        inner = b if i == 1 else a
        biased(state, f"block{i}.c1", (inner, a, 3, 3), inner, draw)
        biased(state, f"block{i}.c2", (b, inner, 3, 3), b, draw)
        if halve or a != b:
            biased(state, f"block{i}.c_sc", (b, a, 1, 1), b, draw)
    biased(state, last, (1, widths[-1]), 1, draw)
    return state


def mimicry_score(state: State, x: Tensor) -> Tensor:
    _, _, _, halves, last = MIMICRY[x.shape[-1]]
    h = conv(state, "block1.c2", conv(state, "block1.c1", x, 1, 1).relu(), 1, 1)
    x = F.avg_pool2d(h, 2) + conv(state, "block1.c_sc", F.avg_pool2d(x, 2))
    for i, halve in enumerate(halves[1:], 2):
        b = f"block{i}"
        x = torch.relu_(x)  # in place: what the shortcut begins with has been rectified, too
        h = conv(state, f"{b}.c2", torch.relu_(conv(state, f"{b}.c1", x, 1, 1)), 1, 1)
        short = conv(state, f"{b}.c_sc", x) if f"{b}.c_sc.weight" in state else x
        x = F.avg_pool2d(h, 2) + F.avg_pool2d(short, 2) if halve else h + short
    return (x.relu().sum((2, 3)) @ state[f"{last}.weight"].T + state[f"{last}.bias"]).flatten()


# --- StudioGAN ------------------------------------------------------------------------------------


def studiogan_generator(nz: int = 6, width: int = 4, seed: int = 0) -> State:
    draw, state = rand(seed), {}
    widths = [8 * width, 4 * width, 2 * width, width]
    biased(state, "linear0", (widths[0] * 16, nz), widths[0] * 16, draw)
    for i, (a, b) in enumerate(pairwise(widths)):
        biased(state, f"blocks.{i}.0.deconv0", (a, b, 4, 4), b, draw)
        norm(state, f"blocks.{i}.0.bn0", b, draw)
    biased(state, "conv4", (3, width, 3, 3), 3, draw)
    return state


def studiogan_draw(state: State, z: Tensor) -> Tensor:
    x = (z @ state["linear0.weight"].T + state["linear0.bias"]).view(len(z), -1, 4, 4)
    for i in range(3):
        x = bn(state, f"blocks.{i}.0.bn0", up(state, f"blocks.{i}.0.deconv0", x), 1e-4).relu()
    return torch.tanh(conv(state, "conv4", x, 1, 1))


def studiogan_discriminator(width: int = 4, seed: int = 1, normed: bool = True) -> State:
    draw, state = rand(seed), {}
    for i, (a, b) in enumerate(pairwise((3, width, 2 * width, 4 * width))):
        biased(state, f"blocks.{i}.0.conv0", (b, a, 3, 3), b, draw)
        biased(state, f"blocks.{i}.0.conv1", (b, b, 4, 4), b, draw)
        if normed:
            norm(state, f"blocks.{i}.0.bn0", b, draw)
            norm(state, f"blocks.{i}.0.bn1", b, draw)
    biased(state, "conv1", (8 * width, 4 * width, 3, 3), 8 * width, draw)
    if normed:
        norm(state, "bn1", 8 * width, draw)
    biased(state, "linear1", (1, 8 * width), 1, draw)
    return state


def studiogan_score(state: State, x: Tensor) -> Tensor:
    def normed(name: str, h: Tensor) -> Tensor:
        return bn(state, name, h, 1e-4) if f"{name}.weight" in state else h

    for b in ("blocks.0.0", "blocks.1.0", "blocks.2.0"):
        x = normed(f"{b}.bn0", conv(state, f"{b}.conv0", x, 1, 1)).relu()
        x = normed(f"{b}.bn1", conv(state, f"{b}.conv1", x, 2, 1)).relu()
    x = normed("bn1", conv(state, "conv1", x, 1, 1)).relu().sum((2, 3))
    return (x @ state["linear1.weight"].T + state["linear1.bias"]).flatten()


# --- spectral norm, as torch.nn.utils keeps it ----------------------------------------------------


def spectral(state: State, seed: int = 3) -> State:
    """Put every kernel and matrix under spectral norm, with vectors that are not yet exact."""
    stream, out = torch.Generator().manual_seed(seed), {}
    for name, value in state.items():
        if value.ndim < 2:
            out[name] = value
            continue
        rows = (value.transpose(0, 1) if "deconv" in name else value).flatten(1)
        u = F.normalize(torch.randn(len(rows), generator=stream), dim=0)
        v = F.normalize(u @ rows, dim=0)
        out |= {f"{name}_orig": value, f"{name}_u": F.normalize(rows @ v, dim=0), f"{name}_v": v}
    return out


def divided(state: State) -> State:
    """Let torch divide: what its hook leaves in ``weight`` when a layer in eval mode has run."""
    out = {k: v for k, v in state.items() if not k.endswith(("_orig", "_u", "_v"))}
    for name, value in state.items():
        if name.endswith("_orig"):
            stem, (a, b), k = name.removesuffix("_orig"), value.shape[:2], value.shape[2:]
            layer: nn.Module = nn.Linear(b, a, bias=False)
            if k:
                kind = nn.ConvTranspose2d if "deconv" in name else nn.Conv2d
                layer = kind(*((a, b) if "deconv" in name else (b, a)), k, bias=False)
            layer = nn.utils.spectral_norm(layer).eval().to(value.dtype)
            layer.load_state_dict({f"weight_{x}": state[f"{stem}_{x}"] for x in ("orig", "u", "v")})
            layer(torch.zeros(1, a if "deconv" in name else b, *k, dtype=value.dtype))
            out[stem] = layer.weight.detach()  # type: ignore[union-attr]
    return out


# --- torchgan -------------------------------------------------------------------------------------


def torchgan_generator(nz: int = 6, width: int = 4, seed: int = 0, normed: bool = True) -> State:
    draw, state = rand(seed), {}
    sizes = [nz, 4 * width, 2 * width, width]
    for i, (a, b) in enumerate(pairwise(sizes)):
        state[f"model.{i}.0.weight"] = draw(a, b, 4, 4)
        if normed:
            norm(state, f"model.{i}.1", b, draw)
        else:
            state[f"model.{i}.0.bias"] = draw(b)
    biased(state, "model.3.0", (width, 3, 4, 4), 3, draw)
    return state


def torchgan_draw(state: State, z: Tensor) -> Tensor:
    x = z[:, :, None, None]
    for i in range(3):
        x = up(state, f"model.{i}.0", x, *((2, 1) if i else (1, 0)))
        x = leak(bn(state, f"model.{i}.1", x) if "model.0.1.weight" in state else x)
    return torch.tanh(up(state, "model.3.0", x))


def torchgan_discriminator(width: int = 4, seed: int = 1, normed: bool = True) -> State:
    draw, state = rand(seed), {}
    biased(state, "model.0.0", (width, 3, 4, 4), width, draw)
    for i in (1, 2):
        state[f"model.{i}.0.weight"] = draw(width * 2**i, width * 2 ** (i - 1), 4, 4)
        if normed:
            norm(state, f"model.{i}.1", width * 2**i, draw)
        else:
            state[f"model.{i}.0.bias"] = draw(width * 2**i)
    state["disc.0.weight"] = 20 * draw(1, 4 * width, 4, 4)
    if not normed:
        state["disc.0.bias"] = draw(1)
    return state


def torchgan_score(state: State, x: Tensor) -> Tensor:
    x = leak(conv(state, "model.0.0", x, 2, 1))
    for i in (1, 2):
        x = conv(state, f"model.{i}.0", x, 2, 1)
        x = leak(bn(state, f"model.{i}.1", x) if "model.1.1.weight" in state else x)
    return leak(conv(state, "disc.0", x)).flatten()


# --- pytorch_GAN_zoo ------------------------------------------------------------------------------


def zoo_generator(nz: int = 6, width: int = 4, seed: int = 0) -> State:
    draw = rand(seed)
    state = {"formatLayer.weight": draw(nz, 4 * width, 4, 4)}
    norm(state, "main.batchNorm0", 4 * width, draw)
    for i in (1, 2):
        state[f"main.convTranspose{i}.weight"] = draw(8 * width >> i, 4 * width >> i, 4, 4)
        norm(state, f"main.batchNorm{i}", 4 * width >> i, draw)
    state["main.outlayer.weight"] = draw(width, 3, 4, 4)
    return state


def zoo_draw(state: State, z: Tensor) -> Tensor:
    x = bn(state, "main.batchNorm0", up(state, "formatLayer", z[:, :, None, None], 1, 0)).relu()
    for i in (1, 2):
        x = bn(state, f"main.batchNorm{i}", up(state, f"main.convTranspose{i}", x)).relu()
    return torch.tanh(up(state, "main.outlayer", x))


def zoo_discriminator(width: int = 4, seed: int = 1, decisions: int = 1) -> State:
    draw = rand(seed)
    state = {"main.convTranspose2.weight": draw(width, 3, 4, 4)}
    for i, maps in ((1, width), (0, 2 * width)):
        state[f"main.convTranspose{i}.weight"] = draw(2 * maps, maps, 4, 4)
        norm(state, f"main.batchNorm{i}", 2 * maps, draw)
    state["decisionLayer.weight"] = draw(decisions, 4 * width, 4, 4)
    return state


def zoo_score(state: State, x: Tensor) -> Tensor:
    x = leak(conv(state, "main.convTranspose2", x, 2, 1))
    for i in (1, 0):
        x = leak(bn(state, f"main.batchNorm{i}", conv(state, f"main.convTranspose{i}", x, 2, 1)))
    return conv(state, "decisionLayer", x)[:, 0].flatten()


WIDTHS = (8, 8, 4)


def progressive_generator(nz: int = 6, seed: int = 0) -> State:
    draw, state = rand(seed, equalised=True), {}
    biased(state, "formatLayer.module", (16 * WIDTHS[0], nz), 16 * WIDTHS[0], draw)
    biased(state, "groupScale0.0.module", (8, 8, 3, 3), 8, draw)
    for i, (a, b) in enumerate(((8, 8), (8, 4))):
        biased(state, f"scaleLayers.{i}.0.module", (b, a, 3, 3), b, draw)
        biased(state, f"scaleLayers.{i}.1.module", (b, b, 3, 3), b, draw)
    for i, width in enumerate(WIDTHS):
        biased(state, f"toRGBLayers.{i}.module", (3, width, 1, 1), 3, draw)
    return state


def he(state: State, name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.module.weight"]
    factor = (2 / weight[0].numel()) ** 0.5
    if weight.ndim == 2:
        return factor * (x @ weight.T + state[f"{name}.module.bias"])
    return factor * conv(state, f"{name}.module", x, 1, weight.shape[-1] // 2)


def pixel_norm(x: Tensor) -> Tensor:
    return x / torch.sqrt((x**2).mean(1, keepdim=True) + 1e-8)


def progressive_draw(state: State, z: Tensor) -> Tensor:
    x = pixel_norm(leak(he(state, "formatLayer", pixel_norm(z))).view(len(z), -1, 4, 4))
    x = pixel_norm(leak(he(state, "groupScale0.0", x)))
    for i in range(2):
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        for j in range(2):
            x = pixel_norm(leak(he(state, f"scaleLayers.{i}.{j}", x)))
    return he(state, "toRGBLayers.2", x).clamp(-1, 1)


def progressive_discriminator(seed: int = 1, minibatch: bool = True) -> State:
    draw, state = rand(seed, equalised=True), {}
    for i, width in enumerate(WIDTHS):
        biased(state, f"fromRGBLayers.{i}.module", (width, 3, 1, 1), width, draw)
    for i, (a, b) in enumerate(((8, 8), (8, 4))):
        biased(state, f"scaleLayers.{i}.0.module", (b, b, 3, 3), b, draw)
        biased(state, f"scaleLayers.{i}.1.module", (a, b, 3, 3), a, draw)
    biased(state, "groupScaleZero.0.module", (8, 8 + minibatch, 3, 3), 8, draw)
    biased(state, "groupScaleZero.1.module", (8, 128), 8, draw)
    biased(state, "decisionLayer.module", (1, 8), 1, draw)
    return state


def progressive_score(state: State, x: Tensor) -> Tensor:
    x = leak(he(state, "fromRGBLayers.2", x))
    for i in (1, 0):
        for j in range(2):
            x = leak(he(state, f"scaleLayers.{i}.{j}", x))
        x = F.avg_pool2d(x, 2)
    if state["groupScaleZero.0.module.weight"].shape[1] > x.shape[1]:
        x = torch.cat([x, torch.zeros(len(x), 1, 4, 4)], 1)  # one image alone: no deviation
    x = leak(he(state, "groupScaleZero.0", x)).flatten(1)
    return he(state, "decisionLayer", leak(he(state, "groupScaleZero.1", x))).flatten()
