/*
 * The virtual CPU: plain data, shared by every engine.
 *
 * State is 64 bits wide, whatever the guest's mode. Interpreter, translator and sandbox all read and write this one
 * structure; what the architecture does with it lives in src/cpu/. There are no functions here but accessors.
 *
 * The six arithmetic flags are kept apart from the rest of EFLAGS, in the format of the host's LAHF and SETO (see
 * Vcpu.cc), because that is what saves and restores them fastest on the host. cpu/eflags.h joins them.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "debughooks.h"
#include "irqline.h"
#include "stretch.h"

enum { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI, R_COUNT = 16 };
enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_COUNT };

/* Exception vectors, SDM 3A table 6-1. */
enum {
    VEC_DE, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM, VEC_DF, VEC_FPU_OVERRUN, VEC_TS, VEC_NP, VEC_SS,
    VEC_GP, VEC_PF, VEC_15, VEC_MF, VEC_AC, VEC_MC, VEC_XM,
};

/* EFLAGS */
#define FL_CF 0x1u
#define FL_1 0x2u /* always set */
#define FL_PF 0x4u
#define FL_AF 0x10u
#define FL_ZF 0x40u
#define FL_SF 0x80u
#define FL_TF 0x100u
#define FL_IF 0x200u
#define FL_DF 0x400u
#define FL_OF 0x800u
#define FL_IOPL 0x3000u
#define FL_NT 0x4000u
#define FL_RF 0x10000u
#define FL_VM 0x20000u
#define FL_AC 0x40000u
#define FL_VIF 0x80000u
#define FL_VIP 0x100000u
#define FL_ID 0x200000u
#define FL_ARITH (FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF)

/* Control registers */
#define CR0_PE 0x1u
#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_VME 0x1u
#define CR4_PVI 0x2u
#define CR4_TSD 0x4u
#define CR4_DE 0x8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_MCE 0x40u
#define CR4_PGE 0x80u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_UMIP 0x800u
#define CR4_SMAP 0x200000u
#define EFER_SCE 0x1u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u

/*
 * Vcpu.cc: the arithmetic flags as a 16-bit value whose high byte is what LAHF gives (SF ZF 0 AF 0 PF 1 CF) and whose
 * low byte is 1 when OF is set, else 0.
 */
#define CC_OF 0x0001u
#define CC_CF 0x0100u
#define CC_1 0x0200u /* always set */
#define CC_PF 0x0400u
#define CC_AF 0x1000u
#define CC_ZF 0x4000u
#define CC_SF 0x8000u

/* Segment attributes: bits 8-23 of the descriptor's high doubleword, the limit's top nibble cleared. SDM 3A 3.4.5 */
#define SEG_TYPE 0x000fu
#define SEG_A 0x0001u   /* accessed */
#define SEG_W 0x0002u   /* data: writable */
#define SEG_R 0x0002u   /* code: readable */
#define SEG_E 0x0004u   /* data: expand down */
#define SEG_C 0x0004u   /* code: conforming */
#define SEG_CODE 0x0008u
#define SEG_S 0x0010u   /* code or data, not system */
#define SEG_DPL 0x0060u
#define SEG_DPL_SHIFT 5
#define SEG_P 0x0080u
#define SEG_AVL 0x1000u
#define SEG_L 0x2000u
#define SEG_DB 0x4000u
#define SEG_G 0x8000u

/*
 * A segment register: the selector and the cached ("hidden") part. limit is in bytes, already expanded by G.
 * The last three fields are derived by seg_derive() (cpu/seg.h) from the others: the highest offset that may be read or
 * written without further checks, -1 where every access needs the slow check (null, expand down, not readable...); and what
 * translated code wants to know.
 */
enum { SEG_FLAT = 1 /* base 0, all 4 GiB may be read and (but for CS) written */, SEG_WIDE = 2 /* the same at any base */ };
typedef struct Seg {
    uint64_t base;
    uint32_t limit;
    uint16_t sel;
    uint16_t attr;
    bool null; /* a null selector was loaded: any access faults (not in real or V8086 mode) */
    uint8_t open; /* SEG_FLAT, SEG_WIDE */
    int64_t read_max;
    int64_t write_max;
} Seg;

typedef struct TableReg {
    uint64_t base;
    uint32_t limit;
} TableReg;

typedef union Gpr {
    uint64_t q;
    uint32_t d;
    uint16_t w;
    struct {
        uint8_t l, h;
    } b;
} Gpr;

