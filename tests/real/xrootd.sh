#!/usr/bin/env bash
# Runs a command where an xrootd server is installed; the tests start servers of their own with it.
#
#   tests/real/xrootd.sh .venv/bin/pytest -m real
#
# Without it: installs Debian's package when run by root on a machine with apt, and nothing else. The command runs
# in any case: without the server the tests against it skip, or fail when CI=true.
set -euo pipefail

if ! command -v xrootd >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # RUNLEVEL=1 keeps the package from starting a server of the machine's own.
  {
    apt-get update -qq &&
      RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends xrootd-server
  } >&2 || echo "apt-get could not install xrootd-server" >&2
fi

exec "$@"
