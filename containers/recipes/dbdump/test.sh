#!/bin/sh
# Dumps a synthetic database and reads the image; the argument is an app, without it all is tested.
set -eu

fail() {
    echo "dbdump: $1" >&2
    exit 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
antares-legacy --quiet dbdump practice practice.sqlite --days 2
antares-legacy --quiet dbdump dump sqlite:///practice.sqlite -o image --format both --jobs 1

rows() { # TABLE: rows of a table of the database itself
    python3 -c 'import sqlite3, sys; print(*sqlite3.connect("practice.sqlite").execute(sys.argv[1]).fetchone())' \
        "SELECT count(*) FROM $1"
}

test_dump() {
    [ -s image/manifest.json ] || fail "the image has no manifest"
    [ -s image/catalog.sqlite ] || fail "the image has no catalog"
    antares-legacy --quiet dbdump to-netcdf image --mapping practice --only om_rate -o netcdf
    [ -n "$(find netcdf -name '*.nc' -size +1k)" ] || fail "no NetCDF file was made"
    # the drivers of the databases that are reached over a network
    python3 -c 'import oracledb, psycopg; assert psycopg.pq.version() > 150000' || fail "a driver is missing"
}

test_verify() {
    antares-legacy --quiet dbdump verify image --url sqlite:///practice.sqlite || fail "the image is not the database"
    antares-legacy --quiet dbdump verify image --offline || fail "the image is not what its manifest says"
    cp -r image damaged
    part=$(find damaged -name '*.parquet' | sort | head -1)
    [ -n "$part" ] || fail "the image has no Parquet file"
    printf x >>"$part"
    if antares-legacy --quiet dbdump verify damaged --offline >said.txt 2>&1; then fail "verify did not see a damaged file"; fi
}

test_query() {
    said=$(antares-legacy dbdump query image --csv "SELECT count(*) AS n FROM ctd")
    [ "$(printf '%s\n' "$said" | tail -1 | tr -d '\r')" = "$(rows ctd)" ] || fail "query counts other rows: $said"
}

case ${1:-} in
'')
    test_dump
    test_verify
    test_query
    ;;
dump | verify | query) "test_$1" ;;
*) fail "no app $1" ;;
esac
echo "dbdump: ${1:-all} good"
