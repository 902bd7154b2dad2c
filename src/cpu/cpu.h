/*
 * What the architecture does: the calls by which the parts of src/cpu/ use each other.
 *
 * interp.c runs instructions; alu.c, string.c, x87*.c, sse*.c... hold their handlers; seg.c, far.c, event.c, task.c,
 * control.c, msr.c, cpuid.c, debug.c, ioport.c hold the system architecture.
 */
#pragma once

#include "cpu/eflags.h"
#include "frontend/insn.h"
#include "softmmu/mem.h"

/* Why interp_run() (later: any engine) came back. */
typedef enum Exit {
    EXIT_BUDGET,   /* ran the instructions asked for */
    EXIT_STOP,     /* ATTN_STOP was set */
    EXIT_HALT,     /* HLT, nothing pending: sleep until an input changes */
    EXIT_SHUTDOWN, /* triple fault */
    EXIT_DEBUG,    /* Vcpu.hooks asked for it */
    EXIT_USER,     /* Vcpu.crossing asked for it: user code begins that another engine runs */
} Exit;

/* What a CPU has beyond instructions; CpuModel.system has a bit for each. */
typedef enum CpuSystem {
    C_VME, C_DE, C_PSE, C_PAE, C_MCE, C_APIC, C_MTRR, C_PGE, C_MCA, C_PAT, C_PSE36, C_NX,
    C_UMIP,
    C_HYPERVISOR, /* says that this is a virtual machine */
    C_COUNT
} CpuSystem;

typedef struct CpuModel {
    const char *name;  /* as in -cpu */
    const char *vendor; /* 12 characters */
    uint32_t signature; /* CPUID(1).EAX */
    uint64_t features;  /* bits by InsnFeature */
    const char *brand;  /* CPUID(8000_0002h..), up to 47 characters; NULL for none */
    uint64_t system;    /* bits by CpuSystem */
    uint32_t max_leaf;     /* CPUID(0).EAX */
    uint32_t max_ext_leaf; /* CPUID(8000_0000h).EAX, 0 for none */
} CpuModel;

/* NULL for an unknown name. names for `-cpu help`: cpu_model_nth(n), NULL past the end. The first is the default. */
const CpuModel *cpu_model_find(const char *name);
const CpuModel *cpu_model_nth(int n);
/*
 * The argument of -cpu: a model's name and, after commas, features to add and take away: "pentium3,+sse2,-apic"
 * ("sse2=on", "apic=off" too). A new CpuModel, to be freed with g_free(); NULL and an error that says what is known.
 */
CpuModel *cpu_model_parse(const char *spec, GError **error);

/* ---- vcpu.c ---- */
/* A CPU in its reset state. mem, io, ram are not owned. */
Vcpu *vcpu_new(const CpuModel *model, struct Bus *mem, struct Bus *io, struct Ram *ram);
void vcpu_free(Vcpu *v);
/* Power-up state, SDM 3A table 9-1. */
void vcpu_reset(Vcpu *v);

/* ---- interp.c ---- */
/*
 * Run until something asks for attention that the caller must handle, or about max_insns instructions (exact; 0: no
 * bound). Delivers exceptions and interrupts itself.
 */
Exit interp_run(Vcpu *v, uint64_t max_insns);
/* For other engines, with a catch point set: one instruction, with everything looked at before and after it. */
void interp_step(Vcpu *v);
/* Likewise so many instructions, by whole blocks where nothing must be looked at in between. */
void interp_insns(Vcpu *v, uint64_t count);
/* Take and deal with Vcpu.attention. True: go on running; false: *exit says why not. */
bool interp_attend(Vcpu *v, Exit *exit);

/* ---- seg.c ---- */
/* Recompute read_max/write_max (and, for SS and CS, sp_mask) after base, limit or attr changed. */
void seg_derive(Vcpu *v, int seg);
/* Load a segment register as MOV/POP/LDS do: real, V8086 or protected rules; raises #GP, #NP, #SS. Not for CS. */
void seg_load(Vcpu *v, int seg, uint16_t sel);
/* Set real-mode style: base = sel << 4; limit and attributes as the mode asks. */
void seg_set_real(Vcpu *v, int seg, uint16_t sel);
/* CPL changed: mmu_idx follows. */
void cpu_set_cpl(Vcpu *v, int cpl);

