"""A table as annotated CSV: ECSV 1.0, which astropy reads with units and annotation, and pandas with comment='#'.

Format: T. Aldcroft, Astropy Proposal for Enhancement 6.
"""

from pathlib import Path
from typing import Any

from converters.supplementary.model import SupplementaryTable


def write_ecsv(table: SupplementaryTable, meta: dict[str, Any], target: Path) -> None:
    """Write the table; raises OSError.

    Parameters
    ----------
    table
        The table. Numbers have the shortest text that reads back to the same value.
    meta
        What stands under ``meta`` in the head.
    target
        The file.
    """
    import yaml

    head = {
        "delimiter": ",",
        "datatype": [
            {
                "name": column.name,
                **({"unit": column.unit} if column.unit else {}),
                "datatype": "float64",
                "description": column.description,
            }
            for column in table.columns
        ],
        "meta": meta,
        "schema": "astropy-2.0",
    }
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10_000)
    if len(text.splitlines()) > text.count("\n"):  # a sign that some programs take for the end of a line: escape it
        text = yaml.safe_dump(head, sort_keys=False, allow_unicode=False, width=10_000)
    with target.open("w", encoding="utf-8", newline="") as stream:
        stream.write("# %ECSV 1.0\n# ---\n")
        stream.writelines(f"# {line}\n" for line in text.splitlines())
        stream.write(",".join(column.name for column in table.columns) + "\n")
        for row in zip(*(values.tolist() for values in table.values), strict=True):
            stream.write(",".join(map(repr, row)) + "\n")
