/*
 * Shadow windows by themselves (softmmu/window.h): what is mapped, and when it is taken away.
 *
 * A CPU with 32-bit paging; its directory lies at DIR, one table at TABLE (linear PAGE on), another for user code. Whether the host may
 * read or write a page of a window is asked with pipes: the kernel answers EFAULT instead of a signal.
 */
#include "cpubench.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "softmmu/mem.h"
#include "softmmu/window.h"

#define RAM_SIZE (64u << 20)
#define DIR 0x1000u
#define TABLE 0x2000u
#define USER_TABLE 0x3000u
#define DIR2 0x4000u
#define PAGE 0xc0000000u   /* by TABLE */
#define USER 0x00400000u   /* by USER_TABLE */
#define LARGE 0xd0000000u  /* 4 MiB pages from here on: RAM from 16 MiB on */
#define FRAME 0x100000u    /* PAGE + n * 4096 is FRAME + n * 4096 */
#define P 1u
#define W 2u
#define U 4u
#define A 0x20u
#define D 0x40u
#define PS 0x80u
#define G 0x100u
#define ALL (P | W | A | D)

typedef struct Bench {
    CpuBench *b;
    Vcpu *v;
    Windows *all;
    int pipe[2];
} Bench;

static void put(Bench *t, uint32_t addr, uint32_t value)
{
    memcpy(t->b->ram->host + addr, &value, 4);
}

static uint32_t get(const Bench *t, uint32_t addr)
{
    uint32_t value;
    memcpy(&value, t->b->ram->host + addr, 4);
    return value;
}

static void pte(Bench *t, unsigned n, uint32_t value)
{
    put(t, TABLE + 4 * n, value);
}

static Bench *bench_new(unsigned budget)
{
    g_autoptr(GError) error = NULL;
    Bench *t = g_new0(Bench, 1);
    t->b = cpu_bench_new("max", RAM_SIZE);
    t->v = t->b->v;
    g_assert_cmpint(pipe(t->pipe), ==, 0);
    for (unsigned n = 0; n < 1024; n++) {
        pte(t, n, (FRAME + n * PAGE_SIZE) | ALL);
        put(t, USER_TABLE + 4 * n, (FRAME + n * PAGE_SIZE) | ALL | U);
    }
    for (unsigned n = 0; n < 16; n++)
        put(t, FRAME + n * PAGE_SIZE, 0xf0000000 + n);
    for (uint32_t dir = DIR; dir <= DIR2; dir += DIR2 - DIR) {
        put(t, dir + (PAGE >> 22) * 4, TABLE | ALL);
        put(t, dir + (USER >> 22) * 4, USER_TABLE | ALL | U);
        for (unsigned n = 0; n < 8; n++)
            put(t, dir + ((LARGE >> 22) + n) * 4, ((16 << 20) + (n << 22)) | ALL | PS);
    }
    t->v->cr3 = DIR;
    t->v->cr4 = CR4_PSE | CR4_PGE;
    t->v->cr0 = CR0_PE | CR0_PG | CR0_WP;
    tlb_flush_all(t->v);
    t->all = windows_new(t->v, budget, &error);
    if (!t->all)
        g_error("%s", error->message);
    windows_run_here(t->all);
    return t;
}

static void bench_free(Bench *t)
{
    windows_free(t->all);
    cpu_bench_free(t->b);
    close(t->pipe[0]);
    close(t->pipe[1]);
    g_free(t);
}

static void load_cr3(Bench *t, uint32_t value)
{
    t->v->cr3 = value;
    tlb_flush_nonglobal(t->v);
}

/* May the host do it? */
static bool can_read(Bench *t, Window *w, uint32_t addr)
{
    uint8_t byte;
    if (write(t->pipe[1], window_base(w) + addr, 1) != 1) {
        g_assert_cmpint(errno, ==, EFAULT);
        return false;
    }
    g_assert_cmpint(read(t->pipe[0], &byte, 1), ==, 1);
    return true;
}

static bool can_write(Bench *t, Window *w, uint32_t addr)
{
    uint8_t byte = 0;
    g_assert_cmpint(write(t->pipe[1], &byte, 1), ==, 1);
    if (read(t->pipe[0], window_base(w) + addr, 1) == 1)
        return true;
    g_assert_cmpint(errno, ==, EFAULT);
    g_assert_cmpint(read(t->pipe[0], &byte, 1), ==, 1);
    return false;
}

static uint32_t peek(Window *w, uint32_t addr)
{
    uint32_t value;
    memcpy(&value, window_base(w) + addr, 4);
    return value;
}

