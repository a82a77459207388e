"""Settings of evaluation and saving, and the events of a run."""

from dataclasses import dataclass
from typing import Annotated, Any

from ganlens.limits import Count, Limits, check_limits
from ganlens.training import TrainStep


@dataclass(frozen=True)
class RunConfig:
    """When a run is evaluated and saved; none of it changes the weights.

    Attributes:
        evaluate_every: epochs between two evaluations on held-out images.
        evaluate_n: generated and held-out images in an evaluation, at most.
        log_every: steps that a line of metrics.jsonl averages over.
        save_every: steps between two states to resume from; each evaluation saves one too.
    """

    evaluate_every: Count = 2
    evaluate_n: Annotated[int, Limits(low=2)] = 2000  # one image has no Fréchet distance
    log_every: Count = 20
    save_every: Count = 500

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class Event:
    """What a run reports as it goes: one of a step, an evaluation, a warning, a note.

    Attributes:
        step: after every update.
        evaluation: a row of metrics.jsonl with the findings on held-out images.
        warning: one line that names a likely trouble.
        note: one line on what was done, such as a resume.
    """

    step: TrainStep | None = None
    evaluation: dict[str, Any] | None = None
    warning: str | None = None
    note: str | None = None