/* For SGDT, SIDT, SLDT, STR and SMSW: with CR4.UMIP, #GP(0) outside CPL 0. SDM 3A 2.5 */
static inline void cpu_need_sight(Vcpu *v)
{
    if (G_UNLIKELY((v->cr4 & CR4_UMIP) && v->cpl != 0))
        fault_gp0(v);
}

/* ---- far.c ---- far transfers: opsize in bytes; the near pointer is already known */
void far_jump(Vcpu *v, uint16_t sel, uint64_t off, unsigned opsize);
void far_call(Vcpu *v, uint16_t sel, uint64_t off, unsigned opsize);
void far_return(Vcpu *v, unsigned opsize, uint16_t extra_bytes);
/* Near transfer: checks the CS limit, #GP(0). */
static inline void near_jump(Vcpu *v, uint64_t rip)
{
    if (G_UNLIKELY(rip > v->seg[S_CS].limit))
        fault_gp0(v);
    v->rip = rip;
}

/* ---- event.c ---- */
/* How an event came to be: decides EXT bit, privilege checks of INT n, and RF. */
typedef enum EventKind { EVENT_EXCEPTION, EVENT_EXTERNAL, EVENT_SOFT_INT, EVENT_INT3_INTO, EVENT_ICEBP } EventKind;
/*
 * Deliver through the IVT or IDT; return address is v->rip. May itself raise faults (caught by the run loop, which
 * combines them by the double-fault rules: event_deliver_fault()).
 */
void event_deliver(Vcpu *v, int vector, EventKind kind, bool has_error, uint32_t error);
/*
 * Deliver v->fault with rip back at insn_rip (traps excepted), escalating to #DF and shutdown by table 6-5. Called
 * by the run loop after a catch, with no catch point needed.
 */
void event_deliver_fault(Vcpu *v);
/* Software interrupt instructions: INT n (with VME redirection and IOPL checks), INT3, INTO, ICEBP. */
void event_soft_int(Vcpu *v, int vector, EventKind kind);

/* ---- control.c ---- checked loads; raise #GP(0) */
void cr0_write(Vcpu *v, uint64_t value);
void cr3_write(Vcpu *v, uint64_t value);
void cr4_write(Vcpu *v, uint64_t value);

/* ---- debug.c ---- */
/* Recompute what data/instruction breakpoints need watching, after DR or mode changes. */
void debug_update(Vcpu *v);
/* #DB conditions after an instruction (single-step by the TF it began with, data breakpoints hit): raises #DB. */
void debug_after_insn(Vcpu *v, bool tf_before);
/*
 * Instruction breakpoints at rip (RF clear): raises #DB before the instruction. Clears RF, which has then done its work:
 * an instruction that sets it (IRET) must find it set afterwards. SDM 3B 17.3.1.1
 */
void debug_before_insn(Vcpu *v);
/* Must the run loop look around every instruction: TF, RF, instruction breakpoints, a hit to report? */
static inline bool debug_wants_steps(const Vcpu *v)
{
    return (v->flags & (FL_TF | FL_RF)) || v->debug_hits || (v->dr[7] & 0xff);
}
/* An access of size bytes at a linear address, reported by the slow memory path when a DR watches it. */
void debug_data_access(Vcpu *v, Gva addr, unsigned size, bool write);

/* ---- ioport.c ---- */
/* Check I/O permission (CPL/IOPL/V8086, TSS bitmap): #GP(0). SDM 1 19.5 */
void io_check(Vcpu *v, uint16_t port, unsigned size);

/* ---- fpu (x87.c) ---- */
/* Reset and FNINIT state. */
void fpu_reset(Vcpu *v);
void fpu_init(Vcpu *v);
/* To and from the 512-byte FXSAVE image (32-bit layout, XMM0-7), for host transfer as well. */
void fpu_to_fxsave(const Vcpu *v, uint8_t image[512]);
void fpu_from_fxsave(Vcpu *v, const uint8_t image[512]);

static inline bool cpu_has_system(const Vcpu *v, CpuSystem c)
{
    return v->model->system >> c & 1;
}
static inline bool cpu_has(const Vcpu *v, InsnFeature f)
{
    return v->model->features >> f & 1;
}
