/*
 * A decoded instruction, and the instruction table.
 *
 * Decoding is done once; what remains is small and ready to run: registers are byte offsets into Vcpu, an absent base
 * or index points at Vcpu.zero, immediates are sign-extended to the operand size, prefixes are resolved.
 *
 * The instruction table (insn.def and the files it includes) has one row per mnemonic:
 *
 *     OP(mnemonic, class, handler, rule, feature)      handler: one InsnFn for all forms
 *     OPT(mnemonic, class, handlers, rule, feature)    handlers: InsnFnTable, by operand form and size
 *
 * and is included again wherever a table by mnemonic is needed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vcpu.h"

typedef struct Insn Insn;
typedef void InsnFn(Vcpu *v, const Insn *i);

/* Popek and Goldberg's and Intel's words for what an instruction does to machine state when run in user mode. */
typedef enum InsnClass {
    INNOCUOUS,  /* same effect on the host's user mode as on the guest's */
    SENSITIVE,  /* reads or changes privileged state without trapping: popf, sgdt, lar, mov sreg... */
    CRITICAL,   /* traps or not by state (IOPL, TSD, TS): cli, in, rdtsc, int n */
    PRIVILEGED, /* traps at CPL 3 always: lgdt, mov cr, hlt */
} InsnClass;

/* How the translator treats it (src/tcache/). */
typedef enum InsnRule { TR_COPY, TR_MEM, TR_STACK, TR_STRING, TR_BRANCH, TR_CALL } InsnRule;

/* The CPU feature that an instruction needs; CpuModel.features has a bit for each. */
typedef enum InsnFeature {
    F_386, F_486, F_CX8, F_TSC, F_MSR, F_PMC, F_CMOV, F_FPU, F_MMX, F_FXSR, F_SEP, F_SSE, F_SSE2, F_SSE3, F_SSSE3, F_SSE41,
    F_SSE42, F_POPCNT, F_CLFLUSH, F_MOVBE, F_NOPL, F_PREFETCHW, F_RDRAND, F_RDSEED, F_BMI1, F_BMI2, F_LZCNT, F_XSAVE, F_AES,
    F_PCLMUL, F_ADX, F_RDTSCP, F_MONITOR, F_SYSCALL, F_SMAP, F_COUNT
} InsnFeature;

/* Where the first two operands live. X: none, or not a plain register/memory/immediate. */
typedef enum InsnForm { FORM_X, FORM_R, FORM_M, FORM_I, FORM_RR, FORM_RM, FORM_MR, FORM_RI, FORM_MI, FORM_COUNT } InsnForm;

/* By form and log2 of the operand size (8, 16, 32, 64 bits). NULL where the form does not exist. */
typedef InsnFn *const InsnFnTable[FORM_COUNT][4];

enum { REP_NONE, REP_F3 /* rep, repe */, REP_F2 /* repne */ };

/* Insn.flags */
enum {
    INSN_ENDS_BLOCK = 1 << 0, /* control leaves, or state that decoding depends on may change */
    INSN_LOCK = 1 << 1,
    INSN_CROSSES = 1 << 2,    /* lies on two pages */
    INSN_SEG_OVERRIDE = 1 << 3,
    INSN_MEM = 1 << 4,        /* has a memory operand: ea() is valid */
    INSN_SOFT_INT = 1 << 6,   /* INT n, INT3, INTO, INT1 */
    INSN_XMM = 1 << 5,        /* an operand is an XMM register: tells PADDB's SSE2 form from its MMX form */
};

struct Insn {
    InsnFn *run;
    uint64_t imm;    /* immediate or branch displacement, sign-extended to the operand size (zero-extended storage) */
    int32_t disp;    /* effective address displacement */
    uint16_t dst;    /* register operands: byte offsets into Vcpu of the first and second operand */
    uint16_t src;
    uint16_t base;   /* byte offsets into Vcpu; offsetof(Vcpu, zero) for none */
    uint16_t index;
    uint8_t scale;   /* shift 0..3 */
    uint8_t seg;     /* S_* of the memory operand, override applied */
    uint8_t len;     /* 1..15 bytes */
    uint8_t form;    /* InsnForm */
    uint16_t row;    /* InsnRow */
    uint16_t imm2;   /* far pointer's selector, ENTER's level, third operand immediate of IMUL/SHLD/PSHUF..., x87's ModRM */
    uint8_t osize;   /* operand size in bytes: 1, 2, 4, 8 (byte forms: 1) */
    uint8_t asize;   /* address size in bytes: 2, 4, 8 */
    uint8_t msize;   /* bytes of the memory operand, 255 when more (FXSAVE) */
    uint8_t rep;     /* REP_* as written */
    uint32_t amask;  /* effective addresses wrap here: 0xffff or 0xffffffff */
    uint8_t reg;     /* ModRM.reg, or the register number in the opcode's low bits */
    uint8_t rm;      /* ModRM.rm when it names a register */
    uint8_t opsize;  /* effective operand size attribute in bytes (2, 4, 8), also for byte forms: near branches, stack */
    uint8_t flags;   /* INSN_* */
    uint16_t opcode; /* last opcode byte, with the map in the high byte: 0x00xx, 0x0fxx, 0x38xx, 0x3axx */
};

#define REG_OFFSET(n) ((uint16_t)(offsetof(Vcpu, gpr) + (n) * sizeof(Gpr)))
#define REG_OFFSET_H(n) ((uint16_t)(REG_OFFSET(n) + 1))
#define REG_OFFSET_NONE ((uint16_t)offsetof(Vcpu, zero))

/* The effective address (offset in segment Insn.seg). SDM 1 3.7.5 */
static inline uint64_t insn_ea(const Vcpu *v, const Insn *i)
{
    uint32_t base = *(const uint32_t *)((const char *)v + i->base);
    uint32_t index = *(const uint32_t *)((const char *)v + i->index);
    return (base + (index << i->scale) + (uint32_t)i->disp) & i->amask;
}

/* Register operands as lvalues. */
#define DST8(v, i) (*(uint8_t *)((char *)(v) + (i)->dst))
#define DST16(v, i) (*(uint16_t *)((char *)(v) + (i)->dst))
#define DST32(v, i) (*(uint32_t *)((char *)(v) + (i)->dst))
#define SRC8(v, i) (*(const uint8_t *)((const char *)(v) + (i)->src))
#define SRC16(v, i) (*(const uint16_t *)((const char *)(v) + (i)->src))
#define SRC32(v, i) (*(const uint32_t *)((const char *)(v) + (i)->src))

/* Rows of the table. */
#define OP(m, class, handler, rule, feature) ROW_##m,
#define OPT OP
typedef enum InsnRow {
    ROW_INVALID,
#include "frontend/insn.def"
    ROW_COUNT
} InsnRow;
#undef OP
#undef OPT

typedef struct InsnInfo {
    const char *name; /* lower case mnemonic */
    InsnClass class;
    InsnRule rule;
    InsnFeature feature;
} InsnInfo;

extern const InsnInfo insn_info[ROW_COUNT];
