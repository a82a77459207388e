"""Flags: from a function's parameters to typed options, by tyro, with errors of one line."""

import contextlib
import functools
import inspect
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional, arg
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from ganlens.errors import GanlensError

CHECKPOINT_HELP = (
    "Folder of a checkpoint or a run, the name of a shipped checkpoint, or weights that another "
    "project saved."
)
DATA_HELP = (
    "Images: a folder, zip or tar, an .npz, torchvision:NAME, train=SPEC,test=SPEC, or embedded "
    "ones: pixelfaces, digits, mnist10k; pixelfaces-pairs, for evaluation only."
)

# The flags that several commands share; each is written once.
Checkpoint = Annotated[Positional[str], arg(metavar="CHECKPOINT", help=CHECKPOINT_HELP)]
Data = Annotated[str, arg(metavar="SPEC", help=DATA_HELP)]
OptionalData = Annotated[str | None, arg(metavar="SPEC", help=DATA_HELP)]
Condition = Annotated[
    str | None,
    arg(
        metavar="WORDS",
        help="Condition of a conditional model, in the data's words: 7, or 'mouth=smile & "
        "glasses=none'. Without it whole sets of samples (fid, neighbors) have those that their "
        "seeds draw, and all else what the training data had most often.",
    ),
]
SOURCES_HELP = (
    "Images that a translator translates. By default the held-out ones of its training data."
)
Sources = Annotated[
    str | None, arg(name="sources", aliases=["--source"], metavar="SPEC", help=SOURCES_HELP)
]
# Of probes that have a setting called "source".
SourcesOnly = Annotated[str | None, arg(name="sources", metavar="SPEC", help=SOURCES_HELP)]
Json = Annotated[
    str | None,
    arg(
        metavar="FILE",
        help="Write the numbers as JSON; - writes them, and nothing else, to stdout.",
    ),
]
Device = Annotated[
    str,
    arg(metavar="DEVICE", help="auto, cpu, cuda or cuda:N. Auto takes a GPU where there is one."),
]
Force = Annotated[bool, tyro.conf.FlagCreatePairsOff, arg(help="Replace files that exist.")]
Folder = Annotated[Path | None, arg(metavar="DIR", help="Write every panel into this folder.")]


OWN_CODE = "A family or probe of your own: --module my_file:MyClass --trust, with every command."
NONE = ("none", "None")
REGISTRY = ConstructorRegistry()


@REGISTRY.primitive_rule
def none_rule(kind: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[None] | None:
    """Take "none" as the help and the errors write it; tyro itself knows "None" alone."""
    if kind.type is not type(None):
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="none",
        instance_from_str=lambda _: None,
        is_instance=lambda value: value is None,
        str_from_instance=lambda _: [NONE[0]],
        choices=NONE,
    )


def call(function: Callable[..., int | None], program: str, words: Sequence[str]) -> int:
    """Parse the words into a function's parameters and call it.

    Args:
        function: its parameters are the flags; dataclass parameters contribute their fields. If it
            has an attribute ``prepare``, that makes the function from the words first: for defaults
            that depend on them. If it has one ``reword``, that turns the words into flags.
        program: what the help calls it.
        words: the command line after the program's name.

    Returns:
        The exit code: what the function returns, 0 for None and for ``--help``.

    Raises:
        GanlensError: words that do not fit, in one line.
    """
    if prepare := getattr(function, "prepare", None):
        function = prepare(words)
    if reword := getattr(function, "reword", None):
        words = reword(words)

    @functools.wraps(function)
    def later(*args: Any, **kwargs: Any) -> Callable[[], int | None]:
        return functools.partial(function, *args, **kwargs)

    said, args, of_flags = (inspect.getdoc(function) or "").partition("\n\nArgs:")
    later.__doc__ = f"{said}\n\n{OWN_CODE}{args}{of_flags}"
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            ready = tyro.cli(
                later,
                prog=program,
                args=words,
                config=(tyro.conf.OmitArgPrefixes,),
                registry=REGISTRY,
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            return 0
        raise GanlensError(one_line(errors.getvalue(), program)) from None
    return ready() or 0


def one_line(box: str, program: str) -> str:
    """Condense tyro's framed message to one line: what is wrong, what is near, where to look."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [line.strip("│ ") for line in plain.splitlines()]
    inner = [line for line in lines if line and line[0] not in "╭╰"]
    parts = re.split(r"\n[─-]{4,}\n", "\n".join(inner))
    if "╭" not in plain:  # without UTF-8 the frame is left out, and the title is a part by itself
        parts = parts[1:] or [""]
    message = " ".join(parts[0].split()).rstrip(".") or f"these options do not fit {program}"
    near = [p for p in parts[1:] if p.lower().startswith("perhaps")]
    flags = list(dict.fromkeys(re.findall(r"^--[\w-]+", near[0], re.M))) if near else []
    hint = f"; did you mean {' or '.join(flags[:3])}?" if flags else ""
    see = "" if f"{program} --help" in message else f"; see {program} --help"
    return f"{message}{hint}{see}"
