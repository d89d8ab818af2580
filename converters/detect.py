"""What a file is: its first bytes decide, and its content where they do not; never its suffix."""

import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.readers.i3.sniff import begins_with_frame
from converters.readers.i3.stream import beginning, needs_more_than_a_head
from converters.registry import AUXILIARY, load_auxiliary, load_reader, reader_rows
from legacy.errors import CorruptInputError, InputError, NotConvertibleError, UnknownFormatError

HEAD_SIZE = 64 << 10

_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"root", "root"),
    (b"[i3]", "i3"),
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\x89PNG", "png"),
)
_CORSIKA_RECORD = (22932).to_bytes(4, "little")
_TEXT_BYTES = frozenset(b"\t\n\r\f" + bytes(range(32, 127)))


@dataclass(frozen=True, slots=True)
class Known:
    """A format that is recognised but not read.

    Parameters
    ----------
    summary
        What it is.
    advice
        Which way exists for such files.
    """

    summary: str
    advice: str


RECOGNISED: Mapping[str, Known] = {
    "antdst": Known(
        "AntDST: ANTARES summary file of SeaTray, ROOT classes of the antdst library, with members not known here",
        "extract it with the antdst library: the container recipe seatray, app antdst-extract (`antares-legacy "
        "containers show seatray`), makes a flat tree 'sel', which is read here",
    ),
    "raw-daq": Known(
        "raw data of the ANTARES data acquisition",
        "keep the file as it is: raw data are preserved unchanged, there is no level-3 product of them",
    ),
    "online-root": Known(
        "KM3NeT online file: triggered events and summary slices, not reconstructed",
        "reconstruct it first; the offline file with a filled tree E is read here",
    ),
    "gseagen-root": Known(
        "gSeaGen's own ROOT file: trees Header and Events",
        "use the .evt or the aanet file that gSeaGen writes of the same events",
    ),
    "root": Known("ROOT file without a tree that is known here", "`antares-legacy inspect` lists what is in it"),
    "i3": Known(
        "IceTray/SeaTray frames (.i3) of a frame version that is not known",
        "write it to a SeaTray tableio HDF5 file with the SeaTray that made it; that is read here",
    ),
    "corsika": Known(
        "CORSIKA particle file: generator level, no reconstruction",
        "process it with Corant; its .evt is read here",
    ),
    "product": Known(
        "level-3 product of antares-legacy", "it is converted already; `antares-legacy show` looks into it"
    ),
    "km3pipe-hdf5": Known("HDF5 file of km3pipe", "it is KM3NeT HDF5 already"),
    "hdf5": Known("HDF5 file without SeaTray's index of tables", "`antares-legacy inspect` lists the tables in it"),
    "pdf": Known("PDF document", "it holds no events"),
    "zip": Known("ZIP archive", "unpack it first"),
    "sqlite": Known("SQLite database", "it holds no events"),
    "png": Known("PNG picture", "it holds no events"),
}


@dataclass(frozen=True, slots=True)
class Detected:
    """What was recognised.

    Parameters
    ----------
    format
        Name of a reader, or a key of `RECOGNISED`.
    convertible
        True if `format` is a reader.
    compressed
        True if the file is compressed.
    auxiliary
        True if `format` is one without events: a row of `converters.registry.AUXILIARY`.
    """

    format: str
    convertible: bool
    compressed: bool = False
    auxiliary: bool = False