static void test_fault(void)
{
    Bench *t = bench_new(0);
    Window *w = windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    g_assert_cmpint(window_fault(w, PAGE + 0x1004, false), ==, WINDOW_MAPPED);
    g_assert_cmphex(peek(w, PAGE + 0x1000), ==, 0xf0000001);
    g_assert_cmphex(peek(w, PAGE), ==, 0xf0000000); /* around it as well */
    g_assert_true(can_write(t, w, PAGE + 0x1000));
    g_assert_cmpint(window_fault(w, PAGE + 0x1004, false), ==, WINDOW_MISS); /* there is no more to be had */
    g_assert_cmpint(window_fault(w, 0xe0000000, false), ==, WINDOW_MISS);    /* not present */
    g_assert_cmpint(window_fault(w, WINDOW_SIZE + 1, true), ==, WINDOW_MISS);
    bench_free(t);
}

/* Accessed and dirty bits are set by the access that needs them, and no page is mapped without. */
static void test_bits(void)
{
    Bench *t = bench_new(0);
    for (unsigned n = 0; n < 4; n++)
        pte(t, n, (FRAME + n * PAGE_SIZE) | P | W);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    g_assert_cmphex(get(t, TABLE) & (A | D), ==, A);
    g_assert_cmphex(get(t, TABLE + 4) & (A | D), ==, 0);
    g_assert_true(can_read(t, w, PAGE));
    g_assert_false(can_write(t, w, PAGE));
    g_assert_false(can_read(t, w, PAGE + 0x1000));
    g_assert_cmpint(window_fault(w, PAGE, true), ==, WINDOW_MAPPED);
    g_assert_cmphex(get(t, TABLE) & (A | D), ==, A | D);
    g_assert_true(can_write(t, w, PAGE));
    /* A cleared: nothing more until it is flushed, then the next access has to set it again */
    pte(t, 0, get(t, TABLE) & ~A);
    windows_super(t->all);
    g_assert_true(can_read(t, w, PAGE));
    load_cr3(t, DIR);
    windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    bench_free(t);
}

/* Each kind of window holds its own pages, and writes are as CR0.WP says. */
static void test_privilege(void)
{
    Bench *t = bench_new(0);
    pte(t, 5, (FRAME + 5 * PAGE_SIZE) | P | A | D);
    pte(t, 6, (FRAME + 6 * PAGE_SIZE) | ALL | U);
    put(t, USER_TABLE + 4, (FRAME + PAGE_SIZE) | P | U | A | D);
    Window *super = windows_super(t->all);
    g_assert_null(windows_user(t->all, false));
    Window *user = windows_user(t->all, true);
    g_assert_cmpint(window_fault(super, PAGE + 0x5000, false), ==, WINDOW_MAPPED);
    g_assert_false(can_write(t, super, PAGE + 0x5000));
    g_assert_cmpint(window_fault(super, PAGE + 0x5000, true), ==, WINDOW_MISS);
    g_assert_true(can_read(t, super, PAGE));
    g_assert_cmpint(window_fault(super, USER, false), ==, WINDOW_MISS); /* allowed, but not for a window */
    g_assert_cmpint(window_fault(user, PAGE, false), ==, WINDOW_MISS);
    g_assert_cmpint(window_fault(user, USER, true), ==, WINDOW_MAPPED);
    g_assert_cmphex(peek(user, USER), ==, 0xf0000000);
    g_assert_false(can_write(t, user, USER + 0x1000));
    g_assert_cmpint(window_fault(user, USER + 0x1000, true), ==, WINDOW_MISS);
    t->v->cr0 &= ~(uint64_t)CR0_WP;
    tlb_flush_all(t->v);
    super = windows_super(t->all);
    g_assert_cmpint(window_fault(super, PAGE + 0x5000, true), ==, WINDOW_MAPPED);
    g_assert_true(can_write(t, super, PAGE + 0x5000));
    user = windows_user(t->all, false);
    g_assert_cmpint(window_fault(user, USER + 0x1000, true), ==, WINDOW_MISS);
    t->v->cr0 |= CR0_WP;
    tlb_flush_all(t->v);
    super = windows_super(t->all);
    g_assert_false(can_write(t, super, PAGE + 0x5000));
    bench_free(t);
}

