"""Run a probe for a visitor: on networks of its own, under a bar, with the result stored."""

import time
from typing import TYPE_CHECKING

from roles import check_pictures
from store import Stored, own_copy, result_key, shelf
from working import under_a_bar

from ganlens.probes.base import Probe
from ganlens.replay import signed

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


def run_probe(name: str, probe: Probe, subject: "Subject", data: "ImageSet | None") -> Stored:
    """Run a probe and put what it found on the shelf.

    Raises:
        GanlensError: the probe cannot run.
    """
    check_pictures(probe, subject)
    checkpoint = subject.provenance.get("hash")
    start = time.perf_counter()
    # A page may run a probe on several checkpoints in one go, and each has a Stop of its own.
    result = under_a_bar(probe.steps(own_copy(subject), data), f"{name}-stop-{checkpoint}")
    seconds = time.perf_counter() - start
    stored = Stored(
        name=name,
        probe=probe,
        checkpoint=checkpoint,
        data=data.fingerprint if data is not None else None,
        result=result,
        panels=signed(result.panels(), name, probe, subject, data),
        seconds=seconds,
    )
    shelf().put(result_key(name, probe, subject, data), stored)
    return stored
