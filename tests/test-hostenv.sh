#!/bin/bash
# Narrow hosts (tests/hostenv.c): an ordinary user under Yama and a high vm.mmap_min_addr, containers with a seccomp profile,
# hosts that forbid what direct execution needs. The demo disk runs its n-body in each, directly where the host allows it, else
# translated, which is then told in one line; no process is left. TAP on stdout.
set -u
srcdir=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
builddir=${G_TEST_BUILDDIR:-$srcdir/build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# where another user can run them
cp "$builddir/src/x86vm" "$builddir/tests/hostenv" "$work/" || exit 1
cp "$builddir/demo/demo.img" "$work/demo.img" || exit 1
chmod 755 "$work/x86vm" "$work/hostenv"
chmod 644 "$work/demo.img"
vm=$work/x86vm he=$work/hostenv
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" # a sanitizer build's search for leaks needs ptrace itself
count=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
limits="vm/max_map_count vm/mmap_min_addr kernel/yama/ptrace_scope user/max_user_namespaces"
# shellcheck disable=SC2086
echo "# this host: $(cd /proc/sys && grep -H . $limits 2>/dev/null | tr '\n' ' ')"

# The rows of where the time went make up its whole.
accounted()
{
    awk '/^where the time went, of /{whole = $6 + 0; next} /^\(idle, native/{done = 1} whole && !done{sum += $1}
        END{if (!done || whole <= 0 || sum < whole * 0.98 - 0.01 || sum > whole * 1.02 + 0.01)
            {printf "# %.3f s of %.3f accounted for\n", sum, whole; exit 1}}' "$work/err"
}

# environment NAME WANTED OPTION...: WANTED is native, or what the line must say of why not
environment()
{
    local name=$1 want=$2 status bad=0 lines
    shift 2
    printf 'nbody\npoweroff\n' | timeout 200 "$he" "$@" -- "$vm" -accel direct=on,stats=on -display none -serial stdio \
        -drive "file=$work/demo.img,format=raw,snapshot=on" >"$work/out" 2>"$work/err"
    status=$?
    if [ $status = 77 ]; then
        skip "$name" "$(head -1 "$work/err")"
        return
    fi
    [ $status = 0 ] || { bad=1; echo "# status $status"; }
    grep -q 'energy -1051351 before, -1051149 after 20000 steps' "$work/out" || { bad=1; echo "# no result of nbody"; }
    accounted || bad=1
    if [ "$want" = native ]; then
        grep -q '^direct execution: native' "$work/err" || { bad=1; echo "# not native"; }
        grep -q ' [1-9][0-9]* sandboxes born' "$work/err" || { bad=1; echo "# no sandbox"; }
    else
        lines=$(grep -c '^x86vm: ' "$work/err")
        [ "$lines" = 1 ] || { bad=1; echo "# $lines lines of x86vm's, expected one"; }
        grep -q "^x86vm: direct execution: off: .*$want.*translated" "$work/err" || { bad=1; echo "# it does not say why: $want"; }
    fi
    [ $bad = 0 ] || sed 's/^/# /' "$work/err" | head -20
    result $bad "$name"
}

# What this host allows when nothing is taken away.
facts=$(timeout 100 "$vm" -accel help 2>/dev/null | grep -a '^direct execution')
native=native
case $facts in *native*) ;; *) native= ;; esac
user=
[ "$(id -u)" = 0 ] && user=user=65534

if [ -z "$native" ]; then
    skip "direct execution in narrow hosts" "${facts:-not built in}"
else
    environment "an ordinary user" native $user
    environment "an ordinary user, Yama, no mappings below 64 KiB" native $user yama low=65536
    environment "a container: namespaces and Docker's system calls" native $user namespaces docker
    environment "a container, Yama, no mappings below 64 KiB" native $user namespaces docker yama low=65536
    [ -z "$user" ] || environment "a container, of root" native namespaces docker yama
    environment "no pidfd_open" native $user no-pidfd_open
    environment "no ptrace" "ptrace is not allowed" $user no-ptrace
    environment "a container without ptrace" "ptrace is not allowed" $user namespaces docker no-ptrace
    environment "no seccomp" seccomp $user no-seccomp
    environment "no execveat" "starting the process" $user no-execveat
    environment "no modify_ldt" modify_ldt $user no-modify_ldt
fi
echo "1..$count"
