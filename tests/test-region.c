/* The bus: overlap and priority, splitting and widening, RAM, ROM and DMA. */
#include "config.h"
#include "softmmu/ram.h"
#include "softmmu/region.h"

#include <string.h>

typedef struct Dev {
    GString *log;
    uint8_t byte; /* reads as byte + offset in every byte lane */
} Dev;

static uint64_t dev_read(void *opaque, uint64_t offset, unsigned size)
{
    Dev *d = opaque;
    uint64_t value = 0;

    g_string_append_printf(d->log, "r%x.%u ", (unsigned)offset, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)(uint8_t)(d->byte + offset + i) << i * 8;
    return value;
}

static void dev_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Dev *d = opaque;

    g_string_append_printf(d->log, "w%x.%u=%" G_GINT64_MODIFIER "x ", (unsigned)offset, size, value);
}

static const RegionOps ops1 = { dev_read, dev_write, 0, 1 };
static const RegionOps ops2 = { dev_read, dev_write, 0, 2 };
static const RegionOps ops4 = { dev_read, dev_write, 0, 0 };
static const RegionOps ops8 = { dev_read, dev_write, 0, 8 };
static const RegionOps ops_dword = { dev_read, dev_write, 4, 4 };

static void expect(Dev *d, const char *log)
{
    g_assert_cmpstr(d->log->str, ==, log);
    g_string_truncate(d->log, 0);
}

static bool dev_peek(void *opaque, uint64_t offset, unsigned size, uint64_t *value)
{
    Dev *d = opaque;

    if (offset != 4 || size != 2)
        return false;
    *value = 0x5eed;
    g_string_append(d->log, "p ");
    return true;
}

static void note_before(void *opaque)
{
    Dev *d = opaque;

    g_string_append(d->log, "b ");
}

/* Quick reads: without the lock, without what comes before other accesses, and only where the device has found them to be possible. */
static void test_peek(void)
{
    GMutex lock;
    g_mutex_init(&lock);
    Bus *bus = bus_new("io", 0x10000, &lock);
    Dev a = { g_string_new(NULL), 0x10 };
    Region *r = bus_add_io(bus, "a", 0x60, 8, &ops4, &a, 0);
    bus_set_before(bus, note_before, &a);
    g_assert_cmphex(bus_read_region(bus, r, 4, 2), ==, 0x1514);
    expect(&a, "b r4.2 ");
    region_set_peek(r, dev_peek);
    g_assert_cmphex(bus_read_region(bus, r, 4, 4), ==, 0x17161514);
    expect(&a, "b r4.4 ");
    g_assert_cmphex(bus_read_region(bus, r, 2, 2), ==, 0x1312);
    expect(&a, "b r2.2 ");
    g_mutex_lock(&lock); /* it would wait for ever */
    g_assert_cmphex(bus_read_region(bus, r, 4, 2), ==, 0x5eed);
    g_mutex_unlock(&lock);
    expect(&a, "p ");
    g_assert_cmphex(bus_read(bus, 0x64, 2), ==, 0x1514); /* not found before */
    expect(&a, "b r4.2 ");
    bus_free(bus);
    g_mutex_clear(&lock);
    g_string_free(a.log, TRUE);
}