typedef union Xmm {
    uint8_t b[16];
    uint16_t w[8];
    uint32_t d[4];
    uint64_t q[2];
    float f[4];
    double df[2];
} __attribute__((aligned(16))) Xmm;

/* An x87 register in memory; an MMX register is the mantissa. 16 bytes apart, as in FXSAVE. */
typedef union Fpr {
    uint8_t bytes[16];
    struct {
        uint64_t mant;
        uint16_t exp; /* sign and exponent */
    };
} __attribute__((aligned(16))) Fpr;

/* Status and control word: pending or masked exceptions; the summary. MXCSR's masks. The rest is in cpu/x87.h and cpu/simd.h. */
#define SW_EXCEPTIONS 0x003fu
#define SW_ES 0x0080u
#define MXCSR_MASKS 0x1f80u

/* x87 and SSE. Registers are in physical order: ST(i) is reg[(top + i) & 7]. */
typedef struct Fpu {
    Fpr reg[8];
    uint16_t cw;
    uint16_t sw;  /* TOP not kept here: see top */
    uint8_t top;  /* 0..7 */
    uint8_t full; /* bit n: physical register n is not empty (FXSAVE's abridged tag) */
    uint16_t fop;
    uint64_t fip, fdp; /* offsets */
    uint16_t fcs, fds;
    uint32_t mxcsr;
    Xmm xmm[16];
} Fpu;

/* A guest exception on its way: made by fault_raise(), delivered by event.c. */
typedef struct Fault {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t cr2;   /* #PF only */
    uint64_t dr6;   /* #DB only: bits to set in DR6 */
} Fault;

/* Reasons to look up from straight-line execution; bits of Vcpu.attention, set atomically from any thread. */
enum {
    ATTN_EVENT = 1 << 0, /* an interrupt line, NMI, or the interrupt flag changed: look at them */
    ATTN_STOP = 1 << 1,  /* the run loop's caller wants control back (Vcpu.stop_reason) */
    ATTN_STALE = 1 << 2, /* the code being executed was changed: look it up again */
    ATTN_STEP = 1 << 3,  /* single-step, shadow or debug conditions: check after every instruction */
    ATTN_PROTECT = 1 << 4, /* a region became watched: drop the TLB's permission to write there */
};

/* What the CPU's thread is at (Vcpu.doing). */
enum { DOING_TRANSLATED, DOING_TRANSLATING, DOING_INTERPRETED, DOING_NATIVE };

/* What blocks interrupts for one instruction (Vcpu.shadow). SDM 3A 6.8.3 */
enum { SHADOW_STI = 1, SHADOW_MOV_SS = 2 };

/* mmu_idx: which TLB an access uses */
enum { MMU_SUPER, MMU_USER, MMU_CHECK /* never filled: every access goes the slow way (alignment check on) */, MMU_COUNT };

#define TLB_SIZE 4096u
#define TLB_NONE (~(uint64_t)0)
enum { TLB_DROPPED_LOCAL = 1 /* all that is not global */, TLB_DROPPED_PAGE = 2 /* one page */, TLB_DROPPED_ALL = 4 };

/*
 * A software TLB entry: page-aligned linear addresses for which each kind of access may go straight to host memory at
 * (addend + linear address); TLB_NONE where it may not.
 */
#define TLB_WATCHED ((uint64_t)1 << 41) /* in TlbEntry.write: RAM that may be written, but someone watches the page */
typedef struct TlbEntry {
    uint64_t read, write, exec;
    uintptr_t addend;
} TlbEntry;

/*
 * Where pages of translated code were found: like a TlbEntry's exec, but apart, so that code and its data do not drive each
 * other out, and in one word: the number of the page in host memory, shifted by FETCH_SHIFT, and of the linear page.
 * Dropped as TlbEntry is: see tlb_dropped.
 */
#define FETCH_SIZE 4096u
#define FETCH_SHIFT 20
#define FETCH_NONE (~(uint64_t)0)
typedef uint64_t FetchEntry;

/*
 * Where translated code's indirect jumps and calls went lately, by eip. Good while tag is the eip and quick_tag, in which are the mode
 * that code runs in and how often pages of code were forgotten.
 */
#define QUICK_SIZE 4096u
#define QUICK_NONE (~(uint64_t)0)
typedef struct QuickJump {
    uint64_t tag;
    const void *code;
} QuickJump;

