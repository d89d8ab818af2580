"""Lines of a block and their tags, found with NumPy: hit lines are never touched one by one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_PADDING = b"\0" * 64
_HIT_TAGS = (b"hit:", b"hit_raw:")
MAX_TAG_LENGTH = 48
MAX_TAGS_PER_BLOCK = 300
"""No generator has more than thirty; a block with more is not `.evt` text."""


MAX_LINES_PER_BLOCK = 5_000_000
"""More than this is one huge event of almost empty lines, which would fill the memory."""


class NotEventTextError(ValueError):
    """The block is something else; the message says what was found."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the lines of a block lie.

    Parameters
    ----------
    text
        The block, decoded as Latin-1 (one character per byte).
    starts, ends
        First character of each line, and the one after its last, without the line end.
    first
        The first eight bytes of each line as one little-endian number.
    words
        Shape (text length,): the eight bytes at every position as one little-endian number.
    """

    text: str
    starts: Indices
    ends: Indices
    first: NDArray[np.uint64]
    words: NDArray[np.uint64]

    @classmethod
    def of(cls, data: bytes | memoryview) -> "Lines":
        """Find the lines of `data`; raises NotEventTextError if there are more than `MAX_LINES_PER_BLOCK`."""
        is_newline = np.frombuffer(data, np.uint8) == ord("\n")
        if np.count_nonzero(is_newline) > MAX_LINES_PER_BLOCK:
            raise NotEventTextError("millions of lines without an end_event: line")
        newlines = np.flatnonzero(is_newline)
        starts = np.concatenate(([0], newlines + 1))
        ends = np.concatenate((newlines, [len(data)]))
        if starts[-1] == len(data):  # the text ends with a newline
            starts, ends = starts[:-1], ends[:-1]
        padded = b"".join((data, _PADDING))
        # An unaligned view of every position costs no memory; only the line starts are ever looked at.
        words: NDArray[np.uint64] = np.ndarray((len(data) + 56,), "<u8", padded, 0, (1,))
        return cls(str(data, "latin-1"), starts, ends, words[starts], words)

    def hits(self) -> dict[bytes, NDArray[np.bool_]]:
        """Return for each hit tag which lines have it (one boolean per line)."""
        return {tag: _masked(self.first, tag) for tag in _HIT_TAGS}

    def beginning_with(self, tag: bytes) -> Indices:
        """Return the lines that begin with `tag`."""
        found = np.flatnonzero(_masked(self.first, tag[:8]))
        return found[self._tagged(found, self.first[found], tag)]

    def values(self, lines: Indices, skip: int) -> list[str]:
        """Return the text of the lines behind their first `skip` characters."""
        text = self.text
        return [
            text[start:end]
            for start, end in zip((self.starts[lines] + skip).tolist(), self.ends[lines].tolist(), strict=True)
        ]

    def line(self, index: int) -> str:
        """Return one line."""
        return self.text[self.starts[index] : self.ends[index]]

    def by_tag(self, lines: Indices) -> Iterator[tuple[str, Indices]]:
        """Group lines by their tag: all before the first colon.

        Parameters
        ----------
        lines
            Line numbers, ascending.

        Yields
        ------
        tuple of str and numpy.ndarray
            The tag without colon, and its lines, ascending. Lines without a tag come under ``""``.

        Raises
        ------
        NotEventTextError
            More than `MAX_TAGS_PER_BLOCK` different tags.
        """
        first = self.first[lines]
        for _ in range(MAX_TAGS_PER_BLOCK):
            if not len(lines):
                return
            tag = self._tag(int(lines[0]))
            same = self._tagged(lines, first, tag.encode("latin-1")) if tag else self._untagged(lines)
            yield tag[:-1], lines[same]
            lines, first = lines[~same], first[~same]
        if len(lines):
            raise NotEventTextError("hundreds of different tags")

    def _tagged(self, lines: Indices, first: NDArray[np.uint64], tag: bytes) -> NDArray[np.bool_]:
        """Say which lines begin with `tag`; `first` holds their first eight bytes."""
        same = _masked(first, tag[:8])
        for position in range(8, len(tag), 8):
            candidates = np.flatnonzero(same)
            words = self.words[self.starts[lines[candidates]] + position]
            same[candidates] = _masked(words, tag[position : position + 8])
        return same

    def _tag(self, line: int) -> str:
        """Return the tag of a line with its colon, ``""`` if it has none."""
        start = int(self.starts[line])
        colon = self.text.find(":", start, min(int(self.ends[line]), start + MAX_TAG_LENGTH))
        return self.text[start : colon + 1] if colon > start else ""

    def _untagged(self, lines: Indices) -> NDArray[np.bool_]:
        """Say which lines have no colon within the length of a tag, or begin with one."""
        find, starts, ends = self.text.find, self.starts[lines], self.ends[lines]
        limits = np.minimum(ends, starts + MAX_TAG_LENGTH)
        colons = [find(":", start, end) for start, end in zip(starts.tolist(), limits.tolist(), strict=True)]
        return np.array(colons, dtype=np.int64) <= starts


def _masked(words: NDArray[np.uint64], text: bytes) -> NDArray[np.bool_]:
    """Say which words begin with `text`, at most eight bytes."""
    mask = np.uint64((1 << (8 * len(text))) - 1)
    matches: NDArray[np.bool_] = (words & mask) == np.uint64(int.from_bytes(text, "little"))
    return matches
