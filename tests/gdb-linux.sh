#!/bin/bash
# gdb on a real kernel: tests/gdb-linux.sh x86vm vmlinuz (Debian's i386 one: xz inside). Finds start_kernel by the use of
# linux_banner, breaks there, and catches the first read of the banner. Not part of `make check`.
set -eu
[ $# = 2 ] || { echo "usage: $0 x86vm vmlinuz" >&2; exit 2; }
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
read -r start banner < <(python3 - "$2" <<'END'
import lzma, re, struct, sys
d = open(sys.argv[1], "rb").read()
offset, size = struct.unpack_from("<II", d, 0x248)
at = (d[0x1f1] + 1) * 512 + offset
v = lzma.LZMADecompressor().decompress(d[at:at + size])
table, = struct.unpack_from("<I", v, 28)
segments = [struct.unpack_from("<8I", v, table + 32 * n) for n in range(struct.unpack_from("<H", v, 44)[0])]
def address(o): return next((s[2] + o - s[1] for s in segments if s[0] == 1 and s[1] <= o < s[1] + s[4]), None)
for m in re.finditer(rb"Linux version [^\0]*\n\0", v):
    va = address(m.start())
    for x in re.finditer(re.escape(b"\x68" + struct.pack("<I", va)), v):  # push $linux_banner
        print(hex(address(v.rfind(b"\x55\x89\xe5", 0, x.start()))), hex(va))
END
)
"$1" -display none -serial null -m 128 -S -gdb "unix:$work/sock" -kernel "$2" -append nokaslr >"$work/log" 2>&1 &
pid=$!
while ! [ -S "$work/sock" ]; do sleep 0.1; done
printf '%s\n' "target remote $work/sock" "break *$start" continue "x/s $banner" "rwatch *(char*)$banner" continue detach >"$work/commands"
gdb -nx -batch -x "$work/commands" >"$work/out" 2>&1
grep -q "Breakpoint 1, $start" "$work/out" && grep -q "Linux version" "$work/out" && grep -q "Value = 76 'L'" "$work/out" &&
    echo "ok: start_kernel at $start" || { cat "$work/out"; exit 1; }
