"""Networks of a class that the user names, ``package.module:callable``: run only when trusted."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import nn

from ganlens.errors import GanlensError
from ganlens.models.recognition import Answers, Match, Weights
from ganlens.models.wrapped import WrappedDiscriminator, WrappedGenerator

FAMILY = "module"


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
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)()
    except Exception as error:  # code of somebody else's can raise anything
        raise GanlensError(
            f"module {target!r} cannot be used ({type(error).__name__}: {error}): give"
            " package.module:callable, callable without arguments, on PYTHONPATH"
        ) from error


def networks_of(target: str) -> tuple[nn.Module | None, nn.Module | None]:
    """Call a target that returns a generator, or a pair (generator, discriminator).

    Raises:
        GanlensError: as ``call``; or it returned something else.
    """
    found = call(target)
    pair = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    if (
        not all(isinstance(one, nn.Module) for one in pair if one is not None)
        or pair == (None,) * 2
    ):
        raise GanlensError(
            f"module {target!r} returned a {type(found).__name__}: return a generator, a pair"
            " (generator, discriminator), either of them None, or a Family"
        )
    return pair


class NamedModules:
    """The family of networks whose class the user names; its weights say nothing by themselves."""

    builds_on_meta = False  # a constructor of somebody else's may compute with its tensors

    roles: Mapping[str, str] = {"generator": "generator", "discriminator": "discriminator"}

    def build(
        self, arguments: Mapping[str, Any], names: Collection[str] | None = None
    ) -> dict[str, nn.Module]:
        """Build untrained networks: ``arguments`` hold the module's name and theirs by name."""
        module, built = arguments["module"], {}
        wanted = [n for n in self.roles if n in arguments] if names is None else names
        pair = dict(zip(self.roles, networks_of(module), strict=True))
        for name in wanted:
            network = pair[name]
            if network is None:
                raise GanlensError(f"module {module!r} returned no {name}")
            built[name] = (
                WrappedGenerator.of(network, arguments[name])
                if name == "generator"
                else WrappedDiscriminator(network, **arguments[name])
            )
        return built

    def recognise(self, weights: Weights, answers: Answers) -> Match | None:
        """Recognise nothing: the user names the class."""
        return None
