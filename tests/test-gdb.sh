#!/bin/bash
# Debian's gdb, in batch mode, debugs tests/guests/gdb.S: breakpoints before paging and after, a far return to protected mode,
# watchpoints, memory and registers both ways, Ctrl-C, detach, kill; a client that sends Z1 and c without acks. TAP.
set -u
srcdir=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
builddir=${G_TEST_BUILDDIR:-$srcdir/build}
machine=$builddir/src/x86vm
count=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi; }

command -v gdb >/dev/null || { echo "1..0 # SKIP no gdb here: apt-get install gdb"; exit 0; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3 here: apt-get install python3"; exit 0; }
work=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
cp "$builddir/tests/guests/gdb.img" "$builddir/tests/guests/gdb.elf" .

start() # options...: a stopped machine with a gdb stub
{
    rm -f sock
    "$machine" -display none -serial null -m 16 -hda gdb.img -snapshot -gdb "unix:$work/sock" "$@" >vm.log 2>&1 </dev/null &
    pid=$!
    await listening "$work/sock"
}
await() # command...: until it succeeds, two minutes at most
{
    for _ in $(seq 1200); do "$@" && return; sleep 0.1; done
    return 1
}
listening() { grep -qE "^[^ ]+ +[^ ]+ +[^ ]+ +00010000 .* $1\$" /proc/net/unix; } # 10000h: somebody accepts connections
reachable() { grep -q ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; } # 0Ah: TCP_LISTEN
ended() { ! kill -0 $pid 2>/dev/null; }
end() { { kill -9 $pid; wait $pid; } 2>/dev/null; pid=; }
debug() # name: commands on standard input, output in the file gdb.log
{
    { echo "set pagination off"; echo "set confirm off"; cat; } >commands
    rm -f gdb.pid
    timeout 300 sh -c 'echo $$ >gdb.pid; exec gdb -nx -batch -x commands gdb.elf' >gdb.log 2>&1 </dev/null
}
expect() # name patterns...: each an extended regular expression that a line of gdb.log has, in this order
{
    local name=$1 bad=0 from=1 at
    shift
    for p in "$@"; do
        at=$(tail -n +"$from" gdb.log | grep -nE -m1 -- "$p" | cut -d: -f1)
        if [ -z "$at" ]; then bad=1; echo "# no: $p"; else from=$((from + at)); fi
    done
    [ $bad = 0 ] || sed 's/^/# /' gdb.log
    result $bad "$name"
}

for engine in interp translate direct=on; do
start -S -accel $engine
debug <<'END'
target remote sock
break *0x7c00
continue
x/1i $pc
hbreak far_return
continue
p/x $cr0 & 1
stepi
p/x $cs
p $pc == (long)&protected
break user
continue
info registers cs cr0
x/1i $pc
stepi
x/1wx $esp
delete
watch *(int*)&counter
continue
continue
p *(int*)&counter > 0
delete
rwatch *(int*)&counter
continue
delete
awatch *(int*)(0xc0000000 + (long)&counter)
set var *(int*)(0xc0000000 + (long)&counter) = 1000
x/1wd &counter
delete
hbreak bump
continue
set $eax = 0x77
stepi
p/x $eax
x/2xb &bump
info threads
p $xmm0.uint128
delete
detach
END
expect "$engine: break, step over a far return, watch, write" \
    'Breakpoint 1, 0x00007c00' 'ljmp' 'Hardware assisted breakpoint 2' 'Breakpoint 2, 0x00007c27' '= 0x1' 'in protected' '= 0x8$' '= 1$' \
    'Breakpoint 3, 0x.* in user' 'cs +0x1b' 'push' '0x12345678' 'Hardware watchpoint' 'Old value' 'New value' \
    'New value' '= 1$' 'read watchpoint' 'Value = ' '1000' 'in bump' '= 0x78$' '0x40[^0-9]+0x90' 'Thread 1.*CPU#0' 'detached'
kill -0 $pid 2>/dev/null
result $? "$engine: the guest lives on after a detach"
end
done

start -S -gdb "unix:$work/sock,arch=i8086"
debug <<'END'
file
target remote sock
break *0x7c00
continue
x/2i $pc
stepi
detach
END
expect "16-bit code" 'ljmp +.0x0,.0x7c05' 'cli' '00007c05'
end

start
debug <<'END'
target remote sock
maint flush register-cache
stepi
detach
END
expect "a running machine stops for gdb" 'in ' 'detached'
# Ctrl-C comes when gdb has let the machine go, which its account of packets tells
rm -f gdb.log
(await grep -qs 'Sending packet: \$vCont;c' gdb.log && kill -INT "$(cat gdb.pid)") &
debug <<'END'
target remote sock
set debug remote 1
continue
set debug remote 0
p 4 + 4
kill
END
expect "Ctrl-C stops it" 'SIGINT' '= 8'
await ended
result $? "killing ends the machine"
end

# as xv6's .gdbinit has it: TCP, and the architecture changed by a hook as CS says
port=$((26000 + $$ % 4000))
"$machine" -display none -serial null -m 16 -hda gdb.img -snapshot -gdb "tcp::$port" -S >vm.log 2>&1 </dev/null &
pid=$!
await reachable "$port"
debug <<END
file
set \$lastcs = -1
define hook-stop
  if \$cs == 8 || \$cs == 27
    if \$lastcs != 8 && \$lastcs != 27
      set architecture i386
    end
    x/i \$pc
  else
    if \$lastcs == -1 || \$lastcs == 8 || \$lastcs == 27
      set architecture i8086
    end
    printf "[%4x:%4x] ", \$cs, \$eip
    x/i \$cs*16+\$eip
  end
  set \$lastcs = \$cs
end
target remote localhost:$port
symbol-file gdb.elf
break *0x7c00
continue
stepi
break protected
continue
stepi
break user
continue
kill
END
expect "an xv6-like .gdbinit: TCP, set architecture i8086 and back" 'i8086' '\[f000:fff0\] .*ljmp' 'Breakpoint 1' '\[   0:7c05\] .*<real>:.*cli' \
    'set to "i386"' '<protected>:.*mov +.0x10,%eax' '<protected\+5>:' '<user>:.*push' 'killed'
end

start -S
timeout 300 python3 - >gdb.log 2>&1 <<'END'
import socket
s = socket.socket(socket.AF_UNIX); s.connect("sock"); s.settimeout(250)
def send(t): s.sendall(b"$" + t.encode() + b"#%02x" % (sum(t.encode()) & 255))
def recv():
    b = b""
    while True:
        c = s.recv(1)
        if c == b"$": b = b""
        elif c == b"#": s.recv(2); return b.decode()
        elif c not in b"+": b += c
send("QStartNoAckMode"); print(recv())
send("Z1,7c00,1"); print(recv())
send("c"); print(recv())
send("p8"); print(recv())
send("c"); s.sendall(b"\x03"); print(recv())
send("z1,7c00,1"); print(recv())
send("m7dfe,2"); print(recv())
send("M500,3:010203"); print(recv())
send("m500,3"); print(recv())
send("qC"); print(recv())
send("vCont?"); print(recv())
send("Zzzz"); print(recv())
send("nonsense"); print("[" + recv() + "]")
s.close()
END
expect "a client without acks: Z1, c, Ctrl-C" '^OK' '^OK' '^T05' '^007c0000' '^T02' '^OK' '^55aa' '^OK' '^010203' '^QC' '^vCont' '^E22' '^\[\]'
end
echo "1..$count"
