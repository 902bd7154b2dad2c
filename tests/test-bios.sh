#!/bin/bash
# Our BIOS and VGA BIOS on a machine that is not ours: QEMU's, whose board is the same. Every service is called by
# tests/bios/services.S; then the ways to boot. TAP on stdout.
#
# BIOS_TEST_MACHINE may name x86vm instead: it takes QEMU's options, and has this firmware in itself.
set -u
srcdir=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
builddir=${G_TEST_BUILDDIR:-$srcdir/build}
machine=${BIOS_TEST_MACHINE:-qemu-system-i386}
cc=${CC:-gcc}

if ! command -v "$machine" >/dev/null; then
    echo "1..0 # SKIP no $machine here: apt-get install qemu-system-x86"
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
count=0

case $machine in
*x86vm) firmware=() console=() ;;
*)
    firmware=(-bios "$builddir/bios/bios.bin" -vga none -device VGA,romfile="$builddir/bios/vgabios.bin")
    printf '\370\003' >sercon
    console=(-fw_cfg name=etc/sercon-port,file=sercon)
    ;;
esac

result() # status name: 0 is a success
{
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

skip() # name reason
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

assemble() # source output address options...
{
    $cc -m32 "${@:4}" -c -o "$2.o" "$srcdir/tests/bios/$1" &&
    ld -m elf_i386 --oformat binary -Ttext "$3" -o "$2" "$2.o" 2>"$2.log" || { cat "$2.log" >&2; exit 1; }
}

# run SECONDS OPTIONS...: the debug port's output goes to the file "debug"; QEMU's status is 1 for debug-exit 0
run()
{
    local seconds=$1
    shift
    rm -f debug
    timeout "$seconds" "$machine" "${firmware[@]}" -display none -net none -m 64 ${reboot--no-reboot} \
        -debugcon file:debug -global isa-debugcon.iobase=0x402 -device isa-debug-exit,iobase=0x501,iosize=1 \
        -serial "${serial:-null}" -parallel null -monitor none "$@" >output 2>&1 </dev/null
}

assemble services.S services.bin 0x7c00
assemble hd.S hd.bin 0
assemble multiboot.S multiboot.bin 0x100000

cp services.bin fd.img && truncate -s 1474560 fd.img
# the disk's sectors begin with their number
perl -e 'for (0 .. 8191) { print pack("V", $_), "\0" x 508 }' >hd.img
# a CD: the volume descriptors of ISO 9660, then El Torito's catalog in block 19, its image in block 20
perl -e '
    my $image = shift; my $media = shift; my $count = shift;
    local $/; open my $f, "<", $image or die; my $boot = <$f>;
    my @b = ("\0" x 2048) x 20;
    sub put { substr($b[$_[0]], $_[1], length $_[2]) = $_[2] }
    put(16, 0, "\1CD001\1"); put(17, 0, "\0CD001\1EL TORITO SPECIFICATION"); put(17, 0x47, pack("V", 19));
    put(18, 0, "\xffCD001\1");
    my $v = pack("CCvx24vCC", 1, 0, 0, 0, 0x55, 0xaa); my $s = 0; $s += $_ for unpack("v*", $v);
    substr($v, 28, 2) = pack("v", -$s & 0xffff);
    put(19, 0, $v); put(19, 32, pack("CCvCCvV", 0x88, $media, 0, 0, 0, $count, 20));
    print @b, $boot, "\0" x (-length($boot) % 2048), "\0" x 65536;' hd.bin 0 4 >cd.iso
perl -e 'local $/; open my $f, "<", "hd.bin"; print <$f>, "\0" x (1474560 - 512)' >emu.img

# --- the services ---
serial=null run 300 -boot a -drive if=floppy,format=raw,file=fd.img -drive format=raw,file=hd.img -cdrom cd.iso
if grep -q '^1\.\.' debug; then
    while IFS= read -r line; do
        case $line in
        'ok '*) result 0 "${line#ok * - }" ;;
        'not ok '*) result 1 "${line#not ok * - }" ;;
        esac
    done < <(tr -d '\r' <debug)
else
    result 1 "services ran to their end"
    tail -5 debug output | sed 's/^/# /'
fi

# --- ways to boot ---
booted() # name pattern
{
    if grep -aq "$2" debug; then result 0 "$1"; else result 1 "$1"; sed 's/^/# /' debug; fi
}

