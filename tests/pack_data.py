"""Packs the embedded data sets: ``python tests/pack_data.py FOLDER`` rewrites ganlens/assets.

FOLDER holds pixelfaces.zip, pixelfaces-pairs.zip, mnist10k-train.zip and mnist10k-test.zip, as
ganlens/assets/README.md says where from. Equal input gives equal files, byte for byte, with one
version of liblzma.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

ASSETS = Path(__file__).resolve().parents[1] / "ganlens" / "assets"
WHEN = (2020, 1, 1, 0, 0, 0)

Table = list[dict[str, str]]


def pack(path: Path, images: Mapping[str, np.ndarray], table: Table | None = None) -> None:
    """Write images by name, (H, W) or (H, W, 3) uint8 of one shape, as PackedTree reads them."""
    names, array, text = sorted(images), io.BytesIO(), io.StringIO(newline="")
    np.save(array, np.stack([images[name] for name in names]))
    files = {"images.npy": array.getvalue(), "names.txt": "\n".join(names).encode()}
    if table:
        writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        files["attributes.csv"] = text.getvalue().encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, WHEN), content, zipfile.ZIP_LZMA)


def read(path: Path, mode: str) -> tuple[dict[str, np.ndarray], dict[str, Table]]:
    """Return the images of a zip and its tables, by name."""
    images, tables = {}, {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".csv"):
                tables[name] = list(csv.DictReader(io.StringIO(content.decode())))
            else:
                images[name] = np.asarray(Image.open(io.BytesIO(content)).convert(mode))
    return images, tables


def full_table(pairs: Table, faces: Table) -> Table:
    """Give each counterfactual every attribute of its original but the changed one."""
    known = {row["filename"]: row for row in faces}
    return [
        {
            **pair,
            **known[pair["of"]],
            "filename": pair["filename"],
            pair["attribute"]: pair["value"],
        }
        for pair in pairs
    ]


def main(folder: Path) -> None:
    """Write the three assets."""
    images, tables = read(folder / "pixelfaces.zip", "RGB")
    faces = tables["attributes.csv"]
    pack(ASSETS / "pixelfaces.zip", images, faces)
    images, tables = read(folder / "pixelfaces-pairs.zip", "RGB")
    pack(ASSETS / "pixelfaces-pairs.zip", images, full_table(tables["pairs.csv"], faces))
    digits = {
        f"{split}/{name}": pixels
        for split in ("train", "test")
        for name, pixels in read(folder / f"mnist10k-{split}.zip", "L")[0].items()
    }
    pack(ASSETS / "mnist10k.zip", digits)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
