"""Every reader, second reader and writer, and every format without events: one row each.

A row holds dotted paths, so that nothing heavy is imported before it is needed. A package outside of this
repository adds a reader with an entry point in the group ``antares_legacy.readers`` that names its class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from legacy.errors import UsageError, nearest

if TYPE_CHECKING:  # looking for a format needs none of what these import
    from converters.auxiliary.contract import AuxiliaryFormat
    from converters.reread.contract import Rereader
    from converters.source import Reader
    from converters.writers.writer import Writer

READER_GROUP = "antares_legacy.readers"


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """A format that `convert` takes.

    Parameters
    ----------
    name
        The word after ``--format``.
    reader
        ``module:class`` of the reader.
    reread
        ``module:function`` of the second reader, ``""`` if there is none.
    family
        Which files are offered to the reader's `sniff`: ``text``, ``root``, ``hdf5`` or ``i3``.
    """

    name: str
    reader: str
    reread: str
    family: str


READERS = (
    ReaderRow("evt", "converters.readers.evt.reader:EvtReader", "converters.reread.evt:reread", "text"),
    ReaderRow(
        "offline-root",
        "converters.readers.offline_root:OfflineRootReader",
        "converters.reread.offline_root:reread",
        "root",
    ),
    ReaderRow("dst-flat", "converters.readers.dst_flat:DstFlatReader", "converters.reread.dst_flat:reread", "root"),
    ReaderRow("antdst", "converters.readers.antdst.reader:AntDstReader", "converters.reread.antdst:reread", "root"),
    ReaderRow(
        "seatray-hdf5",
        "converters.readers.seatray_hdf5:SeatrayHdf5Reader",
        "converters.reread.seatray_hdf5:reread",
        "hdf5",
    ),
    ReaderRow(
        "event-list",
        "converters.readers.event_list:EventListReader",
        "converters.reread.event_list:reread",
        "text",
    ),
    ReaderRow("i3", "converters.readers.i3.reader:I3Reader", "converters.reread.i3:reread", "i3"),
)


@dataclass(frozen=True, slots=True)
class AuxiliaryRow:
    """A format without events that `convert` takes.

    Parameters
    ----------
    name
        The word after ``--format``.
    format
        ``module:class`` of what knows it.
    family
        Which files are offered to its `sniff`: ``text`` or ``binary``.
    """

    name: str
    format: str
    family: str


AUXILIARY = (
    AuxiliaryRow("km3net-acoustics", "converters.acoustics.format:AcousticsFormat", "binary"),
    AuxiliaryRow("supplementary", "converters.supplementary.format:SupplementaryFormat", "text"),
)

WRITERS = {
    "hdf5": "converters.writers.km3hdf5:Km3Hdf5Writer",
    "csv": "converters.writers.csv:CsvWriter",
}

SUFFIXES = {
    "hdf5": ".l3.h5",
    "csv": ".l3.csv",
    "wav": ".wav",
    "mp3": ".mp3",
    "psd": ".psd.json",
    "json": ".json",
}
"""What follows the stem of each product's name; here too so that planning needs no writer."""


def _load(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)


def reader_rows() -> Iterator[ReaderRow]:
    """Yield the rows of this repository, then those that other packages announce."""
    yield from READERS
    yield from foreign_rows()


@cache
def foreign_rows() -> tuple[ReaderRow, ...]:
    """Return the rows of other packages; looking for them means reading the metadata of every package."""
    return tuple(ReaderRow(point.name, point.value, "", "any") for point in entry_points(group=READER_GROUP))


def reader_row(name: str) -> ReaderRow:
    """Return the row of the reader called `name`.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    for row in reader_rows():  # ours first, so that the others are looked for only when they are needed
        if row.name == name:
            return row
    known = [*(row.name for row in reader_rows()), *(row.name for row in AUXILIARY)]
    raise UsageError(f"unknown format '{name}'; {nearest(name, known)}")


def load_auxiliary(name: str) -> "AuxiliaryFormat":
    """Make what knows a format without events; `name` is that of a row of `AUXILIARY`."""
    dotted = next(row.format for row in AUXILIARY if row.name == name)
    return cast("AuxiliaryFormat", _load(dotted)())


def is_auxiliary(name: str) -> bool:
    """Say if `name` is a format without events."""
    return any(row.name == name for row in AUXILIARY)


def require_format(name: str) -> None:
    """Find out that ``--format`` is a word that exists; raises UsageError."""
    if not is_auxiliary(name):
        reader_row(name)


def load_reader(name: str) -> "Reader":
    """Make the reader called `name`; raises UsageError if there is none."""
    return cast("Reader", _load(reader_row(name).reader)())


def load_rereader(name: str) -> "Rereader | None":
    """Return the second reader of a format, None if there is none."""
    dotted = reader_row(name).reread
    return cast("Rereader", _load(dotted)) if dotted else None


def load_writer(name: str) -> "Writer":
    """Make the writer of a product; `name` is a key of `WRITERS`."""
    return cast("Writer", _load(WRITERS[name])())
