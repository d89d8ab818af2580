"""What values of a column are like, in one reading of its table."""

from collections.abc import Sequence

from dbdump.schema import Column, Family, TableSchema
from dbdump.sources.postgresql.expressions import iso_expression, number_text
from dbdump.sources.postgresql.pages import from_clause
from dbdump.sources.postgresql.session import Session, quoted
from dbdump.stored import Probe

_COLUMNS = 300
_RESULTS = 4


def probe(session: Session, table: TableSchema, columns: Sequence[Column]) -> dict[str, Probe]:
    """Return what is asked of some columns; see `dbdump.sources.contract.Source.probe`."""
    found: dict[str, Probe] = {}
    source = from_clause(session, table)
    for start in range(0, len(columns), _COLUMNS):
        part = columns[start : start + _COLUMNS]
        results = ", ".join(text for column in part for text in _results(column))
        ((*values,),) = session.rows(" ".join(("SELECT", results, source)), where=str(table.name))
        for number, column in enumerate(part):
            low, high, scale, special = values[_RESULTS * number : _RESULTS * (number + 1)]
            found[column.name] = Probe(low, high, scale, special or 0)
    return found


def _results(column: Column) -> tuple[str, str, str, str]:
    """Smallest and largest value that is an ordinary one, digits after the point, and the number of the others."""
    name = quoted(column.name)
    match column.family:
        case Family.DECIMAL | Family.NUMBER:
            value = f"({name})::numeric"
            special = f"{value} IN ('NaN', 'Infinity', '-Infinity')"
            low, high = (number_text(f"{which}({value}) FILTER (WHERE NOT {special})") for which in ("min", "max"))
            return low, high, f"max(min_scale({value}))", _count(special)
        case Family.DATE | Family.TIMESTAMP | Family.TIMESTAMP_UTC:
            # infinity is larger than any other time.
            finite = f"isfinite({name})"
            low, high = (
                iso_expression(
                    f"({which}({name}) FILTER (WHERE {finite}))", time=column.family != Family.DATE, fraction=True
                )
                for which in ("min", "max")
            )
            return low, high, "NULL", _count(f"NOT {finite}")
        case Family.TIME:
            day = f"{name} < time '24:00'"
            low, high = (f"({which}({name}) FILTER (WHERE {day}))::text" for which in ("min", "max"))
            return low, high, "NULL", _count(f"NOT ({day})")
        case _:
            return "NULL", "NULL", "NULL", "NULL"


def _count(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"
