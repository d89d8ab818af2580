"""Oracle as a source: thin by default, thick on request, every statement a plain SELECT.

Tried with the real driver against the double of tests/oracle_double, which is no Oracle. What only a real server can
show is unproven:

- thick mode, wallets and servers before 12.1 (no client libraries were at hand);
- ``AS OF SCN`` together with ``PARTITION (...)``, with views and with LOBs, and how long undo lasts;
- that a text of `TM9` keeps all 40 digits beyond 64 characters, and the bytes of a NaN in the digest;
- ``SAMPLE BLOCK`` and ``ORDER BY ROWID`` on large segments, their cost, and ROWIDs of bigfile tablespaces;
- XMLTYPE, JSON, objects, nested tables, BFILE, LONG beside other columns, extended strings of 32,767 bytes;
- ``DBMS_METADATA.GET_DDL`` for many tables in one statement, and dictionary views of servers before 11g;
- times before 15 October 1582: Oracle counts days in the Julian calendar there, the image in the Gregorian one
  everywhere. The fields of a time are kept as they are; a 29 February that only the Julian calendar has is refused.
"""

from dbdump.sources.oracle.session import connect_session
from dbdump.sources.oracle.source import OracleSource, connect

__all__ = ["OracleSource", "connect", "connect_session"]
