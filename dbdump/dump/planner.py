"""Makes the plan: what the source has, how each column is stored, how each table is divided. Reads only."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from dbdump.dump.options import Content
from dbdump.dump.planfile import DumpPlan, Refused
from dbdump.errors import TableError
from dbdump.plan import TablePlan
from dbdump.schema import Code, Column, TableName, TableSchema
from dbdump.sources.contract import NoticesMisfits, Source
from dbdump.stored import choose_all, needs_probe
from legacy.clock import now
from legacy.errors import UsageError, nearest, printable
from legacy.provenance import random_id

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how many are done, and of how many."""


def make_plan(source: Source, url: str, content: Content, tell: Tell, *, assume: bool = False) -> DumpPlan:
    """Ask the source for everything that the dump needs to know.

    Parameters
    ----------
    source
        In the snapshot in which the data will be read.
    url
        Of the source, without a password.
    content
        What is to be dumped.
    tell
        Called after each table.
    assume
        Not to look at values that reading looks at anyway: where one does not fit then, the table has to be planned
        again (`plan_again`) and read again.

    Raises
    ------
    UsageError
        A schema is not there, or no table is left after ``--include`` and ``--exclude``.
    SourceError
        The source cannot be used.
    """
    schemas = content.schemas or (source.default_schema(),)
    known = source.schemas()
    for schema in schemas:
        if schema not in known:
            advice = nearest(schema, list(known)) if known else "the account sees no schema with tables"
            raise UsageError(f"schema '{printable(schema)}' is not there, or not visible; {printable(advice)}")
    tell("reading the dictionary", 0, 0)
    reflected = source.reflect(schemas)
    wanted = [table for table in reflected.tables if content.wants(table.name)]
    _check_raw_text(wanted, content.types.raw_text)
    # Rows without columns hold nothing, and Parquet cannot even count them.
    bare = [table for table in wanted if not table.columns]
    if reflected.tables and not wanted:
        count = len(reflected.tables)
        raise UsageError(f"none of {count} tables is left by --include and --exclude; patterns are for SCHEMA.TABLE")
    tables, refused = _plan_tables(source, [table for table in wanted if table.columns], content, tell, assume=assume)
    return DumpPlan(
        image_id=random_id(),
        created=now(),
        source=source_id(url),
        server=source.facts(),
        content=content,
        tables=tables,
        refused=refused,
        views=tuple(view for view in reflected.views if content.wants(view.name)),
        code=(*reflected.code, *(Code("tables", table.name, table.ddl) for table in bare)),
        warnings=(*reflected.warnings, *(f"{table.name}: no columns; only its definition is kept" for table in bare)),
    )


def _check_raw_text(tables: Sequence[TableSchema], names: frozenset[str]) -> None:
    """Refuse a column that is not there: the texts would be converted without a word."""
    known = {
        f"{name}.{column.name}"
        for table in tables
        for name in (table.name, table.name.name)
        for column in table.columns
    }
    for name in sorted(names - known):
        advice = nearest(name, sorted(known)) if known else "there are no tables"
        raise UsageError(
            f"--raw-text {printable(name)}: no table that is dumped has this column; {printable(advice)[:200]}"
        )


def plan_again(source: Source, plan: DumpPlan, failed: Collection[TableName], tell: Tell) -> DumpPlan:
    """Plan anew the tables that could not be planned or read: a right was granted since, or a table was rewritten.

    Parameters
    ----------
    source
        In the snapshot in which the data will be read.
    plan
        Of the earlier run.
    failed
        Tables that it could not read.
    tell
        Called after each table.

    Returns
    -------
    DumpPlan
        A table keeps its old plan where it is still the same, and where it still cannot be planned.

    Raises
    ------
    SourceError
        The source cannot be used.
    """
    doubtful = {*failed, *(refused.schema.name for refused in plan.refused)}
    if not doubtful:
        return plan
    reflected = source.reflect(plan.content.schemas or (source.default_schema(),))
    wanted = [table for table in reflected.tables if table.name in doubtful and table.columns]
    tables, refused = _plan_tables(source, wanted, plan.content, tell)
    anew = {table.name: table for table in tables}
    kept = {table.name: table for table in plan.tables}
    for name, table in anew.items():
        old = kept.get(name)
        if old is None or (old.columns, old.chunks) != (table.columns, table.chunks):
            kept[name] = table
    now_refused = {table.schema.name: table for table in refused}
    still = [now_refused.get(old.schema.name, old) for old in plan.refused if old.schema.name not in anew]
    return replace(plan, tables=tuple(kept[name] for name in sorted(kept)), refused=tuple(still))


def source_id(url: str) -> str:
    """Return what tells this source from others without naming it."""
    return hashlib.sha256(url.encode()).hexdigest()


def _plan_tables(
    source: Source, wanted: Sequence[TableSchema], content: Content, tell: Tell, *, assume: bool = False
) -> tuple[tuple[TablePlan, ...], tuple[Refused, ...]]:
    planned: list[TablePlan] = []
    refused: list[Refused] = []
    for number, table in enumerate(wanted):
        tell(f"planning {table.name}", number, len(wanted))
        try:
            planned.append(plan_table(source, table, content, assume=assume))
        except TableError as error:
            refused.append(Refused(table, str(error)))
    return tuple(planned), tuple(refused)


def plan_table(source: Source, table: TableSchema, content: Content, *, assume: bool = False) -> TablePlan:
    """Look at the values where types alone do not say enough, choose how columns are stored, divide the rows.

    With `assume`, values that reading looks at anyway are taken to fit the plain type.

    Raises
    ------
    TableError
        This table cannot be dumped.
    """
    uncertain = [c for c in table.columns if needs_probe(c) and not (assume and _is_noticed(source, c))]
    probes = source.probe(table, uncertain) if uncertain else {}
    columns = choose_all(table, probes, content.types)
    return TablePlan(table, columns, source.chunks(table, content.chunk_size))


def assumes(source: Source, table: TableSchema) -> bool:
    """Whether a plan that assumes would not look at some values of a table."""
    return any(needs_probe(column) and _is_noticed(source, column) for column in table.columns)


def _is_noticed(source: Source, column: Column) -> bool:
    return isinstance(source, NoticesMisfits) and source.notices(column)
