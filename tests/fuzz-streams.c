/*
 * Random instruction streams in random modes, by both engines: no assertion, no leak, no hang, nothing for the sanitizers to
 * report.
 *
 * Every stream begins in a mode of its own (real, protected 16 and 32 bits, V8086; CPL; paging off, 32-bit, PAE) with tables
 * that are half sensible and half random, so that it gets through gates, task switches and faults instead of stopping at
 * the first one, and is interrupted, stopped and kicked at random. Nothing is compared: tests/test-diff does that.
 *
 * A group of streams shares a CPU (each group another model) and memory, which streams leave to each other, and a stock of
 * tables, of which each stream takes one of each kind and damages some: to make all anew cost more than to run the stream.
 *
 *     FUZZ_STREAMS=N FUZZ_SEED=S tests/fuzz-streams [-p /cpu/streams/interpreter | -p /cpu/streams/translator | -p /cpu/streams/windows]
 *
 * A stream that falls over is named on stderr, with what runs its group again. A build with --enable-sanitizers makes it
 * worth its time. FUZZ_PROGRESS=1 says how far it has come, every 100 000 streams.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <glib.h>

#include "cpu/cpu.h"
#include "diff/gen.h"
#include "tcache/tcache.h"

enum {
    RAM = 1 << 20,
    GDT = 0x10000,
    IDT = 0x11000,
    TSS = 0x12000,
    TSS16 = 0x12800,
    LDT = 0x13000,
    PDPT = 0x14000,
    PD = 0x15000,
    PT = 0x16000,
    CODE = 0x20000,
    DATA = 0x30000,
    STACK = 0x40000,
    HANDLERS = 0x8000, /* bytes of code in which handlers begin */
    INSNS = 32,  /* in a stream */
    GROUP = 256, /* streams that share a CPU and leave their memory to each other */
    STOCK = 8,
    STREAM_CODE = 200, /* bytes of code that are a stream's own */
    TB_BYTES = 2 << 20,
    MAPPINGS = 16, /* of shadow windows */
    KICK_US = 250,
    HANG_SECONDS = 30, /* of CPU time, for a group: a stream takes microseconds */
    STILL_SECONDS = 3600, /* of any time: the machine may be busy, but not that busy */
    PROGRESS = 100000,
};

/* Tables to choose from. */
typedef struct Tables {
    uint64_t gdt[64], ldt[64], idt[64];
    uint32_t tss[0x500 / 4], ivt[64]; /* the rest of the TSS lies over the LDT: it has that one's contents */
    uint32_t pd32[1024], pt32[1024];
    uint64_t pdpt[4], pd64[512], pt64[512];
} Tables;

typedef struct Fuzz {
    Rng rng;
    Exit (*run)(Vcpu *v, uint64_t max_insns);
    const char *engine;
    uint64_t seed;
    Tables stock[STOCK];
    uint8_t handlers[HANDLERS + 16];
    bool stop; /* kicks stop the CPU: it runs without a bound */
    Bus *mem, *io;
    Ram *ram;
    Vcpu *v;
    uint64_t stream, insns;
    bool done;
    GMutex lock; /* v, between kick() and its replacement */
    uint64_t exits[4];
} Fuzz;

/* For the handler of fatal signals only: what to say before dying. */
static const Fuzz *current;

static void on_fatal(int sig)
{
    char text[200];
    unsigned long long n_stream = current->stream;
    int n = snprintf(text, sizeof text, "fuzz-streams: signal %d in stream %llu: FUZZ_SEED=%llu FUZZ_FIRST=%llu FUZZ_STREAMS=%u "
                     "tests/fuzz-streams -p /cpu/streams/%s\n", sig, n_stream, (unsigned long long)current->seed,
                     n_stream / GROUP * GROUP, (unsigned)(n_stream % GROUP + 1), current->engine);
    if (write(2, text, n) != n)
        _exit(1);
    signal(sig, SIG_DFL);
    raise(sig);
}

