"""How to get a result again: the command and the Python that give it."""

import inspect
import shlex
from dataclasses import MISSING, fields
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ganlens.models.imported.trust import trust_words, trusted
from ganlens.probes.base import Probe

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.report.findings import Finding
    from ganlens.subject import Subject


def changed(probe: Probe) -> dict[str, Any]:
    """Return the settings that differ from their defaults, in the order of the fields."""
    return {
        f.name: getattr(probe, f.name)
        for f in fields(probe)  # type: ignore[arg-type]
        if getattr(probe, f.name) != default(f)
    }


def default(field: Any) -> Any:
    """Return the default of a setting, a dataclass field."""
    return field.default_factory() if field.default_factory is not MISSING else field.default


def command(
    name: str,
    probe: Probe,
    checkpoint: str,
    data: str | None = None,
    subject: "Subject | None" = None,
) -> str:
    """Return the shell command that runs a probe with the same settings.

    Args:
        name: the probe's key in PROBES.
        probe: its settings; those at their default are left out.
        checkpoint: path or name, as for ``ganlens.load``.
        data: a data SPEC, or None for a probe that runs without.
        subject: the model as it was opened: its condition, and the pictures that it was given.
    """
    words = ["ganlens", name, checkpoint] + (
        ["--data", data] if data and probe.needs().data != "no" else []
    )
    known = {} if subject is None else subject.provenance
    words += ["--condition", known["condition"]] if "condition" in known else []
    words += ["--sources", known["sources"]["spec"]] if "sources" in known else []
    for key, value in changed(probe).items():
        words += _flag(key.replace("_", "-"), value)
    return shlex.join([*words, *trust_words()])


def again(finding: "Finding", checkpoint: str, data: "ImageSet | None", subject: "Subject") -> str:
    """Return the command that gives a finding once more."""
    spec = data.spec if data is not None else None
    return command(finding.name, finding.probe, checkpoint, spec, subject)


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, tuple | list):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}", str(value)]


def python_code(probe: Probe, checkpoint: str, data: str | None = None) -> str:
    """Return the Python lines that run a probe with the same settings."""
    kind = type(probe).__name__
    given = {k: str(v) if isinstance(v, PurePath) else v for k, v in changed(probe).items()}
    arguments = ", ".join(f"{key}={value!r}" for key, value in given.items())
    with_data = data is not None and probe.needs().data != "no"
    lines = [
        "import ganlens",
        f"from {type(probe).__module__} import {kind}",
        "",
        f"subject = ganlens.load({checkpoint!r}{_trust()})",
        *([f"data = ganlens.open_data({data!r})"] if with_data else []),
        f"result = {kind}({arguments}).run(subject{', data' if with_data else ''})",
        "print(result.summary())",
    ]
    return "\n".join(lines)


def _trust() -> str:
    now = trusted()
    module = f", module={now.module!r}" if now.module else ""
    return module + (", trust=True" if now.archives else "")


def purpose(probe: Probe | type[Probe]) -> str:
    """Return the sentence that says what a probe is for: the first line of its docstring."""
    return (
        (inspect.getdoc(probe if isinstance(probe, type) else type(probe)) or "")
        .split("\n\n")[0]
        .replace("\n", " ")
    )
