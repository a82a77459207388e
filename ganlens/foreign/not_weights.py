"""What lies under the name of a checkpoint and is none: said in one sentence."""

from pathlib import Path

from ganlens.errors import GanlensError

_LOOKED_AT = 512
_KINDS = {
    b"\x89HDF\r\n": "an HDF5 file, as Keras writes, of which no layout is read: save the weights"
                    " as safetensors under the names of a PyTorch module",
    b"\x1f\x8b": "packed with gzip: unpack it first",
    b"BZh": "packed with bzip2: unpack it first",
    b"\xfd7zXZ": "packed with xz: unpack it first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it first",
    b"\x93NUMPY": "one array of numpy: give safetensors or a file of torch.save",
    b"\x89PNG": "a PNG picture: give the file of weights",
    b"\xff\xd8\xff": "a JPEG picture: give the file of weights",
    b"GIF8": "a GIF picture: give the file of weights",
    b"%PDF": "a PDF document: give the file of weights",
    b"GGUF": "a GGUF file of a language model: give safetensors or a file of torch.save",
}  # fmt: skip


def refusal(file: Path) -> GanlensError:
    """Return what is to be said of a file that no reader takes.

    Args:
        file: one that is neither safetensors, nor a zip, nor a pickle.
    """
    with open(file, "rb") as opened:
        start = opened.read(_LOOKED_AT)
    return GanlensError(f"{file} {_described(start, file.stat().st_size)}")


def _described(start: bytes, size: int) -> str:
    if not size:
        return "is empty, 0 bytes: download or copy it again"
    if not start.strip(b"\0"):
        return f"begins with {len(start)} zero bytes, a copy that was cut short: copy it again"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"version https://git-lfs"):
        return (
            f"is a pointer of Git LFS of {size:,} bytes, not the weights that it points to: run"
            " `git lfs pull` where it was cloned, or download the file itself"
        )
    lower = text.lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")):
        return (
            "is a web page and no weights, often a server's message about the download: open it in"
            " a browser to read it, and download the file itself"
        )
    for magic, what in _KINDS.items():
        if start.startswith(magic):
            return f"is {what}"
    if start[257:262] == b"ustar":
        return "is a tar archive: unpack it first"
    if text[:1] in b"{[" or _is_text(start):
        return (
            f"is a text of {size:,} bytes that begins {_quoted(text)}, and no weights: download"
            " the file itself"
        )
    return (
        "is no checkpoint that ganlens knows: give safetensors, a file of torch.save,"
        " an archive, or Theano's .jl beside its .npy files"
    )


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:  # else a character is cut at the end
            return False
        text = start[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\t\r\n\f" for c in text)


def _quoted(text: bytes) -> str:
    line = text.decode("utf-8", "replace").splitlines()[0][:40] if text.strip() else ""
    return repr(line)
