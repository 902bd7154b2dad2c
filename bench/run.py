#!/usr/bin/env python3
"""Runs the same work natively, on x86vm's engines and on QEMU TCG, in turn and several times, and prints a table of medians.

    bench/run.py [options] [WORKLOAD or GROUP...]

Groups: compute system programs boot nano debian; without any: all but debian. See docs/performance.md for what each is.
A round runs every engine once; the order turns from round to round. A workload's time is taken inside the guest and its
checksum must be the same everywhere. Guests run from memory: a kernel and an initramfs, made here from what bench/fetch has
put into DIR and from the static program bench/work.
"""
import argparse
import math
import os
import re
import resource
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
from machine import Initramfs, Talk, cpu_time, machine  # noqa: E402

GROUPS = {
    "compute": ["integer", "sort", "recursion", "indirect", "chase", "copy", "nbody-x87", "nbody-sse"],
    "system": ["syscall", "fork", "exec", "pagefault", "pipe", "signal", "file", "shell"],
    "programs": ["gzip", "xz", "openssl-sha512", "openssl-aes", "python", "compiler"],
    "boot": ["boot", "boot-poweroff"],
    "nano": ["nano-syscall", "nano-in", "nano-clts", "nano-callret", "nano-pgfault", "nano-divzero", "nano-ptemod", "nano-apicid",
             "nano-apiceoi"],
    "debian": ["debian-prompt", "debian-poweroff"],
}
# which files of DIR/root a program needs in its guest
PROGRAM_FILES = {
    "shell": ["bin/busybox"],
    "gzip": ["bin/gzip"],
    "xz": ["usr/bin/xz"],
    "openssl-sha512": ["usr/bin/openssl", "usr/lib/ssl"],
    "openssl-aes": ["usr/bin/openssl", "usr/lib/ssl"],
    "python": ["usr/bin/python3.11", "usr/lib/python3.11"],
    "compiler": ["usr/lib/gcc/i686-linux-gnu/12/cc1", "source.i"],
}
LIBRARIES = ["lib", "usr/lib/i386-linux-gnu"]
ENGINES = ["native", "interp", "translate", "window", "direct", "strict", "auto", "qemu"]


def die(text):
    sys.exit("bench: " + text)


def make_initramfs(options, names, path):
    fs = Initramfs()
    fs.record("dev", 0o040755)
    fs.add("init", options.work)
    wanted = [n for n in names if n in PROGRAM_FILES]
    root = os.path.join(options.dir, "root")
    for file in (LIBRARIES if any(n in GROUPS["programs"] for n in wanted) else []) + [f for n in wanted for f in PROGRAM_FILES[n]]:
        fs.add(file, os.path.join(root, file))
    fs.write(path)


# ---- one run ----

def read_results(text, results):
    for name, seconds, checksum in re.findall(rb"^work (\S+) ([\d.]+) ([0-9a-f]{8})\r?$", text, re.M):
        results[name.decode()] = (float(seconds), checksum.decode())
    for name, picoseconds in re.findall(rb"^nano (\S+) (\d+)\r?$", text, re.M):
        results["nano-" + name.decode()] = (float(picoseconds) * 1e-12, None)


def run_native(options, names):
    results = {}
    works = [n for n in names if n in GROUPS["compute"] + GROUPS["system"] + GROUPS["programs"]]
    if works:
        env = dict(os.environ, BENCH_ROOT=os.path.abspath(os.path.join(options.dir, "root")))
        for some in works if options.cpu else [",".join(works)]:
            before = children_cpu()
            out = subprocess.run([options.work, "-scale", str(options.scale), some], env=env, stdout=subprocess.PIPE,
                                 timeout=options.limit).stdout
            read_results(out, results)
            if options.cpu and some in results:
                results[some] = (children_cpu() - before, results[some][1])
    return results


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def follow(t, works):
    """Until the workloads have ended; the guest pauses after each, and what the machine has used by then is taken for its time."""
    results, seen = {}, {}
    t.until(rb"work: booted")
    before = cpu_time(t.process.pid)
    for name in works:
        if t.until(rb"work %s [\d.]+ [0-9a-f]{8}\r?\n" % name.encode()) is None:
            break
        now = cpu_time(t.process.pid)
        read_results(t.output, seen)
        results[name] = (now - before, seen[name][1])
        before = now
    t.end()
    return results


def run_guest(options, engine, names, initramfs):
    results = {}
    works = [n for n in names if n in GROUPS["compute"] + GROUPS["system"] + GROUPS["programs"]]
    base = ["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"]
    linux = machine(options, engine) + base + ["-m", "512", "-kernel", os.path.join(options.dir, "vmlinuz")]
    # no_timer_check: the kernel gives its timer 40 ms to prove itself, which a busy host may not
    append = "console=ttyS0 quiet panic=-1 no_timer_check scale=%g work=" % options.scale
    if any(n in GROUPS["boot"] for n in names):
        t = Talk(linux + ["-initrd", initramfs + "-small", "-append", append], options.limit)
        booted, end = t.until(rb"work: booted"), t.end()
        if booted and end:
            results["boot"], results["boot-poweroff"] = (booted, None), (end, None)
        log(options, engine, "boot", t.output)
    if works:
        t = Talk(linux + ["-initrd", initramfs, "-append", append + ",".join(works)], options.limit)
        if options.cpu:
            results.update(follow(t, works))
        else:
            t.end()
            read_results(t.output, results)
        log(options, engine, "work", t.output)
    if any(n in GROUPS["nano"] for n in names) and os.path.exists(options.nano):
        t = Talk(machine(options, engine) + base + ["-m", "32", "-kernel", options.nano, "-device",
                 "isa-debug-exit,iobase=0x501,iosize=1"], options.limit)
        t.end()
        read_results(t.output, results)
        log(options, engine, "nano", t.output)
    if any(n in GROUPS["debian"] for n in names):
        t = Talk(machine(options, engine) + base + ["-m", "512", "-snapshot", "-hda", options.debian], options.limit)
        prompt = t.until(rb"root@guest:~# ")
        if prompt:
            t.send(b"poweroff\r")
            end = t.end()
            results["debian-prompt"] = (prompt, None)
            if end:
                results["debian-poweroff"] = (end, None)
        else:
            t.kill()
        log(options, engine, "debian", t.output)
    return {n: r for n, r in results.items() if n in names}


