"""Files behind an xrootd door: HPSS, dCache, EOS and plain xrootd servers.

The client library is that of the XRootD project (package ``xrootd``), in the optional extra of that name. It retries
and waits for very long by default; here every call has a time limit, and a door that is away is found in seconds.
Numbers of errors: ``XProtocol/XProtocol.hh`` (answers of servers) and ``XrdCl/XrdClStatus.hh`` (the client's).
"""

import re
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ingest.item import Sums
from ingest.storage.contract import FileStat, NoSuchFileError, Stop, never, offline, stopped, sums_of
from ingest.storage.xrootd_url import XrootdUrl, parse_xrootd_url
from legacy.checksums import require_unchanged
from legacy.errors import InputError, MachineError, MissingDependencyError, printable

INSTALL = "pip install 'antares-legacy[xrootd]'"

_BLOCK = 2 << 20
"""Bytes asked for at once: enough to hide the way to the server and back, little enough to wait four times."""
_DEEPEST = 64
"""Folders within folders. A door need not tell links from folders, so a link to above could go on for ever."""

_CLOSING = 5
"""Seconds."""

_ANSWERED = 400
_NOT_SUPPORTED, _EXPIRED = 205, 206
_MISSING = 3011
_FORBIDDEN, _LOGIN_FAILED, _AUTH_FAILED = 3010, 203, 204
_IS_FOLDER, _UNSUPPORTED, _NO_CHECKSUM = 3016, 3013, 3019
_DOOR_FAULTS = frozenset({3008, 3014, 3024, 3028, 3030})
"""No memory, no server, overloaded, encryption demanded, who are you: not the fault of one file."""
_ADVICE = {
    _MISSING: "check the name",
    _FORBIDDEN: "ask the site for the permission to read it",
    _IS_FOLDER: "give the folder itself as an input",
}
_TEXT = re.compile(r"(?:\[[A-Z]+\]\s*)?(?:Server responded with an error:\s*)?(?:\[[0-9]+\]\s*)?(.*)", re.DOTALL)
_SETTINGS = {"ConnectionWindow": 10, "ConnectionRetry": 2, "StreamErrorWindow": 0, "TimeoutResolution": 1}
"""Of the library, in seconds but for the number of tries. By default it tries five times 120 s to connect, refuses for
half an hour to speak to a door that once failed, and looks at its time limits every 15 s."""
_DIGITS = {"adler32": 8, "md5": 32, "sha256": 64}
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, in seconds.

    Parameters
    ----------
    answer
        For what a door knows without a file: state, list.
    opening
        Until a file is open; dCache may have to move it to another disk first.
    block
        For each block of a file.
    recall
        Until a file is open that is on tape.
    checksum
        For a checksum; servers that keep none compute it, which takes as long as reading the file there.
    """

    answer: int = 60
    opening: int = 300
    recall: int = 3600
    block: int = 120
    checksum: int = 1800


_Entries = list[tuple[XrootdUrl, bool, tuple[str, ...]]]
"""URL, whether it is a folder, and the identities of the folders that it lies in, itself last."""


class XrootdStorage:
    """Reads files behind doors; a location is a URL such as ``root://door.example//folder/file``.

    Parameters
    ----------
    limits
        Time limits of the calls.

    Raises
    ------
    MissingDependencyError
        The client library is not installed.
    """

    def __init__(self, limits: Limits = Limits()) -> None:
        self._client = _client()
        self._flags = self._client.flags.StatInfoFlags
        self._limits = limits

    def stat(self, location: str) -> FileStat:
        """Return size, time and whether the door has the file on disk.

        Raises
        ------
        InputError
            There is no file, it is still being written, or the URL is no good.
        MachineError
            The door is away, or does not let us in.
        """
        return self._stat(parse_xrootd_url(location))

    def list(self, folder: str) -> Iterator[str]:
        """Yield the URLs of all files below a folder, in the order of the URLs as text.

        A door follows links: folders that a link leads to are listed where it stands. A door that says which files are
        the same (plain xrootd does) is not followed in circles.

        Raises
        ------
        InputError
            `folder` cannot be listed, or folders lie more than 64 deep, as they do where links go in a circle.
        MachineError
            The door is away, or does not let us in.
        """
        top = parse_xrootd_url(folder)
        _, info = self._door(top).stat(top.path, timeout=self._limits.answer)
        waiting = self._entries(top, (_identity(info),))
        while waiting:
            url, is_folder, above = waiting.pop()
            if not is_folder:
                yield str(url)
                continue
            if len(above) > _DEEPEST:
                raise InputError(str(url), f"is {_DEEPEST} folders deep; links may lead in a circle: remove them")
            try:
                waiting += self._entries(url, above)
            except InputError:
                yield str(url)  # `stat` says what is wrong with it

    def blocks(self, location: str, *, recall: bool = False, stop: Stop = never) -> Generator[bytes, None, None]:
        """Yield the content of a file block by block.

        With `recall` it may take an hour to open a file, which the door brings from tape first.

        Raises
        ------
        InputError
            It cannot be read, is on tape and not to be recalled, or changed while it was read.
        MachineError
            The door is away, or does not let us in.
        ReadStoppedError
            `stop` said so.
        """
        url = parse_xrootd_url(location)
        before = self._stat(url)
        if not before.online and not recall:
            raise offline(location)
        read = 0
        patience = 0 if before.online else self._limits.recall
        file = self._opened(url, patience, stop)
        try:
            for block in self._blocks(file, url, before.size):
                if stop():
                    raise stopped(location)
                read += len(block)
                yield block
        finally:
            file.close(timeout=_CLOSING)  # nothing was written, so its answer says nothing
        after = self._stat(url)
        require_unchanged(location, (before.size, before.mtime_ns), (after.size, after.mtime_ns), read)

    def read_sums(self, location: str, *, sha256: bool = True, stop: Stop = never) -> Sums:
        """Read a file once and return its size and checksums.

        Raises
        ------
        InputError
            It cannot be read, is on tape, or changed while it was read.
        MachineError
            The door is away, or does not let us in.
        ReadStoppedError
            `stop` said so.
        """
        return sums_of(self.blocks(location, stop=stop), sha256=sha256)

    def ask_sums(self, location: str) -> Sums:
        """Return size and checksum that the door gives for a file, without reading it here.

        For a file on tape only dCache is asked, which keeps checksums beside the names. Another server might
        recall the file to compute what it was asked for.

        Raises
        ------
        InputError
            There is no file, or it may not be read.
        MachineError
            The door is away, or does not let us in.
        """
        url = parse_xrootd_url(location)
        found = self._stat(url)
        if not found.online and not self._keeps_checksums(url):
            return Sums()
        code = self._client.flags.QueryCode.CHECKSUM
        # A server with several kinds is asked for the one that Rucio compares; one with another kind says which.
        status, answer = self._door(url).query(code, f"{url.path}?cks.type=adler32", timeout=self._limits.checksum)
        if status.ok:
            return replace(parse_checksum(bytes(answer)), size=found.size)
        if status.code == _NOT_SUPPORTED or status.errno in {_UNSUPPORTED, _NO_CHECKSUM}:
            return Sums()
        raise self._problem(url, status, of_file=True)

    def _door(self, url: XrootdUrl) -> Any:
        return self._client.FileSystem(url.door)

    def _stat(self, url: XrootdUrl) -> FileStat:
        status, info = self._door(url).stat(url.path, timeout=self._limits.answer)
        if not status.ok:
            raise self._problem(url, status)
        if info.flags & self._flags.IS_DIR:
            self._entries(url, ())  # a folder that cannot be listed says why
            raise InputError(str(url), "is a folder, not a file", advice=_ADVICE[_IS_FOLDER])
        if info.flags & self._flags.OTHER:
            raise InputError(str(url), "is no regular file", advice="remove it, or leave it out")
        if info.flags & self._flags.POSC_PENDING:
            raise InputError(str(url), "is still being written", advice="run the command again when it is complete")
        return FileStat(info.size, info.modtime * 1_000_000_000, online=not info.flags & self._flags.OFFLINE)

    def _entries(self, folder: XrootdUrl, above: tuple[str, ...]) -> _Entries:
        """Return what is in a folder, last first."""
        code = self._client.flags.DirListFlags.STAT
        try:
            status, listing = self._door(folder).dirlist(folder.path, code, timeout=self._limits.answer)
        except (SystemError, UnicodeError) as error:  # the library's way to say that a name is not UTF-8
            raise InputError(
                str(folder), "holds a file whose name is not UTF-8, which Rucio demands", advice="rename it"
            ) from error
        if not status.ok:
            raise self._problem(folder, status)
        found = []
        for entry in listing:
            name = entry.name
            if name in {".", ".."}:
                continue
            if not name or "/" in name:  # a name that is a path could lead anywhere
                raise MachineError(f"{folder.door}: lists {printable(name)!r} as the name of a file; ask the site")
            is_folder = bool(entry.statinfo and entry.statinfo.flags & self._flags.IS_DIR)
            own = _identity(entry.statinfo)
            if is_folder and own and own in above:
                continue
            path = f"{folder.path.rstrip('/')}/{name}"
            found.append((replace(folder, path=path), is_folder, (*above, own)))
        # The slash puts what is in a folder where its path belongs among the others.
        found.sort(key=lambda one: f"{one[0].path}/" if one[1] else one[0].path, reverse=True)
        return found

    def _opened(self, url: XrootdUrl, patience: float, stop: Stop) -> Any:
        """Open a file; goes on for `patience` seconds when the door needs longer than a single call may take."""
        deadline = time.monotonic() + patience
        while True:
            file = self._client.File()
            status, _ = file.open(str(url), self._client.flags.OpenFlags.READ, timeout=self._limits.opening)
            if status.ok:
                return file
            if status.code != _EXPIRED or time.monotonic() >= deadline:
                raise self._problem(url, status, of_file=True)
            if stop():
                raise stopped(str(url))

    def _blocks(self, file: Any, url: XrootdUrl, size: int) -> Iterator[bytes]:
        """Yield the content of a file; one byte more than `size` at most, so that a file that grows is noticed."""
        offset = 0
        while offset <= size:
            status, block = file.read(offset, min(_BLOCK, size + 1 - offset), timeout=self._limits.block)
            if not status.ok:
                raise self._problem(url, status, of_file=True)
            if not block:
                return
            offset += len(block)
            yield block

    def _keeps_checksums(self, url: XrootdUrl) -> bool:
        code = self._client.flags.QueryCode.CONFIG
        status, answer = self._door(url).query(code, "version", timeout=self._limits.answer)
        # dCache's default answer (xrootd.query-config!version in its defaults).
        return bool(status.ok) and bytes(answer or b"").lower().startswith(b"dcache")

    def _problem(self, url: XrootdUrl, status: Any, *, of_file: bool = False) -> InputError | MachineError:
        """Return the error that a status means.

        With `of_file` the call concerned the content of a file: when it fails without an answer and the door itself
        is well, then only the server with that file is away.
        """
        text = _TEXT.match(str(status.message))
        said = printable(text[1].strip() if text else "") or "no reason given"
        if status.code == _ANSWERED and status.errno not in _DOOR_FAULTS:
            kind = NoSuchFileError if status.errno == _MISSING else InputError
            return kind(str(url), f"the door says: {said}", advice=_ADVICE.get(status.errno, "ask the site"))
        if status.code in {_LOGIN_FAILED, _AUTH_FAILED}:
            return MachineError(f"{url.door}: {said}; renew your certificate proxy or token")
        if of_file and status.code != _ANSWERED and self._door(url).ping(timeout=self._limits.answer)[0].ok:
            return InputError(
                str(url), f"the server that has it does not answer ({said})", advice="run the command again later"
            )
        return MachineError(f"{url.door}: {said}; check the name of the door, and that it is up")


def parse_checksum(answer: bytes) -> Sums:
    """Read a door's answer, such as ``adler32 084b021f``.

    Parameters
    ----------
    answer
        Name of the algorithm and hexadecimal value, perhaps with a zero byte after them. Leading zeros may be missing.

    Returns
    -------
    Sums
        All unknown for another algorithm or a value that cannot be one.
    """
    words = answer.split(b"\0")[0].decode("ascii", errors="replace").lower().split()
    if len(words) < 2 or words[0] not in _DIGITS:
        return Sums()
    kind, value = words[0], words[1].rjust(_DIGITS[words[0]], "0")
    if len(value) != _DIGITS[kind] or not _HEX.fullmatch(value):
        return Sums()
    sums = {name: value if name == kind else "" for name in _DIGITS}
    return Sums(-1, sums["adler32"], sums["md5"], sums["sha256"], by="door")


def _identity(info: Any) -> str:
    """Return what identifies a file, ``""`` where the door does not say (only extended answers do)."""
    return str(info.id) if info is not None and getattr(info, "extended", False) else ""


@cache
def _client() -> Any:
    try:
        from XRootD import client
        from XRootD.client import flags
    except ImportError as error:
        raise MissingDependencyError("reading from root:// doors", INSTALL) from error
    client.flags = flags
    # What the user's environment sets (XRD_CONNECTIONWINDOW ...) is not overwritten by this call.
    for name, value in _SETTINGS.items():
        client.EnvPutInt(name, value)
    return client
