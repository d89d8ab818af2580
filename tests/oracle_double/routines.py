"""Functions of Oracle's SQL: which SQLite function stands for each, and what type it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import oracle_double.columns as columns
from oracle_double.columns import PLAIN_NUMBER, TEXT, OracleType
from oracle_double.errors import OracleError
from oracle_double.scope import Expression, common_type

if TYPE_CHECKING:
    from oracle_double.queries import _Queries

_CLOB = columns.of_declaration("CLOB")
_RAW = columns.of_declaration("RAW(2000)")
_DATE = columns.of_declaration("DATE")
_TIMESTAMP = columns.of_declaration("TIMESTAMP(9)")
_ZONED = columns.of_declaration("TIMESTAMP(9) WITH TIME ZONE")
_DOUBLE = columns.of_declaration("BINARY_DOUBLE")
_DAYS = columns.of_declaration("INTERVAL DAY(9) TO SECOND(9)")
_MONTHS = columns.of_declaration("INTERVAL YEAR(9) TO MONTH")
_ROWID = columns.of_declaration("ROWID")


@dataclass(frozen=True, slots=True)
class Routine:
    """A function that takes values and gives one.

    Parameters
    ----------
    result
        Type of what it gives; a number is the argument that has that type.
    sqlite
        Name of SQLite's own function; ``""`` for one of the double's, called ``ora_`` and Oracle's name.
    """

    result: OracleType | int | None = None
    sqlite: str = ""


_NUMBERS = (
    "INSTR", "TO_NUMBER", "ROUND", "MOD", "FLOOR", "CEIL", "SIGN", "POWER", "ASCII", "VSIZE", "BITAND", "LENGTH",
    "LENGTHB", "LENGTHC", "LENGTH4", "DBMS_LOB.GETLENGTH", "DBMS_LOB.INSTR",
    "DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER", "UTL_RAW.LENGTH", "DBMS_ROWID.ROWID_BLOCK_NUMBER",
    "DBMS_ROWID.ROWID_ROW_NUMBER", "DBMS_ROWID.ROWID_RELATIVE_FNO", "DBMS_ROWID.ROWID_OBJECT",
)  # fmt: skip
_TEXTS = (
    "SUBSTR", "SUBSTRB", "REPLACE", "LTRIM", "RTRIM", "LPAD", "RPAD", "RAWTOHEX", "ROWIDTOCHAR", "SYS_CONTEXT",
    "USERENV", "TRANSLATE", "REGEXP_REPLACE", "REGEXP_SUBSTR", "CHR", "UPPER", "LOWER", "UTL_RAW.CAST_TO_VARCHAR2",
    "CONVERT",
)  # fmt: skip
_BYTES = (
    "STANDARD_HASH", "HEXTORAW", "UTL_RAW.CAST_TO_RAW", "UTL_RAW.CAST_FROM_BINARY_DOUBLE", "UTL_RAW.CONCAT",
    "UTL_RAW.CAST_FROM_BINARY_FLOAT", "UTL_RAW.CAST_FROM_NUMBER", "UTL_I18N.STRING_TO_RAW", "UTL_RAW.SUBSTR",
)  # fmt: skip
ROUTINES: dict[str, Routine] = {
    **{name: Routine(PLAIN_NUMBER) for name in _NUMBERS},
    **{name: Routine(TEXT) for name in _TEXTS},
    **{name: Routine(_RAW) for name in _BYTES},
    "ABS": Routine(0),
    "NANVL": Routine(0),
    "NVL": Routine(0, "coalesce"),
    "COALESCE": Routine(0, "coalesce"),
    "NULLIF": Routine(0, "nullif"),
    "GREATEST": Routine(0),
    "LEAST": Routine(0),
    "NVL2": Routine(1),
    "CHARTOROWID": Routine(_ROWID),
    "DBMS_ROWID.ROWID_CREATE": Routine(_ROWID),
    "TO_CLOB": Routine(_CLOB),
    "TO_LOB": Routine(_CLOB),
    "DBMS_METADATA.GET_DDL": Routine(_CLOB),
    "TO_BINARY_DOUBLE": Routine(_DOUBLE),
    "TO_BINARY_FLOAT": Routine(columns.of_declaration("BINARY_FLOAT")),
    "TO_DATE": Routine(_DATE),
    "TO_TIMESTAMP": Routine(_TIMESTAMP),
    "SYS_EXTRACT_UTC": Routine(_TIMESTAMP),
    "TO_TIMESTAMP_TZ": Routine(_ZONED),
    "FROM_TZ": Routine(_ZONED),
    "NUMTODSINTERVAL": Routine(_DAYS),
    "NUMTOYMINTERVAL": Routine(_MONTHS),
    "TO_DSINTERVAL": Routine(_DAYS),
    "TO_YMINTERVAL": Routine(_MONTHS),
    "REGEXP_LIKE": Routine(),
}
_WINDOWS = {
    "ROW_NUMBER": PLAIN_NUMBER, "RANK": PLAIN_NUMBER, "DENSE_RANK": PLAIN_NUMBER, "NTILE": PLAIN_NUMBER,
    "LAG": None, "LEAD": None, "FIRST_VALUE": None, "LAST_VALUE": None,
}  # fmt: skip


def call(query: "_Queries", name: str) -> Expression:
    """Read the arguments of a function whose opening parenthesis is taken; raises OracleError (ORA-00904)."""
    name = name.removeprefix("SYS.")
    if name in _SPECIAL:
        return _SPECIAL[name](query, name)
    if name in _WINDOWS:
        arguments = _arguments(query)
        sql = f"{name.lower()}({', '.join(argument.sql for argument in arguments)})"
        return _over(query, sql, _WINDOWS[name] or arguments[0].type)
    routine = ROUTINES.get(name)
    if routine is None:
        raise OracleError(904, f'"{name}": invalid identifier')
    arguments = _arguments(query)
    result = routine.result
    if isinstance(result, int):
        result = common_type(arguments[result:]) if name != "ABS" else arguments[0].type or PLAIN_NUMBER
    given = ", ".join(argument.sql for argument in arguments)
    function = routine.sqlite or f"ora_{name.replace('.', '_').lower()}"
    return Expression(f"{function}({given})", result, exact=any(argument.exact for argument in arguments))


def _arguments(query: "_Queries") -> list[Expression]:
    if query.take_sign(")"):
        return []
    found = query.expressions()
    query.need(")")
    return found


def _over(query: "_Queries", sql: str, kind: OracleType | None) -> Expression:
    query.need("OVER")
    query.need("(")
    parts = []
    if query.take("PARTITION", "BY"):
        parts.append(f"PARTITION BY {', '.join(item.sql for item in query.expressions())}")
    if query.take("ORDER", "BY"):
        parts.append(f"ORDER BY {query.order()}")
    query.need(")")
    return Expression(f"{sql} OVER ({' '.join(parts)})", kind)


def _count(query: "_Queries", name: str) -> Expression:
    if query.take_sign("*"):
        query.need(")")
        sql = "count(*)"
    else:
        distinct = "DISTINCT " if query.take("DISTINCT") else ""
        (argument,) = _arguments(query)
        sql = f"count({distinct}{argument.sql})"
    return _over(query, sql, PLAIN_NUMBER) if query.is_word("OVER") else Expression(sql, PLAIN_NUMBER)


def _aggregate(query: "_Queries", name: str) -> Expression:
    """Exact numbers, times and row addresses have aggregates of their own; floats and texts have SQLite's."""
    distinct = "DISTINCT " if query.take("DISTINCT") else ""
    query.take("ALL")
    (argument,) = _arguments(query)
    function = name.lower()
    if query.is_word("OVER"):
        return _over(query, f"{function}({argument.sql})", argument.type)
    kind = argument.type
    if argument.row and name in ("MIN", "MAX"):
        return Expression(f"ora_rowid({function}({argument.row}))", kind)
    if argument.is_time:
        function = f"ora_{function}_time"
    elif kind is not None and kind.code in (columns.BINARY_FLOAT, columns.BINARY_DOUBLE):
        function = f"ora_{function}_float"
    elif argument.is_number or (name in ("SUM", "AVG") and kind is None):
        function, kind = f"ora_{function}_number", kind if name in ("MIN", "MAX") else PLAIN_NUMBER
    return Expression(f"{function}({distinct}{argument.sql})", kind, exact=argument.exact)


