#!/bin/sh
# Loads every library and starts every program; no file of ANTARES is public that it could read.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "seatray: $1" >&2
    exit 1
}

test_root5() {
    cat >libraries.C <<'MACRO'
{
    TString pattern = gSystem->Getenv("ANTDSTROOT");
    void* folder = gSystem->OpenDirectory(pattern + "/lib");
    int loaded = 0;
    while (const char* name = gSystem->GetDirEntry(folder)) {
        if (TString(name).EndsWith(".so") && gSystem->Load(pattern + "/lib/" + name) >= 0) ++loaded;
    }
    if (loaded > 0 && TString(gROOT->GetVersion()) == "5.34/25") std::cout << "passed" << std::endl;
}
MACRO
    root -l -b -q libraries.C | grep -qx passed || fail "ROOT 5.34/25 does not load the AntDST library"
}

test_antdst_extract() {
    ldd "$(command -v ExtractAntDSTInfo)" >libraries || fail "ExtractAntDSTInfo is no program"
    if grep 'not found' libraries; then fail "libraries of ExtractAntDSTInfo are missing"; fi
}

test_icetray() {
    /opt/seatray/build/env-shell.sh python -c 'from icecube import icetray; print(icetray.I3Frame())' ||
        fail "Python does not load SeaTray"
}

case ${1:-all} in
root5) test_root5 ;;
antdst-extract) test_antdst_extract ;;
icetray) test_icetray ;;
all)
    test_root5
    test_antdst_extract
    test_icetray
    ;;
*) fail "no app '$1'" ;;
esac
echo "seatray: all good"
