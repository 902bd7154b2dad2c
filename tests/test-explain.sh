#!/bin/bash
# tests/guests/dying.S: every way to die, and what x86vm says of it. TAP.
set -u
srcdir=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
builddir=${G_TEST_BUILDDIR:-$srcdir/build}
work=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
count=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi; }

run() # case options...: output in $work/log
{
    local n=$1
    shift
    timeout 300 "$builddir/src/x86vm" -display none -serial null -m 16 -snapshot -device isa-debug-exit,iobase=0x501,iosize=1 \
        -symbols "$builddir/tests/guests/dying-$n.elf" -hda "$builddir/tests/guests/dying-$n.img" "$@" >"$work/log" 2>&1 </dev/null
}

stays() # case patterns...: runs it until all that is said, then a second more; status 0: it is still there
{
    local n=$1 p status
    shift
    "$builddir/src/x86vm" -display none -serial null -m 16 -snapshot -symbols "$builddir/tests/guests/dying-$n.elf" \
        -hda "$builddir/tests/guests/dying-$n.img" "${options[@]}" >"$work/log" 2>&1 </dev/null &
    pid=$!
    for p; do
        for _ in $(seq 1200); do grep -qE -- "$p" "$work/log" && break; sleep 0.1; done
    done
    sleep 1
    kill -0 $pid 2>/dev/null
    status=$?
    { kill -9 $pid; wait $pid; } 2>/dev/null
    pid=
    return $status
}

check() # name wanted-status status patterns...
{
    local name=$1 want=$2 status=$3 bad=0
    shift 3
    [ "$want" = any ] || [ "$status" = "$want" ] || { bad=1; echo "# status $status, expected $want"; }
    for p in "$@"; do
        grep -qE -- "$p" "$work/log" || { bad=1; echo "# no: $p"; }
    done
    [ $bad = 0 ] || sed 's/^/# /' "$work/log"
    result $bad "$name"
}

dies() # case name patterns...
{
    local n=$1 name=$2
    shift 2
    run "$n" -no-reboot
    check "$n: $name" 1 $? "triple fault" "$@"
}

dies 1 "no IDT" '1\. #UD invalid opcode at 0008:[0-9a-f]* <death>' '0f 0b' 'ud2' 'Usual cause: the IDT limit is 0'
dies 2 "real-mode IDT" '1\. INT 0x03' 'Usual cause: no IDT was loaded since real mode'
dies 3 "no #GP handler" 'selector 0200 \(entry 64 of the GDT\)' 'mov ds, ' 'which has only 6' 'both together are a double fault' \
    'Usual cause: a selector beyond the end of the GDT' 'because: the IDT has no handler'
dies 4 "another GDT" 'a data|data, present' 'Usual cause: the IDT entry.s selector is not the kernel.s code segment'
dies 5 "no stack" 'supervisor write to 0x007ffffc, page not present' 'PDE +1 at 00001004 = 00000000: not present' \
    'Usual cause: ESP does not point to a stack'
dies 6 "stack overflow" 'PTE +6 at 00002018' 'Usual cause: stack overflow'
dies 7 "wrong CR3" 'CR3=00005000' 'Usual cause: EIP itself is not mapped'
dies 8 "CR3 outside memory" 'there is no memory at that address' 'Usual cause: CR3 points outside memory'
dies 9 "no TSS" 'TR=0000' 'Usual cause: no TSS: LTR'
dies 10 "ESP0 is 0" 'SS0=0010 ESP0=00000000' 'Usual cause: ESP0 in the TSS is 0'
dies 11 "SS0 is 0" 'SS0=0000 ESP0=00007000' 'Usual cause: SS0 in the TSS is 0'
dies 12 "IRET with an error code on the stack" 'iret' 'its frame at .*: EIP=00001234 CS=7c' 'Usual cause: the frame on the stack is not an IRET frame'
dies 13 "gates of a wrong type" 'is no gate' 'Usual cause: the IDT entry.s type is wrong'
dies 14 "gates not present" 'Usual cause: the IDT entry.s present bit is clear'
dies 15 "null pointer" 'access to 0x00000008' 'ebx = 00000000' 'memory at ds:00000008' 'Usual cause: a null pointer' 'because: the IDT has no handler'
dies 16 "paging on, kernel not mapped" 'Usual cause: EIP itself is not mapped: paging was turned on'
dies 17 "page table freed" 'Usual cause: the page table holds one repeated value: it was freed'
dies 18 "IDT not mapped" 'entry 6 is not mapped' 'Usual cause: the IDT is not mapped'
dies 19 "page fault handler not mapped" 'again and again' 'Usual cause: the exception handler itself is not mapped'
dies 20 "read-only page" 'ecx = 00000077' 'ebx = 00009010' 'memory at ds:00009010' 'present, read-only' 'Usual cause: a write to a page that is mapped read-only'
dies 21 "division by zero" '1\. #DE divide error' 'ebx = 00000000' 'Usual cause: division by zero' 'because: the IDT limit is 0'
dies 24 "wild jump" 'fault.*0x1badb002' '0x1badb002:  \(not mapped\)' 'wild jump'
dies 25 "far jump to nowhere" 'selector 0080 \(entry 16 of the GDT\)' 'Usual cause: a selector beyond the end of the GDT'

options=(-explain) said=('halts with interrupts off at 0008:.*<death' 'The last branches' 'Usual cause')
stays 22 "${said[@]}"
check "22: halts with interrupts off" 0 $? "${said[@]}"
run 23 -explain -no-reboot
check "23: a jump into zeroed memory" any $? 'runs through zeroed memory' '<death> -> 00020000' 'Usual cause: a jump'

run 1 -explain -no-reboot
check "the last branches" 1 $? 'The last branches, latest first' '<kmain'
run 1 -action triple-fault=shutdown
check "-action triple-fault=shutdown" 1 $? 'triple fault'
options=(-action triple-fault=pause)
stays 1 'triple fault'
check "-action triple-fault=pause waits" 0 $? 'triple fault'
echo "1..$count"
