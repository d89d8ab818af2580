"""From a file to a table: bare numbers with a description, annotated text, or a product of this program."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.supplementary.annotation import (
    annotation_of,
    describes_table,
    description_path,
    has_known_size,
    known_annotation,
    parse_yaml,
    read_description,
    says_content,
)
from converters.supplementary.checks import faults
from converters.supplementary.model import COLUMNS, Annotation, Content, Floats, SupplementaryTable
from converters.supplementary.names import check_ecsv, check_names
from converters.supplementary.numbers import column_names, parse_rows, read_text
from legacy.checksums import sha256_of
from legacy.errors import CorruptInputError, InputError

ECSV_MARK = b"# %ECSV"
_META = "meta"


@dataclass(frozen=True, slots=True)
class Source:
    """A table, and where its description was found.

    Parameters
    ----------
    table
        The table.
    described_by
        ``file beside it``, ``head of the file`` or ``built in``.
    description_sha256
        Checksum of a description that is a file of its own, else ``""``.
    """

    table: SupplementaryTable
    described_by: str
    description_sha256: str = ""


def looks_like(head: bytes, path: Path) -> bool:
    """Say if a text file is a supplementary table: only what says so itself, or is known to the byte."""
    if head.startswith(ECSV_MARK):
        return says_content(head)
    beside = description_path(path)
    try:
        if beside.is_file():
            with beside.open("rb") as stream:
                if describes_table(stream.read(1 << 16)):
                    return True
        size = path.stat().st_size
    except OSError:
        return False
    return has_known_size(size) and known_annotation(size, sha256_of(path)) is not None


def description_sha256(path: Path) -> str:
    """Return the checksum of the description beside a file, ``""`` without one."""
    beside = description_path(path)
    return sha256_of(beside) if beside.is_file() else ""


def read_source(path: Path) -> Source:
    """Read a table and its description.

    Parameters
    ----------
    path
        Annotated text (ECSV as this program writes it), or numbers whose description lies beside as
        ``<name>.yaml`` or is built in.

    Raises
    ------
    InputError
        There is no description, or it says something impossible.
    CorruptInputError
        The numbers are not what the description says.
    """
    text = read_text(path)
    if text.startswith(ECSV_MARK.decode()):
        head = _ecsv_head(path, text)
        annotation = annotation_of(path, _ecsv_meta(path, head))
        rows = parse_rows(path, text)
        check_ecsv(path, annotation.content, head, column_names(text, rows.shape[1]))
        table = SupplementaryTable(annotation, _columns(path, annotation, rows))
        return Source(sound(path, table), "head of the file")
    beside = description_path(path)
    if beside.is_file():
        annotation, found, checksum = read_description(beside), "file beside it", sha256_of(beside)
    else:
        known = known_annotation(path.stat().st_size, sha256_of(path))
        if known is None:
            raise InputError(
                path,
                "nothing says what these numbers are",
                expected=f"a description, {beside.name}, beside it",
                advice="write one: docs/supplementary.md says how",
            )
        annotation, found, checksum = known, "built in", ""
    rows = parse_rows(path, text)
    check_names(path, annotation.content, column_names(text, rows.shape[1]))
    table = SupplementaryTable(annotation, _from_numbers(path, annotation, rows))
    return Source(sound(path, table), found, checksum)


def table_of(path: Path, content: Mapping[str, Any]) -> SupplementaryTable:
    """Return the table in the group ``content`` of a JSON product; raises InputError."""
    annotation = annotation_of(path, {key: content[key] for key in ("content", "ktype", "origin") if key in content})
    names = [column.name for column in COLUMNS[annotation.content]]
    try:
        values = tuple(np.array([float(value) for value in content["data"][name]]) for name in names)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptInputError(path, "the table is not whole", where="content.data", found=repr(error)) from error
    return SupplementaryTable(annotation, values)


def sound(path: Path, table: SupplementaryTable) -> SupplementaryTable:
    """Return the table; raises CorruptInputError if it cannot be."""
    problem = next(faults(table), "")
    if problem:
        raise CorruptInputError(path, f"no possible {table.annotation.content.value} table", found=problem)
    return table


def _ecsv_head(path: Path, text: str) -> dict[str, Any]:
    lines = []
    for line in text.split("\n")[1:]:
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return parse_yaml(path, "\n".join(line for line in lines if line.rstrip() != "---"))


def _ecsv_meta(path: Path, head: Mapping[str, Any]) -> dict[str, Any]:
    meta = head.get(_META)
    if not isinstance(meta, dict):
        raise CorruptInputError(path, "the head has no mapping 'meta'", expected="what the table is, in YAML")
    header = meta.get("header", {})
    if not isinstance(header, dict):
        raise CorruptInputError(path, "the head's 'header' is no mapping")
    kept = {key: meta[key] for key in ("content", "ktype", "origin") if key in meta}
    return {**kept, **{str(key): value for key, value in header.items() if value != ""}}


def _columns(path: Path, annotation: Annotation, rows: Floats) -> tuple[Floats, ...]:
    names = [column.name for column in COLUMNS[annotation.content]]
    if rows.shape[1] != len(names):
        raise CorruptInputError(
            path, "another number of columns", expected=f"{', '.join(names)}", found=f"{rows.shape[1]} columns"
        )
    return tuple(np.ascontiguousarray(column) for column in rows.T)


def _from_numbers(path: Path, annotation: Annotation, rows: Floats) -> tuple[Floats, ...]:
    if annotation.content is Content.ACCEPTANCE:
        return _acceptance(path, annotation, rows)
    if annotation.content is Content.BACKGROUND:
        if 1 not in rows.shape:
            found = f"{rows.shape[0]} rows of {rows.shape[1]}"
            raise CorruptInputError(path, "no list of coefficients", expected="one row or one column", found=found)
        coefficients = rows.ravel()
        return np.arange(len(coefficients), dtype=np.float64), coefficients
    return _columns(path, annotation, rows)


def _acceptance(path: Path, annotation: Annotation, rows: Floats) -> tuple[Floats, ...]:
    try:
        indices = np.array(annotation.axes["spectral_index"])
        edges = np.array(annotation.axes["sin_declination_edges"])
    except KeyError as error:
        raise InputError(
            path,
            f"its description has no axes.{error.args[0]}",
            expected="spectral_index, one for each row, and declination_edges or sin_declination_edges, one more "
            "than there are columns",
        ) from None
    if rows.shape != (len(indices), len(edges) - 1):
        raise CorruptInputError(
            path,
            "another number of rows or columns than its description says",
            expected=f"{len(indices)} spectral indices x {len(edges) - 1} declination bins",
            found=f"{rows.shape[0]} x {rows.shape[1]}",
            advice="is the file cut? fetch it again",
        )
    count = len(edges) - 1
    return (
        np.repeat(indices, count),
        np.tile(edges[:-1], len(indices)),
        np.tile(edges[1:], len(indices)),
        rows.ravel(),
    )
