/*
 * CPU models and CPUID.
 *
 * A model is a set of features: instructions (InsnFeature) and system parts (CpuSystem). One table ties each to its
 * name in -cpu and to its CPUID bit, so that what CPUID shows, what the decoder accepts and what control registers take
 * cannot disagree. SDM 2A "CPUID"
 */
#include "cpu/handlers.h"

#define F(f) (1ull << F_##f)
#define C(c) (1ull << C_##c)

/* Which CPUID output a feature bit is in. */
enum { LEAF1_EDX, LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, EXT1_EDX, EXT1_ECX, NOWHERE };

typedef struct Feature {
    const char *name;
    uint64_t insn, system; /* one bit in one of them */
    uint8_t leaf, bit;
} Feature;

static const Feature features[] = {
    {"fpu", F(FPU), 0, LEAF1_EDX, 0},
    {"vme", 0, C(VME), LEAF1_EDX, 1},
    {"de", 0, C(DE), LEAF1_EDX, 2},
    {"pse", 0, C(PSE), LEAF1_EDX, 3},
    {"tsc", F(TSC), 0, LEAF1_EDX, 4},
    {"msr", F(MSR), 0, LEAF1_EDX, 5},
    {"pae", 0, C(PAE), LEAF1_EDX, 6},
    {"mce", 0, C(MCE), LEAF1_EDX, 7},
    {"cx8", F(CX8), 0, LEAF1_EDX, 8},
    {"apic", 0, C(APIC), LEAF1_EDX, 9},
    {"sep", F(SEP), 0, LEAF1_EDX, 11},
    {"mtrr", 0, C(MTRR), LEAF1_EDX, 12},
    {"pge", 0, C(PGE), LEAF1_EDX, 13},
    {"mca", 0, C(MCA), LEAF1_EDX, 14},
    {"cmov", F(CMOV), 0, LEAF1_EDX, 15},
    {"pat", 0, C(PAT), LEAF1_EDX, 16},
    {"pse36", 0, C(PSE36), LEAF1_EDX, 17},
    {"clflush", F(CLFLUSH), 0, LEAF1_EDX, 19},
    {"mmx", F(MMX), 0, LEAF1_EDX, 23},
    {"fxsr", F(FXSR), 0, LEAF1_EDX, 24},
    {"sse", F(SSE), 0, LEAF1_EDX, 25},
    {"sse2", F(SSE2), 0, LEAF1_EDX, 26},
    {"sse3", F(SSE3), 0, LEAF1_ECX, 0},
    {"pclmulqdq", F(PCLMUL), 0, LEAF1_ECX, 1},
    {"monitor", F(MONITOR), 0, LEAF1_ECX, 3},
    {"ssse3", F(SSSE3), 0, LEAF1_ECX, 9},
    {"sse4.1", F(SSE41), 0, LEAF1_ECX, 19},
    {"sse4.2", F(SSE42), 0, LEAF1_ECX, 20},
    {"movbe", F(MOVBE), 0, LEAF1_ECX, 22},
    {"popcnt", F(POPCNT), 0, LEAF1_ECX, 23},
    {"aes", F(AES), 0, LEAF1_ECX, 25},
    {"rdrand", F(RDRAND), 0, LEAF1_ECX, 30},
    {"hypervisor", 0, C(HYPERVISOR), LEAF1_ECX, 31},
    {"bmi1", F(BMI1), 0, LEAF7_EBX, 3},
    {"bmi2", F(BMI2), 0, LEAF7_EBX, 8},
    {"rdseed", F(RDSEED), 0, LEAF7_EBX, 18},
    {"adx", F(ADX), 0, LEAF7_EBX, 19},
    {"smap", F(SMAP), 0, LEAF7_EBX, 20},
    {"umip", 0, C(UMIP), LEAF7_ECX, 2},
    {"syscall", F(SYSCALL), 0, EXT1_EDX, 11},
    {"nx", 0, C(NX), EXT1_EDX, 20},
    {"rdtscp", F(RDTSCP), 0, EXT1_EDX, 27},
    {"lzcnt", F(LZCNT), 0, EXT1_ECX, 5},
    {"3dnowprefetch", F(PREFETCHW), 0, EXT1_ECX, 8},
    {"pmc", F(PMC), 0, NOWHERE, 0},
    {"nopl", F(NOPL), 0, NOWHERE, 0},
};

