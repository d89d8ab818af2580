#!/bin/sh
# Makes a few events with MUPAGE, and starts the other programs; what is not in the image must say so.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "sim-open: $1" >&2
    exit 1
}

test_mupage() {
    if [ ! -x /opt/mupage/mupage.exe ]; then
        echo "sim-open: MUPAGE is not in this image"
        return 0
    fi
    /opt/mupage/mupage.exe -i 1 -n 50 -s 7 -p /opt/antares-legacy/tests/mupage_test.dat -o out.txt livetime.info
    # Columns of a muon: event, multiplicity, number, x y z [m], direction, energy [GeV], time [ns], particle.
    # Single muons come with the sign of dz turned; that of bundles points down.
    awk 'NR == 1 && !/Run Number: *1$/ { exit 1 }
         NR > 2 && (NF != 12 || $1 < 1 || $1 > 50 || $2 > 20 || $10 < 1 || $12 != 6) { exit 1 }
         NR > 2 { length2 = $7 * $7 + $8 * $8 + $9 * $9; if (length2 < 0.999 || length2 > 1.001) exit 1 }
         END { if (NR < 40) exit 1 }' out.txt || fail "MUPAGE wrote no table of muons"
    grep -q 'Generated events: 50' livetime.info || fail "MUPAGE wrote no livetime"
}

test_program() { # PROGRAM NAME
    if [ ! -x "$1" ]; then
        echo "sim-open: $2 is not in this image"
        return 0
    fi
    LD_LIBRARY_PATH=/opt/genie/root/lib:/opt/genie/generator/lib:/opt/genie/lib ldd "$1" >libraries
    if grep 'not found' libraries; then fail "libraries of $2 are missing"; fi
}

case ${1:-all} in
mupage) test_mupage ;;
gevgen) test_program /opt/genie/generator/bin/gevgen GENIE ;;
gseagen) test_program /opt/genie/bin/gSeaGen gSeaGen ;;
all)
    [ -x /opt/mupage/mupage.exe ] || [ -x /opt/genie/generator/bin/gevgen ] || fail "no generator is in this image"
    test_mupage
    test_program /opt/genie/generator/bin/gevgen GENIE
    test_program /opt/genie/bin/gSeaGen gSeaGen
    ;;
*) fail "no app '$1'" ;;
esac
echo "sim-open: all good"
