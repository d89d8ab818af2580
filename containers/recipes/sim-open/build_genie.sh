#!/bin/sh
# Builds Pythia 6, ROOT with Pythia 6, LHAPDF and GENIE into /opt/genie: build_genie.sh FOLDER
# Hours on two cores; nearly all of it is ROOT.
set -eu

sources=$1
prefix=/opt/genie
jobs=$(nproc)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$prefix/lib" "$prefix/generator"

unpack() { # KEY
    mkdir "$work/$1"
    tar -xf "$sources/$1" -C "$work/$1" --strip-components=1 --no-same-owner
    sha256sum "$sources/$1" | sed "s|  .*|  $1|" >>/opt/antares-legacy/sbom/sources.txt
    mkdir -p "/opt/antares-legacy/licenses/sources/$1"
    find "$work/$1" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'copyright*' \) \
        -exec cp {} "/opt/antares-legacy/licenses/sources/$1" \;
}

unpack pythia6
cmake -S "$work/pythia6" -B "$work/pythia6-made" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib
cmake --build "$work/pythia6-made" -- -j "$jobs"
cmake --install "$work/pythia6-made"
# ROOT and GENIE look for the name with a capital.
if [ ! -e "$prefix/lib/libPythia6.so" ]; then
    ln -s libpythia6.so "$prefix/lib/libPythia6.so"
fi

unpack root_source
cmake -S "$work/root_source" -B "$work/root-made" -DCMAKE_INSTALL_PREFIX="$prefix/root" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_STANDARD=17 -Dpythia6=ON -DPYTHIA6_DIR="$prefix" -Dmathmore=ON -Dgdml=ON -Dfail-on-missing=ON \
    -Dminimal=ON -Dx11=OFF
cmake --build "$work/root-made" -- -j "$jobs"
cmake --install "$work/root-made"
rm -rf "$work/root-made"

unpack lhapdf
(
    cd "$work/lhapdf"
    ./configure --prefix="$prefix" --disable-python
    make -j "$jobs"
    make install
)

# GENIE is used where it is built: it reads its tables below $GENIE.
tar -xf "$sources/genie" -C "$prefix/generator" --strip-components=1 --no-same-owner
sha256sum "$sources/genie" | sed 's|  .*|  genie|' >>/opt/antares-legacy/sbom/sources.txt
mkdir -p /opt/antares-legacy/licenses/sources/genie
find "$prefix/generator" -maxdepth 1 -type f -iname 'licen[cs]e*' -exec cp {} /opt/antares-legacy/licenses/sources/genie \;
export GENIE="$prefix/generator" ROOTSYS="$prefix/root"
export PATH="$ROOTSYS/bin:$GENIE/bin:$prefix/bin:$PATH"
export LD_LIBRARY_PATH="$ROOTSYS/lib:$GENIE/lib:$prefix/lib"
cd "$GENIE"
./configure --disable-lhapdf5 --enable-lhapdf6 --enable-atmo \
    --with-lhapdf6-inc="$prefix/include" --with-lhapdf6-lib="$prefix/lib" \
    --with-pythia6-lib="$prefix/lib" \
    --with-libxml2-inc=/usr/include/libxml2 --with-libxml2-lib=/usr/lib/x86_64-linux-gnu \
    --with-log4cpp-inc=/usr/include --with-log4cpp-lib=/usr/lib/x86_64-linux-gnu
make -j "$jobs"
[ -x "$GENIE/bin/gevgen" ] || { echo "GENIE was built, but there is no gevgen" >&2; exit 1; }
