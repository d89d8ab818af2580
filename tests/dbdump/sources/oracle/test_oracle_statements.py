"""The text of statements: names, chunks, order, snapshot; and how rows are divided."""

from collections.abc import Sequence

import pytest

from dbdump.errors import TableError, ValueLossError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, ChunkKind, TablePlan
from dbdump.schema import Column, Family, Key, KeyKind, Partition, TableName, TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.oracle import arrowpath, checking, chunking, probing, rowpath
from dbdump.sources.oracle.names import literal, quoted
from dbdump.sources.oracle.selecting import rows_of
from dbdump.stored import Probe, TypeOptions, choose_all

NAME = TableName("ANTARES", "ENV DATA")
KEY = (Key(KeyKind.PRIMARY, "PK", ("ID", "LINE")),)
COLUMNS = (
    Column("ID", "NUMBER(10)", Family.DECIMAL, 10, 0),
    Column("LINE", "NUMBER(3)", Family.DECIMAL, 3, 0),
    Column("V", "NUMBER", Family.NUMBER),
    Column("select", "VARCHAR2(20)", Family.TEXT, length=20),
)


def table(**facts: object) -> TableSchema:
    return TableSchema(NAME, COLUMNS, **facts)  # type: ignore[arg-type]


def plan(schema: TableSchema, *chunks: Chunk) -> TablePlan:
    probes = {"V": Probe("0", "1", 1)}
    return TablePlan(schema, choose_all(schema, probes, TypeOptions()), chunks or (Chunk(schema.name, 0),))


@pytest.mark.parametrize("name", ["", 'a"b', "a\0b"])
def test_names_that_oracle_cannot_have_are_refused(name: str) -> None:
    with pytest.raises(TableError):
        quoted(name)


def test_texts_are_quoted() -> None:
    assert quoted("a'b; -- /") == '"a\'b; -- /"'
    assert literal("it's") == "'it''s'"


def test_statement_of_a_whole_table() -> None:
    schema = table(keys=KEY)
    assert arrowpath.statement(plan(schema), Chunk(NAME, 0), None) == (
        'SELECT "ID","LINE","V","select" FROM "ANTARES"."ENV DATA" ORDER BY ROWID'
    )


def test_statement_of_a_rowid_range_in_a_partition_of_a_snapshot() -> None:
    chunk = Chunk(NAME, 3, ChunkKind.ROWID, "AAAR3sAAEAAAACXAAA", None, "P 2008")
    assert rows_of(table(), chunk, 4711) == (
        '"ANTARES"."ENV DATA" PARTITION ("P 2008") AS OF SCN 4711 WHERE ROWID>=CHARTOROWID(\'AAAR3sAAEAAAACXAAA\')'
    )


def test_statement_of_a_key_range_of_an_index_organised_table() -> None:
    schema = table(keys=KEY, organisation="index-organised")
    chunk = Chunk(NAME, 0, ChunkKind.KEY, "-1E+3", "2000")
    text = arrowpath.statement(plan(schema), chunk, None)
    assert text.endswith('WHERE "ID">=-1000 AND "ID"<2000 ORDER BY "ID","LINE"')


@pytest.mark.parametrize(
    "chunk",
    [
        Chunk(NAME, 0, ChunkKind.ROWID, "A') OR 1=1 --", None),
        Chunk(NAME, 0, ChunkKind.ROWID, "A" * 19, None),
        Chunk(NAME, 0, ChunkKind.KEY, "1 OR 1=1", None),
        Chunk(NAME, 0, ChunkKind.PAGES, "1", None),
        Chunk(NAME, 0, ChunkKind.WHOLE, partition='P") x'),
    ],
)
def test_a_plan_cannot_bring_statements_of_its_own(chunk: Chunk) -> None:
    with pytest.raises(TableError):
        rows_of(table(keys=KEY), chunk, None)


class Server:
    """Answers of a server, in order; the statements that it got."""

    def __init__(self, *answers: Sequence[Sequence[object]]) -> None:
        self.answers = list(answers)
        self.got: list[str] = []

    def __call__(self, statement: str) -> Sequence[Sequence[object]]:
        self.got.append(statement)
        return self.answers.pop(0)


