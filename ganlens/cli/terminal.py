"""The terminal: tables and files on stdout, progress and notes on stderr."""

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ganlens.cli.streams import say
from ganlens.errors import GanlensError
from ganlens.files import check_target, check_writable, remove_leftovers, write_bytes
from ganlens.panels import cell
from ganlens.progress import Progress as Step
from ganlens.progress import finish
from ganlens.report.draw import flat

R = TypeVar("R")
PIPE_WIDTH = 120  # columns where there is no terminal to ask


def console(json_file: str | None = None) -> Console:
    """Return where the readable output goes: stdout, or stderr when JSON takes stdout."""
    stream = sys.stderr if json_file == "-" else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, where rich would end the process with exit code 1."""
        raise


def note(message: str) -> None:
    """Say something beside the result, on stderr."""
    say(message)


def progress_bar() -> Progress:
    """Return a bar on stderr that leaves no trace; without a terminal it draws nothing."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=_Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def follow(steps: Generator[Step, None, R]) -> R:
    """Drive long work under a progress bar of its own and return what it returns."""
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        return finish(
            steps,
            lambda step: bar.update(
                task, description=step.what, completed=step.done, total=step.total
            ),
        )


def pairs_table(title: str, content: Mapping[str, Any]) -> Table:
    """Return a table of names and values; nested mappings are flattened."""
    table = Table(
        title=Text(title), title_justify="left", show_header=False, box=None, padding=(0, 2)
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in flat(content):
        table.add_row(Text(name), Text(value))
    return table


def rows_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Return a table of rows under column names; numbers stand to the right."""
    table = Table(title=Text(title), title_justify="left", box=None, padding=(0, 2))
    for index, name in enumerate(columns):
        numbers = all(isinstance(r[index], int | float | None) for r in rows)
        table.add_column(
            Text(name), justify="right" if numbers and rows else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table


def check_free(path: str | Path | None, force: bool) -> None:
    """Refuse a file that exists, before the work starts; "-", None and ``force`` pass."""
    if path is None or str(path) == "-":
        return
    if Path(path).is_file() and not force:
        raise GanlensError(
            f"{path} exists already: choose another name, or add --force to replace it"
        )
    check_file(path)


def check_file(path: str | Path | None) -> None:
    """Refuse a place where no file can be written, before the work starts; "-" and None pass."""
    if path is None or str(path) == "-":
        return
    if Path(path).is_dir():
        raise GanlensError(f"{str(path)!r} is a folder: name a file in it")
    check_target(path)
    check_writable(Path(path).parent)
    remove_leftovers(Path(path).parent, Path(path).name)


def check_free_folder(folder: Path | None, force: bool) -> None:
    """Refuse a folder that holds anything, before the work starts; None and ``force`` pass."""
    if folder is None:
        return
    if folder.is_file():
        raise GanlensError(f"{folder} is a file: name a folder")
    check_writable(folder)
    remove_leftovers(folder)  # of an earlier command that was killed
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise GanlensError(
            f"{folder} holds files already: choose another, or add --force to replace them"
        )


def check_places(folder: Path | None, json_file: str | None, force: bool) -> None:
    """Refuse a folder of panels and a file of numbers that could not be written, or not both."""
    check_free(json_file, force)
    check_free_folder(folder, force)
    check_apart(folder, json_file)


def check_apart(folder: Path | None, json_file: str | None) -> None:
    """Refuse a file in whose place a folder is asked for too."""
    if folder is None or json_file in (None, "-"):
        return
    if Path(str(json_file)).absolute() in (folder.absolute(), *folder.absolute().parents):
        raise GanlensError(
            f"--out {folder} and --json {json_file} are one place: give the file another name"
        )


def write_json(target: str | None, content: Mapping[str, Any]) -> None:
    """Write strict JSON (no NaN) to a file, or to stdout for "-"."""
    if target is None:
        return
    if target == "-":
        print(_json(content, sys.stdout.encoding or "utf-8"))
        return
    write_bytes(Path(target), f"{_json(content, 'utf-8')}\n".encode())


def _json(content: Mapping[str, Any], encoding: str) -> str:
    """Return JSON that can be written in an encoding; letters that it lacks stand as escapes."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):  # names of files need not be text, either
        return json.dumps(content, indent=2, allow_nan=False)
    return text
