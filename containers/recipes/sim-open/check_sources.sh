#!/bin/sh
# Ends a build before any work when source files are missing: check_sources.sh 'sources/KEY what it is, who has it'...
set -eu

missing=0
for entry in "$@"; do
    file=${entry%% *}
    if [ ! -s "$file" ]; then
        [ "$missing" -ne 0 ] || echo "These source files are missing; give each with --source KEY=FILE:" >&2
        echo "  --source ${file#sources/}=FILE   ${entry#* }" >&2
        missing=$((missing + 1))
    fi
done
if [ "$missing" -ne 0 ]; then
    echo "Checksums, where they are known, are shown by: antares-legacy containers show NAME" >&2
    exit 1
fi