cp hd.bin boot.img && truncate -s 4M boot.img
run 300 -drive format=raw,file=boot.img
booted "boot: hard disk" "booted from drive 80"
run 300 -boot d -cdrom cd.iso
booted "boot: CD, no emulation" "booted from drive E0"
perl -pe 'BEGIN { undef $/ } substr($_, 19 * 2048 + 33, 1) = "\2"; substr($_, 20 * 2048, 512) = do { open my $f, "<", "hd.bin"; <$f> }' cd.iso >emu.iso
run 300 -boot d -cdrom emu.iso
booted "boot: CD as a floppy" "booted from drive 00"
perl -pe 'BEGIN { undef $/ } substr($_, 19 * 2048 + 33, 1) = "\4"' cd.iso >emuhd.iso
run 300 -boot d -cdrom emuhd.iso
booted "boot: CD as a hard disk" "booted from drive 80"
cp hd.bin fd2.img && truncate -s 737280 fd2.img
run 300 -boot a -drive if=floppy,format=raw,file=fd2.img
booted "boot: 720 KB floppy" "booted from drive 00"
run 300 -drive format=raw,file=hd.img -cdrom cd.iso -boot order=cd
booted "boot: a disk without signature is passed over" "booted from drive E0"
run 300 -kernel multiboot.bin -append "a command line"
booted "boot: -kernel, Multiboot" "multiboot: .*a command line"
# an ELF kernel whose entry is a virtual address; one that lies where the information for kernels at 1 MiB goes
$cc -m32 -DVIRTUAL=0xc0000000 -c -o elf.o "$srcdir/tests/bios/multiboot.S" &&
    ld -m elf_i386 -N -Ttext 0xc0100000 -o elf.virtual elf.o && objcopy --change-section-lma .text-0xc0000000 elf.virtual elf.bin || exit 1
case $machine in
*x86vm)
    run 300 -kernel elf.bin -append "a command line"
    booted "boot: -kernel, Multiboot, linked for virtual addresses" "multiboot: .*a command line"
    assemble multiboot.S low.bin 0x8000 -DSPACE=0x6000
    run 300 -kernel low.bin -append "a command line"
    booted "boot: -kernel, Multiboot, in low memory" "multiboot: .*a command line"
    ;;
*)
    skip "boot: -kernel, Multiboot, linked for virtual addresses" "the machine's part, x86vm's"
    skip "boot: -kernel, Multiboot, in low memory" "the machine's part, x86vm's"
    ;;
esac

# --- ways to end ---
for action in 1 2 3 4; do
    assemble action.S action$action.bin 0x7c00 -DACTION=$action
    cp action$action.bin action$action.img && truncate -s 4M action$action.img
done
ended() # status name: the machine has ended by itself
{
    ! grep -aq "still here" debug && [ "$1" != 124 ]
    result $? "$2"
}
run 300 -drive format=raw,file=action1.img
ended $? "Ctrl-Alt-Del restarts"
run 300 -drive format=raw,file=action2.img
ended $? "15/5307: APM switches off"
name="a reset with shutdown code 0Ah goes on at 40:67"
case $machine in
*x86vm)
    reboot='' run 300 -drive format=raw,file=action4.img
    booted "$name" "came back"
    ;;
*) skip "$name" "CMOS 0Fh does not survive QEMU's reset" ;;
esac
head -c 1474560 action3.img >action3.fd
run 300 -boot order=ac -drive if=floppy,format=raw,file=action3.fd -drive format=raw,file=boot.img
booted "18: the next device's turn" "booted from drive 80"

for cpu in 486 pentium; do
    run 300 -cpu $cpu -drive format=raw,file=boot.img
    booted "boot: on a $cpu" "booted from drive 80"
done

# --- a serial console, and what it says when nothing boots ---
[ ${#console[@]} = 0 ] && console=(-nographic)
unbootable() # PATTERN OPTIONS...: until it says the pattern, into `text`; it never ends by itself, and the host may be busy
{
    local seconds pattern=$1
    shift
    for seconds in 6 60 300; do
        serial=file:serial run $seconds "${console[@]}" "$@"
        tr -d '\r' <serial >text
        grep -q "$pattern" text && break
    done
}
unbootable "hda.*no 55AA signature" -drive format=raw,file=hd.img -boot c
grep -q "No bootable disk" text
result $? "no boot: said on the serial console"
grep -q "hda.*no 55AA signature" text
result $? "no boot: what the disk lacks"
unbootable "Ctrl-Alt-Del" -drive format=raw,file=action3.img -drive if=floppy,format=raw,file=action3.fd -boot c
grep -q "hda.*gave up" text && grep -q "fda.*leaves it out" text && [ "$(grep -c "^Booting from" text)" = 1 ]
result $? "no boot: what gave up, and what was left out, is not booted to find out why"
echo "1..$count"
