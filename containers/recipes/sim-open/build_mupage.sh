#!/bin/sh
# Builds MUPAGE from its tarball into /opt/mupage: build_mupage.sh TARBALL
set -eu

tarball=$1
mkdir /opt/mupage
tar -xf "$tarball" -C /opt/mupage --strip-components=1 --no-same-owner
cd /opt/mupage
# The makefile asks for the C shell, of which it uses nothing. The code is of 2009: compilers of that time found
# the C library's functions without their headers.
make SHELL=/bin/sh ROOTSYS=/opt/antares-legacy/root "C++OPT=-O2 -include cstdlib -include cstring -include ctime"
[ -x mupage.exe ] || { echo "MUPAGE was built, but there is no mupage.exe" >&2; exit 1; }
rm -rf Linux

licences=/opt/antares-legacy/licenses/sources/mupage
mkdir -p "$licences"
find . -maxdepth 1 -type f -iname 'licen[cs]e*' -exec cp {} "$licences" \;
sha256sum "$tarball" | sed 's|  .*|  mupage|' >>/opt/antares-legacy/sbom/sources.txt
