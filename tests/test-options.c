/*
 * The command line: every option of -help, the command lines of well-known makefiles as they are written there, and what
 * is said of mistakes.
 *
 * A parsed configuration is written out as text, "key=value" lines, and the tests look for lines in it.
 */
#include "cmdline/options.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static GString *warnings;

static void keep_warning(const char *text)
{
    g_string_append(warnings, text);
}

/* ---- a configuration as text ---- */

static void dump_drives(GString *out, const VmConfig *c)
{
    static const char *const ifs[] = {"ide", "floppy", "none"};
    for (unsigned n = 0; n < c->drives->len; n++) {
        const DriveConfig *d = c->drives->pdata[n];
        g_string_append_printf(out, "drive=%s%d %s%s%s%s%s\n", ifs[d->iface], d->index, d->file ? d->file : "-", d->cdrom ? " cdrom" : "",
                               d->read_only ? " ro" : "", d->snapshot ? " snapshot" : "", d->format ? " raw" : "");
    }
}

static void dump_list(GString *out, const char *key, const GPtrArray *list)
{
    for (unsigned n = 0; n < list->len; n++)
        g_string_append_printf(out, "%s=%s\n", key, (const char *)list->pdata[n]);
}

static char *dump(const VmConfig *c)
{
    GString *out = g_string_new("\n");
    const struct {
        const char *key, *value;
    } strings[] = {
        {"boot", c->boot_order}, {"once", c->boot_once}, {"kernel", c->kernel}, {"initrd", c->initrd}, {"append", c->append},
        {"bios", c->bios}, {"cpu", c->cpu}, {"vga", c->vga}, {"display", c->display}, {"monitor", c->monitor},
        {"d", c->trace}, {"D", c->trace_file}, {"dfilter", c->trace_filter}, {"symbols", c->symbols},
        {"triple-fault", c->triple_fault}, {"qmp", c->qmp}, {"gdb", c->gdb}, {"accel", c->accel}, {"rtc", c->rtc_base},
        {"name", c->name}, {"pidfile", c->pidfile}, {"window", c->window},
    };
    const struct {
        const char *key;
        bool value;
    } flags[] = {
        {"menu", c->boot_menu}, {"snapshot", c->snapshot}, {"nographic", c->nographic}, {"nodefaults", c->nodefaults},
        {"full-screen", c->full_screen}, {"show-cursor", c->show_cursor}, {"no-close", c->no_close}, {"explain", c->explain},
        {"stats", c->accel_stats}, {"shadow", c->accel_shadow}, {"perfmap", c->perf_map}, {"no-hpet", c->no_hpet}, {"no-acpi", c->no_acpi},
        {"no-reboot", c->no_reboot}, {"no-shutdown", c->no_shutdown}, {"S", c->start_stopped}, {"daemonize", c->daemonize},
    };
    for (unsigned n = 0; n < G_N_ELEMENTS(strings); n++)
        if (strings[n].value)
            g_string_append_printf(out, "%s=%s\n", strings[n].key, strings[n].value);
    for (unsigned n = 0; n < G_N_ELEMENTS(flags); n++)
        if (flags[n].value)
            g_string_append_printf(out, "%s\n", flags[n].key);
    dump_drives(out, c);
    dump_list(out, "serial", c->serials);
    dump_list(out, "parallel", c->parallels);
    for (unsigned n = 0; n < c->debugcons->len; n++) {
        const DebugconConfig *d = c->debugcons->pdata[n];
        g_string_append_printf(out, "debugcon=%x %x %s\n", d->port, d->readback, d->dev);
    }
    for (unsigned n = 0; n < c->chardevs->len; n++) {
        const ChardevConfig *d = c->chardevs->pdata[n];
        g_string_append_printf(out, "chardev=%s %s%s%s%s\n", d->id, d->dev, d->mux ? " mux" : "", d->append ? " append" : "",
                               d->signals ? "" : " nosignal");
    }
    if (c->debug_exit_port)
        g_string_append_printf(out, "debug-exit=%x %d\n", c->debug_exit_port, c->debug_exit_size);
    if (c->testdev)
        g_string_append(out, "testdev\n");
    if (c->accel_chaos)
        g_string_append_printf(out, "chaos=%" G_GUINT64_FORMAT "\n", c->accel_chaos);
    if (c->slow)
        g_string_append_printf(out, "slow=%d\n", c->slow);
    if (c->window_budget)
        g_string_append_printf(out, "window-budget=%d\n", c->window_budget);
    g_string_append_printf(out, "ram=%" G_GUINT64_FORMAT "\ntb=%" G_GUINT64_FORMAT "\nuuid=%02x%02x%02x\n", c->ram_bytes,
                           c->tb_bytes, c->uuid[0], c->uuid[1], c->uuid[15]);
    return g_string_free(out, FALSE);
}

