#!/bin/sh
# Without a server: what is planned for real products, and what is said when the server cannot be reached.
# The argument is an app, without it all is tested.
set -eu

fail() {
    echo "ingest: $1" >&2
    exit 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 /opt/antares-legacy/tests/samples.py in evt
antares-legacy --quiet convert in/genhen.evt -o level3

# Port 9 of the loopback interface is that of the discard service: nobody answers HTTP there.
mkdir etc
cat >etc/rucio.cfg <<'CFG'
[client]
rucio_host = http://127.0.0.1:9
auth_host = http://127.0.0.1:9
auth_type = userpass
username = ddmlab
password = nobody
account = root
CFG
export RUCIO_CONFIG="$folder/etc/rucio.cfg"
printf 'ingest: {scope: antares, rse: ANTARES_INPLACE, patience: 1}\n' >antares-legacy.yaml

unreachable() { # TEXT COMMAND...: exit code 3, and the text is said
    text=$1
    shift
    code=0
    "$@" >said.txt 2>&1 || code=$?
    [ "$code" = 3 ] || fail "$* ended with $code instead of 3: $(cat said.txt)"
    grep -q "$text" said.txt || fail "$* does not say $text: $(cat said.txt)"
}

test_ingest() {
    python3 - <<'PYTHON' || fail "checksums or metadata of a product are wrong"
import hashlib
import json
import zlib
from pathlib import Path

import rucio.client.uploadclient  # what copies files
import XRootD.client  # what speaks to root:// doors

entry = json.loads(Path("level3/manifest.jsonl").read_text())
data = Path("level3/genhen.l3.h5").read_bytes()
sums = {"adler32": f"{zlib.adler32(data):08x}", "sha256": hashlib.sha256(data).hexdigest()}
assert sums.items() <= entry.items(), (sums, entry)
PYTHON
    unreachable 'no answer' antares-legacy ingest level3/manifest.jsonl --config antares-legacy.yaml --dry-run --journal journal.db
}

test_catalog() {
    unreachable 'no answer' antares-legacy catalog find 'level=3' --config antares-legacy.yaml
}

case ${1:-} in
'')
    test_ingest
    test_catalog
    ;;
ingest | catalog) "test_$1" ;;
*) fail "no app $1" ;;
esac
echo "ingest: ${1:-all} good"
