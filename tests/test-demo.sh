#!/bin/bash
# The demo disk (demo/): boots it, runs every command over the serial line and compares the transcript with
# tests/demo.expected: on both engines, by shadow windows, in the sandbox, with SeaBIOS, and on QEMU where there is one. TAP on stdout.
#
# What differs from run to run (cycles, times, addresses, how much memory a BIOS leaves) is blotted out by normal().
# After a change of the demo, DEMO_TRANSCRIPT=FILE keeps the first transcript, ready to be the expected one.
set -u
srcdir=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
builddir=${G_TEST_BUILDDIR:-$srcdir/build}
vm=$builddir/src/x86vm talk=$builddir/tests/guests/talk
seabios=${SEABIOS:-/usr/share/seabios/bios-256k.bin}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$builddir/demo/demo.img" "$work/demo.img" || exit 1
disk="-drive file=$work/demo.img,format=raw"
count=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }

# script COMMAND...: for talk; a command that begins with ^ is left by Ctrl-C when it says what it exercises
script()
{
    local c
    echo 'expect demo> '
    for c; do
        case $c in
        ^*) printf 'send %s\\r\nexpect exercises\nsend \\003\nexpect demo> \n' "${c#^}" ;;
        *) printf 'send %s\\r\nexpect demo> \n' "$c" ;;
        esac
    done
}

normal() # a log: from the system's first line on, without what may differ
{
    tr -d '\r' <"$1" | sed -E '1,/^Type help/d
        s/[0-9]+( million)? cycles/#\1 cycles/g
        s/, [0-9]+ when it is there/, # when it is there/
        s/at 001b:0040[0-9a-f]{4}/at 001b:0040####/
        s/writing bff[0-9a-f]{5}/writing bff#####/
        s/writing 0040[0-9a-f]{4}/writing 0040####/
        s/^( +[0-9]+ [a-z0-9.]+)$/#&/; s/^# +[0-9]+/     #/
        s/^( +[0-9]+ +[0-9]+ [a-z]+ +(0|3|V8086)) +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ /\1 # # # # /
        /^(frames|pages brought|interrupts|switches|system calls) /s/[0-9]+/#/g
        s/^[0-9]+ ms$/# ms/
        s/; [0-9]+ switches/; # switches/
        s/ms: [0-9]+ of [0-9]+ ticks/ms: # of # ticks/
        s/(INT 12h.*: )6[0-9]+$/\16##/
        s/(INT 1Ah.*: )[0-9]+:[0-9]+$/\1##:##/'
}

show() { sed 's/^/# /' "$1"; }

everything=(help "help jit" ls "cat welcome.txt" "cat nothing" ps mem uptime sieve sort nbody mandel race fork
    pagefaults syscalls selfmod jit fault "fault stack" "fault nothing" v86 hlt "run sieve"
    "spin &" hlt ps "kill 33" "kill 1" hlt ps ^spin nonsense "")

# session NAME MACHINE OPTIONS...: the whole tour on that machine
session()
{
    local name=$1 status
    shift
    { script "${everything[@]}"; printf 'send poweroff\\r\nend\n'; } |
        timeout 900 "$talk" "$work/log" 180 "$@" -nographic -m 64 $disk >"$work/told" 2>&1
    status=$?
    normal "$work/log" >"$work/transcript"
    [ -z "${DEMO_TRANSCRIPT-}" ] || { cp "$work/transcript" "$DEMO_TRANSCRIPT"; DEMO_TRANSCRIPT=; }
    diff "$srcdir/tests/demo.expected" "$work/transcript" >"$work/diff"
    local same=$?
    [ $status = 0 ] || { echo "# status $status"; show "$work/told"; }
    [ $same = 0 ] || show "$work/diff"
    result $((status | same)) "$name"
}

