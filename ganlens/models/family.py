"""The base of every family that ganlens trains: networks by name, and the phases that train them.

A family is one file of this folder and one line in MODELS. Whatever works on models (the trainer,
checkpoints, Subject, recipes, the command line, reports and the explorer) knows the roles of
networks, phases and settings, and never a family's name.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError, one_of
from ganlens.limits import check_limits
from ganlens.models.arguments import defaults
from ganlens.models.prior import Prior

Domain = Literal["data", "others"]  # a set of training images, by the flag that names it

Networks = Mapping[str, Any]  # by name; a checkpoint keeps each under its name
Numbers = Mapping[str, Tensor]  # what a phase shows of a step: scalars by name


@dataclass(frozen=True)
class Batch:
    """The inputs of one training step, on its device: this process's part of it.

    Attributes:
        images: (n, C, H, W) float32 in [-1, 1].
        labels: (n, k) float32 rows of the family's Condition; None for data without.
        others: (n, C, H, W) images of a second domain, unpaired; None for data of one.
        step: updates done before, from 0.
        progress: share of the run that lies behind, 0 to 1.
        stream: name -> the generator of that draw of this step; equal names give equal draws.
        latents: prior -> (n, d) latents of this step.
    """

    images: Tensor
    labels: Tensor | None
    others: Tensor | None
    step: int
    progress: float
    stream: Callable[[str], torch.Generator]
    latents: Callable[[Prior], Tensor]


@dataclass(frozen=True)
class Adam:
    """Settings of one Adam optimizer (Kingma and Ba 2015).

    Attributes:
        lr: step size.
        betas: decay of the gradient's mean and of its square.
        weight_decay: L2 term added to the gradient (not decoupled).
        decay_from: share of the run after which the step size falls linearly to 0; 1 is off.
    """

    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 0.0
    decay_from: float = 1.0

    def __post_init__(self) -> None:
        # torch takes no integer for beta1, though 0 is a usual one.
        object.__setattr__(self, "betas", tuple(map(_number, self.betas)))
        for name in ("lr", "weight_decay", "decay_from"):
            object.__setattr__(self, name, _number(getattr(self, name)))
        if not 0 < self.lr < math.inf:
            raise GanlensError(f"lr {self.lr} of Adam must be a finite number above 0")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise GanlensError(f"betas {self.betas} of Adam must be two, at least 0 and below 1")
        if not 0 <= self.weight_decay < math.inf:
            raise GanlensError(f"weight_decay {self.weight_decay} of Adam must be at least 0")
        if not 0 <= self.decay_from <= 1:
            raise GanlensError(f"decay_from {self.decay_from} of Adam must be a share, 0 to 1")

    def lr_at(self, progress: float) -> float:
        """Return the step size at a share of the run, 0 to 1."""
        if progress <= self.decay_from or self.decay_from == 1:
            return self.lr
        return self.lr * (1 - progress) / (1 - self.decay_from)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise GanlensError(f"a setting of Adam is {value!r}: give a number") from None


Loss = Callable[[Batch, Any], tuple[Tensor, Numbers]]


@dataclass(frozen=True)
class Phase:
    """One optimizer: which networks learn, from what, how often.

    Attributes:
        name: "d", "g" ...: of its optimizer's state ("d_adam") and gradient norm ("d_grad").
        learns: names of networks; all others are frozen meanwhile.
        loss: (batch, what ``Family.forward`` made) -> what is minimised, and numbers to show.
        adam: the optimizer.
        every: it is this phase's turn at steps ``offset``, ``offset + every`` ...
        offset: see ``every``.
    """

    name: str
    learns: tuple[str, ...]
    loss: Loss
    adam: Adam = Adam()
    every: int = 1
    offset: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "." in self.name:
            raise GanlensError(f"phase {self.name!r} needs a name, without a dot")
        if isinstance(self.learns, str) or not self.learns:
            raise GanlensError(
                f"phase {self.name!r} learns {self.learns!r}: give names of networks, as in"
                " ('generator',)"
            )
        whole = isinstance(self.every, int) and isinstance(self.offset, int)
        if not whole or self.every < 1 or not 0 <= self.offset < self.every:
            raise GanlensError(
                f"phase {self.name!r} has its turn every {self.every!r} steps from"
                f" {self.offset!r} on: give whole numbers, 1 or more, and an offset below it"
            )


@dataclass(frozen=True)
class Preset:
    """Defaults under one name: of the networks, of their objective, and of the run.

    Attributes:
        config: the family's Config.
        objective: the family's Training.
        run: settings of ``ganlens.training.TrainConfig`` that differ from its defaults.
    """

    config: Any
    objective: Any
    run: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """Numbers of training steps that are drawn together, and how to read them.

    Attributes:
        title: of the chart.
        numbers: the phases' numbers by name -> what the legend calls them.
        unit: of the axis.
        caption: what the chart says, and what would be bad.
    """

    title: str
    numbers: Mapping[str, str]
    unit: str
    caption: str


@dataclass(frozen=True)
class History:
    """The numbers of a run that its diagnostics are about.

    Attributes:
        recent: of the last steps, by name; a phase whose turn it was not shows none.
        early: name -> its first values, in order.
        window: how many steps and values these are, when there are as many.
    """

    recent: Sequence[Mapping[str, float]]
    early: Mapping[str, Sequence[float]]
    window: int


class Buildable(Protocol):
    """What every entry of MODELS can do, trained here or elsewhere: build networks by name.

    Attributes:
        roles: name of a network -> what it does, one of ROLES.
    """

    @property
    def roles(self) -> Mapping[str, str]:
        """Name of each network -> its role."""
        ...

    def build(
        self, arguments: Mapping[str, Any], names: Collection[str] | None = None
    ) -> dict[str, nn.Module]:
        """Build untrained networks from the plain values that a header keeps.

        Args:
            arguments: of the networks.
            names: which networks; None for all that the arguments describe.
        """
        ...


class Family:
    """Base of the families that ganlens trains; its settings are flags, header and widgets.

    Attributes:
        Config: frozen dataclass of what determines the networks. Its fields "size", "channels" and
            "condition_dim", as far as it has them, are filled in from the data.
        Training: frozen dataclass of what determines the losses.
        roles: name of each network -> one of ROLES.
        averaged: the networks of which a moving average is kept, which is what is analysed.
        conditions: kinds of Condition that its networks take, by preference; empty for none.
        domains: 2 where it learns from two sets of images (``--others``), else 1.
        reads: name of each network that takes images of the second set, or draws such from latents
            -> "others"; those left out belong to the first, "data".
        presets: named defaults; the first is the default one. Empty: the dataclasses' own.
        decisive: settings on which the defaults of others depend; ``preset`` is given them.
        curves: how the numbers of its phases are drawn.
    """

    Config: ClassVar[type[Any]]
    Training: ClassVar[type[Any]]
    roles: Mapping[str, str] = {}
    averaged: ClassVar[tuple[str, ...]] = ("generator",)
    conditions: ClassVar[tuple[str, ...]] = ()
    domains: ClassVar[int] = 1
    reads: ClassVar[Mapping[str, Domain]] = {}
    presets: ClassVar[Mapping[str, Preset]] = {}
    decisive: ClassVar[tuple[str, ...]] = ()
    curves: ClassVar[tuple[Curve, ...]] = ()

    def networks(self, config: Any) -> dict[str, nn.Module]:
        """Build every network that a checkpoint keeps, untrained."""
        raise NotImplementedError

    def phases(self, nets: Networks, objective: Any) -> Sequence[Phase]:
        """Return the optimizers of a run, in the order in which they step."""
        raise NotImplementedError

    def forward(self, nets: Networks, batch: Batch) -> Any:
        """Make what the phases of a step share, such as the generated images; nothing by default.

        Gradients flow into the networks whose turn it is.
        """

    def equip(
        self, nets: Networks, objective: Any, seed: Callable[[str], int]
    ) -> dict[str, nn.Module]:
        """Add what only training needs; none of it is saved in a checkpoint.

        Args:
            nets: the networks, on the CPU; they may be changed in place (spectral norm).
            objective: the family's Training.
            seed: purpose -> seed of the weights drawn for it.

        Returns:
            Further networks by name, such as a second head.
        """
        return {}

    def at(self, nets: Networks, progress: float) -> None:
        """Set what changes over a run, such as a growing network's stage; nothing by default."""

    def warnings(self, history: History) -> list[str]:
        """Say what looks wrong in a run's numbers, a line each with what to try."""
        return []

    def build(
        self, arguments: Mapping[str, Any], names: Collection[str] | None = None
    ) -> dict[str, nn.Module]:
        """Build untrained networks from the plain values of a Config.

        Args:
            arguments: fields of the Config; those left out take their defaults.
            names: which networks; None for all. A seed gives a network the same weights whichever
                others are asked for.

        Raises:
            GanlensError: a name that the family does not have; or as the Config.
        """
        config = self.Config(**arguments)
        check_limits(config)
        built = self.networks(config)
        for name in names or ():
            if name not in built:
                raise one_of("network", name, built)
        return {name: net for name, net in built.items() if names is None or name in names}

    def preset(self, name: str, **chosen: Any) -> Preset:
        """Return a preset by its name.

        Args:
            name: of the preset.
            **chosen: values of ``decisive`` settings, on which a family's defaults depend.

        Raises:
            GanlensError: an unknown one, with the known ones.
        """
        known = self.presets or {"default": Preset(defaults(self.Config), self.Training())}
        if name not in known:
            raise one_of("preset", name, known)
        return known[name]

    @property
    def default_preset(self) -> str:
        """Name of the preset that is taken where none is named."""
        return next(iter(self.presets), "default")


def domain_of(family: Buildable | None, network: str) -> Domain:
    """Return the set of training images that a network of a family reads; see ``Family.reads``.

    Args:
        family: None, or one that is not trained here, has one set.
        network: its name.
    """
    reads: Mapping[str, Domain] = getattr(family, "reads", {})
    return reads.get(network, "data")


def check_reads(names: Collection[str], family: Family) -> None:
    """Refuse a family whose ``reads`` are not about its networks and its sets of images.

    Raises:
        GanlensError: names the first that does not fit.
    """
    sets = get_args(Domain)[: family.domains]
    for name, domain in family.reads.items():
        if name not in names:
            raise one_of("reads of network", name, names)
        if domain not in sets:
            raise one_of(f"set that {name} reads", domain, sets)