static uint64_t io_read(void *opaque, uint64_t offset, unsigned size)
{
    Fuzz *f = opaque;
    uint64_t value = rng_next(&f->rng);
    if (value % 13 == 0) /* a device wants attention at an odd moment */
        vcpu_attention(f->v, ATTN_EVENT);
    return value;
}

static void io_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    Fuzz *f = opaque;
    if (value % 13 == 0)
        vcpu_attention(f->v, ATTN_EVENT);
}

static const RegionOps io_ops = { io_read, io_write, 1, 4 };

static int int_ack(void *opaque)
{
    Fuzz *f = opaque;
    __atomic_store_n(&f->v->intr, 0, __ATOMIC_SEQ_CST);
    return rng_percent(&f->rng, 10) ? -1 : (int)rng_below(&f->rng, 256);
}

/* The translator with shadow windows: cpu_make() sees to them. */
static Exit run_windowed(Vcpu *v, uint64_t max_insns)
{
    return tcache_run(v, max_insns);
}

static void cpu_make(Fuzz *f)
{
    int models = 0;
    while (cpu_model_nth(models))
        models++;
    f->v = vcpu_new(cpu_model_nth(rng_below(&f->rng, models)), f->mem, f->io, f->ram);
    f->v->int_ack = (IntAck){ int_ack, f };
    if (f->run != interp_run) {
        g_autoptr(GError) error = NULL;
        tcache_new(f->v, TB_BYTES, &error);
        g_assert_no_error(error);
        if (f->run == run_windowed) /* a few: so that they come and go */
            tcache_set_window(f->v->tcache, rng_below(&f->rng, 2) ? TCACHE_WINDOW_ALL : TCACHE_WINDOW_AUTO, MAPPINGS, &error);
        g_assert_no_error(error);
    }
}

static void cpu_free(Fuzz *f)
{
    tcache_free(f->v->tcache);
    vcpu_free(f->v);
}

static void machine_make(Fuzz *f)
{
    f->mem = bus_new("memory", 1ull << 36, NULL);
    f->io = bus_new("io", 0x10000, NULL);
    f->ram = ram_new(RAM, NULL);
    g_assert_nonnull(f->ram);
    bus_add_ram(f->mem, "ram", 0, RAM, f->ram->host, 0, 0);
    bus_add_io(f->mem, "device", 0xa0000, 0x10000, &io_ops, f, 1);
    bus_add_rom(f->mem, "rom", 0xf0000, 0x10000, f->ram->host + 0xf0000, 1);
    bus_add_io(f->io, "ports", 0, 0x10000, &io_ops, f, 0);
    cpu_make(f);
}

static void machine_free(Fuzz *f)
{
    cpu_free(f);
    bus_free(f->mem);
    bus_free(f->io);
    ram_free(f->ram);
}

static void poke(Fuzz *f, uint32_t addr, const void *bytes, unsigned len)
{
    ram_written(f->ram, addr, len);
    memcpy(f->ram->host + addr, bytes, len);
}

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(attr & 0xff) << 40
           | (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(attr >> 8 & 0xf0) << 48 | (uint64_t)(base >> 24) << 56;
}

static uint64_t random_descriptor(Fuzz *f)
{
    Rng *r = &f->rng;
    static const uint32_t bases[] = { 0, 0, CODE, DATA, STACK, TSS, TSS16, LDT, 0xfffff000 };
    uint32_t attr = rng_next(r) & 0xc0ff;
    if (rng_percent(r, 80))
        attr |= SEG_P;
    if (rng_percent(r, 25)) { /* a gate: the fields lie differently */
        uint32_t off = CODE + rng_below(r, 0x8000), sel = rng_below(r, 40) << 3 | rng_below(r, 8);
        static const uint8_t types[] = { 4, 5, 6, 7, 12, 14, 15, 12 };
        attr = (attr & 0xe0) | types[rng_below(r, sizeof types)];
        return (off & 0xffff) | (uint64_t)sel << 16 | (uint64_t)(attr << 8 | rng_below(r, 4)) << 32 | (uint64_t)(off >> 16) << 48;
    }
    return descriptor(rng_percent(r, 90) ? bases[rng_below(r, G_N_ELEMENTS(bases))] : rng_int(r),
                      rng_percent(r, 70) ? 0xfffff : rng_int(r), attr);
}

