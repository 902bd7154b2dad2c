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


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    for _ in range(200):
        try:
            s.connect(path)
            break
        except OSError:
            time.sleep(0.05)
    s.settimeout(30)
    return s


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
for _ in range(100):  # until the guest is in its loop
    regs = hmp("info registers")
    if "CPL=3" in regs:
        break
    time.sleep(0.1)
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
    for _ in range(100):  # steps take their time
        if "debug" not in pattern or "running" not in answer:
            break
        time.sleep(0.05)
        answer = hmp(line)
    result(re.search(pattern, answer.rstrip("\n"), re.M), line, "expected %s, got:\n%s" % (pattern, answer))
answer = hmp("change floppy0 s.img")
result("s.img" in hmp("info block"), "change floppy0", answer)
result(open("s.ppm", "rb").read(2) == b"P6", "screendump wrote a picture")

mon.sendall(b"info regi\t")
time.sleep(0.3)
mon.sendall(b"\n")
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
result(vm.wait(20) == 0 and "SHUTDOWN" in events, "quit, with its event", events)

# ---- -monitor stdio, Ctrl-A c ----
vm = machine("-monitor", "stdio", "-S")
out = vm.communicate(b"info status\nquit\n", timeout=20)[0]
result(b"VM status: paused (prelaunch)" in out, "-monitor stdio", out)
vm = subprocess.Popen([build + "/src/x86vm", "-nographic", "-m", "16", "-snapshot", "-hda", build + "/tests/guests/gdb.img"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
time.sleep(1)
out = vm.communicate(b"\x01cinfo status\nquit\n", timeout=20)[0]
result(b"VM status: running" in out, "Ctrl-A c on -nographic", out)

port = 23000 + os.getpid() % 4000
vm = machine("-monitor", "telnet:127.0.0.1:%d,server=on,wait=off" % port)
telnet = None
for _ in range(200):
    try:
        telnet = socket.create_connection(("127.0.0.1", port), 10)
        break
    except OSError:
        time.sleep(0.05)
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
result(vm.wait(20) == 0, "quit by telnet")
vm = machine("-monitor", "null", "-qmp", "tcp:127.0.0.1:%d,server=on,wait=off" % (port + 1))
for _ in range(200):
    try:
        tcp = socket.create_connection(("127.0.0.1", port + 1), 10)
        break
    except OSError:
        time.sleep(0.05)
tcp.sendall(b"{'execute': 'qmp_capabilities'}{'execute': 'quit'}")
out = vm.stdout.read() + tcp.makefile("rb").read()
result(vm.wait(20) == 0 and b"SHUTDOWN" in out, "-monitor null, -qmp tcp: with commands in single quotes", out)

# ---- traces ----
def trace(items, *options, guest="gdb", seconds=4):
    try:
        os.unlink("trace")
    except OSError:
        pass
    vm = machine("-d", items, "-D", "trace", *options, guest=guest)
    try:
        vm.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        vm.terminate()
        vm.communicate()
    return open("trace", errors="replace").read(1 << 24)


t = trace("out_asm", "-dfilter", "0x7c00+0x200")
result(re.search(r"OUT: 0x0000[0-9a-f]{4} .*\n0x[0-9a-f]+:  [0-9a-f ]+ [a-z]+ ", t), "-d out_asm -dfilter", t[:2000])
t = trace("in_asm", "-dfilter", "0x7c00+0x200")
result(re.search(r"IN: bump\n0x0000[0-9a-f]{4}:  40 .* inc eax", t), "-d in_asm -dfilter", t[:2000])
t = trace("int,cpu_reset", "-no-reboot", guest="dying-1")
result(re.search(r"v=06 e=0000 i=0 cpl=0 IP=0008:0000[0-9a-f]{4} .*<death>", t), "-d int", t[-2000:])
result(t.startswith("CPU Reset (CPU 0)\nEAX="), "-d cpu_reset", t[:2000])
t = trace("guest_errors", "-no-reboot", guest="dying-1")
result(re.search(r"^Invalid (read|write) at (port|addr) 0x", t, re.M), "-d guest_errors", t[:2000])
t = trace("ioport", "-no-reboot", guest="dying-1")
result(re.search(r"ioport: out 0070", t), "-d ioport", t[:2000])
t = trace("decision")
result(re.search(r"^decision: f000:0000fff0 CPL=0 translate: real mode$", t, re.M) and
       re.search(r"^decision: 001b:00007[0-9a-f]{3} CPL=3 translate: interrupts off <", t, re.M), "-d decision", t[:2000])
t = trace("exec,cpu", "-dfilter", "0x7c00..0x7dff")
result("Trace 0: " in t and "EAX=" in t and "<loop" in t, "-d exec,cpu", t[:2000])
t = trace("page")
result(re.search(r"page: 00007000 -> 000007000 user ", t), "-d page", t[-2000:])
r = subprocess.run([build + "/src/x86vm", "-d", "help"], capture_output=True, text=True)
result(r.returncode == 0 and "guest_errors" in r.stdout, "-d help")
r = subprocess.run([build + "/src/x86vm", "-d", "nonsense"], capture_output=True, text=True)
result(r.returncode == 1 and "nonsense" in r.stderr, "-d with an unknown item", r.stderr)
print("1..%d" % count)
