#!/bin/sh
# Writes a tree with C++ and reads it with C++, with a macro and with Python; the argument is an app.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
sel-sample sample.root 100

fail() {
    echo "root6: $1" >&2
    exit 1
}

test_sel_sample() {
    [ -s sample.root ] || fail "sel-sample wrote nothing"
    if sel-sample sample.root 2>/dev/null; then fail "sel-sample wrote over a file"; fi
    if sel-sample other.root 0 2>/dev/null; then fail "sel-sample took 0 for a number of events"; fi
}

test_sel_summary() {
    sel-summary sample.root >summary.json
    python3 - <<'PYTHON'
import json

summary = json.load(open("summary.json"))
numbers = range(100)
expected = {
    "MJD": [56000 + n / 1024 for n in numbers],
    "event_id": [n + 1 for n in numbers],
    "aafit_flag": [n % 4 != 3 for n in numbers],
    "aafit_lambda": [-8 + n % 64 / 16 for n in numbers],
    "aafit_cos_zenith": [-1 + n % 128 / 64 for n in numbers],
}
assert summary["events"] == 100, summary["events"]
for name, values in expected.items():
    found = summary["branches"][name]
    assert (found["min"], found["max"], found["sum"]) == (min(values), max(values), sum(values)), (name, found)
PYTHON
    head -c 2000 sample.root >cut.root
    if sel-summary cut.root >/dev/null 2>&1; then fail "sel-summary read a file that was cut off"; fi
}

test_ls() {
    rootls sample.root | grep -qx 'sel *' || fail "rootls does not list the tree"
}

test_root() {
    cat >entries.C <<'MACRO'
int entries() {
    TFile file("sample.root");
    auto* tree = file.Get<TTree>("sel");
    if (!tree || tree->GetEntries("aafit_flag && aafit_lambda > -6") != 25) gSystem->Exit(1);
    std::cout << "passed" << std::endl;
    return 0;
}
MACRO
    root -l -b -q entries.C | grep -qx passed || fail "a macro does not find the events"
    python3 -W ignore - <<'PYTHON'
import ROOT

frame = ROOT.RDataFrame("sel", "sample.root")
assert frame.Filter("aafit_flag").Count().GetValue() == 75
assert frame.Mean("MJD").GetValue() == 56000 + 49.5 / 1024
PYTHON
}

case ${1:-all} in
sel-sample) test_sel_sample ;;
sel-summary) test_sel_summary ;;
ls) test_ls ;;
root) test_root ;;
all)
    test_sel_sample
    test_sel_summary
    test_ls
    test_root
    ;;
*) fail "no app '$1'" ;;
esac
echo "root6: all good"
