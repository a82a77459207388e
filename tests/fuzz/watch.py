"""One input given to one door, under watch: what it ran, touched and took is a fault.

A process that is watched stays watched (an audit hook cannot be taken off), so inputs are opened in
forked children; see pool.py.
"""

import ctypes
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ganlens
from ganlens.errors import GanlensError

MOST_MEMORY = 2 * 2**30  # bytes above those before
LONGEST_LINE = 2000  # characters of a message
# fmt: off
RUNS = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "os.forkpty",
    "subprocess.Popen", "pty.spawn", "socket.connect", "socket.bind", "socket.getaddrinfo",
    "urllib.Request", "pickle.find_class", "ctypes.dlopen", "webbrowser.open", "os.kill",
)
# What changes a file by name; the number of an open folder may follow, which it is relative to.
CHANGES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod",
    "os.truncate", "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile",
)
# fmt: on
# What the interpreter, the libraries and the system read for themselves.
PATHS = sysconfig.get_paths().values()
OWN = (
    *{*PATHS, *map(os.path.realpath, PATHS), sys.prefix, sys.base_prefix},
    *(os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)),
    str(Path(ganlens.__file__).resolve().parents[1]),
    *("/proc", "/sys/devices", "/sys/fs/cgroup", "/usr/share", "/usr/lib", "/dev/null"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        what: "opened", "refused", or the kind of a fault: "exception", "lines", "executed",
            "outside", "memory", "hang", "crash".
        words: the refusal, or the fault in a line.
        trace: the last lines of a traceback.
        memory: bytes taken at most.
    """

    what: str
    words: str = ""
    trace: str = ""
    memory: int = 0

    @property
    def fault(self) -> bool:
        return self.what not in ("opened", "refused")


class Watch:
    """The audit hook of this process. ``begin`` sets what is allowed; ``seen`` is what was not."""

    def __init__(self) -> None:
        self.allowed, self.canary = "", ""
        self.active = False
        self.seen: list[tuple[str, str]] = []
        sys.addaudithook(self._hook)

    def begin(self, allowed: Path, canary: Path) -> None:
        self.allowed, self.canary = str(allowed), str(canary)
        self.seen, self.active = [], True

    def end(self) -> list[tuple[str, str]]:
        self.active = False
        return self.seen

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        self.active = False  # what follows may raise events of its own
        try:
            self._judge(event, arguments)
        finally:
            self.active = True

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in RUNS or (event in ("compile", "exec") and self.canary in repr(arguments[0])):
            self.seen.append(("executed", f"{event} {arguments!r:.200}"))
        elif event == "open" and isinstance(arguments[0], str | bytes):
            self._opened(os.fsdecode(arguments[0]), arguments)
        elif event in CHANGES:
            base = next((one for one in arguments[1:] if isinstance(one, int) and one > 2), None)
            for path in arguments[:2]:
                if isinstance(path, str | bytes) and not self._inside(os.fsdecode(path), base):
                    self.seen.append(("outside", f"{event} {path!r:.200}"))

    def _opened(self, path: str, arguments: tuple[Any, ...]) -> None:
        flags = arguments[2] or 0
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and path != "/dev/null"
        if self._inside(path) or (not writes and os.path.abspath(path).startswith(OWN)):
            return
        self.seen.append(("outside", f"{'write' if writes else 'read'} {path!r:.200}"))

    def _inside(self, path: str, base: int | None = None) -> bool:
        if base is not None and not os.path.isabs(path):
            with suppress(OSError):  # a number that is a mode and no folder
                path = os.path.join(os.readlink(f"/proc/self/fd/{base}"), path)
        return (os.path.abspath(path) + "/").startswith(self.allowed + "/")


def _memory(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    line = next((one for one in text.splitlines() if one.startswith(name)), f"{name}: 0 kB")
    return int(line.split()[1]) * 1024


def opened(watch: Watch, action: Callable[[], Any], allowed: Path, canary: Path) -> Outcome:
    """Run an action under watch and tell its outcome; a fault of the watch counts before others."""
    before = _memory("VmRSS")
    with suppress(OSError):  # where the kernel keeps no peak, memory is not judged
        Path("/proc/self/clear_refs").write_text("5")
    outside = sorted(os.listdir(canary.parent))
    watch.begin(allowed, canary)
    try:
        action()
        outcome = Outcome("opened")
    except GanlensError as error:
        outcome = _refused(str(error))
    except BaseException as error:
        outcome = _exception(error)
    seen = watch.end()
    taken = max(0, _memory("VmHWM") - before)
    if seen:
        return Outcome(*seen[0], outcome.trace, taken)
    if sorted(os.listdir(canary.parent)) != outside:
        return Outcome("executed", "a file appeared outside the folder", outcome.trace, taken)
    if not outcome.fault and taken > MOST_MEMORY:
        return Outcome("memory", f"{taken:,} bytes; {outcome.words}", "", taken)
    return Outcome(outcome.what, outcome.words, outcome.trace, taken)


def _refused(message: str) -> Outcome:
    if "\n" in message or not message.strip():
        return Outcome("lines", f"the refusal is not one line: {message!r:.200}")
    if len(message) > LONGEST_LINE:
        return Outcome("lines", f"the refusal has {len(message):,} characters: {message:.100}")
    return Outcome("refused", message[:300])


def _exception(error: BaseException) -> Outcome:
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames if "/ganlens/" in f.filename
    ]
    last = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    words = " ".join(str(error)[:200].split())
    return Outcome(
        "exception", f"{type(error).__name__}: {words}", f"{' < '.join(own[::-1][:4])} | {last}"
    )


def trim() -> None:
    """Give freed memory back, so that one input's does not hide another's."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
