# Unit tests: one program per unit, TAP on stdout (GLib's g_test --tap).
# A test is added by:  check_PROGRAMS += tests/test-foo   and   tests_test_foo_SOURCES = tests/test-foo.c

# The CPU against the host's own: see docs/testing.md. tests/diff/ holds the harness.
DIFF = tests/diff/batch.c tests/diff/case.h tests/diff/compare.c tests/diff/compare.h tests/diff/engine-interp.c tests/diff/engine.h \
	tests/diff/gen.c tests/diff/gen.h tests/diff/native.c tests/diff/native.h tests/diff/packed.c tests/diff/packed.h tests/diff/rng.c tests/diff/rng.h \
	tests/diff/undefined.def tests/diff/worker.c tests/diff/worker.h tests/diff/worker_state.h
check_PROGRAMS += tests/test-diff
tests_test_diff_SOURCES = tests/test-diff.c $(DIFF)
tests_test_diff_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

# The engines other than the interpreter, in fewer cases.
dist_check_SCRIPTS += tests/test-diff-engines.sh

check-long: tests/test-diff
	DIFF_CASES=$${DIFF_CASES-20000000} DIFF_JOBS=$${DIFF_JOBS-`nproc`} tests/test-diff --coverage
check-fuzz: tests/fuzz-streams
	FUZZ_STREAMS=$${FUZZ_STREAMS-10000000} tests/fuzz-streams
.PHONY: check-long check-fuzz

# Random streams in random modes: nothing may fall over. Meant for a build with --enable-sanitizers.
check_PROGRAMS += tests/fuzz-streams
tests_fuzz_streams_SOURCES = tests/fuzz-streams.c $(DIFF)
tests_fuzz_streams_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

# The interpreter against records of a real 80286; skipped where they are not.
check_PROGRAMS += tests/test-286
tests_test_286_SOURCES = tests/test-286.c tests/moo.c tests/moo.h tests/known-286.def

# The sandbox: pure functions; what the host does; attacks on it.
check_PROGRAMS += tests/test-decide
tests_test_decide_SOURCES = tests/test-decide.c

SANDBOXTEST = tests/sandboxtest.c tests/sandboxtest.h

check_PROGRAMS += tests/test-sandbox
tests_test_sandbox_SOURCES = tests/test-sandbox.c $(SANDBOXTEST)

check_PROGRAMS += tests/test-sandbox-attack
tests_test_sandbox_attack_SOURCES = tests/test-sandbox-attack.c $(SANDBOXTEST)

check_PROGRAMS += tests/test-clock
tests_test_clock_SOURCES = tests/test-clock.c

check_PROGRAMS += tests/test-ram
tests_test_ram_SOURCES = tests/test-ram.c

check_PROGRAMS += tests/test-region
tests_test_region_SOURCES = tests/test-region.c

check_PROGRAMS += tests/test-fpu
tests_test_fpu_SOURCES = tests/test-fpu.c

# A bare CPU with RAM, for guests of a few instructions and for test ROMs.
CPUBENCH = tests/cpubench.c tests/cpubench.h

# Not part of `make check`: the ROM is not ours to ship. See tests/README.
EXTRA_PROGRAMS += tests/romrun
CLEANFILES += tests/romrun
tests_romrun_SOURCES = tests/romrun.c $(CPUBENCH)
check-test386: tests/romrun
	@test -n "$(TEST386)" || { echo "give the ROM: make check-test386 TEST386=test386.bin [TEST386_REFERENCE=...]"; exit 2; }
	tests/romrun $(TEST386) $(TEST386_REFERENCE)
	tests/romrun --translate $(TEST386) $(TEST386_REFERENCE)
.PHONY: check-test386

# Decoding by memory against decoding.
check_PROGRAMS += tests/test-decodecache
tests_test_decodecache_SOURCES = tests/test-decodecache.c

# The plain cases of system instructions against the careful ways.
check_PROGRAMS += tests/test-plain
tests_test_plain_SOURCES = tests/test-plain.c $(CPUBENCH)

# Small guests for the CPU's system side: flat binaries, assembled here.
check_PROGRAMS += tests/test-system
tests_test_system_SOURCES = tests/test-system.c $(CPUBENCH)
SYSTEM_GUESTS = tests/guests/segments.bin tests/guests/gates.bin tests/guests/paging.bin tests/guests/events.bin \
	tests/guests/v8086.bin tests/guests/tasks.bin tests/guests/vme.bin tests/guests/traps.bin \
	tests/guests/privileged.bin tests/guests/real.bin tests/guests/faults.bin tests/guests/direct.bin \
	tests/guests/threads.bin
