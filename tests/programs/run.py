#!/usr/bin/env python3
"""Runs the programs of tests/programs/list in a guest by every engine, and on the host itself; what they print must be the
same everywhere. TAP.

    tests/programs/run.py [options] [REGEX...]      only programs whose name matches one

DIR is made by tests/programs/fetch. DIR/results/ENGINE has what each program wrote, and "table" with its digest, status and
seconds; with --reuse a program that is there with the same command is not run again. See docs/testing.md.
"""
import argparse
import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(here, "..", "..", "bench"))
from machine import Initramfs, machine  # noqa: E402

ENGINES = ["native", "interp", "translate", "window", "all-windows", "few-windows", "direct", "auto", "strict", "chaos", "qemu"]
OUTPUT_DISK = 256 << 20
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 5  # seconds for a sandbox to end after its machine
SHOWN_LINES = 6


trouble = []  # what else was wrong with an engine's run


def read_list(path, wanted):
    """[(name, engines that it is not for, command)]"""
    programs = []
    with open(path) as f:
        for line in f:
            name, _, command = line.rstrip("\n").partition(" ")
            if not name or name.startswith("#"):
                continue
            without = ["interp"] if name.endswith("!") else ["auto", "direct"] if name.endswith("~") else []
            name = name.rstrip("!~")
            if name.startswith("red-"):
                without.append("native")
            if not wanted or any(re.search(w, name) for w in wanted):
                programs.append((name, without, command))
    names = [p[0] for p in programs]
    if len(set(names)) != len(names):
        sys.exit("run.py: a name is in the list twice: " + " ".join(sorted({n for n in names if names.count(n) > 1})))
    return programs


def due_for(programs, engine):
    """The long ones last."""
    return sorted((p for p in programs if engine not in p[1]), key=lambda p: "interp" in p[1])


def key_of(options, program):
    """A digest of what decides a program's output, for results that are kept."""
    h = hashlib.sha256(program[2].encode())
    for path in options.own:
        if os.path.basename(path) in program[2].split():
            with open(path, "rb") as f:
                h.update(f.read())
    return h.hexdigest()[:16]


def make_own(options, programs, engine):
    own = os.path.join(options.dir, "own-" + engine)
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(os.path.join(here, "own"), own)
    shutil.copy(os.path.join(here, "each"), own)
    for path in options.own:
        shutil.copy(path, own)
    with open(os.path.join(own, "list"), "w") as f:
        f.write("".join("%s %s\n" % (name, command) for name, _, command in programs))
    return own


def run_native(options, engine, own, out):
    with open(os.path.join(out, "log"), "wb") as f:
        subprocess.run([os.path.join(here, "native"), os.path.join(options.dir, "root"), own, os.path.join(out, "out"),
                        str(options.limit)], stdout=f, stderr=subprocess.STDOUT)


