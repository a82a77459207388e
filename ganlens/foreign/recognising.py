"""From flat dicts of tensors to one family, its arguments and its networks' weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.readers import READERS
from ganlens.foreign.recognition import Alternative, Answers, Match, Read
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
        alternatives: other readings of the generator's weights.
    """

    family: str
    format: str
    arguments: dict[str, Any]
    weights: dict[str, dict[str, Tensor]]
    inferred: tuple[str, ...]
    assumed: tuple[str, ...]
    left_aside: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


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
    read: set[str] = set()
    for label, state in states.items():
        match = _ask(state, answers, source, read)
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
    _fit_average(found)
    _fit_discriminator(found, states, answers, source)
    Read(answers).refuse_unread(source, read)
    return _together(found, tuple(aside), source)


def _fit_average(found: dict[str, tuple[str, str, Match]]) -> None:
    """Read a moving average as what was trained, or the other way round, where one tells more.

    They are one network, and the statistics of one may tell what those of the other do not.
    """
    pair = [found.get("generator"), found.get("ema.generator")]
    if pair[0] is None or pair[1] is None or pair[0][2].weights.keys() != pair[1][2].weights.keys():
        return
    shapes = [{k: v.shape for k, v in one[2].weights.items()} for one in pair if one]
    if pair[0][2].arguments == pair[1][2].arguments or shapes[0] != shapes[1]:
        return
    told, other = sorted((one for one in pair if one), key=lambda one: len(one[2].assumed))
    part = "generator" if other is pair[0] else "ema.generator"
    same = replace(told[2], weights=other[2].weights, calibrate=other[2].calibrate)
    found[part] = (other[0], other[1], replace(same, alternatives=()))


def _fit_discriminator(
    found: dict[str, tuple[str, str, Match]], states: Mapping[str, Mapping[str, Tensor]],
    answers: Answers, source: object,
) -> None:  # fmt: skip
    """Read the discriminator again where the generator draws another size than was assumed."""
    drawing = found.get("generator", found.get("ema.generator"))
    if drawing is None or "discriminator" not in found:
        return
    _, label, judge = found["discriminator"]
    wanted = drawing[2].image_shape
    if None in (wanted, judge.image_shape) or wanted == judge.image_shape:
        return
    again = _ask(states[label], replace(answers, image_shape=wanted), source, set())
    if again is not None:
        found["discriminator"] = (again[0], label, again[1])


def _ask(
    state: Mapping[str, Tensor], answers: Answers, source: object, read: set[str]
) -> tuple[str, Match] | None:
    """Ask every reader, and add what the one that knows the state has read of the answers."""
    for name, reader in READERS.items():
        reading: Any = Read(answers)
        try:
            if match := reader(state, reading):
                if name not in MODELS:
                    raise GanlensError(f"family is missing: add it as ganlens.MODELS[{name!r}]")
                read |= reading.names
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
        tuple(one for match in matches for one in match.alternatives),
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
