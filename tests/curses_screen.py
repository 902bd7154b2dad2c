"""The screen in a terminal (tmux): characters, colours, cursor, keys, sizes, the monitor's page, and a terminal left as it was."""
import os, re, shlex, subprocess, sys
from screens import *

os.environ.pop("TMUX", None)
os.environ["LC_ALL"] = "C.UTF-8"
# In the sanitizers' build: curses keeps its descriptions of terminals until the process ends.
with open("leaks", "w") as f:
    f.write("leak:libncursesw\nleak:libtinfo\n")
os.environ["LSAN_OPTIONS"] = "suppressions=%s/leaks:print_suppressions=0" % os.getcwd()

if not os.path.exists(build + "/src/ui/display-curses.so"):
    skip_all("built without the terminal screen: apt-get install libncurses-dev")
need(("tmux", "tmux"))

with open("tmux.conf", "w") as f:
    f.write('set -g default-terminal screen-256color\nset -s escape-time 0\nset -g status off\nset -s exit-empty off\n')


def tmux(*arguments):
    p = subprocess.run(("tmux", "-S", "socket", "-f", "tmux.conf") + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=LIMIT)
    return p.stdout.decode("utf-8", "replace")


def screen(*options):
    return tmux("capture-pane", "-p", "-t", "test", *options)


def shows(text):
    """Until the terminal shows text, a regular expression."""
    return wait_for(lambda: re.search(text, screen(), re.M))


def check(text, name):
    return result(shows(text), name, screen())


def key(*keys):
    tmux("send-keys", "-t", "test", *keys)


def run(*command, columns=100, rows=30, environment=""):
    """Start a command in a new terminal; when it ends, its status and the terminal's settings are shown."""
    for f in ("log", "mon"):
        if os.path.exists(f):
            os.unlink(f)
    tmux("kill-session", "-t", "test")
    line = environment + " " + shlex.join(command) + "; echo ended: $?; stty -a | grep -o ' icanon'; exec sleep 300"
    out = tmux("new-session", "-d", "-s", "test", "-x", str(columns), "-y", str(rows), "exec sh -c " + shlex.quote(line))
    if out:
        skip_all("tmux does not start here: " + out.replace("\n", " "))


def cursor():
    return tmux("display-message", "-p", "-t", "test", "#{cursor_x} #{cursor_y}").strip()


def typed(log, keys, codes, name):
    key(*keys)
    want = "".join("K%s\n" % c for c in codes.split())
    ok = wait_for(lambda: want in re.sub("^[^K\n].*\n", "", log.text(), flags=re.M))
    result(ok, name, "expected %s, got %s" % (codes, log.text().split()))
    log.seen += len(log.text())


def ends(status, name):
    return check(r"^ended: %d\n icanon" % status, name)


