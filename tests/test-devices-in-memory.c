/*
 * Devices in memory as the CPU meets them: every access reaches the device, and what was remembered of the way there
 * goes when the map, the page tables' reading or the privilege changes.
 */
#include "cpubench.h"

#include "softmmu/mem.h"

#define DIRECTORY 0x1000
#define TABLE 0x2000
#define LINEAR 0x400000
#define DEVICE_A 0xd0000
#define DEVICE_B 0xd8000

typedef struct Device {
    uint64_t reads, writes, value;
} Device;

static uint64_t device_read(void *opaque, uint64_t offset, unsigned size)
{
    Device *d = opaque;
    d->reads++;
    return d->value + offset;
}

static void device_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Device *d = opaque;
    d->writes++;
    d->value = value;
}

static const RegionOps ops = { .read = device_read, .write = device_write };

typedef struct Bench {
    CpuBench *b;
    Device a, c;
    Region *region_a;
} Bench;

static void put32(Bench *t, Gpa at, uint32_t value)
{
    cpu_bench_load(t->b, at, &value, 4);
}

/* Paging on; LINEAR leads to device A by an entry with the given bits. */
static void bench_on(Bench *t, uint32_t bits)
{
    t->b = cpu_bench_new("max", 1 << 20);
    t->a.value = 0x1000;
    t->c.value = 0x2000;
    t->region_a = bus_add_io(t->b->mem, "a", DEVICE_A, 0x1000, &ops, &t->a, 1);
    bus_add_io(t->b->mem, "b", DEVICE_B, 0x1000, &ops, &t->c, 1);
    put32(t, DIRECTORY + (LINEAR >> 22) * 4, TABLE | 7);
    put32(t, TABLE, DEVICE_A | bits);
    Vcpu *v = t->b->v;
    v->cr3 = DIRECTORY;
    v->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    tlb_flush_all(v);
}

/* Does the read or write at LINEAR raise #PF? */
static bool faults(Bench *t, bool write)
{
    Vcpu *v = t->b->v;
    jmp_buf catch_point;
    v->catch_point = &catch_point;
    if (_setjmp(catch_point)) {
        g_assert_cmpint(v->fault.vector, ==, VEC_PF);
        return true;
    }
    if (write)
        lin_write32(v, LINEAR, 1);
    else
        lin_read32(v, LINEAR);
    return false;
}

static void test_every_access(void)
{
    Bench t = {0};
    bench_on(&t, 7);
    for (unsigned n = 0; n < 3; n++) {
        g_assert_cmphex(lin_read32(t.b->v, LINEAR + 0x20), ==, 0x1020 + n);
        lin_write32(t.b->v, LINEAR, 0x1000 + n + 1);
    }
    g_assert_cmpuint(t.a.reads, ==, 3);
    g_assert_cmpuint(t.a.writes, ==, 3);
    cpu_bench_free(t.b);
}

static void test_forgotten(void)
{
    Bench t = {0};
    bench_on(&t, 7);
    Vcpu *v = t.b->v;
    g_assert_cmphex(lin_read32(v, LINEAR), ==, 0x1000);
    put32(&t, TABLE, DEVICE_B | 7);
    tlb_flush_page(v, LINEAR);
    g_assert_cmphex(lin_read32(v, LINEAR), ==, 0x2000);
    put32(&t, TABLE, DEVICE_A | 7);
    tlb_flush_nonglobal(v);
    g_assert_cmphex(lin_read32(v, LINEAR), ==, 0x1000);
    region_set_enabled(t.b->mem, t.region_a, false); /* RAM shows below it */
    put32(&t, DEVICE_A, 0x12345678);
    g_assert_cmphex(lin_read32(v, LINEAR), ==, 0x12345678);
    region_set_enabled(t.b->mem, t.region_a, true);
    tlb_flush_all(v);
    g_assert_cmphex(lin_read32(v, LINEAR), ==, 0x1000);
    put32(&t, TABLE, 0);
    tlb_flush_page(v, LINEAR);
    g_assert_true(faults(&t, false));
    cpu_bench_free(t.b);
}

/* What a supervisor read has found permits neither a user's read nor a write. */
static void test_permissions(void)
{
    Bench t = {0};
    bench_on(&t, 1); /* supervisor, read-only */
    Vcpu *v = t.b->v;
    g_assert_false(faults(&t, false));
    g_assert_true(faults(&t, true));
    v->mmu_idx = MMU_USER;
    g_assert_true(faults(&t, false));
    g_assert_cmpuint(t.a.reads, ==, 1);
    g_assert_cmpuint(t.a.writes, ==, 0);
    cpu_bench_free(t.b);
}

/* A write after reads sets the D bit, once it is remembered as writable or not. */
static void test_dirty(void)
{
    Bench t = {0};
    uint32_t e;
    bench_on(&t, 7);
    lin_read32(t.b->v, LINEAR);
    memcpy(&e, t.b->ram->host + TABLE, 4);
    g_assert_cmphex(e & 0x60, ==, 0x20);
    lin_write32(t.b->v, LINEAR, 5);
    memcpy(&e, t.b->ram->host + TABLE, 4);
    g_assert_cmphex(e & 0x60, ==, 0x60);
    cpu_bench_free(t.b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/devices-in-memory/every-access", test_every_access);
    g_test_add_func("/devices-in-memory/forgotten", test_forgotten);
    g_test_add_func("/devices-in-memory/permissions", test_permissions);
    g_test_add_func("/devices-in-memory/dirty", test_dirty);
    return g_test_run();
}
