"""Long work yields: how far it has come, and how to run it to its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far long work has come: ``done`` of ``total`` units of ``what``."""

    done: int
    total: int
    what: str


def finish(steps: Iterator[Any]) -> Any:
    """Exhaust a generator that yields its progress, and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