/* Parse a line as a shell would take it apart. The configuration as text, or the error. */
static char *parse(const char *line, OptionsResult *result)
{
    g_auto(GStrv) argv = NULL;
    GError *error = NULL;
    int argc;
    g_autofree char *command = g_strconcat("x86vm ", line, NULL);
    g_assert_true(g_shell_parse_argv(command, &argc, &argv, NULL));
    VmConfig *c = vm_config_new();
    g_string_truncate(warnings, 0);
    GPrintFunc before = g_set_printerr_handler(keep_warning);
    *result = options_parse(argc, argv, c, &error);
    g_set_printerr_handler(before);
    g_assert_true((*result == OPTIONS_ERROR) == (error != NULL));
    char *text = error ? g_strdup(error->message) : dump(c);
    g_clear_error(&error);
    vm_config_free(c);
    return text;
}

/* Every one of the words of wanted, separated by "; ", is a line of text. */
static void expect_lines(const char *line, const char *text, const char *wanted)
{
    g_auto(GStrv) words = g_strsplit(wanted, "; ", -1);
    for (char **w = words; *w; w++) {
        g_autofree char *pattern = g_strconcat("\n", *w, "\n", NULL);
        if (**w && !strstr(text, pattern))
            g_error("%s: no line '%s' in:%s", line, *w, text);
    }
}

static void expect_run(const char *line, const char *wanted)
{
    OptionsResult result;
    g_autofree char *text = parse(line, &result);
    if (result != OPTIONS_RUN)
        g_error("%s: %s", line, text);
    expect_lines(line, text, wanted);
}

/* ---- every option ---- */

typedef struct Row {
    const char *line, *wanted; /* wanted NULL: prints something and ends */
    const char *warning;       /* NULL: says nothing */
} Row;

