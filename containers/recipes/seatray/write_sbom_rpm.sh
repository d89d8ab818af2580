#!/bin/sh
# Writes what an image with RPM packages is made of: CycloneDX 1.5 (ECMA-424), a list, and licence texts.
#
#     write_sbom_rpm.sh NAME
#
# The Python of these images is too old for the writer of the recipe `base`.
set -eu

name=$1
programs=/opt/antares-legacy
mkdir -p "$programs/sbom" "$programs/licenses/rpm"

rpm -qa --qf '%{NAME}\t%{VERSION}-%{RELEASE}\n' | LC_ALL=C sort >"$programs/sbom/rpm.txt"
{
    printf '{\n "bomFormat": "CycloneDX",\n "specVersion": "1.5",\n "version": 1,\n'
    printf ' "metadata": {"component": {"type": "container", "bom-ref": "%s", "name": "%s"}},\n' "$name" "$name"
    printf ' "components": ['
    rpm -qa --qf '%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{LICENSE}\n' | LC_ALL=C sort | awk -F '\t' '
        # Programs of awk differ in what backslashes mean in gsub, and no name or licence needs one.
        function safe(text) { gsub(/\\/, "/", text); gsub(/"/, "\\\"", text); return text }
        {
            purl = "pkg:rpm/centos/" $1 "@" $2 "?arch=" $3
            printf "%s\n  {\"type\": \"library\", \"bom-ref\": \"%s\", \"name\": \"%s\", \"version\": \"%s\", ", \
                separator, safe(purl), safe($1), safe($2)
            printf "\"purl\": \"%s\", \"licenses\": [{\"license\": {\"name\": \"%s\"}}]}", safe(purl), safe($4)
            separator = ","
        }'
    printf '\n ]\n}\n'
} >"$programs/sbom/bom.json"

for folder in /usr/share/licenses/* /usr/share/doc/*; do
    [ -d "$folder" ] || continue
    target=$programs/licenses/rpm/$(basename "$folder")
    find "$folder" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'copyright*' \) |
        while IFS= read -r text; do
            mkdir -p "$target"
            cp "$text" "$target/"
        done
done