def read_head(path: Path) -> bytes:
    """Read the first bytes of a file.

    Raises
    ------
    InputError
        Missing, a folder, not readable.
    CorruptInputError
        Empty.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # reading a pipe or device could wait forever
            raise InputError(
                path, "is no regular file", expected="a file that can be read twice", advice="write it to a file first"
            )
        with path.open("rb") as stream:
            head = stream.read(HEAD_SIZE)
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(
                path, "is a link to a file that is not there", advice="is its storage mounted? Else repair the link"
            ) from None
        raise InputError(path, "no such file", advice="check the name") from None
    except IsADirectoryError:
        raise InputError(path, "is a folder", expected="a file") from None
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", advice="check its permissions and the storage"
        ) from error
    if not head:
        raise CorruptInputError(path, "the file is empty", expected="events", found="0 bytes", advice="fetch it again")
    return head


def family_of(head: bytes) -> str:
    """Return a magic's name, ``text`` or ``binary``, from a file's (uncompressed) first bytes."""
    for magic, family in _MAGIC:
        if head.startswith(magic):
            return family
    if head[:4] == _CORSIKA_RECORD and head[4:8] == b"RUNH":
        return "corsika"
    if begins_with_frame(head):  # frames before 2008 have no magic
        return "i3"
    sample = head[:4096]
    odd = sum(byte not in _TEXT_BYTES for byte in sample)
    # Latin-1 comments are text too; random bytes have far more than a tenth of such characters.
    return "text" if odd * 10 <= len(sample) and b"\0" not in sample else "binary"


def plain_head(head: bytes) -> tuple[bytes, bool]:
    """Return the first bytes uncompressed, and whether they were compressed."""
    if not head.startswith(b"\x1f\x8b"):
        return head, False
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_SIZE), True
    except zlib.error:
        return b"", True


def _plain_beginning(path: Path, head: bytes) -> tuple[bytes, bool]:
    if needs_more_than_a_head(head):
        return beginning(path)[:HEAD_SIZE], True
    return plain_head(head)


def detect(path: Path) -> Detected:
    """Recognise the format of a file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Detected

    Raises
    ------
    InputError
        The file cannot be read.
    CorruptInputError
        It is empty or damaged.
    UnknownFormatError
        Nothing known.
    """
    head = read_head(path)
    plain, compressed = _plain_beginning(path, head)
    family = family_of(plain)
    if found := _auxiliary(path, plain, "" if compressed else family):
        return found
    for row in reader_rows():
        if row.family in (family, "any") and load_reader(row.name).sniff(head, path):
            return Detected(row.name, convertible=True, compressed=compressed)
    if family == "root" and not compressed:
        from converters.readers.rootfile import classify

        return Detected(classify(path), convertible=False)
    if family == "hdf5" and not compressed:
        return Detected(_hdf5_kind(path), convertible=False)
    if family in RECOGNISED:
        return Detected(family, convertible=False, compressed=compressed)
    raise UnknownFormatError(
        path,
        "not a known format",
        expected="one of " + ", ".join([*(row.name for row in reader_rows()), *(row.name for row in AUXILIARY)]),
        found="text without known tags or columns" if family == "text" else "binary data without a known beginning",
        advice="`--format NAME` forces a reader; if it was an event file once, fetch it again and compare its checksum",
    )


def _auxiliary(path: Path, head: bytes, family: str) -> Detected | None:
    """Recognise a format without events, or a product of one: both say themselves what they are."""
    for row in AUXILIARY:
        if row.family == family and load_auxiliary(row.name).sniff(head, path):
            return Detected(row.name, convertible=False, auxiliary=True)
    if family == "text" and path.suffix.lower() == ".json":
        from converters.auxiliary.products import find_product

        return Detected("product", convertible=False) if find_product(path) else None
    return None


def _hdf5_kind(path: Path) -> str:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "data_model_version" in file.attrs:
                return "product"
            return "km3pipe-hdf5" if "format_version" in file.attrs or "group_info" in file else "hdf5"
    except OSError as error:
        raise CorruptInputError(
            path, "damaged HDF5 file", found=str(error), advice="fetch it again and compare its checksum"
        ) from error


def reader_name(path: Path, forced: str | None) -> str:
    """Return the name of the reader, or of the format without events, for a file.

    Parameters
    ----------
    path
        The file.
    forced
        What the user named with ``--format``, else None.

    Raises
    ------
    InputError
        See `detect`.
    NotConvertibleError
        The format is recognised but not read.
    """
    if forced is not None:
        read_head(path)  # the same clear messages for missing and empty files
        return forced
    detected = detect(path)
    if detected.convertible or detected.auxiliary:
        return detected.format
    known = RECOGNISED[detected.format]
    raise NotConvertibleError(path, f"cannot be converted: {known.summary}", advice=known.advice)


def might_be_input(path: Path) -> bool:
    """Say from its first bytes if a file found in a folder is worth a closer look."""
    try:
        head = read_head(path)
    except InputError:
        return True  # an empty or unreadable file among the inputs must be reported, not passed over
    plain, _ = _plain_beginning(path, head)
    family = family_of(plain)
    if any(row.family == family and load_auxiliary(row.name).sniff(head, path) for row in AUXILIARY):
        return True
    if family == "text":
        rows = (row for row in reader_rows() if row.family in ("text", "any"))
        return any(load_reader(row.name).sniff(head, path) for row in rows)
    return family in ("root", "hdf5", "i3")
