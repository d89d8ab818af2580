"""Errors of the driver become ours, with a next step and never with a password."""

import oracledb
import pyarrow as pa
import pytest

from dbdump.errors import (
    ConnectionLostError,
    SnapshotExpiredError,
    SourceError,
    TableDeniedError,
    TableError,
    TableGoneError,
    ValueLossError,
)
from dbdump.schema import TableName
from dbdump.sources.oracle.faults import codes, refused, told, translated, translating

TABLE = TableName("ANTARES", "ENV")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("ORA-00942: table or view does not exist", TableDeniedError),
        ("ORA-01031: insufficient privileges", TableDeniedError),
        ('ORA-00904: "X": invalid identifier', TableGoneError),
        ("ORA-08103: object no longer exists", TableGoneError),
        ("ORA-02149: Specified partition does not exist", TableGoneError),
        ("ORA-01555: snapshot too old: rollback segment number 9", SnapshotExpiredError),
        ("ORA-22924: snapshot too old", SnapshotExpiredError),
        ("ORA-08181: specified number is not a valid system change number", SnapshotExpiredError),
        ("ORA-03113: end-of-file on communication channel", ConnectionLostError),
        ("ORA-03114: not connected to ORACLE", ConnectionLostError),
        ("ORA-03135: connection lost contact", ConnectionLostError),
        ("ORA-12170: TNS:Connect timeout occurred", ConnectionLostError),
        ("ORA-12537: TNS:connection closed", ConnectionLostError),
        ("ORA-12571: TNS:packet writer failure", ConnectionLostError),
        ("DPY-4011: the database or network closed the connection", ConnectionLostError),
        ("DPY-4042: value 0.5 cannot be converted to an Arrow decimal", ValueLossError),
        ("ORA-01722: invalid number", TableError),
    ],
)
def test_of_a_table(message: str, kind: type[Exception]) -> None:
    found = translated(oracledb.DatabaseError(message), TABLE, lambda _: True)
    assert type(found) is kind
    assert "ANTARES.ENV" in str(found)
    assert message.split(":")[0] in str(found)


def test_a_table_that_is_gone_is_told_from_one_that_is_denied() -> None:
    error = oracledb.DatabaseError("ORA-00942: table or view does not exist")
    assert type(translated(error, TABLE, lambda _: False)) is TableGoneError
    assert type(translated(error, TABLE, lambda _: True)) is TableDeniedError
    denied = oracledb.DatabaseError("ORA-01031: insufficient privileges")
    assert "FLASHBACK" in str(translated(denied, TABLE, lambda _: False))


def test_expired_snapshot_says_what_helps() -> None:
    text = str(translated(oracledb.DatabaseError("ORA-01555: snapshot too old"), TABLE))
    for word in ("UNDO_RETENTION", "read only", "standby", "--snapshot none", "--prove"):
        assert word in text


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("ORA-01017: invalid username/password; logon denied", ("password", "lock")),
        ('DPY-6001: Service "X" is not registered with the listener (similar to ORA-12514)', ("service",)),
        ("ORA-12541: TNS:no listener", ("host and port",)),
        ("DPY-6005: cannot connect to database. [Errno 111] Connection refused", ("host, port",)),
        ("ORA-12154: could not resolve", ("config_dir",)),
        ('DPY-4000: cannot connect to database. Unable to find "X" in tnsnames.ora', ("config_dir",)),
        (
            "DPY-6005: cannot connect to database.\nDPY-3010: connections to this server version are not supported",
            ("--thick", "--client-dir", "docs/"),
        ),
        (
            "DPY-3001: Native Network Encryption and Data Integrity is only supported in python-oracledb thick mode",
            ("--thick", "encryption"),
        ),
        ("DPY-3015: password verifier type 0x939 is not supported", ("--thick", "10G")),
        ("ORA-28000: the account is locked", ("locked",)),
        ("DPI-1047: Cannot locate a 64-bit Oracle Client library", ("Instant Client", "--client-dir")),
        ("ORA-99999: something new", ("listener",)),
    ],
)
def test_refused_connection_says_the_next_step(message: str, words: tuple[str, ...]) -> None:
    text = str(refused(oracledb.DatabaseError(message), "Oracle host"))
    assert text.startswith("Oracle host: ")
    for word in words:
        assert word in text
    assert "\n" not in text


def test_message_is_one_line_without_help_pages() -> None:
    error = oracledb.DatabaseError("ORA-00942: no\x1b[31m table\nHelp: https://example.org/ora-00942/")
    assert told(error) == "ORA-00942: no\\x1b[31m table"
    assert codes(error) == (942,)


def test_the_dictionary_is_named_where_no_table_is() -> None:
    found = translated(oracledb.DatabaseError("ORA-01722: invalid number"), None)
    assert type(found) is SourceError
    assert "dictionary" in str(found)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (pa.ArrowInvalid("Rescaling Decimal value would cause data loss"), ValueLossError),
        (ValueError("year -4712 is out of range"), ValueLossError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), ValueLossError),
        (ConnectionResetError("reset by peer"), ConnectionLostError),
        (TimeoutError("timed out"), ConnectionLostError),
    ],
)
def test_errors_that_are_not_the_drivers(raised: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind), translating(TABLE):
        raise raised


def test_a_full_disk_is_not_taken_for_a_fault_of_the_table() -> None:
    with pytest.raises(OSError, match="No space") as caught, translating(TABLE):
        raise OSError(28, "No space left on device")
    assert caught.value.errno == 28