/* INVLPG is of one page; a CR3 load of those that are not global; a change of PGE of all. */
static void test_flushes(void)
{
    Bench *t = bench_new(0);
    pte(t, 1, (FRAME + PAGE_SIZE) | ALL | G);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    for (unsigned n = 0; n < 4; n++)
        pte(t, n, (FRAME + (n + 8) * PAGE_SIZE) | ALL | (n == 1 ? G : 0));
    g_assert_cmphex(peek(w, PAGE), ==, 0xf0000000); /* a TLB may be stale */
    tlb_flush_page(t->v, PAGE + 0x2000);
    g_assert_false(can_read(t, w, PAGE + 0x2000));
    g_assert_cmphex(peek(w, PAGE), ==, 0xf0000000);
    load_cr3(t, DIR);
    w = windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    g_assert_true(can_read(t, w, PAGE + 0x5000));
    g_assert_cmpint(window_fault(w, PAGE + 0x2000, false), ==, WINDOW_MAPPED);
    g_assert_cmphex(peek(w, PAGE + 0x2000), ==, 0xf000000a);
    bench_free(t);
}

static void test_global(void)
{
    Bench *t = bench_new(0);
    for (unsigned n = 0; n < 1024; n++)
        pte(t, n, (FRAME + n * PAGE_SIZE) | ALL | G);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    pte(t, 0, (FRAME + 8 * PAGE_SIZE) | ALL | G);
    load_cr3(t, DIR2);
    w = windows_super(t->all);
    g_assert_cmphex(peek(w, PAGE), ==, 0xf0000000);
    tlb_flush_page(t->v, PAGE);
    g_assert_false(can_read(t, w, PAGE));
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    g_assert_cmphex(peek(w, PAGE), ==, 0xf0000008);
    pte(t, 0, FRAME | ALL | G);
    t->v->cr4 &= ~(uint64_t)CR4_PGE;
    tlb_flush_all(t->v);
    w = windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    bench_free(t);
}

/* A directory that names another table, a large page that moves. */
static void test_directories(void)
{
    Bench *t = bench_new(0);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    g_assert_cmpint(window_fault(w, LARGE + 0x5000, true), ==, WINDOW_MAPPED);
    WindowsStats s;
    windows_stats(t->all, &s);
    g_assert_cmpuint(s.mapped, >=, 8 * 1024);             /* and those beside it */
    g_assert_true(can_write(t, w, LARGE + (7 << 22)));
    g_assert_true(window_base(w)[LARGE + 5] == t->b->ram->host[(16 << 20) + 5]);
    put(t, DIR2 + (PAGE >> 22) * 4, USER_TABLE | ALL);      /* user pages: not these */
    put(t, DIR2 + (LARGE >> 22) * 4, (32 << 20) | ALL | PS);
    t->b->ram->host[32 << 20] = 0x5a;
    load_cr3(t, DIR2);
    Window *other = windows_super(t->all);
    g_assert_false(can_read(t, other, PAGE));
    g_assert_false(can_read(t, other, LARGE));
    g_assert_cmpint(window_fault(other, LARGE, false), ==, WINDOW_MAPPED);
    g_assert_cmphex(window_base(other)[LARGE], ==, 0x5a);
    load_cr3(t, DIR);
    w = windows_super(t->all);
    if (can_read(t, w, LARGE))
        g_assert_cmphex(window_base(w)[LARGE], ==, 0);
    put(t, DIR + (LARGE >> 22) * 4, (32 << 20) | ALL | PS);
    tlb_flush_page(t->v, LARGE + 0x123000); /* any address of a large page will do */
    g_assert_false(can_read(t, w, LARGE));
    bench_free(t);
}

/* Two kinds of directories in turn, as with page-table isolation: what is mapped for the one stays while the other is in use. */
static void test_isolation(void)
{
    Bench *t = bench_new(0);
    memset(t->b->ram->host + DIR2 + (LARGE >> 22) * 4, 0, 8 * 4);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    g_assert_cmpint(window_fault(w, LARGE, false), ==, WINDOW_MAPPED);
    load_cr3(t, DIR2);
    Window *small = windows_super(t->all);
    g_assert_true(small != w);
    g_assert_false(can_read(t, small, LARGE));
    g_assert_cmpint(window_fault(small, PAGE, false), ==, WINDOW_MAPPED);
    for (int n = 0; n < 100; n++) {
        load_cr3(t, n & 1 ? DIR2 : DIR);
        g_assert_true(windows_super(t->all) == (n & 1 ? small : w));
    }
    load_cr3(t, DIR);
    w = windows_super(t->all);
    g_assert_true(can_write(t, w, LARGE));
    g_assert_true(can_read(t, w, PAGE));
    WindowsStats s;
    windows_stats(t->all, &s);
    g_assert_cmpuint(s.unmapped, ==, 0);
    /* by now the table is watched rather than compared, and a write to it is noticed all the same */
    uint64_t compared = s.compared;
    load_cr3(t, DIR);
    w = windows_super(t->all);
    windows_stats(t->all, &s);
    g_assert_cmpuint(s.compared, ==, compared);
    ram_written(t->b->ram, TABLE, 4);
    pte(t, 0, (FRAME + 8 * PAGE_SIZE) | ALL);
    load_cr3(t, DIR);
    w = windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    bench_free(t);
}

