/*
 * x87, MMX and SSE handlers against the host CPU: each instruction form runs natively on a random state (FXRSTOR, the
 * instruction's bytes, FXSAVE) and through decoder and handler on the same state; everything must agree, and so must
 * the exception when there is one. What a host program cannot reach (CR0, CR4, real-mode formats, FERR#) is tested
 * by hand below.
 */
#include "config.h"

#include <glib.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "cpu/handlers.h"
#include "cpu/x87.h"
#include "frontend/decode.h"

#define IMAGE_SIZE 512
#define MEM_SIZE 4096 /* guest and host see it at the same address, below 4 GiB */
#define OPERAND 1024  /* of the memory operand in it */

/* What the native stub reads and leaves: offsets are known to the code below. */
typedef struct Native {
    uint8_t in[IMAGE_SIZE] __attribute__((aligned(64)));
    uint8_t out[IMAGE_SIZE] __attribute__((aligned(64)));
    uint32_t gpr[8];
    uint64_t eflags;
    int trap; /* vector, -1: none */
} Native;

typedef struct Bench {
    Native *n;
    uint8_t *stub, *slot; /* code; where the tested bytes go */
    uint8_t *mem, backup[MEM_SIZE], native_mem[MEM_SIZE];
    Vcpu *v;
    GRand *rand;
    volatile bool native; /* the stub is running */
} Bench;

/* Signal handlers have no argument of ours. */
static Bench *volatile current;
static sigjmp_buf native_catch;

#define STUB_GAP 16 /* bytes kept for the instruction, filled up with NOPs */

static void emit(uint8_t **p, const void *bytes, size_t n)
{
    memcpy(*p, bytes, n);
    *p += n;
}
#define EMIT(...) emit(&p, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))
#define AT(field, k) (uint8_t)((offsetof(Native, field) + (k))), (uint8_t)((offsetof(Native, field) + (k)) >> 8), 0, 0

static void stub_build(Bench *b)
{
    uint8_t *p = b->stub;
    EMIT(0x53, 0x55, 0x41, 0x57, 0x49, 0x89, 0xff);    /* push rbx, rbp, r15; mov r15, rdi */
    EMIT(0x41, 0x0f, 0xae, 0x8f, AT(in, 0));           /* fxrstor [r15+in] */
    EMIT(0x41, 0xff, 0xb7, AT(eflags, 0), 0x9d);       /* push [r15+eflags]; popf */
    for (unsigned r = 0; r < 8; r++) {
        if (r != 4)
            EMIT(0x41, 0x8b, 0x87 | r << 3, AT(gpr, 4 * r)); /* mov r32, [r15+gpr] */
    }
    b->slot = p;
    p += STUB_GAP;
    EMIT(0x41, 0x0f, 0xae, 0x87, AT(out, 0));          /* fxsave [r15+out] */
    for (unsigned r = 0; r < 8; r++) {
        if (r != 4)
            EMIT(0x41, 0x89, 0x87 | r << 3, AT(gpr, 4 * r));
    }
    EMIT(0x9c, 0x41, 0x8f, 0x87, AT(eflags, 0));       /* pushf; pop [r15+eflags] */
    EMIT(0xdb, 0xe2, 0xdb, 0xe3);                      /* fnclex; fninit */
    EMIT(0x68, 0x80, 0x1f, 0, 0, 0x0f, 0xae, 0x14, 0x24, 0x58); /* push 1f80h; ldmxcsr [rsp]; pop rax */
    EMIT(0xfc, 0x41, 0x5f, 0x5d, 0x5b, 0xc3);          /* cld; pop r15, rbp, rbx; ret */
}

static void native_trap(int sig, siginfo_t *info, void *context)
{
    static const int order[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };
    ucontext_t *uc = context;
    Native *n = current->n;
    if (!current->native) { /* not the tested code: die of it */
        signal(sig, SIG_DFL);
        return;
    }
    memcpy(n->out, uc->uc_mcontext.fpregs, IMAGE_SIZE);
    for (unsigned r = 0; r < 8; r++)
        n->gpr[r] = uc->uc_mcontext.gregs[order[r]];
    n->eflags = uc->uc_mcontext.gregs[REG_EFL];
    n->trap = uc->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(native_catch, 1);
}

