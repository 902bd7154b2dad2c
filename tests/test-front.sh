#!/bin/bash
# What the command line promises, kept: how machines begin, end, go to the background, and where their lines go. TAP.
set -u
srcdir=${G_TEST_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
builddir=${G_TEST_BUILDDIR:-$srcdir/build}
vm=$builddir/src/x86vm guest=$builddir/tests/guests/front.img
work=$(mktemp -d) || exit 1
pid=
cleanup() { [ -n "$pid" ] && kill "$pid" 2>/dev/null; [ -s "$work/pid" ] && kill "$(cat "$work/pid")" 2>/dev/null; rm -rf "$work"; }
trap cleanup EXIT
cp "$guest" "$work/front.img" && truncate -s 1M "$work/front.img" && cd "$work" || exit 1
count=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi; }
show() { sed 's/^/# /' "$@"; }

# await PATTERN FILE: until a line matches; fails after a minute
await() { for _ in $(seq 600); do grep -aq -- "$1" "$2" 2>/dev/null && return 0; sleep 0.1; done; echo "# $2 never had $1:"; tail -n 20 "$2" | sed "s/^/# /"; return 1; }

# start OPTIONS...: a machine whose terminal is fd 7 (to it) and the file out
start()
{
    rm -f in out; mkfifo in; : >out
    timeout 150 "$vm" "$@" <in >out 2>&1 &
    pid=$!
    exec 7>in
}
# ended: its status, within a minute
ended() { for _ in $(seq 600); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done; kill "$pid" 2>/dev/null; wait "$pid"; status=$?; pid=; exec 7>&-; }

# ---- ending ----
start -display none -serial stdio front.img; await front out; printf q >&7; ended
[ $status = 0 ]; result $? "a guest that powers off ends the program with status 0"
start -display none -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 front.img; await front out; printf x >&7; ended
[ $status = 43 ]; result $? "isa-debug-exit: the status is 2n + 1"
start -display none -serial stdio -no-reboot front.img; await front out; printf r >&7; ended
[ $status = 0 ] && [ "$(grep -ac front out)" = 1 ]; result $? "-no-reboot: a reset ends the program"
start -display none -serial stdio front.img; await front out; printf 'r' >&7
for _ in $(seq 600); do [ "$(grep -ac front out)" = 2 ] && break; sleep 0.1; done; printf q >&7; ended
[ $status = 0 ] && [ "$(grep -ac front out)" = 2 ]; result $? "without it the guest boots again"
start -nographic -no-shutdown front.img; await front out; printf 'q\001c' >&7
# the monitor may be asked before the guest is done
for _ in $(seq 60); do grep -aq 'VM status: paused (shutdown)' out && break; printf 'info status\r' >&7; sleep 1; done
await 'VM status: paused (shutdown)' out; ok=$?; printf 'quit\r' >&7; ended
[ $ok = 0 ] && [ $status = 0 ]; result $? "-no-shutdown: the machine stays, stopped, for the monitor"
start -nographic -action shutdown=pause,reboot=shutdown front.img; await front out; printf r >&7; ended
[ $status = 0 ]; result $? "-action reboot=shutdown"
start -nographic front.img; await front out; printf '\001x' >&7; ended
[ $status = 0 ] && grep -aq terminated out; result $? "Ctrl-A x ends it"

