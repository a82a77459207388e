"""Budgets of memory that threads share: who needs more than is left waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """A number of bytes that may be in use at once.

    Args:
        limit: bytes. Who needs more than all of it is let in alone.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Wait until ``amount`` bytes are free, and hold them while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self.used or self.used + amount <= self.limit)
            self.used += amount
        try:
            yield
        finally:
            with self._changed:
                self.used -= amount
                self._changed.notify_all()


# Together under 2 GiB with what the largest image of each takes. FILES is always held before
# PIXELS, never the other way round, so nobody waits for one that waits for him.
FILES = Budget(384 * 2**20)  # encoded files
PIXELS = Budget(2**30)  # their decoded pixels
BYTES_PER_PIXEL = 12  # of an image as stored (4), upright (4) and cropped (4)