static void make_tables(Fuzz *f, Tables *t)
{
    Rng *r = &f->rng;
    static const uint64_t fixed[10] = {
        0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x000f9b000000ffff, 0x000f93000000ffff, /* DPL 0: 32 and 16 bits */
        0x00cffb000000ffff, 0x00cff3000000ffff, 0x000ffb000000ffff, 0x000ff3000000ffff,    /* DPL 3 */
        0x00cf9f000000ffff, /* conforming */
    };
    for (unsigned i = 0; i < 64; i++)
        t->gdt[i] = i < 10 && rng_percent(r, 95) ? fixed[i] : random_descriptor(f);
    t->gdt[10] = descriptor(TSS, 0x2067, SEG_P | 0xb);
    t->gdt[11] = descriptor(TSS16, 0x2b, SEG_P | 1);
    t->gdt[12] = descriptor(LDT, 0x1ff, SEG_P | 2);
    t->gdt[13] = descriptor(TSS + 0x400, 0x67, SEG_P | 9);
    for (unsigned i = 0; i < 64; i++)
        t->ldt[i] = random_descriptor(f);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t off = CODE + rng_below(r, HANDLERS);
        static const uint8_t types[] = { 0x8e, 0x8f, 0xee, 0xef, 0x86, 0x87, 0xe6, 0xe5, 0x85, 0x0e };
        uint16_t sel = rng_percent(r, 80) ? (rng_percent(r, 70) ? 8 : 24) : rng_below(r, 64) << 3 | rng_below(r, 4);
        uint8_t type = types[rng_below(r, rng_percent(r, 80) ? 4 : 10)];
        if (type % 16 == 5)
            sel = rng_percent(r, 50) ? 11 << 3 : 13 << 3;
        t->idt[i] = (off & 0xffff) | (uint64_t)sel << 16 | (uint64_t)type << 40 | (uint64_t)(off >> 16) << 48;
    }
    uint32_t *tss = t->tss;
    for (unsigned i = 0; i < G_N_ELEMENTS(t->tss); i++)
        tss[i] = i < 26 ? CODE + rng_below(r, 0x20000) : rng_percent(r, 50) ? 0 : rng_next(r);
    for (unsigned i = 18; i < 24; i++)
        tss[i] = rng_below(r, 10) << 3 | rng_below(r, 4);
    tss[1] = tss[3] = tss[5] = STACK + 0x1000 + rng_below(r, 0x8000);
    tss[2] = tss[4] = tss[6] = 16;
    tss[7] = PD;
    tss[9] &= 0x3ffff;
    tss[25] = (rng_percent(r, 70) ? 0x68 : rng_next(r) & 0xffff) << 16;
    for (unsigned i = 0; i < 64; i++)
        t->ivt[i] = rng_percent(r, 80) ? (CODE / 16) << 16 | rng_below(r, HANDLERS) : rng_next(r);
}

