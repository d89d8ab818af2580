#!/bin/sh
# Dumps a synthetic database, serves its image over the loopback interface, fetches rows, and asks it with SQL.
# The argument is an app, without it all is tested.
set -eu

fail() {
    echo "db-image: $1" >&2
    exit 1
}

folder=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap stop EXIT
cd "$folder"
antares-legacy --quiet dbdump practice practice.sqlite --days 1
antares-legacy --quiet dbdump dump sqlite:///practice.sqlite -o image --jobs 1

test_serve() {
    find image -type f -exec sha256sum {} + | sort >before.txt
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    python3 /opt/antares-legacy/libexec/serve.py image --port "$port" >server.log 2>&1 &
    server=$!
    python3 - "$port" <<'PYTHON' || fail "the server did not answer well: $(cat server.log)"
import json
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

address = f"http://127.0.0.1:{sys.argv[1]}"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the loopback interface needs no proxy


def fetch(path):
    with opener.open(address + path, timeout=30) as answer:
        return json.load(answer)


def asked(database, statement):
    return fetch(f"/{database}.json?_shape=arrays&" + urllib.parse.urlencode({"sql": statement}))["rows"]


until = time.monotonic() + 60
while True:
    try:
        names = {database["name"] for database in fetch("/-/databases.json")}
        break
    except (ConnectionError, urllib.error.URLError):
        if time.monotonic() > until:
            raise
        time.sleep(0.2)
assert names == {"catalog", "image"}, names
statement = "SELECT count(*), max(instrument_id) FROM instrument"
(expected,) = sqlite3.connect("practice.sqlite").execute(statement).fetchall()
assert asked("image", statement) == [list(expected)] and expected[0] > 0, (asked("image", statement), expected)
assert fetch("/catalog.json")["tables"], "the catalog shows no table"
try:
    asked("image", "DELETE FROM instrument")
except urllib.error.HTTPError as error:
    assert error.code == 400, error.code
else:
    raise AssertionError("a statement that writes was accepted")
PYTHON
    kill "$server"
    wait "$server" || true
    server=
    find image -type f -exec sha256sum {} + | sort >after.txt
    cmp before.txt after.txt || fail "serving changed the image"
}

test_query() {
    said=$(antares-legacy dbdump query image --csv "SELECT count(*) AS n FROM instrument")
    known=$(python3 -c 'import sqlite3; print(*sqlite3.connect("practice.sqlite").execute("SELECT count(*) FROM instrument").fetchone())')
    [ "$(printf '%s\n' "$said" | tail -1 | tr -d '\r')" = "$known" ] || fail "query counts other rows: $said"
}

case ${1:-} in
'')
    test_serve
    test_query
    ;;
serve | query) "test_$1" ;;
*) fail "no app $1" ;;
esac
echo "db-image: ${1:-all} good"