static const Row rows[] = {
    {"-help", NULL}, {"-h", NULL}, {"-version", NULL},
    {"-machine pc,accel=interp,hpet=off,acpi=off,usb=on", "accel=interp; no-hpet; no-acpi"},
    {"-machine type=pc-i440fx-7.2,accel=kvm:tcg", ""},
    {"-machine q35", "", "one machine"},
    {"-M pc", ""},
    {"-cpu pentium3", "cpu=pentium3"}, {"-cpu host", "cpu=max", "no such model"}, {"-cpu qemu64,+x2apic", "cpu=qemu32", "no such model"},
    {"-accel interp", "accel=interp"}, {"-accel translate,tb-size=8,stats=on,perfmap=on", "accel=translate; tb=8388608; stats; perfmap"},
    {"-accel translate,window=auto,window-budget=200", "accel=translate; window=auto; window-budget=200"},
    {"-accel interp,slow=4", "accel=interp; slow=4"},
    {"-accel tcg,thread=single", ""}, {"-accel kvm", "", "not used"}, {"-accel accel=interp", "accel=interp"},
    {"-accel chaos=7,shadow=on", "chaos=7; shadow"},
    {"-enable-kvm", "", "not used"},
    {"-smp 1", ""}, {"-smp cpus=2,cores=2", "", "one CPU"},
    {"-m 64", "ram=67108864"}, {"-m 1G", "ram=1073741824"}, {"-m size=32M,slots=2,maxmem=1G", "ram=33554432"},
    {"-boot dc", "boot=dc"}, {"-boot order=c,once=d,menu=on,strict=on", "boot=c; once=d; menu"},
    {"-k fr", ""}, {"-name one", "name=one"}, {"-name guest=two,process=x,debug-threads=on", "name=two"},
    {"-uuid 550e8400-e29b-41d4-a716-446655440001", "uuid=550e01"},
    {"-rtc base=localtime,clock=host", "rtc=localtime"}, {"-rtc utc", "rtc=utc"},
    {"-debugcon stdio -global isa-debugcon.iobase=0x402", "debugcon=402 e9 stdio"},
    {"-global driver=isa-debugcon,property=iobase,value=0x402 -debugcon null", "debugcon=402 e9 null"},
    {"-global PIIX4_PM.disable_s3=0", "", "no properties"},
    {"-nodefaults", "nodefaults"},
    {"-hda a", "drive=ide0 a"}, {"-hdb a", "drive=ide1 a"}, {"-hdc a", "drive=ide2 a"}, {"-hdd a", "drive=ide3 a"}, {"a", "drive=ide0 a"},
    {"-fda a", "drive=floppy0 a"}, {"-fdb a", "drive=floppy1 a"}, {"-cdrom a", "drive=ide2 a cdrom ro"},
    {"-drive file=a,if=ide,index=1,media=disk,format=raw,snapshot=on,readonly=on,cache=none,id=x", "drive=ide1 a ro snapshot raw"},
    {"-drive file=a,,b,if=floppy,unit=1", "drive=floppy1 a,b"}, {"-drive file=a,bus=1,unit=0", "drive=ide2 a"},
    {"-drive if=ide,media=cdrom", "drive=ide-1 - cdrom ro"}, {"-drive if=none,file=a,id=unused", "drive=none-1 a"},
    {"-snapshot", "snapshot"},
    {"-device pc-testdev", "testdev"},
    {"-device isa-debug-exit", "debug-exit=501 2"}, {"-device isa-debug-exit,iobase=0xf4,iosize=0x04", "debug-exit=f4 4"},
    {"-chardev file,id=a,path=log -device isa-debugcon,chardev=a,iobase=0xe8", "debugcon=e8 e9 chardev:a; chardev=a file:log"},
    {"-device VGA,vgamem_mb=16", "vga=std"},
    {"-device ide-hd,drive=d,bus=ide.1,unit=1 -drive if=none,id=d,file=a", "drive=ide3 a"},
    {"-drive if=none,id=d,file=a -device ide-cd,drive=d", "drive=ide-1 a cdrom ro"},
    {"-drive if=none,id=d,file=a,media=cdrom -device ide-drive,drive=d", "drive=ide-1 a cdrom ro"},
    {"-drive if=none,id=d,file=a -device floppy,drive=d,unit=1", "drive=floppy1 a"},
    {"-device ide-cd", "drive=ide-1 - cdrom ro"},
    {"-device isa-serial,chardev=a -device isa-parallel -chardev null,id=a", "serial=chardev:a; parallel=null"},
    {"-device e1000,netdev=n", "", "no network card"}, {"-device AC97", "", "no sound"}, {"-device usb-mouse", "", "no USB"},
    {"-device help", NULL}, {"-device floppy,help", NULL}, {"-drive help", NULL},
    {"-serial mon:stdio -serial null -serial none -serial file:x", "serial=mon:stdio; serial=null; serial=none; serial=file:x"},
    {"-serial pty -serial tcp::4444,server,nowait -serial telnet::1,server=on -serial unix:/x", "serial=tcp::4444,server,nowait"},
    {"-serial pipe:/tmp/x -serial stdio -serial vc -serial chardev:a -chardev pty,id=a", "serial=pipe:/tmp/x; serial=chardev:a; chardev=a pty"},
    {"-parallel none -parallel file:x", "parallel=none; parallel=file:x"},
    {"-debugcon file:x", "debugcon=e9 e9 file:x"},
    {"-chardev stdio,id=a,mux=on,signal=off", "chardev=a stdio mux nosignal"},
    {"-chardev socket,id=a,host=localhost,port=1,server=on,wait=off,telnet=on", "chardev=a telnet:localhost:1,server=on,wait=off"},
    {"-chardev socket,id=a,path=/x,server", "chardev=a unix:/x,server=on"}, {"-chardev file,id=a,path=b,append=on", "chardev=a file:b append"},
    {"-chardev pipe,id=a,path=b", "chardev=a pipe:b"}, {"-chardev backend=null,id=a", "chardev=a null"},
    {"-monitor stdio", "monitor=stdio"}, {"-qmp unix:x,server=on,wait=off", "qmp=unix:x,server=on,wait=off"},
    {"-chardev stdio,id=a -mon chardev=a,mode=readline", "monitor=chardev:a"}, {"-chardev stdio,id=a -mon a,mode=control", "qmp=chardev:a"},
    {"-vga none", "vga=none"}, {"-vga cirrus", "vga=std", "no such adapter"}, {"-vga help", NULL},
    {"-display none", "display=none"}, {"-display sdl,gl=off,full-screen=on,show-cursor=on,window-close=off",
     "display=sdl; full-screen; show-cursor; no-close"}, {"-display curses", "display=curses"},
    {"-display gtk", "", "no such display"}, {"-display vnc=:1", "display=none", "no such display"},
    {"-sdl", "display=sdl"}, {"-curses", "display=curses"}, {"-full-screen", "full-screen"}, {"-nographic", "nographic"},
    {"-kernel k", "kernel=k"}, {"-initrd i", "initrd=i"}, {"-append 'a b'", "append=a b"}, {"-bios b", "bios=b"},
    {"-S", "S"}, {"-no-reboot", "no-reboot"}, {"-no-shutdown", "no-shutdown"},
    {"-action triple-fault=pause,reboot=shutdown,shutdown=pause,panic=none", "triple-fault=pause; no-reboot; no-shutdown"},
    {"-daemonize", "daemonize; display=none"}, {"-pidfile p", "pidfile=p"},
    {"-gdb tcp::1", "gdb=tcp::1"}, {"-s", "gdb=tcp::1234"}, {"-d int,cpu", "d=int,cpu"}, {"-d help", NULL}, {"-D log", "D=log"},
    {"-dfilter 0x1000+1", "dfilter=0x1000+1"}, {"-explain", "explain"}, {"-symbols k.elf", "symbols=k.elf"},
    {"-net none", ""}, {"-net nic,model=e1000 -net user", "", "no network card"}, {"-nic none", ""}, {"-nic user", "", "no network card"},
    {"-netdev user,id=n", "", "no network card"}, {"-redir tcp:7::7", "", "no network card"},
    {"-no-acpi", "no-acpi"}, {"-no-hpet", "no-hpet"}, {"-usb", ""}, {"-usbdevice mouse", "", "no USB"},
    {"-audio none", ""}, {"-audiodev none,id=a", ""}, {"-soundhw pcspk", "", "no sound"},
    {"-vnc none", "display=none"}, {"-vnc :1", "display=none", "no VNC"},
    {"-L .", ""}, {"-icount shift=auto", "", "guest time"}, {"-singlestep", ""}, {"-msg timestamp=on", ""}, {"-no-fd-bootchk", ""},
    {"-no-user-config", ""},
    {"--nographic --m 8", "nographic; ram=8388608"},
    {"-readconfig machine.cfg", "drive=ide1 a,b; debug-exit=f4 4; ram=33554432; name=from file; serial=chardev:c; chardev=c file:x"},
};