check_DATA = $(SYSTEM_GUESTS)
CLEANFILES += $(SYSTEM_GUESTS) $(SYSTEM_GUESTS:.bin=.elf) $(SYSTEM_GUESTS:.bin=.o)
EXTRA_DIST += $(SYSTEM_GUESTS:.bin=.S) tests/guests/common.inc
tests/guests/%.bin: tests/guests/%.S tests/guests/common.inc
	@$(MKDIR_P) tests/guests
	$(AM_V_GEN)$(AS) --32 -I $(top_srcdir)/tests/guests $< -o $(@:.bin=.o) && \
	  $(LD) -m elf_i386 -Ttext 0x8000 -e 0x8000 $(@:.bin=.o) -o $(@:.bin=.elf) && \
	  $(OBJCOPY) -O binary $(@:.bin=.elf) $@

# Direct execution: the same guests and more of their kind.
check_PROGRAMS += tests/test-direct
tests_test_direct_SOURCES = tests/test-direct.c $(CPUBENCH)
check_PROGRAMS += tests/test-sweep
tests_test_sweep_SOURCES = tests/test-sweep.c

# Translated code against the interpreter, and what only it can get wrong.
check_PROGRAMS += tests/test-tcache
tests_test_tcache_SOURCES = tests/test-tcache.c $(CPUBENCH)
check_PROGRAMS += tests/test-spans
tests_test_spans_SOURCES = tests/test-spans.c tests/randomcode.h $(CPUBENCH)
check_PROGRAMS += tests/test-calls
tests_test_calls_SOURCES = tests/test-calls.c tests/randomcode.h $(CPUBENCH)
check_PROGRAMS += tests/test-x87ptr
tests_test_x87ptr_SOURCES = tests/test-x87ptr.c tests/randomcode.h $(CPUBENCH)

# What device tests share: ports, memory, a clock moved by hand, recorded interrupt lines.
HWTEST = tests/hwtest.c tests/hwtest.h

check_PROGRAMS += tests/test-hwtest
tests_test_hwtest_SOURCES = tests/test-hwtest.c $(HWTEST)

# What the VGA's tests share: standard modes, indexed registers.
VGATEST = tests/vgatest.c tests/vgatest.h $(HWTEST)

check_PROGRAMS += tests/test-vga
tests_test_vga_SOURCES = tests/test-vga.c $(VGATEST)

check_PROGRAMS += tests/test-display
tests_test_display_SOURCES = tests/test-display.c $(VGATEST)

check_PROGRAMS += tests/test-vbe
tests_test_vbe_SOURCES = tests/test-vbe.c $(VGATEST)

check_PROGRAMS += tests/test-vgabios
tests_test_vgabios_SOURCES = tests/test-vgabios.c $(HWTEST)

check_PROGRAMS += tests/test-textscreen
tests_test_textscreen_SOURCES = tests/test-textscreen.c $(VGATEST)

check_PROGRAMS += tests/test-block
tests_test_block_SOURCES = tests/test-block.c

check_PROGRAMS += tests/test-pic
tests_test_pic_SOURCES = tests/test-pic.c $(HWTEST)

check_PROGRAMS += tests/test-pit
tests_test_pit_SOURCES = tests/test-pit.c $(HWTEST)

check_PROGRAMS += tests/test-rtc
tests_test_rtc_SOURCES = tests/test-rtc.c $(HWTEST)

check_PROGRAMS += tests/test-dma
tests_test_dma_SOURCES = tests/test-dma.c $(HWTEST)

check_PROGRAMS += tests/test-smallports
tests_test_smallports_SOURCES = tests/test-smallports.c $(HWTEST)

check_PROGRAMS += tests/test-serial
tests_test_serial_SOURCES = tests/test-serial.c $(HWTEST)

check_PROGRAMS += tests/test-kbd
tests_test_kbd_SOURCES = tests/test-kbd.c $(HWTEST)

check_PROGRAMS += tests/test-pci
tests_test_pci_SOURCES = tests/test-pci.c $(HWTEST)

check_PROGRAMS += tests/test-ioapic
tests_test_ioapic_SOURCES = tests/test-ioapic.c $(HWTEST)

check_PROGRAMS += tests/test-lapic
tests_test_lapic_SOURCES = tests/test-lapic.c $(HWTEST)

check_PROGRAMS += tests/test-hpet
tests_test_hpet_SOURCES = tests/test-hpet.c $(HWTEST)

check_PROGRAMS += tests/test-ide
tests_test_ide_SOURCES = tests/test-ide.c tests/idetest.c tests/idetest.h $(HWTEST)
# The layers, from below: who may include whom.
dist_check_SCRIPTS += tests/layers.sh

check_PROGRAMS += tests/test-acpi
tests_test_acpi_SOURCES = tests/test-acpi.c $(HWTEST)

check_PROGRAMS += tests/test-fwcfg
tests_test_fwcfg_SOURCES = tests/test-fwcfg.c $(HWTEST)

