#!/bin/sh
# Builds a program from a tarball that somebody supplied.
#
#     build_program.sh TARBALL PREFIX PROGRAM...
#
# A script build.sh in the tarball, called with PREFIX, comes first; without one, the usual ways are tried: cmake,
# configure, make. Afterwards every PROGRAM must be in PREFIX/bin. Licence texts go to /opt/antares-legacy/licenses.
set -eu

tarball=$1
prefix=$2
shift 2
key=$(basename "$tarball")
jobs=$(nproc)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() {
    echo "build_program.sh: $key: $1" >&2
}

tar -xf "$tarball" -C "$work" --no-same-owner || { say "is no tarball that tar can read"; exit 1; }
cd "$work"
# Most tarballs hold one folder, some hold the files themselves.
if [ "$(ls -A | wc -l)" -eq 1 ] && [ -d "$(ls -A)" ]; then
    cd "$(ls -A)"
fi
mkdir -p "$prefix/bin"

if [ -f build.sh ]; then
    /bin/sh ./build.sh "$prefix"
elif [ -f CMakeLists.txt ]; then
    mkdir build-here
    (
        cd build-here
        cmake -DCMAKE_INSTALL_PREFIX="$prefix" ..
        make -j "$jobs"
        make install
    )
elif [ -f configure ]; then
    /bin/sh ./configure --prefix="$prefix"
    make -j "$jobs"
    make install
elif [ -f Makefile ] || [ -f GNUmakefile ]; then
    # Old makefiles seldom say in which order their parts must be made.
    make
    make install PREFIX="$prefix" prefix="$prefix" || say "make install failed; looking for the programs"
else
    say "has no build.sh, CMakeLists.txt, configure or Makefile; add a build.sh that takes the folder to install to"
    exit 1
fi

for program in "$@"; do
    if [ ! -x "$prefix/bin/$program" ]; then
        found=$(find . -type f -name "$program" -perm -u+x | head -n 1)
        if [ -z "$found" ]; then
            say "was built, but there is no program '$program'; add a build.sh that puts it into PREFIX/bin. There are:"
            find "$prefix/bin" . -type f -perm -u+x ! -name '*.sh' | head -n 20 >&2
            exit 1
        fi
        cp "$found" "$prefix/bin/$program"
    fi
done

licences=/opt/antares-legacy/licenses/sources/$key
mkdir -p "$licences"
find . -maxdepth 2 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'copyright*' \) -exec cp {} "$licences" \;
sha256sum "$tarball" | sed "s|  .*|  $key|" >>/opt/antares-legacy/sbom/sources.txt
