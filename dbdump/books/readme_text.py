"""The parts of ``README.md`` that are the same in every image."""

LAYOUT = """
## Files

| path | what it is |
|---|---|
| `README.md` | this text |
| `parquet/SCHEMA/TABLE/part-00000.parquet` ... | if present: the rows of a table, in the order of the numbers |
| `lobs/ab/ab12...` | long values, each a file that is named by the SHA-256 of its content |
| `sqlite/SCHEMA.sqlite` | if present: the rows as SQLite databases |
| `catalog.sqlite` | all about tables, columns, keys, indexes, views, program texts, files; a SQLite database |
| `ddl/SCHEMA/...` | statements of tables, views, sequences, triggers, procedures, as text |
| `datapackage.json` | the tables as a Frictionless Data Package (datapackage.org) |
| `manifest.json` | everything that is known about this image, in JSON (UTF-8) |
| `checksums.sha256` | SHA-256 of every file but the manifests |
| `manifest.jsonl` | size and checksums of every file, one JSON object a line |
| `plan.json`, `journal.jsonl` | if present: notes of the program that wrote the image; not needed for reading |
"""

READING = """
## How to read it

The examples read the folder `@FOLDER@`. Any table is read in the same way.

Python with pyarrow (exact for every type):

```python
import pyarrow.parquet as pq

table = pq.read_table("@FOLDER@")
print(table.schema)  # the metadata of each field name the type and the comment in the database
```

Python with pandas (whole numbers beside NULLs stay exact with this option; without it they become doubles):

```python
import pandas as pd

frame = pd.read_parquet("@FOLDER@", dtype_backend="pyarrow")
```

DuckDB, on the command line:

```sh
duckdb -c "SELECT * FROM '@FOLDER@/*.parquet' LIMIT 10"
```

R:

```r
library(arrow)
frame <- read_parquet("@FOLDER@/part-00000.parquet")   # or open_dataset("@FOLDER@")
```

The catalog, and the databases below `sqlite/` if there are any:

```sh
sqlite3 catalog.sqlite "SELECT schema_name, table_name, rows FROM tables"
sqlite3 catalog.sqlite "SELECT * FROM column_list"
```
"""

SQLITE_BESIDE = """
In the databases below `sqlite/`: decimals that are not whole, and whole numbers of more than 64 bits, are TEXT with all
digits. Times are TEXT in ISO 8601, with `Z` where they are in UTC. Truth values are 0 and 1. NaN is the text `NaN`,
because SQLite cannot store it as a number; minus zero becomes zero. Long values stand in their rows up to 64 MiB for a
row; above that, `NAME__lob` names their file. The tables `_tables`, `_columns`, `_keys`, `_indexes` and `_views` say
what is what.
"""

SQLITE_ALONE = """
The rows are in the databases below `sqlite/`, and there are no Parquet files: read "in Parquet" above as the type that
`_columns.arrow_type` names. Decimals that are not whole, and whole numbers of more than 64 bits, are TEXT with all
digits. Times are TEXT in ISO 8601, with `Z` where they are in UTC. Truth values are 0 and 1. NaN is the text `NaN`,
because SQLite cannot store it as a number; minus zero, and a NaN of other bits, is the text of its bits in hexadecimal
digits, such as `0x8000000000000000`. The number of a row (`rowid`) counts the rows as they were read. The tables
`_tables`, `_columns`, `_keys`, `_indexes` and `_views` say what is what. Nothing else holds the rows: open the files
read-only, and change a copy.
"""

READING_SQLITE = """
## How to read it

The rows are in SQLite databases. The examples open `@FILE@`.

On the command line:

```sh
sqlite3 -readonly "@FILE@" "SELECT name, source_name, rows, note FROM _tables"
```

Python, with nothing but its standard library:

```python
import sqlite3

database = sqlite3.connect("file:@FILE@?mode=ro&immutable=1", uri=True)
for row in database.execute("SELECT name, rows FROM _tables"):
    print(row)
```

R:

```r
library(RSQLite)
database <- dbConnect(SQLite(), "@FILE@", flags = SQLITE_RO, bigint = "integer64")
dbReadTable(database, "_tables")
```

In a browser: `datasette --immutable "@FILE@"`. The catalog:

```sh
sqlite3 catalog.sqlite "SELECT schema_name, table_name, rows FROM tables"
sqlite3 catalog.sqlite "SELECT * FROM column_list"
```
"""

TYPES = """
## How values are stored

| in the database | in Parquet |
|---|---|
| whole numbers of at most 18 digits | 64-bit integers |
| numbers with fixed decimals, up to 38 digits | decimals, exact |
| numbers that fit no such type | text: `-12.5`, without exponent; `NaN`, `Infinity` |
| binary floating point | float or double, the same bits |
| text | UTF-8; blanks at the end of CHAR columns are kept |
| bytes | binary |
| days; days with time; times | date; timestamp of whole seconds; timestamp in micro- or nanoseconds |
| times outside of the years 1 to 9999, or of the reach of nanoseconds (1677 to 2262) | text in ISO 8601: \
`-4712-01-01T00:00:00` |
| instants with a time zone | timestamp in UTC, and the zone in the column `NAME__tz`: `+02:00` or `Europe/Paris` |
| intervals of years and months; of days to seconds | number of months; of micro- or nanoseconds |
| XML, JSON, row identifiers, UUIDs, objects, arrays | the database's own text |
| files outside of the database (BFILE) | directory and name only |

A column of long values (LOB) `NAME` has two companions: `NAME__size` has the bytes of the value (text in UTF-8), and
`NAME__lob` the SHA-256 of the file that holds it. If `NAME__lob` is `ab12...`, the value is the file `lobs/ab/ab12...`
and `NAME` is NULL. If `NAME__lob` is NULL, the value stands in `NAME`. It was NULL in the database only if `NAME__size`
is NULL too. Text in such files is UTF-8.

Where the source does not hold its columns to one type (SQLite), a column of mixed values is text or bytes, and
`NAME__class` says what each value was: `null`, `integer`, `real`, `text` or `blob`.

Oracle knows no empty text: there it is NULL, and it is NULL here. How each column is stored, and why, is in the table
`image_columns` of `catalog.sqlite` (`form`, `unit`, `note`), and in the metadata of the fields in the Parquet files.
"""

CHECK = """
## How to check it

```sh
sha256sum -c checksums.sha256
```

reads every file and names each one that is not as it was written (`shasum -a 256 -c` on macOS). The SHA-256 of
`checksums.sha256` itself stands in `manifest.json` as `checksums`. The SHA-256 of `manifest.json`, with the value of
`digest` taken as an empty text, is its `digest`.
"""

FORMATS = """
## The formats

- **Parquet** is an open format of the Apache Software Foundation for tables: parquet.apache.org. A file begins and ends
  with the four bytes `PAR1`. Before the last `PAR1` stand the length of the description of its contents (4 bytes, the
  least significant first) and, before that, the description itself, in Thrift's compact protocol. Data pages are
  compressed with Zstandard (RFC 8878).
- **SQLite** is a database in one file, in the public domain: sqlite.org/fileformat2.html. The Library of Congress
  recommends it for keeping data sets. A file begins with the 16 bytes `SQLite format 3` and a zero byte.
- **JSON** is RFC 8259; this text is Markdown in UTF-8. SHA-256 is FIPS 180-4.
"""
