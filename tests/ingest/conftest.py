"""Fixtures of the tests of this room: a real Rucio server, and a proxy before it that fails as planned."""

import sys
from pathlib import Path

# The fixtures are modules in tests/rucio_server; with --import-mode=importlib pytest puts nothing on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from rucio_server.fixtures import (  # noqa: F401
    faulty,
    new_rucio_scope,
    own_rucio_server,
    rucio_environment,
    rucio_scope,
    rucio_server,
    server_environment,
)