static void native_run(Bench *b, const uint8_t *code, unsigned len)
{
    uint32_t mxcsr = 0x1f80;
    memset(b->slot, 0x90, STUB_GAP);
    memcpy(b->slot, code, len);
    b->n->trap = -1;
    b->native = true;
    if (!sigsetjmp(native_catch, 1))
        ((void (*)(Native *))b->stub)(b->n);
    b->native = false;
    __asm__ volatile("fnclex\n\tfninit\n\tldmxcsr %0\n\tcld" : : "m"(mxcsr));
}

static bool host_has(InsnFeature f)
{
    switch (f) {
    case F_SSE3: return __builtin_cpu_supports("sse3");
    case F_SSSE3: return __builtin_cpu_supports("ssse3");
    case F_SSE41: return __builtin_cpu_supports("sse4.1");
    case F_SSE42: return __builtin_cpu_supports("sse4.2");
    case F_POPCNT: return __builtin_cpu_supports("popcnt");
    case F_AES: return __builtin_cpu_supports("aes");
    case F_PCLMUL: return __builtin_cpu_supports("pclmul");
    default: return true;
    }
}

static CpuModel model = { .name = "test", .vendor = "GenuineIntel" };

static void flat_segment(Seg *s)
{
    *s = (Seg){ .limit = 0xffffffff, .attr = SEG_P | SEG_S | SEG_W | SEG_A | SEG_DB | SEG_G, .read_max = 0xffffffff,
                .write_max = 0xffffffff };
}

static void map_page(Vcpu *v, const void *host)
{
    Gva addr = (uintptr_t)host;
    TlbEntry *e = tlb_entry(v, MMU_SUPER, addr);
    e->read = e->write = e->exec = addr & PAGE_MASK;
    e->addend = 0;
}

