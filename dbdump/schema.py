"""What a source database says about itself: frozen facts, the same for every kind of server.

Names and texts are exactly those of the source; nothing here knows how a value is stored in the image
(`dbdump.stored`) or how the work is divided (`dbdump.plan`).
"""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """Schema and name of a table, as the source spells them."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Family(StrEnum):
    """What values of a column are, whatever the server calls the type."""

    DECIMAL = "decimal"
    """Exact number with declared precision and scale; integers have scale 0."""
    NUMBER = "number"
    """Exact number without bounds (NUMBER, numeric): only the values tell what fits."""
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOLEAN = "boolean"
    TEXT = "text"
    CHAR = "char"
    """Text padded with blanks to its declared length; the padding is kept."""
    BYTES = "bytes"
    DATE = "date"
    """A day without time (PostgreSQL's date)."""
    DATETIME = "datetime"
    """A day with time to the second (Oracle's DATE)."""
    TIMESTAMP = "timestamp"
    """Local time with `scale` digits of a second."""
    TIMESTAMP_TZ = "timestamp_tz"
    """Instant with the time zone it was written with."""
    TIMESTAMP_UTC = "timestamp_utc"
    """Instant without a time zone of its own (timestamptz, TIMESTAMP WITH LOCAL TIME ZONE)."""
    TIME = "time"
    INTERVAL_MONTHS = "interval_months"
    """Years and months."""
    INTERVAL_SECONDS = "interval_seconds"
    """Days to seconds; `precision` digits of days, `scale` of a second."""
    LOB_TEXT = "lob_text"
    LOB_BYTES = "lob_bytes"
    AS_TEXT = "as_text"
    """Anything with one exact textual form: XML, JSON, ROWID, UUID, arrays, objects, PostgreSQL's interval."""
    BFILE = "bfile"
    """A file outside of the database: only its directory and name are known."""
    DYNAMIC = "dynamic"
    """SQLite's columns: each value has its own type, `declared` says what it should be."""
    UNREADABLE = "unreadable"
    """A type whose values cannot be had in any exact form."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name
        As the source spells it.
    source_type
        The exact type as DDL says it, such as ``NUMBER(10,2)``.
    family
        What values are.
    precision, scale
        Digits in all and after the point; for times `scale` is the digits of a second, for intervals `precision`
        the digits of days. None where not declared.
    length
        Largest length of text or bytes; None where not declared.
    nullable
        Whether NULL is allowed.
    default
        Expression of the default, None without.
    comment
        ``""`` without.
    computed
        Expression of a generated or virtual column, ``""`` for a stored one.
    declared
        Only for `Family.DYNAMIC`: the family that the declared type stands for.
    has_specials
        Whether the type has values that Arrow's has not: NaN among decimals, 24:00:00 among times of day. The values
        are looked at then.
    """

    name: str
    source_type: str
    family: Family
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    nullable: bool = True
    default: str | None = None
    comment: str = ""
    computed: str = ""
    declared: Family | None = None
    has_specials: bool = False


class KeyKind(StrEnum):
    """Kinds of constraints."""

    PRIMARY = "primary"
    UNIQUE = "unique"
    FOREIGN = "foreign"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Key:
    """A constraint: primary, unique or foreign key, or check.

    Parameters
    ----------
    kind, name
        `name` is ``""`` where the source has none.
    columns
        In the order of the key; empty for a check.
    target, target_columns
        Of a foreign key.
    expression
        Condition of a check; actions of a foreign key such as ``ON DELETE CASCADE``.
    """

    kind: KeyKind
    name: str
    columns: tuple[str, ...] = ()
    target: TableName | None = None
    target_columns: tuple[str, ...] = ()
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is no constraint.

    Parameters
    ----------
    name, unique
        As in the source.
    columns
        Names of columns, or expressions where `expressions` is true.
    expressions
        Whether an entry of `columns` is an expression: such an index is not made in the SQLite image.
    definition
        The source's own text, ``""`` where it gives none.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    expressions: bool = False
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table: name, bounds as the source says them, and its estimated rows."""

    name: str
    bounds: str = ""
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A right on a table that is visible to us."""

    grantee: str
    privilege: str


class TableKind(StrEnum):
    """What has rows of its own."""

    TABLE = "table"
    MATERIALIZED_VIEW = "materialized view"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table with all that belongs to it.

    Parameters
    ----------
    name, kind, columns, keys, indexes, partitions, grants, comment
        As in the source; columns in their order there.
    rows, size
        Estimates of the source: rows and bytes, None where it has none.
    ddl
        The source's own statement where it has one, else one put together from the facts above.
    organisation
        What only this kind of server has and the source needs to read the table, such as ``without rowid`` or
        ``index-organised``; ``""`` as a rule.
    """

    name: TableName
    columns: tuple[Column, ...]
    kind: TableKind = TableKind.TABLE
    keys: tuple[Key, ...] = ()
    indexes: tuple[Index, ...] = ()
    partitions: tuple[Partition, ...] = ()
    grants: tuple[Grant, ...] = ()
    comment: str = ""
    rows: int | None = None
    size: int | None = None
    ddl: str = ""
    organisation: str = ""

    def column(self, name: str) -> Column:
        """Return a column by its name; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key, empty without one."""
        return next((key.columns for key in self.keys if key.kind == KeyKind.PRIMARY), ())


@dataclass(frozen=True, slots=True)
class View:
    """A view: its text is preserved, its rows are not."""

    name: TableName
    text: str
    columns: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Something that is only text: a sequence, trigger, procedure, function, package, type, synonym.

    Parameters
    ----------
    kind
        Lower case and plural, which is the folder of its DDL: ``sequences``, ``triggers``, ``source``, ``types``.
    name
        Schema and name.
    text
        Its DDL or source.
    """

    kind: str
    name: TableName
    text: str


@dataclass(frozen=True, slots=True)
class DatabaseSchema:
    """All of the schemas that are dumped.

    Parameters
    ----------
    tables, views, code
        Sorted by name.
    warnings
        What could not be read, in a sentence each: missing rights on dictionary views and the like.
    """

    tables: tuple[TableSchema, ...] = ()
    views: tuple[View, ...] = ()
    code: tuple[Code, ...] = ()
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server, as `inspect` and the manifest tell it; never a password, and no host in the manifest.

    Parameters
    ----------
    kind
        ``oracle``, ``postgresql`` or ``sqlite``.
    version
        The server's own words.
    driver
        Name and version of the driver, and its mode, such as ``oracledb 3.1 thin``.
    database, user
        Name of the database or service; account that reads it.
    charset
        Character set of the database, ``""`` where there is one only.
    snapshots
        Which of ``scn`` and ``readonly`` this account may use, best first; empty without.
    rights
        What the account may see, a sentence each.
    """

    kind: str
    version: str
    driver: str
    database: str
    user: str = ""
    charset: str = ""
    snapshots: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