# dsdt.h against dsdt.asl, where there is an iasl.
dist_check_SCRIPTS += tests/dsdt.sh

check_PROGRAMS += tests/test-bmdma
tests_test_bmdma_SOURCES = tests/test-bmdma.c tests/idetest.c tests/idetest.h $(HWTEST)

check_PROGRAMS += tests/test-fdc
tests_test_fdc_SOURCES = tests/test-fdc.c tests/idetest.c tests/idetest.h $(HWTEST)

check_PROGRAMS += tests/test-atapi
tests_test_atapi_SOURCES = tests/test-atapi.c tests/idetest.c tests/idetest.h $(HWTEST)

check_PROGRAMS += tests/test-pc
tests_test_pc_SOURCES = tests/test-pc.c

check_PROGRAMS += tests/test-storage-fuzz
tests_test_storage_fuzz_SOURCES = tests/test-storage-fuzz.c tests/idetest.c tests/idetest.h $(HWTEST)

# The firmware, in QEMU where there is one.
dist_check_SCRIPTS += tests/test-bios.sh
EXTRA_DIST += tests/bios/services.S tests/bios/video.S tests/bios/disks.S tests/bios/system.S tests/bios/keys.S \
	tests/bios/tables.S tests/bios/action.S tests/bios/hd.S tests/bios/multiboot.S

# Real systems: `make check-guests` fetches them from Debian packages (GUESTS=DIR keeps them elsewhere) and boots each;
# GUEST=NAME boots one; GUEST=dmesg compares what Linux says with what it says on QEMU.
GUESTS = guests
EXTRA_PROGRAMS += tests/guests/talk
CLEANFILES += tests/guests/talk$(EXEEXT)
tests_guests_talk_SOURCES = tests/guests/talk.c
tests_guests_talk_LDADD = $(GLIB_LIBS) -lutil
EXTRA_DIST += tests/guests/fetch tests/guests/run tests/guests/matrix tests/guests/dmesg tests/guests/dmesg.known
# The same on x86vm and on QEMU, as a table in GUESTS/matrix.md: `make check-matrix [GUEST='NAME...'] [MATRIX='translate interp']`.
MATRIX = translate
.PHONY: check-guests check-matrix
check-matrix: all tests/guests/talk
	$(top_srcdir)/tests/guests/fetch $(GUESTS)
	ENGINES="$(MATRIX)" $(top_srcdir)/tests/guests/matrix src/x86vm $(GUESTS) $(GUEST) >$(GUESTS)/matrix.md; \
	  status=$$?; cat $(GUESTS)/matrix.md; exit $$status
check-guests: all tests/guests/talk
	$(top_srcdir)/tests/guests/fetch $(GUESTS)
	$(top_srcdir)/tests/guests/run src/x86vm $(GUESTS) $(GUEST)
	@case "$(GUEST)" in ""|*dmesg*) $(top_srcdir)/tests/guests/dmesg src/x86vm $(GUESTS);; esac

# A hundred boots, and hours of stress-ng with verification: `make check-soak [BOOTS=N] [SECONDS_EACH=N]`.
BOOTS = 100
SECONDS_EACH = 20
EXTRA_DIST += tests/guests/soak
.PHONY: check-soak
check-soak: all tests/guests/talk
	$(top_srcdir)/tests/guests/fetch $(GUESTS)
	$(top_srcdir)/tests/guests/soak src/x86vm $(GUESTS) $(BOOTS) $(SECONDS_EACH)

# gdb debugs a guest, where there is a gdb.
dist_check_SCRIPTS += tests/test-gdb.sh
BOOT_GUESTS = tests/guests/gdb.img tests/guests/writer.img
check_DATA += $(BOOT_GUESTS)
CLEANFILES += $(BOOT_GUESTS) $(BOOT_GUESTS:.img=.elf) $(BOOT_GUESTS:.img=.o)
EXTRA_DIST += $(BOOT_GUESTS:.img=.S)
tests/guests/%.img: tests/guests/%.S
	@$(MKDIR_P) tests/guests
	$(AM_V_GEN)$(AS) --32 $< -o $(@:.img=.o) && $(LD) -m elf_i386 -Ttext 0x7c00 -e 0x7c00 $(@:.img=.o) -o $(@:.img=.elf) && \
	  $(OBJCOPY) -O binary $(@:.img=.elf) $@

# kill -9 while a guest writes to its disk.
check_PROGRAMS += tests/test-kill
tests_test_kill_SOURCES = tests/test-kill.c
tests_test_kill_LDADD = $(GLIB_LIBS)

