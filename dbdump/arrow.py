"""The Arrow schema of a table of the image, with the facts about each column as metadata of its field."""

from typing import TYPE_CHECKING

from dbdump.plan import TablePlan
from dbdump.stored import StoredColumn

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_type(text: str) -> "pa.DataType":
    """Return the type that `dbdump.stored.StoredColumn.arrow` names; raises ValueError for no type of ours."""
    import pyarrow as pa

    if text.startswith("decimal128("):
        precision, scale = text.removeprefix("decimal128(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    if text.startswith("timestamp["):
        unit, _, zone = text.removeprefix("timestamp[").removesuffix("]").partition(", tz=")
        return pa.timestamp(unit, zone or None)
    return pa.type_for_alias(text)


def in_parquet(kind: "pa.DataType") -> "pa.DataType":
    """Return what a type is in a Parquet file, which has no timestamps in seconds: they are milliseconds there."""
    import pyarrow as pa

    return pa.timestamp("ms", kind.tz) if pa.types.is_timestamp(kind) and kind.unit == "s" else kind


def schema_of(table: TablePlan) -> "pa.Schema":
    """Return the Arrow schema of a table: types, names, and where each column comes from."""
    import pyarrow as pa

    fields = [_field(table, column) for column in table.columns]
    facts = {"table": str(table.name), "comment": table.schema.comment}
    return pa.schema(fields, metadata={key: value for key, value in facts.items() if value})


def _field(table: TablePlan, stored: StoredColumn) -> "pa.Field[pa.DataType]":
    import pyarrow as pa

    source = table.schema.column(stored.column)
    facts = {
        "source_column": source.name,
        "source_type": source.source_type,
        "form": str(stored.form),
        "unit": stored.unit,
        "comment": source.comment,
        "note": stored.note,
        "lossy": stored.lossy,
    }
    # Nullable in any case: servers have NOT NULL constraints that old rows do not keep.
    return pa.field(stored.name, arrow_type(stored.arrow), metadata={k: v for k, v in facts.items() if v})