static void *dma(void *opaque)
{
    Bench *t = opaque;
    uint32_t entry = (FRAME + 8 * PAGE_SIZE) | ALL;
    bus_dma_write(t->b->mem, TABLE, &entry, sizeof entry);
    return NULL;
}

static void *dma_directory(void *opaque)
{
    Bench *t = opaque;
    uint32_t entry = (36 << 20) | ALL | PS;
    bus_dma_write(t->b->mem, DIR + ((LARGE >> 22) + 1) * 4, &entry, sizeof entry);
    return NULL;
}

/* A directory that stays as it is is watched rather than compared; a write to it is noticed, by whichever thread. */
static void test_quiet_directory(void)
{
    Bench *t = bench_new(0);
    bus_set_ram(t->b->mem, t->b->ram);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    g_assert_cmpint(window_fault(w, LARGE, false), ==, WINDOW_MAPPED);
    for (int turn = 0; turn < 2; turn++) {
        for (int n = 0; n < 100; n++) {
            load_cr3(t, DIR);
            g_assert_true(windows_super(t->all) == w);
        }
        g_assert_true(t->b->ram->watch[DIR >> PAGE_BITS] & WATCH_TABLE);
        g_assert_true(can_read(t, w, LARGE + (turn << 22)));
        if (turn) {
            g_thread_join(g_thread_new("dma", dma_directory, t));
        } else {
            ram_written(t->b->ram, DIR + (LARGE >> 22) * 4, 4);
            put(t, DIR + (LARGE >> 22) * 4, (32 << 20) | ALL | PS);
        }
        g_assert_false(t->b->ram->watch[DIR >> PAGE_BITS] & WATCH_TABLE);
        load_cr3(t, DIR);
        g_assert_true(windows_super(t->all) == w);
        g_assert_false(can_read(t, w, LARGE + (turn << 22)));
        g_assert_true(can_read(t, w, PAGE));
        g_assert_cmpint(window_fault(w, LARGE + (turn << 22), false), ==, WINDOW_MAPPED);
    }
    bench_free(t);
}

/* A table that is watched, written by another thread. */
static void test_dma(void)
{
    Bench *t = bench_new(0);
    bus_set_ram(t->b->mem, t->b->ram);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    for (int n = 0; n < 100; n++) {
        load_cr3(t, DIR);
        g_assert_true(windows_super(t->all) == w);
    }
    g_assert_true(t->b->ram->watch[TABLE >> PAGE_BITS] & WATCH_TABLE);
    g_thread_join(g_thread_new("dma", dma, t));
    load_cr3(t, DIR);
    windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    g_assert_cmphex(peek(w, PAGE), ==, 0xf0000008);
    bench_free(t);
}

static void ignore(void *opaque, uint64_t offset, uint64_t len)
{
}

/* A page that is watched may be read, in every window. */
static void test_watch(void)
{
    Bench *t = bench_new(0);
    ram_set_watcher(t->b->ram, WATCH_TRANS, ignore, NULL);
    Window *w = windows_super(t->all), *user = windows_user(t->all, true);
    g_assert_cmpint(window_fault(w, PAGE, true), ==, WINDOW_MAPPED);
    g_assert_cmpint(window_fault(user, USER, true), ==, WINDOW_MAPPED);
    ram_watch(t->b->ram, FRAME, PAGE_SIZE, WATCH_TRANS);
    g_assert_true(can_read(t, w, PAGE));
    g_assert_false(can_write(t, w, PAGE));
    g_assert_false(can_write(t, user, USER));
    g_assert_true(can_write(t, w, PAGE + 0x1000));
    g_assert_cmpint(window_fault(w, PAGE, true), ==, WINDOW_MISS);
    ram_unwatch(t->b->ram, FRAME, PAGE_SIZE, WATCH_TRANS);
    g_assert_cmpint(window_fault(w, PAGE, true), ==, WINDOW_MAPPED);
    g_assert_true(can_write(t, w, PAGE));
    bench_free(t);
}

