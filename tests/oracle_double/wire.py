"""Numbers and bytes as TTC, the upper layer of Oracle's protocol, writes them.

Integers are a byte with their length and then the bytes, most significant first; bytes have a length before them, or
come in chunks. Facts: python-oracledb, src/oracledb/impl/base/buffer.pyx.
"""

_CHUNK = 32767
_LONGEST_SHORT = 252
_CHUNKED = 254


def number(value: int) -> bytes:
    """Encode an integer without sign (ub2, ub4 and ub8 are all written like this)."""
    if value == 0:
        return b"\0"
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((len(raw),)) + raw


def text_or_bytes(value: bytes | None) -> bytes:
    """Encode bytes with their length before them; None and no bytes are both NULL."""
    if not value:
        return b"\0"
    if len(value) <= _LONGEST_SHORT:
        return bytes((len(value),)) + value
    return chunked(value)


def chunked(value: bytes) -> bytes:
    """Encode bytes in chunks, which alone can hold many or none at all."""
    parts = [bytes((_CHUNKED,))]
    for start in range(0, len(value), _CHUNK):
        chunk = value[start : start + _CHUNK]
        parts += (number(len(chunk)), chunk)
    parts.append(b"\0")
    return b"".join(parts)


def twice_counted(value: bytes) -> bytes:
    """Encode bytes with their length as a number first and then once more as in `text_or_bytes`."""
    return number(len(value)) + (text_or_bytes(value) if value else b"")


class Reader:
    """Takes a message of the client apart."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        """Bytes that are still to be read."""
        return len(self._data) - self._position

    def raw(self, count: int) -> bytes:
        """Read bytes as they are; raises EOFError when the message is too short."""
        if count > self.left:
            raise EOFError(f"{count} bytes wanted, {self.left} left")
        start, self._position = self._position, self._position + count
        return self._data[start : self._position]

    def byte(self) -> int:
        """Read one byte."""
        return self.raw(1)[0]

    def number(self) -> int:
        """Read an integer."""
        length = self.byte()
        value = int.from_bytes(self.raw(length & 0x7F), "big")
        return -value if length & 0x80 else value

    def numbers(self, count: int) -> list[int]:
        """Read some integers."""
        return [self.number() for _ in range(count)]

    def counted(self) -> bytes | None:
        """Read bytes with their length before them; None for NULL."""
        length = self.byte()
        if length in (0, 255):
            return None
        if length != _CHUNKED:
            return self.raw(length)
        chunks = []
        while chunk := self.number():
            chunks.append(self.raw(chunk))
        return b"".join(chunks)

    def twice_counted(self) -> bytes:
        """Read bytes that have their length twice before them."""
        return (self.counted() or b"") if self.number() else b""