static void expect_warning(const Row *r)
{
    if (r->warning ? !strstr(warnings->str, r->warning) : warnings->len > 0)
        g_error("%s: said '%s', expected '%s'", r->line, warnings->str, r->warning ? r->warning : "");
}

static void write_config(void)
{
    const char text[] = "# a machine\n[memory]\n  size = \"32M\"\n\n[drive \"d\"]\n  file = \"a,b\"\n  if = \"none\"\n"
                        "[device \"exit\"]\n  driver = \"isa-debug-exit\"\n  iobase = \"0xf4\"\n  iosize = \"4\"\n"
                        "[device]\n driver = \"ide-hd\"\n drive = \"d\"\n bus = \"ide.0\"\n unit = \"1\"\n"
                        "[name]\n guest = \"from file\"\n[chardev \"c\"]\nbackend = \"file\"\npath = \"x\"\n"
                        "[device \"s\"]\nchardev = \"c\"\ndriver = \"isa-serial\"\n[machine]\n type = \"pc\"\n";
    g_assert_true(g_file_set_contents("machine.cfg", text, -1, NULL));
}

static void test_rows(void)
{
    write_config();
    for (unsigned n = 0; n < G_N_ELEMENTS(rows); n++) {
        const Row *r = &rows[n];
        if (!r->wanted)
            continue; /* printing() has them */
        expect_run(r->line, r->wanted);
        expect_warning(r);
    }
    g_unlink("machine.cfg");
}

