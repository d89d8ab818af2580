"""A server that speaks Oracle's protocol well enough for the real `oracledb` thin driver, over SQLite files.

Modules, from the wire up: `packets` (TNS), `wire`, `calls`, `replies`, `columns`, `values` and `lobs` (TTC),
`auth`, `session`, `cursors` and `engine` (one connection), `lexer`, `reading`, `expressions`, `scope`, `queries`,
`routines`, `functions`, `arithmetic`, `texts` and `aggregates` (Oracle's SQL in SQLite), `catalogue`, `dictionary`,
`views`, `constraints` and `ddl` (ALL_ views), `moments` and `rowids` (times and addresses), `clock`, `faults`.

A column of SQLite is declared with Oracle's type, in quotes where SQLite would stumble, and that type is what the
driver is told: NUMBER(10,2), VARCHAR2(40), "VARCHAR2(40 CHAR)", "TIMESTAMP(6) WITH TIME ZONE", CLOB. SQLite rounds
numbers of more than 15 digits unless their column is declared with the word TEXT behind, as in "NUMBER(38) TEXT"; so
it is with a LONG that has digits only ("LONG TEXT"). How times and intervals are kept says `moments`; NaN is the text
``NaN``; a BFILE is ``DIRECTORY/name``. Plain names in small letters are those that were not in quotes: table ``env``
is ENV to Oracle. Write NULL where Oracle has no characters.

What real Oracle does that the double cannot show:

- It takes no flashback: AS OF SCN is checked and then forgotten, rows are those of now (SET TRANSACTION READ ONLY does
  hold a snapshot). ORA-01555 comes on demand, never from undo. ORA_ROWSCN is one number for each table, which
  changes when its content is seen to have changed.
- Its optimiser, its speed, its locks and its undo; statistics are always right; extents and blocks are invented,
  50 rows to a block, and no row is chained, migrated or moved.
- Character sets: the database says WE8ISO8859P1 and all texts are Unicode. No conversion replaces or loses anything.
- Session settings: NLS parameters and time zone are accepted and have no effect; a TIMESTAMP WITH LOCAL TIME ZONE
  is sent in UTC. Texts sort and compare by code point; blanks of CHAR count in comparisons.
- An XMLTYPE is described by the dictionary and given as text by XMLSERIALIZE; to send it as what it is takes PL/SQL.
- PL/SQL, objects, VARRAYs, nested tables, REF CURSORs, links, CONNECT BY, outer joins with (+), hierarchies, JSON:
  it knows none of them. Rights are those of one account. Much SQL is not understood: ORA-00900 says so.
- NUMBER arithmetic of 40 digits is Python's; functions of floats are SQLite's; TO_CHAR of floats is near Oracle's.
- Numbers of regions of TIMESTAMP WITH TIME ZONE are invented; the driver refuses all of them alike (DPY-3022).
- Encryption, wallets, sharding, pooling on the server (DRCP), urgent data, what versions after 19c add to the wire.
"""

import contextlib
import shutil
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oracle_double.catalogue import DICTIONARY, Catalogue, quoted
from oracle_double.clock import Clock
from oracle_double.cursors import Batch
from oracle_double.dictionary import Filling, create
from oracle_double.engine import open_database
from oracle_double.faults import Faults
from oracle_double.packets import SDU, Link
from oracle_double.session import Session

USER, SERVICE, VERSION = "ANTARES", "ANTARES", "19.3.0.0.0"


