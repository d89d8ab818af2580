#!/usr/bin/env bash
# Runs a command with ANTARES_LEGACY_TEST_CWLTOOL naming the reference runner of CWL, in an environment of its own: it
# wants another version of the package prov than our tests.
#
#   tests/real/cwl.sh .venv/bin/pytest -m real tests/real/test_cwl.py
#
# Without network and without an environment made before, says so; the tests then skip, or fail when CI=true.
set -euo pipefail

folder=${ANTARES_LEGACY_CWLTOOL_VENV:-$(dirname "$0")/../../.venv/cwltool}
if ! [ -x "$folder/bin/cwltool" ]; then
  {
    "${PYTHON:-python3}" -m venv "$folder" &&
      "$folder/bin/python" -m pip install --quiet 'cwltool>=3.1'
  } >&2 || echo "cwltool could not be installed" >&2
fi

if [ -x "$folder/bin/cwltool" ]; then
  ANTARES_LEGACY_TEST_CWLTOOL=$(cd "$folder/bin" && pwd)/cwltool
  export ANTARES_LEGACY_TEST_CWLTOOL
fi

exec "$@"
