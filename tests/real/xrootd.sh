#!/usr/bin/env bash
# Runs a command where an xrootd server and its command line client are installed; the tests start servers of their own,
# and Rucio's client starts xrdcp and xrdfs.
#
#   tests/real/xrootd.sh .venv/bin/pytest -m real
#
# Without them: installs Debian's packages when run by root on a machine with apt, and nothing else. The command runs
# in any case: without them the tests that need them skip, or fail when CI=true.
set -euo pipefail

if ! { command -v xrootd && command -v xrdcp && command -v xrdfs; } >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # RUNLEVEL=1 keeps the package from starting a server of the machine's own.
  {
    apt-get update -qq &&
      RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends xrootd-server \
        xrootd-client
  } >&2 || echo "apt-get could not install xrootd-server and xrootd-client" >&2
fi

exec "$@"