/* Identity maps of the first megabyte, with holes and odd permissions, in both formats. */
static void make_pages(Fuzz *f, Tables *t)
{
    Rng *r = &f->rng;
    memset(t->pd32, 0, sizeof t->pd32);
    memset(t->pt32, 0, sizeof t->pt32);
    memset(t->pd64, 0, sizeof t->pd64);
    for (unsigned i = 0; i < 256; i++) {
        uint32_t flags = rng_percent(r, 85) ? 7 : rng_next(r) & 0x1ff;
        t->pt32[i] = i << 12 | flags;
        t->pt64[i] = t->pt32[i] | (rng_percent(r, 3) ? rng_next(r) << 63 : 0) | (rng_percent(r, 1) ? 1ull << 40 : 0);
        t->pt64[i + 256] = rng_percent(r, 90) ? 0 : rng_next(r);
    }
    for (unsigned i = 0; i < 4; i++)
        t->pdpt[i] = (PD + 0x800 * (i & 1)) % 0x1000 ? 0 : PD | 1;
    t->pd64[0] = PT | 7;
    t->pd64[1] = rng_percent(r, 50) ? 0x87 | (rng_next(r) & 0x1e0) : rng_next(r);
    t->pdpt[1] = rng_percent(r, 90) ? 0 : PD | (rng_next(r) & 0xfff);
    t->pd32[0] = PT | 7;
    t->pd32[1] = rng_percent(r, 50) ? 0x87 | (rng_next(r) & 0x1e0) : rng_next(r);
    t->pd32[1023] = rng_next(r);
}

/* What a group's streams draw on. */
static void make_stock(Fuzz *f)
{
    for (unsigned i = 0; i < STOCK; i++) {
        make_tables(f, &f->stock[i]);
        make_pages(f, &f->stock[i]);
    }
    for (unsigned n = 0; n + 15 < sizeof f->handlers; n += 2 + rng_below(&f->rng, 6))
        gen_bytes(&f->rng, n & 0x1000 ? 2 : 4, f->handlers + n);
    poke(f, CODE, f->handlers, HANDLERS);
}

/* One of the stock. */
static const Tables *draw(Fuzz *f)
{
    return &f->stock[rng_below(&f->rng, STOCK)];
}

/* A few wrong words, anywhere in the tables that the CPU goes by. */
static void damage(Fuzz *f)
{
    Rng *r = &f->rng;
    static const uint32_t tables[] = { 0, GDT, GDT, LDT, IDT, IDT, TSS, TSS16, PDPT, PD, PT, PT };
    for (unsigned n = rng_below(r, 6); n; n--) {
        uint32_t addr = tables[rng_below(r, G_N_ELEMENTS(tables))] + rng_below(r, 0x80) * 4, word;
        memcpy(&word, f->ram->host + addr, 4);
        word = rng_percent(r, 50) ? word ^ 1u << rng_below(r, 32) : rng_percent(r, 50) ? rng_next(r) : rng_int(r);
        poke(f, addr, &word, 4);
    }
}

static void poke_tables(Fuzz *f, bool paging, bool pae)
{
    poke(f, GDT, draw(f)->gdt, sizeof f->stock->gdt);
    poke(f, IDT, draw(f)->idt, sizeof f->stock->idt);
    poke(f, TSS, draw(f)->tss, sizeof f->stock->tss);
    poke(f, LDT, draw(f)->ldt, sizeof f->stock->ldt);
    poke(f, 0, draw(f)->ivt, sizeof f->stock->ivt);
    const Tables *t = draw(f);
    if (paging && pae) {
        poke(f, PDPT, t->pdpt, sizeof t->pdpt);
        poke(f, PD, t->pd64, sizeof t->pd64);
        poke(f, PT, t->pt64, sizeof t->pt64);
    } else if (paging) {
        poke(f, PD, t->pd32, sizeof t->pd32);
        poke(f, PT, t->pt32, sizeof t->pt32);
    }
    damage(f);
}

static void make_code(Fuzz *f, unsigned code_size)
{
    uint8_t code[STREAM_CODE];
    unsigned n = 0;
    while (n + 15 <= sizeof code) {
        gen_bytes(&f->rng, code_size, code + n);
        n += 2 + rng_below(&f->rng, 6);
    }
    f->v->rip = rng_below(&f->rng, HANDLERS);
    poke(f, CODE + f->v->rip, code, n);
    if (rng_percent(&f->rng, 50)) /* handlers change too */
        poke(f, CODE + rng_below(&f->rng, HANDLERS), code + 15, 64);
}

