/* The bench on which a bare CPU runs a small guest. */
#include "cpubench.h"

static void log_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    CpuBench *b = opaque;
    g_string_append_c(b->log, (char)value);
}

static uint64_t value_read(void *opaque, uint64_t offset, unsigned size)
{
    CpuBench *b = opaque;
    return b->next_in++;
}

static void value_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    CpuBench *b = opaque;
    uint32_t v32 = value;
    g_array_append_val(b->values, v32);
}

static void intr_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    CpuBench *b = opaque;
    if (value == 0x100) {
        b->v->nmi = 1;
    } else {
        b->vector = value & 0xff;
        b->v->intr = 1;
    }
    vcpu_attention(b->v, ATTN_EVENT);
}

static int acknowledge(void *opaque)
{
    CpuBench *b = opaque;
    int vector = b->vector;
    b->vector = -1;
    b->v->intr = 0;
    return vector;
}

static void shut_down(void *opaque)
{
    CpuBench *b = opaque;
    b->shutdowns++;
}

static const RegionOps log_ops = {NULL, log_write, 1, 1};
static const RegionOps value_ops = {value_read, value_write, 1, 4};
static const RegionOps intr_ops = {NULL, intr_write, 1, 4};

CpuBench *cpu_bench_new(const char *model, uint64_t ram_size)
{
    CpuBench *b = g_new0(CpuBench, 1);
    g_autoptr(GError) error = NULL;

    b->model = cpu_model_parse(model, &error);
    g_assert_no_error(error);
    b->ram = ram_new(ram_size, &error);
    g_assert_no_error(error);
    b->mem = bus_new("memory", UINT64_C(1) << 36, NULL);
    b->io = bus_new("io", 0x10000, NULL);
    bus_add_ram(b->mem, "ram", 0, ram_size, b->ram->host, 0, 0);
    bus_add_io(b->io, "log", CPU_PORT_LOG, 1, &log_ops, b, 0);
    bus_add_io(b->io, "value", CPU_PORT_VALUE, 4, &value_ops, b, 0);
    bus_add_io(b->io, "intr", CPU_PORT_INTR, 4, &intr_ops, b, 0);
    b->log = g_string_new(NULL);
    b->values = g_array_new(false, false, sizeof(uint32_t));
    b->next_in = 0x11223344;
    b->vector = -1;

    b->v = vcpu_new(b->model, b->mem, b->io, b->ram);
    b->v->int_ack = (IntAck){acknowledge, b};
    b->v->reset_request = shut_down;
    b->v->reset_opaque = b;
    return b;
}

void cpu_bench_free(CpuBench *b)
{
    vcpu_free(b->v);
    bus_free(b->io);
    bus_free(b->mem);
    ram_free(b->ram);
    g_free(b->model);
    g_string_free(b->log, true);
    g_array_free(b->values, true);
    g_free(b);
}

void cpu_bench_load(CpuBench *b, Gpa addr, const void *bytes, size_t n)
{
    g_assert_cmpuint(addr + n, <=, b->ram->size);
    memcpy(b->ram->host + addr, bytes, n);
}

void cpu_bench_start(CpuBench *b, uint16_t sel, uint16_t off, uint16_t sp)
{
    for (int n = 0; n < S_COUNT; n++)
        seg_set_real(b->v, n, sel);
    b->v->rip = off;
    b->v->gpr[R_SP].d = sp;
}

void cpu_bench_start_flat(CpuBench *b, uint32_t at, uint32_t tables)
{
    Vcpu *v = b->v;
    uint32_t *directory = (uint32_t *)(b->ram->host + tables);
    unsigned pages = b->ram->size / PAGE_SIZE;

    cpu_bench_start(b, 0, 0, 0);
    v->rip = at;
    v->cr0 |= CR0_PE | CR0_PG | CR0_WP;
    v->cr0 &= ~(uint64_t)(CR0_EM | CR0_TS);
    v->cr4 |= CR4_OSFXSR;
    v->cr3 = tables;
    for (int n = 0; n < S_COUNT; n++) {
        v->seg[n].base = 0;
        v->seg[n].limit = 0xffffffff;
        v->seg[n].attr = SEG_P | SEG_S | SEG_DB | SEG_G | (n == S_CS ? SEG_CODE | SEG_R : SEG_W);
    }
    for (int n = 0; n < S_COUNT; n++)
        seg_derive(v, n);
    for (unsigned n = 0; n < pages; n++)
        directory[1024 + n] = n * PAGE_SIZE | 3;
    for (unsigned n = 0; n < pages; n += 1024)
        directory[n / 1024] = (tables + PAGE_SIZE + n * 4) | 3;
    tlb_flush_all(v);
    for (int n = 0; n < 8; n++)
        v->gpr[n].q = 0x01020304u * n;
}

uint32_t cpu_bench_value(const CpuBench *b, unsigned n)
{
    g_assert_cmpuint(n, <, b->values->len);
    return g_array_index(b->values, uint32_t, n);
}
