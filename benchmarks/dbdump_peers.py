"""``python -m benchmarks.dbdump_peers WAY URL OUT``: one way of a peer from a table to a file, as its manual shows it.

``URL`` is a libpq one with its password: these processes see only a server that lives as long as the benchmark.
"""

import sys
from collections.abc import Callable
from pathlib import Path

QUERY = "select * from env"


def connectorx(url: str, out: Path) -> None:
    """Two partitions, the whole table in memory, then Parquet."""
    import connectorx as cx
    import pyarrow.parquet as pq

    table = cx.read_sql(url, QUERY, return_type="arrow", partition_on="id", partition_num=2)
    pq.write_table(table, out / "env.parquet", compression="zstd")


def adbc(url: str, out: Path) -> None:
    """Batches of ADBC, written as they come."""
    import adbc_driver_postgresql.dbapi as postgresql
    import pyarrow.parquet as pq

    with postgresql.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY)
        reader = cursor.fetch_record_batch()
        with pq.ParquetWriter(out / "env.parquet", reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)


def duckdb(url: str, out: Path) -> None:
    """DuckDB's own scanner, from the package that carries the extension."""
    import gzip
    import importlib.util

    import duckdb as engine

    spec = importlib.util.find_spec("duckdb_extension_postgres_scanner")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the extension is not installed")
    found = next(Path(spec.submodule_search_locations[0]).rglob("postgres_scanner.duckdb_extension*"))
    if found.suffix == ".gz":
        unpacked = out / "postgres_scanner.duckdb_extension"
        unpacked.write_bytes(gzip.decompress(found.read_bytes()))
        found = unpacked
    connection = engine.connect(config={"allow_unsigned_extensions": "true", "threads": "2"})
    connection.execute(f"load '{found}'")
    connection.execute(f"attach '{url}' as source (type postgres, read_only)")
    target = out / "env.parquet"
    connection.execute(f"copy (select * from source.public.env) to '{target}' (format parquet, compression zstd)")


def oracle(url: str, out: Path) -> None:
    """Take the bare driver's own Arrow batches of Oracle, and write them as they come."""
    import os

    import oracledb
    import pyarrow as pa
    import pyarrow.parquet as pq

    connection = oracledb.connect(user="antares", password=os.environ["ANTARES_LEGACY_DB_PASSWORD"], dsn=url)
    writer = None
    for frame in connection.fetch_df_batches("select * from env", size=10_000, fetch_decimals=True):
        table = pa.table(frame)
        writer = writer or pq.ParquetWriter(out / "env.parquet", table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


WAYS: dict[str, Callable[[str, Path], None]] = {
    "connectorx": connectorx,
    "adbc": adbc,
    "duckdb": duckdb,
    "oracle": oracle,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