/* Those that print and end, in a process of their own: their output is no TAP. */
static void test_printing(void)
{
    if (g_test_subprocess()) {
        for (unsigned n = 0; n < G_N_ELEMENTS(rows); n++) {
            OptionsResult result;
            if (rows[n].wanted)
                continue;
            g_free(parse(rows[n].line, &result));
            g_assert_cmpint(result, ==, OPTIONS_DONE);
        }
        return;
    }
    g_test_trap_subprocess(NULL, 20 * G_USEC_PER_SEC, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stdout("*\n-gdb *\n-D *iobase=*file=FILE*");
}

/* Every option of the table is in a row, as a word of its own. */
static void test_complete(void)
{
    const Option *o;
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        bool found = !o->name;
        for (unsigned r = 0; r < G_N_ELEMENTS(rows) && !found; r++) {
            g_auto(GStrv) words = g_strsplit(rows[r].line, " ", -1);
            g_autofree char *option = g_strconcat("-", o->name, NULL);
            found = g_strv_contains((const char *const *)words, option);
        }
        if (!found)
            g_error("-%s: no test", o->name);
    }
}

/* Every option of the table that takes an argument says so when it has none. */
static void test_missing_argument(void)
{
    const Option *o;
    for (unsigned n = 0; (o = options_nth(n)); n++) {
        OptionsResult result;
        if (!o->name || !o->arg)
            continue;
        g_autofree char *line = g_strconcat("-", o->name, NULL);
        g_autofree char *text = parse(line, &result);
        g_assert_cmpint(result, ==, OPTIONS_ERROR);
        g_assert_nonnull(strstr(text, o->arg));
    }
}

/* ---- what courses and hobby kernels write ---- */