def left_behind():
    """Processes of a machine that has ended become our children: see PR_SET_CHILD_SUBREAPER."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.05)
        except ChildProcessError:
            return False
    return True


def run_guest(options, engine, own, out):
    fs = Initramfs()
    fs.record("dev", 0o040755)
    fs.add("init", os.path.join(here, "init"))
    fs.add("bin/busybox", os.path.join(options.dir, "root/usr/bin/busybox"))
    fs.add("modules", os.path.join(options.dir, "modules"))
    fs.add("own", own)
    initramfs, disk = os.path.join(out, "initramfs"), os.path.join(out, "disk")
    fs.write(initramfs)
    with open(disk, "wb") as f:
        f.truncate(OUTPUT_DISK)
    command = machine(options, engine) + [
        "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-m", "1536",
        "-kernel", os.path.join(options.dir, "vmlinuz"), "-initrd", initramfs,
        "-drive", "file=%s,format=raw,if=ide,index=0,snapshot=on" % os.path.join(options.dir, "root.img"),
        "-drive", "file=%s,format=raw,if=ide,index=1" % disk,
        "-append", "console=ttyS0 quiet nokaslr panic=-1 no_timer_check norandmaps limit=%d" % options.limit]
    with open(os.path.join(out, "log"), "wb") as f:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=f, stderr=subprocess.STDOUT)
        try:
            if process.wait(options.total):
                trouble.append("%s: x86vm ended with status %d" % (engine, process.returncode))
        except subprocess.TimeoutExpired:
            trouble.append("%s: it did not end within %d s" % (engine, options.total))
        finally:
            process.kill()
            process.wait()
    if left_behind():
        trouble.append("%s: x86vm left a process behind" % engine)
    try:
        with tarfile.open(disk, "r:") as tar:
            tar.extractall(os.path.join(out, "out"))
    except tarfile.TarError:
        pass  # it did not come that far; the table tells
    os.unlink(initramfs)
    os.unlink(disk)


def first_line(output):
    return output.decode(errors="replace").strip().split("\n")[0]


def impossible(options, engine):
    """Why this engine can not run here, or None."""
    if engine == "native":
        tried = subprocess.run(["unshare", "--map-root-user", "--mount", "--pid", "--fork", "chroot",
                                os.path.join(options.dir, "root"), "/usr/bin/busybox", "true"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if tried.returncode:
            return "this host does not run i386 programs in namespaces: " + first_line(tried.stdout)
    elif engine == "qemu":
        return None if shutil.which(options.qemu) else "no " + options.qemu
    else:
        tried = subprocess.run(machine(options, engine) + ["-version"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        if tried.returncode or b"direct" in tried.stdout:
            return first_line(tried.stdout)
    return None


def run(options, engine, programs):
    """{name: (digest, status, seconds)}, or a text that says why not"""
    why = impossible(options, engine)
    if why:
        return why
    out = os.path.join(options.dir, "results", engine)
    table, keys = os.path.join(out, "table"), {p[0]: key_of(options, p) for p in programs}
    programs, results = due_for(programs, engine), {}
    if options.reuse and os.path.exists(table):
        with open(table) as f:
            for key, name, digest, status, seconds in map(str.split, f):
                if keys.get(name) == key:
                    results[name] = (digest, int(status), float(seconds))
    else:
        shutil.rmtree(out, ignore_errors=True)
    os.makedirs(os.path.join(out, "out"), exist_ok=True)
    programs = [p for p in programs if p[0] not in results]
    if programs:
        own = make_own(options, programs, engine)
        print("# %s: begins, %d programs" % (engine, len(programs)), flush=True)
        try:
            (run_native if engine == "native" else run_guest)(options, engine, own, out)
        finally:
            shutil.rmtree(own)
            with open(os.path.join(out, "log"), "rb") as f:
                text = f.read().decode(errors="replace").replace("\r", "")
            for name, digest, status, seconds in re.findall(r"^run (\S+) ([0-9a-f]{64}) (\d+) ([\d.]+)$", text, re.M):
                results[name] = (digest, int(status), float(seconds))
            with open(table, "w") as f:
                for name, r in results.items():
                    f.write("%s %s %s %d %.2f\n" % ((keys[name], name) + r))
    return results


def lines_of(options, engine, name):
    try:
        with open(os.path.join(options.dir, "results", engine, "out", name), "rb") as f:
            return f.read().decode(errors="replace").split("\n")
    except OSError:
        return ["(its output was not kept)"]


def show_difference(options, name, one, other):
    a, b = lines_of(options, one, name), lines_of(options, other, name)
    n = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    print("#   the first difference is in line %d" % (n + 1))
    for engine, lines in (one, a), (other, b):
        for line in lines[n:n + SHOWN_LINES // 2]:
            print("#   %-9s %s" % (engine, line[:160]))


def main():
    p = argparse.ArgumentParser(description="Real programs by every engine and natively")
    p.add_argument("wanted", nargs="*", metavar="REGEX")
    p.add_argument("--x86vm", default="src/x86vm")
    p.add_argument("--qemu", default="qemu-system-i386")
    p.add_argument("--dir", default="programs", help="made by tests/programs/fetch")
    p.add_argument("--own", action="append", default=[], help="a program of our own for /own")
    p.add_argument("--engines", default="native,interp,translate,window,direct,auto,strict", help="of " + ",".join(ENGINES))
    p.add_argument("--list", default=os.path.join(here, "list"))
    p.add_argument("--limit", type=int, default=600, help="seconds for one program")
    p.add_argument("--total", type=int, default=14400, help="seconds for one guest")
    p.add_argument("--reuse", action="store_true", help="do not run again what has results there")
    options = p.parse_args()
    options.dir = os.path.abspath(options.dir)
    programs = read_list(options.list, options.wanted)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tables, skipped = {}, {}
    for engine in options.engines.split(","):
        if engine not in ENGINES:
            sys.exit("run.py: no engine is called %s; there are %s" % (engine, ", ".join(ENGINES)))
        result = run(options, engine, programs)
        if isinstance(result, dict):
            tables[engine] = result
            print("# %s: %d programs, %.1f s" % (engine, len(result), sum(r[2] for r in result.values())), flush=True)
        else:
            skipped[engine] = result
            print("# %s: skipped: %s" % (engine, result), flush=True)

    failed = 0
    for number, (name, without, _) in enumerate(programs, 1):
        due = [e for e in tables if e not in without]
        reference = next((e for e in due if name in tables[e]), None)
        missing = [e for e in due if name not in tables[e]]
        right = reference and tables[reference][name][:2]
        other = [e for e in due if name in tables[e] and tables[e][name][:2] != right]
        times = " ".join("%s %.2f" % (e, tables[e][name][2]) for e in due if name in tables[e])
        if len(due) < 2:
            print("ok %d - %s # SKIP nothing to compare with" % (number, name))
        elif not missing and not other:
            print("ok %d - %s # %s" % (number, name, times))
        else:
            failed += 1
            print("not ok %d - %s # %s" % (number, name, times))
            if missing:
                print("#   no result: " + " ".join(missing))
            for e in other:
                print("#   %s status %d, %s status %d" % (reference, right[1], e, tables[e][name][1]))
                show_difference(options, name, reference, e)
    print("%s %d - the machines ended well" % ("not ok" if trouble else "ok", len(programs) + 1))
    for text in trouble:
        print("#   " + text)
    print("1..%d" % (len(programs) + 1))
    print("# %d programs, %d differ; engines: %s" % (len(programs), failed, " ".join(tables)))
    return 1 if failed or trouble else 0


sys.exit(main())