/* Scattered pages and few mappings: what has no room is refused, and nothing is lost. */
static void test_budget(void)
{
    enum { BUDGET = 20, COUNT = 100 };
    Bench *t = bench_new(BUDGET);
    for (unsigned n = 0; n < 1024; n++) /* every other page, from behind */
        pte(t, n, n < COUNT ? (FRAME + 2 * (COUNT - n) * PAGE_SIZE) | ALL : 0);
    Window *w = windows_super(t->all);
    unsigned refused = 0;
    for (unsigned n = 0; n < COUNT; n++)
        if (!can_read(t, w, PAGE + n * PAGE_SIZE))
            refused += window_fault(w, PAGE + n * PAGE_SIZE, false) == WINDOW_FULL;
    WindowsStats s;
    windows_stats(t->all, &s);
    g_assert_cmpuint(refused, ==, COUNT - BUDGET);
    g_assert_cmpuint(s.mappings, ==, BUDGET);
    /* a window that is not in use has to go for another */
    Window *user = windows_user(t->all, true);
    g_assert_cmpint(window_fault(user, USER, false), ==, WINDOW_FULL);
    t->v->cr0 &= ~(uint64_t)CR0_WP; /* empties the supervisor's */
    tlb_flush_all(t->v);
    windows_super(t->all);
    user = windows_user(t->all, true);
    g_assert_cmpint(window_fault(user, USER, false), ==, WINDOW_MAPPED);
    windows_stats(t->all, &s);
    g_assert_cmpuint(s.mappings, ==, 1);
    bench_free(t);
}

/* Another address space's window is kept, and looked at before it is used again. */
static void test_users(void)
{
    Bench *t = bench_new(0);
    Window *one = windows_user(t->all, true);
    g_assert_cmpint(window_fault(one, USER, true), ==, WINDOW_MAPPED);
    load_cr3(t, DIR2);
    g_assert_null(windows_user(t->all, false));
    Window *two = windows_user(t->all, true);
    g_assert_true(one != two);
    put(t, USER_TABLE, (FRAME + 9 * PAGE_SIZE) | ALL | U);
    load_cr3(t, DIR);
    g_assert_true(windows_user(t->all, false) == one);
    g_assert_false(can_read(t, one, USER));
    g_assert_true(can_read(t, one, USER + 0x1000));
    windows_drop_user(t->all);
    g_assert_null(windows_user(t->all, false));
    for (unsigned n = 0; n < 40; n++) { /* more than there are windows */
        load_cr3(t, DIR + n * 0x10000);
        if (windows_user(t->all, true))
            g_assert_false(can_read(t, windows_user(t->all, false), USER));
    }
    bench_free(t);
}

/* Another map of memory empties windows; a device that comes and goes does not. */
static void test_map(void)
{
    static const RegionOps ops = {.read = NULL};
    Bench *t = bench_new(0);
    Region *device = bus_add_io(t->b->mem, "device", 0xf0000000, 0x1000, &ops, NULL, 1);
    Region *over = bus_add_io(t->b->mem, "over RAM", FRAME, 0x1000, &ops, NULL, 1);
    region_set_enabled(t->b->mem, over, false);
    Window *w = windows_super(t->all);
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MAPPED);
    region_set_enabled(t->b->mem, device, false);
    tlb_flush_all(t->v);
    w = windows_super(t->all);
    g_assert_true(can_read(t, w, PAGE));
    region_set_enabled(t->b->mem, over, true);
    tlb_flush_all(t->v);
    w = windows_super(t->all);
    g_assert_false(can_read(t, w, PAGE));
    g_assert_cmpint(window_fault(w, PAGE, false), ==, WINDOW_MISS);
    g_assert_cmpint(window_fault(w, PAGE + 0x1000, false), ==, WINDOW_MAPPED);
    bench_free(t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_test_add_func("/windows/fault", test_fault);
    g_test_add_func("/windows/bits", test_bits);
    g_test_add_func("/windows/privilege", test_privilege);
    g_test_add_func("/windows/flushes", test_flushes);
    g_test_add_func("/windows/global", test_global);
    g_test_add_func("/windows/directories", test_directories);
    g_test_add_func("/windows/isolation", test_isolation);
    g_test_add_func("/windows/quiet-directory", test_quiet_directory);
    g_test_add_func("/windows/dma", test_dma);
    g_test_add_func("/windows/watch", test_watch);
    g_test_add_func("/windows/budget", test_budget);
    g_test_add_func("/windows/users", test_users);
    g_test_add_func("/windows/map", test_map);
    return g_test_run();
}