static void test_io(void)
{
    Bus *bus = bus_new("io", 0x10000, NULL);
    Dev a = { g_string_new(NULL), 0x10 }, b = { g_string_new(NULL), 0x80 };

    g_assert_cmphex(bus_read(bus, 0x60, 1), ==, 0xff); /* an empty bus */
    g_assert_cmphex(bus_read(bus, 0x60, 4), ==, 0xffffffff);
    bus_write(bus, 0x60, 1, 1);
    bus_add_io(bus, "a", 0x60, 4, &ops1, &a, 0);
    bus_add_io(bus, "b", 0x64, 8, &ops4, &b, 0);
    g_assert_cmphex(bus_read(bus, 0x61, 1), ==, 0x11);
    expect(&a, "r1.1 ");
    g_assert_cmphex(bus_read(bus, 0x60, 4), ==, 0x13121110);
    expect(&a, "r0.1 r1.1 r2.1 r3.1 ");
    bus_write(bus, 0x60, 0x1234, 2);
    expect(&a, "w0.1=34 w1.1=12 ");
    /* Across two devices and into nothing. */
    g_assert_cmphex(bus_read(bus, 0x62, 4), ==, 0x81801312);
    expect(&a, "r2.1 r3.1 ");
    expect(&b, "r0.2 ");
    g_assert_cmphex(bus_read(bus, 0x6a, 4), ==, 0xffff8786);
    expect(&b, "r6.2 ");
    g_assert_cmphex(bus_read(bus, 0x5e, 4), ==, 0x1110ffff);
    expect(&a, "r0.1 r1.1 ");
    /* Unaligned: naturally aligned pieces. */
    g_assert_cmphex(bus_read(bus, 0x65, 4), ==, 0x84838281);
    expect(&b, "r1.1 r2.2 r4.1 ");
    bus_write(bus, 0x65, 0x44332211, 4);
    expect(&b, "w1.1=11 w2.2=3322 w4.1=44 ");
    bus_write(bus, 0x64, 0xffffffffffffff01, 1); /* only the low byte counts */
    expect(&b, "w0.1=1 ");
    /* The last port, and beyond. */
    g_assert_cmphex(bus_read(bus, 0xffff, 4), ==, 0xffffffff);
    bus_write(bus, 0xffff, 0, 4);
    bus_free(bus);
    g_string_free(a.log, TRUE);
    g_string_free(b.log, TRUE);
}

static void test_sizes(void)
{
    Bus *bus = bus_new("mem", 1ull << 32, NULL);
    Dev d = { g_string_new(NULL), 0 };

    bus_add_io(bus, "two", 0x1000, 0x100, &ops2, &d, 0);
    bus_add_io(bus, "eight", 0x2000, 0x100, &ops8, &d, 0);
    bus_add_io(bus, "dword", 0x3000, 0x100, &ops_dword, &d, 0);
    g_assert_cmphex(bus_read(bus, 0x1000, 4), ==, 0x03020100);
    expect(&d, "r0.2 r2.2 ");
    g_assert_cmphex(bus_read(bus, 0x2008, 8), ==, 0x0f0e0d0c0b0a0908);
    expect(&d, "r8.8 ");
    g_assert_cmphex(bus_read(bus, 0x2004, 8), ==, 0x0b0a090807060504);
    expect(&d, "r4.4 r8.4 ");
    /* Narrow reads are widened, narrow writes passed through. */
    g_assert_cmphex(bus_read(bus, 0x3006, 1), ==, 0x06);
    expect(&d, "r4.4 ");
    g_assert_cmphex(bus_read(bus, 0x3006, 4), ==, 0x09080706);
    expect(&d, "r4.4 r8.4 ");
    bus_write(bus, 0x3006, 0xaa, 1);
    expect(&d, "w6.1=aa ");
    g_assert_cmphex(bus_read(bus, 0x3000, 8), ==, 0x0706050403020100);
    expect(&d, "r0.4 r4.4 ");
    g_string_free(d.log, TRUE);
    bus_free(bus);
}

static void count(void *opaque)
{
    ++*(int *)opaque;
}

