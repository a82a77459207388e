"""Filters: the weights that touch pixels, as pictures, and statistics of all others."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ganlens import images
from ganlens.activations import receptive_field
from ganlens.errors import GanlensError
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.base import RADFORD, Group, Needs, Probe, Progress
from ganlens.probes.identity import identity

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class FiltersResult:
    """The weights at both ends of the pair.

    Attributes:
        seen: (F, k, k, C) uint8: what D's first layer looks for, each filter on its own scale.
        seen_untrained: the same of an untrained D; (0, ...) where none can be built.
        drawn: (F, k, k, C) uint8: what each map of G's last layer stamps on the picture; empty
            without a generator.
        drawn_untrained: the same of an untrained G.
        smoothness: correlation of neighbouring weights of "seen", "seen untrained", "drawn" and
            "drawn untrained", None where it is undefined.
        layers: one row per layer with weights: network, layer, type, shape, parameters, mean, std,
            std untrained, norm, receptive field in pixels (D only; "whole image" where it is).
        names: names of D's first and G's last layer.
        note: why there is nothing untrained to compare with, or empty.
        about: which checkpoint this is.
    """

    seen: np.ndarray
    seen_untrained: np.ndarray
    drawn: np.ndarray
    drawn_untrained: np.ndarray
    smoothness: dict[str, float | None]
    layers: tuple[tuple[Any, ...], ...]
    names: tuple[str, str]
    note: str
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return the scalars."""
        return {
            **self.about,
            "first_layer_of_discriminator": self.names[0],
            "filters": len(self.seen),
            "neighbour_correlation": self.smoothness,
            "neighbour_correlation_note": self.note or None,
            "parameters": {
                network: sum(row[4] for row in self.layers if row[0] == network)
                for network in dict.fromkeys(row[0] for row in self.layers)
            },
        }

    def panels(self) -> list[Panel]:
        """Return the filters of both ends and the table of layers."""
        sheets = [self._sheet("seen", self.seen, self.seen_untrained)]
        if len(self.drawn):
            sheets.append(self._sheet("drawn", self.drawn, self.drawn_untrained))
        return [*sheets, self._table()]

    def _sheet(self, which: str, trained: np.ndarray, untrained: np.ndarray) -> ImagePanel:
        beside = (
            f"Left trained, right untrained. {self._smooth(which)}" if len(untrained) else self.note
        )
        titles = {
            "seen": (
                "What the discriminator looks for first",
                f"Weights of {self.names[0]}: each tile is one filter, the patch of picture that "
                "it answers to most.",
            ),
            "drawn": (
                "What the generator draws with last",
                f"Weights of {self.names[1]}: each tile is the patch that one feature map stamps "
                "on the picture wherever it is on.",
            ),
        }
        title, what = titles[which]
        return ImagePanel(
            title=title,
            caption=f"{what} Every tile has its own scale (grey is 0). {beside}",
            image=_side_by_side(trained, untrained),
            alt=f"{len(trained)} small weight patches"
            + (", trained and untrained" if len(untrained) else ""),
            scale=8,
        )

    def _smooth(self, which: str) -> str:
        trained, untrained = self.smoothness[which], self.smoothness[f"{which} untrained"]
        if trained is None or untrained is None:
            return ""
        return (
            f"Neighbouring weights correlate by {trained:.2f}, untrained by {untrained:.2f} "
            "(smooth edges and blobs come near 1, noise near 0, checkerboards below 0)."
        )

    def _table(self) -> TablePanel:
        return TablePanel(
            title="Weights, layer by layer",
            caption="Mean, standard deviation and norm of each layer's weights, beside the "
            "standard deviation at the start of training. The receptive field is the side of "
            "the square of input pixels that one position of a discriminator layer can see.",
            columns=(
                "network",
                "layer",
                "type",
                "shape",
                "parameters",
                "mean",
                "std",
                "std untrained",
                "norm",
                "receptive field (px)",
            ),
            rows=self.layers,
        )


