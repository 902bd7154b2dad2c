#!/bin/sh
# The differential test on the engines that are not the interpreter: translator, direct execution, split views. TAP.
set -u
diff=${G_TEST_BUILDDIR:-.}/tests/test-diff
n=0
echo 1..3
for engine in translate direct strict; do
    n=$((n + 1))
    out=$(timeout "${DIFF_SECONDS:-300}" "$diff" --$engine --cases "${DIFF_CASES:-4000}" 2>&1)
    status=$?
    case $out in
    *"# SKIP"*) echo "ok $n - $engine $(echo "$out" | grep -o '# SKIP.*')" ; continue ;;
    esac
    if [ $status = 0 ]; then
        echo "ok $n - $engine"
    else
        echo "not ok $n - $engine: status $status"
        echo "$out" | sed 's/^/# /'
    fi
done
