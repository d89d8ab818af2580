"""The functions of `routines` that SQLite does not have, as Python functions, and how a connection gets them."""

import inspect
import re
import sqlite3
import struct
from collections.abc import Callable

import oracle_double.arithmetic as arithmetic
import oracle_double.rowids as rowids
import oracle_double.texts as texts
from oracle_double.aggregates import AGGREGATES
from oracle_double.errors import OracleError
from oracle_double.values import SqlValue, as_float, value_text

FUNCTIONS: dict[str, Callable[..., SqlValue]] = {
    "add": arithmetic.add,
    "subtract": arithmetic.subtract,
    "multiply": arithmetic.multiply,
    "divide": arithmetic.divide,
    "time_key": arithmetic.time_key,
    "row": texts.row,
    "number_key": arithmetic.number_bytes,
    "rowid": rowids.of_row,
    "rowidtochar": value_text,
    "chartorowid": texts.chartorowid,
    "dbms_rowid_rowid_create": texts.rowid_create,
    "text": texts.to_char,
    "to_char": texts.to_char,
    "to_number": arithmetic.to_number,
    "cast": arithmetic.cast,
    "extract": arithmetic.extract,
    "interval": arithmetic.interval,
    "now": arithmetic.now,
    "at_zone": arithmetic.at_zone,
    "sys_extract_utc": arithmetic.sys_extract_utc,
    "from_tz": arithmetic.from_tz,
    "to_date": arithmetic.to_date,
    "to_timestamp": arithmetic.to_date,
    "to_timestamp_tz": arithmetic.to_date,
    "trunc": arithmetic.trunc,
    "round": arithmetic.round_,
    "mod": arithmetic.mod,
    "floor": arithmetic.floor,
    "ceil": arithmetic.ceil,
    "abs": arithmetic.absolute,
    "sign": arithmetic.sign,
    "power": arithmetic.power,
    "nanvl": arithmetic.nanvl,
    "to_binary_double": arithmetic.to_binary_double,
    "to_binary_float": arithmetic.to_binary_double,
    "length": texts.length,
    "lengthb": texts.lengthb,
    "lengthc": texts.length,
    "length4": texts.length,
    "convert": lambda value, *charsets: value_text(value),
    "vsize": texts.lengthb,
    "dbms_lob_getlength": texts.lob_length,
    "utl_raw_length": texts.lengthb,
    "substr": texts.substr,
    "substrb": texts.substr,
    "utl_raw_substr": texts.substr,
    "instr": texts.instr,
    "dbms_lob_instr": texts.instr,
    "replace": texts.replace,
    "lpad": texts.pad_left,
    "rpad": texts.pad_right,
    "translate": texts.translate,
    "standard_hash": texts.standard_hash,
    "rawtohex": texts.rawtohex,
    "regexp_like": texts.regexp_like,
    "regexp_substr": texts.regexp_substr,
    "regexp_replace": texts.regexp_replace,
    "to_clob": value_text,
    "to_lob": value_text,
    "numtodsinterval": arithmetic.interval,
    "numtoyminterval": arithmetic.interval,
    "to_dsinterval": value_text,
    "to_yminterval": value_text,
    "concat": lambda *parts: "".join(part for part in parts if part is not None) or None,
    "upper": lambda value: value_text(value).upper(),
    "lower": lambda value: value_text(value).lower(),
    "ltrim": lambda value, what=" ": value_text(value).lstrip(what) or None,
    "rtrim": lambda value, what=" ": value_text(value).rstrip(what) or None,
    "chr": lambda value: chr(int(value)),
    "ascii": lambda value: ord(value_text(value)[0]),
    "bitand": lambda one, other: int(one) & int(other),
    "hextoraw": lambda value: bytes.fromhex(value_text(value)),
    "utl_raw_cast_to_raw": texts.as_bytes,
    "utl_i18n_string_to_raw": lambda value, charset="AL32UTF8": texts.as_bytes(value),
    "utl_raw_cast_to_varchar2": lambda value: texts.as_bytes(value).decode("utf-8", "replace"),
    "utl_raw_concat": lambda *parts: b"".join(texts.as_bytes(part) for part in parts),
    "utl_raw_cast_from_binary_double": lambda value, order=1: struct.pack(">d", as_float(value)),
    "utl_raw_cast_from_binary_float": lambda value, order=1: struct.pack(">f", as_float(value)),
    "utl_raw_cast_from_number": arithmetic.number_bytes,
    "dbms_rowid_rowid_block_number": lambda value: rowids.parts(value).block,
    "dbms_rowid_rowid_row_number": lambda value: rowids.parts(value).slot,
    "dbms_rowid_rowid_relative_fno": lambda value: rowids.parts(value).file,
    "dbms_rowid_rowid_object": lambda value: rowids.parts(value).object,
}
_TAKE_NULL = {
    "greatest",
    "least",
    "nvl2",
    "dump",
    "standard_hash",
    "sys_context",
    "utl_raw_concat",
    "to_char",
    "text",
    "concat",
}
"""Of the others, NULL makes NULL."""


class Functions:
    """Gives a connection the functions, and keeps the error of the last one that failed.

    SQLite says only that a function failed; the error itself is what Oracle would have said.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.error: OracleError | None = None
        for name, function in FUNCTIONS.items():
            self.add(name, function)
        self.add("nvl2", lambda value, one, other: other if value is None else one)
        self.add("greatest", lambda *given: None if None in given else max(given))
        self.add("least", lambda *given: None if None in given else min(given))
        for name, count, aggregate in AGGREGATES:
            database.create_aggregate(f"ora_{name}", count, aggregate)

    def add(self, name: str, function: Callable[..., SqlValue], *, steady: bool = True) -> None:
        """Add a function as ``ora_`` and its name; `steady` if it always says the same of the same."""
        keeps_null = name not in _TAKE_NULL
        only = self._required(function)

        def guarded(*given: SqlValue) -> SqlValue:
            if keeps_null and None in given[:only]:
                return None
            try:
                return function(*given)
            except OracleError as error:
                self.error = error
                raise
            except (ValueError, ArithmeticError, KeyError, TypeError) as error:
                found = re.match(r"ORA-(\d+): (.*)", str(error))
                self.error = OracleError(int(found[1]), found[2]) if found else OracleError(1722, f"{name}: {error}")
                raise

        self._database.create_function(f"ora_{name}", -1, guarded, deterministic=steady)

    @staticmethod
    def _required(function: Callable[..., SqlValue]) -> int | None:
        """How many arguments have no default: NULL in another is no NULL of the result."""
        given = inspect.signature(function).parameters.values()
        if any(parameter.kind == parameter.VAR_POSITIONAL for parameter in given):
            return 1
        return sum(parameter.default is parameter.empty for parameter in given)
