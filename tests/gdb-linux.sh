#!/bin/bash
# gdb debugs a real kernel and the BIOS before it: tests/gdb-linux.sh X86VM VMLINUZ (Debian's i386 one). Takes minutes; not part of
# `make check`. The kernel's addresses come from its own kallsyms, its init is a program of ten instructions. TAP.
set -eu
[ $# = 2 ] || { echo "usage: $0 x86vm vmlinuz" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
machine=$(realpath "$1") kernel=$(realpath "$2")
for tool in gdb python3 as ld; do
    command -v $tool >/dev/null || { echo "1..0 # SKIP no $tool here"; exit 0; }
done
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

# an init that leaves two words on its stack and asks for its process number for ever
cat >init.S <<'S'
        .globl _start, ask
_start: push $0x12345678
        push $0x600df00d
ask:    mov $20, %eax
        int $0x80
        jmp ask
S
as --32 init.S -o init.o && ld -m elf_i386 -Ttext 0x8048000 init.o -o init
python3 - <<'P'
def record(name, mode, data=b"", major=0, minor=0):
    head = b"070701" + b"".join(b"%08x" % f for f in (1, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0))
    head += name + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
open("initrd", "wb").write(record(b"dev", 0o40755) + record(b"dev/console", 0o20600, b"", 5, 1) +
                           record(b"init", 0o100755, open("init", "rb").read()) + record(b"TRAILER!!!", 0))
P
{ read -r start_kernel; read -r do_timer; read -r entry; } < \
    <(timeout 120 python3 "$here/kallsyms.py" "$kernel" start_kernel do_timer entry_INT80_32)

"$machine" -display none -serial file:serial -m 128 -S -gdb unix:sock -kernel "$kernel" -initrd initrd -append "nokaslr no_timer_check console=ttyS0" >log 2>&1 </dev/null &
pid=$!
for _ in $(seq 100); do [ -S sock ] && break; sleep 0.1; done

# do_timer begins with a call (of the tracer), push %ebp, xor %edx, %edx, and then adds to jiffies
cat >commands <<G
set pagination off
set confirm off
target remote sock
echo == the BIOS goes to protected mode: mov %ecx, %cr0; ljmpl\n
find /b 0xf0000, 0xfffff, 0x0f, 0x22, 0xc1, 0x66, 0xea
hbreak *(\$_ + 3)
continue
x/1i \$cs_base + \$pc
p/x \$cs
p \$cr0 & 1
stepi
p/x \$cs
x/1i \$pc
delete
echo == the kernel\n
break *$start_kernel
continue
p \$pc == $start_kernel
delete
p/x *(unsigned char*)($do_timer + 8)
set \$jiffies = *(unsigned*)($do_timer + 10)
watch *(unsigned*)\$jiffies
continue
p \$pc - $do_timer < 32
delete
echo == a user process\n
hbreak *&ask
continue
p/x \$cs & 3
p \$sp < 0xc0000000
x/2xw \$sp
stepi 2
p \$pc == $entry && (\$cs & 3) == 0
p \$eax
detach
G
result=0
timeout 900 gdb -nx -batch -x commands init >out 2>&1 || result=$?
kill -0 $pid && alive=1 || alive=0

count=0
expect() # name, then patterns that lines have in this order
{
    local name=$1 from=1 at p
    shift
    count=$((count + 1))
    for p in "$@"; do
        at=$(tail -n +$from out | grep -nE -m1 -- "$p" | cut -d: -f1 || true)
        if [ -z "$at" ]; then echo "not ok $count - $name # no: $p"; sed 's/^/# /' out; tail -5 serial | sed 's/^/# /'; result=1; return; fi
        from=$((from + at))
    done
    echo "ok $count - $name"
}
expect "steps across the BIOS's far transfer to protected mode" 'breakpoint 1' 'jmp' '= 0xf000$' '= 1$' '= 0x[1-9a-f][0-9a-f]*$'
expect "a breakpoint in start_kernel" '== the kernel' 'Breakpoint 2' '= 1$'
expect "watches jiffies, which do_timer writes" 'watchpoint 3' 'Old value' 'New value' '= 1$'
expect "reads a user process's stack, steps into its system call" '== a user process' 'breakpoint 4' '= 0x3$' '= 1$' \
    '0x600df00d.0x12345678' '= 1$' '= 20$' 'detached'
count=$((count + 1))
[ $alive = 1 ] && echo "ok $count - the guest lives on" || { echo "not ok $count - the guest lives on"; result=1; }
echo "1..$count"
exit $result
