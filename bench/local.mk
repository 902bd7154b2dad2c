# files of bench/

# The interpreter's speed in millions of instructions a second; run by hand.
EXTRA_PROGRAMS += bench/interp-bench
bench_interp_bench_SOURCES = bench/interp-bench.c
