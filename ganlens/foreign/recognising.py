"""From flat dicts of tensors to one family, its arguments and its networks' weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.readers import READERS
from ganlens.foreign.recognition import Answers, Match
from ganlens.models import MODELS

_AVERAGED = re.compile(r"(^|[._])(ema|avg)|(ema|avg)([._]|$)|^avgG$", re.IGNORECASE)
KEYS_SHOWN = 4


@dataclass(frozen=True)
class Recognition:
    """What a source holds.

    Attributes:
        family: key of MODELS.
        format: the project or layout, for people.
        arguments: those of the family's constructors.
        weights: network ("generator", "discriminator", "ema.generator") -> name -> tensor.
        inferred: what the file shows.
        assumed: what it did not.
        left_aside: labels of dicts of tensors that nothing recognised.
        lacking: networks whose batch-norm statistics are to be measured.
    """

    family: str
    format: str
    arguments: dict[str, Any]
    weights: dict[str, dict[str, Tensor]]
    inferred: tuple[str, ...]
    assumed: tuple[str, ...]
    left_aside: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def recognise(
    states: Mapping[str, Mapping[str, Tensor]], answers: Answers, source: object
) -> Recognition:
    """Ask every reader about every dict of tensors, and put together what belongs together.

    Raises:
        GanlensError: nothing is recognised; two generators or discriminators; networks of two
            families, or that do not fit each other; shapes that a reader cannot explain.
    """
    found: dict[str, tuple[str, str, Match]] = {}
    aside = []
    for label, state in states.items():
        match = _ask(state, answers, source)
        if match is None:
            aside.append(label)
            continue
        averaged = match[1].part == "generator" and _AVERAGED.search(label)
        part = "ema.generator" if averaged else match[1].part
        if part in found:
            raise GanlensError(
                f"{source} holds more than one {part}, {found[part][1]} and {label}: name the files"
                " that belong together"
            )
        found[part] = (match[0], label, match[1])
    if not found:
        raise _unknown(states, source)
    return _together(found, tuple(aside), source)


def _ask(state: Mapping[str, Tensor], answers: Answers, source: object) -> tuple[str, Match] | None:
    for name, reader in READERS.items():
        try:
            if match := reader(state, answers):
                if name not in MODELS:
                    raise GanlensError(f"family is missing: add it as ganlens.MODELS[{name!r}]")
                return name, match
        except GanlensError as error:
            raise GanlensError(f"{source} looks like {name}, but its {error}") from error
    return None


def _together(
    found: Mapping[str, tuple[str, str, Match]], aside: tuple[str, ...], source: object
) -> Recognition:
    families = {name for name, _, _ in found.values()}
    if len(families) > 1:
        raise GanlensError(
            f"{source} holds networks of {' and '.join(sorted(families))}: import one after another"
        )
    arguments: dict[str, Any] = {}
    for _, _, match in found.values():
        for key, value in match.arguments.items():
            if arguments.setdefault(key, value) != value:
                raise GanlensError(
                    f"{source} holds networks that do not fit each other: {key} {arguments[key]}"
                    f" and {value}"
                )
    matches = [match for _, _, match in found.values()]
    return Recognition(
        families.pop(),
        matches[0].format,
        arguments,
        {part: match.weights for part, (_, _, match) in found.items()},
        _once(phrase for match in matches for phrase in match.inferred),
        _once(phrase for match in matches for phrase in match.assumed),
        aside,
        tuple(part for part, (_, _, match) in found.items() if match.calibrate),
    )


def _once(phrases: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(phrases))


def _unknown(states: Mapping[str, Mapping[str, Tensor]], source: object) -> GanlensError:
    names = [name for state in states.values() for name in state]
    shown = ", ".join(f"{name:.60}" for name in names[:KEYS_SHOWN]) or "none at all"
    return GanlensError(
        f"{source} has {len(names)} tensors ({shown}{', ...' if len(names) > KEYS_SHOWN else ''})"
        " whose names no family knows: name the class that they belong to, with --module"
        " package.module:callable --trust"
    )
