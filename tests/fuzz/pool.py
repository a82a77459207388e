"""Inputs opened one after another in forked children, which may hang, die, or be killed."""

import faulthandler
import json
import os
import resource
import select
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import watch as watching
from cases import Case, files_of, put
from doors import Door
from watch import Outcome, Watch, opened, trim

BATCH = 60  # inputs of one child
# After so many seconds an input hangs: of the child's own work, or asleep without any. A busy
# machine makes neither of them longer.
WORK, SLEEP = 20.0, 8.0
LIMIT = 6 * 2**30  # bytes of address space that an input may take, lest it takes the machine's


def run(
    doors: dict[str, Door], cases: Sequence[Case], root: Path
) -> Iterator[tuple[Case, Outcome]]:
    """Open every case; yield what became of it, in order.

    Args:
        doors: by name.
        cases: what to open.
        root: a folder of its own: each case lies in ``root/case``; ``root/outside`` is what no
            case may touch.
    """
    todo = list(cases)
    (root / "outside").mkdir(parents=True, exist_ok=True)
    while todo:
        for case, outcome in _batch(doors, todo[:BATCH], root):
            yield case, outcome
            todo.pop(0)


def _batch(doors: dict[str, Door], cases: list[Case], root: Path) -> Iterator[tuple[Case, Outcome]]:
    """Fork a child for some cases; it ends with the first that hangs or kills it."""
    reading, writing = os.pipe()
    with warnings.catch_warnings(action="ignore"):  # of threads of libraries, which the child lacks
        child = os.fork()
    if child == 0:
        try:
            _work(doors, cases, root, writing)
        finally:  # nothing of the parent goes on here
            os._exit(3)
    os.close(writing)
    lines = _Lines(reading, child)
    try:
        for case in cases:
            line = lines.next()
            if line is None:
                yield case, Outcome("hang", lines.why)
                return
            if not line:
                if died := lines.death():
                    yield case, Outcome("crash", died)
                return
            found = json.loads(line)
            if "unmade" in found:
                raise RuntimeError(f"{case} could not be made: {found['unmade']}")
            yield case, Outcome(**found)
    finally:
        lines.close()


class _Lines:
    """The lines that a child writes.

    Attributes:
        why: it hangs.
    """

    def __init__(self, descriptor: int, child: int) -> None:
        self.descriptor, self.child, self.why = descriptor, child, ""
        self.held, self.status = b"", None

    def next(self) -> bytes | None:
        """Return the next line; b"" where the child has ended, None where it hangs."""
        began, asleep = self._work(), 0.0
        worked = began
        while b"\n" not in self.held:
            ready, _, _ = select.select([self.descriptor], [], [], 0.5)
            if ready:
                more = os.read(self.descriptor, 2**16)
                if not more:
                    return b""
                self.held += more
                continue
            now = self._work()
            asleep = asleep + 0.5 if now == worked and self._state() == "S" else 0.0
            worked = now
            if now - began > WORK or asleep > SLEEP:
                self.why = f"{now - began:.0f} s of work, then {asleep:.0f} s asleep"
                return None
        line, _, self.held = self.held.partition(b"\n")
        return line

    def _stat(self) -> list[str]:
        try:
            return Path(f"/proc/{self.child}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # no Linux: nothing hangs that can be told
            return ["R", *["0"] * 20]

    def _state(self) -> str:
        return self._stat()[0]

    def _work(self) -> float:
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def death(self) -> str:
        """Say how the child ended; "" where it did by itself."""
        _, self.status = os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(self.status)
        if code == 0:
            return ""
        return f"the process ended with {signal.Signals(-code).name if code < 0 else code}"

    def close(self) -> None:
        os.close(self.descriptor)
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)


def _work(doors: dict[str, Door], cases: list[Case], root: Path, writing: int) -> None:
    """Open cases in this process, which is then ended."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    faulthandler.disable()
    _limit()
    warnings.simplefilter("ignore")
    watch = Watch()
    place, canary = root / "case", root / "outside" / "canary"
    os.environ["GANLENS_CACHE"] = str(place / "cache")
    tempfile.tempdir = str(place)
    for case in cases:
        _clear(place)
        (place / "inside").mkdir(parents=True)
        os.chdir(place)  # what is opened by a relative name is inside
        door = doors[case.door]
        try:
            main = put(place / "inside", *files_of(door, case, canary))
        except Exception:  # a mistake of these files, and none of ganlens
            os.write(writing, json.dumps({"unmade": traceback.format_exc()}).encode() + b"\n")
            break
        trim()
        outcome = opened(watch, lambda door=door, main=main: door.open(main), place, canary)
        with suppress(OSError):
            canary.unlink()
        os.write(writing, json.dumps(asdict(outcome)).encode() + b"\n")
        if outcome.memory > watching.MOST_MEMORY // 4:
            break  # what it left behind would weigh on the others
    _clear(place)
    os._exit(0)


def _limit() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + LIMIT, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _clear(place: Path) -> None:
    with suppress(OSError):
        for path in place.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