def _to_char(query: "_Queries", name: str) -> Expression:
    arguments = _arguments(query)
    value, code = arguments[0], arguments[0].type.code if arguments[0].type else 0
    mask = arguments[1].sql if len(arguments) > 1 else "NULL"
    source = value.row and f"ora_rowid({value.row})"
    return Expression(f"ora_to_char({source or value.sql}, {code}, {mask})", TEXT)


def _trunc(query: "_Queries", name: str) -> Expression:
    arguments = _arguments(query)
    given = ", ".join(argument.sql for argument in arguments)
    return Expression(f"ora_trunc({given})", arguments[0].type or PLAIN_NUMBER)


def _decode(query: "_Queries", name: str) -> Expression:
    value, *choices = _arguments(query)
    parts = [
        f"WHEN {value.sql} IS {choices[at].sql} THEN {choices[at + 1].sql}" for at in range(0, len(choices) - 1, 2)
    ]
    results = choices[1::2]
    if len(choices) % 2:
        parts.append(f"ELSE {choices[-1].sql}")
        results.append(choices[-1])
    return Expression(f"(CASE {' '.join(parts)} END)", common_type(results))


def _listagg(query: "_Queries", name: str) -> Expression:
    value, *separator = _arguments(query)
    key = value.sql
    if query.take("WITHIN", "GROUP"):
        query.need("(")
        query.need("ORDER")
        query.need("BY")
        key = query.expression().sql
        query.need(")")
    between = separator[0].sql if separator else "''"
    return Expression(f"ora_listagg({value.sql}, {between}, {key})", TEXT)


