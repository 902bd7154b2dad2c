#!/bin/sh
# The differential test on the engines that are not the interpreter: translator, direct execution, split views. TAP.
set -u
diff=${G_TEST_BUILDDIR:-.}/tests/test-diff
n=0
echo 1..5
for engine in translate direct strict 'direct --batch' 'strict --batch'; do
    n=$((n + 1))
    case $engine in *batch) cases=12000 ;; *) cases=3000 ;; esac
    # shellcheck disable=SC2086
    out=$(timeout "${DIFF_SECONDS:-300}" "$diff" --$engine --cases "${DIFF_CASES:-$cases}" 2>&1)
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
