"""Parts: the same bytes from the same rows, however often and in whichever batches of time they come."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbdump.dump import parts
from dbdump.dump.odd import count_odd
from dbdump.dump.pace import Pace
from dbdump.dump.parts import write_parts
from dbdump.plan import Chunk
from dbdump.schema import TableName

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string())])
CHUNK = Chunk(TableName("A", "B"), 0)


def batches(rows: int, size: int = 100) -> list[pa.RecordBatch]:
    table = pa.table({"id": range(rows), "text": [f"row {number}" for number in range(rows)]}, schema=SCHEMA)
    return table.to_batches(max_chunksize=size)


def nothing(batch: pa.RecordBatch) -> None:
    return None


def test_rows_come_back_in_their_order(tmp_path: Path) -> None:
    (part,) = write_parts(tmp_path, CHUNK, SCHEMA, batches(1000), nothing)
    assert part.file.path == "parquet/A/B/part-00000.parquet"
    assert part.rows == 1000
    path = tmp_path / part.file.path
    assert path.stat().st_size == part.file.size
    assert pq.read_table(path)["id"].to_pylist() == list(range(1000))


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    first = write_parts(tmp_path / "a", CHUNK, SCHEMA, batches(1000), nothing)
    second = write_parts(tmp_path / "b", CHUNK, SCHEMA, batches(1000), nothing)
    assert first == second


def test_long_chunks_have_several_row_groups_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "GROUP_ROWS", 300)
    monkeypatch.setattr(parts, "PART_SIZE", 2000)
    written = write_parts(tmp_path, Chunk(TableName("A", "B"), 12), SCHEMA, batches(2000), nothing)
    names = [part.file.path.rpartition("/")[2] for part in written]
    assert names[:2] == ["part-00012.parquet", "part-00012-001.parquet"]
    assert sum(part.rows for part in written) == 2000
    ids = [number for part in written for number in pq.read_table(tmp_path / part.file.path)["id"].to_pylist()]
    assert ids == list(range(2000))
    assert pq.ParquetFile(tmp_path / written[0].file.path).metadata.row_group(0).num_rows == 300


def test_a_table_without_rows_has_one_file_with_its_columns(tmp_path: Path) -> None:
    (part,) = write_parts(tmp_path, CHUNK, SCHEMA, [], nothing)
    assert part.rows == 0
    assert pq.read_schema(tmp_path / part.file.path).names == ["id", "text"]
    assert write_parts(tmp_path, Chunk(TableName("A", "B"), 3), SCHEMA, [], nothing) == ()


def test_an_error_in_mid_chunk_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield from batches(1000)
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        write_parts(tmp_path, CHUNK, SCHEMA, broken(), nothing)  # type: ignore[arg-type]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_numbers_and_times_come_back_exactly_from_their_encodings(tmp_path: Path) -> None:
    whole = [-(2**63), 2**63 - 1, None, 0, -1, 2**63 - 1, -(2**63)]
    days = [-719_162, 2_932_896, None, 0, -1, 2_932_896, -719_162]
    floats = [0.1, float("-inf"), None, -0.0, 5e-324, 1.7976931348623157e308, float("inf")]
    columns = {
        "whole": pa.array(whole, pa.int64()),
        "months": pa.array([value and max(min(value, 2**31 - 1), -(2**31)) for value in whole], pa.int32()),
        "us": pa.array(whole, pa.timestamp("us")),
        "ns": pa.array(whole, pa.timestamp("ns", "UTC")),
        "day": pa.array(days, pa.date32()),
        "clock": pa.array([value and abs(value) for value in days], pa.time64("us")),
        "float": pa.array(floats, pa.float64()),
        "single": pa.array(floats, pa.float64()).cast(pa.float32()),
        "a.b": pa.array(whole, pa.int64()),
        "odd": pa.array([bool(number % 2) for number in range(7)], pa.bool_()),
    }
    batch = pa.record_batch(columns)
    (part,) = write_parts(tmp_path, CHUNK, batch.schema, [batch], nothing)
    table = pq.read_table(tmp_path / part.file.path)
    for name, column in columns.items():
        # By their bytes: -0.0 is equal to 0.0.
        assert (
            table[name].combine_chunks().buffers()[1].to_pybytes()[: len(column)]
            == (column.buffers()[1].to_pybytes()[: len(column)])
        )
        assert table[name].combine_chunks().equals(column)


def test_odd_characters_are_counted() -> None:
    texts = ["plain", "été", "C1 \x80", "lost \ufffd \ufffd", None, "", "\x9f", "天"]
    batch = pa.record_batch({"t": pa.array(texts), "n": pa.array(range(8)), "ascii": pa.array(["a"] * 8)})
    counts = Counter[str]()
    count_odd(batch, counts)
    count_odd(batch.slice(3), counts)
    assert counts == {"t": 5}


def test_pace_keeps_the_mean_rate_and_saves_nothing_up() -> None:
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(1000, lambda: now[0], sleep)
    pace.took(500)
    assert slept == [0.5]
    now[0] += 100  # a long pause of the source is no credit
    pace.took(500)
    pace.took(1000)
    assert slept == [0.5, 1.0]
    Pace(0, lambda: now[0], sleep).took(10**12)
    assert len(slept) == 2