def test_small_table_is_one_chunk_and_asks_nothing() -> None:
    server = Server()
    assert chunking.chunks(table(rows=10, size=1000), 1000, server) == (Chunk(NAME, 0, rows=10, size=1000),)
    assert not server.got


def test_big_table_is_cut_by_rowids_of_a_sample() -> None:
    server = Server([["AAA1"], ["AAA2"], ["AAA3"]])
    found = chunking.chunks(table(rows=3000, size=3 << 30), 1 << 30, server)
    assert [(c.number, c.kind, c.low, c.high) for c in found] == [
        (0, "rowid", None, "AAA2"),
        (1, "rowid", "AAA2", "AAA3"),
        (2, "rowid", "AAA3", None),
    ]
    assert sum(c.rows for c in found) == 3000
    assert "NTILE(3) OVER (ORDER BY ROWID)" in server.got[0]
    assert "SAMPLE BLOCK (0.015259)" in server.got[0]


def test_a_sample_of_nearly_all_blocks_is_none() -> None:
    assert "SAMPLE" not in chunking.rowid_bounds(table(), "", 4, 1 << 20)


def test_partitions_are_cut_each_for_itself() -> None:
    schema = table(rows=100, size=1000, partitions=(Partition("P1", "1", 10), Partition("P2", "2", 90)))
    server = Server([["X1"], ["X2"], ["X3"], ["X4"], ["X5"]])
    found = chunking.chunks(schema, 200, server)
    assert [c.partition for c in found] == ["P1", "P2", "P2", "P2", "P2", "P2"]
    assert [c.number for c in found] == list(range(6))
    assert (found[0].kind, found[1].low, found[-1].high) == ("whole", None, None)
    assert 'PARTITION ("P2")' in server.got[0]


def test_index_organised_table_is_cut_by_its_key() -> None:
    server = Server([["-5"], ["10"], ["10"], ["20"]])
    schema = table(rows=100, size=1000, keys=KEY, organisation="index-organised")
    found = chunking.chunks(schema, 250, server)
    assert [(c.kind, c.low, c.high) for c in found] == [
        ("key", None, "10"),
        ("key", "10", "20"),
        ("key", "20", None),
    ]


def test_index_organised_table_with_a_key_of_text_is_one_chunk() -> None:
    key = (Key(KeyKind.PRIMARY, "PK", ("select",)),)
    schema = table(rows=100, size=1000, keys=key, organisation="index-organised")
    assert [c.kind for c in chunking.chunks(schema, 250, Server())] == ["whole"]


def test_table_without_estimates_is_counted() -> None:
    server = Server([[3]])
    assert len(chunking.chunks(table(), 1 << 20, server)) == 1
    assert server.got == ['SELECT COUNT(*) FROM "ANTARES"."ENV DATA"']


def test_an_empty_table_is_one_chunk() -> None:
    assert len(chunking.chunks(table(rows=0, size=1 << 30), 1 << 20, Server([]))) == 1


def test_fewer_rows_are_fetched_where_they_are_wide() -> None:
    assert arrowpath.fetch_rows(plan(table()), Reading()) == 10_000
    wide = TableSchema(NAME, tuple(Column(f"C{n}", "VARCHAR2(4000)", Family.TEXT, length=4000) for n in range(20)))
    assert arrowpath.fetch_rows(plan(wide), Reading()) == 4 * (16 << 20) // (20 * 12_000)


def test_invalid_text_is_refused() -> None:
    # The double sends valid UTF-8 only; a real server with a wrong NLS_LANG in its past does not.
    import pyarrow as pa

    one = plan(table())
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    arrowpath.refuse_invalid_text(one, one.columns[3], pa.array(["é", None]))
    with pytest.raises(ValueLossError, match=r"--raw-text ANTARES.ENV DATA.select"):
        arrowpath.refuse_invalid_text(one, one.columns[3], bad)


def test_which_tables_need_rows(tmp_path: object) -> None:
    assert not rowpath.needs_rows(plan(table()))
    for column in (
        Column("B", "BLOB", Family.LOB_BYTES),
        Column("B", "LONG", Family.LOB_TEXT),
        Column("B", "BFILE", Family.BFILE),
        Column("B", "ANTARES.POSITION", Family.AS_TEXT),
    ):
        assert rowpath.needs_rows(plan(TableSchema(NAME, (column,))))
    assert not rowpath.needs_rows(plan(TableSchema(NAME, (Column("X", "XMLTYPE", Family.AS_TEXT),))))


