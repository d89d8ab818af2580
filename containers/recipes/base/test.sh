#!/bin/sh
# The image is what the other images rely on.
set -eu

fail() {
    echo "base: $1" >&2
    exit 1
}

programs=/opt/antares-legacy
python=$programs/bin/python

[ "$(command -v python3)" = "$programs/bin/python3" ] || fail "python3 is not the one of $programs"
"$python" - <<'PYTHON'
import bz2, ctypes, decimal, hashlib, json, lzma, sqlite3, ssl, sys, zlib
from pathlib import Path

assert sys.version_info[:2] == (3, 11), sys.version
assert sys.prefix == "/opt/antares-legacy", sys.prefix
assert "æ".encode() == "æ".encode(sys.getfilesystemencoding()), sys.getfilesystemencoding()
assert ssl.create_default_context().cert_store_stats()["x509_ca"] > 50, "too few certificates of authorities"
# a little of everything that is compiled: known answers
assert hashlib.sha256(b"ANTARES").hexdigest() == "b5079e3aa6608ed53ca23a2da7804912908ebce2aa7abb31fbc39d7a5dbb30f9"
assert lzma.decompress(lzma.compress(b"x" * 1000)) == bz2.decompress(bz2.compress(b"x" * 1000)) == b"x" * 1000
assert zlib.adler32(b"Wikipedia") == 0x11E60398
assert sqlite3.connect(":memory:").execute("select sum(value) from json_each('[1, 2, 3]')").fetchone() == (6,)

bom = json.loads(Path("/opt/antares-legacy/sbom/bom.json").read_text())
assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
names = {component["name"] for component in bom["components"]}
assert {"python3", "libc6", "ca-certificates", "pip"} <= names, "packages are missing from the bill of materials"
without = [
    component["name"] for component in bom["components"]
    if component["purl"].startswith("pkg:deb/")
    and not list(Path("/opt/antares-legacy/licenses/deb", component["name"]).glob("*"))
]
assert not without, f"no licence text of {without}"
PYTHON

# The image must not know the registries of the machine that built it.
[ ! -s /etc/pip.conf ] || fail "/etc/pip.conf is not empty"
for sources in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -e "$sources" ] || continue
    ! grep -vE '^[[:space:]]*(#|$)' "$sources" | grep -qvE 'https?://(deb|security)\.debian\.org/|^(Types|Suites|Components|Signed-By|Enabled):' ||
        fail "$sources names a private server"
done
echo "base: all good"
