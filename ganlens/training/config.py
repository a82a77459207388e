"""How a run trains, whatever its family: what every family shares, and the family's objective."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ganlens.errors import GanlensError, one_of
from ganlens.limits import Count, Decay, Seed, check_limits
from ganlens.models import trained_here
from ganlens.models.family import Family
from ganlens.training.checks import check_family


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of a run that changes its weights.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step, over all ranks together.
        ema_decay: decay per step of the moving averages, batch-norm buffers included.
        flip: mirror half of the real images.
        seed: of everything random in the run.
        objective: the family's Training: losses and step sizes. None takes its defaults.
    """

    epochs: Count = 50
    batch_size: Count = 128
    ema_decay: Decay = 0.999
    flip: bool = False
    seed: Seed = 0
    objective: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_limits(self)  # found late, a bad one would cost the first epochs

    def flat(self) -> dict[str, Any]:
        """Return all settings, the objective's among them, as one level of plain values."""
        shared = {name: getattr(self, name) for name in SHARED}
        return shared | ({} if self.objective is None else asdict(self.objective))


SHARED = tuple(f.name for f in fields(TrainConfig) if f.name != "objective")


def configure(family: str, preset: str | None = None, **settings: Any) -> TrainConfig:
    """Return the settings of a run from one level of names, as flags and headers have them.

    Args:
        family: a key of MODELS that ganlens trains.
        preset: where the defaults come from; the family's first one by default.
        **settings: fields of TrainConfig and of the family's Training.

    Raises:
        GanlensError: an unknown family, preset or setting, or a value out of range.
    """
    one = trainable(family)
    chosen = {name: settings[name] for name in one.decisive if name in settings}
    base = one.preset(preset or one.default_preset, **chosen)
    objective = asdict(base.objective)
    if unknown := sorted(settings.keys() - objective.keys() - set(SHARED)):
        raise one_of(f"setting of {family}", unknown[0], (*SHARED, *objective))
    own = one.Training(**_only(objective, objective | settings))
    check_limits(own)
    return TrainConfig(**_only(SHARED, {**base.run, **settings}), objective=own)


def trainable(family: str) -> Family:
    """Return a family that ganlens trains.

    Raises:
        GanlensError: there is none of the name, it is only opened, or its class is wrong.
    """
    known = trained_here()
    if family not in known:
        raise GanlensError(
            f"{one_of('family', family, known)}; one of your own is named with --module"
            " my_family:MyFamily --trust"
        )
    check_family(family, known[family], SHARED)
    return known[family]


def _only(names: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