static const Row makefiles[] = {
    /* xv6-public: make qemu, qemu-memfs, qemu-nox, qemu-nox-gdb */
    {"-serial mon:stdio -drive file=fs.img,index=1,media=disk,format=raw -drive file=xv6.img,index=0,media=disk,format=raw -smp 2 -m 512 ",
     "serial=mon:stdio; drive=ide1 fs.img raw; drive=ide0 xv6.img raw; ram=536870912", "one CPU"},
    {"-drive file=xv6memfs.img,index=0,media=disk,format=raw -smp 2 -m 256", "drive=ide0 xv6memfs.img raw", "one CPU"},
    {"-nographic -drive file=fs.img,index=1,media=disk,format=raw -drive file=xv6.img,index=0,media=disk,format=raw -smp 2 -m 512 -S -gdb "
     "tcp::26000", "nographic; S; gdb=tcp::26000", "one CPU"},
    /* JOS (6.828): make qemu, make qemu-nox with networking */
    {"-drive file=obj/kern/kernel.img,index=0,media=disk,format=raw -serial mon:stdio -gdb tcp::26000 -D qemu.log -smp 1 "
     "-drive file=obj/fs/fs.img,index=1,media=disk,format=raw", "drive=ide0 obj/kern/kernel.img raw; gdb=tcp::26000; D=qemu.log"},
    {"-nographic -hda obj/kern/kernel.img -serial mon:stdio -gdb tcp::26000 -D qemu.log -smp 4 -hdb obj/fs/fs.img -net user "
     "-net nic,model=e1000 -redir tcp:26001::7 -redir tcp:26002::80 -redir udp:26001::7 -net dump,file=qemu.pcap",
     "nographic; drive=ide1 obj/fs/fs.img", "no network card"},
    /* Pintos: utils/pintos */
    {"-hda /tmp/x.dsk -hdb fs.dsk -m 4 -net none -nographic -monitor null", "drive=ide1 fs.dsk; ram=4194304; nographic; monitor=null"},
    {"-device isa-debug-exit -hda os.dsk -m 4 -net none -serial stdio -s -S", "debug-exit=501 2; serial=stdio; gdb=tcp::1234; S"},
    /* hobby kernels */
    {"-cdrom myos.iso -monitor stdio -serial file:serial.log -s -S", "drive=ide2 myos.iso cdrom ro; monitor=stdio"},
    {"-machine pc,accel=kvm -cdrom os.iso -monitor stdio -serial file:serial.log -singlestep -d int,pcall,guest_errors,cpu_reset -D qemu.log",
     "d=int,pcall,guest_errors,cpu_reset; D=qemu.log", "not used"},
    {"-soundhw pcspk -device isa-debug-exit,iobase=0xf4,iosize=0x04 -boot menu=on -fda os-image.bin -hda disk.img",
     "debug-exit=f4 4; menu; drive=floppy0 os-image.bin", "no sound"},
    {"-soundhw pcspk -drive format=raw,file=disk_images/mikeos.flp,index=0,if=floppy", "drive=floppy0 disk_images/mikeos.flp raw", "no sound"},
    {"-cdrom dummy_os.iso -debugcon stdio", "debugcon=e9 e9 stdio"},
    {"-d int,cpu_reset -no-reboot -no-shutdown -net nic,model=rtl8139 -net user boot/os.iso", "no-reboot; no-shutdown; drive=ide0 boot/os.iso",
     "no network card"},
    {"-machine q35 -fda disk.img -s -S", "drive=floppy0 disk.img; S", "one machine"},
    {"-audiodev coreaudio,id=audio0 -machine pcspk-audiodev=audio0 -monitor stdio -hda disk.bin -serial file:log.txt "
     "-serial pipe:dbgpipe -serial file:l2.txt -m 4 -rtc base=localtime -d guest_errors,cpu_reset", "rtc=localtime; serial=pipe:dbgpipe",
     "no sound"},
    {"-machine pc -m 64M -drive file=os.img,format=raw,if=floppy -boot order=a -display none -no-reboot -no-shutdown "
     "-debugcon file:log -global isa-debugcon.iobase=0xe9", "boot=a; drive=floppy-1 os.img raw; debugcon=e9 e9 file:log"},
    {"-machine type=q35 -no-reboot -vga std -d int -smp 6 -m 2G -drive file=disk.img,index=0,media=disk,format=raw,id=disk0,if=none "
     "-device ahci,id=ahci -device ide-hd,drive=disk0,bus=ahci.0", "drive=ide0 disk.img raw", "AHCI"},
    {"-kernel kernel.bin -device isa-debug-exit,iobase=0xf4,iosize=0x04 -display none -serial stdio -no-reboot -enable-kvm -cpu host",
     "kernel=kernel.bin; debug-exit=f4 4; cpu=max", "not used"},
    {"-chardev stdio,id=char0,mux=on,signal=off -serial chardev:char0 -mon chardev=char0", "serial=chardev:char0; monitor=chardev:char0"},
};

static void test_makefiles(void)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(makefiles); n++) {
        const Row *r = &makefiles[n];
        expect_run(r->line, r->wanted);
        expect_warning(r);
    }
}

/* The same word twice is said once. */
static void test_warn_once(void)
{
    expect_run("-smp 2 -smp 2 -net user -net user", "");
    g_auto(GStrv) lines = g_strsplit(warnings->str, "\n", -1);
    g_assert_cmpint(g_strv_length(lines), ==, 3); /* two, and nothing behind the last newline */
}

/* ---- mistakes ---- */

