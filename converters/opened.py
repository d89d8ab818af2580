"""An existing HDF5 product, opened to look at it; the library's own errors become clear messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from converters.detect import read_head
from converters.registry import SUFFIXES
from legacy.errors import CorruptInputError, InputError


@contextmanager
def open_product(path: Path) -> Iterator[Any]:
    """Open a level-3 HDF5 product.

    Parameters
    ----------
    path
        The file.

    Yields
    ------
    h5py.File
        Open for reading.

    Raises
    ------
    InputError
        Missing, not readable, or not HDF5.
    CorruptInputError
        Damaged, or it has no table ``/events``.
    """
    import h5py

    read_head(path)  # the same clear messages for missing, empty and unreadable files as everywhere
    if not path.is_file():
        raise InputError(path, "no such file", expected="a level-3 HDF5 product (.l3.h5)", advice="check the name")
    if not h5py.is_hdf5(path):
        table = path.name.endswith(SUFFIXES["csv"])
        raise InputError(
            path,
            "is a table of text" if table else "is no HDF5 file",
            expected="a level-3 HDF5 product",
            advice="open it as it is; to look at events here, convert their source to HDF5"
            if table
            else "make one with `antares-legacy convert`; `antares-legacy inspect` tells what it is",
        )
    try:
        with h5py.File(path, "r") as file:
            if "events" not in file or "data_model_version" not in file.attrs:
                raise InputError(
                    path,
                    "is no level-3 product",
                    expected="the table /events and the attribute data_model_version",
                    advice="`antares-legacy inspect` tells what it is",
                )
            yield file
    except OSError as error:
        raise CorruptInputError(
            path, "damaged HDF5 file", found=str(error), advice="convert the source again"
        ) from error