def _trim(query: "_Queries", name: str) -> Expression:
    side = next((word for word in ("BOTH", "LEADING", "TRAILING") if query.take(word)), "BOTH")
    found = query.expression()
    what = "' '"
    if query.take("FROM"):
        what, found = found.sql, query.expression()
    query.need(")")
    function = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[side]
    return Expression(f"nullif({function}({found.sql}, {what}), '')", TEXT)


def _serialize(query: "_Queries", name: str) -> Expression:
    if not query.take("CONTENT"):
        query.need("DOCUMENT")
    found = query.expression()
    kind = _CLOB
    if query.take("AS"):
        kind = query.type_name()
    query.need(")")
    return Expression(found.sql, kind)


def _lob_part(query: "_Queries", name: str) -> Expression:
    """DBMS_LOB.SUBSTR has the amount before the offset."""
    arguments = _arguments(query)
    kind = _RAW if arguments[0].type and arguments[0].type.code == columns.BLOB else TEXT
    amount = arguments[1].sql if len(arguments) > 1 else "32767"
    start = arguments[2].sql if len(arguments) > 2 else "1"
    return Expression(f"nullif(substr({arguments[0].sql}, {start}, {amount}), '')", kind)


def _long_function(query: "_Queries", name: str) -> Expression:
    raise OracleError(1031, "insufficient privileges")


_SPECIAL: dict[str, Callable[["_Queries", str], Expression]] = {
    "COUNT": _count,
    "MIN": _aggregate,
    "MAX": _aggregate,
    "SUM": _aggregate,
    "AVG": _aggregate,
    "TO_CHAR": _to_char,
    "TO_NCHAR": _to_char,
    "TRUNC": _trunc,
    "DECODE": _decode,
    "LISTAGG": _listagg,
    "TRIM": _trim,
    "XMLSERIALIZE": _serialize,
    "DBMS_LOB.SUBSTR": _lob_part,
    "DBMS_CRYPTO.HASH": _long_function,
}
