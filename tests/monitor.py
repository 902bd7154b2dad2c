"""The monitor and QMP of a machine that runs tests/guests/gdb.S (a loop in user mode), and its traces. TAP."""
import json, os, re, socket, subprocess, sys, tempfile, time

build = os.path.abspath(sys.argv[1])
os.chdir(tempfile.mkdtemp())
count = 0


def result(ok, name, why=""):
    global count
    count += 1
    print("%sok %d - %s" % ("" if ok else "not ", count, name))
    if not ok:
        print("".join("# %s\n" % l for l in str(why).splitlines()), end="")
    sys.stdout.flush()


def machine(*options, guest="gdb"):
    image = build + "/tests/guests/" + guest + ".img"
    return subprocess.Popen([build + "/src/x86vm", "-display", "none", "-serial", "null", "-m", "16", "-snapshot", "-hda", image,
                             "-symbols", image[:-3] + "elf"] + list(options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


LIMIT = 120  # seconds that anything may take, however busy the host is


def wait_for(what):
    """Ask what() until it says something true, or until the limit; its last answer."""
    end = time.monotonic() + LIMIT
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def connect(path, family=socket.AF_UNIX):
    """A socket that somebody will listen at."""
    def attempt():
        s = socket.socket(family)
        s.settimeout(LIMIT)
        if not s.connect_ex(path):
            return s
        s.close()
    return wait_for(attempt)


vm = machine("-monitor", "unix:mon,server=on,wait=off", "-qmp", "unix:qmp,server=on,wait=off", "-name", "test")
mon = connect("mon")


def until(text):
    data = b""
    while not data.endswith(text):
        got = mon.recv(65536)
        if not got:
            break
        data += got
    return re.sub(r"\x1b\[\d*[A-Z]", "", data.decode(errors="replace")).replace("\r", "")


def hmp(line):
    mon.sendall(line.encode() + b"\n")
    answer = until(b"(qemu) ")
    return answer.split("\n", 1)[1].rsplit("(qemu) ", 1)[0]


greeting = until(b"(qemu) ")
result("monitor" in greeting, "the monitor greets", greeting)
wait_for(lambda: "CPL=3" in hmp("info registers"))  # until the guest is in its loop
regs = hmp("info registers")
result(re.search(r"^EIP=00007[0-9a-f]{3} EFL=[0-9a-f]{8} \[[-DOSZAPC]{7}\] CPL=3", regs, re.M) and
       re.search(r"^CS =001b 00000000 ffffffff 00cffb00 DPL=3 CS32 \[-RA\]", regs, re.M) and "XMM07=" in regs, "info registers", regs)

flows = [
    ("info status", r"^VM status: running$"),
    ("stop", r"^$"),
    ("info status", r"^VM status: paused$"),
    ("info mem", r"^0000000000000000-0000000000400000 0000000000400000 urw\n00000000c0000000-00000000c0400000 "),
    ("info tlb", r"^0000000000007000: 0000000000007000 ----?.*UW$"),
    ("info pic", r"(?s)^ioapic0: ver=0x20 .*^  pin 23 0x0{11}10000 dest=0 vec=0   active-hi edge  masked fixed  physical$.*"
                 r"^pic1: irr=.*^pic0: irr=.. imr=.. isr=.. hprio=0 irq_base=08 rr_sel=0 elcr=00 fnm=0$"),
    ("info irq", r"(?s)^IRQ statistics for ioapic:$.*^IRQ statistics for isa-i8259:\n 0: \d+$.*^CPU: INTR="),
    ("info mtree", r"(?s)^address-space: memory\n  0{16}-0*f{9} \(prio 0, i/o\): system\n    0{16}-0{11}9ffff \(prio 0, ram\): .*"
                   r"^address-space: I/O$.*^    0{13}3f8-0{13}3ff \(prio 0, i/o\): serial$"),
    ("info block", r"^ide0-hd0: .*gdb.img \(raw\)\n    Attached to:      ide0-hd0\n    Cache mode:       writeback\n\nide1-cd0: \[not inserted\]"),
    ("info qtree", r"(?s)^bus: main-system-bus\n  type System$.*^        bus: isa.0\n          type ISA$.*"
                   r"^        class IDE controller, addr 00:01.1, pci id 8086:7010 \(sub 1af4:1100\)$.*^            drive = \"ide0-hd0\"$"),
    ("info pci", r"^    IDE controller: PCI device 8086:7010\n      PCI subsystem 1af4:1100\n      BAR4: I/O at 0x"),
    ("info decision", r"^state: CPL=3 CR0.PE=1 VM=0 IOPL=0 IF=0; segments unlike their descriptors: none\ndecision: translate: interrupts off$"),
    ("info jit", r"."),
    ("info window", r"shadow windows|windows:"),
    ("info roms", r"^addr=00000000fffe0000 size=0x020000 mem=rom name=\"bios.bin\"$"),
    ("info version", r"^\d+\.\d+"),
    ("info", r"info registers -- show"),
    ("x/2i user", r"push 0x12345678.*<user>"),
    ("x/4xw 0x1000", r"^00001000: 0x00002027 0x00000000 0x00000000 0x00000000$"),
    ("x/1xw 0xc0001000", r"^c0001000: 0x00002027$"),
    ("x/2xb 0x7dfe", r"^00007dfe: 0x55 0xaa$"),
    ("x/1c 0x7dfe", r"^00007dfe: 'U'$"),
    ("x/1dh 0x7dfe", r"^00007dfe: 43605$"),
    ("x/2uw 0x7dfc", r"^00007dfc: *\d+ +\d+$"),
    ("x/3ob 0x7dfe", r"^00007dfe: 0125 0252 "),
    ("x/1xg 0x7df8", r"^00007df8: 0xaa55[0-9a-f]{12}$"),
    ("x/1i 0x900000", r"^0x00900000: unable to read memory$"),
    ("x/xw 0x900000", r"^00900000: Cannot access memory$"),
    ("xp/1xw 0x1000", r"^0000000000001000: 0x00002027$"),
    ("print/x 0x10+2*3", r"^0x16$"),
    ("print $cs", r"^0x1b$"),
    ("p/d (1|2)*4", r"^12$"),
    ("p/c 65", r"^'A'$"),
    ("p/u -1", r"^18446744073709551615$"),
    ("print/x 1/0", r"division by zero"),
    ("print counter", r"^0x[0-9a-f]+$"),
    ("p $nonsense", r"^unknown register$"),
    ("gva2gpa 0xc0007c00", r"^gpa: 0x7c00$"),
    ("gva2gpa 0x900000", r"^Unmapped$"),
    ("step 2", r"^$"),
    ("info status", r"^VM status: paused \(debug\)$"),
    ("screendump s.ppm", r"^$"),
    ("screendump -f png s.bin", r"^$"),
    ("screendump /nonexistent/s.ppm", r"Error"),
    ("sendkey ctrl-alt-f1", r"^$"),
    ("sendkey nokey", r"^Error: invalid parameter: nokey"),
    ("mouse_move 3 4", r"^$"),
    ("mouse_button 1", r"^$"),
    ("mouse_button 0", r"^$"),
    ("nmi", r"^$"),
    ("change ide1-cd0 s.ppm", r"."),
    ("eject ide1-cd0", r"^$"),
    ("eject nodrive", r"^Error: Device 'nodrive' not found"),
    ("eject ide0-hd0", r"^Error: Device 'ide0-hd0' is not removable"),
    ("change floppy0 /nonexistent", r"Error"),
    ("logfile int.log", r"^$"),
    ("log int,exec", r"^$"),
    ("log none", r"^$"),
    ("log nonsense", r"no such trace"),
    ("help stop", r"^stop\|s  -- stop emulation$"),
    ("help", r"(?s)system_powerdown.*xp /fmt"),
    ("info nonsense", r"^unknown command: 'info nonsense'$"),
    ("nonsense", r"unknown command: 'nonsense'"),
    ("system_powerdown", r"does not listen"),
    ("system_reset", r"^$"),
    ("cont", r"^$"),
    ("info status", r"^VM status: running$"),
]
open("s.img", "wb").write(bytes(1474560))
for line, pattern in flows:
    answer = hmp(line)
    if "debug" in pattern:  # steps take their time
        answer = wait_for(lambda: "running" not in hmp(line)) and hmp(line)
    result(re.search(pattern, answer.rstrip("\n"), re.M), line, "expected %s, got:\n%s" % (pattern, answer))
answer = hmp("change floppy0 s.img")
result("s.img" in hmp("info block"), "change floppy0", answer)
result(open("s.ppm", "rb").read(2) == b"P6", "screendump wrote a picture")

mon.sendall(b"info regi\t\n")
result("EAX=" in until(b"(qemu) "), "completion")
mon.sendall(b"infx status\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x7fo\n")
result("VM status: running" in until(b"\n(qemu) "), "line editing")
mon.sendall(b"\x1b[A\n")
result("VM status: running" in until(b"\n(qemu) "), "history")

# ---- QMP ----
qmp = connect("qmp")
stream = qmp.makefile("rb")
events = []


def read():
    while True:
        o = json.loads(stream.readline())
        if "event" in o:
            events.append(o["event"])
        else:
            return o


def q(name, **arguments):
    o = {"execute": name, "id": name}
    if arguments:
        o["arguments"] = arguments
    qmp.sendall(json.dumps(o).encode())
    return read()


hello = read()
result(hello["QMP"]["version"]["qemu"]["major"] >= 1 and hello["QMP"]["capabilities"] == [], "QMP greets", hello)
r = q("query-status")
result(r["error"]["class"] == "CommandNotFound" and r["id"] == "query-status", "nothing before qmp_capabilities", r)
result(q("qmp_capabilities")["return"] == {}, "qmp_capabilities")
result(q("query-status")["return"] == {"running": True, "singlestep": False, "status": "running"}, "query-status")
result("version" not in q("query-version")["return"] and q("query-version")["return"]["qemu"]["major"] >= 1, "query-version")
result(q("query-name")["return"] == {"name": "test"}, "query-name")
result(q("query-kvm")["return"]["enabled"] is False, "query-kvm")
result(len(q("query-cpus-fast")["return"]) == 1, "query-cpus-fast")
result({"name": "stop"} in q("query-commands")["return"], "query-commands")
result(any(d["device"] == "ide0-hd0" and d["inserted"]["drv"] == "raw" for d in q("query-block")["return"]), "query-block")
q("stop")
result(q("query-status")["return"]["status"] == "paused" and "STOP" in events, "stop, with its event", events)
result("paused" in q("human-monitor-command", **{"command-line": "info status"})["return"], "human-monitor-command")
q("cont")
result(q("query-status")["return"]["running"] and "RESUME" in events, "cont, with its event", events)
result("return" in q("send-key", keys=[{"type": "qcode", "data": "ret"}]), "send-key")
result("error" in q("send-key", keys=[{"type": "qcode", "data": "nokey"}]), "send-key with a bad key")
result("return" in q("screendump", filename="q.ppm") and os.path.exists("q.ppm"), "screendump")
result("return" in q("screendump", filename="picture", format="png") and open("picture", "rb").read(4) == b"\x89PNG", "screendump as PNG")
result("error" in q("screendump", filename="picture", format="gif"), "a format that there is not")
result("error" in q("screendump"), "a missing argument")
result("return" in q("eject", device="floppy0"), "eject")
result("return" in q("inject-nmi"), "inject-nmi")
result(q("nonsense")["error"]["class"] == "CommandNotFound", "an unknown command")
qmp.sendall(b"[1, 2]")
result("error" in read(), "an array is no command")
qmp.sendall(b"{\"execute\": nonsense}")
result("error" in read(), "bad JSON")
qmp.sendall(b"{\"a\":" * 100 + b"1" + b"}" * 100)
result("depth" in read()["error"]["desc"], "deep nesting")
q("system_powerdown")
q("system_reset")
result("RESET" in events and "POWERDOWN" in events, "events of reset and power button", events)
qmp.sendall(json.dumps({"execute": "quit"}).encode())
try:
    read()
except ValueError:
    pass
vm.stdout.read()
result(vm.wait(LIMIT) == 0 and "SHUTDOWN" in events, "quit, with its event", events)

# ---- -monitor stdio, Ctrl-A c ----
vm = machine("-monitor", "stdio", "-S")
out = vm.communicate(b"info status\nquit\n", timeout=LIMIT)[0]
result(b"VM status: paused (prelaunch)" in out, "-monitor stdio", out)
vm = subprocess.Popen([build + "/src/x86vm", "-nographic", "-m", "16", "-snapshot", "-hda", build + "/tests/guests/gdb.img"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
out = vm.communicate(b"\x01cinfo status\nquit\n", timeout=LIMIT)[0]
result(b"VM status: running" in out, "Ctrl-A c on -nographic", out)

port = 23000 + os.getpid() % 4000
vm = machine("-monitor", "telnet:127.0.0.1:%d,server=on,wait=off" % port)
telnet = connect(("127.0.0.1", port), socket.AF_INET)
telnet.sendall(b"\xff\xfd\x03info status\r\n")  # IAC DO SUPPRESS-GO-AHEAD among the keys
out = b""
while b"VM status: running" not in out:
    got = telnet.recv(4096)
    out += got
    if not got:
        break
result(b"VM status: running" in out and b"\xff\xfb" in out, "-monitor telnet:", out)
telnet.sendall(b"quit\r\n")
vm.stdout.read()
result(vm.wait(LIMIT) == 0, "quit by telnet")
vm = machine("-monitor", "null", "-qmp", "tcp:127.0.0.1:%d,server=on,wait=off" % (port + 1))
tcp = connect(("127.0.0.1", port + 1), socket.AF_INET)
tcp.sendall(b"{'execute': 'qmp_capabilities'}{'execute': 'quit'}")
out = vm.stdout.read() + tcp.makefile("rb").read()
result(vm.wait(LIMIT) == 0 and b"SHUTDOWN" in out, "-monitor null, -qmp tcp: with commands in single quotes", out)

# ---- traces ----
LONGEST = 1 << 24  # bytes of a trace that are looked at


def trace(items, name, *options, wants, guest="gdb"):
    """Run a guest with -d items until its trace has all of the patterns wants, or it ends, or there is no hope."""
    if os.path.exists("trace"):
        os.unlink("trace")
    vm = machine("-monitor", "null", "-d", items, "-D", "trace", *options, guest=guest)
    text = ""

    def found():
        nonlocal text
        ended = vm.poll() is not None  # then the trace is whole when it is read
        if os.path.exists("trace"):
            with open("trace", errors="replace") as f:
                text = f.read(LONGEST)
        return ended or len(text) == LONGEST or all(re.search(p, text, re.M) for p in wants)

    wait_for(found)
    vm.terminate()
    vm.communicate()
    missing = [p for p in wants if not re.search(p, text, re.M)]
    result(not missing, name, "no %s in\n%s\n...\n%s" % (missing, text[:2000], text[-2000:]))


trace("out_asm", "-d out_asm -dfilter", "-dfilter", "0x7c00+0x200", wants=[r"OUT: 0x0000[0-9a-f]{4} .*\n0x[0-9a-f]+:  [0-9a-f ]+ [a-z]+ "])
trace("in_asm", "-d in_asm -dfilter", "-dfilter", "0x7c00+0x200", wants=[r"IN: bump\n0x0000[0-9a-f]{4}:  40 .* inc eax"])
trace("int,cpu_reset", "-d int,cpu_reset", "-no-reboot", guest="dying-1",
      wants=[r"\ACPU Reset \(CPU 0\)\nEAX=", r"v=06 e=0000 i=0 cpl=0 IP=0008:0000[0-9a-f]{4} .*<death>"])
trace("guest_errors", "-d guest_errors", "-no-reboot", guest="dying-1", wants=["^Invalid (read|write) at (port|addr) 0x"])
trace("ioport", "-d ioport", "-no-reboot", guest="dying-1", wants=["ioport: out 0070"])
trace("decision", "-d decision", wants=["^decision: f000:0000fff0 CPL=0 translate: real mode$",
                                        "^decision: 001b:00007[0-9a-f]{3} CPL=3 translate: interrupts off <"])
trace("exec,cpu", "-d exec,cpu", "-dfilter", "0x7c00..0x7dff", wants=["Trace 0: ", "EAX=", "<loop"])
trace("page", "-d page", wants=["page: 00007000 -> 000007000 user "])
r = subprocess.run([build + "/src/x86vm", "-d", "help"], capture_output=True, text=True)
result(r.returncode == 0 and "guest_errors" in r.stdout, "-d help")
r = subprocess.run([build + "/src/x86vm", "-d", "nonsense"], capture_output=True, text=True)
result(r.returncode == 1 and "nonsense" in r.stderr, "-d with an unknown item", r.stderr)
print("1..%d" % count)
