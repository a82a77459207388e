"""Kinds of files by their names and first bytes: pictures, sidecars, litter, and the rest."""

import unicodedata
from posixpath import splitext

IMAGE_EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jpe", ".jif", ".apng", ".dib", ".tga", ".avif"),
    *(".jp2", ".j2k", ".jpx", ".qoi", ".ico", ".pcx"),
)
# Images that Pillow does not read here: listed as skipped, because their owner counts on them.
UNREAD_EXTENSIONS = (
    *(".heic", ".heif", ".jxl", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf"),
    *(".rw2", ".raf", ".raw", ".exr", ".hdr", ".eps", ".ai", ".xcf", ".dcm", ".nii"),
)
# What is no picture, and need not be opened to know it.
_OTHER_EXTENSIONS = (
    ".txt .md .rst .csv .tsv .json .jsonl .xml .yaml .yml .toml .html .htm .pdf .doc .docx .xls "
    ".xlsx .ppt .pptx .py .pyc .ipynb .sh .bat .m .r .c .h .cpp .js .css .log .cfg .ini .db "
    ".sqlite .lmdb .mdb .npy .npz .pkl .pickle .pt .pth .ckpt .safetensors .h5 .hdf5 .mat .parquet "
    ".arrow .feather .tfrecord .tfrecords .zip .tar .gz .tgz .bz2 .xz .zst .7z .rar .mp4 "
    ".avi .mov .mkv "
    ".webm .wav .mp3 .flac .exe .dll .so .lnk .url .license .sha256 .md5 .lock .aux "
    ".bib .tex"
)
OTHER_EXTENSIONS = frozenset(_OTHER_EXTENSIONS.split())
# Names without an extension that everybody knows.
_OTHER_NAMES = (
    "readme license licence copying makefile changelog authors notice citation version dockerfile "
    "checksums md5sums sha1sums sha256sums md5sum sha256sum _success done complete"
)
OTHER_NAMES = frozenset(_OTHER_NAMES.split())
TABLES = ("attributes.csv", "metadata.csv", "metadata.jsonl")
TABLE_EXTENSIONS = (".csv", ".tsv", ".jsonl")
# Where attributes and classes come from, as every error that misses them says it.
A_TABLE = f"a table beside the images ({', '.join(TABLES[:-1])} or {TABLES[-1]})"
LABELS_OR_A_TABLE = f"class folders, a dataset.json, labels in an .npz, or {A_TABLE}"
SIDECARS = (*TABLES, "dataset.json")
# What systems, network drives and tools leave behind, in lower case; names with a dot first too.
_LITTER = (
    "__macosx thumbs.db ehthumbs.db ehthumbs_vista.db desktop.ini @eadir @tmp #recycle #snapshot "
    "@recycle @recently-snapshot $recycle.bin lost+found __pycache__ icon\r "
    "synology@eadir @sharebin @sharesnap @__thumb"
)
LITTER = frozenset(_LITTER.split(" ")) | {
    "system volume information",
    "network trash folder",
    "temporary items",
    "found.000",
}
LITTER_BEGINNINGS = (".", "~$", "synophoto_", "synoindex_")
HEAD = 32  # bytes that tell what a picture is
MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"qoif", b"II+\0")
BRANDS = (b"avif", b"avis", b"jp2 ", b"jpx ", b"heic", b"heix", b"mif1", b"msf1", b"heim", b"hevc")


def is_litter(name: str) -> bool:
    """Whether a file or folder, by its own name, is what a system or tool left behind."""
    lower = name.lower()
    return lower in LITTER or lower.startswith(LITTER_BEGINNINGS)


def composed(name: str) -> str:
    """Return a name in NFC: macOS writes letters and accents apart, others do not."""
    return unicodedata.normalize("NFC", name)


def extension(name: str) -> str:
    """Return a file's extension in lower case with its dot, or ""."""
    return splitext(name)[1].lower()


def is_image(name: str) -> bool:
    """Whether the extension is one of IMAGE_EXTENSIONS."""
    return extension(name) in IMAGE_EXTENSIONS


def is_other(name: str) -> bool:
    """Whether the name alone says that a file is no picture and no sidecar."""
    last = name.rpartition("/")[2]
    known = extension(name) in OTHER_EXTENSIONS or last.lower() in OTHER_NAMES
    return known and last not in SIDECARS


def is_wanted(name: str) -> bool:
    """Whether a file may matter: not litter in any part of its path, not known as another kind."""
    parts = name.split("/")  # pathlib is too slow for a million names
    if any(part not in (".", "..") and is_litter(part) for part in parts if part):
        return False
    return not is_other(name)


def looks_like_image(head: bytes) -> bool:
    """Whether a file's first HEAD bytes are those of a picture."""
    if head.startswith(MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    if head[4:8] == b"ftyp" and head[8:12] in BRANDS:
        return True
    if head.startswith((b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51")):  # JPEG 2000
        return True
    return head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()
