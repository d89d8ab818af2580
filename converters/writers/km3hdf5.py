"""The level-3 HDF5 file, written with h5py.

Layout: docs/level3.md. It follows the km3pipe HDF5 format, with the attributes that PyTables gives its own
tables, so that h5py, PyTables, pandas and km3pipe's HDF5Pump all open it. gzip is the only compression: any
HDF5 library reads it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from converters.layout import ABOUT, DATA_MODEL_VERSION, KM3PIPE_FORMAT_VERSION, PROVENANCE_TABLE
from converters.product import Product
from converters.summary import FACTS
from converters.writers.prov_file import prov_path, prov_text
from converters.writers.steady_file import SteadyFile, held_signals
from legacy import __version__
from legacy.atomic import atomic_files
from legacy.model import TableStream

_CHUNK_BYTES = 256 << 10
_GZIP_LEVEL = 1
"""Random doubles gain nothing from a higher level, and it costs three times the CPU."""


class Km3Hdf5Writer:
    """Writes ``<stem>.l3.h5`` and the provenance file beside it."""

    def companions(self, target: Path) -> tuple[Path, ...]:
        """Return the name of the provenance file."""
        return (prov_path(target),)

    def write(self, product: Product, target: Path) -> None:
        """Write the file and its provenance in one step.

        Raises
        ------
        OSError
            The disk is full, or the folder cannot be written to.
        """
        # The oldest file format of the library: the widest range of readers for the longest time.
        oldest = ("earliest", "v108")
        with atomic_files(prov_path(target), target) as (prov, part):
            prov.write_text(prov_text(product, target), encoding="utf-8")
            with (
                held_signals() as held,
                SteadyFile(part) as steady,
                h5py.File(steady, "w", libver=oldest) as file,
            ):
                _set_attributes(file, _root_attributes(product))
                for table in product.tables:
                    for _ in _written_table(file, table):
                        steady.check()
                        held.check()

    def made_from(self, target: Path) -> Mapping[str, str] | None:
        """Return the last row of ``/provenance`` and the facts of an existing file, None if it has none."""
        try:
            with h5py.File(target, "r") as file:
                row = file[PROVENANCE_TABLE.path][-1]
                found = {name: row[name].decode() for name in row.dtype.names}
                found |= {name: bytes(file.attrs[name]).decode() for name in (*FACTS, "data_model_version")}
        except (OSError, KeyError, ValueError, IndexError, TypeError, AttributeError, RuntimeError):
            return None
        return found


def _root_attributes(product: Product) -> dict[str, str]:
    return {
        "CLASS": "GROUP",
        "PYTABLES_FORMAT_VERSION": "2.1",
        "TITLE": "KM3NeT",
        "VERSION": "1.0",
        "about": ABOUT,
        "format_version": KM3PIPE_FORMAT_VERSION,
        "kid": product.kid,
        "data_model_version": DATA_MODEL_VERSION,
        "antares_legacy": __version__,
        **product.facts,
    }


def _set_attributes(node: Any, attributes: Mapping[str, str]) -> None:
    """Give a new group or dataset its attributes; by h5py's lower level, since a product has thousands of them."""
    scalar = h5py.h5s.create(h5py.h5s.SCALAR)
    for name, text in attributes.items():
        # Fixed-width bytes: readers in C and old Fortran have no variable-length strings.
        value = np.asarray(text.encode())
        attribute = h5py.h5a.create(node.id, name.encode(), h5py.h5t.py_create(value.dtype, logical=True), scalar)
        attribute.write(value)


def _written_table(file: Any, table: TableStream) -> Iterator[None]:
    """Write a table; yields after each of its blocks."""
    spec = table.spec
    group = _group(file, spec.path.rpartition("/")[0])
    name = spec.path.rpartition("/")[2]
    options: dict[str, Any] = {}
    if table.rows:
        rows_per_chunk = max(1, min(table.rows, _CHUNK_BYTES // spec.dtype.itemsize))
        options = {"chunks": (rows_per_chunk,), "shuffle": True}
        options |= {"compression": "gzip", "compression_opts": _GZIP_LEVEL}
    dataset = group.create_dataset(name, shape=(table.rows,), dtype=spec.dtype, **options)
    position = 0
    for block in table.blocks():
        dataset[position : position + len(block)] = block
        position += len(block)
        yield
    _set_attributes(dataset, {"CLASS": "TABLE", "VERSION": "2.7", "TITLE": spec.description})
    dataset.attrs["NROWS"] = np.int64(table.rows)
    for number, column in enumerate(spec.columns):
        described = {"NAME": column.name, "UNIT": column.unit, "DOC": column.description, "UCD": column.ucd}
        _set_attributes(dataset, {f"FIELD_{number}_{key}": text for key, text in described.items()})


def _group(file: Any, path: str) -> Any:
    if not path:
        return file
    if path not in file:
        group = file.create_group(path)
        _set_attributes(group, {"CLASS": "GROUP", "VERSION": "1.0", "TITLE": path.strip("/")})
    return file[path]
