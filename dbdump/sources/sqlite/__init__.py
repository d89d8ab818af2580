"""SQLite files as a source, through the standard library; the file is only read."""

from dbdump.sources.sqlite.source import SqliteSource, connect

__all__ = ["SqliteSource", "connect"]
