"""What tells one committed state of an SQLite file from another, without opening the file.

Closing any descriptor of a file drops all POSIX locks that the process has on it, also those of SQLite, so the
database itself is only asked for its size and time. In rollback mode that is enough: while a reader holds its lock
nobody can commit. With a write-ahead log writers go on beside readers; the log has no locks, and its header and the
number of frames up to the last commit say which state a reader sees that starts now
(https://www.sqlite.org/fileformat2.html#walformat).
"""

import struct
import time
from pathlib import Path

_HEADER = struct.Struct(">8I")
"""Magic, version, page size, checkpoint number, two salts, two checksums."""
_FRAME = struct.Struct(">6I")
"""Page, pages of the database after a commit (else 0), two salts, two checksums; the page follows."""
_MAGIC = (0x377F0682, 0x377F0683)
_PAGE_SIZES = {1 << power for power in range(9, 17)}
_QUIET_SECONDS = 1.0


def file_state(path: Path) -> str:
    """Return a text that is another one after every commit to the database at `path`; raises OSError."""
    log = _log_state(_log_of(path))
    if log:
        return f"wal:{log}"
    facts = path.stat()
    return f"file:{facts.st_ino}:{facts.st_size}:{facts.st_mtime_ns}"


def wait_until_quiet(path: Path) -> None:
    """Wait until the write-ahead log was left alone for a second, if there is one.

    A writer first puts its pages into the log and then tells the readers; in between the log is ahead of what a
    reader sees.
    """
    try:
        age = time.time() - _log_of(path).stat().st_mtime
    except FileNotFoundError:
        return
    if 0 <= age < _QUIET_SECONDS and _log_of(path).stat().st_size:
        time.sleep(_QUIET_SECONDS - age)


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _log_state(log: Path) -> str:
    """Return salts and frames up to the last commit, ``""`` where the log has no commit."""
    try:
        with log.open("rb", buffering=0) as stream:
            head = stream.read(_HEADER.size)
            if len(head) < _HEADER.size:
                return ""
            magic, _, page, _, *rest = _HEADER.unpack(head)
            if magic not in _MAGIC or page not in _PAGE_SIZES:
                return ""
            salts, committed, frame = tuple(rest[:2]), 0, 0
            while True:
                stream.seek(_HEADER.size + frame * (_FRAME.size + page))
                head = stream.read(_FRAME.size)
                if len(head) < _FRAME.size:
                    break
                _, pages, *rest = _FRAME.unpack(head)
                frame += 1
                if tuple(rest[:2]) != salts:  # left over from before the log was started again
                    break
                committed = frame if pages else committed
    except FileNotFoundError:
        return ""
    return f"{salts[0]:08x}{salts[1]:08x}:{committed}" if committed else ""
