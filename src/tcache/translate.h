/*
 * Translation of one block: what its parts share.
 *
 * Flags. At every point of a block the guest's arithmetic flags are in the host's flags (host_ok), parked in AX (park_ok),
 * both, or nowhere when they are dead: written again before anything reads them and before anything can fault. What an
 * instruction does with them is its FlagUse. An instruction that may fault or call wants them parked (flags_park), for
 * compares destroy the host's; one that reads them, or writes only some, wants them in the host's (flags_host).
 *
 * Slow paths. Where the fast path of an instruction does not do (TLB miss, device, watched page, limit...), it jumps to
 * cold code behind the block, which runs the whole instruction by its interpreter handler and comes back after it. So
 * an instruction changes guest state only behind its last check.
 */
#pragma once

#include "tcache/emit.h"
#include "tcache/internal.h"
#include "tcache/spans.h"

typedef enum FlagUse {
    FLAGS_NONE,  /* neither read nor written */
    FLAGS_WRITE, /* all six written, none read */
    FLAGS_PART,  /* some written, others kept; dead flags after it mean that it need not see those before */
    FLAGS_READ,  /* read, perhaps written too */
} FlagUse;

typedef enum Kind {
    KIND_CALL,   /* by its handler */
    KIND_MODE,   /* by its handler, and the block goes on if what code is translated under is as it was */
    KIND_FINAL,  /* by its handler, and then the block is left for the run loop */
    KIND_INLINE, /* as host code */
    KIND_FAULTY, /* the same, and it may fault or go the slow way */
    KIND_BRANCH, /* as host code, ends the block */
    KIND_BRANCH_FAULTY,
} Kind;

typedef struct InsnPlan {
    uint8_t kind, flags;
    bool live; /* flags are wanted after it */
    bool quiet; /* KIND_FAULTY, by the window: it may fault, but destroys no flags, so they need not be parked */
} InsnPlan;

/* x87 instructions of the block whose pointers are not in Vcpu yet, by their number + 1; 0: none. See x87ptr.c. */
typedef struct X87Pending {
    uint8_t ip; /* the last one: FIP, FOP, FCS */
    uint8_t dp; /* the last one with an operand in memory: FDP, FDS */
} X87Pending;

typedef struct ColdPath {
    uint32_t site;   /* offset in the buffer */
    uint8_t *back;   /* where to come back */
    bool host_ok;    /* flags wanted in the host's there */
    bool xmm_ok, x87_ok; /* guest registers wanted in the host's there */
    bool mode;       /* by stub_mode */
    uint8_t *moved;  /* displacement of a jump to go on in another mode; NULL: none */
    bool final;      /* no coming back: what code is translated under may have changed */
    uint8_t span, k; /* the span that goes on behind instruction k, to be checked again; 0: none */
    uint8_t uncounted; /* instructions up to and with k that were not counted */
    uint32_t next;   /* eip behind it */
    X87Pending x87;  /* before it */
    uint16_t first_jump, jumps; /* in Tr.jump */
    uint16_t first_access, accesses; /* in Tr.access */
} ColdPath;

/* An access by the window, that may fault on the host: see WinAccess. */
typedef struct TrAccess {
    uint8_t *at;
    uint8_t fix;
} TrAccess;

#define SIDES_MAX 3 /* conditional jumps that a block goes on behind */

/* An edge's cold code is still to be written. */
typedef struct ColdEdge {
    uint8_t index; /* of the edge */
    uint8_t *extra[6]; /* jumps that lead there besides the edge's own */
    uint8_t extras;
    bool parked;
} ColdEdge;

