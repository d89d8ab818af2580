"""`catalog find`: names, a table, or JSON, written while they are found."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ingest.retrieval.selection import Found
from legacy.errors import printable

HEADER = f"{'bytes':>14}  {'run':>8}  {'level':>5}  {'kind':<4}  {'events':>10}  {'adler32':<8}  name"


def line(scope: str, found: Found) -> str:
    """Return the DID of a file."""
    return printable(f"{scope}:{found.file.name}")


def table_line(scope: str, found: Found) -> str:
    """Return one line under `HEADER`; ``-`` stands for what is not known."""
    cells = [str(found.metadata.get(key, "-")) for key in ("run", "level", "kind", "n_events")]
    run, level, kind, events = (printable(cell)[:20] for cell in cells)
    size, adler32 = found.file.size if found.file.size >= 0 else "-", found.file.adler32 or "-"
    return f"{size:>14}  {run:>8}  {level:>5}  {kind:<4}  {events:>10}  {printable(adler32):<8}  {line(scope, found)}"


def json_parts(scope: str, chunks: Iterable[list[Found]]) -> Iterator[str]:
    """Yield the lines of a JSON array of all files, none of them kept."""
    before = "["
    for chunk in chunks:
        for found in chunk:
            yield before + json.dumps(_object(scope, found), ensure_ascii=False)
            before = ","
    yield "]" if before == "," else "[]"


def _object(scope: str, found: Found) -> dict[str, object]:
    file = found.file
    return {
        "scope": scope,
        "name": file.name,
        "bytes": file.size if file.size >= 0 else None,
        "adler32": file.adler32 or None,
        "md5": file.md5 or None,
        "metadata": dict(found.metadata),
    }


@dataclass(slots=True)
class Tally:
    """Counts files and bytes while they pass."""

    files: int = 0
    bytes: int = 0

    def counted(self, chunks: Iterable[list[Found]], stop: Callable[[], bool]) -> Iterator[list[Found]]:
        """Yield the chunks until `stop` says so."""
        for chunk in chunks:
            self.files += len(chunk)
            self.bytes += sum(max(found.file.size, 0) for found in chunk)
            yield chunk
            if stop():
                return

    def to_text(self) -> str:
        """Return the summary for people."""
        return f"{self.files} files, {self.bytes} bytes" if self.files else "no file matches"
