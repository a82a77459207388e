"""The text of sidecars and the lines in it, within stated bounds of memory."""

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import chain

from ganlens.data.boundary import readable
from ganlens.data.trees import Tree
from ganlens.errors import GanlensError

MAX_SIDECAR = 64 * 2**20  # bytes of one: 200,000 rows of 40 flags are 25 MB
MAX_CELLS = 10**7  # values of one table
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def sidecar_text(tree: Tree, name: str, spec: str) -> str:
    """Return the text of a sidecar.

    Raises:
        GanlensError: too large, unreadable, or not UTF-8 (or UTF-16 with its mark).
    """
    size = tree.sizes[name]
    if size > MAX_SIDECAR:
        raise GanlensError(
            f"{spec}: {name} cannot be read ({size:,} bytes: more than the limit of "
            f"{MAX_SIDECAR:,}): leave out columns, or the file"
        )
    with readable(f"{spec}: {name} cannot be read", "write it anew, or leave it out"):
        content = tree.read(name)
    try:
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # spreadsheets' "Unicode text"
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise GanlensError(f"{spec}: {name} cannot be read ({error}): save it as UTF-8") from error
    if not name.endswith(".csv") and text.count("[") + text.count("{") > MAX_CELLS // 2:
        raise GanlensError(  # an empty list of two bytes takes a hundred in memory
            f"{spec}: {name} cannot be read (more than {MAX_CELLS // 2:,} lists and objects): "
            "leave out what is not needed, or the file"
        )
    return text


def csv_lines(text: str, where: str) -> Iterator[list[str]]:
    """Yield the header and then every line, stripped; [] for an empty one."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=lambda sign: (first.count(sign), sign == ","))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        for line in reader:
            values = [value.strip() for value in line]
            if delimiter != ",":  # where a comma is no delimiter it may stand for the point
                values = [v.replace(",", ".") if DECIMAL_COMMA.fullmatch(v) else v for v in values]
            yield values
    except csv.Error as error:
        raise GanlensError(f"{where} is not a CSV file ({error}): write it anew") from error


def json_lines(text: str, where: str) -> Iterator[list[str]]:
    """Yield the keys of all lines and then their values; what is nested stays JSON."""
    keys = list(dict.fromkeys(chain.from_iterable(_objects(text, where))))
    yield keys
    for row in _objects(text, where):  # read twice: together they may be larger than memory
        yield [_cell(row.get(key)) for key in keys]


def _objects(text: str, where: str) -> Iterator[dict[str, object]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line, start = text[start:end].strip(), end + 1
        if not line:
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise GanlensError(f"{where} is not a file of JSON lines ({error}): mend it") from error
        if not isinstance(row, dict):
            raise GanlensError(f"{where} holds lines that are no JSON objects: mend it")
        yield row


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return value.strip() if isinstance(value, str) else json.dumps(value)
