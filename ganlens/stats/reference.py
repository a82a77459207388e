"""Files of reference statistics, as pytorch-fid and clean-fid write them.

Both keep ``mu`` (d,) and ``sigma`` (d, d; divisor N - 1) in an npz; clean-fid, for its kernel
distance, also whole features: ``feats`` (N, d) in an npz. Neither says how many images the moments
are of, or which network made the features; ganlens writes that beside them, where their readers do
not look.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ganlens.arrays import read_arrays
from ganlens.errors import GanlensError
from ganlens.files import check_regular, write_bytes
from ganlens.stats.moments import mean_cov

MEAN, COV, COUNT, FEATURES = "mu", "sigma", "n", "feats"
ARGUMENTS = ("file", "allow_pickle")  # of numpy.savez: no names for an array
KINDS = "an npz with mu and sigma (pytorch-fid, clean-fid), an npz with feats, or an npy of (N, d)"


@dataclass(frozen=True)
class ReferenceMoments:
    """Mean and covariance of a reference set.

    Attributes:
        mean: (d,) float64.
        cov: (d, d) float64, divisor N - 1.
        n: how many images they are of; None where the file does not say.
        notes: what else the file says, such as the extractor's hash.
    """

    mean: np.ndarray
    cov: np.ndarray
    n: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def count(self, purpose: str) -> int:
        """Return n for a purpose that cannot do without. Raises GanlensError where it is None."""
        if self.n is None:
            raise GanlensError(
                f"{purpose} needs the number of images behind the reference, which its file does "
                "not say: give features or images, or a file written by ganlens"
            )
        return self.n


def read_moments(path: Path) -> ReferenceMoments:
    """Read reference moments, or features whose moments are then taken; no pickles.

    Args:
        path: an npz with ``mu`` and ``sigma``, an npz with ``feats``, or an npy of (N, d) features.

    Raises:
        GanlensError: no such file, none of these kinds, shapes that do not fit, NaN or infinity.
    """
    arrays = _arrays(path)
    if {MEAN, COV} <= set(arrays):
        return _moments(path, arrays)
    if FEATURES in arrays:
        features = _numbers(path, FEATURES, arrays[FEATURES])
        if features.ndim != 2:
            raise GanlensError(f"{path} holds features of shape {features.shape}: give (N, d)")
        return ReferenceMoments(*mean_cov(features), n=len(features))
    raise GanlensError(f"{path} holds {', '.join(arrays) or 'nothing'}: give {KINDS}")


def holds_moments(path: Path) -> bool:
    """Tell whether a file is an npz of ``mu`` and ``sigma``; an npz of images is not.

    Raises:
        GanlensError: a pipe, a socket or a device.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as file:
            return {f"{MEAN}.npy", f"{COV}.npy"} <= set(file.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def write_moments(path: Path, moments: ReferenceMoments) -> None:
    """Write moments as an npz that pytorch-fid and clean-fid read; n and the notes lie beside.

    Raises:
        GanlensError: a note under a name that has a meaning, shapes that do not fit, a full disk.
    """
    if taken := {MEAN, COV, COUNT, FEATURES, *ARGUMENTS} & set(moments.notes):
        raise GanlensError(f"a note named {', '.join(sorted(taken))}: choose another name")
    named = {MEAN: moments.mean, COV: moments.cov}
    _moments(path, named if moments.n is None else {**named, COUNT: np.array(moments.n)})
    count = {} if moments.n is None else {COUNT: np.int64(moments.n)}
    notes = {key: np.array(str(value)) for key, value in moments.notes.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **named, **count, **notes)
    write_bytes(path, buffer.getvalue())


def _arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        raise GanlensError(f"no file {path}: give {KINDS}")
    found = read_arrays(path, f"give {KINDS}")
    return {name or FEATURES: array for name, array in found.items()}


def _moments(path: Path, arrays: Mapping[str, np.ndarray]) -> ReferenceMoments:
    mean, cov = (_numbers(path, key, arrays[key]) for key in (MEAN, COV))
    if mean.ndim != 1 or not len(mean) or cov.shape != (len(mean), len(mean)):
        raise GanlensError(
            f"{path}: mu of shape {mean.shape} with sigma of shape {cov.shape}: "
            "they must be (d,) and (d, d)"
        )
    notes = {
        key: str(array)
        for key, array in arrays.items()
        if array.ndim == 0 and array.dtype.kind == "U"
    }
    return ReferenceMoments(mean, cov, _count(path, arrays.get(COUNT)), notes)


def _numbers(path: Path, key: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise GanlensError(f"{path}: {key} is of type {array.dtype}: it must be real numbers")
    if not np.isfinite(array).all():
        raise GanlensError(f"{path}: {key} holds NaN or infinity: make the file anew")
    return array.astype(np.float64)


def _count(path: Path, array: np.ndarray | None) -> int | None:
    if array is None:
        return None
    if array.shape or array.dtype.kind not in "iu" or array < 2:
        raise GanlensError(f"{path}: n is {array}: it must be a whole number of at least 2")
    return int(array)