class OracleDouble:
    """A running server.

    Parameters
    ----------
    path
        SQLite file with the tables of the account ANTARES.
    password
        Of that account.
    schemas
        Files with the tables of other owners.
    version
        That the server says it has.
    faults
        What goes wrong; may be changed while it runs.
    dba
        Whether the account may read the views of the administrator: DBA_SEGMENTS, DBA_EXTENTS.
    speed
        Whether replies are kept and sent again to whoever asks the same: for measuring a client.
    sdu
        Largest packet.

    Attributes
    ----------
    port
        On the loopback interface.
    statements
        Every statement that was executed, in order.
    """

    def __init__(
        self,
        path: Path,
        *,
        password: str,
        schemas: Mapping[str, Path] | None = None,
        version: str = VERSION,
        faults: Faults | None = None,
        dba: bool = False,
        speed: bool = False,
        sdu: int = SDU,
        port: int = 0,
    ) -> None:
        self.user, self.service, self.version, self.password = USER, SERVICE, version, password
        self.owners = {USER: Path(path), **{owner: Path(file) for owner, file in (schemas or {}).items()}}
        self.faults = faults or Faults()
        self.speed = speed
        self.cache: dict[object, Batch] = {}
        self.statements: list[str] = []
        self._sdu = sdu
        self._lock = threading.RLock()
        self._folder = Path(tempfile.mkdtemp(prefix="oracle-double-"))
        self.dictionary = self._folder / "dictionary.sqlite"
        self._filler = self._prepared(dba=dba)
        self.clock = Clock(open_database(self), self._lock)
        self._filled: tuple[int, ...] = ()
        self._sessions: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, name="oracle double", daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """URL of the server for SQLAlchemy, without the password."""
        return f"oracle+oracledb://{USER.lower()}@127.0.0.1:{self.port}/?service_name={SERVICE}"

    @property
    def dsn(self) -> str:
        """Name of the server for `oracledb.connect`."""
        return f"127.0.0.1:{self.port}/{SERVICE}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        with self._lock:
            return len(self._sessions)

    def close(self) -> None:
        """Send everybody away and end."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who accepts
        self._listener.close()
        with self._lock:
            open_now = list(self._sessions.values())
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in [self._accepting, *self._threads]:
            thread.join(timeout=5)
        self.clock.close()
        self._filler.database.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, statement: str, values: tuple[Any, ...] = (), *, owner: str = USER) -> None:
        """Run a statement of SQLite on the tables of an owner, as another session of the server would."""
        with contextlib.closing(sqlite3.connect(self.owners[owner], timeout=10)) as database, database:
            database.execute(statement, values)

    def note(self, statement: str, *, run: bool) -> None:
        """Keep a statement that a client has sent."""
        if run:
            with self._lock:
                self.statements.append(statement)

    def refresh(self, catalogue: Catalogue) -> tuple[int, ...]:
        """Let a catalogue and the dictionary know what tables there are; return a mark of that state."""
        versions = catalogue.refresh()
        with self._lock:
            if versions != self._filled:
                self._filler.fill()
                self._filled = versions
        return versions

    def facts(self, owner: str, name: str) -> list[dict[str, Any]]:
        """Return the rows of a table of facts."""
        with self._lock:
            return self._filler.facts(owner, name)

    def _prepared(self, *, dba: bool) -> Filling:
        for path in (*self.owners.values(), self.dictionary):
            with contextlib.closing(sqlite3.connect(path)) as database:
                # Writers then do not wait for readers, as in Oracle.
                database.execute("PRAGMA journal_mode = WAL")
        database = open_database(self)
        database.execute(f"PRAGMA {quoted(DICTIONARY)}.synchronous = OFF")
        with database:
            database.execute("BEGIN")
            create(database, dba=dba)
        return Filling(database, Catalogue(database, {owner: owner for owner in self.owners}), self.version)

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            number += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            with self._lock:
                self._sessions[number] = connection
                self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with connection:
                Session(self, Link(connection, self._sdu), number).run()
        finally:
            with self._lock:
                self._sessions.pop(number, None)


@contextlib.contextmanager
def serve(path: Path | str, *, password: str = "tiger", **options: Any) -> Iterator[OracleDouble]:
    """Run a server over an SQLite file for the time of a block; see `OracleDouble` for the options."""
    server = OracleDouble(Path(path), password=password, **options)
    try:
        yield server
    finally:
        server.close()
