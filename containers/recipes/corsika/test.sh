#!/bin/sh
# Simulates one vertical proton of 1 TeV and looks for its end in what CORSIKA writes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "corsika: $1" >&2
    exit 1
}

case ${1:-all} in
all | corsika) ;;
*) fail "no app '$1'" ;;
esac
for table in /opt/corsika/run/*; do
    ln -s "$table" .
done
./corsika </opt/antares-legacy/tests/shower.inp >log.txt || fail "CORSIKA does not run"
grep -q 'END OF RUN' log.txt || { tail -n 20 log.txt >&2; fail "the run did not end"; }
[ -s DAT000001 ] || fail "there is no DAT000001"
echo "corsika: all good"
