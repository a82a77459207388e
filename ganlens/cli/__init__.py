"""``ganlens ...``: the command line, the only part of ganlens that prints.

This file knows the commands by name only, so that help and misspelt names are answered at once; the
module of the chosen command is imported when it runs. Every probe of ``PROBES`` is a command too.
"""

import difflib
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from ganlens.cli import streams
from ganlens.errors import GanlensError
from ganlens.probes import PROBES


class Command(NamedTuple):
    """One line of the command table.

    Attributes:
        group: heading that it stands under.
        help: one line.
        target: "module:attribute" of a function whose parameters are the flags and that returns the
            exit code or None.
    """

    group: str
    help: str
    target: str


COMMANDS: dict[str, Command] = {
    "demo": Command(
        "Start here",
        "probe the shipped pixelfaces GAN and write a report",
        "ganlens.cli.report:demo",
    ),
    "explore": Command(
        "Start here", "open the explorer in a browser", "ganlens.cli.explore:explore"
    ),
    "list": Command(
        "Start here", "list the checkpoints at hand", "ganlens.cli.listing:list_command"
    ),
    "cache": Command(
        "Start here", "what is kept on the disk, and how much; --clear", "ganlens.cli.cache:cache"
    ),
    "import": Command(
        "Start here",
        "turn a GAN that something else trained into a checkpoint",
        "ganlens.cli.importing:command",
    ),
    "check": Command(
        "Start here",
        "does a checkpoint work, and which probes will",
        "ganlens.cli.check:command",
    ),
    "train": Command(
        "Train", "train a GAN on images, or resume a run", "ganlens.cli.train:command"
    ),
    "classifier": Command(
        "Train",
        "`classifier train`: labels or attributes, read off images",
        "ganlens.cli.classifier:command",
    ),
    "sample": Command(
        "Draw",
        "draw, translate or reconstruct: a sheet, a folder, an npz",
        "ganlens.cli.sampling:sample",
    ),
    "draw": Command("Draw", "draw what an explorer's address shows", "ganlens.cli.pictures:draw"),
    "replay": Command(
        "Draw", "draw a picture again from the recipe in its PNG", "ganlens.cli.pictures:replay"
    ),
    "moments": Command(
        "Probe", "keep mu and sigma of features for fid", "ganlens.cli.fidelity:moments"
    ),
    "report": Command(
        "Report", "run every probe and write one HTML page", "ganlens.cli.report:report"
    ),
}

# Probes whose words say more than their settings: a formula, and two places.
TARGETS = {
    "arithmetic": "ganlens.cli.formula:arithmetic",
    "fid": "ganlens.cli.fidelity:fid",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``ganlens``; by default those of the process.

    Returns:
        The exit code: 0; 2 for what the user can mend, a file that cannot be read and a stdout that
        cannot be written included, said in one line; 130 after Ctrl-C; 141 where the reader of
        stdout left. Any other exception passes through, traceback and all: it is a bug.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Pillow's warning of large images: they are left out, and listed with this reason.
    warnings.filterwarnings("ignore", "Image size .* exceeds limit")
    warnings.filterwarnings("ignore", module="PIL")  # of damaged files, which are listed
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    streams.prepare()
    code = _guarded(lambda: _dispatch(words))
    return _guarded(streams.flush) or code


def _guarded(work: Callable[[], int | None]) -> int:
    """Do some work; return its exit code, or that of what went wrong, which is said."""
    try:
        return work() or 0
    except GanlensError as error:
        streams.say(f"ganlens: {error}")
        return 2
    except KeyboardInterrupt:
        streams.say("\nganlens: stopped")
        return 130
    except BrokenPipeError:  # the reader left, as in `ganlens list | head -1`
        streams.silence(sys.stdout)
        return 141
    except MemoryError as error:
        why = str(error) or "nothing is left"
        streams.say(f"ganlens: not enough memory ({why}): ask for fewer images")
        return 2
    except OSError as error:  # a file's fault: no permission, too long a name, a failing disk
        if error.filename is None:
            raise
        streams.say(f"ganlens: {error.filename}: {error.strerror}")
        return 2


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0
    if words[0] == "--version":
        from ganlens import __version__

        print(f"ganlens {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if "--trust" not in rest and not any(word.split("=")[0] == "--module" for word in rest):
        return _call(name, rest)
    from ganlens.cli.trust import trusted_call

    return trusted_call(lambda words: _call(name, words), rest)


def _call(name: str, words: Sequence[str]) -> int:
    if name not in COMMANDS and name not in PROBES:
        raise _unknown(name)
    runner = target(name)
    from ganlens.cli.flags import call

    return call(runner, f"ganlens {name}", words)


def commands() -> dict[str, Command]:
    """Return every command: those of the table, and one for each probe.

    Raises:
        GanlensError: a probe has the name of another command.
    """
    if clash := sorted(COMMANDS.keys() & set(PROBES)):
        raise GanlensError(f"probe {clash[0]!r} has the name of a command: call it otherwise")
    probes = {name: Command("Probe", PROBES.help(name), TARGETS.get(name, "")) for name in PROBES}
    last = {name: one for name, one in COMMANDS.items() if one.group in ("Probe", "Report")}
    first = {name: one for name, one in COMMANDS.items() if name not in last}
    return first | probes | last


def target(name: str) -> Callable[..., Any]:
    """Import what a command runs: a function whose parameters are the flags."""
    if name in PROBES and name not in TARGETS and name not in COMMANDS:
        from ganlens.cli.probe import as_command

        return as_command(name, PROBES[name])
    module, attribute = (TARGETS.get(name) or COMMANDS[name].target).split(":")
    return getattr(import_module(module), attribute)


def usage() -> str:
    """Return the text of ``ganlens --help``."""
    known = commands()
    lines = ["usage: ganlens COMMAND ...", "", "What did this GAN learn?"]
    for group in dict.fromkeys(command.group for command in known.values()):
        lines += ["", f"{group}:"]
        lines += [f"  {n:18}{c.help}" for n, c in known.items() if c.group == group]
    return "\n".join(
        [
            *lines,
            "",
            "`ganlens COMMAND --help` lists its options. CHECKPOINT is a folder, the name of a",
            "shipped one, or weights that another project saved; --data takes a folder, zip or",
            "tar of images, an .npz, torchvision:NAME, pixelfaces, digits or mnist10k (embedded,",
            "like pixelfaces-pairs for evaluation; see ganlens list). With --trust, commands open",
            "TorchScript and torch.export archives, and --module package.module:callable names a",
            "family or probe of your own, or the class of weights that no family recognises: both",
            "run code that is not ganlens's.",
        ]
    )


def _unknown(name: str) -> GanlensError:
    known = commands()
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
    kind = "option" if name.startswith("-") else "command"
    return GanlensError(f"{kind} {name!r} is not known: {hint}; see ganlens --help")
