"""Long work in pieces: a generator yields how far it is and returns what it found.

Whoever drives it owns the progress bar; ``finish`` is for who wants none, or a function call.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True)
class Progress:
    """How far long work has come: ``done`` of ``total`` units of ``what``."""

    done: int
    total: int
    what: str


Steps = Generator[Progress, None, R]  # of long work that returns an R


def finish(steps: Generator[S, None, R], see: Callable[[S], Any] | None = None) -> R:
    """Run a generator to its end and return what it returns.

    Args:
        steps: the generator.
        see: called with everything that it yields.
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            return stop.value
        if see is not None:
            see(step)


def relayed(steps: Generator[S, None, R], said: Callable[[S], Progress]) -> Steps[R]:
    """Run a generator as a part of longer work: yield what ``said`` makes of its steps.

    Args:
        steps: the generator.
        said: what it yields -> progress of the whole.
    """
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            found: R = stop.value
            return found
        yield said(step)
