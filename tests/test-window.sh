#!/bin/sh
# The SDL window, in an X server without a screen. TAP.
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3 here: apt-get install python3"; exit 0; }
exec timeout 600 python3 "${G_TEST_SRCDIR:-$(dirname "$0")/..}/tests/window.py" "${G_TEST_BUILDDIR:-.}"