/* Other names for the same, as Linux and QEMU have them. */
static const char *const aliases[][2] = {
    {"pni", "sse3"}, {"sse4_1", "sse4.1"}, {"sse4-1", "sse4.1"}, {"sse4_2", "sse4.2"}, {"sse4-2", "sse4.2"}, {"abm", "lzcnt"},
    {"clfsh", "clflush"}, {"xd", "nx"}, {"prefetchw", "3dnowprefetch"},
};

/* Features that some row of the instruction table has. A row is there only if its whole extension is. */
#define OP(mnemonic, class, handler, rule, feature) | 1ull << (feature)
#define OPT OP
enum { TABLE_FEATURES = 0ull
#include "frontend/insn.def"
};
#undef OP
#undef OPT

#define F_486SET (F(386) | F(486) | F(FPU))
/* Every model tells, as in QEMU: guests expect less of a virtual machine, performance counters say. */
#define C_486SET (C(VME) | C(PSE) | C(HYPERVISOR))
#define F_P5SET (F_486SET | F(CX8) | F(TSC) | F(MSR) | F(PMC) | F(MMX))
#define C_P5SET (C_486SET | C(DE) | C(MCE) | C(APIC))
#define F_P6SET (F_P5SET | F(CMOV) | F(FXSR) | F(SEP) | F(NOPL))
#define C_P6SET (C_P5SET | C(PAE) | C(MTRR) | C(PGE) | C(MCA) | C(PAT) | C(PSE36))
#define F_I686SET (F_P6SET | F(SSE) | F(SSE2) | F(CLFLUSH))
/*
 * What "max" adds: extensions of which the table has every instruction. Not SYSCALL,
 * which no Intel CPU has outside 64-bit mode; and not SMAP, with which the kernel's copies from and to user pages miss the TLB each time.
 */
#define F_MAXSET (F(SSE3) | F(SSSE3) | F(SSE41) | F(SSE42) | F(POPCNT) | F(MOVBE) | F(LZCNT) | F(AES) | F(PCLMUL) | \
                  F(PREFETCHW) | F(RDTSCP))
G_STATIC_ASSERT(!(F_MAXSET & ~TABLE_FEATURES));

#define INTEL "GenuineIntel"
#define BRAND "x86vm Virtual CPU"

static const CpuModel models[] = {
    {"qemu32", INTEL, 0x663, F_I686SET, BRAND, C_P6SET, 2, 0x80000004},
    {"486", INTEL, 0x480, F_486SET, NULL, C_486SET, 1, 0},
    {"pentium", INTEL, 0x543, F_P5SET, NULL, C_P5SET, 1, 0},
    {"pentium2", INTEL, 0x652, F_P6SET, NULL, C_P6SET, 2, 0},
    {"pentium3", INTEL, 0x673, F_P6SET | F(SSE), NULL, C_P6SET, 2, 0},
    {"max", INTEL, 0x106a3, F_I686SET | F_MAXSET, BRAND, C_P6SET | C(NX) | C(UMIP), 7, 0x80000004},
};

const CpuModel *cpu_model_nth(int n)
{
    return n >= 0 && n < (int)G_N_ELEMENTS(models) ? &models[n] : NULL;
}

const CpuModel *cpu_model_find(const char *name)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(models); n++)
        if (!strcmp(models[n].name, name))
            return &models[n];
    return NULL;
}

static const Feature *feature_find(const char *name)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(aliases); n++)
        if (!strcmp(aliases[n][0], name))
            name = aliases[n][1];
    for (unsigned n = 0; n < G_N_ELEMENTS(features); n++)
        if (!strcmp(features[n].name, name))
            return &features[n];
    return NULL;
}

/* "+sse", "-sse", "sse", "sse=on", "sse=off" */
static bool apply_feature(CpuModel *m, const char *word, GError **error)
{
    g_autofree char *name = g_strdup(*word == '+' || *word == '-' ? word + 1 : word);
    bool on = *word != '-';
    char *value = strchr(name, '=');
    if (value) {
        *value++ = 0;
        on = !strcmp(value, "on");
        if (!on && strcmp(value, "off")) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "-cpu: %s is on or off, not '%s'", name, value);
            return false;
        }
    }
    const Feature *f = feature_find(name);
    if (!f) {
        g_autoptr(GString) known = g_string_new(NULL);
        for (unsigned n = 0; n < G_N_ELEMENTS(features); n++)
            g_string_append_printf(known, " %s", features[n].name);
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "-cpu: unknown feature '%s'; known are%s", name, known->str);
        return false;
    }
    if (on && (f->insn & ~TABLE_FEATURES)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "-cpu: feature '%s' is not implemented", name);
        return false;
    }
    m->features = on ? m->features | f->insn : m->features & ~f->insn;
    m->system = on ? m->system | f->system : m->system & ~f->system;
    if (on && (f->leaf == LEAF7_EBX || f->leaf == LEAF7_ECX))
        m->max_leaf = MAX(m->max_leaf, 7);
    if (on && (f->leaf == EXT1_EDX || f->leaf == EXT1_ECX))
        m->max_ext_leaf = MAX(m->max_ext_leaf, 0x80000001);
    return true;
}

