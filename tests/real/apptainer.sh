#!/usr/bin/env bash
# Runs a command where Apptainer can be had: that of the machine, else a tool root, which is made when run by root.
#
#   tests/real/apptainer.sh .venv/bin/pytest -m real
#
# ANTARES_LEGACY_CONTAINER_WORK names the folder of the tool root; one that is there is used. Without the variable it is
# the folder that antares-legacy itself uses.
# Without any engine the command runs all the same, and the tests that need one skip, or fail when CI=true. There is one
# exception: when CI=true and the archive of the moving Debian suite cannot be had in two tries, this says
# "ENGINE UNAVAILABLE: not a SIF" and the command runs with ANTARES_LEGACY_ENGINE=chroot.
set -euo pipefail

python=${PYTHON:-.venv/bin/python}

if [ -z "${ANTARES_LEGACY_ENGINE:-}" ]; then
  # Exit code 0: there is an engine; 3: none, and only the archive is to blame; anything else: none.
  code=0
  "$python" - >&2 <<'PYTHON' || code=$?
import sys

from containers.engine.choose import choose_engine
from containers.engine.debootstrap import ArchiveError
from containers.engine.toolroot import install
from containers.workplace import workplace
from legacy.errors import AntaresLegacyError

place = workplace()


def say(line: str) -> None:
    if not line.startswith("I:"):
        print(line, flush=True)


try:
    if not choose_engine(place, None).facts.makes_images:
        install(place, say)
except ArchiveError as error:
    print(error)
    sys.exit(3)
except AntaresLegacyError as error:
    print(f"{error}: the tests that need Apptainer are left out")
    sys.exit(4)
PYTHON
  if [ "$code" = 3 ] && [ "${CI:-}" = true ]; then
    echo "ENGINE UNAVAILABLE: not a SIF"
    export ANTARES_LEGACY_ENGINE=chroot
  fi
fi

# Images of the tests: of the code as it is now, and not among those of the user.
images=${ANTARES_LEGACY_IMAGES:-}
if [ -z "$images" ]; then
  images=$(mktemp -d "${TMPDIR:-/tmp}/antares-images.XXXXXX")
  trap 'rm -rf "$images"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
fi
ANTARES_LEGACY_IMAGES=$images "$@"
