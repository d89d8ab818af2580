"""A proxy on the loopback interface that forwards to a server, and fails as planned.

>>> proxy.plan(Fault.status(503), times=2, path="/replicas")  # the next two such requests
>>> proxy.plan(Fault.cut(100), skip=3)                        # the fourth request from now
"""

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self

FOR_EVER = 10**9


class Kind(Enum):
    """What goes wrong."""

    DROP = auto()
    DROP_AFTER = auto()
    STATUS = auto()
    DELAY = auto()
    CUT = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail; made by its class methods."""

    kind: Kind
    code: int = 0
    seconds: float = 0.0
    size: int = 0
    body: bytes = b""

    @classmethod
    def drop(cls) -> Self:
        """Reset the connection; the server never sees the request."""
        return cls(Kind.DROP)

    @classmethod
    def drop_after(cls) -> Self:
        """Let the server do the work, then reset the connection without an answer."""
        return cls(Kind.DROP_AFTER)

    @classmethod
    def status(cls, code: int, body: bytes = b"planned failure") -> Self:
        """Answer with an HTTP status; the server never sees the request."""
        return cls(Kind.STATUS, code=code, body=body)

    @classmethod
    def delay(cls, seconds: float) -> Self:
        """Wait, then forward."""
        return cls(Kind.DELAY, seconds=seconds)

    @classmethod
    def cut(cls, size: int) -> Self:
        """Let the server do the work, announce the whole answer, send `size` bytes of it and close."""
        return cls(Kind.CUT, size=size)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came by."""

    method: str
    path: str
    body: bytes
    fault: Fault | None
    status: int = 0
    """Of the server's answer; 0 when it never saw the request."""


@dataclass(slots=True)
class _Plan:
    fault: Fault
    times: int
    skip: int
    method: str
    path: str
    body: bytes

    def matches(self, method: str, path: str, body: bytes) -> bool:
        return self.method in ("", method) and self.path in path and self.body in body


@dataclass(slots=True)
class _Memory:
    """What the threads of the proxy share."""

    server: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    plans: list[_Plan] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    generation: int = 0
    """Counts how often the proxy stopped listening: connections of an earlier one are not served."""

    def fault_for(self, method: str, path: str, body: bytes) -> Fault | None:
        with self.lock:
            for plan in self.plans:
                if not plan.times or not plan.matches(method, path, body):
                    continue
                if plan.skip:
                    plan.skip -= 1
                    continue
                plan.times -= 1
                return plan.fault
        return None

    def note(self, request: Request) -> None:
        with self.lock:
            self.seen.append(request)


class FaultyProxy:
    """The proxy; a context manager.

    Parameters
    ----------
    server
        Port of the server on this machine.
    """

    def __init__(self, server: int) -> None:
        self._memory = _Memory(server)
        memory = self._memory

        class Handler(_Handler):
            shared = memory

        self._handler = Handler
        self._listener: _Listener | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """What clients take for the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """What came by since the start or the last `forget`, in the order of answering."""
        with self._memory.lock:
            return list(self._memory.seen)

    def count(self, method: str = "", path: str = "", body: bytes = b"") -> int:
        """Return how many requests came by that match."""
        plan = _Plan(Fault.drop(), 0, 0, method, path, body)
        return sum(plan.matches(seen.method, seen.path, seen.body) for seen in self.requests)

    def plan(
        self, fault: Fault, *, times: int = 1, skip: int = 0, method: str = "", path: str = "", body: bytes = b""
    ) -> None:
        """Let requests fail that match; plans are tried in the order in which they were made.

        Parameters
        ----------
        fault
            What happens.
        times, skip
            How many matching requests fail, after how many that do not.
        method
            Of the request; ``""`` for any.
        path, body
            What the path (with query) and the body hold; authentication is at ``/auth/userpass``.
        """
        with self._memory.lock:
            self._memory.plans.append(_Plan(fault, times, skip, method, path, body))

    def heal(self) -> None:
        """Forget all plans and end all delays that are under way."""
        with self._memory.lock:
            self._memory.plans.clear()
            self._memory.released.set()
            self._memory.released = threading.Event()

    def forget(self) -> None:
        """Forget what came by."""
        with self._memory.lock:
            self._memory.seen.clear()

    def refuse(self) -> None:
        """Refuse all connections, as a server that is down, until `listen`."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            # The threads of connections that are kept alive go on.
            self._memory.generation += 1
            self._listener = None

    def listen(self) -> None:
        """Accept connections, on the same port as before."""
        if self._listener is None:
            self._listener = _Listener(("127.0.0.1", self.port), self._handler)
            self.port = self._listener.server_address[1]
            threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()
        self.refuse()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away belong to the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two packets; without this the second waits for the other side, some 40 ms.
    disable_nagle_algorithm = True
    shared: ClassVar[_Memory]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is given
        """Say nothing."""

    def setup(self) -> None:
        super().setup()
        self.born = self.shared.generation

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.born != self.shared.generation:
            self.reset()
            return
        fault = self.shared.fault_for(self.command, self.path, body)
        kind = fault.kind if fault else None
        if fault and kind is Kind.DELAY:
            released = self.shared.released
            released.wait(fault.seconds)
        if fault and kind in (Kind.DROP, Kind.STATUS):
            self.shared.note(Request(self.command, self.path, body, fault))
            if kind is Kind.DROP:
                self.reset()
            else:
                self.answer(fault.code, [("Content-Type", "text/plain")], fault.body)
            return
        answered = self.ask(body)
        status = answered[0] if answered else 0
        self.shared.note(Request(self.command, self.path, body, fault, status))
        if answered is None or kind is Kind.DROP_AFTER:
            self.reset()
        else:
            self.answer(*answered, cut=fault.size if fault and kind is Kind.CUT else None)

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The base class looks for a method do_GET, do_POST ...
        if name.startswith("do_"):
            return self.forward
        raise AttributeError(name)

    def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """Return the server's status, headers and body, None when it cannot be reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self.shared.server, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        try:
            connection.request(self.command, self.path, body or None, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS]
            return answer.status, kept, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes, cut: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        # Announcing more than is sent is how a client notices, as it would notice a missing last chunk.
        self.send_header("Content-Length", str(len(body) if cut is None else max(len(body), cut + 1)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True

    def reset(self) -> None:
        """Close the connection with a reset (RST): the client gets ECONNRESET."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


_OWN_HEADERS = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})
