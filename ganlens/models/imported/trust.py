"""Trust: what code of others may run here; and calling ``package.module:callable`` under it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
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

    Raises:
        GanlensError: it is not trusted, is not there, or fails.
    """
    if trusted().module != target:
        raise GanlensError(
            f"this checkpoint belongs to the class {target!r}, whose code opening it would run: add"
            f" --module {target} --trust if you know what it does"
        )
    _, _, name = target.partition(":")
    found = import_trusted()
    try:
        return getattr(found, name)()
    except Exception as error:  # code of somebody else's can raise anything
        raise GanlensError(
            f"module {target!r} cannot be used ({type(error).__name__}: {error}): give"
            " package.module:callable, callable without arguments"
        ) from error


def import_trusted() -> ModuleType | None:
    """Import the module that is trusted, which may add to MODELS and PROBES; None without one.

    It is looked for in the current folder too, as by ``python -m``.

    Raises:
        GanlensError: it is not there, or fails.
    """
    target = trusted().module
    if target is None:
        return None
    module = target.partition(":")[0]
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):  # something that it imports itself
            raise _faulty(module, error) from error
        raise GanlensError(
            f"module {module!r} is neither in this folder nor on PYTHONPATH: give its name without"
            " folder and .py, as in --module my_family:MyFamily"
        ) from error
    except Exception as error:  # code of somebody else's can raise anything
        raise _faulty(module, error) from error


def _faulty(module: str, error: Exception) -> GanlensError:
    return GanlensError(
        f"module {module!r} cannot be imported ({type(error).__name__}: {error}): mend it there"
    )
