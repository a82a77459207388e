"""Subject: a loaded GAN, ready to be probed; and the ways to one."""

from ganlens.subject.opening import from_checkpoint, load, pick_device
from ganlens.subject.samples import Samples
from ganlens.subject.subject import Subject, pool_maps
from ganlens.subject.untrained import CALIBRATION

__all__ = [
    "CALIBRATION",
    "Samples",
    "Subject",
    "from_checkpoint",
    "load",
    "pick_device",
    "pool_maps",
]
