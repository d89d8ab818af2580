"""Fixtures of the tests against software of the operating system: a real Rucio server beside it."""

import sys
from pathlib import Path

# The fixtures are modules in tests/rucio_server; with --import-mode=importlib pytest puts nothing on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from rucio_server.fixtures import (  # noqa: F401
    rucio_environment,
    rucio_scope,
    rucio_server,
    server_environment,
)
from xrootd_server.site import catalog, catalogue, ingest, site, whole_site  # noqa: F401
