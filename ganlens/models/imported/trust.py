"""Trust: what code of others may run here; and calling ``package.module:callable`` under it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ganlens.errors import GanlensError


@dataclass(frozen=True)
class Trust:
    """What may run: nothing, archives, or archives and one named callable.

    Attributes:
        archives: TorchScript and torch.export archives may be opened.
        module: "package.module:callable" that may be imported and called, or None.
    """

    archives: bool = False
    module: str | None = None

    def __post_init__(self) -> None:
        if self.module is not None and not self.archives:
            raise GanlensError(
                f"--module {self.module} imports and runs code of {self.module}: add --trust if you"
                " know what it does"
            )


_TRUST: ContextVar[Trust] = ContextVar("trust", default=Trust())  # noqa: B039 (it is frozen)


@contextmanager
def trusting(trust: Trust) -> Iterator[None]:
    """Let code run while the block runs, in this thread."""
    token = _TRUST.set(trust)
    try:
        yield
    finally:
        _TRUST.reset(token)


def trusted() -> Trust:
    """Return what may run here."""
    return _TRUST.get()


def trust_words() -> list[str]:
    """Return the words that let the same code run in another command."""
    now = trusted()
    module = ["--module", now.module] if now.module else []
    return [*module, *(["--trust"] if now.archives else [])]


def call(target: str) -> Any:
    """Import and call ``package.module:callable``, without arguments.

    It is looked for in the current folder too, as by ``python -m``.

    Raises:
        GanlensError: it is not trusted, is not there, or fails.
    """
    if trusted().module != target:
        raise GanlensError(
            f"this checkpoint belongs to the class {target!r}, whose code opening it would run: add"
            f" --module {target} --trust if you know what it does"
        )
    module, _, name = target.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return getattr(import_module(module), name)()
    except Exception as error:  # code of somebody else's can raise anything
        raise GanlensError(
            f"module {target!r} cannot be used ({type(error).__name__}: {error}): give"
            " package.module:callable, callable without arguments, in this folder or on PYTHONPATH"
        ) from error