try:
    # the default on a terminal when there is no window system
    run(*program(*control(), "-name", "curses test"))
    log = Log("log")
    if not result(log.expect("^S1$"), "a terminal without a window system: the guest runs", screen()):
        tmux("kill-server")
        finish()
    check("☺☻♥♦♣♠", "the characters of code page 437")
    key("6")
    log.expect("^S6$")
    check("^ {10}text by ░▒▓ ╔═╗ ü", "text, in the middle of a larger terminal")
    result(wait_for(lambda: re.search(r"\x1b\[[0-9;]*(97|38;5;15)[0-9;]*m[^t]*text by|\x1b\[[0-9;]*m\x1b\[[0-9;]*mtext by", screen("-e"))) and
           re.search(r"(44|48;5;4)[;m]", screen("-e")), "white on blue", repr(screen("-e")[:300]))
    result(wait_for(lambda: cursor() == "15 5"), "the cursor", cursor())
    check(r"^x86vm \(curses test\)  Esc 2: monitor", "the line that tells how to leave")

    log.expect("^K87$")
    typed(log, ["z"], "2c ac", "a letter")
    typed(log, ["Z"], "2a 2c ac aa", "with Shift")
    typed(log, ["C-c"], "1d 2e ae 9d", "with Ctrl")
    typed(log, ["M-x"], "38 2d ad b8", "Alt, which a terminal says by Esc")
    typed(log, ["Escape"], "01 81", "Esc alone")
    typed(log, ["Enter", "Tab", "BSpace", "Space"], "1c 9c 0f 8f 0e 8e 39 b9", "Enter, Tab, Backspace, space")
    typed(log, ["F1", "F5", "F12"], "3b bb 3f bf 58 d8", "function keys")
    typed(log, ["Up", "Left", "PPage", "DC", "Home"], "e0 48 e0 c8 e0 4b e0 cb e0 49 e0 c9 e0 53 e0 d3 e0 47 e0 c7", "cursor keys")
    typed(log, ["C-Right", "S-F2"], "1d e0 4d e0 cd 9d 2a 3c bc aa", "with modifiers")
    typed(log, ["-l", "\"{~\\|"], "2a 28 a8 aa 2a 1a 9a aa 2a 29 a9 aa 2b ab 2a 2b ab aa", "punctuation of the US keyboard")
    typed(log, ["-l", "quick brown fox " * 6 + "\""], "18 98 2d ad 39 b9 2a 28 a8 aa", "a long paste, whole")

    tmux("resize-window", "-t", "test", "-x", "60", "-y", "12")
    check("^text by ░▒▓ ╔═╗ ü", "a smaller terminal")
    result(wait_for(lambda: cursor() == "5 3"), "the cursor there", cursor())
    tmux("resize-window", "-t", "test", "-x", "120", "-y", "40")
    check("^ {20}text by ░▒▓ ╔═╗ ü", "a larger one")

    for digit, size in (("2", "640x400"), ("4", "640x480"), ("5", "800x600")):
        key(digit)
        log.expect("^S%s$" % digit)
        check("^ +%s graphics mode" % size, "graphics: " + size)
    key("6")
    check("text by", "back to text")

    key("M-2")
    check(r"^\(qemu\) ?$", "Alt-2: the monitor's page")
    key("info status", "Enter")
    check("^VM status: running$", "a command")
    key("stop", "Enter")
    check(r"^\(qemu\) stop\n\(qemu\)", "another")
    key("Up", "Up", "Enter")
    check("^VM status: paused$", "an earlier line again")
    key("M-1")
    check(r"\[stopped\]", "Alt-1: the screen, and that the machine is stopped")
    Monitor("mon")("cont")
    result(wait_for(lambda: "[stopped]" not in screen()), "and that it goes on", screen())
    log.text()
    key("M-2")
    check(r"^\(qemu\) ?$", "the monitor again")
    key("quit", "Enter")
    ends(0, "quit: the program ends, and the terminal is as it was")

    # a terminal that has only ASCII
    run(*program(*control(), "-display", "curses"), columns=80, rows=25, environment="LC_ALL=C")
    log = Log("log")
    log.expect("^S1$")
    key("6")
    check(r"^text by ### \+-\+ u", "another character set: what is alike")
    tmux("kill-session", "-t", "test")

    # what is said on stderr is on the monitor's page, and on the terminal when that is free again
    run(build + "/src/x86vm", "-display", "curses", "-serial", "null", "-no-reboot", "-fda", build + "/tests/guests/dying-1.img")
    check("(?s)triple fault.*ended: 1\n icanon", "the reason for a guest's death stays on the terminal")

    run(build + "/src/x86vm", "-display", "curses", "-serial", "mon:stdio")
    check("^x86vm: -display curses: the terminal is already used(.|\n)*ended: 1", "the terminal can't be two things")
    p = subprocess.run(program("-display", "curses"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=LIMIT)
    result(p.returncode == 1 and p.stdout == b"x86vm: -display curses: standard input and output are no terminal\n",
           "no terminal: a line and status 1", p.stdout)

    # the program itself needs neither library
    needs = subprocess.run(["ldd", build + "/src/x86vm"], stdout=subprocess.PIPE, timeout=LIMIT).stdout.decode()
    result(not re.search("SDL|curses|libX", needs), "the program links no library of the screens", needs)

    # neither a window system nor a terminal
    if os.path.exists("log"):
        os.unlink("log")
    vm = start(*program("-debugcon", "file:log"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open("stderr", "w"))
    result(Log("log").expect("^S1$") and re.match(r"^x86vm: the guest's screen is not shown; to see it: .*-nographic.*\n$",
           open("stderr").read()), "nothing to show it on: the guest runs, and a line tells how to see it", open("stderr").read())
finally:
    tmux("kill-server")
    end_children()
finish()
