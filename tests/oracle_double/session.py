"""One client: from its first packet until it leaves."""

import re
import sqlite3
from typing import TYPE_CHECKING

import oracle_double.calls as calls
import oracle_double.packets as packets
import oracle_double.replies as replies
from oracle_double.auth import VERIFIER_10G, VERIFIER_11G, Challenge
from oracle_double.columns import describe
from oracle_double.cursors import Batch, Cursor, RowSender, rows_reply
from oracle_double.engine import Engine
from oracle_double.errors import OracleError, not_understood
from oracle_double.faults import Disconnected
from oracle_double.lobs import Lobs

if TYPE_CHECKING:
    from oracle_double.server import OracleDouble

_SERVICE = re.compile(r"\((?:SERVICE_NAME|SID)=([^)]*)\)", re.IGNORECASE)
_MESSAGE_PROTOCOL, _MESSAGE_DATA_TYPES, _MESSAGE_FUNCTION = 1, 2, 3


class Session:
    """A connection of a client to the double."""

    def __init__(self, server: "OracleDouble", link: packets.Link, number: int) -> None:
        self._server = server
        self._link = link
        self._number = number
        self._engine: Engine | None = None
        self._cursors: dict[int, Cursor] = {}
        self._last_cursor = 0
        self._lobs = Lobs()
        self._challenge: Challenge | None = None
        self._user = ""
        self._sender = RowSender(server.faults, self._lobs, self._interrupted, server.cache)

    def run(self) -> None:
        """Serve until the client leaves."""
        try:
            if self._enter():
                self._serve()
        except packets.ConnectionEndedError:
            pass  # how every connection ends
        except Disconnected:
            self._link.cut()
        finally:
            if self._engine is not None:
                self._engine.close()

    def _enter(self) -> bool:
        text = self._link.receive_connect()
        faults = self._server.faults
        service = _SERVICE.search(text)
        if faults.refuse:
            self._link.refuse(faults.refuse)
        elif service and service[1].upper() != self._server.service:
            self._link.refuse(12514 if "SERVICE_NAME" in service[0].upper() else 12505)
        else:
            version = faults.tns_version or packets.PROTOCOL_VERSION
            self._link.accept(version, encryption=faults.encryption)
            return True
        return False

    def _serve(self) -> None:
        while True:
            packet = self._link.receive()
            if packet.kind == packets.MARKER:
                self._on_marker(packet.body)
            elif packet.kind == packets.DATA:
                if packets.Link.is_end(packet.body):
                    return
                try:
                    self._handle(self._request(packet.body[2:]))
                except InterruptedError:
                    self._link.send_marker(packets.BREAK)
                except ValueError as error:
                    self._link.send(
                        replies.done(code=600, text=f"ORA-00600: a request the double cannot read: {error}")
                    )

    def _request(self, data: bytes) -> calls.Request:
        while True:
            try:
                return calls.read(data, self._binds_of)
            except EOFError:
                data += self._link.receive_rest()

    def _binds_of(self, number: int) -> tuple[calls.Bind, ...]:
        return self._cursors[number].binds if number in self._cursors else ()

    def _on_marker(self, body: bytes) -> None:
        """A client that gives up sends an interrupt, or a break, and then a reset, and waits for an error."""
        if body[2] == packets.INTERRUPT:
            self._link.send_marker(packets.BREAK)
        elif body[2] == packets.RESET:
            self._link.send_marker(packets.RESET)
            self._link.send(replies.done(code=1013, text="ORA-01013: user requested cancel of current operation"))

    def _interrupted(self, seconds: float) -> bool:
        """Whether the client has lost patience."""
        if not self._link.waiting(seconds):
            return False
        if self._link.receive().kind != packets.MARKER:
            raise packets.ConnectionEndedError("a request came before the last one was answered")
        return True

    def _handle(self, request: calls.Request) -> None:
        for number in request.closed:
            self._close_cursor(number)
        if request.schema is not None and self._engine is not None:
            self._engine.schema = request.schema
        if request.message == _MESSAGE_PROTOCOL:
            self._link.send(replies.protocol())
        elif request.message == _MESSAGE_DATA_TYPES:
            self._link.send(replies.data_types())
        elif request.function in (calls.AUTH_FIRST, calls.AUTH_SECOND):
            self._log_in(request)
        elif self._engine is None:
            raise packets.ConnectionEndedError("not logged in")
        else:
            self._call(self._engine, request)

    def _log_in(self, request: calls.Request) -> None:
        if self._challenge is None or request.function == calls.AUTH_FIRST:
            self._user = request.user.strip('"').upper()
            self._challenge = Challenge(self._server.password)
            verifier = VERIFIER_10G if self._server.faults.old_verifier else VERIFIER_11G
            self._link.send(replies.parameters(self._challenge.first(), verifier))
            return
        proof = self._challenge.second(request.names)
        if proof is None or self._user != self._server.user:
            text = "ORA-01017: invalid username/password; logon denied"
            self._link.send(replies.done(code=1017, text=text))
            return
        self._engine = Engine(self._server, self._user)
        known = {
            "AUTH_SVR_RESPONSE": proof,
            "AUTH_SESSION_ID": str(self._number),
            "AUTH_SERIAL_NUM": "1",
            "AUTH_VERSION_NO": replies.version_number(self._server.version),
            "AUTH_SC_DBUNIQUE_NAME": self._server.service,
            "AUTH_SC_SERVICE_NAME": self._server.service.lower(),
            "AUTH_INSTANCENAME": self._server.service,
            "AUTH_MAX_OPEN_CURSORS": "300",
            "AUTH_MAX_IDEN_LENGTH": "128",
        }
        self._link.send(replies.parameters(known, VERIFIER_11G))

    def _call(self, engine: Engine, request: calls.Request) -> None:
        cursor = request.execute.cursor if request.execute else request.cursor
        try:
            if request.execute is not None:
                self._execute(engine, request.execute)
            elif request.function == calls.FETCH:
                self._fetch(engine, self._cursor(request.cursor), request.rows)
            elif request.lob is not None:
                self._link.send(self._lobs.answer(request.lob) + replies.status())
            else:
                self._simple(engine, request.function)
        except OracleError as error:
            self._link.send(replies.done(cursor, code=error.code, text=str(error)))
        except sqlite3.Error as error:
            found = engine.error_of(error, self._cursors[cursor].statement if cursor in self._cursors else "")
            self._link.send(replies.done(cursor, code=found.code, text=str(found)))
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            found = _error_of(error)
            self._link.send(replies.done(cursor, code=found.code, text=str(found)))

    def _simple(self, engine: Engine, function: int) -> None:
        if function == calls.COMMIT:
            engine.commit()
        elif function in (calls.ROLLBACK, calls.LOGOFF):
            engine.rollback()
        elif function != calls.PING:
            raise not_understood(f"function {function}", "")
        self._link.send(replies.status(in_transaction=engine.in_transaction))

    def _cursor(self, number: int) -> Cursor:
        if number not in self._cursors:
            raise OracleError(1001, "invalid cursor")
        return self._cursors[number]

    def _close_cursor(self, number: int) -> None:
        cursor = self._cursors.pop(number, None)
        if cursor is not None:
            cursor.close()
            self._lobs.forget(number)

    def _execute(self, engine: Engine, asked: calls.Execute) -> None:
        if asked.defining:
            cursor = self._cursor(asked.cursor)
            cursor.define(asked.defines)
            self._fetch(engine, cursor, asked.rows if asked.fetches else 0)
            return
        parsed = asked.statement is not None
        cursor = self._parse(asked.statement) if asked.statement is not None else self._cursor(asked.cursor)
        cursor.binds = asked.binds
        self._lobs.forget(cursor.number)
        before = cursor.columns
        changed = engine.execute(cursor, asked.values, run=asked.executes)
        if asked.commits:
            engine.commit()
        if not cursor.columns:
            directions = replies.bind_directions(len(asked.binds)) if asked.binds and engine.was_block else b""
            self._link.send(directions + replies.done(cursor.number, changed, in_transaction=engine.in_transaction))
            return
        head = b""
        if parsed or before != cursor.columns:
            cursor.by_default()
            head = describe(cursor.columns)
        rows = asked.rows if asked.fetches and not cursor.has_lobs else 0
        self._fetch(engine, cursor, rows, head)

    def _parse(self, statement: str) -> Cursor:
        self._last_cursor += 1
        cursor = Cursor(self._last_cursor, statement)
        self._cursors[cursor.number] = cursor
        return cursor

    def _fetch(self, engine: Engine, cursor: Cursor, rows: int, head: bytes = b"") -> None:
        if not rows:
            self._link.send(head + replies.done(cursor.number, cursor.sent, in_transaction=engine.in_transaction))
            return
        sent: list[Batch] = []
        try:
            # What came before an error stays in the list.
            sent.extend(self._sender.batch(cursor, rows, cached=self._server.speed and not cursor.has_lobs))
        except (OracleError, sqlite3.Error) as error:
            found = error if isinstance(error, OracleError) else engine.error_of(error, cursor.statement)
            self._break_off(head + rows_reply(sent), cursor, found)
            return
        except Disconnected:
            self._link.send(head + rows_reply(sent))
            raise
        end = replies.done(cursor.number, cursor.sent, in_transaction=engine.in_transaction)
        if not sent[-1].more:
            end = replies.done(cursor.number, cursor.sent, replies.NO_DATA_FOUND, "ORA-01403: no data found")
        self._link.send_packed(self._link.packed(head + rows_reply(sent)) + self._link.packed(end))

    def _break_off(self, begun: bytes, cursor: Cursor, error: OracleError) -> None:
        """Like Oracle, stop a reply with a marker, and say why when the client has answered with its own."""
        self._link.send(begun)
        self._link.send_marker(packets.BREAK)
        while (packet := self._link.receive()).kind != packets.MARKER or packet.body[2] != packets.RESET:
            pass
        self._link.send_marker(packets.RESET)
        if error.code == 3113:
            raise Disconnected
        self._link.send(replies.done(cursor.number, cursor.sent, error.code, str(error)))


def _error_of(error: Exception) -> OracleError:
    found = re.match(r"ORA-(\d+): (.*)", str(error), re.DOTALL)
    return OracleError(int(found[1]), found[2]) if found else OracleError(600, f"internal error of the double: {error}")
