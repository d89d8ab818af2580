#!/bin/sh
# Builds CERNLIB into /opt/cernlib, and runs its own tests: build_cernlib.sh TARBALL
# The way is that of its documentation (cmake); the libraries that it needs are named there.
set -eu

tarball=$1
prefix=/opt/cernlib
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
tar -xf "$tarball" -C "$work/source" --strip-components=1 --no-same-owner
cmake -S "$work/source" -B "$work/made" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib
cmake --build "$work/made" -- -j "$(nproc)"
cmake --install "$work/made"
(cd "$work/made" && ctest --output-on-failure)

licences=/opt/antares-legacy/licenses/sources/cernlib
mkdir -p "$licences"
find "$work/source" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' \) -exec cp {} "$licences" \;
sha256sum "$tarball" | sed 's|  .*|  cernlib|' >>/opt/antares-legacy/sbom/sources.txt
