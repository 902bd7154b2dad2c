#!/bin/sh
# The one-way order of the layers: each folder of src/ may include only what stands below it. TAP.
set -u
src=${G_TEST_SRCDIR:-$(dirname "$0")/..}/src
base='vcpu.h stretch.h debughooks.h irqline.h clock.h chardev.h dice.h config.h'

# debug/ looks inside the whole machine, so it stands on top of everything but vm.c; the CPU and the memory it looks at
# know only debughooks.h.
# folder: what it may include (folders end in /, files are named)
order="
softmmu: softmmu/
frontend: softmmu/ frontend/
cpu: softmmu/ frontend/ cpu/
tcache: softmmu/ frontend/ cpu/ tcache/
decision: softmmu/ frontend/ cpu/ tcache/ decision/
block: block/
net: net/
hw: softmmu/ block/ net/ hw/
ui: hw/display.h hw/input.h ui/
cmdline: cmdline/ cpu/cpu.h debug/trace.h decision/probe.h vmconfig.h
debug: softmmu/ frontend/ cpu/ tcache/ decision/ block/ hw/ ui/ debug/ vcputhread.h vmconfig.h timespent.h
"
n=0
plan=$(printf '%s' "$order" | grep -c :)
echo "1..$plan"
printf '%s' "$order" | { while IFS=: read -r folder allowed; do
    [ -n "$folder" ] || continue
    n=$((n + 1))
    bad=$(grep -rnoE '^#include "[^"]+"' "$src/$folder" 2>/dev/null | while IFS= read -r line; do
        inc=${line#*\"}; inc=${inc%\"}
        ok=no
        for a in $base $allowed; do
            case $a in
            */) case $inc in "$a"*) ok=yes ;; esac ;;
            *) [ "$inc" = "$a" ] && ok=yes ;;
            esac
        done
        [ $ok = yes ] || echo "# ${line%%:*}: $inc"
    done)
    if [ -z "$bad" ]; then echo "ok $n - $folder includes only what stands below it"
    else echo "not ok $n - $folder includes only what stands below it"; echo "$bad"; fi
done; }
