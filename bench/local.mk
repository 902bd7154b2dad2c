# files of bench/

# The interpreter's speed in millions of instructions a second; run by hand.
EXTRA_PROGRAMS += bench/interp-bench
bench_interp_bench_SOURCES = bench/interp-bench.c
# The same loops on the interpreter and on Bochs, where there is one.
EXTRA_DIST += bench/bochs bench/loop.S
.PHONY: bench-bochs
bench-bochs: all
	$(top_srcdir)/bench/bochs src/x86vm

# What the sandbox costs on this machine: see docs/performance.md.
EXTRA_PROGRAMS += bench/sandbox-bench
CLEANFILES += bench/sandbox-bench
bench_sandbox_bench_SOURCES = bench/sandbox-bench.c

# x86vm, native code and QEMU TCG side by side: docs/performance.md. BENCHDIR keeps what bench/fetch fetches, BENCH has the
# options and workloads for bench/run.py; gcc compiles the programs, as it does the BIOS: make bench BENCH='--rounds 5 compute boot'
BENCHDIR = benchdir
BENCH =
BENCH_GUEST = bench/guest/compute.c bench/guest/main.c bench/guest/nbody.c bench/guest/programs.c bench/guest/system.c
BENCH_CFLAGS = -m32 -O2 -march=i686 -msse2 -mfpmath=387 -std=gnu11 -Wall -Wextra -Wno-unused-parameter
EXTRA_DIST += bench/fetch bench/run.py bench/turns.py bench/machine.py tools/debs.sh bench/guest/work.h $(BENCH_GUEST) bench/guest/nano.c bench/guest/nano.ld
CLEANFILES += bench/nano.elf bench/work bench/nbody-x87.o bench/nbody-sse.o
bench/work: $(BENCH_GUEST) bench/guest/work.h
	@$(MKDIR_P) bench
	$(AM_V_CC)$(BIOS_CC) $(BENCH_CFLAGS) -DNBODY=nbody_x87 -c -o bench/nbody-x87.o $(top_srcdir)/bench/guest/nbody.c && \
	  $(BIOS_CC) $(BENCH_CFLAGS) -mfpmath=sse -DNBODY=nbody_sse -c -o bench/nbody-sse.o $(top_srcdir)/bench/guest/nbody.c && \
	  $(BIOS_CC) $(BENCH_CFLAGS) -static -o $@ bench/nbody-x87.o bench/nbody-sse.o \
	    $(addprefix $(top_srcdir)/bench/guest/,compute.c main.c programs.c system.c) -lm
bench/nano.elf: bench/guest/nano.c bench/guest/nano.ld
	@$(MKDIR_P) bench
	$(AM_V_CC)$(BIOS_CC) -m32 -O2 -march=i686 -mgeneral-regs-only -std=gnu11 -Wall -Wextra -ffreestanding -fno-pie -no-pie \
	  -fno-stack-protector -static -nostdlib -Wl,-T,$(top_srcdir)/bench/guest/nano.ld -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
	  -o $@ $(top_srcdir)/bench/guest/nano.c -lgcc
bench: all bench/work bench/nano.elf
	$(top_srcdir)/bench/fetch $(BENCHDIR)
	$(BIOS_CC) -m32 -E -P -o $(BENCHDIR)/root/source.i $(top_srcdir)/bench/guest/nbody.c
	python3 $(top_srcdir)/bench/run.py --dir $(BENCHDIR) $(BENCH)
.PHONY: bench

# Start-up time, and memory of a running machine.
EXTRA_DIST += bench/start bench/memory