def log(options, engine, what, output):
    with open(os.path.join(options.dir, "%s-%s.log" % (what, engine)), "wb") as f:
        f.write(output)


# ---- the table ----

def amount(seconds):
    if seconds is None:
        return "-"
    return "%.4f us" % (seconds * 1e6) if seconds < 1e-3 else "%.3f" % seconds if seconds < 10 else "%.1f" % seconds


def ratio(a, b):
    return "-" if a is None or b is None else "%.2f" % (a / b)


def mean(values):
    values = [v for v in values if v]
    return "%.2f" % math.exp(sum(map(math.log, values)) / len(values)) if values else "-"


def table(engines, names, times, middle, out):
    ours = [e for e in engines if e not in ("native", "qemu")]
    median = {(e, n): middle(t) for (e, n), t in times.items() if t}
    head = ["workload"] + engines
    head += [e + "/native" for e in ours if "native" in engines] + ["qemu/" + e for e in ours if "qemu" in engines]
    print("| " + " | ".join(head) + " |", file=out)
    print("|---" * len(head) + "|", file=out)
    columns = [(e, "native") for e in ours if "native" in engines] + [("qemu", e) for e in ours if "qemu" in engines]
    for n in names:
        row = [n] + [amount(median.get((e, n))) for e in engines] + [ratio(median.get((a, n)), median.get((b, n))) for a, b in columns]
        print("| " + " | ".join(row) + " |", file=out)
    for group, members in GROUPS.items():
        members = [n for n in members if n in names]
        if len(members) > 1 and group != "debian":
            row = ["geometric mean, " + group] + [""] * len(engines)
            row += [mean([median[a, n] / median[b, n] for n in members if (a, n) in median and (b, n) in median]) for a, b in columns]
            print("| " + " | ".join(row) + " |", file=out)
    print(file=out)


def main():
    p = argparse.ArgumentParser(description="Benchmarks of x86vm against native code and QEMU TCG")
    p.add_argument("names", nargs="*", help="workloads or groups: " + " ".join(GROUPS))
    p.add_argument("--x86vm", default="src/x86vm")
    p.add_argument("--qemu", default="qemu-system-i386")
    p.add_argument("--work", default="bench/work")
    p.add_argument("--nano", default="bench/nano.elf")
    p.add_argument("--dir", default="benchdir", help="made by bench/fetch")
    p.add_argument("--debian", default="guests/debian.img")
    p.add_argument("--engines", default="native,translate,qemu", help="of %s; auto is what x86vm chooses by itself" % ",".join(ENGINES))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--least", action="store_true", help="show the least of the rounds, not the median: on a busy host it is steadier")
    p.add_argument("--cpu", action="store_true", help="show processor time, not the guest's clock: another load disturbs it less")
    p.add_argument("--scale", type=float, default=1)
    p.add_argument("--limit", type=float, default=600, help="seconds for one run")
    options = p.parse_args()
    engines = options.engines.split(",")
    for e in engines:
        if e not in ENGINES:
            die("no engine is called %s; there are %s" % (e, ", ".join(ENGINES)))
    names = []
    for n in options.names or [g for g in GROUPS if g != "debian"]:
        if n not in GROUPS and not any(n in g for g in GROUPS.values()):
            die("no workload or group is called %s; groups: %s" % (n, "; ".join("%s: %s" % (g, " ".join(m)) for g, m in GROUPS.items())))
        names += [m for m in GROUPS.get(n, [n]) if m not in names]
    if not os.path.exists(os.path.join(options.dir, "vmlinuz")):
        die("%s has no kernel; make it with bench/fetch %s" % (options.dir, options.dir))
    initramfs = os.path.join(options.dir, "initramfs-%d" % os.getpid())
    make_initramfs(options, names, initramfs)
    make_initramfs(options, [], initramfs + "-small")
    times, sums, bad = {}, {}, False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for r in range(options.rounds):
            for k in range(len(engines)):
                engine = engines[(k + r) % len(engines)]
                results = run_native(options, names) if engine == "native" else run_guest(options, engine, names, initramfs)
                for n, (seconds, checksum) in results.items():
                    times.setdefault((engine, n), []).append(seconds)
                    if checksum and sums.setdefault(n, checksum) != checksum:
                        print("bench: %s: checksum %s on %s, %s elsewhere" % (n, checksum, engine, sums[n]), file=sys.stderr)
                        bad = True
                missing = [n for n in names if n not in results and not (engine == "native" and n.split("-")[0] in ("boot", "nano", "debian"))]
                print("round %d: %s%s" % (r + 1, engine, "; no result: " + " ".join(missing) if missing else ""), file=sys.stderr)
                bad |= bool(missing)
    except KeyboardInterrupt:
        print("bench: interrupted; the table has the rounds so far", file=sys.stderr)
        bad = True
    finally:
        for t in Talk.alive:
            t.process.kill()
        os.unlink(initramfs)
        os.unlink(initramfs + "-small")
    table(engines, names, times, min if options.least else statistics.median, sys.stdout)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
