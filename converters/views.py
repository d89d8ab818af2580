"""Existing products of either kind, seen alike: tables in blocks, and what the product says about itself."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np

from converters.layout import EVENTS_TABLE, PROVENANCE_TABLE
from converters.opened import open_product
from legacy.errors import CorruptInputError, InputError
from legacy.model import ColumnSpec, StructuredArray, TableSpec

_BLOCK_ROWS = 20_000
_FIELD = "FIELD_{}_{}"


class ProductView(Protocol):
    """A product that is open for reading."""

    @property
    def tables(self) -> Mapping[str, TableSpec]:
        """Specs of its tables by path, as the file itself describes them."""
        ...

    @property
    def about(self) -> Mapping[str, str]:
        """``kid``, ``data_model_version`` and the last step of its provenance, as text."""
        ...

    @property
    def whole(self) -> bool:
        """True if the product holds all tables of its source, False if only ``/events``."""
        ...

    def blocks(self, path: str) -> Iterator[StructuredArray]:
        """Yield the rows of a table, some ten thousand at a time."""
        ...


@contextmanager
def open_view(path: Path) -> Iterator[ProductView]:
    """Open a product of any kind.

    Raises
    ------
    InputError
        Missing or no product.
    CorruptInputError
        Damaged.
    """
    if path.name.endswith(".csv"):
        yield CsvView(path)
        return
    with open_product(path) as file:
        yield Hdf5View(path, file)


class Hdf5View:
    """A level-3 HDF5 file.

    Parameters
    ----------
    path
        Its name, for messages.
    file
        The open h5py.File.
    """

    whole = True

    def __init__(self, path: Path, file: Any) -> None:
        self._path = path
        self._file = file
        self.tables: dict[str, TableSpec] = {}
        file.visititems(self._note)
        self.about = self._about()

    def _note(self, name: str, item: Any) -> None:
        names = getattr(getattr(item, "dtype", None), "names", None)
        if names is None:
            return
        columns = []
        for number, column in enumerate(names):
            texts = {key: _text(item.attrs.get(_FIELD.format(number, key), b"")) for key in ("UNIT", "DOC", "UCD")}
            dtype = item.dtype[column].str.lstrip("<|")
            columns.append(ColumnSpec(column, dtype, texts["UNIT"], texts["DOC"], texts["UCD"]))
        self.tables[f"/{name}"] = TableSpec(f"/{name}", tuple(columns), _text(item.attrs.get("TITLE", b"")))

    def _about(self) -> dict[str, str]:
        found = {name: _text(value) for name, value in self._file.attrs.items() if isinstance(value, bytes)}
        if PROVENANCE_TABLE.path in self.tables and len(self._file[PROVENANCE_TABLE.path]):
            row = self._file[PROVENANCE_TABLE.path][-1]
            found |= {name: _text(row[name]) for name in row.dtype.names}
        return found

    def blocks(self, path: str) -> Iterator[StructuredArray]:
        """Yield the rows of a table; raises CorruptInputError where the file is damaged."""
        dataset = self._file[path]
        try:
            for start in range(0, dataset.shape[0], _BLOCK_ROWS):
                yield dataset[start : start + _BLOCK_ROWS]
        except OSError as error:
            raise CorruptInputError(self._path, "damaged HDF5 file", where=f"table {path}", found=str(error)) from error


@dataclass(slots=True)
class CsvView:
    """A CSV product with its metadata file; only ``/events`` is in it.

    Parameters
    ----------
    path
        The CSV file.
    """

    path: Path
    tables: dict[str, TableSpec] = field(init=False)
    about: dict[str, str] = field(init=False)
    whole: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        meta = self.path.with_name(self.path.name + ".meta.json")
        try:
            content = json.loads(meta.read_text(encoding="utf-8"))
            columns = tuple(
                ColumnSpec(item["name"], item["dtype"], item["unit"], item["description"], item["ucd"])
                for item in content["parameters"]
            )
            step = content["provenance"]["steps"][-1]
            version = content["data_taking"]["data_model_version"]
            kid = content["provenance"]["kid"]
        except OSError as error:
            raise InputError(
                meta,
                f"cannot be read ({error.strerror})",
                expected="the metadata file beside the CSV product",
            ) from error
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise CorruptInputError(meta, "no metadata file of this program", found=repr(error)) from error
        self.tables = {EVENTS_TABLE.path: TableSpec(EVENTS_TABLE.path, columns)}
        self.about = {"kid": kid, "data_model_version": version, **{k: str(v) for k, v in step.items()}}

    def blocks(self, path: str) -> Iterator[StructuredArray]:
        """Yield the rows of ``/events``.

        Raises
        ------
        InputError
            The file is missing.
        CorruptInputError
            Its header line or a value does not agree with the metadata.
        """
        try:
            with self.path.open(encoding="utf-8", newline="") as stream:
                yield from self._rows(stream, self.tables[path])
        except OSError as error:
            raise InputError(self.path, f"cannot be read ({error.strerror})", advice="check the name") from error

    def _rows(self, stream: TextIO, spec: TableSpec) -> Iterator[StructuredArray]:
        reader = csv.reader(stream)
        names = [column.name for column in spec.columns]
        if next(reader, []) != names:
            raise CorruptInputError(self.path, "another header line than its metadata say", where="line 1")
        rows: list[tuple[object, ...]] = []
        for cells in reader:
            try:
                rows.append(tuple(_value(c, text) for c, text in zip(spec.columns, cells, strict=True)))
            except ValueError as error:
                where = f"line {reader.line_num}"
                raise CorruptInputError(self.path, "not a row of the table", where=where, found=str(error)) from None
            if len(rows) == _BLOCK_ROWS:
                yield np.array(rows, dtype=spec.dtype)
                rows = []
        if rows:
            yield np.array(rows, dtype=spec.dtype)


def _value(column: ColumnSpec, text: str) -> object:
    if text == "":
        return column.missing
    kind = np.dtype(column.dtype).kind
    if kind == "S":
        return text.encode("latin-1")
    return float(text) if kind == "f" else int(text)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
