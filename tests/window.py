"""The SDL window under Xvfb: its pixels are those of the screendump; keys, mouse, close button, title and full screen work."""
import os, re, struct, subprocess, sys
from screens import *

os.environ.pop("WAYLAND_DISPLAY", None)
os.environ.update(SDL_VIDEODRIVER="x11", SDL_RENDER_DRIVER="software", SDL_AUDIODRIVER="dummy")
# In the sanitizers' build leaks are not looked for: SDL unloads Xlib and Mesa, and what they leak then has no name to suppress
# it by. The terminal's test looks for them, in the code that both share.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
print("# leaks are not looked for here: those of Xlib and Mesa, which SDL unloads, can't be told from ours")

if not os.path.exists(build + "/src/ui/display-sdl.so"):
    skip_all("built without the window: apt-get install libsdl2-dev")
need(("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("xwd", "x11-apps"), ("jwm", "jwm"))

r, w = os.pipe()
xserver = start("Xvfb", "-displayfd", str(w), "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset", pass_fds=(w,),
      stderr=open("xvfb.log", "w"))
os.close(w)
with os.fdopen(r) as f:
    number = f.readline().strip()
if not number:
    end_children()
    skip_all("Xvfb does not start here: " + open("xvfb.log").read().replace("\n", " "))
os.environ["DISPLAY"] = ":" + number
# A window manager: full screen, closing and focus are its business.
with open("jwmrc", "w") as f:
    f.write('<?xml version="1.0"?><JWM><FocusModel>click</FocusModel><Key mask="A" key="F4">close</Key></JWM>')
start("jwm", "-f", "jwmrc", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def xdotool(*arguments):
    p = subprocess.run(("xdotool",) + arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT)
    return p.stdout.decode().strip()


def window():
    return xdotool("search", "--class", "x86vm").split("\n")[0]


def title():
    return xdotool("getwindowname", win)


def picture():
    """The window's pixels as (width, height, RGB bytes)."""
    p = subprocess.run(["xwd", "-silent", "-id", win], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT)
    d = p.stdout
    if len(d) < 100:
        return None
    h = struct.unpack(">25I", d[:100])
    width, height, bits, line, colours = h[4], h[5], h[11], h[12], h[19]
    assert bits == 32 and h[7] == 0  # 32 bits a pixel, lowest byte first
    d = d[h[0] + 12 * colours:]
    rgb = bytearray(width * height * 3)
    for c in range(3):
        plane = b"".join(d[y * line + 2 - c:y * line + 4 * width:4] for y in range(height))
        rgb[c::3] = plane
    return width, height, bytes(rgb)


def geometry():
    m = re.findall(r"^(WIDTH|HEIGHT)=(\d+)", xdotool("getwindowgeometry", "--shell", win), re.M)
    return tuple(int(v) for _, v in m)


def same_picture(name, size=None):
    """Until the window shows what the display does: the guest does not change it, the window may be late."""
    want = mon.screendump()
    got = []

    def alike():
        got[:] = [picture()]
        return got[0] == want

    ok = wait_for(alike) and (not size or want[:2] == size)
    if not ok and got[0]:
        why = "window %dx%d, display %dx%d" % (got[0][:2] + want[:2])
        if got[0][:2] == want[:2]:
            bad = [i // 3 for i in range(len(want[2])) if want[2][i] != got[0][2][i]]
            if bad:
                why += "; %d bytes differ, first at %d,%d" % (len(bad), bad[0] % want[0], bad[0] // want[0])
        return result(False, name, why)
    return result(ok, name, "no picture")


def boot(*options):
    """A machine with a window, its guest running: process, log, monitor, window."""
    for f in ("log", "mon"):
        if os.path.exists(f):
            os.unlink(f)
    child = start(*program(*control(), *options), stderr=open("stderr", "w"))
    log = Log("log")
    ok = log.expect("^S1$")
    win = wait_for(window)
    if not result(ok and win, "a window opens and the guest runs: " + " ".join(options), open("stderr").read() + log.text()):
        end_children()
        finish()
    xdotool("windowfocus", "--sync", win)
    return child, log, Monitor("mon"), win


def leave(child, want, name):
    """The process ends by itself with this status, and says nothing on stderr."""
    try:
        status = child.wait(LIMIT)
    except subprocess.TimeoutExpired:
        status = "still running"
    said = open("stderr").read()
    return result(status == want and not said, name, "status %s\n%s" % (status, said))


try:
    vm, log, mon, win = boot("-display", "sdl", "-name", "window test")
    result(wait_for(lambda: title() == "x86vm (window test)"), "the title has the name", title())

    # each kind of screen, and a change of it that touches no register
    kinds = {"1": ("text", (720, 400)), "2": ("mode 13h", (640, 400)), "3": ("mode X", (640, 400)),
             "4": ("planar 640x480", (640, 480)), "5": ("VBE 800x600x32, linear", (800, 600))}
    for digit, (name, size) in kinds.items():
        xdotool("key", digit)
        log.expect("^S%s$" % digit)
        same_picture(name, size)
        before = mon.screendump()
        xdotool("key", "a")
        changed = log.expect("^X$") and mon.screendump() != before
        if not result(changed, name + ": the guest changes its memory", log.text()):
            continue
        same_picture(name + ": the change shows")
    result(geometry() == (800, 600), "the window has the picture's size", geometry())

    # keys: by position, with the prefix ones, and repeat left to the guest's keyboard
    def typed(keys, codes, name):
        log.text()
        xdotool("key", *keys)
        want = "".join("K%s\n" % c for c in codes)
        ok = wait_for(lambda: want in log.text())
        result(ok, name, "expected %s, got %s" % (want.split(), log.text().split()))
        log.seen += len(log.text())

    log.expect("^K9e$")
    typed(["F1", "Escape", "z"], ["3b", "bb", "01", "81", "2c", "ac"], "keys: F1, Esc, z")
    typed(["Up", "Delete", "KP_Enter"], ["e0", "48", "e0", "c8", "e0", "53", "e0", "d3", "e0", "1c", "e0", "9c"], "keys with a prefix")
    typed(["ctrl+shift+k"], ["1d", "2a", "25"], "modifiers")

    # the mouse: a click grabs it and is not the guest's
    def mouse():
        """The sum of all packets that came: dx, dy, wheel, and the buttons of the last."""
        dx = dy = dz = buttons = 0
        for m in re.finditer(r"^M(..) (..) (..) (..)$", log.text(), re.M):
            flags, x, y, z = (int(g, 16) for g in m.groups())
            dx += x - (256 if flags & 16 else 0)
            dy += y - (256 if flags & 32 else 0)
            dz += z - (256 if z > 127 else 0)
            buttons = flags & 7
        return dx, dy, dz, buttons

    xdotool("mousemove", "--window", win, "100", "100")
    result(not re.search("^M", log.text(), re.M), "the mouse is not the guest's before a click", log.text())
    xdotool("click", "1")
    result(wait_for(lambda: title().endswith(" - Press Ctrl-Alt-G to release")), "a click gives it the mouse, as the title tells", title())
    xdotool("mousemove_relative", "--", "30", "-20")
    result(wait_for(lambda: mouse()[:2] == (30, 20)), "movement", mouse())
    for button, bit in (("1", 1), ("3", 2), ("2", 4)):
        xdotool("mousedown", button)
        held = wait_for(lambda: mouse()[3] == bit)
        xdotool("mouseup", button)
        result(held and wait_for(lambda: mouse()[3] == 0) is not False, "button " + button, mouse())
    xdotool("click", "4", "click", "4", "click", "5")
    result(wait_for(lambda: mouse()[2] == -1), "wheel: two up, one down", mouse())
    xdotool("key", "ctrl+alt+g")
    result(wait_for(lambda: title() == "x86vm (window test)"), "Ctrl-Alt-G releases it", title())
    log.expect("^Kb8$")
    had = mouse()
    xdotool("mousemove_relative", "--", "-15", "10")
    xdotool("key", "z")
    log.expect("^Kac$")
    result(mouse()[:2] == (0, 0) and not re.search("^K22$", log.text(), re.M), "then it is the host's again", (had, mouse()))

    # scaling
    want = mon.screendump()
    xdotool("windowsize", "--sync", win, "1000", "600")
    def centred():
        p = picture()
        if not p or p[:2] != (1000, 600):
            return False
        rows = [p[2][(y * 1000 + 100) * 3:(y * 1000 + 900) * 3] for y in range(600)]
        left = all(p[2][y * 3000:y * 3000 + 300] == bytes(300) for y in range(600))
        same = b"".join(rows) == want[2]
        return left and same
    result(wait_for(centred), "a wider window: the picture keeps its proportions, in the middle")
    xdotool("windowsize", "--sync", win, "400", "300")
    result(wait_for(lambda: picture()[:2] == (400, 300) and any(picture()[2])), "a smaller window")
    xdotool("key", "ctrl+alt+u")
    result(wait_for(lambda: geometry() == (800, 600)), "Ctrl-Alt-U: the picture's own size", geometry())
    same_picture("and its pixels")
    xdotool("key", "ctrl+alt+f")
    result(wait_for(lambda: geometry() == (1280, 1024)), "Ctrl-Alt-F: full screen", geometry())
    xdotool("key", "ctrl+alt+f")
    result(wait_for(lambda: geometry() == (800, 600)), "and back", geometry())
    same_picture("and its pixels")

    # stopped and going on
    xdotool("key", "ctrl+alt+p")
    result(wait_for(lambda: title() == "x86vm (window test) [stopped]"), "Ctrl-Alt-P stops the machine, as the title tells", title())
    result(b"paused" in mon("info status"), "it is stopped", mon("info status"))
    mon("cont")
    result(wait_for(lambda: title() == "x86vm (window test)"), "the monitor lets it go on, and the title tells", title())

    # closing: the guest does not listen, then it does
    def close():
        xdotool("windowfocus", "--sync", win, "key", "alt+F4")

    close()
    result(wait_for(lambda: "does not listen" in title()) and vm.poll() is None, "close, and the guest does not listen: the title says so", title())
    close()
    leave(vm, 0, "a second close ends the program")

    vm, log, mon, win = boot("-display", "sdl")
    result(wait_for(lambda: title() == "x86vm"), "without a name", title())
    xdotool("key", "o")
    log.expect("^A$")
    close()
    result(log.expect("^P$"), "close presses the guest's power button", log.text())
    leave(vm, 0, "the guest powers off and the program ends")

    # -display says nothing: the window is the default where there is a window system
    vm, log, mon, win = boot("-full-screen")
    result(wait_for(lambda: geometry() == (1280, 1024)), "a window by default; -full-screen", geometry())
    mon.socket.sendall(b"quit\n")
    leave(vm, 0, "quit in the monitor")

    # the X server goes away: the machine ends in good order
    vm, log, mon, win = boot()
    xserver.kill()
    xserver.wait()
    try:
        status = vm.wait(LIMIT)
    except subprocess.TimeoutExpired:
        status = "still running"
    result(status == 1 and open("stderr").read().count("x86vm: the window system went away; ending\n") == 1,
           "the X server goes away: a line and status 1", "status %s\n%s" % (status, open("stderr").read()))

    # no window to be had
    nothing = {n: v for n, v in os.environ.items() if n not in ("DISPLAY", "SDL_VIDEODRIVER", "XDG_RUNTIME_DIR", "WAYLAND_SOCKET")}
    for name, environment in (("no X server", dict(os.environ, DISPLAY=":987")), ("no X server at DISPLAY", dict(nothing, DISPLAY=":987")),
                              ("no window system", nothing)):
        if name == "no window system" and os.path.exists("/dev/dri"):
            skip(name, "here SDL can show it without one")
            continue
        p = start(*program("-display", "sdl"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            out = p.communicate(timeout=LIMIT)[0].decode()
        except subprocess.TimeoutExpired:
            out = "still running"
        result(p.returncode == 1 and re.match(r"^x86vm: -display sdl: no window: .+\n$", out), name + ": a line and status 1", out)
finally:
    end_children()
finish()
