"""Runs: training with a folder to resume from, judged on held-out images as it goes."""

from ganlens.runs.card import machine
from ganlens.runs.events import Event, RunConfig
from ganlens.runs.folder import check_place, read_metrics
from ganlens.runs.judge import judge
from ganlens.runs.run import Run

__all__ = ["Event", "Run", "RunConfig", "check_place", "judge", "machine", "read_metrics"]
