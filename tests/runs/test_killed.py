"""What a killed run leaves behind is no hindrance, and its lines are those of one left alone."""

from pathlib import Path
from uuid import uuid4

import pytest
from test_run import images, make_run  # noqa: F401 (a fixture)

from ganlens.errors import GanlensError
from ganlens.files import remove_leftovers
from ganlens.runs.folder import check_place, read_metrics


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
