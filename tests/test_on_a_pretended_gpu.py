"""Everything that runs on a device, on one that refuses what CUDA refuses; each file by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PRETENDED, ROOT

FILES = sorted(Path(__file__).parent.glob("test_pretended_gpu_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_on_the_device_is_a_mistake(file: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | {PRETENDED: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
