"""What the tests of the screens share: TAP, a machine that runs tests/guests/screen.S, waiting for what shall come."""
import os, re, shutil, signal, socket, subprocess, sys, tempfile, time

build = os.path.abspath(sys.argv[1])
LIMIT = 60  # seconds that anything may take, however busy the host is
count = failures = 0
children = []


def result(ok, name, why=""):
    global count, failures
    count += 1
    failures += not ok
    print("%sok %d - %s" % ("" if ok else "not ", count, name))
    if not ok:
        print("".join("# %s\n" % l for l in str(why).splitlines()), end="")
    sys.stdout.flush()
    return ok


def skip_all(reason):
    print("1..0 # SKIP " + reason)
    sys.exit(0)


def skip(name, reason):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, reason))


def need(*tools):
    for tool, package in tools:
        if not shutil.which(tool):
            skip_all("no %s here: apt-get install %s" % (tool, package))


def finish():
    print("1..%d" % count)
    sys.exit(0)


def wait_for(what, limit=LIMIT):
    """Ask what() until it says something true, or until the limit; its last answer."""
    end = time.monotonic() + limit
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.03)


def start(*command, **options):
    child = subprocess.Popen(command, **options)
    children.append(child)
    return child


def end_children():
    for child in reversed(children):
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


class Log:
    """What the guest says by the debug console, a file that grows."""

    def __init__(self, path):
        self.path, self.seen = path, 0

    def text(self):
        try:
            with open(self.path, "rb") as f:
                f.seek(self.seen)
                return f.read().decode("latin-1")
        except OSError:
            return ""

    def expect(self, pattern, limit=LIMIT):
        """Wait for a match behind what was matched before; the match, or None."""
        m = wait_for(lambda: re.search(pattern, self.text(), re.M), limit)
        if m:
            self.seen += m.end()
        return m


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        if not wait_for(lambda: not self.socket.connect_ex(path)):
            raise RuntimeError("the monitor does not answer")
        self.until_prompt()

    def until_prompt(self):
        data = b""
        while not data.endswith(b"(qemu) "):
            got = self.socket.recv(65536)
            if not got:
                break
            data += got
        return data

    def __call__(self, line):
        self.socket.sendall(line.encode() + b"\n")
        return self.until_prompt()

    def screendump(self):
        """The screen as (width, height, RGB bytes)."""
        if os.path.exists("dump.ppm"):
            os.unlink("dump.ppm")
        self("screendump dump.ppm")
        with open("dump.ppm", "rb") as f:
            data = f.read()
        m = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
        return int(m[1]), int(m[2]), data[m.end():]


def program(*options):
    return [build + "/src/x86vm", "-serial", "null", "-m", "16", "-snapshot", "-fda", build + "/tests/guests/screen.img"] + list(options)


def control(directory="."):
    return ["-debugcon", "file:" + os.path.join(directory, "log"), "-monitor",
            "unix:" + os.path.join(directory, "mon") + ",server=on,wait=off"]


os.chdir(tempfile.mkdtemp(prefix="screens"))