# ---- lines ----
start -display none -serial stdio -debugcon file:e9 -device isa-debugcon,iobase=0x402,chardev=c -chardev file,id=c,path=bios front.img
await front out; printf q >&7; ended
[ "$(cat e9)" = e ]; result $? "-debugcon is at port e9h"
[ "$(tail -c 1 bios)" = b ]; result $? "-device isa-debugcon is another"
printf before >log
start -display none -serial stdio -global isa-debugcon.iobase=0x402 -debugcon chardev:c -chardev file,id=c,path=log,append=on front.img
await front out; printf q >&7; ended
case $(cat log) in before*b) ok=0 ;; *) ok=1; show log ;; esac; result $ok "-global moves -debugcon; append=on continues a file"
start -display none -chardev stdio,id=c,mux=on -serial chardev:c -mon chardev=c front.img; await front out
printf '\001c' >&7; await '(x86vm)\|(qemu)' out; printf 'info name\rinfo status\r' >&7; await 'VM status: running' out; ok=$?
printf '\001cq' >&7; ended
[ $ok = 0 ] && [ $status = 0 ]; result $? "a chardev with mux=on serves a port and the monitor; Ctrl-A c goes round"
timeout 90 "$vm" -display none -chardev pty,id=c -serial chardev:c -parallel chardev:c front.img >out 2>&1 </dev/null
[ $? = 1 ] && grep -q 'mux=on' out; result $? "one without it serves one, and says how two can share"
timeout 90 "$vm" -display none -serial stdio -monitor stdio front.img >out 2>&1 </dev/null
[ $? = 1 ] && grep -q 'already used' out; result $? "two ports can't both have the terminal"
start -display none -serial mon:unix:sock,server=on,wait=off -monitor none -d ioport -D ports front.img
await 'ioport: out' ports && [ -S sock ]; result $? "a Unix socket is made"
kill "$pid"; ended; [ ! -e sock ]; result $? "and removed"
start -nodefaults -device isa-serial,chardev=c -chardev stdio,id=c -device ide-hd,drive=d -drive if=none,id=d,file=front.img,format=raw
await front out; printf q >&7; ended
[ $status = 0 ]; result $? "-nodefaults with all that is needed by -device"
cat >machine.cfg <<'CFG'
[machine]
  type = "pc"
[memory]
  size = "16M"
[drive "disk"]
  file = "front.img"
  format = "raw"
CFG
start -readconfig machine.cfg -nographic; await front out; printf '\001cinfo status\r' >&7; await 'VM status' out; printf '\001cq' >&7; ended
[ $status = 0 ]; result $? "a machine from a -readconfig file"
cp front.img a.img; printf flopp | dd of=a.img conv=notrunc bs=1 seek="$(grep -abo front a.img | cut -d: -f1)" 2>/dev/null; truncate -s 1474560 a.img
start -boot order=a,once=c -display none -serial stdio -fda a.img -hda front.img; await front out; printf r >&7; await flopp out; ok=$?
printf q >&7; ended
result $ok "-boot once= counts until the first reset"

# ---- the background ----
timeout 90 "$vm" -daemonize -pidfile pid -serial file:serial -qmp unix:qmp,server=on,wait=off front.img >out 2>&1; status=$?
[ $status = 0 ] && [ -s pid ] && kill -0 "$(cat pid)"; result $? "-daemonize: the caller goes on when the machine is built, -pidfile has its number"
await front serial; result $? "the machine runs"
timeout 90 "$vm" -daemonize -pidfile pid -display none -snapshot front.img >out 2>&1
[ $? = 1 ] && grep -q 'another machine' out; result $? "its -pidfile is not taken from it"
[ "$(cut -d ' ' -f 7 "/proc/$(cat pid)/stat")" = 0 ]; result $? "it has no terminal"
kill "$(cat pid)"; for _ in $(seq 300); do [ -e pid ] || break; sleep 0.1; done
[ ! -e pid ] && [ ! -e qmp ]; result $? "ended by SIGTERM it removes -pidfile and socket"
timeout 90 "$vm" -daemonize -hda missing.img >out 2>&1
[ $? = 1 ] && grep -q 'missing.img: No such file' out; result $? "what goes wrong before is told, with status 1"

# ---- nothing named ----
if [ -s "$builddir/demo/demo.img" ]; then
    start -nographic; await 'demo> ' out; ok=$?; printf '\001x' >&7; ended
    [ $ok = 0 ]; result $? "without a disk the demo boots, from memory"
fi
echo "1..$count"
