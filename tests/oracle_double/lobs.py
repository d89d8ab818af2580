"""Large values by locator.

Facts: python-oracledb, src/oracledb/impl/thin/lob.pyx and messages/lob_op.pyx. A CLOB of a database in AL32UTF8 is
kept and sent in UTF-16, and its length and offsets count 16-bit units.
"""

import struct
from dataclasses import dataclass

import oracle_double.columns as columns
import oracle_double.wire as wire
from oracle_double.errors import OracleError
from oracle_double.values import SqlValue, value_text

GET_LENGTH, READ, CHUNK_SIZE, FREE_TEMP, CREATE_TEMP = 0x1, 0x2, 0x4000, 0x111, 0x110
IS_OPEN, FILE_EXISTS, FILE_IS_OPEN = 0x11000, 0x800, 0x400
OPEN, CLOSE, FILE_OPEN, FILE_CLOSE = 0x8000, 0x10000, 0x100, 0x200
_CHUNK = 8132
_UTF16 = 0x80
_LENGTH = 40
_AT = 16


@dataclass(frozen=True, slots=True)
class LobRequest:
    """What the client asks about a LOB."""

    operation: int
    locator: bytes
    offset: int
    amount: int
    sends_amount: bool


def read_request(reader: wire.Reader) -> LobRequest:
    """Read the body of a LOB operation."""
    reader.byte()
    size = reader.number()
    reader.byte()
    reader.numbers(3)
    reader.raw(3)
    operation = reader.number()
    reader.raw(2)
    offset, _ = reader.numbers(2)
    sends_amount = bool(reader.byte())
    reader.raw(6)
    locator = reader.raw(size)
    if operation == CREATE_TEMP:
        reader.number()
    amount = reader.number() if sends_amount else 0
    return LobRequest(operation, locator, offset, amount, sends_amount)


class Lobs:
    """The large values whose locators one connection has been given; they live as long as the cursor that had them."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[int, bytes]] = {}
        self._of_cursor: dict[int, list[int]] = {}
        self._last = 0

    def forget(self, cursor: int) -> None:
        """Drop the values of a cursor that is closed or executed again."""
        for number in self._of_cursor.pop(cursor, ()):
            del self._values[number]

    def encode(self, cursor: int, kind: columns.OracleType, value: SqlValue) -> bytes:
        """Return a value of a LOB column as its locator and length."""
        if value is None:
            return b"\0"
        if kind.code == columns.BFILE:
            locator = _file_locator(value_text(value))
            return wire.number(len(locator)) + wire.text_or_bytes(locator)
        binary = kind.code == columns.BLOB
        data = value if isinstance(value, bytes) else value_text(value).encode("utf-8" if binary else "utf-16-be")
        self._last += 1
        self._values[self._last] = (kind.code, data)
        self._of_cursor.setdefault(cursor, []).append(self._last)
        flags = struct.pack(">HHBBBB", _LENGTH - 2, 4, 0x01 if binary else 0x02, 0x08, 0 if binary else _UTF16, 0)
        locator = flags.ljust(_AT, b"\0") + struct.pack(">Q", self._last)
        length = len(data) if binary else len(data) // 2
        return b"".join((
            wire.number(_LENGTH), wire.number(length), wire.number(_CHUNK),
            wire.text_or_bytes(locator.ljust(_LENGTH, b"\0")),
        ))  # fmt: skip

    def answer(self, request: LobRequest) -> bytes:
        """Return the reply to an operation; raises OracleError (ORA-22275) for a locator that is none."""
        extra, amount = b"", 0
        match request.operation:
            case 0x2:
                piece, amount = self._piece(request)
                extra = b"\x0e" + wire.chunked(piece) if piece else b""
            case 0x1:
                code, data = self._value(request.locator)
                amount = len(data) if code == columns.BLOB else len(data) // 2
            case 0x4000:
                amount = _CHUNK
            case 0x8000 | 0x10000 | 0x200 | 0x11000 | 0x800 | 0x400:
                pass
            case 0x100:
                raise OracleError(22288, "file or LOB operation FILEOPEN failed: No such file or directory")
            case operation:
                raise OracleError(22275, f"the double has no such operation on LOBs: {operation:#x}")
        reply = extra + b"\x08" + request.locator
        if request.sends_amount:
            reply += wire.number(amount)
        if request.operation in (IS_OPEN, FILE_EXISTS, FILE_IS_OPEN):
            reply += b"\0"
        return reply

    def _piece(self, request: LobRequest) -> tuple[bytes, int]:
        code, data = self._value(request.locator)
        unit = 1 if code == columns.BLOB else 2
        start = (request.offset - 1) * unit
        piece = data[start : start + request.amount * unit]
        return piece, len(piece) // unit

    def _value(self, locator: bytes) -> tuple[int, bytes]:
        (number,) = struct.unpack(">Q", locator[_AT : _AT + 8])
        if number not in self._values:
            raise OracleError(22275, "invalid LOB locator specified")
        return self._values[number]


def _file_locator(text: str) -> bytes:
    """A BFILE is kept as ``DIRECTORY/name``."""
    directory, _, name = text.partition("/")
    parts = (directory.encode(), name.encode())
    return bytes(_AT) + b"".join(struct.pack(">H", len(part)) + part for part in parts)