static void test_map(void)
{
    Bus *bus = bus_new("mem", 1ull << 32, NULL);
    Dev d = { g_string_new(NULL), 0 };
    static uint8_t memory[0x4000] __attribute__((aligned(4096)));
    Region *ram, *low, *over, *bar;
    g_autoptr(GString) print = g_string_new(NULL);
    unsigned generation;
    int changes = 0;
    Gpa last;

    ram = bus_add_ram(bus, "ram", 0, 0x4000, memory, 0, 0);
    over = bus_add_io(bus, "over", 0x1000, 0x1000, &ops4, &d, 0);
    low = bus_add_io(bus, "low", 0x1800, 0x2000, &ops4, &d, -1);
    bar = bus_add_io(bus, "bar", 0xfffff000, 0x1000, &ops4, &d, 0);
    g_assert_true(bus_find(bus, 0xfff, &last) == ram);
    g_assert_cmphex(last, ==, 0xfff);
    g_assert_true(bus_find(bus, 0x1000, &last) == over); /* later, same priority */
    g_assert_cmphex(last, ==, 0x1fff);
    g_assert_true(bus_find(bus, 0x2000, &last) == ram); /* low lies under */
    g_assert_cmphex(last, ==, 0x3fff);
    g_assert_null(bus_find(bus, 0x4000, &last));
    g_assert_cmphex(last, ==, 0xffffefff);
    g_assert_true(bus_find(bus, 0xffffffff, &last) == bar);
    g_assert_cmphex(last, ==, 0xffffffff);

    bus_set_listener(bus, count, &changes);
    generation = bus_generation(bus);
    region_set_enabled(bus, over, true);
    region_move(bus, bar, 0xfffff000);
    g_assert_cmpint(changes, ==, 0);
    g_assert_cmpuint(bus_generation(bus), ==, generation);
    region_set_enabled(bus, over, false);
    g_assert_cmpint(changes, ==, 1);
    g_assert_cmpuint(bus_generation(bus), !=, generation);
    g_assert_true(bus_find(bus, 0x1000, &last) == ram);
    g_assert_cmphex(last, ==, 0x3fff);

    bus_begin(bus);
    bus_begin(bus);
    region_set_enabled(bus, ram, false);
    region_move(bus, bar, 0x5000);
    bus_commit(bus);
    g_assert_cmpint(changes, ==, 1);
    bus_commit(bus);
    g_assert_cmpint(changes, ==, 2);
    g_assert_true(bus_find(bus, 0x2000, &last) == low);
    g_assert_cmphex(last, ==, 0x37ff);
    g_assert_true(bus_find(bus, 0x5000, &last) == bar);
    bus_begin(bus);
    bus_commit(bus);
    g_assert_cmpint(changes, ==, 2);

    /* A BAR at the top is cut there, one beyond is invisible. */
    region_move(bus, bar, 0xfffffff0);
    g_assert_true(bus_find(bus, 0xfffffff0, &last) == bar);
    g_assert_cmphex(last, ==, 0xffffffff);
    bus_read(bus, 0xfffffffe, 4);
    expect(&d, "re.2 ");
    region_move(bus, bar, 1ull << 40);
    g_assert_null(bus_find(bus, 0xfffffff0, NULL));
    g_assert_cmphex(bus_read(bus, 1ull << 40, 2), ==, 0xffff);

    bus_print(bus, "system", print);
    g_assert_cmpstr(print->str, ==, "address-space: mem\n  0000000000000000-00000000ffffffff (prio 0, i/o): system\n"
                                    "    0000000000001800-00000000000037ff (prio -1, i/o): low\n\n");
    g_string_free(d.log, TRUE);
    bus_free(bus);
}

static void test_full_space(void)
{
    Bus *bus = bus_new("mem", 0, NULL); /* all of 2^64 */
    Dev d = { g_string_new(NULL), 0 };
    Gpa last;

    bus_add_io(bus, "top", UINT64_MAX - 0xfff, 0x1000, &ops4, &d, 0);
    g_assert_null(bus_find(bus, 0, &last));
    g_assert_cmphex(last, ==, UINT64_MAX - 0x1000);
    g_assert_nonnull(bus_find(bus, UINT64_MAX, &last));
    g_assert_cmphex(last, ==, UINT64_MAX);
    g_assert_cmphex(bus_read(bus, UINT64_MAX, 1), ==, 0xff);
    expect(&d, "rfff.1 ");
    g_string_free(d.log, TRUE);
    bus_free(bus);
}

