/*
 * Watches on video memory: the CPU's next store there is told, on both engines, and stores go back to being direct.
 */
#include "cpubench.h"

#include "tcache/tcache.h"

#define CODE 0x1000
#define VIDEO 0xa0000

typedef struct Video {
    CpuBench *b;
    Region *region;
    unsigned told;
    bool again; /* watch again when told, as a viewer does */
} Video;

static void written(void *opaque)
{
    Video *t = opaque;
    t->told++;
    if (t->again) {
        t->again = false;
        region_watch(t->b->mem, t->region);
    }
}

static void video_on(Video *t, bool translated, uint8_t *memory)
{
    static const char code[] = "\xb8\x00\xa0"         /*    mov ax, 0a000h */
                               "\x8e\xc0"             /*    mov es, ax */
                               "\xb9\x0a\x00"         /*    mov cx, 10 */
                               "\x26\xfe\x06\x00\x00" /* 1: inc byte es:[0] */
                               "\xe2\xf9"             /*    loop 1b */
                               "\xf4";
    t->b = cpu_bench_new("max", 1 << 20);
    cpu_bench_load(t->b, CODE, code, sizeof code);
    t->region = bus_add_ram(t->b->mem, "video", VIDEO, PAGE_SIZE, memory, UINT64_MAX, 1);
    region_set_watcher(t->region, written, t);
    if (translated) {
        g_autoptr(GError) error = NULL;
        tcache_new(t->b->v, 1 << 20, &error);
        g_assert_no_error(error);
    }
}

static void run(Video *t)
{
    Vcpu *v = t->b->v;
    v->halted = false;
    cpu_bench_start(t->b, 0, CODE, 0x800);
    g_assert_cmpint(v->tcache ? tcache_run(v, 0) : interp_run(v, 0), ==, EXIT_HALT);
}

static bool direct(Video *t)
{
    Vcpu *v = t->b->v;
    return v->tlb[v->mmu_idx][(VIDEO >> PAGE_BITS) & (TLB_SIZE - 1)].write == VIDEO;
}

static void test_watch(gconstpointer translated)
{
    uint8_t *memory = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    memset(memory, 0, PAGE_SIZE);
    Video t = {0};
    video_on(&t, translated != NULL, memory);

    run(&t);
    g_assert_cmpuint(t.told, ==, 0);
    g_assert_true(direct(&t));

    region_watch(t.b->mem, t.region);
    region_watch(t.b->mem, t.region); /* twice is once */
    run(&t);
    g_assert_cmpuint(t.told, ==, 2); /* when the watch came into force, and at the first store */
    g_assert_true(direct(&t));
    g_assert_cmpuint(memory[0], ==, 20);

    run(&t);
    g_assert_cmpuint(t.told, ==, 2);

    /* A viewer that watches again at once: between two stores of a loop. */
    region_watch(t.b->mem, t.region);
    interp_run(t.b->v, 1);
    t.told = 0;
    t.again = true;
    run(&t);
    g_assert_cmpuint(t.told, >=, 2);
    g_assert_cmpuint(memory[0], ==, 40);

    /* Who writes by the bus is seen too. */
    region_watch(t.b->mem, t.region);
    run(&t);
    t.told = 0;
    region_watch(t.b->mem, t.region);
    bus_write(t.b->mem, VIDEO + 1, 0xaa, 1);
    g_assert_cmpuint(t.told, ==, 1);
    region_watch(t.b->mem, t.region);
    bus_dma_write(t.b->mem, VIDEO + 2, "abc", 3);
    g_assert_cmpuint(t.told, ==, 2);
    bus_dma_write(t.b->mem, VIDEO + 2, "abc", 3);
    g_assert_cmpuint(t.told, ==, 2);

    tcache_free(t.b->v->tcache);
    cpu_bench_free(t.b);
    free(memory);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/watch/interp", NULL, test_watch);
    g_test_add_data_func("/watch/translate", "", test_watch);
    return g_test_run();
}
