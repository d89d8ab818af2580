"""What a dump tells people while it runs and at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbdump.dump.journal import ChunkDone
from dbdump.dump.run import Told
from dbdump.dump.worker import ChunkFailed
from dbdump.image import Manifest
from dbdump.inspection import human
from dbdump.plan import Chunk
from legacy.cli import Talk
from legacy.errors import printable
from legacy.progress import StreamProgress


@contextmanager
def telling(talk: Talk) -> Iterator[Told]:
    """Show progress on stderr while the block runs."""
    with StreamProgress("dumping", enabled=not talk.quiet) as progress:

        def planning(what: str, done: int, of: int) -> None:
            talk.detail(printable(what) + (f" ({done + 1} of {of})" if of else ""))

        def total(chunks: int, size: int) -> None:
            talk.say(f"{chunks} chunks" + (f", about {human(size)} in the source" if size else ""))

        def chunk(result: ChunkDone | ChunkFailed, asked: Chunk, earlier: bool) -> None:
            if isinstance(result, ChunkFailed):
                progress.advance(1, 0, 1)
                talk.error(f"antares-legacy: {printable(result.problem)}")
                return
            progress.advance(1, 0 if earlier else sum(part.file.size for part in result.parts), 0)
            state = "dumped by an earlier run" if earlier else "dumped"
            talk.detail(f"{printable(str(asked.table))} chunk {asked.number}: {result.rows:,} rows {state}")

        yield Told(talk.say, planning, total, chunk)


def end_to_dict(manifest: Manifest) -> dict[str, Any]:
    """Return what was done for ``--json``."""
    tables = [
        {
            "table": str(table.name),
            "rows": table.rows,
            "parts": len(table.parts),
            "size": manifest.size_of(table),
            "problem": table.problem,
            "proof": table.proof,
            "odd_characters": dict(table.odd_characters),
        }
        for table in manifest.tables
    ]
    return {
        "complete": manifest.complete,
        "image_id": manifest.image_id,
        "snapshots": [snapshot.mode for snapshot in manifest.snapshots],
        "tables": tables,
        "lobs": {"files": manifest.lobs[0], "size": manifest.lobs[1]},
        "warnings": list(manifest.warnings),
    }


def end_to_text(manifest: Manifest, folder: Path) -> list[str]:
    """Return what was done for people: what is odd, what is missing, and what to do next."""
    lines = [f"warning: {warning}" for warning in manifest.warnings]
    for table in manifest.tables:
        lines += [f"{table.name}, column {column.name}: {column.lossy}" for column in table.columns if column.lossy]
        for column, count in table.odd_characters.items():
            advice = "a wrong character set? --raw-text takes its bytes"
            lines.append(f"{table.name}, column {column}: {count} values with characters that no text has; {advice}")
    missing = [table for table in manifest.tables if table.problem]
    lines += [f"not complete: {table.name}: {table.problem.removeprefix(f'{table.name}: ')}" for table in missing]
    size = sum(map(manifest.size_of, manifest.tables)) + manifest.lobs[1]
    rows = sum(table.rows for table in manifest.tables)
    whole = len(manifest.tables) - len(missing)
    modes = " and ".join(sorted({snapshot.mode for snapshot in manifest.snapshots}))
    lines.append(
        f"{whole} of {len(manifest.tables)} tables, {rows:,} rows, {human(size)} in {folder}; snapshot: {modes}"
    )
    if missing:
        return [*lines, "the same command tries again what is missing"]
    return [*lines, f"next: antares-legacy dbdump verify {folder} --url URL"]
