"""Base of the probes: settings with limits, what they need, and what is said of them."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args

from ganlens.data import ImageSet
from ganlens.errors import GanlensError, one_of
from ganlens.limits import check_limits
from ganlens.models.prior import check_seed
from ganlens.plain import plain
from ganlens.progress import Progress, Steps, finish
from ganlens.subject import Subject, is_conditional

__all__ = [
    "GROUPS",
    "RADFORD",
    "ROLES",
    "Needs",
    "Probe",
    "Progress",
    "Steps",
    "check_probe",
    "images_for",
]

Role = Literal["generator", "discriminator", "encoder", "translator", "sample"]
Group = Literal["Latent space", "Inside the networks", "Against the data", "More"]
GROUPS: tuple[Group, ...] = get_args(Group)  # in the order of the explorer's navigation
RADFORD = ("Radford 2015", "https://arxiv.org/abs/1511.06434")
ROLES: tuple[Role, ...] = ("generator", "translator", "encoder", "discriminator")


@dataclass(frozen=True)
class Needs:
    """What a probe cannot do without.

    Attributes:
        networks: roles that the model must have; "sample" is any model that gives one image per
            seed: a generator or a translator.
        data: whether images are looked at: "no", "optional" (where there are any), or "required".
        labels: the data must have labels or attributes.
        conditions: kinds of condition, one of which the generator must be given; none: it need not.
    """

    networks: frozenset[Role] = frozenset()
    data: Literal["no", "optional", "required"] = "no"
    labels: bool = False
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse roles that no network plays."""
        check_limits(self)
        if unknown := sorted(self.networks - set(get_args(Role))):
            raise one_of("role that a probe needs", unknown[0], get_args(Role))

    def lacking_condition(self, subject: Subject) -> str:
        """Say in one line what a model's condition lacks; empty where nothing is lacking."""
        if not self.conditions:
            return ""
        wanted, condition = " or ".join(self.conditions), subject.condition
        network = subject.generator
        if condition is None or (network is not None and not is_conditional(network)):
            return f"needs a generator that is given {wanted}; this checkpoint's takes no condition"
        if condition.kind not in self.conditions:
            return f"needs a generator that is given {wanted}; this one is given {condition.kind}"
        if subject.is_conditioned:
            return (
                "asks for every condition, and this model was given one"
                f" ({subject.provenance['condition']}): leave --condition out"
            )
        return ""


class Probe:
    """Base of the probes: frozen dataclasses whose fields are their settings.

    A probe implements ``steps``, a generator that yields Progress and returns its Result; ``run``
    drives it to the end. One line in ``PROBES`` makes it a command, a section of the report and a
    page of the explorer: its fields become flags and widgets, their lines under "Attributes" in the
    docstring are the help texts, and their limits stand in their annotations (``ganlens.limits``).
    A setting that means nothing without another one names it in its field's metadata, as "of". One
    that is a path says so in its annotation, by Path or ``ganlens.paths.OrPath``: the explorer does
    not offer it, and no recipe from elsewhere may hold one.

    Attributes:
        title: what report and explorer call it.
        group: the section of the explorer that it stands in.
        help: its line in ``ganlens --help``.
        headline: what it found in half a line: templates over the summary, joined by commas. One
            that names an undefined value is left out.
        reading: one sentence for a newcomer: what a good and what a bad result looks like.
        papers: (name, address) of where the method comes from.
        requires: what it cannot do without, whatever the settings; else ``needs`` says it.
        drawn: the setting that says how many samples are drawn, with seeds from ``seed`` on.
        on_request: why a report leaves it out unless it is named; empty: it does not.
        demo: settings of ``ganlens demo`` that are not the defaults.
        renamed: earlier names of settings, which recipes of older versions carry.
    """

    title: ClassVar[str] = ""
    group: ClassVar[Group] = "More"
    help: ClassVar[str] = ""
    headline: ClassVar[tuple[str, ...]] = ()
    reading: ClassVar[str] = ""
    papers: ClassVar[tuple[tuple[str, str], ...]] = ()
    requires: ClassVar[Needs] = Needs()
    drawn: ClassVar[str] = ""
    on_request: ClassVar[str] = ""
    demo: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    renamed: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __post_init__(self) -> None:
        """Check the settings against the limits in their annotations, before anything is loaded."""
        check_limits(self)
        if self.drawn:
            check_seed(getattr(self, "seed", None), getattr(self, self.drawn))

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[Any]:
        """Run piecewise: yield Progress, return the Result (of a class of the probe's own)."""
        raise NotImplementedError

    def run(self, subject: Subject, data: ImageSet | None = None) -> Any:
        """Run to the end and return the Result."""
        return finish(self.steps(subject, data))

    def needs(self) -> Needs:
        """Return what it cannot do without under these settings."""
        return self.requires

    def follow(self, subject: Subject) -> None:
        """Find out for ``ganlens check`` whether a run can follow this model's networks.

        The model has what the probe needs. Where only a run can tell, nothing is checked.

        Raises:
            GanlensError: why it cannot.
        """

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON-able values."""
        return dict(plain(asdict(self)))  # type: ignore[call-overload]


def check_probe(name: str, kind: Any) -> None:
    """Refuse a key of PROBES, or a class, that commands, report and explorer could not use.

    Raises:
        GanlensError: says what is wrong with the name or the class.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise GanlensError(f"a probe cannot be called {name!r}: take small letters, as in my-probe")
    if not (isinstance(kind, type) and issubclass(kind, Probe) and is_dataclass(kind)):
        raise GanlensError(f"probe {name!r} is {kind!r:.80}: give a frozen dataclass, a Probe")
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING:
            raise GanlensError(
                f"probe {name!r} has a setting {field.name!r} without a default: give it one, for"
                " reports run every probe at its defaults"
            )
    if kind.group not in GROUPS:
        raise one_of(f"group of probe {name!r}", kind.group, GROUPS)


def images_for(subject: Subject, data: ImageSet | None, who: str) -> ImageSet:
    """Return the data that a probe was given, checked before the long work.

    Raises:
        GanlensError: none was given, or images of another shape than the subject's.
    """
    if data is None:
        raise GanlensError(f"{who} needs data: give --data SPEC")
    channels, size, _ = subject.image_shape
    if tuple(data.image_shape) != tuple(subject.image_shape):
        raise GanlensError(
            f"images of shape {tuple(data.image_shape)} do not fit {subject.name}'s "
            f"{tuple(subject.image_shape)}: open the data with size={size}, channels={channels}"
        )
    return data
