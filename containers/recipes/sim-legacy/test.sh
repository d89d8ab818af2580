#!/bin/sh
# Compiles a Fortran program against CERNLIB and runs it, and checks that every program can be loaded.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "sim-legacy: $1" >&2
    exit 1
}

test_program() {
    path=$(command -v "$1") || fail "$1 is not on the PATH"
    # A script has no libraries of its own.
    if ldd "$path" 2>/dev/null | grep 'not found'; then fail "libraries of $1 are missing"; fi
}

test_cernlib() {
    # Gauss' integral by MATHLIB (D103): of exp(-x*x) from 0 to 1, which is 0.746824...
    cat >integral.f <<'FORTRAN'
      PROGRAM INTEGRAL
      DOUBLE PRECISION DGAUSS, F, FOUND
      EXTERNAL F
      FOUND = DGAUSS(F, 0D0, 1D0, 1D-10)
      IF (ABS(FOUND - 0.746824132812427D0) .GT. 1D-9) STOP 1
      END
      DOUBLE PRECISION FUNCTION F(X)
      DOUBLE PRECISION X
      F = EXP(-X * X)
      END
FORTRAN
    gfortran -std=legacy integral.f -L/opt/cernlib/lib -lmathlib -lkernlib -lpacklib -o integral ||
        fail "a Fortran program cannot be linked with CERNLIB"
    ./integral || fail "CERNLIB integrates wrongly"
}

case ${1:-all} in
all)
    test_cernlib
    for program in genhen km3 geasim triggerefficiency; do
        test_program "$program"
    done
    ;;
genhen | km3 | geasim | triggerefficiency) test_program "$1" ;;
*) fail "no app '$1'" ;;
esac
echo "sim-legacy: all good"