static void written(void *opaque, uint64_t offset, uint64_t len)
{
    g_string_append_printf(opaque, "%x+%x ", (unsigned)offset, (unsigned)len);
}

static void test_ram_rom(void)
{
    GMutex lock;
    Bus *bus;
    Ram *ram = ram_new(0x8000, NULL);
    Dev d = { g_string_new(NULL), 0x40 };
    GString *log = g_string_new(NULL);
    Region *rom;
    uint8_t buf[0x20];

    g_mutex_init(&lock);
    bus = bus_new("mem", 1ull << 32, &lock);
    bus_set_ram(bus, ram);
    bus_add_ram(bus, "ram", 0, 0x4000, ram->host, 0, 0);
    bus_add_io(bus, "dev", 0x4000, 0x10, &ops4, &d, 0);
    rom = bus_add_rom(bus, "rom", 0x6000, 0x1000, ram->host + 0x6000, 0);

    bus_write(bus, 0x1003, 0x1122334455667788, 8);
    g_assert_cmphex(bus_read(bus, 0x1003, 8), ==, 0x1122334455667788);
    g_assert_cmphex(bus_read(bus, 0x1005, 3), ==, 0x445566);
    /* RAM to device in one access. */
    ram->host[0x3fff] = 0x99;
    g_assert_cmphex(bus_read(bus, 0x3fff, 4), ==, 0x42414099);
    expect(&d, "r0.2 r2.1 ");

    /* ROM ignores writes, unless someone listens; PAM makes it RAM. */
    ram->host[0x6000] = 0xea;
    bus_write(bus, 0x6000, 0, 1);
    g_assert_cmphex(bus_read(bus, 0x6000, 1), ==, 0xea);
    rom->ops = &ops4;
    rom->opaque = &d;
    bus_write(bus, 0x6000, 0, 1);
    expect(&d, "w0.1=0 ");
    g_assert_cmphex(bus_read(bus, 0x6000, 1), ==, 0xea);
    region_set_kind(bus, rom, REGION_RAM);
    bus_write(bus, 0x6000, 0x90, 1);
    g_assert_cmphex(bus_read(bus, 0x6000, 1), ==, 0x90);
    region_set_kind(bus, rom, REGION_ROM);

    /* Watches hear of CPU writes and of DMA, by offset in RAM. */
    ram_set_watcher(ram, WATCH_CODE, written, log);
    ram_watch(ram, 0x2000, 0x1000, WATCH_CODE);
    bus_write(bus, 0x1ffe, 0, 4);
    g_assert_cmpstr(log->str, ==, "2000+2 ");
    g_string_truncate(log, 0);

    g_mutex_lock(&lock);
    memset(buf, 0x33, sizeof buf);
    bus_dma_write(bus, 0x2ff0, buf, sizeof buf);
    g_assert_cmpstr(log->str, ==, "2ff0+10 2ff0+10 "); /* before and after the copy */
    g_assert_cmphex(ram->host[0x2ff0], ==, 0x33);
    g_assert_cmphex(ram->host[0x300f], ==, 0x33);
    g_assert_cmphex(ram->host[0x3010], ==, 0);
    bus_dma_read(bus, 0x4008, buf, sizeof buf); /* device, then a hole */
    expect(&d, "r8.4 rc.4 ");
    g_assert_cmphex(buf[7], ==, 0x4f);
    g_assert_cmphex(buf[8], ==, 0xff);
    bus_dma_write(bus, 0x400e, buf, 4);
    expect(&d, "we.2=4948 ");
    bus_dma_write(bus, 0x6000, buf, 4); /* ROM */
    g_assert_cmphex(ram->host[0x6000], ==, 0x90);
    bus_dma_read(bus, 0x5ffe, buf, 4);
    g_assert_cmphex(buf[1], ==, 0xff);
    g_assert_cmphex(buf[2], ==, 0x90);
    g_assert_cmphex(bus_read_locked(bus, 0x1003, 1), ==, 0x88);
    bus_write_locked(bus, 0x1003, 0x87, 1);
    g_assert_cmphex(ram->host[0x1003], ==, 0x87);
    g_mutex_unlock(&lock);

    g_string_free(log, TRUE);
    g_string_free(d.log, TRUE);
    bus_free(bus);
    ram_free(ram);
    g_mutex_clear(&lock);
}

