# files of bench/

# The interpreter's speed in millions of instructions a second; run by hand.
EXTRA_PROGRAMS += bench/interp-bench
bench_interp_bench_SOURCES = bench/interp-bench.c

# What the sandbox costs on this machine: see docs/performance.md.
EXTRA_PROGRAMS += bench/sandbox-bench
CLEANFILES += bench/sandbox-bench
bench_sandbox_bench_SOURCES = bench/sandbox-bench.c
