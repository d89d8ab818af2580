#!/bin/sh
# Fits the events of the sample with each program; without a sample, every program is only started.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
sample=/opt/antares-legacy/tests/sample.i3

fail() {
    echo "reco: $1" >&2
    exit 1
}

test_program() {
    program=$1
    path=$(command -v "$program") || fail "$program is not on the PATH"
    if ldd "$path" 2>/dev/null | grep 'not found'; then fail "libraries of $program are missing"; fi
    if [ -f "$sample" ]; then
        /opt/seatray/build/env-shell.sh "$program" "$sample" "$program.i3" || fail "$program cannot fit the sample"
        [ -s "$program.i3" ] || fail "$program wrote nothing"
    fi
}

case ${1:-all} in
all)
    for program in aafit bbfit gridfit dusj tantra; do
        test_program "$program"
    done
    ;;
aafit | bbfit | gridfit | dusj | tantra) test_program "$1" ;;
*) fail "no app '$1'" ;;
esac
[ -f "$sample" ] || echo "reco: no sample was given; the fits themselves were not tested"
echo "reco: all good"
