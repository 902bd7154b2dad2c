#!/usr/bin/env python3
"""The compute workloads natively and on machines, in turns of a fraction of a second: what disturbs the host disturbs all alike.

    bench/turns.py [options] [WORKLOAD...]

On a host whose speed changes from second to second two runs one after the other can't be compared to some percent. Here all engines run the same
workload at once, but one at a time: while one has its turn the others stand still, a program by SIGSTOP, a machine, clock and all, by its monitor's
"stop". The program runs on that of the host's processors on which the first machine's CPU ran last. A workload's time is taken inside the
guest; a program's own is without the time that it stood still. Checksums must be the same everywhere.
"""
import argparse
import glob
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from machine import Initramfs, Talk, machine  # noqa: E402
from run import GROUPS, amount, mean  # noqa: E402

RESULT = rb"^work (\S+) ([\d.]+) ([0-9a-f]{8})\r?$"


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(child) for child in f.read().split()]


class Program:
    """The workload as a process of the host. It stands still but in its turns."""
    def __init__(self, options, name):
        self.command = [options.work, "-scale", str(options.scale), name]
        self.process, self.paused, self.since = None, 0.0, None

    def turn(self, seconds, cpu):
        if self.process:
            self.paused += time.monotonic() - self.since
            os.killpg(self.process.pid, signal.SIGCONT)
        else:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, start_new_session=True)
        if cpu is not None:
            for task in [self.process.pid] + children(self.process.pid):
                os.sched_setaffinity(task, {cpu})
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGSTOP)
            self.since = time.monotonic()

    def result(self):
        if not self.process or self.process.poll() is None:
            return None
        found = re.search(RESULT, self.process.stdout.read(), re.M)
        return (float(found[2]) - self.paused, found[3]) if found else (None, None)

    def end(self):
        if self.process:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Machine:
    """The workload in a guest, which has booted."""
    def __init__(self, options, engine, name, initramfs):
        self.path = tempfile.mktemp(prefix="x86vm-turns-")
        command = machine(options, engine) + [
            "-display", "none", "-monitor", "unix:%s,server=on,wait=off" % self.path, "-serial", "stdio", "-no-reboot", "-m", "512",
            "-kernel", os.path.join(options.dir, "vmlinuz"), "-initrd", initramfs,
            "-append", "console=ttyS0 quiet panic=-1 no_timer_check scale=%g work=%s" % (options.scale, name)]
        self.talk = Talk(command, options.limit)
        self.monitor = socket.socket(socket.AF_UNIX)
        if self.talk.until(rb"work: booted") is None:
            sys.exit("turns: %s: the guest did not boot" % engine)
        self.monitor.connect(self.path)
        self.prompts(1)
        self.say("stop")

    def prompts(self, count):
        got = b""
        while got.count(b"(qemu) ") < count:
            part = self.monitor.recv(4096)
            if not part:
                return
            got += part

    def say(self, command):
        try:
            self.monitor.send(command.encode() + b"\n")
            self.prompts(1)
        except OSError:
            pass  # it has ended

    def turn(self, seconds, cpu):
        self.say("cont")
        until = time.monotonic() + seconds
        while time.monotonic() < until and not re.search(RESULT, self.talk.output, re.M):
            limit, self.talk.limit = self.talk.limit, until
            self.talk.until(RESULT.replace(b"^", b"(?m)^"))
            self.talk.limit = limit
        self.say("stop")

    def cpu(self):
        """The processor of the host that the CPU's thread ran on last."""
        for task in glob.glob("/proc/%d/task/*/stat" % self.talk.process.pid):
            with open(task) as f:
                text = f.read()
            if "(vcpu)" in text:
                return int(text.rsplit(")", 1)[1].split()[36])
        return None

    def result(self):
        found = re.search(RESULT, self.talk.output, re.M)
        if found:
            return float(found[2]), found[3]
        return (None, None) if self.talk.process.poll() is not None else None

    def end(self):
        self.talk.kill()
        self.monitor.close()
        if os.path.exists(self.path):
            os.unlink(self.path)


def one_round(options, name, initramfs):
    """{engine: (seconds, checksum)}"""
    runs = {}
    for engine in options.engines:
        runs[engine] = Program(options, name) if engine == "native" else Machine(options, engine, name, initramfs)
    first = next((r for r in runs.values() if isinstance(r, Machine)), None)
    results = {}
    try:
        while len(results) < len(runs):
            for engine, run in runs.items():
                if engine in results:
                    continue
                run.turn(options.turn / 1000, first.cpu() if first else None)
                got = run.result()
                if got:
                    results[engine] = got
    finally:
        for run in runs.values():
            run.end()
    return results


def main():
    p = argparse.ArgumentParser(description="Benchmarks of x86vm against native code and QEMU TCG, in turns")
    p.add_argument("names", nargs="*", help="workloads of the compute group (default: all)")
    p.add_argument("--x86vm", default="src/x86vm")
    p.add_argument("--qemu", default="qemu-system-i386")
    p.add_argument("--work", default="bench/work")
    p.add_argument("--dir", default="benchdir", help="made by bench/fetch")
    p.add_argument("--engines", default="native,auto")
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--scale", type=float, default=30)
    p.add_argument("--turn", type=float, default=250, metavar="MS")
    p.add_argument("--limit", type=float, default=3600, help="seconds for a machine")
    options = p.parse_args()
    options.engines = options.engines.split(",")
    names = options.names or GROUPS["compute"]
    initramfs = os.path.join(options.dir, "initramfs-turns")
    fs = Initramfs()
    fs.record("dev", 0o040755)
    fs.add("init", options.work)
    fs.write(initramfs)

    head = ["workload"] + options.engines + [e + "/" + options.engines[0] for e in options.engines[1:]]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    ratios = {e: [] for e in options.engines[1:]}
    for name in names:
        rounds = []
        for _ in range(options.rounds):
            results = one_round(options, name, initramfs)
            if len({r[1] for r in results.values()}) != 1 or None in [r[0] for r in results.values()]:
                sys.exit("turns: %s: results differ: %s" % (name, results))
            rounds.append({e: r[0] for e, r in results.items()})
        base = options.engines[0]
        middle = {e: statistics.median(r[e] for r in rounds) for e in options.engines}
        row = [name] + [amount(middle[e]) for e in options.engines]
        for e in options.engines[1:]:
            ratio = statistics.median(r[e] / r[base] for r in rounds)  # of a round, whose engines had the same weather
            ratios[e].append(ratio)
            row.append("%.3f" % ratio)
        print("| " + " | ".join(row) + " |", flush=True)
    if len(names) > 1:
        print("| " + " | ".join(["geometric mean"] + [""] * len(options.engines) + [mean(ratios[e]) for e in options.engines[1:]]) + " |")


main()
