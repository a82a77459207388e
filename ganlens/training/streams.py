"""Random draws keyed by (seed, purpose, step): a resumed run needs no saved random state."""

import hashlib


def stream(seed: int, purpose: str, step: int) -> int:
    """Return the seed of one purpose at one step; equal arguments give equal draws anywhere."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
