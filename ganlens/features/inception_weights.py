"""Inception's weight file: where it is, and fetching it.

Apart from the network, which takes torchvision and seconds to import.
"""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from ganlens.errors import GanlensError
from ganlens.features.weights import digest_prefix, hub_file
from ganlens.files import check_regular
from ganlens.places import expanded

# As torch_fidelity.feature_extractor_inceptionv3.URL_INCEPTION_V3 has it.
URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth"
)
INCEPTION_FILE = URL.rsplit("/", 1)[1]
DIGEST_PREFIX = digest_prefix(INCEPTION_FILE)  # of the file's sha256
TIMEOUT = 10  # seconds without an answer before a fetch is given up


def find_inception_weights(path: str | Path | None = None) -> Path:
    """Find the weights: the given file, or torch-fidelity's in torch's hub folder.

    Raises:
        GanlensError: not there; the message names the file and ``--inception-weights``.
    """
    place = expanded(path) if path else hub_file(INCEPTION_FILE)
    check_regular(place)
    if place.is_file():
        return place
    if path:
        raise GanlensError(
            f"Inception weights {str(path)!r} are not there: give the path of {INCEPTION_FILE} "
            "with --inception-weights, or choose --extractor discriminator"
        )
    raise GanlensError(
        f"Inception's weights, {INCEPTION_FILE}, are not in {place.parent}: fetch the file, give "
        "its path with --inception-weights, or choose --extractor discriminator"
    )


def fetch_inception_weights() -> Iterator[tuple[int, int]]:
    """Download torch-fidelity's file into torch's hub folder; yield (bytes done, bytes in all).

    It does not announce itself: the caller must say that 91 MiB are fetched.

    Raises:
        GanlensError: no network, or a file with another hash; nothing is left behind.
    """
    place = hub_file(INCEPTION_FILE)
    temporary = place.with_name(f".{place.name}.{uuid4().hex}.tmp")
    digest = hashlib.sha256()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as source:
            total = int(source.headers.get("Content-Length") or 0)
            with open(temporary, "wb") as file:
                while part := source.read(1 << 20):
                    digest.update(part)
                    yield file.write(part) and file.tell(), total
        if not digest.hexdigest().startswith(DIGEST_PREFIX):
            raise GanlensError(f"the fetched {INCEPTION_FILE} is damaged: try again")
        os.replace(temporary, place)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise GanlensError(
            f"Inception's weights, {INCEPTION_FILE}, could not be fetched ({reason}): give the "
            "path of the file with --inception-weights, or choose --extractor discriminator"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