# The ways in which kernels die, each explained.
dist_check_SCRIPTS += tests/test-explain.sh
DYING_GUESTS = $(addprefix tests/guests/dying-,$(addsuffix .img,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25))
check_DATA += $(DYING_GUESTS)
CLEANFILES += $(DYING_GUESTS) $(DYING_GUESTS:.img=.elf) $(DYING_GUESTS:.img=.o)
EXTRA_DIST += tests/guests/dying.S
tests/guests/dying-%.img: tests/guests/dying.S
	@$(MKDIR_P) tests/guests
	$(AM_V_GEN)$(AS) --32 --defsym CASE=$* $< -o $(@:.img=.o) && \
	  $(LD) -m elf_i386 -Ttext 0x7c00 -e 0x7c00 $(@:.img=.o) -o $(@:.img=.elf) && $(OBJCOPY) -O binary $(@:.img=.elf) $@

# The monitor, QMP, traces.
dist_check_SCRIPTS += tests/test-monitor.sh
EXTRA_DIST += tests/monitor.py tests/gdb-linux.sh tests/kallsyms.py

# Damaged input for the gdb stub and QMP; FUZZ_CASES=N for more.
check_PROGRAMS += tests/test-debugfuzz
tests_test_debugfuzz_SOURCES = tests/test-debugfuzz.c

# Bad input to the program.
dist_check_SCRIPTS += tests/cli.sh

# Screens: the window under Xvfb, the terminal in tmux. Their guest draws what is typed.
dist_check_SCRIPTS += tests/test-window.sh tests/test-curses.sh
EXTRA_DIST += tests/window.py tests/curses_screen.py tests/screens.py
BOOT_GUESTS += tests/guests/screen.img

# Video memory that is watched.
check_PROGRAMS += tests/test-watch
tests_test_watch_SOURCES = tests/test-watch.c $(CPUBENCH)

# The demo disk, every command of it.
dist_check_SCRIPTS += tests/test-demo.sh
EXTRA_DIST += tests/demo.expected
check_DATA += demo/demo.img tests/guests/talk$(EXEEXT)

# Devices in memory: the way there is remembered, and forgotten when it must be.
check_PROGRAMS += tests/test-devices-in-memory
tests_test_devices_in_memory_SOURCES = tests/test-devices-in-memory.c $(CPUBENCH)

# The command line.
check_PROGRAMS += tests/test-options
tests_test_options_SOURCES = tests/test-options.c
dist_check_SCRIPTS += tests/test-front.sh
BOOT_GUESTS += tests/guests/front.img
dist_check_SCRIPTS += tests/test-completion.sh

# The README's two commands on a fresh Debian, by hand: needs root, debootstrap, a mirror, and time.
EXTRA_DIST += tests/fresh.sh
.PHONY: check-fresh
check-fresh:
	$(top_srcdir)/tests/fresh.sh

# Narrow hosts.
EXTRA_PROGRAMS += tests/hostenv
CLEANFILES += tests/hostenv$(EXEEXT)
check_DATA += tests/hostenv$(EXEEXT)
tests_hostenv_SOURCES = tests/hostenv.c
tests_hostenv_LDADD =
dist_check_SCRIPTS += tests/test-hostenv.sh

# Real programs, and our own that look for the monitor and attack it, by every engine and natively: `make check-programs` fetches them from
# Debian packages (PROGRAMS=DIR keeps them elsewhere); ENGINES, PROGRAM (regular expressions of names) choose. Takes its time.
PROGRAMS_DIR = $(or $(PROGRAMS),programs)
ENGINES = native,interp,translate,window,direct,auto,strict
PROGRAM =
PROGRAMS_OWN = tests/programs/redpill tests/programs/attack tests/programs/load
CLEANFILES += $(PROGRAMS_OWN)
EXTRA_DIST += $(addprefix tests/programs/,fetch packages list each init native run.py probe.c probe.h redpill.c attack.c load.c) \
	$(addprefix tests/programs/own/,unittest nbody.lua mix.lua nbody.js mix.js Mix.java rsa.pem ec.pem ed25519.pem)
$(PROGRAMS_OWN): tests/programs/%: tests/programs/%.c tests/programs/probe.c tests/programs/probe.h
	@$(MKDIR_P) tests/programs
	$(AM_V_CC)$(BIOS_CC) -m32 -O2 -march=i686 -msse2 -mfpmath=387 -std=gnu11 -Wall -Wextra -fno-stack-protector -fcf-protection=none \
	  -fno-pie -no-pie -static -o $@ $< $(top_srcdir)/tests/programs/probe.c
.PHONY: check-programs
check-programs: all $(PROGRAMS_OWN)
	$(top_srcdir)/tests/programs/fetch $(PROGRAMS_DIR)
	$(top_srcdir)/tests/programs/run.py --x86vm src/x86vm --dir $(PROGRAMS_DIR) --engines $(ENGINES) $(addprefix --own ,$(PROGRAMS_OWN)) $(PROGRAM)

# Shadow windows by themselves.
check_PROGRAMS += tests/test-windows
tests_test_windows_SOURCES = tests/test-windows.c $(CPUBENCH)
