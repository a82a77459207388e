"""Following a training run in a terminal: its bar, its evaluations, a stop, its end."""

import shlex
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ganlens.cli.terminal import console, note, pairs_table, progress_bar, write_json
from ganlens.models.imported.trust import trust_words
from ganlens.panels import cell
from ganlens.runs import Event, Run
from ganlens.training import trainable


@contextmanager
def stopping() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM, so that the run can save and leave; a second stops at once."""
    caught: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    before = {s: signal.signal(s, remember) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(run: Run, stop: Callable[[], bool]) -> dict[str, Any] | None:
    """Drive a run under a live bar with the time left; return its last evaluation."""
    last = None
    curves = trainable(run.trainer.family).curves
    shown = curves[0].numbers if curves else ()
    with progress_bar() as bar:
        task = bar.add_task("training", total=run.trainer.total_steps, completed=run.trainer.step)
        for event in run.events(stop):
            if event.step is not None:
                bar.update(task, completed=event.step.step, description=_status(event, last, shown))
            elif event.evaluation is not None:
                last = event.evaluation
                note(_line(last))
            else:
                note((event.warning and f"warning: {event.warning}") or str(event.note))
    return last


def _status(event: Event, last: dict[str, Any] | None, shown: Iterable[str]) -> str:
    step = event.step
    assert step is not None
    losses = [f"{name} {step.numbers[name]:.2f}" for name in shown if name in step.numbers]
    found = f" FD {last['fd']:.2f}" if last else ""
    return f"epoch {step.epoch + 1} {' '.join(losses)} {step.images_per_second:.0f} img/s{found}"


def _line(row: dict[str, Any]) -> str:
    names = ("precision", "recall", "density", "coverage")
    scores = " ".join(f"{name} {cell(row[name])}" for name in names)
    scored = f"FD-{row['extractor']} {cell(row['fd'])} {scores}"
    return f"epoch {row['epoch']}: {scored} ({row['seconds']:.0f} s)"


def conclude(run: Run, row: dict[str, Any] | None, data: str, json: str | None) -> None:
    """Show the best evaluation and the next step; write both evaluations, if a file is given."""
    evaluated = [r for r in run.rows if "fd" in r]
    if not evaluated:
        return
    row = row or evaluated[-1]  # of a run that was at its end already
    best = min(evaluated, key=lambda r: r["fd"])
    write_json(json, {"best": best, "last": row, "folder": str(run.folder)})
    screen = console(json)
    screen.print(pairs_table(f"best checkpoint: {run.folder / 'best'}", best))
    words = ["ganlens", "report", str(run.folder), "--data", data, *trust_words()]
    screen.print(f"next: {shlex.join(words)}", soft_wrap=True)
