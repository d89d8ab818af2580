"""The uncompressed bytes of a branch, entry by entry, and how to decode them.

uproot finds and unpacks the baskets; decoding their bytes here, for all entries at once, takes about a tenth
of the time of its general machinery. Layout (ROOT's streaming of standard containers, checked on the sample
files of km3net-testdata): numbers are big-endian; a member of a split vector of objects is the plain sequence
of its values; a vector at the top level has a byte count (4 bytes, bit 30 set), a version (2) and a length
(4) before its values; a member that is itself a vector has byte count and version once per entry, then length
(4) and values of each object; a string has its length in one byte, or 255 and four more bytes.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.readers.rootfile import parsing
from legacy.errors import CorruptInputError

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_BYTE_COUNT = 0x4000_0000
_MEMBER_WISE = 0x4000
_OBJECTS_HEADER, _VECTOR_HEADER = 6, 10
_LONG_STRING = 255


@dataclass(frozen=True, slots=True)
class Entries:
    """Some consecutive entries of a branch.

    Parameters
    ----------
    data
        Their bytes, one after the other.
    offsets
        Where each begins, and where the last one ends; shape (n + 1,).
    branch
        Name of the branch, for messages.
    """

    data: Bytes
    offsets: Integers
    branch: str

    @property
    def sizes(self) -> Integers:
        """Bytes of each entry, shape (n,)."""
        return np.diff(self.offsets)

    def texts(self) -> list[bytes]:
        """Return the bytes of each entry."""
        data, offsets = self.data.tobytes(), self.offsets.tolist()
        return [data[a:b] for a, b in pairwise(offsets)]


@dataclass(frozen=True, slots=True)
class Vectors:
    """A vector of numbers for each of a sequence of objects.

    Parameters
    ----------
    values
        The numbers of all, one vector after the other.
    counts
        Length of each vector, shape (n,).
    """

    values: NDArray[Any]
    counts: Integers

    @property
    def starts(self) -> Integers:
        """Position in `values` where each vector begins, shape (n,)."""
        return np.cumsum(self.counts) - self.counts

    def at(self, index: Integers, position: int) -> NDArray[np.float64]:
        """Return one element of chosen vectors; NaN where the vector is shorter.

        Parameters
        ----------
        index
            Numbers of the vectors.
        position
            Which element.
        """
        found = np.full(len(index), np.nan)
        there = self.counts[index] > position
        found[there] = self.values[self.starts[index[there]] + position]
        return found


class BranchReader:
    """Reads a branch forwards, in ranges of entries; holds one basket at a time.

    Parameters
    ----------
    path
        The file, for messages.
    branch
        uproot's branch.
    entries
        Number of entries that it must have.

    Raises
    ------
    CorruptInputError
        The branch has another number of entries.
    """

    def __init__(self, path: Path, branch: Any, entries: int) -> None:
        self._path = path
        self._branch = branch
        self.name = str(branch.name)
        with parsing(path, f"branch {self.name}"):
            self._first = [int(number) for number in branch.entry_offsets]
        good = self._first[0] == 0 and self._first[-1] == entries and self._first == sorted(self._first)
        if not good:
            raise corrupt(path, self.name, "wrong number of entries", str(entries), str(self._first[-1]))
        self._index = -1
        self._basket: tuple[Bytes, Integers] | None = None

    @property
    def type_name(self) -> str:
        """Type of an entry in C++."""
        with parsing(self._path, f"branch {self.name}"):
            return str(self._branch.typename)

    @property
    def stored_bytes(self) -> int:
        """Bytes of the whole branch, uncompressed, as the file says it."""
        return max(0, int(self._branch.uncompressed_bytes))

    def read(self, start: int, stop: int) -> Entries:
        """Read entries `start` up to `stop`.

        Raises
        ------
        CorruptInputError
            The bytes are damaged.
        """
        parts: list[Bytes] = []
        sizes: list[Integers] = [np.zeros(1, dtype=np.int64)]
        while start < stop:
            index = bisect_right(self._first, start) - 1
            data, offsets = self._load(index)
            end = min(stop, self._first[index + 1])
            wanted = offsets[start - self._first[index] : end - self._first[index] + 1]
            parts.append(data[wanted[0] : wanted[-1]])
            sizes.append(np.diff(wanted))
            start = end
        data = np.concatenate(parts) if len(parts) != 1 else parts[0]
        return Entries(data, np.cumsum(np.concatenate(sizes)), self.name)

    def _load(self, index: int) -> tuple[Bytes, Integers]:
        if self._basket is None or self._index != index:
            self._basket = None  # never two in memory
            with parsing(self._path, f"branch {self.name}, basket {index}"):
                self._basket = self._unpack(index)
            self._index = index
        return self._basket

    def _unpack(self, index: int) -> tuple[Bytes, Integers]:
        basket = self._branch.basket(index)
        data = np.asarray(basket.data, dtype=np.uint8)
        expected = self._first[index + 1] - self._first[index]
        if basket.num_entries != expected:
            raise ValueError(f"{basket.num_entries} entries instead of {expected}")
        if basket.byte_offsets is None:
            size, rest = divmod(len(data), expected)
            if rest:
                raise ValueError(f"{len(data)} bytes are no multiple of {expected} entries")
            return data, np.arange(expected + 1, dtype=np.int64) * size
        offsets = np.asarray(basket.byte_offsets, dtype=np.int64)
        inside = len(offsets) == expected + 1 and offsets[0] >= 0 and offsets[-1] <= len(data)
        if not inside or np.any(np.diff(offsets) < 0):
            raise ValueError("the index of the entries is not in order")
        return data, offsets


def corrupt(path: Path, branch: str, problem: str, expected: str = "", found: str = "") -> CorruptInputError:
    """Make the error for a branch whose bytes make no sense."""
    return CorruptInputError(
        path,
        f"damaged ROOT file: {problem}",
        where=f"branch {branch}",
        expected=expected,
        found=found,
        advice="fetch it again and compare its checksum",
    )


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes entries of one file; every method raises CorruptInputError when the bytes make no sense."""

    path: Path

    def _fail(self, entries: Entries, problem: str) -> CorruptInputError:
        return corrupt(self.path, entries.branch, problem)

    def scalars(self, entries: Entries, dtype: str) -> NDArray[Any]:
        """Decode one number per entry, shape (n,), native byte order."""
        kind = np.dtype(dtype)
        if np.any(entries.sizes != kind.itemsize):
            raise self._fail(entries, f"entries that are no {kind.itemsize} bytes long")
        return np.ascontiguousarray(entries.data).view(kind).astype(kind.newbyteorder("="))

    def members(self, entries: Entries, dtype: str, counts: Integers) -> NDArray[Any]:
        """Decode one number for each object of each entry, shape (sum of counts,), as stored (big-endian)."""
        kind = np.dtype(dtype)
        if np.any(entries.sizes != counts * kind.itemsize):
            raise self._fail(entries, "another number of values than objects")
        return np.ascontiguousarray(entries.data).view(kind)

    def vectors(self, entries: Entries, dtype: str) -> Vectors:
        """Decode one vector of numbers per entry."""
        kind = np.dtype(dtype)
        body, offsets, headers = self._strip(entries, _VECTOR_HEADER)
        counts = headers[:, 6:].copy().view(">i4").astype(np.int64).reshape(-1)
        if np.any(counts < 0) or np.any(np.diff(offsets) != counts * kind.itemsize):
            raise self._fail(entries, "a vector of another length than it says")
        return Vectors(body.view(kind), counts)

    def member_vectors(self, entries: Entries, dtype: str, counts: Integers) -> Vectors:
        """Decode one vector of numbers for each object of each entry."""
        kind = np.dtype(dtype)
        factor = kind.itemsize // 4
        body, offsets, _ = self._strip(entries, _OBJECTS_HEADER)
        if len(body) % 4 or np.any(offsets % 4):
            raise self._fail(entries, "numbers that are cut")
        words = body.view(">i4").astype(np.int32)
        total = int(counts.sum())
        if len(words) == total and not words.any() and np.array_equal(np.diff(offsets), 4 * counts):
            return Vectors(np.empty(0, dtype=kind), np.zeros(total, dtype=np.int64))

        def next_vector(at: Integers) -> Integers:
            return at + 1 + words[at].astype(np.int64) * factor

        starts, ends = self._walk(entries, offsets // 4, counts, next_vector)
        kept = np.ones(len(words), dtype=bool)
        kept[starts] = False
        values = body.view(">i4")[kept].view(kind)
        return Vectors(values, (ends - starts - 1) // factor)

    def member_strings(self, entries: Entries, counts: Integers, width: int) -> tuple[NDArray[np.bytes_], int]:
        """Decode one string for each object of each entry.

        Returns
        -------
        tuple
            The strings, shape (sum of counts,), dtype ``S<width>``; and how many of them are longer than
            `width` and therefore empty.
        """
        body, offsets, _ = self._strip(entries, _OBJECTS_HEADER)
        total = int(counts.sum())
        if len(body) == total and not body.any() and np.array_equal(np.diff(offsets), counts):
            return np.zeros(total, dtype=f"S{width}"), 0
        padded = np.concatenate((body, np.zeros(5, dtype=np.uint8))).astype(np.int64)

        def prefix(at: Integers) -> tuple[Integers, Integers]:
            short = padded[at]
            long = (padded[at + 1] << 24) | (padded[at + 2] << 16) | (padded[at + 3] << 8) | padded[at + 4]
            is_long = short == _LONG_STRING
            return np.where(is_long, 5, 1), np.where(is_long, long, short)

        def next_string(at: Integers) -> Integers:
            before, length = prefix(at)
            return at + before + length

        starts, ends = self._walk(entries, offsets, counts, next_string)
        starts = starts + prefix(starts)[0]
        too_long = ends - starts > width
        letters = np.zeros((total, width), dtype=np.uint8)
        for column in range(min(width, int((ends - starts).max(initial=0)))):
            there = (starts + column < ends) & ~too_long
            letters[there, column] = body[starts[there] + column]
        return letters.view(f"S{width}").reshape(-1), int(np.count_nonzero(too_long))

    def _strip(self, entries: Entries, header: int) -> tuple[Bytes, Integers, Bytes]:
        """Separate the header of each entry from the rest, and check it."""
        sizes, n_entries = entries.sizes, len(entries.offsets) - 1
        if np.any(sizes < header):
            raise self._fail(entries, "an entry shorter than its header")
        places = entries.offsets[:-1, None] + np.arange(header)
        headers = entries.data[places].reshape(n_entries, header)
        lengths = headers[:, :4].copy().view(">u4").astype(np.int64).reshape(-1)
        versions = headers[:, 4:6].copy().view(">u2").astype(np.int64).reshape(-1)
        if np.any(lengths != (sizes - 4) | _BYTE_COUNT) or np.any(versions & _MEMBER_WISE):
            raise self._fail(entries, "an entry of another length or layout than it says")
        kept = np.ones(len(entries.data), dtype=bool)
        kept[places.reshape(-1)] = False
        offsets = entries.offsets - header * np.arange(n_entries + 1)
        return entries.data[kept], offsets, headers

    def _walk(
        self, entries: Entries, offsets: Integers, counts: Integers, following: Callable[[Integers], Integers]
    ) -> tuple[Integers, Integers]:
        """Find where each of the elements of variable length begins and ends, in all entries in step.

        Parameters
        ----------
        entries
            For messages.
        offsets
            Limits of the entries, shape (n + 1,).
        counts
            Number of elements of each entry, shape (n,).
        following
            From where elements begin to where they end.
        """
        total = int(counts.sum())
        starts, ends = np.empty(total, dtype=np.int64), np.empty(total, dtype=np.int64)
        order = np.argsort(-counts, kind="stable")
        descending = -counts[order]
        at, limit = offsets[:-1][order], offsets[1:][order]
        place = (np.cumsum(counts) - counts)[order]
        for number in range(int(counts.max(initial=0))):
            active = int(np.searchsorted(descending, -number))
            here = at[:active]
            if np.any(here >= limit[:active]):
                raise self._fail(entries, "fewer elements than objects")
            after = following(here)
            if np.any(after <= here) or np.any(after > limit[:active]):
                raise self._fail(entries, "an element that is longer than its entry")
            starts[place[:active] + number] = here
            ends[place[:active] + number] = after
            at[:active] = after
        if not np.array_equal(at, limit):
            raise self._fail(entries, "more elements than objects")
        return starts, ends
