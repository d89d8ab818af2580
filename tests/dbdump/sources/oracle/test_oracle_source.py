"""The source as a whole: connecting, facts, snapshots, and what goes wrong, with the real driver."""

import socket
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from dbdump.errors import ConnectionLostError, SnapshotExpiredError, SourceError, TableDeniedError
from dbdump.plan import Snapshot
from dbdump.schema import TableName
from dbdump.sources.oracle import connect
from dbdump.sources.oracle.session import connect_arguments
from legacy.errors import UsageError

if TYPE_CHECKING:
    from conftest import Oracle

PASSWORD = "blåhval 8"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("oracle+oracledb://u@h:1522/?service_name=S", {"user": "u", "host": "h", "port": 1522, "service_name": "S"}),
        ("oracle+oracledb://u@h/SID", {"user": "u", "host": "h", "port": 1521, "sid": "SID"}),
        ("oracle+oracledb://u@alias?config_dir=/tns", {"user": "u", "dsn": "alias", "config_dir": "/tns"}),
        (
            "oracle+oracledb://@alias?config_dir=/tns&wallet_location=/w",
            {"dsn": "alias", "config_dir": "/tns", "wallet_location": "/w"},
        ),
    ],
)
def test_urls(url: str, expected: dict[str, object]) -> None:
    found = connect_arguments(make_url(url))
    assert {key: value for key, value in found.items() if key not in ("tcp_connect_timeout", "expire_time")} == expected


@pytest.mark.parametrize("url", ["oracle+oracledb://u@h/?servicename=S", "oracle+oracledb:///?service_name=S"])
def test_urls_that_name_nothing(url: str) -> None:
    with pytest.raises(UsageError):
        connect_arguments(make_url(url))


def test_no_password() -> None:
    with pytest.raises(SourceError, match="ANTARES_LEGACY_DB_PASSWORD"):
        connect(make_url("oracle+oracledb://u@127.0.0.1:1/?service_name=S"), None)


def test_client_dir_without_thick(tmp_path: object) -> None:
    with pytest.raises(UsageError, match="--thick"):
        connect(make_url("oracle+oracledb://u@h/?service_name=S"), "x", client_dir=tmp_path)  # type: ignore[arg-type]


def test_wrong_password(oracle: "Oracle") -> None:
    with pytest.raises(SourceError, match="ORA-01017") as caught:
        oracle.source("wrong secret")
    assert "wrong secret" not in str(caught.value)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="host, port"):
        connect(make_url(f"oracle+oracledb://u@127.0.0.1:{port}/?service_name=S"), "x")


def test_no_such_host() -> None:
    with pytest.raises(SourceError, match="host"):
        connect(make_url("oracle+oracledb://u@no-such-host.invalid/?service_name=S"), "x")


def test_unknown_service(oracle: "Oracle") -> None:
    url = make_url(oracle.server.url).update_query_dict({"service_name": "OTHER"})
    with pytest.raises(SourceError, match="service"):
        connect(url, PASSWORD)


def test_facts(oracle: "Oracle") -> None:
    oracle.fill("T", {"A": "NUMBER"}, [])
    source = oracle.source()
    facts = source.facts()
    assert facts.kind == "oracle"
    assert "Oracle" in facts.version
    assert facts.driver.startswith("oracledb ")
    assert facts.driver.endswith(" thin")
    assert facts.user == source.default_schema()
    assert "national" in facts.charset
    assert facts.snapshots[0] == "scn"
    assert source.schemas() == (source.default_schema(),)


def test_snapshots(oracle: "Oracle") -> None:
    oracle.fill("T", {"A": "NUMBER(3)"}, [(1,)])
    first, second = oracle.source(), oracle.source()
    snapshot = first.begin("scn")
    assert snapshot.mode == "scn"
    assert int(snapshot.token) > 0
    assert snapshot.taken.endswith("Z")
    second.join(snapshot)
    oracle.server.statements.clear()
    assert second.count(oracle.table(first, "T")) == 1
    assert any(f"AS OF SCN {snapshot.token}" in text for text in oracle.server.statements)
    assert first.begin("none").token == ""


def test_a_read_only_transaction_belongs_to_one_session(oracle: "Oracle") -> None:
    first, second = oracle.source(), oracle.source()
    snapshot = first.begin("readonly")
    first.join(snapshot)
    with pytest.raises(SourceError, match="--jobs 1"):
        second.join(snapshot)


def test_snapshots_that_are_none(oracle: "Oracle") -> None:
    source = oracle.source()
    with pytest.raises(SourceError, match="scn, readonly or none"):
        source.begin("repeatable")
    with pytest.raises(SourceError, match="number"):
        source.join(Snapshot("scn", "1 OR 1=1"))


def test_change_mark(oracle: "Oracle") -> None:
    oracle.fill("T", {"A": "NUMBER(3)"}, [(1,)])
    source = oracle.source()
    name = TableName(source.default_schema(), "T")
    assert source.change_mark(name) == source.change_mark(name)
    assert source.change_mark(name).isdigit()


