"""Opening what a command is about: a checkpoint, and images under a progress bar."""

from typing import TYPE_CHECKING, Any

from ganlens.cli.terminal import follow, note

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

SKIPPED_SHOWN = 5


def open_subject(checkpoint: str, device: str) -> "Subject":
    """Load a checkpoint by path or shipped name."""
    from ganlens.subject import load

    return load(checkpoint, device=device)


def open_images(spec: str, subject: "Subject") -> "ImageSet":
    """Open data at the size and channels of a subject's images; say what was left out."""
    channels, size, _ = subject.image_shape
    data = decode(spec, size=size, channels=channels)
    say_skipped(data)
    return data


def decode(spec: str, **options: Any) -> "ImageSet":
    """Do what ``open_data`` does, under a bar while images are decoded for the first time."""
    from ganlens.data import open_steps

    return follow(open_steps(spec, **options))


def say_skipped(data: "ImageSet") -> None:
    """Say which files were left out, and why."""
    if not data.skipped:
        return
    count, shown = len(data.skipped), data.skipped[:SKIPPED_SHOWN]
    names = ", ".join(f"{skip.name} ({skip.reason})" for skip in shown)
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    note(f"left out {count} of {len(data) + count} files: {names}{more}")
