"""PostgreSQL as a source; `dbdump.sources.postgresql.source` has the connection."""