typedef struct Msrs {
    uint64_t tsc_offset; /* guest TSC = host-rate counter + offset */
    uint64_t apic_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat;
    uint64_t mtrr_def, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8];
    uint64_t misc_enable, bios_sign;
    uint64_t mcg_status, mc[4][4]; /* per bank: CTL, STATUS, ADDR, MISC */
    uint64_t star, tsc_aux, debugctl;
} Msrs;

/* An interrupt or exception that was about to be delivered; the last VCPU_EVENTS are kept for explanations. */
typedef struct VcpuEvent {
    uint8_t vector;
    uint8_t kind;     /* EventKind (cpu/cpu.h) */
    bool has_error;
    bool nested;      /* met while the event before it was being delivered */
    uint32_t error;
    uint32_t flags;   /* EFLAGS but for the arithmetic bits */
    uint16_t cs, ss;
    uint8_t cpl;
    uint64_t rip, rsp;
    uint64_t cr2;     /* #PF: the address */
} VcpuEvent;
#define VCPU_EVENTS 32u

struct Insn;
struct CodeCache;
struct TCache;
struct Bus;
struct Ram;
struct CpuModel;

/*
 * A page that a device answers: the TLB's tags can't hold it, and a kernel reads its local APIC often. Valid while both
 * generations are what they were.
 */
enum { DEVICE_TLB_SIZE = 8 };
typedef struct DeviceTlbEntry {
    uint64_t page; /* linear */
    uint64_t gpa;
    struct Region *region; /* NULL: never filled */
    uint64_t tlb_generation;
    unsigned bus_generation;
    bool writable;
} DeviceTlbEntry;