static Bench *bench_new(guint32 seed)
{
    struct sigaction sa = { .sa_sigaction = native_trap, .sa_flags = SA_SIGINFO };
    Bench *b = g_new0(Bench, 1);
    int prot = PROT_READ | PROT_WRITE;
    b->rand = g_rand_new_with_seed(seed);
    b->stub = mmap(NULL, 4096, prot | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    b->mem = mmap(NULL, MEM_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    b->n = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(b->stub != MAP_FAILED && b->mem != MAP_FAILED && b->n != MAP_FAILED);
    stub_build(b);
    for (unsigned f = 0; f < F_COUNT; f++)
        model.features |= (uint64_t)host_has(f) << f;
    b->v = vcpu_new(&model, NULL, NULL, NULL);
    b->v->cr0 = CR0_PE | CR0_NE | CR0_ET;
    b->v->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    for (int n = 0; n < S_COUNT; n++)
        flat_segment(&b->v->seg[n]);
    b->v->mmu_idx = MMU_SUPER;
    map_page(b->v, b->mem);
    current = b;
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    return b;
}

static void bench_free(Bench *b)
{
    signal(SIGFPE, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    vcpu_free(b->v);
    munmap(b->stub, 4096);
    munmap(b->mem, MEM_SIZE);
    munmap(b->n, 4096);
    g_rand_free(b->rand);
    g_free(b);
}

/* ---- random states ---- */

static uint32_t rnd(Bench *b)
{
    return g_rand_int(b->rand);
}
static unsigned below(Bench *b, unsigned n)
{
    return g_rand_int_range(b->rand, 0, n);
}
static uint64_t rnd64(Bench *b)
{
    return (uint64_t)rnd(b) << 32 | rnd(b);
}

/* Mantissas with runs of equal bits, where rounding and carries happen. */
static uint64_t mantissa(Bench *b)
{
    switch (below(b, 6)) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return ~0ull << below(b, 64);
    case 3: return 1ull << below(b, 64);
    case 4: return rnd64(b) << below(b, 64);
    default: return rnd64(b);
    }
}

static uint32_t special32(Bench *b)
{
    uint32_t sign = rnd(b) & 0x80000000u, m = mantissa(b) >> 41;
    switch (below(b, 10)) {
    case 0: return sign;
    case 1: return sign | m;                                     /* denormal */
    case 2: return sign | 0x7f800000u;                           /* infinity */
    case 3: return sign | 0x7f800000u | m;                       /* NaN */
    case 4: return sign | (1 + below(b, 3)) << 23 | m;           /* near underflow */
    case 5: return sign | (254 - below(b, 3)) << 23 | m;         /* near overflow */
    case 6: return sign | (below(b, 255)) << 23 | m;
    case 7: return below(b, 100);                                /* a small integer, as such */
    default: return sign | (120 + below(b, 40)) << 23 | m;
    }
}

static uint64_t special64(Bench *b)
{
    uint64_t sign = rnd64(b) & 1ull << 63, m = mantissa(b) >> 12;
    switch (below(b, 12)) {
    case 0: return sign;
    case 1: return sign | m;
    case 2: return sign | 0x7ffull << 52;
    case 3: return sign | 0x7ffull << 52 | m;
    case 4: return sign | (uint64_t)(1 + below(b, 3)) << 52 | m;
    case 5: return sign | (uint64_t)(2046 - below(b, 3)) << 52 | m;
    case 6: return sign | (uint64_t)below(b, 2047) << 52 | m;
    case 7: return sign | (uint64_t)(1023 - 152 + below(b, 30)) << 52 | m; /* a denormal single */
    case 8: return sign | (uint64_t)(1023 + 20 + below(b, 46)) << 52 | m;  /* about an integer's range */
    case 9: return sign | (uint64_t)(1023 + 124 + below(b, 6)) << 52 | m;  /* about a single's end */
    default: return sign | (uint64_t)(1010 + below(b, 40)) << 52 | m;
    }
}

static void special80(Bench *b, uint8_t out[10])
{
    uint16_t sign = rnd(b) & 0x8000, exp;
    uint64_t m = mantissa(b), one = 1ull << 63;
    switch (below(b, 16)) {
    case 0: exp = 0; m = 0; break;
    case 1: exp = 0; m &= ~one; break;                    /* denormal */
    case 2: exp = 0; m |= one; break;                     /* pseudo-denormal */
    case 3: exp = 0x7fff; m = one; break;                 /* infinity */
    case 4: exp = 0x7fff; m |= one; break;                /* NaNs */
    case 5: exp = rnd(b); break;                          /* unnormals too */
    case 6: exp = 0x7fff; break;                          /* pseudo-NaN, pseudo-infinity */
    case 7: exp = 1 + below(b, 70); m |= one; break;      /* near underflow */
    case 8: exp = 0x7ffe - below(b, 70); m |= one; break; /* near overflow */
    case 9: exp = 0x3fff - 160 + below(b, 40); m |= one; break;   /* a denormal single */
    case 10: exp = 0x3fff - 1080 + below(b, 70); m |= one; break; /* a denormal double */
    case 11: exp = 0x3fff + below(b, 70); m |= one; break;        /* integers */
    case 12: exp = 0x3fff + below(b, 8); m = mantissa(b) << 56 | one; break; /* small integers */
    case 13: exp = 0x3fff + 120 + below(b, 10); m |= one; break;  /* about a single's end */
    default: exp = 0x3fff - 20 + below(b, 40); m |= one; break;
    }
    exp |= sign;
    memcpy(out, &m, 8);
    memcpy(out + 8, &exp, 2);
}

/* A vector, a memory operand: of singles, doubles, 80-bit reals, or noise. */
static void special_bytes(Bench *b, uint8_t *out, unsigned size)
{
    unsigned kind = below(b, 5);
    uint8_t buf[16] = { 0 };
    for (unsigned at = 0; at < size; at += 16) {
        switch (kind) {
        case 0:
        case 1:
            for (unsigned k = 0; k < 4; k++)
                memcpy(buf + 4 * k, &(uint32_t){ special32(b) }, 4);
            break;
        case 2:
        case 3:
            for (unsigned k = 0; k < 2; k++)
                memcpy(buf + 8 * k, &(uint64_t){ special64(b) }, 8);
            break;
        default:
            for (unsigned k = 0; k < 2; k++)
                memcpy(buf + 8 * k, &(uint64_t){ mantissa(b) }, 8);
            break;
        }
        memcpy(out + at, buf, 16);
    }
    if (below(b, 4) == 0)
        special80(b, out);
}

static void put16(uint8_t *p, unsigned value)
{
    p[0] = value;
    p[1] = value >> 8;
}
static unsigned get16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static void random_state(Bench *b, bool pending)
{
    uint8_t *in = b->n->in;
    unsigned cw = 0x40 | (rnd(b) & 0xf00), sw = rnd(b) & 0x7f00;
    uint32_t mxcsr = rnd(b) & 0xe000;
    memset(in, 0, IMAGE_SIZE);
    cw |= below(b, 2) ? 0x3f : rnd(b) & 0x3f;
    if (below(b, 2))
        sw |= rnd(b) & cw & 0x3f;
    if (pending) {
        cw &= ~1u << below(b, 6);
        cw &= 0xfff;
        sw |= ~cw & 0x3f;
    }
    if (sw & ~cw & 0x3f)
        sw |= 0x8080;
    put16(in, cw);
    put16(in + 2, sw);
    in[4] = below(b, 3) ? below(b, 2) ? 0xff : 0xff & ~(1u << below(b, 8)) & ~(1u << below(b, 8)) : rnd(b);
    if (below(b, 3) == 0) /* room to push */
        in[4] &= ~(1u << (((sw >> 11 & 7) + 7) & 7));
    mxcsr |= below(b, 2) ? 0x1f80 : rnd(b) & 0x1f80;
    mxcsr |= below(b, 2) ? 0 : rnd(b) & 0x40;
    mxcsr |= below(b, 2) ? 0 : rnd(b) & 0x3f;
    memcpy(in + 24, &mxcsr, 4);
    for (unsigned k = 0; k < 8; k++)
        special80(b, in + 32 + 16 * k);
    if (below(b, 3) == 0) /* equal operands */
        memcpy(in + 48, in + 32, 10);
    for (unsigned k = 0; k < 8; k++)
        special_bytes(b, in + 160 + 16 * k, 16);
    for (unsigned at = 0; at < MEM_SIZE; at += 64)
        special_bytes(b, b->mem + at, 16);
    special_bytes(b, b->mem + OPERAND, 16);
    for (unsigned r = 0; r < 8; r++)
        b->n->gpr[r] = below(b, 2) ? special32(b) : rnd(b);
    b->n->gpr[R_DX] = b->n->gpr[R_DI] = (uintptr_t)b->mem + OPERAND;
    b->n->gpr[R_SP] = 0;
    b->n->eflags = 0x202 | (rnd(b) & FL_ARITH);
    memcpy(b->backup, b->mem, MEM_SIZE);
}

/* ---- one case ---- */

static int guest_run(Bench *b, Insn *i)
{
    jmp_buf catch_point;
    b->v->catch_point = &catch_point;
    if (_setjmp(catch_point))
        return b->v->fault.vector;
    i->run(b->v, i);
    return -1;
}

static void dump(Bench *b, const uint8_t *guest, const Insn *i, const char *what, const uint8_t *code)
{
    const uint8_t *images[3] = { b->n->in, b->n->out, guest };
    GString *s = g_string_new(NULL);
    const char *names[3] = { "before", "host", "guest" };
    g_string_append_printf(s, "%s: %s differs; bytes", insn_info[i->row].name, what);
    for (unsigned k = 0; k < i->len; k++)
        g_string_append_printf(s, " %02x", code[k]);
    g_string_append_printf(s, "; memory %016" G_GINT64_MODIFIER "x\n", *(uint64_t *)(b->backup + OPERAND));
    for (unsigned k = 0; k < 3; k++) {
        g_string_append_printf(s, "%-6s cw %04x sw %04x tag %02x mxcsr %08x\n", names[k], get16(images[k]), get16(images[k] + 2),
                               images[k][4], *(uint32_t *)(images[k] + 24));
        for (unsigned r = 0; r < 8; r++) {
            const uint8_t *x = images[k] + 32 + 16 * r, *y = images[k] + 160 + 16 * r;
            g_string_append_printf(s, "  st%u %04x %016" G_GINT64_MODIFIER "x  xmm%u %016" G_GINT64_MODIFIER
                                   "x %016" G_GINT64_MODIFIER "x\n", r, get16(x + 8), *(uint64_t *)x, r,
                                   *(uint64_t *)(y + 8), *(uint64_t *)y);
        }
    }
    g_printerr("%s", s->str);
    g_string_free(s, TRUE);
}

/* Host and guest on one state; false (with a report) when they differ. */
static bool run_case(Bench *b, const uint8_t *code, Insn *i, bool pending)
{
    Vcpu *v = b->v;
    uint8_t guest[IMAGE_SIZE];
    const char *bad = NULL;
    int trap;

    random_state(b, pending);
    fpu_from_fxsave(v, b->n->in);
    for (unsigned r = 0; r < 8; r++)
        v->gpr[r].q = b->n->gpr[r];
    eflags_set_raw(v, b->n->eflags);
    native_run(b, code, i->len);
    memcpy(b->native_mem, b->mem, MEM_SIZE);
    memcpy(b->mem, b->backup, MEM_SIZE);
    trap = guest_run(b, i);
    fpu_to_fxsave(v, guest);
    if (trap != b->n->trap)
        bad = "exception";
    else if (get16(guest) != get16(b->n->out))
        bad = "control word";
    else if (get16(guest + 2) != get16(b->n->out + 2))
        bad = "status word";
    else if (guest[4] != b->n->out[4])
        bad = "tag";
    else if (memcmp(guest + 24, b->n->out + 24, 4))
        bad = "MXCSR";
    else if (memcmp(guest + 160, b->n->out + 160, 128))
        bad = "XMM";
    else if (memcmp(b->mem, b->native_mem, MEM_SIZE) && i->row != ROW_FNSTENV && i->row != ROW_FNSAVE && i->row != ROW_FXSAVE)
        bad = "memory";
    else if ((eflags_get(v) ^ b->n->eflags) & FL_ARITH)
        bad = "EFLAGS";
    for (unsigned r = 0; r < 8 && !bad; r++) {
        if (memcmp(guest + 32 + 16 * r, b->n->out + 32 + 16 * r, 10))
            bad = "ST";
        if (v->gpr[r].d != b->n->gpr[r] && r != R_SP)
            bad = "GPR";
    }
    if (bad) {
        dump(b, guest, i, bad, code);
        g_printerr("exception: host %d, guest %d; eflags host %x guest %x\n", b->n->trap, trap, (unsigned)b->n->eflags,
                   eflags_get(v));
    }
    return !bad;
}

/* ---- every form ---- */

#define OP(m, class, handler, rule, feature) [ROW_##m] = handler,
#define OPT(m, class, handlers, rule, feature)
static InsnFn *const fpu_handlers[ROW_COUNT] = {
#include "frontend/insn-mmx.def"
#include "frontend/insn-sse.def"
#include "frontend/insn-x87.def"
};
#undef OP
#undef OPT

static bool form_decode(Bench *b, const uint8_t *code, Insn *i)
{
    if (insn_decode(code, 15, 4, model.features, i) != DECODE_OK || !fpu_handlers[i->row])
        return false;
    i->run = fpu_handlers[i->row];
    return i->row != ROW_CLFLUSH; /* the host's is no business of the test's */
}

typedef struct FormRange {
    int map, first, last;
    bool waits;
} FormRange;

/*
 * All opcodes and prefixes of a map with registers, and with memory at [EDX]: cases random states each. Reports up to
 * a few mismatches, then fails.
 */
static void run_forms(gconstpointer data)
{
    const FormRange *range = data;
    static const uint8_t prefixes[4] = { 0, 0x66, 0xf3, 0xf2 };
    Bench *b = bench_new(12345);
    int cases = g_test_slow() ? 1000 : 10, mismatches = 0, forms = 0;

    for (unsigned p = 0; p < 4; p++) {
        for (int op = range->first; op <= range->last; op++) {
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                uint8_t code[16] = { 0 };
                unsigned n = 0;
                Insn i;
                if (modrm < 0xc0 && (modrm & 0xc7) != 2)
                    continue;
                if (prefixes[p])
                    code[n++] = prefixes[p];
                if (range->map)
                    code[n++] = 0x0f;
                if (range->map > 1)
                    code[n++] = range->map == 2 ? 0x38 : 0x3a;
                if (range->map == 1 && (op == 0x38 || op == 0x3a))
                    continue;
                code[n++] = op;
                code[n++] = modrm;
                if (!form_decode(b, code, &i))
                    continue;
                if (range->map == 0 && prefixes[p] > 0x66)
                    continue; /* meaningless repetition */
                if (modrm >= 0xc0 && (modrm & 7) == 4 && range->map)
                    continue; /* ESP is the stub's, and xmm4 like the others */
                if ((modrm >> 3 & 7) == 4 && range->map && range->map < 3 && (op & 0xf8) != 0x70)
                    continue;
                forms++;
                for (int k = 0; k < cases && mismatches < 20; k++) {
                    for (unsigned m = n; m < 15; m++)
                        code[m] = rnd(b); /* immediates */
                    g_assert_true(form_decode(b, code, &i));
                    if (!run_case(b, code, &i, range->waits && k % 16 == 0)) {
                        mismatches++;
                        break;
                    }
                }
            }
        }
    }
    bench_free(b);
    g_test_message("%d forms, %d cases each", forms, cases);
    g_assert_cmpint(forms, >, 0);
    g_assert_cmpint(mismatches, ==, 0);
}

/* ---- what a host program cannot reach ---- */

/* Run bytes by decoder and handler on the bench's CPU: the vector raised, or -1. */
static int step_bytes(Bench *b, const uint8_t *bytes, unsigned n)
{
    uint8_t code[15] = { 0 };
    Insn i;
    memcpy(code, bytes, n);
    g_assert_cmpint(insn_decode(code, 15, 4, model.features, &i), ==, DECODE_OK);
    g_assert_nonnull(fpu_handlers[i.row]);
    i.run = fpu_handlers[i.row];
    b->v->rip = b->v->insn_rip + i.len;
    return guest_run(b, &i);
}
#define STEP(b, ...) step_bytes(b, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

/* SDM 3A table 2-2 (x87), 12.1 (MMX), 13.1 (SSE) */
static void test_unavailable(void)
{
    Bench *b = bench_new(1);
    Vcpu *v = b->v;
    uint64_t cr0 = v->cr0;

    fpu_init(v);
    for (int em = 0; em < 2; em++) {
        for (int ts = 0; ts < 2; ts++) {
            for (int mp = 0; mp < 2; mp++) {
                v->cr0 = cr0 | (em ? CR0_EM : 0) | (ts ? CR0_TS : 0) | (mp ? CR0_MP : 0);
                g_assert_cmpint(STEP(b, 0xd9, 0xd0), ==, em || ts ? VEC_NM : -1);             /* fnop */
                g_assert_cmpint(STEP(b, 0xdb, 0xe3), ==, em || ts ? VEC_NM : -1);             /* fninit */
                g_assert_cmpint(STEP(b, 0x9b), ==, ts && mp ? VEC_NM : -1);                   /* fwait */
                g_assert_cmpint(STEP(b, 0x0f, 0xfc, 0xc1), ==, em ? VEC_UD : ts ? VEC_NM : -1); /* paddb mm0, mm1 */
                g_assert_cmpint(STEP(b, 0x0f, 0x58, 0xc1), ==, em ? VEC_UD : ts ? VEC_NM : -1); /* addps xmm0, xmm1 */
            }
        }
    }
    v->cr0 = cr0;
    v->cr4 = 0;
    g_assert_cmpint(STEP(b, 0x0f, 0x58, 0xc1), ==, VEC_UD);       /* OSFXSR clear */
    g_assert_cmpint(STEP(b, 0x66, 0x0f, 0xfc, 0xc1), ==, VEC_UD); /* paddb xmm0, xmm1 */
    g_assert_cmpint(STEP(b, 0x0f, 0xfc, 0xc1), ==, -1);
    v->cr4 = CR4_OSFXSR; /* without OSXMMEXCPT an SSE exception is #UD */
    v->fpu.mxcsr = 0x1f80 & ~0x200u;
    v->fpu.xmm[0].d[0] = 0x3f800000;
    v->fpu.xmm[1].d[0] = 0;
    g_assert_cmpint(STEP(b, 0xf3, 0x0f, 0x5e, 0xc1), ==, VEC_UD); /* divss: 1 / 0 */
    g_assert_cmphex(v->fpu.mxcsr, ==, (0x1f80 & ~0x200u) | SW_ZE);
    g_assert_cmphex(v->fpu.xmm[0].d[0], ==, 0x3f800000);
    bench_free(b);
}

typedef struct Pin {
    int changes;
    bool level;
} Pin;

static void pin_set(void *opaque, bool level)
{
    Pin *pin = opaque;
    pin->changes++;
    pin->level = level;
}

/* 1 / 0 with the exception unmasked, leaving it pending. */
static void divide_by_zero(Bench *b)
{
    g_assert_cmpint(STEP(b, 0xdb, 0xe3), ==, -1); /* fninit */
    b->v->fpu.cw = 0x37f & ~SW_ZE;
    g_assert_cmpint(STEP(b, 0xd9, 0xee), ==, -1); /* fldz */
    g_assert_cmpint(STEP(b, 0xd9, 0xe8), ==, -1); /* fld1 */
    g_assert_cmpint(STEP(b, 0xd8, 0xf1), ==, -1); /* fdiv st, st1 */
    g_assert_cmphex(b->v->fpu.sw & (SW_ES | SW_B | SW_ZE), ==, SW_ES | SW_B | SW_ZE);
}

/* SDM 1 D.2: CR0.NE = 0 reports x87 errors by FERR#, IRQ 13 and IGNNE# */
static void test_ferr(void)
{
    Bench *b = bench_new(1);
    Vcpu *v = b->v;
    Pin pin = { 0 };

    divide_by_zero(b);
    g_assert_cmpint(STEP(b, 0x9b), ==, VEC_MF);
    g_assert_cmpint(STEP(b, 0xd9, 0xe8), ==, VEC_MF);
    g_assert_cmpint(STEP(b, 0x0f, 0xfc, 0xc1), ==, VEC_MF); /* MMX waits too */
    g_assert_cmpint(STEP(b, 0xdf, 0xe0), ==, -1);           /* fnstsw ax does not */

    v->cr0 &= ~(uint64_t)CR0_NE;
    divide_by_zero(b);
    g_assert_cmpint(STEP(b, 0xd9, 0xe8), ==, -1); /* nothing wired: ignored */

    v->ferr = pin_set;
    v->ferr_opaque = &pin;
    STEP(b, 0xdb, 0xe3);
    pin = (Pin){ 0 };
    divide_by_zero(b);
    g_assert_true(pin.level);
    g_assert_cmpint(pin.changes, ==, 1);
    v->insn_rip = 0x1000;
    g_assert_cmpint(STEP(b, 0xd9, 0xe8), ==, -1); /* waits: rip is back on it, nothing pushed */
    g_assert_cmphex(v->rip, ==, 0x1000);
    g_assert_cmphex(v->fpu.top, ==, 6);
    g_assert_true(v->attention != 0);
    v->ignne = true; /* as the board does at a write to port F0h */
    g_assert_cmpint(STEP(b, 0xd9, 0xe8), ==, -1);
    g_assert_cmphex(v->rip, ==, 0x1002);
    g_assert_cmphex(v->fpu.top, ==, 5);
    g_assert_cmpint(STEP(b, 0xdb, 0xe2), ==, -1); /* fnclex: the pin falls, and IGNNE# with it */
    g_assert_false(pin.level);
    g_assert_cmpint(pin.changes, ==, 2);
    g_assert_false(v->ignne);
    bench_free(b);
}

/* SDM 1 figures 8-9 to 8-12: four formats of the environment */
static void test_environment(void)
{
    Bench *b = bench_new(1);
    Vcpu *v = b->v;
    uint8_t *m = b->mem + OPERAND;
    uint32_t *d = (uint32_t *)m;
    uint16_t *w = (uint16_t *)m;

    STEP(b, 0xdb, 0xe3);
    v->gpr[R_DX].q = (uintptr_t)m;
    v->seg[S_CS].sel = 0x1234;
    v->seg[S_DS].sel = 0x5678;
    v->insn_rip = 0x00045678;
    memset(m, 0, 8);
    g_assert_cmpint(STEP(b, 0xd9, 0x02), ==, -1); /* fld dword [edx] */
    v->insn_rip = 0x99999999;                     /* not recorded: control instructions do not count */
    g_assert_cmpint(STEP(b, 0xd9, 0x32), ==, -1); /* fnstenv [edx] */
    g_assert_cmphex(d[0], ==, 0xffff037f);
    g_assert_cmphex(d[1], ==, 0xffff3800);
    g_assert_cmphex(d[2], ==, 0xffff7fff); /* ST(0) = R7: zero, the others empty */
    g_assert_cmphex(d[3], ==, 0x00045678);
    g_assert_cmphex(d[4], ==, 0x01021234);
    g_assert_cmphex(d[5], ==, (uintptr_t)m);
    g_assert_cmphex(d[6], ==, 0xffff5678);

    g_assert_cmpint(STEP(b, 0x66, 0xd9, 0x32), ==, -1); /* 16-bit protected */
    g_assert_cmphex(w[0], ==, 0x037f);
    g_assert_cmphex(w[2], ==, 0x7fff);
    g_assert_cmphex(w[3], ==, 0x5678);
    g_assert_cmphex(w[4], ==, 0x1234);
    g_assert_cmphex(w[5], ==, (uint16_t)(uintptr_t)m);
    g_assert_cmphex(w[6], ==, 0x5678);

    v->cr0 &= ~(uint64_t)CR0_PE; /* real mode: linear addresses, 45678h + 12340h = 579B8h */
    g_assert_cmpint(STEP(b, 0xd9, 0x32), ==, -1);
    g_assert_cmphex(d[3] & 0xffff, ==, 0x79b8);
    g_assert_cmphex(d[4], ==, 0x00005102);
    g_assert_cmpint(STEP(b, 0x66, 0xd9, 0x32), ==, -1);
    g_assert_cmphex(w[3], ==, 0x79b8);
    g_assert_cmphex(w[4], ==, 0x5102);

    /* back in, from the 32-bit protected format: tags and TOP */
    v->cr0 |= CR0_PE;
    STEP(b, 0xdb, 0xe3);
    memset(m, 0, 28);
    d[0] = 0x027f;
    d[1] = 0x2841; /* TOP 5, IE and SF */
    d[2] = 0x0fff; /* R6, R7 full */
    d[3] = 0x1111;
    d[4] = 0x07ff2222;
    g_assert_cmpint(STEP(b, 0xd9, 0x22), ==, -1); /* fldenv */
    g_assert_cmphex(v->fpu.cw, ==, 0x027f | 0x40);
    g_assert_cmphex(v->fpu.top, ==, 5);
    g_assert_cmphex(v->fpu.full, ==, 0xc0);
    g_assert_cmphex(v->fpu.sw, ==, 0x41);
    g_assert_cmphex(v->fpu.fip, ==, 0x1111);
    g_assert_cmphex(v->fpu.fcs, ==, 0x2222);
    g_assert_cmphex(v->fpu.fop, ==, 0x7ff);
    bench_free(b);
}

/* Images of FNSAVE and FXSAVE go back in as they came out; FXSAVE wants 16-byte alignment, FXRSTOR a valid MXCSR. */
static void test_save_restore(void)
{
    Bench *b = bench_new(99);
    Vcpu *v = b->v;
    uint8_t before[IMAGE_SIZE], after[IMAGE_SIZE];

    for (int k = 0; k < 100; k++) {
        random_state(b, false);
        fpu_from_fxsave(v, b->n->in);
        v->gpr[R_DX].q = (uintptr_t)b->mem + OPERAND;
        fpu_to_fxsave(v, before);
        g_assert_cmpint(STEP(b, 0xdd, 0x32), ==, -1); /* fnsave */
        g_assert_cmphex(v->fpu.full, ==, 0);
        g_assert_cmpint(STEP(b, 0xdd, 0x22), ==, -1); /* frstor */
        fpu_to_fxsave(v, after);
        g_assert_cmpmem(before, IMAGE_SIZE, after, IMAGE_SIZE);
        g_assert_cmpint(STEP(b, 0x0f, 0xae, 0x02), ==, -1); /* fxsave */
        memset(&v->fpu, 0x55, sizeof(v->fpu));
        v->fpu.sw = 0;
        v->fpu.top = 0;
        for (int r = 0; r < 8; r++)
            memset(&v->fpu.reg[r], 0, sizeof(Fpr));
        g_assert_cmpint(STEP(b, 0x0f, 0xae, 0x0a), ==, -1); /* fxrstor */
        fpu_to_fxsave(v, after);
        g_assert_cmpmem(before, IMAGE_SIZE, after, IMAGE_SIZE);
    }
    b->mem[OPERAND + 26] = 1; /* a reserved bit of MXCSR */
    g_assert_cmpint(STEP(b, 0x0f, 0xae, 0x0a), ==, VEC_GP);
    v->gpr[R_DX].q += 8;
    g_assert_cmpint(STEP(b, 0x0f, 0xae, 0x02), ==, VEC_GP);
    g_assert_cmpint(STEP(b, 0x0f, 0x28, 0x02), ==, VEC_GP); /* movaps */
    g_assert_cmpint(STEP(b, 0x0f, 0x10, 0x02), ==, -1);     /* movups */
    bench_free(b);
}

int main(int argc, char **argv)
{
    static const FormRange x87 = { 0, 0xd8, 0xdf, true }, wait = { 0, 0x9b, 0x9b, true }, map1 = { 1, 0, 0xff, true };
    static const FormRange map2 = { 2, 0, 0xff, false }, map3 = { 3, 0, 0xff, false };
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/fpu/x87", &x87, run_forms);
    g_test_add_data_func("/fpu/wait", &wait, run_forms);
    g_test_add_data_func("/fpu/0f", &map1, run_forms);
    g_test_add_data_func("/fpu/0f38", &map2, run_forms);
    g_test_add_data_func("/fpu/0f3a", &map3, run_forms);
    g_test_add_func("/fpu/unavailable", test_unavailable);
    g_test_add_func("/fpu/ferr", test_ferr);
    g_test_add_func("/fpu/environment", test_environment);
    g_test_add_func("/fpu/save-restore", test_save_restore);
    return g_test_run();
}
