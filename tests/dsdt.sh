#!/bin/sh
# src/hw/dsdt.h holds what iasl makes of src/hw/dsdt.asl. With --update make it anew; as a test, see that it's up to date
# (skipped where there is no iasl). The table header isn't compared: it names the compiler's version.
here=$(cd "$(dirname "$0")/.." && pwd)
asl=$here/src/hw/dsdt.asl
header=$here/src/hw/dsdt.h

if ! command -v iasl >/dev/null; then
    echo "1..0 # SKIP no iasl (apt-get install acpica-tools)"
    exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
if ! iasl -p "$tmp/dsdt" "$asl" >"$tmp/log" 2>&1; then
    cat "$tmp/log" >&2
    echo "Bail out! iasl fails on $asl"
    exit 1
fi
bytes() { od -An -v -tx1 "$1" | sed 's/ \([0-9a-f][0-9a-f]\)/ 0x\1,/g; s/^ /    /'; }

if [ "$1" = --update ]; then
    {
        echo "/* Made from dsdt.asl by tests/dsdt.sh --update. Don't edit. */"
        echo "#pragma once"
        echo
        echo "#include <stdint.h>"
        echo
        echo "static const uint8_t dsdt_aml[] = {"
        bytes "$tmp/dsdt.aml"
        echo "};"
    } >"$header"
    exit 0
fi

echo "1..1"
grep -o '0x[0-9a-f][0-9a-f]' "$header" | tail -n +37 >"$tmp/have"
bytes "$tmp/dsdt.aml" | grep -o '0x[0-9a-f][0-9a-f]' | tail -n +37 >"$tmp/want"
if cmp -s "$tmp/have" "$tmp/want"; then
    echo "ok 1 - dsdt.h is what iasl makes of dsdt.asl"
else
    echo "not ok 1 - dsdt.h is what iasl makes of dsdt.asl"
    echo "# run tests/dsdt.sh --update"
fi
