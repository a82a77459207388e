"""Reference files that pytorch-fid and clean-fid read and write."""

import numpy as np
import pytest

from ganlens import stats
from ganlens.errors import GanlensError


def features(seed, n=50):
    return np.random.default_rng(seed).normal(size=(n, 8))


def moments(seed, **more):
    return stats.ReferenceMoments(*stats.mean_cov(features(seed)), **more)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "new" / "a.npz"
    stats.write_moments(path, moments(1, n=50, notes={"extractor": "pixels", "hash": "ab12"}))
    again = stats.read_moments(path)
    np.testing.assert_array_equal(again.mean, moments(1).mean)
    np.testing.assert_array_equal(again.cov, moments(1).cov)
    assert (again.n, dict(again.notes)) == (50, {"extractor": "pixels", "hash": "ab12"})
    assert again.count("FD infinity") == 50


def test_pytorch_fid_reads_them_and_finds_the_same_distance(tmp_path, monkeypatch):
    from pytorch_fid import fid_score

    paths = [str(tmp_path / f"{seed}.npz") for seed in (1, 2)]
    for path, seed in zip(paths, (1, 2), strict=True):
        stats.write_moments(path_of(path), moments(seed, n=50, notes={"extractor": "pixels"}))
    loaded = [fid_score.compute_statistics_of_path(p, None, 1, 8, "cpu") for p in paths]
    expected = stats.frechet_distance_from_features(features(1), features(2))
    (mean_a, cov_a), (mean_b, cov_b) = loaded
    with np.errstate(all="ignore"):
        theirs = _without_disp(monkeypatch, fid_score)(mean_a, cov_a, mean_b, cov_b)
    assert expected == pytest.approx(theirs, rel=1e-6)


def path_of(text):
    from pathlib import Path

    return Path(text)


def _without_disp(monkeypatch, fid_score):
    """Return pytorch-fid's own function; it passes ``disp``, which newer scipy has no more."""
    root = fid_score.linalg.sqrtm
    monkeypatch.setattr(fid_score.linalg, "sqrtm", lambda m, disp=True: (root(m), 0.0))
    return fid_score.calculate_frechet_distance


def test_a_file_of_pytorch_fid_has_no_n(tmp_path):
    path = tmp_path / "theirs.npz"
    mean, cov = stats.mean_cov(features(3))
    np.savez_compressed(path, mu=mean.astype(np.float32), sigma=cov)  # clean-fid's mean is float32
    found = stats.read_moments(path)
    assert found.n is None
    assert found.mean.dtype == found.cov.dtype == np.float64
    with pytest.raises(GanlensError, match="FD infinity needs the number of images"):
        found.count("FD infinity")


def test_features_are_read_too(tmp_path):
    x = features(4).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x_kid.npz", feats=x)  # as clean-fid's
    for name in ("x.npy", "x_kid.npz"):
        found = stats.read_moments(tmp_path / name)
        np.testing.assert_array_equal(found.cov, stats.mean_cov(x)[1])
        assert found.n == 50


def savez(**arrays):
    return lambda path: np.savez(path, **arrays)


EYE, ZERO = np.eye(3), np.zeros(3)
WRONG = {
    "other keys": (savez(mean=ZERO), "holds mean: give an npz with mu and sigma"),
    "shapes": (savez(mu=ZERO, sigma=np.eye(4)), r"\(3,\) with sigma of shape \(4, 4\)"),
    "NaN": (savez(mu=ZERO * np.nan, sigma=EYE), "mu holds NaN"),
    "text": (savez(mu=np.array(["a"] * 3), sigma=EYE), "real numbers"),
    "pickle": (savez(mu=np.array([{}], dtype=object), sigma=EYE), "cannot be read"),
    "bad n": (savez(mu=ZERO, sigma=EYE, n=np.array([1, 2])), "whole number of at least 2"),
    "one dimension": (savez(feats=np.zeros(5)), r"shape \(5,\): give \(N, d\)"),
    "no npz": (lambda path: path.write_bytes(b"PK\x03\x04 cut off"), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_named_in_a_line(case, tmp_path):
    make, message = WRONG[case]
    make(tmp_path / "bad.npz")
    with pytest.raises(GanlensError, match=message) as caught:
        stats.read_moments(tmp_path / "bad.npz")
    assert "bad.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_taken_note_are_named(tmp_path):
    with pytest.raises(GanlensError, match="no file"):
        stats.read_moments(tmp_path / "none.npz")
    with pytest.raises(GanlensError, match="a note named mu"):
        stats.write_moments(tmp_path / "a.npz", moments(1, notes={"mu": "x"}))
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    for bad in (moments(1, n=1), moments(1, n=50, notes={"file": "x"})):
        with pytest.raises(GanlensError):
            stats.write_moments(tmp_path / "a.npz", bad)
    assert not list(tmp_path.iterdir())
