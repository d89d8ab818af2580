"""TNS, the lower layer of Oracle's protocol: packets on a socket.

Facts: python-oracledb, src/oracledb/impl/thin/packet.pyx and messages/connect.pyx.
"""

import contextlib
import select
import socket
import struct
from dataclasses import dataclass

CONNECT, ACCEPT, REFUSE, DATA, MARKER = 1, 2, 4, 6, 12
BREAK, RESET, INTERRUPT = 1, 2, 3
SDU = 8192
"""Bytes of a packet, as Oracle offers it when nobody asks for another: requests and replies are divided by it."""
_HEADER = 8
_LONGEST_CONNECT_STRING = 230
_END_OF_FILE = 0x0040
_NEEDS_NATIVE_ENCRYPTION = 0x10
_LARGEST_PACKET = 1 << 21
PROTOCOL_VERSION = 317
"""Of TNS: at least 315 (12.1) for the thin driver, below 318 so that it does not try urgent data."""


class ConnectionEndedError(Exception):
    """The client is gone, or was sent away."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet without its header."""

    kind: int
    body: bytes


class Link:
    """A connection to one client, in packets."""

    def __init__(self, connection: socket.socket, sdu: int = SDU) -> None:
        self._socket = connection
        self._sdu = sdu
        self._accepted = False

    def receive(self) -> Packet:
        """Wait for a packet; raises ConnectionEndedError when there will be none."""
        header = self._exactly(_HEADER)
        size = int.from_bytes(header[:4] if self._accepted else header[:2], "big")
        if not _HEADER <= size <= _LARGEST_PACKET:
            raise ConnectionEndedError(f"a packet of {size} bytes")
        return Packet(header[4], self._exactly(size - _HEADER))

    def receive_connect(self) -> str:
        """Wait for the first packet of a client; return its connect string."""
        packet = self.receive()
        if packet.kind != CONNECT:
            raise ConnectionEndedError(f"the first packet is of kind {packet.kind}")
        size = int.from_bytes(packet.body[16:18], "big")
        offset = int.from_bytes(packet.body[18:20], "big") - _HEADER
        text = self.receive().body[2:] if size > _LONGEST_CONNECT_STRING else packet.body[offset:]
        return text[:size].decode(errors="replace")

    def receive_rest(self) -> bytes:
        """Wait for one more packet of a request that is longer than a packet; return what it adds."""
        packet = self.receive()
        if packet.kind != DATA:
            raise ConnectionEndedError("a request was broken off")
        return packet.body[2:]

    @staticmethod
    def is_end(body: bytes) -> bool:
        """Whether a data packet says that the client leaves."""
        return len(body) <= 2 or bool(int.from_bytes(body[:2], "big") & _END_OF_FILE)

    def accept(self, version: int, *, encryption: bool) -> None:
        """Let a client in; `encryption` demands what the thin driver does not have."""
        flag = _NEEDS_NATIVE_ENCRYPTION if encryption else 0
        body = struct.pack(">HH10xB9xI", version, 0, flag, self._sdu)
        self._send(struct.pack(">HHBBH", len(body) + _HEADER, 0, ACCEPT, 0, 0) + body)
        self._accepted = True

    def refuse(self, error: int) -> None:
        """Send a client away as the listener does."""
        text = (
            f"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR={error})(ERROR_STACK=(ERROR=(CODE={error})(EMFI=4))))".encode()
        )
        body = struct.pack(">BBH", 34, 0, len(text)) + text
        self._send(struct.pack(">HHBBH", len(body) + _HEADER, 0, REFUSE, 0, 0) + body)

    def send(self, message: bytes) -> None:
        """Send a message in packets of at most the SDU."""
        self._send(self.packed(message))

    def packed(self, message: bytes) -> bytes:
        """Return the packets of a message."""
        room = self._sdu - _HEADER - 2
        pieces: list[bytes] = []
        for start in range(0, len(message), room):
            piece = message[start : start + room]
            pieces += (struct.pack(">IBBHH", len(piece) + _HEADER + 2, DATA, 0, 0, 0), piece)
        return b"".join(pieces)

    def send_packed(self, packets: bytes) -> None:
        """Send what `packed` has made."""
        self._send(packets)

    def send_marker(self, kind: int) -> None:
        """Send a marker: BREAK or RESET."""
        self._send(struct.pack(">IBBHBBB", _HEADER + 3, MARKER, 0, 0, 1, 0, kind))

    def waiting(self, seconds: float) -> bool:
        """Whether something comes from the client within a time."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def cut(self) -> None:
        """End the connection without a word, as a server that dies."""
        with contextlib.suppress(OSError):  # the client may have been faster
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ConnectionEndedError(str(error)) from error

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            try:
                part = self._socket.recv(min(count, 1 << 20))
            except (OSError, ValueError) as error:
                raise ConnectionEndedError(str(error)) from error
            if not part:
                raise ConnectionEndedError("the client has left")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
