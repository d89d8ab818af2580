"""Plugin that lets the practice server keep JSON metadata in SQLite.

Rucio 41 has the code for it, but answers that SQLite cannot. Loaded by Rucio through ``[metadata] plugins``;
PostgreSQL does not need it.
"""

from rucio.core.did_meta_plugins import json_meta


def _implemented(*, session: object = None) -> bool:  # noqa: ARG001  called with this name by Rucio
    return True


# Only the name inside this one module is changed.
json_meta.json_implemented = _implemented

SqliteJSONDidMeta = json_meta.JSONDidMeta
"""The name that the configuration of the server gives."""
