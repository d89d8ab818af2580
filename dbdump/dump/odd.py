"""Counts values of text that look as if the database has another character set than it says.

A database with WE8ISO8859P1 that holds Windows' characters gives U+0080 to U+009F, which no text means; what could
not be converted becomes U+FFFD.
"""

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_ODD = "[\u0080-\u009f\ufffd]"
_ASCII = 0x80


def count_odd(batch: "pa.RecordBatch", counts: Counter[str]) -> None:
    """Add the number of odd values of each column of text to `counts`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_string(field.type) and not _is_ascii(column):
            found = pc.sum(pc.match_substring_regex(column, _ODD)).as_py()
            if found:
                counts[field.name] += found


def _is_ascii(column: "pa.Array") -> bool:
    import numpy as np

    data = column.buffers()[2]
    return data is None or not data.size or int(np.frombuffer(data, dtype=np.uint8).max()) < _ASCII