/* Random maps against the definition: the newest of the highest priority answers. */
static void test_random(void)
{
    Dev d = { g_string_new(NULL), 0 };

    for (int round = 0; round < 200; round++) {
        Bus *bus = bus_new("mem", 256, NULL);
        Region *all[12];
        int n = g_test_rand_int_range(1, 13);

        for (int i = 0; i < n; i++) {
            all[i] = bus_add_io(bus, "x", g_test_rand_int_range(0, 300), g_test_rand_int_range(0, 100), &ops4, &d,
                                g_test_rand_int_range(-1, 2));
            region_set_enabled(bus, all[i], g_test_rand_int_range(0, 4) != 0);
        }
        for (Gpa a = 0; a < 256; a++) {
            Region *top = NULL, *got;
            Gpa last;

            for (int i = 0; i < n; i++)
                if (all[i]->enabled && a >= all[i]->start && a - all[i]->start < all[i]->size &&
                    (!top || all[i]->priority >= top->priority))
                    top = all[i];
            got = bus_find(bus, a, &last);
            g_assert_true(got == top);
            g_assert_cmphex(last, >=, a);
            g_assert_cmphex(last, <, 256);
            g_assert_true(bus_find(bus, last, NULL) == got);
            if (last < 255)
                g_assert_true(bus_find(bus, last + 1, NULL) != got);
        }
        bus_free(bus);
    }
    g_string_free(d.log, TRUE);
}

typedef struct Looker {
    Bus *bus;
    Region *always;
    bool stop;
    unsigned seen;
} Looker;

static void *look(void *opaque)
{
    Looker *l = opaque;

    while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
        Gpa last;

        g_assert_true(bus_find(l->bus, 0x10, &last) == l->always);
        g_assert_cmphex(last, >=, 0x1f);
        g_assert_true(bus_find(l->bus, 0xf8, &last) == l->always);
        __atomic_fetch_add(&l->seen, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Look-ups without the lock, while another thread looks elsewhere and, at times, changes the map. */
static void test_threads(void)
{
    Dev d = { g_string_new(NULL), 0 };
    Looker l = { .bus = bus_new("mem", 0x100, NULL) };
    Region *flicker;
    GThread *thread;

    l.always = bus_add_io(l.bus, "always", 0, 0x100, &ops4, &d, 0);
    flicker = bus_add_io(l.bus, "flicker", 0x20, 0x20, &ops4, &d, 0);
    bus_add_io(l.bus, "other", 0x80, 0x20, &ops4, &d, 0);
    thread = g_thread_new("look", look, &l);
    while (__atomic_load_n(&l.seen, __ATOMIC_RELAXED) < 100)
        g_usleep(100);
    for (int i = 0; i < 60000; i++) {
        for (Gpa a = 0; a < 0x100; a += 0x10)
            bus_find(l.bus, a, NULL);
        if (i % 1000 == 0) /* fewer than views are kept: the looker may be suspended for as long as this takes */
            region_set_enabled(l.bus, flicker, i / 1000 & 1);
    }
    __atomic_store_n(&l.stop, true, __ATOMIC_RELAXED);
    g_thread_join(thread);
    bus_free(l.bus);
    g_string_free(d.log, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/region/io", test_io);
    g_test_add_func("/region/sizes", test_sizes);
    g_test_add_func("/region/peek", test_peek);
    g_test_add_func("/region/map", test_map);
    g_test_add_func("/region/full-space", test_full_space);
    g_test_add_func("/region/ram-rom", test_ram_rom);
    g_test_add_func("/region/random", test_random);
    g_test_add_func("/region/threads", test_threads);
    return g_test_run();
}