typedef struct Tr {
    TCache *c;
    Vcpu *v;
    TransBlock *b;
    Emit e;
    uint32_t bits, cs_limit, cs_base;
    unsigned mode;
    bool host_ok, park_ok;
    bool xmm_ok, x87_ok; /* the guest's registers are surely in the host's: fplive.h */
    bool called;  /* decoding: an instruction before this one calls its handler */
    X87Pending x87;
    unsigned n;  /* instructions */
    bool more;   /* the first goes on beyond the page */
    unsigned k;  /* the one being translated */
    uint32_t eip, next; /* of that one */
    HostMem at;  /* where the memory operand is that was checked last */
    uint8_t raw[TRANS_INSNS][15];
    uint16_t offset[TRANS_INSNS]; /* in the block */
    Insn insn[TRANS_INSNS];
    InsnPlan plan[TRANS_INSNS];
    ColdPath cold[TRANS_INSNS];
    unsigned colds;
    uint8_t *jump[TRANS_INSNS * 6];
    unsigned jumps, jumps_before; /* jumps to the slow path; before this instruction */
    bool windowed;   /* this instruction's accesses to flat segments are by the window */
    uint8_t fix;     /* FIX_*: what is out of place in the code being emitted */
    TrAccess access[TRANS_INSNS * 4];
    unsigned accesses, accesses_before;
    uint8_t *quick_miss, *quick_back; /* of an indirect jump or call: where it does not find its target; where a call comes back */
    uint8_t *full, *full_back; /* of a call: where the return stack is full */
    unsigned sides, side; /* conditional jumps within the block; those emitted */
    unsigned look;       /* instruction before which the block looks for attention, + 1; 0: its edges backward do */
    uint8_t *look_jump;
    unsigned look_counted;
    X87Pending look_x87;
    unsigned counted, counted_before; /* instructions that the code has counted so far; before this one */
    ColdEdge cold_edge[2 + SIDES_MAX];
    unsigned cold_edges;
    /* spans.c; the span that is live at an instruction, from its check on, is span_at - 1 */
    Span span[SPANS_MAX];
    unsigned spans;
    uint8_t *span_jump[SPANS_MAX]; /* of its check, where it fails */
    uint8_t span_counted[SPANS_MAX];
    X87Pending span_x87[SPANS_MAX];
    uint8_t span_at[TRANS_INSNS];
    int16_t cover[TRANS_INSNS][SLOTS]; /* an operand's place in the span; -1: it is checked by itself */
    bool live_before[TRANS_INSNS];     /* would flags be wanted there, if there were no spans? */
    RegSym reg_sym[TRANS_INSNS + 1][8]; /* if there are spans, or x87 instructions with operands in memory */
} Tr;

static const uint8_t tr_host[8] = {H_R8, H_CX, H_DX, H_BX, H_R9, H_BP, H_SI, H_DI};

/* Register operands of Insn: byte offsets in Vcpu. */
static inline int tr_gpr(unsigned offset)
{
    return (offset - offsetof(Vcpu, gpr)) / sizeof(Gpr);
}
static inline bool tr_is_high(unsigned offset)
{
    return offset & 1;
}
static inline int tr_reg(unsigned offset)
{
    return tr_host[tr_gpr(offset)];
}

#define TR_VCPU(field) host_mem(H_R14, offsetof(Vcpu, field))

/* ---- plan.c ---- */
/* How to translate i. */
InsnPlan insn_plan(const Tr *t, const Insn *i);

/* ---- translate.c ---- */
void flags_park(Tr *t);
void flags_host(Tr *t);
/* The instruction has written all flags, to the host's. */
static inline void flags_written(Tr *t)
{
    t->host_ok = true;
    t->park_ok = false;
}
/* Inserted code destroyed the host's. */
static inline void flags_clobbered(Tr *t)
{
    t->host_ok = false;
}
/* al, ah: the flags as flags_park() leaves them -> the host's. */
void tr_unpark(Emit *e);
/* Where the next code goes. */
static inline Ref tr_here(const Tr *t)
{
    return ref_to(t->c, t->e.p);
}

/* ---- trleave.c ---- */
/* Jump to this instruction's slow path if cond holds. */
void tr_slow_if(Tr *t, unsigned cond);
/* Leave by edge n for target. backward: look whether anything asks for attention. */
void tr_edge(Tr *t, unsigned n, uint32_t target);
/* The edge whose displacement `at` has been emitted already: to a tr_plain_target(). */
void tr_edge_at(Tr *t, unsigned n, uint32_t target, uint8_t *at);
/* May edges to target be plain jumps? */
bool tr_plain_target(const Tr *t, uint32_t target);
/* Count the instructions up to and with this one. */
void tr_count(Tr *t);
/* The number of the edge by which a conditional jump within the block leaves. */
unsigned tr_side_edge(Tr *t);
/* Leave for the eip in r10d, by a jump, or a call that leaves the host's return address. Flags parked. */
void tr_indirect(Tr *t, bool call);
/* Return to the eip in r13d. Flags parked. */
void tr_return(Tr *t);
/* Note on the return stack that the call that is about to be emitted returns to eip. Behind it: where it returns to. */
void tr_call_begin(Tr *t, uint32_t eip);
void tr_call_end(Tr *t, unsigned edge, uint32_t eip);
/* tr_edge() by a call. */
void tr_edge_call(Tr *t, unsigned n, uint32_t target);
/* The block's cold code, behind all else. */
void tr_cold(Tr *t);