def test_short_lobs_bound_how_many_rows_are_fetched(tmp_path: object) -> None:
    lobs = TableSchema(NAME, tuple(Column(f"C{n}", "CLOB", Family.LOB_TEXT) for n in range(4)))
    store = LobStore(tmp_path)  # type: ignore[arg-type]
    assert rowpath.rows_at_once(plan(lobs), Reading(), store) == 256
    assert rowpath.rows_at_once(plan(lobs), Reading(size=1), store) == 1


def test_many_columns_are_probed_in_several_statements() -> None:
    columns = tuple(Column(f"C{n}", "NUMBER", Family.NUMBER) for n in range(450))
    statements = list(probing.probe_statements(TableSchema(NAME, columns), columns, 7))
    assert [len(some) for some, _ in statements] == [200, 200, 50]
    assert all(text.endswith("AS OF SCN 7") for _, text in statements)


def test_probe_understands_infinite_numbers() -> None:
    column = Column("C", "NUMBER", Family.NUMBER)
    assert probing.read_probes([column], ["-~", "5", 0])["C"] == Probe(None, None, 0, 1)
    assert probing.read_probes([column], [None, None, None])["C"] == Probe()


def test_digest_leaves_out_columns_beyond_what_a_text_holds() -> None:
    columns = tuple(Column(f"C{n}", "NUMBER(5)", Family.DECIMAL, 5, 0) for n in range(150))
    wide = plan(TableSchema(NAME, columns))
    left_out = checking.not_digested(wide, "AL32UTF8", hashes=True)
    assert left_out == {f"C{n}" for n in range(120, 150)}
    assert checking.not_digested(wide, "AL32UTF8", hashes=False) == {f"C{n}" for n in range(150)}


@pytest.mark.parametrize(
    ("column", "charset", "digested"),
    [
        (Column("C", "VARCHAR2(4000)", Family.TEXT, length=4000), "AL32UTF8", True),
        (Column("C", "VARCHAR2(4000)", Family.TEXT, length=4000), "WE8ISO8859P1", False),
        (Column("C", "VARCHAR2(2000)", Family.TEXT, length=2000), "WE8ISO8859P1", True),
        (Column("C", "NVARCHAR2(1000)", Family.TEXT, length=1000), "AL32UTF8", True),
        (Column("C", "NVARCHAR2(1001)", Family.TEXT, length=1001), "AL32UTF8", False),
        (Column("C", "RAW(2000)", Family.BYTES, length=2000), "AL32UTF8", True),
        (Column("C", "RAW(2001)", Family.BYTES, length=2001), "AL32UTF8", False),
        (Column("C", "CLOB", Family.LOB_TEXT), "AL32UTF8", False),
        (Column("C", "LONG", Family.LOB_TEXT), "AL32UTF8", False),
        (Column("C", "XMLTYPE", Family.AS_TEXT), "AL32UTF8", False),
        (Column("C", "ROWID", Family.AS_TEXT), "AL32UTF8", True),
        (Column("C", "ANTARES.P", Family.AS_TEXT), "AL32UTF8", False),
        (Column("C", "BFILE", Family.BFILE), "AL32UTF8", False),
    ],
)
def test_what_can_be_hashed(column: Column, charset: str, digested: bool) -> None:
    one = plan(TableSchema(NAME, (column,)))
    assert ("C" not in checking.not_digested(one, charset, hashes=True)) == digested


def test_long_decimals_are_added_in_halves() -> None:
    columns = (Column("C", "NUMBER(38,4)", Family.DECIMAL, 38, 4), Column("D", "NUMBER(38,38)", Family.DECIMAL, 38, 38))
    _, text = next(checking.aggregate_statements(plan(TableSchema(NAME, columns)), "AL32UTF8", None))
    assert 'SUM("C"-MOD("C",1000000000000000))' in text
    assert 'SUM(MOD("D",0.0000000000000000001))' in text
