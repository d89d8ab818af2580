"""Read a file with both readers, which must agree, and hold all that the first one said."""

import runpy
from pathlib import Path

import numpy as np

from converters.readers.i3.reader import I3Reader
from converters.reread.i3 import reread
from converters.source import ReadOptions

_AGREEMENT = Path(__file__).parents[2] / "reread" / "table_agreement.py"
assert_agreement = runpy.run_path(str(_AGREEMENT))["assert_agreement"]


class Read:
    """What the reader gives; made only if the second reader gives the same."""

    def __init__(self, path, **options):
        with I3Reader().open(path, ReadOptions(**options)) as file:
            self.batches = list(file.batches())
            self.facts, self.warnings = file.facts, file.warnings()
            self.coverage = {row.field: row for row in file.coverage()}
        assert_agreement(I3Reader(), reread, path, ReadOptions(**options))
        parts = {}
        for batch in self.batches:
            for table in batch.tables:
                parts.setdefault(table.spec.path, []).append(table.array)
        self.tables = {path: np.concatenate(arrays) for path, arrays in parts.items()}

    def column(self, name):
        return [value for batch in self.batches for value in batch.events[name].tolist()]


def write(path, *parts):
    path.write_bytes(b"".join(parts))
    return path
