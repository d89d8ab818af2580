#!/bin/sh
# Converts, checks and draws a file of each kind; the argument is an app, without it all is tested.
set -eu

fail() {
    echo "convert: $1" >&2
    exit 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 /opt/antares-legacy/tests/samples.py in evt dst list
antares-legacy --quiet convert in -o level3

check() { # TEXT COMMAND...: the command succeeds and says the text
    text=$1
    shift
    said=$("$@") || fail "$* failed"
    case $said in
    *"$text"*) ;;
    *) fail "$* does not say '$text', but: $said" ;;
    esac
}

test_inspect() {
    for file in in/genhen.evt in/dst.root in/list.txt; do
        check '"events": 3' antares-legacy inspect "$file" --json
    done
}

test_convert() {
    python3 - <<'PYTHON' || fail "the products do not have the values of their sources"
import json

import h5py
import numpy as np

with h5py.File("level3/genhen.l3.h5") as file:
    assert file["events"]["mc_energy"].tolist() == [100.0, 1000.0, 10000.0]
    # the direction (0.6, 0, 0.8) flies up, so the particle came from below
    np.testing.assert_allclose(file["events"]["mc_zenith"], np.pi - np.arccos(0.8), rtol=1e-12)
    assert file["mc_tracks"].shape == (6,)
with h5py.File("level3/dst.l3.h5") as file:
    np.testing.assert_allclose(file["events"]["quality"], [-5.0, -5.1, -5.2], rtol=1e-12)
with h5py.File("level3/list.l3.h5") as file:
    np.testing.assert_allclose(sorted(file["events"]["ra"]), [0.0, 10.0, 20.0], atol=1e-9)
entries = [json.loads(line) for line in open("level3/manifest.jsonl")]
assert len(entries) == 3, entries
PYTHON
    antares-legacy --quiet convert in/list.txt -o csv --to csv
    [ "$(wc -l <"$(find csv -name '*.csv' | head -1)")" -gt 3 ] || fail "the CSV file has too few lines"
}

test_validate() {
    for file in genhen.evt dst.root list.txt; do
        check '"valid": true' antares-legacy validate "level3/${file%.*}.l3.h5" --source "in/$file" --json
    done
}

test_show() {
    check '10000' antares-legacy show level3/genhen.l3.h5 --head 3
}

test_plot() {
    antares-legacy --quiet plot level3/list.l3.h5 -o picture.png
    python3 - <<'PYTHON' || fail "plot drew no picture"
from pathlib import Path

picture = Path("picture.png").read_bytes()
assert picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) > 20_000, len(picture)
PYTHON
}

case ${1:-} in
'')
    test_inspect
    test_convert
    test_validate
    test_show
    test_plot
    ;;
inspect | convert | validate | show | plot) "test_$1" ;;
*) fail "no app $1" ;;
esac
echo "convert: ${1:-all} good"