typedef struct Vcpu {
    Gpr gpr[R_COUNT];
    uint64_t zero;    /* always 0: "no base" and "no index" point here */
    uint64_t rip;     /* while an instruction runs: address of the next one */
    uint64_t insn_rip; /* address of the instruction that runs: what a fault reports */
    uint16_t cc;      /* arithmetic flags, CC_* */
    uint32_t flags;   /* the rest of EFLAGS: arithmetic bits 0, FL_1 set */
    uint32_t attention; /* ATTN_*; use __atomic operations */
    uint8_t doing;    /* DOING_*, for who looks from another thread; may be of a moment ago */
    uint8_t cpl;      /* 0..3; 0 in real mode, 3 in V8086 mode */
    uint8_t mmu_idx;  /* MMU_* of ordinary data accesses */
    uint8_t shadow;   /* SHADOW_* left by the previous instruction */
    bool halted;
    bool nmi_blocked;
    bool shutdown;    /* triple fault: waits for reset */
    uint64_t sp_mask; /* 0xffff or 0xffffffff by SS.B */
    uint64_t lin_mask; /* linear addresses wrap here: 0xffffffff outside long mode */
    Seg seg[S_COUNT];
    Seg ldtr, tr;
    TableReg gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t pdpte[4]; /* PAE: latched at CR3, CR0 and CR4 writes. SDM 3A 4.4.1 */
    uint64_t dr[8];
    uint64_t debug_hits; /* DR6 bits of data and I/O breakpoints met by the instruction that runs */
    Fpu fpu;
    Msrs msr;
    TlbEntry tlb[MMU_COUNT][TLB_SIZE];
    uint8_t tlb_global[MMU_COUNT][TLB_SIZE]; /* 1: entry survives CR3 loads */
    uint64_t tlb_used[MMU_COUNT][TLB_SIZE / 64]; /* a bit for each entry that may hold something: flushes look at no others */
    uint64_t tlb_local[MMU_COUNT][TLB_SIZE / 64]; /* the same for those that may hold something that is not global... */
    uint64_t tlb_local_words[MMU_COUNT]; /* ...and a bit for each word of these that is not 0 */
    uint64_t *tlb_writable; /* a bit per page of RAM: some entry may let writes to it through */
    bool tlb_ready; /* entries have been made empty once */
    uint64_t tlb_generation; /* changes whenever any translation may have been dropped */
    uint8_t tlb_dropped;     /* TLB_DROPPED_*: which, since someone last looked and cleared it */
    uint64_t tlb_dropped_page; /* of TLB_DROPPED_PAGE */
    uint64_t tlb_large_lo, tlb_large_hi; /* span of large pages that have entries; lo > hi: none */
    DeviceTlbEntry device_tlb[2][DEVICE_TLB_SIZE]; /* by privilege and page */
    uint64_t a20_mask; /* ANDed to physical addresses */

    /* exceptions: fault_raise() fills fault and jumps */
    jmp_buf *catch_point;
    Fault fault;
    int delivering; /* vector being delivered, or -1: for double faults */

    /* an access to a page that a data breakpoint watches, from the slow memory path; NULL: nobody cares */
    void (*debug_access)(struct Vcpu *v, uint64_t addr, unsigned size, bool write);

    struct StoreLog *log; /* while every block runs twice (softmmu/storelog.h); else NULL */
    DebugHooks *hooks; /* a debugger or traces; NULL: none. Not owned. */
    VcpuEvent event[VCPU_EVENTS]; /* number n at n % VCPU_EVENTS */
    uint64_t event_count;

    /* inputs */
    uint32_t intr;     /* INTR line (atomic) */
    uint32_t nmi;      /* NMI edge latched (atomic) */
    IntAck int_ack;
    void (*reset_request)(void *opaque); /* triple fault, if the VM wants to know; may be NULL */
    void *reset_opaque;
    uint64_t (*apic_msr)(void *opaque, bool write, uint64_t value); /* IA32_APIC_BASE moved to the local APIC; may be NULL */
    void *apic_opaque;
    uint64_t (*tsc)(void *opaque); /* host-rate time stamp counter; NULL: the host's own */
    void *tsc_opaque;

    /*
     * FERR# and IGNNE#: how the PC reports x87 errors while CR0.NE is 0 (SDM 1 D.2). ferr is called when the pin changes;
     * the board turns its rise into IRQ 13 and sets ignne at a write to port F0h, which lets x87 instructions go on; the
     * CPU clears ignne when the pin falls. ferr NULL: nothing is wired, such errors are ignored.
     */
    void (*ferr)(void *opaque, bool level);
    void *ferr_opaque;
    bool ferr_level;
    bool ignne;

    /*
     * Asked by the translator between blocks when CPL is not what it was, and when it begins: is this user code run by
     * someone else? True: it comes back with EXIT_USER. May be NULL.
     */
    bool (*crossing)(void *opaque);
    void *crossing_opaque;
    Stretch stretch;

    /* surroundings, not owned */
    const struct CpuModel *model;
    struct Bus *mem, *io;
    struct Ram *ram;
    struct CodeCache *code;
    struct TCache *tcache; /* NULL: none */
    struct Windows *windows; /* NULL: none (softmmu/window.h) */
    FetchEntry fetch[2][FETCH_SIZE]; /* MMU_SUPER, MMU_USER */
    uint8_t fp_live; /* what of fpu is in the host's registers instead (tcache/fplive.h) */
    bool fpu_away;   /* the newest x87 and SSE state is a sandbox's: see vcpu_fpu() */
    void (*fpu_fetch)(void *opaque);
    void *fpu_fetch_opaque;
    uint8_t x87_seg;   /* while translated code runs: fpu.fds is to be segment x87_seg - 1's selector; 0: it is right */
    uint32_t x87_last; /* the same: fip, fop and fcs are of that X87Last (tcache/internal.h); 0: they are right */
    uint64_t host_sp; /* translated code's return stack (tcache/stubs.c): where it is empty */
    uint64_t host_sp_limit; /* where it is full; the highest number when a call shall look at attention */
    QuickJump quick[QUICK_SIZE];
    uint64_t quick_tag;
    void *site; /* while translated code calls a handler: which one (tcache/internal.h); else NULL */

    uint64_t insns; /* instructions executed, for statistics */
} Vcpu;

/* Tell the CPU to look at its inputs soon. Any thread. */
static inline void vcpu_attention(Vcpu *v, uint32_t bits)
{
    __atomic_fetch_or(&v->attention, bits, __ATOMIC_SEQ_CST);
    __atomic_store_n(&v->host_sp_limit, UINT64_MAX, __ATOMIC_RELEASE);
}

/*
 * In the CPU's thread, before fpu is looked at or changed: user code that ran directly may have left it in its sandbox, as what a kernel does next hardly
 * ever needs it. Whenever the CPU stands still for others to look at, it is at home.
 */
static inline void vcpu_fpu(Vcpu *v)
{
    if (__builtin_expect(v->fpu_away, 0))
        v->fpu_fetch(v->fpu_fetch_opaque);
}

static inline bool vcpu_protected(const Vcpu *v)
{
    return v->cr0 & CR0_PE;
}

static inline bool vcpu_v86(const Vcpu *v)
{
    return v->flags & FL_VM;
}

/* Real mode or V8086 mode: selectors are paragraph numbers. */
static inline bool vcpu_realish(const Vcpu *v)
{
    return !(v->cr0 & CR0_PE) || (v->flags & FL_VM);
}