@dataclass(frozen=True)
class Filters(Probe):
    """Look at the weights that touch pixels, trained beside untrained (Radford 2015, figure 5).

    Attributes:
        seed: of the untrained networks beside the trained ones.
    """

    title: ClassVar[str] = "Filters"
    group: ClassVar[Group] = "Inside the networks"
    help: ClassVar[str] = "what the first layer looks for"
    headline: ClassVar[tuple[str, ...]] = ("{filters} filters in {first_layer_of_discriminator}",)
    reading: ClassVar[str] = (
        "Trained filters are smooth edges, blobs and colours; filters that still look like the "
        "noise beside them have learned nothing."
    )
    papers: ClassVar[tuple[tuple[str, str], ...]] = (
        RADFORD,
        ("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),
    )

    seed: int = 0

    def needs(self) -> Needs:
        """Return what it cannot do without."""
        return Needs(frozenset({"discriminator"}))

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, FiltersResult]:
        """Read the weights; the data are not used.

        Raises:
            GanlensError: no discriminator, or one without a convolution.
        """
        if subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose another checkpoint")
        yield Progress(0, 1, "networks")
        note = ""
        try:
            control: Subject | None = subject.untrained(self.seed, calibrated=False)
        except GanlensError as error:
            control, note = None, f"Nothing untrained beside it: {error}."
        names = (
            first_layer(subject.discriminator),
            last_layer(getattr(subject, "generator", None)),
        )
        weights = {
            f"{which}{suffix}": _patches(network, name, which)
            for which, end, name in zip(
                ("seen", "drawn"), ("discriminator", "generator"), names, strict=True
            )
            for suffix, one in (("", subject), (" untrained", control))
            for network in [getattr(one, end, None)]
        }
        return FiltersResult(
            seen=_pictures(weights["seen"]),
            seen_untrained=_pictures(weights["seen untrained"]),
            drawn=_pictures(weights["drawn"]),
            drawn_untrained=_pictures(weights["drawn untrained"]),
            smoothness={name: neighbour_correlation(w) for name, w in weights.items()},
            layers=tuple(_rows(subject, control)),
            names=names,
            note=note,
            about={**identity(subject), "seed": self.seed},
        )


def first_layer(discriminator: nn.Module) -> str:
    """Return the name of the first convolution, which sees the pixels.

    Raises:
        GanlensError: there is none.
    """
    for name, layer in discriminator.named_modules():
        if isinstance(layer, nn.Conv2d):
            return name
    raise GanlensError("the discriminator has no convolution: there are no filters to show")


def last_layer(generator: nn.Module | None) -> str:
    """Return the name of the last convolution, which draws the pixels; empty without one."""
    if generator is None:
        return ""
    found = [name for name, part in generator.named_modules() if isinstance(part, CONVOLUTIONS)]
    return found[-1] if found else ""


def neighbour_correlation(patches: Tensor) -> float | None:
    """Correlate each weight of (F, C, k, k) patches with its right and lower neighbours.

    About 0 for random weights, up to 1 for smooth ones; None without neighbours or variance.
    """
    beside = torch.stack([patches[..., :-1].flatten(), patches[..., 1:].flatten()])
    below = torch.stack([patches[..., :-1, :].flatten(), patches[..., 1:, :].flatten()])
    pairs = torch.cat([beside, below], dim=1).double()
    if pairs.shape[1] < 2 or (pairs.std(dim=1) == 0).any():
        return None
    return float(torch.corrcoef(pairs)[0, 1])


def _patches(network: nn.Module | None, name: str, which: str) -> Tensor:
    """Return (F, C, k, k) weights with C the picture's channels; (0, 1, 1, 1) without a network."""
    if network is None or not name:
        return torch.empty(0, 1, 1, 1)
    layer = network.get_submodule(name)
    weight = layer.weight.detach().float().cpu()  # type: ignore[operator]
    # A transposed convolution keeps its inputs first; what a map stamps is then weight[map].
    return weight.transpose(0, 1) if which == "drawn" and isinstance(layer, nn.Conv2d) else weight


def _pictures(patches: Tensor) -> np.ndarray:
    if len(patches) == 0:
        return np.empty((0, 1, 1, 1), np.uint8)
    if patches.shape[1] not in (1, 3):
        patches = patches.mean(dim=1, keepdim=True)
    largest = patches.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    return images.to_uint8(patches / largest)


def _side_by_side(trained: np.ndarray, untrained: np.ndarray) -> np.ndarray:
    left = images.grid(trained, padding=1)
    if len(untrained) == 0:
        return left
    gutter = np.full((len(left), 8, 3), 255, np.uint8)
    return np.concatenate([left, gutter, images.grid(untrained, padding=1)], axis=1)


def _rows(subject: "Subject", control: "Subject | None") -> Generator[tuple[Any, ...], None, None]:
    for network in ("generator", "discriminator"):
        module = getattr(subject, network, None)
        other = getattr(control, network, None)
        if module is None:
            continue
        for name, layer in module.named_modules():
            own = list(layer.parameters(recurse=False))
            if not own or not isinstance(getattr(layer, "weight", None), Tensor):
                continue
            w = layer.weight.detach().double()
            before = None if other is None else other.get_submodule(name).weight.detach()
            yield (
                network,
                name,
                type(layer).__name__,
                " x ".join(map(str, w.shape)),
                sum(p.numel() for p in own),
                float(w.mean()),
                float(w.std(correction=0)),
                None if before is None else float(before.double().std(correction=0)),
                float(w.norm()),
                _field(module, name) if network == "discriminator" else None,
            )


def _field(discriminator: nn.Module, name: str) -> int | str | None:
    try:
        return receptive_field(discriminator, name).size or "whole image"
    except GanlensError:
        return None  # not a chain of known layers
