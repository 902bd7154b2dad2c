#!/bin/sh
# What x86vm says to bad input: one line that names the thing and what to do, exit status 1, no file changed. TAP.
set -u
vm=${G_TEST_BUILDDIR:-.}/src/x86vm
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

# refuse NAME PATTERN OPTIONS...: status 1, one line on stderr matching PATTERN, nothing in the directory changed
refuse() {
    name=$1 pattern=$2; shift 2
    before=$(ls -lA --time-style=full-iso . | cksum)
    out=$(timeout 120 ${as-} "$vm" "$@" 2>&1 >/dev/null </dev/null); status=$?
    lines=$(printf '%s\n' "$out" | wc -l)
    if [ $status -ne 1 ]; then not_ok "$name" "exit status $status" "$out"
    elif [ "$lines" -ne 1 ]; then not_ok "$name" "$lines lines" "$out"
    elif ! printf '%s' "$out" | grep -q "^x86vm: .*$pattern"; then not_ok "$name" "says: $out" "expected: $pattern"
    elif [ "$before" != "$(ls -lA --time-style=full-iso . | cksum)" ]; then not_ok "$name" "a file changed"
    else ok "$name"; fi
}

truncate -s 1M disk.img
: >empty.img
printf x >one.img
mkdir adir
printf 'QFI\373' >q.qcow2; truncate -s 1M q.qcow2
truncate -s 100000 odd.bios
truncate -s 64K good.bios
truncate -s 4096 kernel # a Linux boot header: HdrS, protocol 2.15, loaded high, one setup sector
poke() { printf "$2" | dd of=kernel bs=1 seek=$(($1)) conv=notrunc 2>/dev/null; }
poke 0x1f1 '\001'; poke 0x202 HdrS; poke 0x206 '\017\002'; poke 0x211 '\001'
cp disk.img secret.img; chmod 0 secret.img

refuse "missing image" 'missing.img: No such file' -hda missing.img
refuse "empty image" 'empty.img' -hda empty.img
refuse "truncated image" 'one.img: 1-byte image' -hda one.img
refuse "directory as image" 'adir' -hda adir
refuse "another format" 'q.qcow2.*qemu-img' -hda q.qcow2
if [ "$(id -u)" = 0 ]; then # who reads everything: as nobody, where the program can be reached
    chmod 755 . && as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    if $as "$vm" -version >/dev/null 2>&1; then refuse "unreadable image" 'secret.img: Permission denied' -hda secret.img
    else ok "unreadable image # SKIP root reads everything, and nobody can't run $vm"; fi
    as=
else refuse "unreadable image" 'secret.img: Permission denied' -hda secret.img; fi
refuse "the same place twice" 'hda is already taken' -hda disk.img -hda one.img
refuse "a second writer" 'disk.img' -hda disk.img -hdb disk.img
refuse "absurd -m" '-m 5T' -m 5T
refuse "-m that is no size" '-m lots: expected a size' -m lots
refuse "too little memory" '-m 10K' -m 10K
refuse "unknown option" 'did you mean -nographic' -nographics
refuse "unknown value" 'did you mean std' -vga sdt
refuse "missing argument" '-hda: expected FILE' -hda
refuse "unknown CPU" '-cpu' -cpu 80686

refuse "BIOS of a wrong size" 'odd.bios' -bios odd.bios
refuse "missing BIOS" 'nothing.bios: ' -bios nothing.bios
refuse "not a kernel" 'disk.img: neither' -kernel disk.img
refuse "missing initrd" 'none.initrd' -kernel kernel -initrd none.initrd
refuse "unknown device" 'no such device' -device flux-capacitor
refuse "bad boot order" '-boot xyz' -boot xyz
refuse "bad date" '-rtc' -rtc base=yesterday
refuse "unwritable log" 'nodir/x' -serial file:nodir/x -display none

for o in -help -version '-cpu help' '-accel help'; do
    # shellcheck disable=SC2086
    if timeout 120 "$vm" $o </dev/null | grep -q .; then ok "x86vm $o answers with status 0"; else not_ok "x86vm $o"; fi
done

# nothing to boot: the BIOS says so, in words
timeout 120 "$vm" -nographic -hda disk.img </dev/null >out 2>&1 &
vm_pid=$!
says_why() { grep -qi 'no bootable\|signature' out; }
until says_why || ! kill -0 $vm_pid 2>/dev/null; do sleep 0.1; done
kill $vm_pid 2>/dev/null
if says_why; then ok "no boot sector: the screen says why"
else not_ok "no boot sector: the screen says why" "$(cat out)"; fi
wait
echo "1..$n"