static void set_seg(Vcpu *v, int n, uint16_t sel, uint32_t base, uint32_t limit, uint16_t attr)
{
    v->seg[n] = (Seg){ .sel = sel, .base = base, .limit = limit, .attr = attr };
    seg_derive(v, n);
}

static void make_state(Fuzz *f)
{
    Rng *r = &f->rng;
    Vcpu *v = f->v;
    unsigned mode = rng_below(r, 6); /* real, 16-bit, 32-bit twice, V8086, 32-bit CPL 3 */
    bool paging = mode && rng_percent(r, 60), pae = rng_percent(r, 50);
    int cpl = mode == 4 || mode == 5 ? 3 : 0;
    unsigned code_size = mode == 2 || mode == 3 || mode == 5 ? 4 : 2;
    uint16_t big = code_size == 4 ? SEG_DB | SEG_G : 0;
    static const uint8_t sregs[] = { S_ES, S_SS, S_DS, S_FS, S_GS };

    vcpu_reset(v);
    poke_tables(f, paging || rng_percent(r, 10), pae);
    for (int i = 0; i < 8; i++)
        v->gpr[i].q = rng_percent(r, 50) ? rng_below(r, 0x10000) : rng_percent(r, 50) ? DATA + rng_below(r, 0x10000) : rng_int(r);
    if (rng_percent(r, 70)) /* or most of the time goes to REP */
        v->gpr[R_CX].q &= 0x1f;
    v->gpr[R_SP].q = STACK + 0x4000 + rng_below(r, 0x4000);
    v->cr0 = CR0_ET | (mode ? CR0_PE : 0) | (paging ? CR0_PG : 0) | (rng_next(r) & (CR0_WP | CR0_NE | CR0_AM | CR0_MP));
    if (rng_percent(r, 10))
        v->cr0 |= rng_next(r) & (CR0_TS | CR0_EM);
    v->cr4 = (rng_next(r) & 0x7df) | (rng_percent(r, 80) ? CR4_OSFXSR | CR4_OSXMMEXCPT : 0);
    v->cr4 = pae ? v->cr4 | CR4_PAE : v->cr4 & ~CR4_PAE;
    v->efer = rng_percent(r, 50) ? EFER_NXE : 0;
    v->cr3 = pae ? PDPT : PD;
    if (paging && !mmu_load_pdptes(v, v->cr0, v->cr3, v->cr4))
        v->cr0 &= ~CR0_PG;
    v->gdtr = (TableReg){ GDT, 0x1ff };
    v->idtr = mode ? (TableReg){ IDT, 0x1ff } : (TableReg){ 0, 0x3ff };
    v->ldtr = (Seg){ .base = LDT, .limit = 0x1ff, .sel = 12 << 3, .attr = SEG_P | 2 };
    v->tr = (Seg){ .base = TSS, .limit = 0x2067, .sel = 10 << 3, .attr = SEG_P | 0xb };
    eflags_set_raw(v, FL_1 | (mode == 4 ? FL_VM : 0) | (rng_next(r) & (FL_ARITH | FL_DF | FL_IOPL | FL_AC | FL_ID))
                      | (rng_percent(r, 60) ? FL_IF : 0) | (rng_percent(r, 5) ? FL_TF : 0) | (rng_percent(r, 5) ? FL_NT : 0)
                      | (rng_percent(r, 5) ? FL_RF : 0));
    cpu_set_cpl(v, cpl);
    if (mode == 0 || mode == 4) {
        set_seg(v, S_CS, CODE >> 4, CODE, 0xffff, SEG_P | SEG_S | SEG_W | SEG_A | (cpl << SEG_DPL_SHIFT));
        for (unsigned i = 0; i < sizeof sregs; i++) {
            uint16_t sel = rng_percent(r, 80) ? DATA >> 4 : rng_next(r);
            set_seg(v, sregs[i], sel, sel << 4, mode == 0 && rng_percent(r, 10) ? 0xffffffff : 0xffff,
                    SEG_P | SEG_S | SEG_W | SEG_A | (cpl << SEG_DPL_SHIFT));
        }
    } else {
        set_seg(v, S_CS, (cpl ? (big ? 5 : 7) : (big ? 1 : 3)) << 3 | cpl, CODE, big ? 0xffffffff : 0xffff,
                SEG_P | SEG_S | SEG_CODE | SEG_R | SEG_A | big | (cpl << SEG_DPL_SHIFT));
        for (unsigned i = 0; i < sizeof sregs; i++)
            set_seg(v, sregs[i], (cpl ? (big ? 6 : 8) : (big ? 2 : 4)) << 3 | cpl, rng_percent(r, 70) ? 0 : DATA,
                    rng_percent(r, 80) ? (big ? 0xffffffff : 0xfffff) : rng_int(r),
                    SEG_P | SEG_S | SEG_W | SEG_A | big | (cpl << SEG_DPL_SHIFT) | (rng_percent(r, 5) ? SEG_E : 0));
    }
    if (rng_percent(r, 10)) {
        for (int i = 0; i < 4; i++)
            v->dr[i] = rng_percent(r, 50) ? CODE + rng_below(r, 0x8000) : DATA + rng_below(r, 0x10000);
        v->dr[7] = 0x400 | (rng_next(r) & 0xffff23ff);
        debug_update(v);
    }
    uint8_t fx[512];
    for (int i = 0; i < 512; i += 16)
        rng_chunk(r, fx + i);
    uint32_t mxcsr = rng_next(r) & 0xffff;
    memcpy(fx + 24, &mxcsr, 4);
    if (rng_percent(r, 70)) {
        fpu_from_fxsave(v, fx);
        if (rng_percent(r, 50))
            v->fpu.cw = 0x37f, v->fpu.sw = 0;
    }
    make_code(f, code_size);
    tlb_flush_all(v);
    mmu_update_idx(v);
    vcpu_attention(v, ATTN_STEP | ATTN_EVENT);
}

