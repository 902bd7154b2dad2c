#!/bin/bash
# The documents made from the table of options: the man page, what bash and zsh complete. TAP.
set -u
builddir=${G_TEST_BUILDDIR:-build}
vm=$builddir/src/x86vm
count=0
result() { count=$((count + 1)); if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
options=$("$vm" -help | sed -n 's/^\(-[a-zA-Z-]*\).*/\1/p')

missing=
for o in $options; do grep -q "^\\\\fB${o//-/\\\\-}\\\\fR" "$builddir/x86vm.1" || missing="$missing $o"; done
[ -n "$options" ] && [ -z "$missing" ]; result $? "the man page has every option of -help${missing:+ but$missing}"
if ! command -v groff >/dev/null; then skip "the man page is well-formed" "no groff"
else
    out=$(groff -man -Tutf8 -ww "$builddir/x86vm.1" 2>&1 >"$work/man"); [ -z "$out" ] && grep -q 'x86vm' "$work/man"
    result $? "the man page is well-formed"; printf '%s\n' "$out" | grep . | sed 's/^/# /'
fi

# complete LINE: what bash offers for the last word of it
# shellcheck disable=SC1091
. "$builddir/completions/bash/x86vm"
complete_line()
{
    read -ra COMP_WORDS <<<"$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _x86vm "$vm" 2>/dev/null
    printf '%s ' "${COMPREPLY[@]}"
}
# expect LINE WORDS
expect()
{
    local got; got=$(complete_line "$1")
    [ "${got% }" = "$2" ]; result $? "$1<Tab>"; [ "${got% }" = "$2" ] || echo "# offers: $got, expected: $2"
}
: >"$work/one.img"; : >"$work/one.iso"
missing=
for o in $options; do case " $(complete_line "x86vm $o") " in *" $o "*) ;; *) missing="$missing $o" ;; esac; done
[ -z "$missing" ]; result $? "bash completes every option${missing:+ but$missing}"
expect "x86vm -nog" "-nographic"
expect "x86vm -vga " "std none"
expect "x86vm -display c" "curses"
expect "x86vm -display sdl,f" "sdl,full-screen="
expect "x86vm -display sdl,full-screen=" "sdl,full-screen=on sdl,full-screen=off"
expect "x86vm -accel tr" "translate"
expect "x86vm -drive fi" "file="
expect "x86vm -drive file=x,if=" "file=x,if=ide file=x,if=floppy file=x,if=none"
expect "x86vm -drive file=$work/one.im" "file=$work/one.img"
expect "x86vm -hda $work/one.im" "$work/one.img"
expect "x86vm -nographic $work/one.is" "$work/one.iso"
expect "x86vm -serial mon" "mon:stdio"
expect "x86vm -device isa-debug-" "isa-debug-exit"
expect "x86vm --vga n" "none"
if command -v zsh >/dev/null; then zsh -n "$builddir/completions/zsh/_x86vm"; result $? "zsh reads its completion"
else skip "zsh reads its completion" "no zsh"; fi
echo "1..$count"