session "interpreter" "$vm" -accel interp
session "translator" "$vm" -accel translate
session "shadow windows for all code" "$vm" -accel translate,direct=off,window=on
session "the same with little room" "$vm" -accel translate,direct=off,window=on,window-budget=200
if "$vm" -accel direct=on -version >"$work/told" 2>&1 && ! grep -q 'direct' "$work/told"; then
    session "direct execution" "$vm" -accel direct=on
else
    skip "direct execution" "this x86vm or host has none"
fi
if [ -e "$seabios" ]; then
    session "SeaBIOS" "$vm" -bios "$seabios"
else
    skip "SeaBIOS" "no $seabios: apt-get install seabios"
fi
if command -v qemu-system-i386 >/dev/null; then
    session "QEMU" qemu-system-i386 -accel tcg -net none
else
    skip "QEMU" "no qemu-system-i386: apt-get install qemu-system-x86"
fi

{ script reboot; printf 'send poweroff\\r\nend\n'; } |
    timeout 300 "$talk" "$work/log" 120 "$vm" -nographic $disk >"$work/told" 2>&1
status=$?
[ $status = 0 ] || { show "$work/told"; show "$work/log"; }
result $status "it boots again after reboot"

{ script; printf 'send triple\\r\nend\n'; } | timeout 300 "$talk" "$work/log" 120 \
    "$vm" -no-reboot -nographic -symbols "$builddir/demo/kernel.elf" $disk >"$work/told" 2>&1
status=$? bad=0
[ $status = 1 ] || { bad=1; echo "# status $status, expected 1"; }
for p in 'triple fault' '#UD' 'sys_machine' 'Usual cause: the IDT limit is 0'; do
    grep -q -- "$p" "$work/log" || { bad=1; echo "# no: $p"; }
done
[ $bad = 0 ] || { show "$work/told"; show "$work/log"; }
result $bad "a triple fault is explained"

# Commands from a file, sent ahead of their turn.
printf 'ls\nhlt\ncat kernel.txt\npoweroff\n' | timeout 300 "$vm" -display none -serial stdio $disk >"$work/log" 2>&1
status=$?
[ $status = 0 ] && [ "$(grep -c '^demo> [a-z]' "$work/log")" = 4 ] && grep -q 'demo> ls' "$work/log"
status=$?
[ $status = 0 ] || show "$work/log"
result $status "a script on standard input"

# What computes is taken up for direct execution, and -d policy says so.
printf 'spin &\nsort\nmandel\nsort\nsieve\nsort\npoweroff\n' | timeout 120 "$vm" -display none -serial stdio -d policy -D "$work/policy" $disk >"$work/log" 2>&1
if grep -q '^x86vm:' "$work/log"; then
    skip "-d policy" "$(grep -m 1 '^x86vm:' "$work/log")"
else
    grep -q '^policy: CR3 [0-9a-f]* promoted$' "$work/policy"
    status=$?
    [ $status = 0 ] || { show "$work/policy"; show "$work/log"; }
    result $status "-d policy"
fi

# The keyboard: keys are pressed by the monitor, COM1 shows the same as the screen.
await() # PATTERN: on COM1, two minutes at most
{
    for _ in {1..1200}; do
        grep -q "$1" "$work/serial" 2>/dev/null && return
        sleep 0.1
    done
}
{
    await 'demo> '
    for key in e c h o ret shift-l s backspace ret l s ret p o w e r o f f ret; do
        echo "sendkey $key"
        sleep 0.1
    done
    await ACPI
} | timeout 300 "$vm" -display none -monitor stdio -serial file:"$work/serial" $disk >"$work/told" 2>&1
status=$?
said=0
for p in 'echo: no such command' 'L: no such command' 'welcome.txt'; do
    grep -q "$p" "$work/serial" || said=1
done
[ $((status | said)) = 0 ] || { echo "# status $status"; show "$work/serial"; show "$work/told"; }
result $((status | said)) "keys typed on the keyboard"

echo "1..$count"
