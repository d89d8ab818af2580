"""What a reader is, and what it hands on: the contract between `readers/` and the pipeline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from legacy.model import Column, Table


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user asked of the reader.

    Parameters
    ----------
    detector
        Name of the detector if the user named it (lower case), else None.
    zenith
        ``source`` or ``flight`` if the user said what the angles of a flat DST mean, else None.
    columns
        Names of a text list's input columns in order, else None.
    reco
        The fit to show in ``/events``, else None for the reader's default.
    salvage
        Keep the whole events of a truncated file.
    fix_known_defects
        Correct the known mistakes of the programs that made a flat DST.
    antdst_mapping
        Name of the user's mapping file for AntDST files, and its SHA-256; None for the program's own.
    """

    detector: str | None = None
    zenith: str | None = None
    columns: tuple[str, ...] | None = None
    reco: str | None = None
    salvage: bool = False
    fix_known_defects: bool = False
    antdst_mapping: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One line of the source's own header.

    Parameters
    ----------
    parameter
        The tag.
    values
        Its values as text, glued Fortran numbers already separated.
    """

    parameter: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What became of one field of the source (a row of ``/source_coverage``).

    Parameters
    ----------
    field
        Name of the field as the source has it.
    count
        Number of values met; else entries or bytes from the file's own index; -1 when not counted.
    destination
        Path of table and column in the product (``/mc_tracks.energy``), or ``""``.
    note
        Why it went nowhere, or what was done with it.
    """

    field: str
    count: int
    destination: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known about a source as a whole, as soon as it is open.

    Parameters
    ----------
    format
        Name of the reader.
    kind
        ``data`` or ``mc``.
    detector
        ``antares`` when that is certain, another name when the source says so, ``""`` when unknown.
    det_id
        The source's detector identifier, -1 when it has none.
    generator
        Programs that made the file, in order, such as ``GENHEN 7.1 + KM3 3.06``; ``""`` when unknown.
    n_events
        Number of events if the file's own index tells, else None.
    default_reco
        Which fit ``/events`` shows unless asked otherwise; ``none`` without one.
    remarks
        Statements about conventions that belong into the product's description.
    """

    format: str
    kind: str
    detector: str = ""
    det_id: int = -1
    generator: str = ""
    n_events: int | None = None
    default_reco: str = "none"
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive events.

    Parameters
    ----------
    first
        ``group_id`` of the first event of the batch.
    n_events
        Number of events in it.
    events
        Columns of ``/events`` and ``/event_info`` (names as in `legacy.columns`), each of length `n_events`;
        a column that the source does not have is absent.
    tables
        Every other table (``/reco/*``, ``/mc_tracks``, ``/mc_info``), each with a column ``group_id`` and
        its rows sorted by it. The spec of a table is the same in every batch.
    """

    first: int
    n_events: int
    events: Mapping[str, Column]
    tables: tuple[Table, ...] = ()


class EventFile(Protocol):
    """An open source."""

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        ...

    @property
    def header(self) -> tuple[HeaderLine, ...]:
        """The source's own header, every line in order, repeated ones too."""
        ...

    def batches(self) -> Iterator[Batch]:
        """Yield all events, in file order, in bounded memory; to be called once."""
        ...

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every field; complete after `batches` is exhausted."""
        ...

    def warnings(self) -> tuple[str, ...]:
        """Things the user should know (salvaged, unreadable numbers ...); complete after `batches`."""
        ...

    def digest(self) -> str:
        """SHA-256 of the source, in hex, if it was computed while reading; else ``""``."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class OpenSource:
    """What readers' files share: an end of the `with` block closes them, no header, nothing hashed in passing."""

    @property
    def header(self) -> tuple[HeaderLine, ...]:
        """Nothing; a format with a header overrides this."""
        return ()

    def digest(self) -> str:
        """Return ``""``: the file is not read from end to end."""
        return ""

    def close(self) -> None:
        """Close the file; a file that stays open between calls overrides this."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Reader(Protocol):
    """Opens files of one format."""

    name: str
    description: str
    suffixes: tuple[str, ...]

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say from its first bytes, and from the file where these do not decide, if it is of this format."""
        ...

    def open(self, path: Path, options: ReadOptions) -> EventFile:
        """Open the file. Raises `legacy.errors.InputError` when it is damaged."""
        ...
