import pytest

from dbdump.sources.sqlite.ddl import generated_columns


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("a INTEGER, b TEXT DEFAULT 'as (x)'", {}),
        ("a, b AS (a + 1)", {"b": "a + 1"}),
        ("a, b INT GENERATED ALWAYS AS ( max(a, (2)) ) STORED NOT NULL, c", {"b": "max(a, (2))"}),
        ('a, "B ""x"" (" AS (a || \')\') VIRTUAL', {'b "x" (': "a || ')'"}),
        ("a, [as] AS (1), `q` as (2)", {"as": "1", "q": "2"}),
        ("a, -- b AS (0),\n c AS (/* ) */ a), CHECK (CAST(a AS TEXT) <> '')", {"c": "/* ) */ a"}),
        ("a NUMERIC(10, 2), b NUMERIC(3,1) AS (a), PRIMARY KEY (a)", {"b": "a"}),
    ],
)
def test_expressions_of_generated_columns(columns: str, expected: dict[str, str]) -> None:
    assert generated_columns(f"CREATE TABLE t ({columns})") == expected


def test_a_statement_that_is_cut_off() -> None:
    assert generated_columns("CREATE TABLE t (a AS (1 + ") == {}