/*
 * A kick every KICK_US, as a VM's timers give: a REP with a count of 4 G gives way to it, and a CPU that runs without
 * a bound stops. It is the only thing here that does not follow from the seed.
 */
static gpointer kick(gpointer opaque)
{
    Fuzz *f = opaque;
    while (!__atomic_load_n(&f->done, __ATOMIC_SEQ_CST)) {
        g_usleep(KICK_US);
        g_mutex_lock(&f->lock);
        vcpu_attention(f->v, __atomic_load_n(&f->stop, __ATOMIC_SEQ_CST) ? ATTN_EVENT | ATTN_STOP : ATTN_EVENT);
        g_mutex_unlock(&f->lock);
    }
    return NULL;
}

/* Another model, other tables; and nothing of the last group's leaks. */
static void begin_group(Fuzz *f)
{
    g_mutex_lock(&f->lock);
    cpu_free(f);
    memset(f->ram->host, 0, RAM);
    cpu_make(f);
    g_mutex_unlock(&f->lock);
    make_stock(f);
}

static void run_stream(Fuzz *f)
{
    Rng *r = &f->rng;
    if (f->stream % GROUP == 0)
        begin_group(f);
    make_state(f);
    uint64_t before = f->v->insns;
    bool bounded = !rng_percent(r, 1); /* without a bound blocks are chained, as in a VM; but that ends by the next kick only */
    __atomic_store_n(&f->stop, !bounded, __ATOMIC_SEQ_CST);
    for (unsigned left = INSNS; left;) {
        unsigned n = rng_percent(r, 50) ? left : 1 + rng_below(r, left);
        Exit e = f->run(f->v, bounded ? n : 0);
        f->exits[e]++;
        left -= MIN(left, bounded ? n : INSNS / 2);
        if (e == EXIT_SHUTDOWN)
            break;
        if (e == EXIT_HALT && rng_percent(r, 50))
            break;
        if (rng_percent(r, 20)) {
            __atomic_store_n(&f->v->intr, 1, __ATOMIC_SEQ_CST);
            vcpu_attention(f->v, ATTN_EVENT);
        }
        if (rng_percent(r, 3)) {
            __atomic_store_n(&f->v->nmi, 1, __ATOMIC_SEQ_CST);
            vcpu_attention(f->v, ATTN_EVENT);
        }
        if (rng_percent(r, 5))
            vcpu_attention(f->v, ATTN_STOP);
    }
    f->insns += f->v->insns - before;
    __atomic_store_n(&f->v->intr, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&f->v->nmi, 0, __ATOMIC_SEQ_CST);
}

