#!/bin/sh
# Every monitor command answers; QMP speaks with a client of its public protocol; traces. TAP.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3 here: apt-get install python3"; exit 0; }
exec python3 "${G_TEST_SRCDIR:-$(dirname "$0")/..}/tests/monitor.py" "${G_TEST_BUILDDIR:-.}"
