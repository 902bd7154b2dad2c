#!/bin/bash
# The README's two commands on a fresh Debian: makes one (debootstrap), copies this tree into it, and there, as an ordinary user and as
# root, runs ./run and ./check. By hand, as root: make check-fresh. TAP.
#
# usage: fresh.sh [SUITE [MIRROR]]      FRESH_BASE=DIR keeps the bare system for the next time
#                                       FRESH_CHECK=no leaves out ./check, which takes long
set -u
suite=${1:-bookworm}
mirror=${2:-$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*debian\) .*/\2/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep 'debian/*$' | head -n 1)}
tree=$(cd "$(dirname "$0")/.." && pwd)
count=0 failed=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; failed=1; tail -n 25 "$log" | sed 's/^/# /'; fi; }

[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root for chroot"; exit 0; }
command -v debootstrap >/dev/null || { echo "1..0 # SKIP no debootstrap"; exit 0; }
# mounts that end with us
[ -n "${FRESH_INSIDE-}" ] || { FRESH_INSIDE=1 exec unshare --mount --pid --fork --kill-child "$0" "$@"; }

work=$(mktemp -d /var/tmp/x86vm-fresh.XXXXXX) || exit 1
log=$work/log base=${FRESH_BASE:-$work/base} root=$work/root
cleanup() { umount -R "$root/proc" "$root/dev" 2>/dev/null; rm -rf --one-file-system "$work"; }
trap cleanup EXIT

if [ ! -e "$base/etc/debian_version" ]; then
    debootstrap --variant=minbase "$suite" "$base" ${mirror:+"$mirror"} >"$log" 2>&1
    result $? "a bare $suite"
    [ "$failed" = 0 ] || { echo "1..$count"; exit 1; }
fi
cp -a --reflink=auto "$base" "$root" || exit 1
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev" || exit 1
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null
chroot "$root" useradd -m -s /bin/sh student || exit 1
# what is in the repository, as it is here
copy() # DIR OWNER
{
    mkdir -p "$root$1" && (cd "$tree" && git ls-files -z | tar c --null -T -) | tar x -C "$root$1" && chroot "$root" chown -R "$2:" "$1"
}
copy /home/student/x86vm student && copy /root/x86vm root || exit 1

# as USER COMMAND: a login of that user, in the tree, input from ours
as() { chroot "$root" su -l "$1" -c "cd x86vm && exec env TERM=dumb LC_ALL=C.UTF-8 $2"; }
missing="these Debian packages are missing:.* gcc .*libzydis-dev"

as student './run -nographic' >"$log" 2>&1 </dev/null
[ $? = 1 ] && grep -q "$missing" "$log" && grep -q 'apt-get install' "$log" && [ "$(wc -l <"$log")" = 2 ]
result $? "an ordinary user's ./run names the packages to ask for, and ends with status 1"
as student './check' >"$log" 2>&1 </dev/null
[ $? = 1 ] && grep -q "$missing" "$log"
result $? "and so does ./check"

# the demo, to its prompt, a command, and its power-off
demo() # USER
{
    (sleep 1; while ! grep -aq 'demo> ' "$log"; do sleep 1; done; printf 'ls\r'; sleep 2; printf 'poweroff\r'; sleep 30) |
        timeout "${FRESH_SECONDS:-3000}" chroot "$root" su -l "$1" -c 'cd x86vm && exec ./run -nographic' >"$log" 2>&1
}
demo root; status=$?
[ $status = 0 ] && grep -aq 'welcome.txt' "$log"
result $? "root's ./run installs what is missing, builds, boots the demo, and ends when the demo powers off"
demo student; status=$?
[ $status = 0 ] && grep -aq 'welcome.txt' "$log"
result $? "an ordinary user's ./run builds and boots it too"

if [ "${FRESH_CHECK-yes}" = yes ]; then
    for user in root student; do
        as $user ./check >"$log" 2>&1 </dev/null
        result $? "$user's ./check: $(tail -n 1 "$log")"
        grep -h ': [0-9]* passed\|SKIP' "$log" | sed 's/^/# /'
    done
fi
echo "1..$count"
exit $failed
