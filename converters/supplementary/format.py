"""Supplementary tables, as the commands see them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from converters.auxiliary.contract import Checked, Document, Draft, Parameter, Survey
from converters.request import Request
from converters.summary import FACTS
from converters.supplementary.annotation import says_content
from converters.supplementary.model import TITLES, Content, SupplementaryTable
from converters.supplementary.reading import ECSV_MARK, Source, description_sha256, looks_like, read_source, table_of
from legacy.errors import printable

_LEVEL = "3"


class SupplementaryFormat:
    """Effective area, acceptance, background, point spread function: annotated CSV and JSON."""

    name = "supplementary"
    description = "supplementary tables"
    products = ("csv", "json")

    def noun(self, to: str) -> tuple[str, str]:  # noqa: ARG002  a table in any case
        """Return what a product and several are called."""
        return "table", "tables"

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say if a text says itself that it is such a table, or is a public file known to the byte."""
        return looks_like(head, path)

    def survey(self, path: Path) -> Survey:
        """Read the table and say what is in it."""
        source = read_source(path)
        table = source.table
        facts: dict[str, object] = {
            "content": TITLES[table.annotation.content],
            "title": printable(table.annotation.header.get("title", "")),
            "described by": source.described_by,
            "rows": _shape(table),
        }
        for name, span in table.annotation.origin.items():
            low, high = [value for key, value in span.items() if key not in ("unit", "ktype")]
            facts[f"made for {name}"] = printable(f"{low} to {high} {span.get('unit', '')}".strip())
        contents = {
            column.name: f"{values.min():g} to {values.max():g} {column.unit}".rstrip()
            for column, values in zip(table.columns, table.values, strict=True)
        }
        return Survey(f"supplementary table: {TITLES[table.annotation.content]}", facts, contents)

    def fingerprint(self, source: Path) -> str:
        """Return the checksum of the description beside the file: the product depends on it too."""
        return description_sha256(source)

    def draft(self, request: Request) -> Draft:
        """Read and check the table, and make annotated CSV or JSON ready.

        Raises
        ------
        InputError
            The table or its description is wrong.
        """
        source = read_source(request.source)
        table = source.table
        header = {"license": "unspecified", **table.annotation.header, **request.metadata}
        content = _content(source)
        write = None
        if request.to == "csv":
            from converters.supplementary.ecsv import write_ecsv

            write = partial(write_ecsv, table, _meta(table, header))
        else:
            content["data"] = {
                column.name: values.tolist() for column, values in zip(table.columns, table.values, strict=True)
            }
        return Draft(
            facts=_facts(table, header),
            header=header,
            parameters=tuple(Parameter(c.name, c.unit, "f8", c.ucd, c.description) for c in table.columns),
            content=content,
            coverage=(("rows", table.rows, "content.data" if request.to == "json" else "the table", "every value"),),
            write=write,
        )

    def check(self, path: Path, document: Document) -> tuple[str, ...]:
        """Return what is wrong inside a product."""
        from converters.supplementary.checks import faults

        if document["product"] == "csv" and not _has_head(path):
            return ("the head of the table does not say what it is",)
        table, said = _table(path, document), document["content"]
        if (table.annotation.content.value, table.rows) != (said["content"], said["rows"]):
            found = f"{table.annotation.content.value} of {table.rows} rows"
            return (f"the table holds {found}, its description says {said['content']} of {said['rows']} rows",)
        return tuple(faults(table))

    def compare(self, path: Path, document: Document, source: Path) -> Checked:
        """Compare a product with its source, both read a second way."""
        from converters.supplementary.compare import compare_product

        return compare_product(path, document, source)

    def rows(self, path: Path, document: Document, count: int) -> list[dict[str, object]]:
        """Return the first rows of the table."""
        table = _table(path, document)
        names = [column.name for column in table.columns]
        columns = [values[:count].tolist() for values in table.values]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def figure(self, path: Path, document: Document) -> Any:
        """Draw the table."""
        from converters.supplementary.picture import table_figure

        return table_figure(_table(path, document), document)


def _has_head(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    return head.startswith(ECSV_MARK) and says_content(head)


def _table(path: Path, document: Document) -> SupplementaryTable:
    return read_source(path).table if document["product"] == "csv" else table_of(path, document["content"])


def _shape(table: SupplementaryTable) -> str:
    if table.annotation.content is Content.ACCEPTANCE:
        indices = len(set(table["spectral_index"].tolist()))
        return f"{table.rows} ({indices} spectral indices x {table.rows // indices} declination bins)"
    return str(table.rows)


def _facts(table: SupplementaryTable, header: Mapping[str, str]) -> dict[str, str]:
    """Return what the manifest says; all but the background are made of simulations."""
    time = table.annotation.origin.get("time", {})
    instrument = header.get("instrument", "")
    return dict.fromkeys(FACTS, "") | {
        "n_events": "0",
        "kind": "data" if table.annotation.content is Content.BACKGROUND else "mc",
        "detector": instrument.lower(),
        "start": str(time.get("measurement_start", "")),
        "stop": str(time.get("measurement_stop", "")),
        "level": _LEVEL,
    }


def _content(source: Source) -> dict[str, Any]:
    annotation = source.table.annotation
    return {
        "content": annotation.content.value,
        "ktype": annotation.ktype,
        "rows": source.table.rows,
        "described_by": source.described_by,
        "description_sha256": source.description_sha256,
        "paraminfo": source.table.paraminfo(),
        "origin": {name: dict(span) for name, span in annotation.origin.items()},
    }


def _meta(table: SupplementaryTable, header: Mapping[str, str]) -> dict[str, Any]:
    annotation = table.annotation
    return {
        "content": annotation.content.value,
        "ktype": annotation.ktype,
        "header": dict(header),
        "paraminfo": table.paraminfo(),
        "origin": {name: dict(span) for name, span in annotation.origin.items()},
    }
