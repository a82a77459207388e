"""A run that is killed while it writes ends as one that was left alone, and leaves nothing."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from test_run import images, make_run  # noqa: F401 (a fixture)

from ganlens.errors import GanlensError
from ganlens.files import remove_leftovers
from ganlens.runs.folder import check_place, read_metrics

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("seed", [0, 1])
def test_killed_at_every_kind_of_moment(seed: int) -> None:
    words = [sys.executable, str(KILLS), "--kills", "12", "--seed", str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout or "{}")
    assert found.pop("kills", 0) >= 12, done.stderr
    assert found.pop("runs") > 1
    assert found == {"failed": 0, "different": [], "left": 0}, done.stderr


def test_a_folder_of_nothing_but_a_leftover_is_free(tmp_path: Path) -> None:
    left = tmp_path / f".run.json.{uuid4().hex}.tmp"
    left.write_text("{")
    check_place(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(GanlensError, match="holds other files"):
        check_place(tmp_path)
    assert left.exists(), "in a folder of somebody else nothing is touched"
    remove_leftovers(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("stop_at", [1, 3, 5, 7, 10])
def test_lines_after_a_resume_average_over_all_their_steps(
    images: Path,  # noqa: F811
    tmp_path: Path,
    stop_at: int,
) -> None:
    def lines(name: str) -> list[dict[str, object]]:
        rows = read_metrics(tmp_path / name)
        return [{k: v for k, v in row.items() if "second" not in k} for row in rows]

    for name in ("alone", "stopped"):
        run = make_run(tmp_path / name, images)
        object.__setattr__(run.config, "log_every", 4)
        list(run.events(lambda run=run, name=name: name != "alone" and run.trainer.step == stop_at))
    again = make_run(tmp_path / "stopped", images)
    object.__setattr__(again.config, "log_every", 4)
    assert len(again.pending) == stop_at % 4
    assert len(again.diagnostics.recent) == stop_at
    list(again.events())
    assert lines("stopped") == lines("alone")
    assert again.diagnostics.early.keys() >= {"d_loss", "g_loss"}
    assert {len(values) for values in again.diagnostics.early.values()} == {22}
