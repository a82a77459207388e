"""``ganlens check``: a first look at a checkpoint, and at what can be asked of it."""

from dataclasses import asdict

from ganlens.checking import check, which_probes
from ganlens.cli.flags import Checkpoint, Condition, Device, Force, Json, Sources
from ganlens.cli.opening import open_subject
from ganlens.cli.terminal import check_free, console, rows_table, write_json
from ganlens.probes import PROBES

WORDS = {True: "yes", False: "NO", None: ""}


def command(
    checkpoint: Checkpoint,
    condition: Condition = None,
    sources: Sources = None,
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> int:
    """Look at shapes, range, determinism, independence of the batch, dead outputs and collapse.

    Ends with exit code 1 where something is not as it should be.
    """
    check_free(json, force)
    subject = open_subject(checkpoint, device, condition=condition, sources=sources)
    found = check(subject)
    reasons = which_probes(subject, {name: probe() for name, probe in PROBES.items()})
    write_json(
        json,
        {
            "checkpoint": dict(subject.provenance),
            "checks": [asdict(one) for one in found],
            "probes": {name: {"runs": not why, "reason": why} for name, why in reasons.items()},
        },
    )
    screen = console(json)
    rows = [(one.name, WORDS[one.good], one.found) for one in found]
    screen.print(rows_table(f"Checking {subject.title}", ("", "good", "found"), rows))
    probes = [(name, "no" if why else "yes", why) for name, why in reasons.items()]
    screen.print("", rows_table("Probes, given data with labels", ("", "runs", "why not"), probes))
    return int(any(one.good is False for one in found))