def test_reflection_through_the_driver(oracle: "Oracle") -> None:
    oracle.run(
        "CREATE TABLE LINES (ID NUMBER(3) PRIMARY KEY, NAME VARCHAR2(20) NOT NULL)",
        "CREATE TABLE ENV (ID NUMBER(10) PRIMARY KEY, LINE NUMBER(3) REFERENCES LINES (ID), T DATE, "
        "V NUMBER(8,3) DEFAULT 1.5, CHECK (V > 0))",
        "CREATE INDEX IX_T ON ENV (T)",
        "CREATE VIEW V_ENV AS SELECT ID FROM ENV",
    )
    source = oracle.source()
    found = source.reflect([source.default_schema()])
    env, lines = found.tables
    assert [(c.name, c.source_type) for c in env.columns] == [
        ("ID", "NUMBER(10)"),
        ("LINE", "NUMBER(3)"),
        ("T", "DATE"),
        ("V", "NUMBER(8,3)"),
    ]
    assert env.primary_key == ("ID",)
    assert [(key.columns, key.target) for key in env.keys if key.target] == [(("LINE",), lines.name)]
    assert [index.columns for index in env.indexes] == [("T",)]
    assert not lines.column("NAME").nullable
    assert [view.name.name for view in found.views] == ["V_ENV"]
    assert "CREATE TABLE" in env.ddl


def test_the_number_of_statements_does_not_grow_with_the_tables(oracle: "Oracle") -> None:
    source = oracle.source()
    source.reflect([source.default_schema()])
    before = len(oracle.server.statements)
    source.reflect([source.default_schema()])
    empty = len(oracle.server.statements) - before
    oracle.run(*(f"CREATE TABLE T{n} (A NUMBER)" for n in range(50)))
    before = len(oracle.server.statements)
    assert len(source.reflect([source.default_schema()]).tables) == 50
    assert len(oracle.server.statements) - before <= empty


def test_a_server_that_is_too_old(oracle: "Oracle") -> None:
    oracle.server.faults.tns_version = 314
    with pytest.raises(SourceError, match="DPY-3010") as caught:
        oracle.source()
    assert "--thick --client-dir" in str(caught.value)


def test_a_server_that_demands_encryption(oracle: "Oracle") -> None:
    oracle.server.faults.encryption = True
    with pytest.raises(SourceError, match="encryption") as caught:
        oracle.source()
    assert "--thick --client-dir" in str(caught.value)


def test_an_account_with_an_old_password(oracle: "Oracle") -> None:
    oracle.server.faults.old_verifier = True
    with pytest.raises(SourceError, match="10G"):
        oracle.source()


@pytest.fixture
def long_table(oracle: "Oracle") -> "Oracle":
    oracle.fill("T", {"I": "NUMBER(9)"}, [(n,) for n in range(5000)])
    oracle.fill("L", {"I": "NUMBER(9)", "C": "CLOB"}, [(n, "x" * 10) for n in range(5000)])
    return oracle


@pytest.mark.parametrize("name", ["T", "L"])
def test_connection_lost_in_mid_read(long_table: "Oracle", name: str) -> None:
    source = long_table.source()
    plan = long_table.plan(source, name)
    long_table.server.faults.disconnect_after(3000)
    with pytest.raises(ConnectionLostError, match=name):
        long_table.read(source, plan)
    source.close()
    again = long_table.source()
    assert len(long_table.read(again, plan)) == 5000


@pytest.mark.parametrize("name", ["T", "L"])
def test_end_of_file_in_mid_read(long_table: "Oracle", name: str) -> None:
    source = long_table.source()
    plan = long_table.plan(source, name)
    long_table.server.faults.fail_after(3000, 3113)
    with pytest.raises(ConnectionLostError):
        long_table.read(source, plan)


@pytest.mark.parametrize("name", ["T", "L"])
def test_snapshot_too_old_in_mid_read(long_table: "Oracle", name: str) -> None:
    source = long_table.source()
    source.begin("scn")
    plan = long_table.plan(source, name)
    long_table.server.faults.fail_after(3000, 1555)
    with pytest.raises(SnapshotExpiredError, match="UNDO_RETENTION"):
        long_table.read(source, plan)


def test_snapshot_that_is_expired_when_it_is_joined(long_table: "Oracle") -> None:
    source = long_table.source()
    snapshot = source.begin("scn")
    table = long_table.table(source, "T")
    long_table.server.faults.expired = True
    source.join(snapshot)
    with pytest.raises(SnapshotExpiredError):
        source.count(table)


def test_a_table_that_may_not_be_read(long_table: "Oracle") -> None:
    source = long_table.source()
    plan = long_table.plan(source, "T")
    long_table.server.faults.denied.add("T")
    with pytest.raises(TableDeniedError, match="SELECT"):
        long_table.read(source, plan)
    assert len(long_table.rows("L")) == 5000


def test_an_account_that_may_not_flash_back(long_table: "Oracle") -> None:
    long_table.server.faults.flashback = False
    source = long_table.source()
    assert source.facts().snapshots == ("readonly",)
    with pytest.raises(SourceError, match="readonly"):
        source.begin("scn")


def test_read_only_transaction_does_not_see_later_rows(long_table: "Oracle") -> None:
    source = long_table.source()
    source.begin("readonly")
    table = long_table.table(source, "T")
    assert source.count(table) == 5000
    long_table.run("INSERT INTO T VALUES (5000)")
    assert source.count(table) == 5000
    assert long_table.source().count(table) == 5001
