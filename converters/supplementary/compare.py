"""A product against its source: both are read here a second way, without numpy and without the first parser."""

import csv
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from converters.auxiliary.contract import Checked, Document
from legacy.errors import CorruptInputError

_MOST_PROBLEMS = 20


def compare_product(path: Path, document: Document, source: Path) -> Checked:
    """Compare every number of a product with the source.

    Parameters
    ----------
    path
        The product.
    document
        Its description.
    source
        The source; its SHA-256 has been compared already.

    Raises
    ------
    CorruptInputError
        The product cannot be read.
    """
    rows = _product_rows(path, document)
    numbers = list(_numbers(source))
    kind, annotated = document["content"]["content"], source.read_bytes().startswith(b"# %ECSV")
    remarks: tuple[str, ...] = ()
    if annotated or kind in ("effective-area", "psf"):
        found = list(itertools.chain.from_iterable(rows))
    elif kind == "background":
        found = [row[-1] for row in rows]
        if [row[0] for row in rows] != list(range(len(rows))):
            return Checked(("the powers are not 0, 1, 2 ...",))
    else:
        found = [row[-1] for row in rows]
        remarks = ("spectral indices and declinations come from the description, not from the source",)
    if len(found) != len(numbers):
        return Checked((f"the product has {len(found)} numbers, the source {len(numbers)}",))
    problems = [
        f"number {place}: the product has {have!r}, the source {want!r}"
        for place, (have, want) in enumerate(zip(found, numbers, strict=True), start=1)
        if have != want
    ]
    return Checked(tuple(problems[:_MOST_PROBLEMS]), len(numbers), remarks)


def _product_rows(path: Path, document: Document) -> list[list[float]]:
    names = [parameter["name"] for parameter in document["parameters"]]
    try:
        text = path.read_text(encoding="utf-8")
        if document["product"] == "json":
            data = json.loads(text)["content"]["data"]
            return [list(map(float, row)) for row in zip(*(data[name] for name in names), strict=True)]
        lines = itertools.dropwhile(lambda line: line.startswith("#"), text.splitlines())
        return [[float(row[name]) for name in names] for row in csv.DictReader(lines)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptInputError(path, "the table cannot be read", found=repr(error)) from error


def _numbers(source: Path) -> Iterator[float]:
    for line in source.read_text(encoding="utf-8-sig").splitlines():
        if line.lstrip().startswith("#"):
            continue
        cells = line.replace(",", " ").replace(";", " ").split()
        try:
            yield from [float(cell) for cell in cells]
        except ValueError:
            continue  # the names of the columns
