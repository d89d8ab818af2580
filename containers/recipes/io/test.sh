#!/bin/sh
# Reads a file of each kind that this image is for; the argument is an app, without it all is tested.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 /opt/antares-legacy/tests/samples.py . evt dst list
# A product to look at; making products for use is what the image `convert` is for.
antares-legacy --quiet convert genhen.evt -o level3

check() { # TEXT COMMAND...: the command succeeds and says the text
    text=$1
    shift
    said=$("$@") || { echo "io: $* failed" >&2; exit 1; }
    case $said in
    *"$text"*) ;;
    *) printf 'io: %s does not say "%s", but:\n%s\n' "$*" "$text" "$said" >&2; exit 1 ;;
    esac
}

test_inspect() {
    for file in genhen.evt dst.root list.txt; do
        check '"events": 3' antares-legacy inspect "$file" --json
    done
    check '45678' antares-legacy inspect genhen.evt
}

test_show() {
    check '/mc_tracks' antares-legacy show level3/genhen.l3.h5
    check '10000' antares-legacy show level3/genhen.l3.h5 --head 3
}

test_validate() {
    check '"valid": true' antares-legacy validate level3/genhen.l3.h5 --source genhen.evt --json
    # a value that is not that of the source is found
    cp level3/genhen.l3.h5 changed.l3.h5
    python3 -c '
import h5py
with h5py.File("changed.l3.h5", "r+") as file:
    rows = file["events"][:]
    rows["mc_energy"][1] *= 1.25
    file["events"][:] = rows
'
    if antares-legacy validate changed.l3.h5 --source genhen.evt >said.txt 2>&1; then
        echo "io: validate did not see a changed energy" >&2
        exit 1
    fi
    check mc_energy cat said.txt
}

case ${1:-} in
'')
    test_inspect
    test_show
    test_validate
    ;;
inspect | show | validate) "test_$1" ;;
*) echo "io: no app $1" >&2; exit 2 ;;
esac
echo "io: ${1:-all} good"