static uint64_t from_env(const char *name, uint64_t otherwise)
{
    const char *s = g_getenv(name);
    return s && *s ? g_ascii_strtoull(s, NULL, 0) : otherwise;
}

/* on_fatal() after so many seconds of CPU time, or of time; 0: not any more. */
static void watch_for_hangs(unsigned busy, unsigned still)
{
    struct itimerval t = { .it_value.tv_sec = busy };
    setitimer(ITIMER_PROF, &t, NULL);
    alarm(still);
}

static void test_streams(Exit (*run)(Vcpu *, uint64_t), const char *engine)
{
    Fuzz *f = g_new0(Fuzz, 1);
    uint64_t first = from_env("FUZZ_FIRST", 0) / GROUP * GROUP, n = from_env("FUZZ_STREAMS", 20000);
    bool progress = from_env("FUZZ_PROGRESS", 0);
    gint64 begin = g_get_monotonic_time();

    current = f;
    signal(SIGABRT, on_fatal);
    signal(SIGALRM, on_fatal);
    signal(SIGPROF, on_fatal);
    f->run = run;
    f->engine = engine;
    f->seed = from_env("FUZZ_SEED", 1);
    f->rng = rng_seed(f->seed, 0);
    g_mutex_init(&f->lock);
    machine_make(f);
    GThread *thread = g_thread_new("kick", kick, f);
    for (f->stream = first; f->stream < first + n; f->stream++) {
        if (f->stream % GROUP == 0)
            watch_for_hangs(HANG_SECONDS, STILL_SECONDS);
        if (progress && f->stream % PROGRESS == 0)
            fprintf(stderr, "# %" G_GUINT64_FORMAT " streams of seed %" G_GUINT64_FORMAT "\n", f->stream, f->seed);
        f->rng = rng_seed(f->seed, f->stream);
        run_stream(f);
    }
    watch_for_hangs(0, 0);
    __atomic_store_n(&f->done, true, __ATOMIC_SEQ_CST);
    g_thread_join(thread);
    double s = (g_get_monotonic_time() - begin) / 1e6;
    g_test_message("%s: %" G_GUINT64_FORMAT " streams, %" G_GUINT64_FORMAT " instructions in %.1f s: %.0f streams/s; exits: budget %"
                   G_GUINT64_FORMAT ", stop %" G_GUINT64_FORMAT ", halt %" G_GUINT64_FORMAT ", shutdown %" G_GUINT64_FORMAT,
                   engine, n, f->insns, s, n / s, f->exits[EXIT_BUDGET], f->exits[EXIT_STOP], f->exits[EXIT_HALT],
                   f->exits[EXIT_SHUTDOWN]);
    g_assert_cmpuint(f->insns, >=, n); /* the streams did run */
    machine_free(f);
    g_mutex_clear(&f->lock);
    g_free(f);
}

static void test_interpreter(void)
{
    test_streams(interp_run, "interpreter");
}

static void test_translator(void)
{
    test_streams(tcache_run, "translator");
}

static void test_windows(void)
{
    test_streams(run_windowed, "windows");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpu/streams/windows", test_windows);
    g_test_add_func("/cpu/streams/interpreter", test_interpreter);
    g_test_add_func("/cpu/streams/translator", test_translator);
    return g_test_run();
}
