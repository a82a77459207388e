"""Any module in a role: shapes, ranges and conditions are found by running it."""

import pytest
import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.imported.wrapped import (
    WrappedEncoder,
    WrappedGenerator,
    WrappedTranslator,
    reset,
    wrap,
)
from ganlens.models.prior import Prior

IMAGES = torch.linspace(-1, 1, 2 * 3 * 8 * 8).view(2, 3, 8, 8)


class Invert(nn.Module):
    """Maps [0, 1] to [0, 1], black to white."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.min() >= 0
        assert x.max() <= 1
        return 1 - x


class Domains(nn.Module):
    """Adds the condition's rows to the channels, as StarGAN does; they must be rows."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3 + 4, 3, 1)

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        maps = rows[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.mix(torch.cat([x, maps], 1)).tanh()


class Embedded(nn.Module):
    """Adds an embedding of labels, which rows are not."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(4, 3)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return (x + self.embed(labels)[:, :, None, None]).tanh()


class Labelled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.draw = nn.Embedding(3, 4), nn.Linear(9, 2 * 8 * 8)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.draw(torch.cat([z, self.embed(labels)], 1)).view(-1, 2, 8, 8).tanh()


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.Linear(8, 64)

    def forward(self, z: Tensor, rows: Tensor) -> Tensor:
        return self.draw(torch.cat([z, rows], 1)).view(-1, 1, 8, 8).tanh()


class Variational(nn.Module):
    def __init__(self, outputs: int = 2) -> None:
        super().__init__()
        self.read, self.outputs = nn.Linear(3 * 64, 5), outputs

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.read(x.flatten(1)) + i for i in range(self.outputs))


def translator() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU(), nn.Conv2d(4, 3, 3, 1, 1), nn.Tanh())


def drawing(dim: int = 5) -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(dim, 4, 4), nn.ReLU(), nn.ConvTranspose2d(4, 3, 4, 2, 1)
    )


def test_a_translator_s_images_keep_the_contract_in_its_own_range() -> None:
    wrapped = WrappedTranslator(Invert(), (3, 8, 8), output_range=(0, 1))
    assert wrapped.source_shape == wrapped.image_shape == (3, 8, 8)
    assert wrapped.condition_dim is None
    assert torch.allclose(wrapped(IMAGES), -IMAGES, atol=1e-6)
    with pytest.raises(GanlensError, match="takes no labels"):
        wrapped(IMAGES, torch.tensor([0, 1]))


def test_a_translator_may_enlarge() -> None:
    wrapped = WrappedTranslator(nn.Upsample(scale_factor=2), (1, 8, 6))
    assert wrapped.source_shape == (1, 8, 6)
    assert wrapped.image_shape == (1, 16, 12)


@pytest.mark.parametrize(("network", "rows"), [(Domains(), True), (Embedded(), False)])
def test_a_translator_is_told_classes_as_it_takes_them(network: nn.Module, rows: bool) -> None:
    wrapped = WrappedTranslator(network, (3, 8, 8), classes=4, label=2).eval()
    assert wrapped.rows is rows
    assert wrapped.condition_dim == 4
    labels, hot = torch.tensor([2, 1]), torch.eye(4)[[2, 1]]
    told = wrapped(IMAGES, labels)
    assert torch.equal(told, wrapped(IMAGES, hot))
    assert torch.allclose(told, network(IMAGES, hot if rows else labels), atol=1e-6)
    assert torch.equal(wrapped(IMAGES)[0], told[0])
    assert not torch.equal(wrapped(IMAGES)[1], told[1])
    both = torch.tensor([[1.0, 1, 0, 0]]).expand(2, 4)  # two attributes at once
    assert not rows or not torch.equal(wrapped(IMAGES, both), wrapped(IMAGES, torch.eye(4)[[0, 0]]))
    for wrong in (hot[:, :3], hot[:1], labels.float(), labels[:1]):
        with pytest.raises(GanlensError, match="does not fit 2 inputs: give a whole number below"):
            wrapped(IMAGES, wrong)


@pytest.mark.parametrize(("network", "rows"), [(Labelled(), False), (Rows(), True)])
def test_a_generator_takes_labels_and_rows(network: nn.Module, rows: bool) -> None:
    wrapped = WrappedGenerator(network, Prior("normal", 5), classes=3, label=1).eval()
    assert wrapped.condition_dim == 3
    z, labels = wrapped.prior.sample((0, 1)), torch.tensor([0, 2])
    hot = torch.eye(3)[labels]
    expected = network(z, hot if rows else labels)
    assert torch.allclose(wrapped(z, labels), expected, atol=1e-6)
    assert torch.allclose(wrapped(z, hot), expected, atol=1e-6)
    assert torch.equal(wrapped(z), wrapped(z, torch.tensor([1, 1])))
    mixed = torch.tensor([[0.25, 0.75, 0.0]]).expand(2, 3)
    expected = network(z, mixed if rows else torch.tensor([1, 1]))
    assert torch.allclose(wrapped(z, mixed), expected, atol=1e-6)
    plain = WrappedGenerator(drawing(), Prior("normal", 5))
    assert plain.condition_dim is None
    with pytest.raises(GanlensError, match="takes no labels"):
        plain(z, labels)


def test_an_encoder_s_mean_is_taken() -> None:
    network = Variational()
    wrapped = WrappedEncoder(network, (3, 8, 8), output_range=(0, 1))
    assert wrapped.latent_dim == 5
    assert torch.allclose(wrapped(IMAGES), network((IMAGES + 1) / 2)[0], atol=1e-6)
    flat = WrappedEncoder(nn.Conv2d(3, 7, 8), (3, 8, 8))
    assert flat(IMAGES).shape == (2, 7)
    for wrong in (Variational(3), nn.Conv2d(3, 7, 3), nn.Flatten(0)):
        with pytest.raises(GanlensError, match="does not map 3 x 8 x 8 images to latents"):
            WrappedEncoder(wrong, (3, 8, 8))


def test_running_decides_what_a_network_is() -> None:
    made = wrap(translator(), image_shape=(3, 8, 8))
    assert isinstance(made, WrappedTranslator)
    assert isinstance(wrap(drawing(), "uniform"), WrappedGenerator)
    made = wrap(drawing(3), image_shape=(3, 8, 8))  # latents of 3 are not channels
    assert isinstance(made, WrappedGenerator)
    assert made.prior == Prior("normal", 3)
    made = wrap(Domains(), image_shape=(3, 8, 8), classes=4)
    assert isinstance(made, WrappedTranslator)
    hourglass = nn.Sequential(
        nn.Flatten(), nn.Linear(48, 9), nn.Linear(9, 48), nn.Unflatten(1, (3, 4, 4))
    )
    assert isinstance(wrap(hourglass, image_shape=(3, 4, 4)), WrappedTranslator)
    assert isinstance(wrap(hourglass[1:], Prior("normal", 48)), WrappedGenerator)
    # Convolutions alone that enlarge would take (N, 3, 1, 1) latents for images.
    enlarging = nn.Sequential(nn.Conv2d(3, 3, 3, 1, 1), nn.Upsample(scale_factor=4))
    assert isinstance(wrap(enlarging, image_shape=(3, 8, 8)), WrappedTranslator)
    assert isinstance(wrap(enlarging, latent_dim=3), WrappedGenerator)
    with pytest.raises(GanlensError, match="as image_shape, or latent_dim if"):
        wrap(enlarging)


def test_what_is_neither_is_told_what_was_tried() -> None:
    with pytest.raises(GanlensError) as caught:
        wrap(nn.Linear(6, 6), image_shape=(3, 8, 8))
    for words in (r"takes no (N, 6) or (N, 6, 1, 1) latents", "does not map 3 x 8 x 8 images"):
        assert words in str(caught.value)
    with pytest.raises(GanlensError, match="or image_shape if it maps images to images"):
        wrap(nn.Linear(6, 6))
    with pytest.raises(GanlensError, match="no layer that tells the width of a latent"):
        wrap(nn.Identity())
    with pytest.raises(GanlensError, match=r"takes no \(N, 7\)"):
        wrap(drawing(), latent_dim=7)
    with pytest.raises(GanlensError, match="puts out 8 x 8 x 8, images have 1 to 4"):
        WrappedTranslator(nn.Conv2d(3, 8, 3, 1, 1), (3, 8, 8))
    with pytest.raises(GanlensError, match="output range 1 0 is none"):
        WrappedTranslator(Invert(), (3, 8, 8), output_range=(1, 0))


def test_a_wrapper_is_reset_and_keeps_its_layers_names() -> None:
    wrapped = WrappedTranslator(translator(), (3, 8, 8))
    assert "network.0.weight" in wrapped.state_dict()
    with torch.random.fork_rng():
        fresh = reset(wrapped)
    assert not torch.equal(fresh(IMAGES), wrapped(IMAGES))
    assert fresh.image_shape == (3, 8, 8)