/* ---- address.c ---- */
/*
 * Tr.at = where the host finds the memory operand, which size bytes may be accessed at; else the slow path. Good until the next of
 * these three. They use r10-r12, and Tr.at may lie at r10.
 */
void tr_operand(Tr *t, const Insn *i, unsigned size, bool write);
/* The same for what lies at ESP + delta, and at the offset in reg (its low asize bytes) of seg. */
void tr_stack(Tr *t, int32_t delta, unsigned size, bool write);
void tr_pointer(Tr *t, int seg, int reg, unsigned asize, unsigned size, bool write);
/* Are all of its accesses, but for string instructions', by the window? */
bool tr_by_window(const Tr *t, const Insn *i);
/* The same for the offset in r10d, in a segment of 32-bit addresses. */
void tr_computed(Tr *t, int seg, unsigned size, bool write);
/* reg = offset of the operand in its segment, 32 bits. */
void tr_offset(Tr *t, const Insn *i, int reg);
/* Is there a span, and goes it on behind this instruction? Then r13 has its address. */
static inline bool tr_span_lives(const Tr *t)
{
    return t->span_at[t->k] && t->k < t->span[t->span_at[t->k] - 1].last;
}
/* Is the operand part of a span? Tr.at is it, then; nothing else is to be done for it. */
bool tr_covered(Tr *t, int slot, unsigned size, bool write);
/* Look in the TLB for bytes at linear address r10d: r13 = host address. A jump where that fails. Uses r11, r12 and flags. */
uint8_t *tr_tlb_span(Tr *t, unsigned bytes, bool write);
/* ESP += delta, as wide as the stack. Uses r11. */
void tr_stack_move(Tr *t, int32_t delta);

/* The operand is by the window: no host address of it is in a register. */
static inline bool tr_at_window(const Tr *t)
{
    return t->at.scale & HOST_WINDOW;
}

/* ---- trinsn.c, trsys.c, trbranch.c, trfp.c ---- emit the instruction */
void tr_integer(Tr *t, const Insn *i);
/* False: not one of its instructions. */
bool tr_system(Tr *t, const Insn *i);
/* Instructions that a lean helper does in place: MOV and POP to a segment register, VERW; a jump for when code is another one behind it, or NULL. */
bool tr_is_lean(const Insn *i);
uint8_t *tr_lean(Tr *t, const Insn *i);
void tr_branch(Tr *t, const Insn *i);
void tr_fp(Tr *t, const Insn *i, const uint8_t *raw);
/* Must flags be parked before it, though its memory operand does not ask for it? */
bool fp_wants_parked(const Tr *t, const Insn *i);
/* The plan for rows from ROW_F2XM1 on. */
InsnPlan fp_insn_plan(const Tr *t, const Insn *i);
/* What spans need to know of them, when they are done in place: which general registers change, whether memory is written. */
unsigned fp_writes_gprs(const Insn *i, const uint8_t *raw);
bool fp_writes_memory(const Insn *i, const uint8_t *raw);
/* What it needs in the host's registers, done in place: FP_XMM, FP_X87 or 0. */
unsigned fp_needs(const Insn *i);
/* See to it, if they may not be there. Parks flags. */
void fp_ensure(Tr *t, unsigned needs);
/* With its operand in a span, can it still fault or go the slow way? */
bool fp_may_fail(const Insn *i);
/* Does its handler use the host's x87, or look at or change Vcpu.fpu's part of it? */
bool fp_touches_x87(const Tr *t, const Insn *i);

/* ---- x87ptr.c ---- */
/* Is it an x87 instruction, done in place, that sets FDP? */
bool x87_points(const Tr *t, unsigned k);
/* The x87 instruction has run, or this one is about to run. */
void x87ptr_note(Tr *t, const Insn *i);
void x87ptr_before(Tr *t);
/* Put what is pending before instruction k into Vcpu. Uses r11. */
void x87ptr_emit(Tr *t, X87Pending x, unsigned k);
/* The same here, and nothing is pending any more. */
void x87ptr_settle(Tr *t);
