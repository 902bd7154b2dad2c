"""A guest for scripts: an initramfs made of files, and x86vm or QEMU with its serial line on a pipe."""
import glob
import os
import re
import select
import subprocess
import time

# ---- initramfs: "newc" records; the kernel's Documentation/driver-api/early-userspace/buffer-format.rst has them ----

class Initramfs:
    def __init__(self):
        self.records, self.seen, self.inode = [], set(), 0

    def record(self, name, mode, data=b"", major=0, minor=0):
        if name in self.seen:
            return
        self.seen.add(name)
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        self.records.append(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    def parents(self, name):
        parts = name.split("/")[:-1]
        for n in range(1, len(parts) + 1):
            self.record("/".join(parts[:n]), 0o040755)

    def add(self, name, path):
        self.parents(name)
        if os.path.islink(path):
            self.record(name, 0o120777, os.readlink(path).encode())
        elif os.path.isdir(path):
            self.record(name, 0o040755)
            for entry in sorted(os.listdir(path)):
                self.add(name + "/" + entry, os.path.join(path, entry))
        elif os.path.isfile(path):
            with open(path, "rb") as f:
                self.record(name, 0o100755, f.read())

    def write(self, path):
        self.record("dev/console", 0o020600, major=5, minor=1)
        self.record("TRAILER!!!", 0)
        with open(path, "wb") as f:
            f.write(b"".join(self.records))


# ---- a run ----

def cpu_time(pid):
    """Processor seconds of all threads of a process and of its children."""
    total = 0
    for task in glob.glob("/proc/%d/task/*" % pid):
        try:
            with open(task + "/schedstat") as f:
                total += int(f.read().split()[0]) * 1e-9
            with open(task + "/children") as f:
                total += sum(cpu_time(int(child)) for child in f.read().split())
        except OSError:
            pass  # it has just ended
    return total


class Talk:
    """A machine with its serial line on a pipe."""
    alive = set()

    def __init__(self, command, limit):
        self.start = time.monotonic()
        self.limit = self.start + limit
        self.output = b""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.alive.add(self)

    def until(self, pattern):
        """Seconds since the start until pattern has come; None when it doesn't."""
        while not re.search(pattern, self.output):
            left = self.limit - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                return None
            self.output += got
        return time.monotonic() - self.start

    def send(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self):
        """Seconds until it ended by itself; None when it had to be killed."""
        self.until(rb"(?!)")
        try:
            self.process.wait(max(1, self.limit - time.monotonic()))
            return time.monotonic() - self.start
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        finally:
            self.alive.discard(self)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.alive.discard(self)


def machine(options, engine):
    """The command that starts a machine with that engine."""
    if engine == "qemu":
        return [options.qemu, "-accel", "tcg", "-nic", "none"]
    accel = {"interp": ["-accel", "interp"], "translate": ["-accel", "translate,direct=off,window=off"],
             "window": ["-accel", "translate,direct=off,window=auto"],
             "all-windows": ["-accel", "translate,direct=off,window=on"],
             "few-windows": ["-accel", "translate,direct=off,window=on,window-budget=200"],
             "direct": ["-accel", "translate,direct=on"], "strict": ["-accel", "translate,direct=strict"],
             "chaos": ["-accel", "chaos=1,direct=auto"], "auto": []}
    return [options.x86vm] + accel[engine]