CpuModel *cpu_model_parse(const char *spec, GError **error)
{
    g_auto(GStrv) words = g_strsplit(spec, ",", -1);
    const CpuModel *base = words[0] ? cpu_model_find(words[0]) : NULL;
    if (!base) {
        g_autoptr(GString) known = g_string_new(NULL);
        for (unsigned n = 0; n < G_N_ELEMENTS(models); n++)
            g_string_append_printf(known, " %s", models[n].name);
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "-cpu: unknown model '%s'; known are%s",
                    words[0] ? words[0] : "", known->str);
        return NULL;
    }
    CpuModel *m = g_new(CpuModel, 1);
    *m = *base;
    for (int n = 1; words[n]; n++)
        if (!apply_feature(m, words[n], error)) {
            g_free(m);
            return NULL;
        }
    return m;
}

static uint32_t feature_bits(const CpuModel *m, int leaf)
{
    uint32_t bits = 0;
    for (unsigned n = 0; n < G_N_ELEMENTS(features); n++)
        if (features[n].leaf == leaf && ((m->features & features[n].insn) || (m->system & features[n].system)))
            bits |= 1u << features[n].bit;
    return bits;
}

static void string_regs(uint32_t out[4], const char *s, unsigned at, const int order[], int count)
{
    char bytes[48] = {0};
    g_strlcpy(bytes, s, sizeof bytes);
    for (int n = 0; n < count; n++)
        memcpy(&out[order[n]], bytes + at + 4 * n, 4);
}

static void cpuid(Vcpu *v, uint32_t leaf, uint32_t r[4])
{
    enum { EAX, EBX, ECX, EDX };
    static const int vendor_order[] = {EBX, EDX, ECX}, brand_order[] = {EAX, EBX, ECX, EDX};
    const CpuModel *m = v->model;

    memset(r, 0, 4 * sizeof r[0]);
    /* SDM 2A "CPUID": a basic leaf beyond the last gives the last one's data */
    if (leaf >= 0x80000000 ? leaf > m->max_ext_leaf : leaf > m->max_leaf)
        leaf = m->max_leaf;
    switch (leaf) {
    case 0:
        r[EAX] = m->max_leaf;
        string_regs(r, m->vendor, 0, vendor_order, 3);
        break;
    case 1:
        r[EAX] = m->signature;
        r[EBX] = cpu_has(v, F_CLFLUSH) ? 8 << 8 : 0; /* line size in 8-byte units; local APIC id 0 */
        r[ECX] = feature_bits(m, LEAF1_ECX);
        r[EDX] = feature_bits(m, LEAF1_EDX);
        if (!((v->apic_msr ? v->apic_msr(v->apic_opaque, false, 0) : v->msr.apic_base) & 0x800))
            r[EDX] &= ~(1u << 9); /* an APIC switched off does not show */
        break;
    case 2: /* TLBs, 16 KiB + 16 KiB L1, 256 KiB L2: a Pentium III's */
        r[EAX] = 0x03020101;
        r[EDX] = 0x0c040882;
        break;
    case 7:
        if (v->gpr[R_CX].d == 0) {
            r[EBX] = feature_bits(m, LEAF7_EBX);
            r[ECX] = feature_bits(m, LEAF7_ECX);
        }
        break;
    case 0x80000000:
        r[EAX] = m->max_ext_leaf;
        break;
    case 0x80000001:
        r[ECX] = feature_bits(m, EXT1_ECX);
        r[EDX] = feature_bits(m, EXT1_EDX);
        break;
    case 0x80000002: case 0x80000003: case 0x80000004:
        string_regs(r, m->brand ? m->brand : "", (leaf - 0x80000002) * 16, brand_order, 4);
        break;
    default:
        break;
    }
}

void op_cpuid(Vcpu *v, const Insn *i)
{
    uint32_t r[4];
    cpuid(v, v->gpr[R_AX].d, r);
    v->gpr[R_AX].d = r[0];
    v->gpr[R_BX].d = r[1];
    v->gpr[R_CX].d = r[2];
    v->gpr[R_DX].d = r[3];
}
