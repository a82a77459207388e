"""Subject: a loaded model, ready to be probed; and the ways to one."""

from ganlens.subject.opening import from_checkpoint, load
from ganlens.subject.running import is_conditional, pool_maps
from ganlens.subject.samples import Samples
from ganlens.subject.subject import Subject
from ganlens.subject.untrained import CALIBRATION

__all__ = [
    "CALIBRATION",
    "Samples",
    "Subject",
    "from_checkpoint",
    "is_conditional",
    "load",
    "pool_maps",
]