static const struct {
    const char *line, *says;
} mistakes[] = {
    {"-nographics", "-nographics: no such option; did you mean -nographic?"},
    {"-xyzzy-plugh", "-xyzzy-plugh: no such option"},
    {"-m", "expected [size=]SIZE after it"},
    {"-m lots", "expected a size"}, {"-m 5T", "at most 3584M"}, {"-m 10K", "at least 1M"}, {"-m sise=4", "did you mean size?"},
    {"-vga sdt", "did you mean std?"}, {"-display slq", "did you mean sdl?"}, {"-machine qc", "did you mean pc?"},
    {"-machine virt", "it is one of: pc"}, {"-accel interpret", "did you mean interp?"}, {"-accel translate,tb-sise=4", "did you mean tb-size?"},
    {"-accel interp,slow=0", "1..1000"}, {"-accel translate,tb-size=5000", "expected a size in MiB, 1..1024"}, {"-accel translate,stats=maybe", "expected on or off"},
    {"-cpu 80686", "unknown model"}, {"-smp zero", "expected a number"}, {"-boot xyz", "expected letters"},
    {"-uuid 1234", "expected a UUID"}, {"-drive fil=a", "did you mean file?"}, {"-drive file=a,if=idee", "did you mean ide?"},
    {"-drive file=a,index=4", "0..3"}, {"-drive if=ide", "needs file="}, {"-drive file=a,if=floppy,index=2", "two floppy drives"},
    {"-drive file=a,index=0,unit=1", "give one of them"}, {"-hda a -hda b", "hda is already taken by a"},
    {"-drive file=a,id=x -drive file=b,id=x", "of that name already"}, {"-drive file=a,media=tape", "disk, cdrom"},
    {"-device isa-debug-exi", "did you mean isa-debug-exit?"}, {"-device flux-capacitor", "no such device"},
    {"-device isa-debug-exit,iobas=1", "did you mean iobase?"}, {"-device isa-debug-exit,iobase=99999", "1..65535"},
    {"-device ide-hd", "expected drive=ID"}, {"-device ide-hd,drive=x", "no -drive with id=x"},
    {"-drive if=none,id=x,file=a -device ide-hd,drive=x,bus=ide.0,unit=0 -hda b", "already taken"},
    {"-global isa-debugcon.iobas=1 -debugcon null", "did you mean iobase?"}, {"-global nonsense", "DRIVER.PROPERTY=VALUE"},
    {"-serial stdoi", "did you mean stdio?"}, {"-serial file:", "after the colon"}, {"-serial chardev:x", "no -chardev with id=x"},
    {"-serial null -serial null -serial null -serial null -serial null", "there are 4"}, {"-chardev stdio", "and a name"},
    {"-chardev stdoi,id=a", "did you mean stdio?"}, {"-chardev socket,id=a", "expected host= and port="},
    {"-chardev null,id=a -chardev null,id=a", "of that name already"}, {"-mon mode=control", "expected chardev="},
    {"-chardev stdio,id=a,logfile=x", "no such property"},
    {"-action triple-fault=explode", "reset, shutdown, pause"}, {"-action reboot", "expected reboot=value"},
    {"-readconfig missing.cfg", "missing.cfg"}, {"-readconfig bad.cfg", "bad.cfg:2: expected key"},
    {"-daemonize -nographic", "no terminal"}, {"-daemonize -serial chardev:a -chardev stdio,id=a", "no terminal"},
    {"-monitor telnt::1", "did you mean telnet:?"},
};

static void test_mistakes(void)
{
    g_assert_true(g_file_set_contents("bad.cfg", "[drive]\nfile = unquoted\n", -1, NULL));
    for (unsigned n = 0; n < G_N_ELEMENTS(mistakes); n++) {
        OptionsResult result;
        g_autofree char *text = parse(mistakes[n].line, &result);
        if (result != OPTIONS_ERROR || !strstr(text, mistakes[n].says) || strchr(text, '\n'))
            g_error("%s: says '%s', expected '%s'", mistakes[n].line, text, mistakes[n].says);
    }
    g_unlink("bad.cfg");
}

/* A file that reads itself ends. */
static void test_readconfig_loop(void)
{
    OptionsResult result;
    g_assert_true(g_file_set_contents("loop.cfg", "[readconfig]\n", -1, NULL));
    g_free(parse("-readconfig loop.cfg", &result));
    g_assert_cmpint(result, ==, OPTIONS_ERROR);
    g_unlink("loop.cfg");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    warnings = g_string_new(NULL);
    g_autofree char *dir = g_dir_make_tmp("x86vm-options-XXXXXX", NULL);
    g_assert_true(dir && chdir(dir) == 0);
    g_test_add_func("/options/rows", test_rows);
    g_test_add_func("/options/printing", test_printing);
    g_test_add_func("/options/complete", test_complete);
    g_test_add_func("/options/missing-argument", test_missing_argument);
    g_test_add_func("/options/makefiles", test_makefiles);
    g_test_add_func("/options/warn-once", test_warn_once);
    g_test_add_func("/options/mistakes", test_mistakes);
    g_test_add_func("/options/readconfig-loop", test_readconfig_loop);
    int status = g_test_run();
    g_assert_true(chdir("/") == 0);
    g_rmdir(dir);
    g_string_free(warnings, TRUE);
    return status;
}
